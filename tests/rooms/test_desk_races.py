"""Two at once: each race ends in one truth, whoever wins it. Threads meet at a barrier."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from service.desk.dispatch import Taking
from service.errors import LeadBusy
from service.ledger.engine import Ledger
from tests.rooms.desk_world import ANN, BOB, World

ROUNDS = 8


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    return World(fresh_ledger)


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Run the deeds in a thread each, let go together; what each returned or raised."""
    gate = Barrier(len(deeds))
    results: list[object] = [None] * len(deeds)

    def run(index: int, deed: Callable[[], object]) -> None:
        gate.wait()
        try:
            results[index] = deed()
        except Exception as raised:
            results[index] = raised

    threads = [Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_two_claims_one_wins_and_the_other_is_told(world: World) -> None:
    for _ in range(ROUNDS):
        lead = world.asks()
        world.pages(lead)
        world.clock.moves(120)
        world.pages(lead)
        at_once(lambda: world.texts(ANN, "1"), lambda: world.texts(BOB, "1"))
        kinds = world.kinds(lead)
        assert kinds.count("claimed") == 1
        assert kinds.count("claim_lost") == 1
        world.pages(lead)
        world.texts(ANN, "7")
        world.texts(BOB, "7")


def test_of_two_deliveries_one_is_the_lead_and_the_other_its_duplicate(world: World) -> None:
    for number in range(ROUNDS):
        phone = f"+1646777{number:04}"
        one, two = at_once(
            lambda phone=phone: world.asks("Dana", phone),  # type: ignore[misc]  # bound now
            lambda phone=phone: world.asks("Dana", phone),  # type: ignore[misc]  # bound now
        )
        assert one.lead_id == two.lead_id  # type: ignore[attr-defined]  # TakenIn, both
        assert {one.duplicate, two.duplicate} == {True, False}  # type: ignore[attr-defined]


def test_two_looks_at_once_page_once(world: World) -> None:
    for _ in range(ROUNDS):
        lead = world.asks()
        at_once(*[lambda lead=lead: world.looks(lead) for _ in range(3)])  # type: ignore[misc]
        assert world.kinds(lead).count("paged") == 1
        assert len(world.sends_all()) == 1


def test_a_claim_and_a_taking_at_once_never_send_after_the_claim(world: World) -> None:
    """Either the page was taken before the claim committed, or it is withdrawn."""
    for _ in range(ROUNDS):
        lead = world.asks()
        world.pages(lead)
        world.clock.moves(120)
        world.looks(lead)  # orders Bob's page
        taking, _ = at_once(world.takes, lambda: world.texts(ANN, "1"))
        if isinstance(taking, Taking):
            with world.ledger.transaction() as conn:
                from service.ledger import outbox

                row = outbox.row(conn, taking.row.id)
            assert row is not None
            assert row.state == "taken"
        assert not [t for t in world.sends_all() if t.row.kind == "page_text"]


def test_two_takers_never_take_one_message(world: World) -> None:
    leads = [world.asks() for _ in range(6)]
    for lead in leads:
        world.looks(lead)
    taken = at_once(*[world.takes for _ in range(6)])
    ids = [each.row.id for each in taken if isinstance(each, Taking)]
    assert len(ids) == len(set(ids))
    assert not [each for each in taken if isinstance(each, Exception)]


def test_a_lead_somebody_holds_is_busy_not_lost(world: World) -> None:
    lead = world.asks()
    with world.ledger.transaction() as conn:
        from service.ledger import leads

        leads.lock_lead(conn, lead.lead_id)
        impatient = Ledger(str(world_url(world)), lock_timeout_ms=50)
        other = World.__new__(World)
        other.__dict__.update(world.__dict__)
        other.desk = type(world.desk)(impatient, world.clock, world.desk.wake, world.desk.present)
        (raised,) = at_once(lambda: other.looks(lead))
        impatient.dispose()
    assert isinstance(raised, LeadBusy)
    assert world.looks(lead) is not None


def world_url(world: World) -> str:
    engine = world.ledger._engine
    return engine.url.render_as_string(hide_password=False)
