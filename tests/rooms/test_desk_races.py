"""Two at once: each race ends in one truth, whoever wins it. Threads meet at a barrier."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Barrier, Thread

import pytest
from sqlalchemy import text

from service.desk.hear_fact import FactKind, OutsideFact, hear_fact
from service.desk.present import Present, load_team
from service.desk.take_in import TakenIn
from service.desk.taking import Taking
from service.desk.wanted import still_worth_sending
from service.errors import ConfigError, LeadBusy
from service.ledger import outbox
from service.ledger.engine import Ledger
from service.phone.line import (
    Accepted,
    Busy,
    CallOrder,
    NotFound,
    SendOutcome,
    TextOrder,
    Unknown,
)
from service.rules.lead import PageId, RepId
from service.team.file import parse_team
from tests.rooms.desk_world import ANN, BOB, PUBLIC_URL, TEAM, World
from workers.send import Senders

ROUNDS = 8
WAIT_MAX_S = 30.0


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
        other.desk = replace(world.desk, ledger=impatient)
        (raised,) = at_once(lambda: other.looks(lead))
        impatient.dispose()
    assert isinstance(raised, LeadBusy)
    assert world.looks(lead) is not None


def world_url(world: World) -> str:
    engine = world.ledger._engine
    return engine.url.render_as_string(hide_password=False)


# A sender and the carrier


@dataclass
class Carrier:
    """Says what the test has it say, one answer a message; ``meanwhile`` happens as it is asked."""

    says: list[SendOutcome]
    meanwhile: Callable[[], object] = lambda: None
    lists: Accepted | NotFound | Unknown = field(default_factory=NotFound)
    asked: int = 0

    def warm(self) -> None: ...

    def send_text(self, order: TextOrder) -> SendOutcome:
        self.asked += 1
        self.meanwhile()
        return self.says.pop(0)

    def place_call(self, order: CallOrder) -> SendOutcome:
        raise AssertionError("these pages are texts")

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        return NotFound()

    def look_up_text(self, page_id: PageId, sid: str) -> NotFound:
        return NotFound()

    def look_up_call(self, page_id: PageId, sid: str) -> NotFound:
        return NotFound()

    def find_sent(
        self, order: TextOrder | CallOrder, since: object, known_sids: frozenset[str] = frozenset()
    ) -> Accepted | NotFound | Unknown:
        return self.lists


def state_of(world: World, page_id: PageId) -> str:
    with world.ledger.transaction() as conn:
        row = outbox.row(conn, page_id)
    assert row is not None
    return row.state


def reaches(world: World, lead: TakenIn) -> None:
    """Bob has the lead on the phone, whoever was paged."""
    hear_fact(world.desk, lead.lead_id, OutsideFact(FactKind.CONTACTED, rep=RepId("bob")), "call")


def taken(world: World, lead: TakenIn) -> Taking:
    """The lead's first page, in a sender's hands."""
    world.looks(lead)
    taking = world.takes()
    assert isinstance(taking, Taking)
    return taking


def test_a_page_the_carrier_was_too_busy_for_is_not_tried_again_once_the_lead_is_taken(
    world: World,
) -> None:
    lead = world.asks()
    world.looks(lead)
    carrier = Carrier([Busy(0.0), Accepted("SM1", "queued")], lambda: reaches(world, lead))
    assert Senders(world.desk, carrier, PUBLIC_URL, 1)._one()
    assert carrier.asked == 1
    assert "page_sent" not in world.kinds(lead)
    assert "page_failed" not in world.kinds(lead)


def test_a_page_the_carrier_was_too_busy_for_is_tried_again_while_the_lead_waits(
    world: World,
) -> None:
    lead = world.asks()
    world.looks(lead)
    carrier = Carrier([Busy(0.0), Accepted("SM1", "queued")])
    assert Senders(world.desk, carrier, PUBLIC_URL, 1)._one()
    assert world.kinds(lead) == ["arrived", "paged", "page_sent"]


@pytest.mark.parametrize("paced", [True, False])
def test_a_page_that_waited_in_a_senders_hands_is_not_sent_after_a_claim(
    world: World, paced: bool
) -> None:
    lead = world.asks()
    taking = taken(world, lead)
    reaches(world, lead)
    carrier = Carrier([])
    senders = Senders(world.desk, carrier, PUBLIC_URL, 1)
    if paced:
        senders._see_off(replace(taking, wait_s=0.001))
    else:
        senders._given_one(taking.row, since=0.0)
    assert (carrier.asked, state_of(world, taking.row.id)) == (0, "failed")
    assert "page_failed" not in world.kinds(lead)


def test_a_page_that_waited_too_long_is_told_to_the_ladder(world: World) -> None:
    lead = world.asks()
    taking = taken(world, lead)
    assert still_worth_sending(world.desk, taking.row)
    world.clock.at = taking.row.not_after
    assert not still_worth_sending(world.desk, taking.row)
    assert not still_worth_sending(world.desk, taking.row)
    assert [fact["reason"] for fact in world.facts(lead, "page_failed")] == ["expired"]


def test_a_page_whose_answer_was_lost_is_looked_up_and_not_sent_twice(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    carrier = Carrier([Unknown("timeout")], lists=Accepted("SM1", "sent"))
    senders = Senders(world.desk, carrier, PUBLIC_URL, 1)
    assert senders._one()
    assert not senders._one()
    assert world.kinds(lead) == ["arrived", "paged", "page_sent"]


def test_a_page_the_carrier_does_not_know_is_repeated_once(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    carrier = Carrier([Unknown("timeout"), Unknown("timeout")])
    senders = Senders(world.desk, carrier, PUBLIC_URL, 1)
    assert [senders._one(), senders._one(), senders._one()] == [True, True, False]
    assert world.kinds(lead) == ["arrived", "paged", "page_failed"]


# The team


def test_a_pool_without_a_free_connection_does_not_wait_for_the_team(
    fresh_ledger_url: str,
) -> None:
    """Whoever asks holds a connection; another one for the team is not to be had."""
    ledger = Ledger(fresh_ledger_url, pool_size=1)
    world = World(ledger)
    before = world.desk.present.crew()
    world.desk.present._read_at = 0.0
    with ledger.transaction():
        assert world.desk.present.crew() is before
    with world.desk.present._lock:  # the reading in the background has come to its end
        ledger.dispose()


def test_an_old_team_is_not_what_a_process_wakes_up_with(world: World) -> None:
    before = world.desk.present.crew()
    load_team(
        world.ledger,
        parse_team(TEAM.replace("Sunrise", "Midday"), "team.yaml", (2026, 2027)),
        world.clock.now(),
    )
    deadline = time.monotonic() + WAIT_MAX_S
    world.desk.present._read_at = 0.0
    while (crew := world.desk.present.crew()) is before:
        assert time.monotonic() < deadline, "the new team was never read"
    assert crew.team.name == "Midday Solar"


def test_a_ledger_that_is_away_leaves_the_old_team(world: World) -> None:
    before = world.desk.present.crew()
    with world.ledger.transaction() as conn:
        conn.execute(text("alter table team_copy rename to team_away"))
    world.desk.present._read_at = 0.0
    assert world.desk.present.crew() is before


def test_without_any_team_the_first_to_ask_is_told(fresh_ledger: Ledger) -> None:
    with pytest.raises(ConfigError):
        Present(fresh_ledger).crew()
