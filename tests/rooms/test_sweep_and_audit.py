"""The sweep finds what nobody looked at; the audit proves that nothing open is forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest
from sqlalchemy import text

from service.desk.dispatch import renew_leases
from service.desk.settling import settle
from service.desk.taking import Taking
from service.ledger import health
from service.ledger.engine import Ledger
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.line import Accepted, CallOrder, NotFound, SendOutcome, TextOrder, Unknown
from service.rules.lead import LeadId, PageId
from service.rules.timeline import Channel
from tests.rooms.desk_world import PUBLIC_URL, World
from workers.audit import Audit
from workers.sweep import Sweep

WAIT_MAX_S = 30.0


class SilentLine:
    """A carrier that knows of nothing unless told; what the sweep asks when a sender died."""

    def __init__(self) -> None:
        self.knows: Accepted | NotFound | Unknown = NotFound()

    def warm(self) -> None: ...

    def send_text(self, order: TextOrder) -> SendOutcome:
        raise AssertionError("the sweep sends nothing")

    def place_call(self, order: CallOrder) -> SendOutcome:
        raise AssertionError("the sweep sends nothing")

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        return NotFound()

    def look_up_text(self, page_id: PageId, sid: str) -> TextStatus | NotFound | Unknown:
        return NotFound()

    def look_up_call(self, page_id: PageId, sid: str) -> CallStatus | NotFound | Unknown:
        return NotFound()

    def find_sent(
        self, order: TextOrder | CallOrder, since: object, known_sids: frozenset[str] = frozenset()
    ) -> Accepted | NotFound | Unknown:
        return self.knows


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    return World(fresh_ledger)


@pytest.fixture
def line() -> SilentLine:
    return SilentLine()


@pytest.fixture
def sweep(world: World, line: SilentLine) -> Sweep:
    return Sweep(world.desk, line, PUBLIC_URL)


def pretend(world: World, statement: str) -> None:
    """Let PostgreSQL's clock have moved: only the test may write what time would have."""
    with world.ledger.transaction() as conn:
        conn.execute(text(statement))


def test_a_look_that_falls_due_is_woken_once(world: World, sweep: Sweep) -> None:
    lead = world.asks()
    world.pages(lead)
    world.woken.clear()
    sweep.round()
    assert world.woken == []
    world.clock.moves(45)
    sweep.round()
    sweep.round()
    assert world.woken == [lead.lead_id]


def test_a_lost_wake_is_looked_at_by_the_sweep_itself(world: World, sweep: Sweep) -> None:
    lead = world.asks()
    sweep.round()
    assert world.kinds(lead) == ["arrived"]
    pretend(world, "update lead set woken_at = clock_timestamp() - interval '3 seconds'")
    sweep.round()
    assert world.kinds(lead) == ["arrived", "paged"]


def test_a_head_start_is_given_once_a_round(world: World, sweep: Sweep) -> None:
    """After a long silence there may be many instants at which two leads fell due."""
    for _ in range(4):
        world.clock.moves(1)
        for _ in range(2):
            world.asks()
    pretend(world, "update lead set woken_at = null")
    batches: list[Sequence[LeadId]] = []
    sweep.desk = replace(world.desk, wake=lambda leads: batches.append(leads) is None)
    sweep.round()
    assert [len(batch) for batch in batches] == [1, 7]


def test_two_sweeps_wake_a_lead_once(world: World, sweep: Sweep, line: SilentLine) -> None:
    lead = world.asks()
    world.pages(lead)
    world.woken.clear()
    world.clock.moves(45)
    other = Sweep(world.desk, line, PUBLIC_URL)
    sweep.round()
    other.round()
    assert world.woken == [lead.lead_id]


def lapse(world: World) -> None:
    pretend(
        world,
        "update outbox set lease_until = clock_timestamp() - interval '1 second'"
        " where state = 'taken'",
    )


def test_a_dead_senders_page_is_sent_once_more_if_the_carrier_does_not_know_it(
    world: World, sweep: Sweep
) -> None:
    lead = world.asks()
    world.looks(lead)
    world.takes()
    lapse(world)
    sweep.settle_lapsed()
    (again,) = world.sends_all()
    assert again.row.again_of is not None
    assert world.kinds(lead) == ["arrived", "paged", "page_sent"]


def test_a_dead_senders_page_that_the_carrier_has_is_not_sent_again(
    world: World, sweep: Sweep, line: SilentLine
) -> None:
    lead = world.asks()
    world.looks(lead)
    world.takes()
    line.knows = Accepted("SM1", "delivered")
    lapse(world)
    sweep.settle_lapsed()
    assert world.sends_all() == []
    assert world.kinds(lead) == ["arrived", "paged", "page_sent"]


def test_a_receipt_that_came_is_proof_enough(world: World, sweep: Sweep) -> None:
    lead = world.asks()
    world.looks(lead)
    taking = world.takes()
    assert taking is not None
    world.receipt(taking, "sent")  # type: ignore[arg-type]  # a Taking
    lapse(world)
    sweep.settle_lapsed()
    assert world.sends_all() == []


def test_a_dead_senders_call_is_repeated_and_then_given_up(world: World, sweep: Sweep) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(45)
    world.looks(lead)
    for _ in range(2):
        world.takes()
        lapse(world)
        sweep.settle_lapsed()
    assert [fact["channel"] for fact in world.facts(lead, "page_failed")] == [Channel.CALL]


def test_a_live_sender_keeps_the_leases_it_has_in_hand_and_no_other(
    world: World, sweep: Sweep
) -> None:
    """A row whose sender lost the answer to its taking is in nobody's hands: it must run out."""
    kept, orphan = world.asks(), world.asks()
    world.looks(kept)
    in_hand = world.takes()
    world.five_seconds_pass()
    world.looks(orphan)
    world.takes()
    assert isinstance(in_hand, Taking)
    lapse(world)
    assert not renew_leases(world.desk, [])
    assert renew_leases(world.desk, [in_hand.row.id])
    sweep.settle_lapsed()
    assert [taking.row.lead_id for taking in world.sends_all()] == [orphan.lead_id]
    assert not renew_leases(world.desk, [PageId("unknown")])


class StubbornLine(SilentLine):
    """A carrier that breaks on the first question and answers the others."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def find_sent(
        self, order: TextOrder | CallOrder, since: object, known_sids: frozenset[str] = frozenset()
    ) -> Accepted | NotFound | Unknown:
        self.asked += 1
        if self.asked == 1:
            raise RuntimeError("a question that cannot be asked")
        return self.knows


def test_one_message_that_cannot_be_settled_starves_no_other(world: World) -> None:
    for _ in range(3):
        world.looks(world.asks())
        world.five_seconds_pass()
        world.takes()
    lapse(world)
    Sweep(world.desk, StubbornLine(), PUBLIC_URL).settle_lapsed()
    assert [len(taking.rows) for taking in world.sends_all()] == [2]


def test_a_round_does_not_ask_the_carrier(world: World) -> None:
    world.looks(world.asks())
    world.takes()
    lapse(world)
    line = StubbornLine()
    Sweep(world.desk, line, PUBLIC_URL).round()
    assert line.asked == 0


class SlowLine(SilentLine):
    """A carrier that answers a question only when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_answer = Event(), Event()

    def find_sent(
        self, order: TextOrder | CallOrder, since: object, known_sids: frozenset[str] = frozenset()
    ) -> Accepted | NotFound | Unknown:
        self.asked.set()
        assert self.may_answer.wait(WAIT_MAX_S)
        return self.knows


def test_leads_are_woken_while_the_carrier_thinks(world: World) -> None:
    world.looks(world.asks())
    world.takes()
    lapse(world)
    line, woken, stop = SlowLine(), Event(), Event()

    def wake(_: object) -> bool:
        woken.set()
        return True

    running = Thread(target=Sweep(replace(world.desk, wake=wake), line, PUBLIC_URL, stop).run)
    running.start()
    try:
        assert line.asked.wait(WAIT_MAX_S)
        woken.clear()
        world.clock.moves(45)
        assert woken.wait(WAIT_MAX_S)
    finally:
        stop.set()
        line.may_answer.set()
        running.join()


def test_a_copy_that_arrived_after_all_withdraws_its_repeat(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    first = world.takes()
    assert isinstance(first, Taking)
    settle(world.desk, first.row, Unknown("timeout"))
    settle(world.desk, first.row, Accepted("SM1", "sent"))
    assert world.takes() is None
    assert world.kinds(lead) == ["arrived", "paged", "page_sent"]


# The audit


def test_the_audit_finds_nothing_wrong_with_a_healthy_ledger(world: World) -> None:
    world.pages(world.asks())
    audited = Audit(world.desk).once()
    assert (audited.ok, audited.repaired) == (True, 0)


def test_the_audit_repairs_once_then_is_loud_and_clears_when_looked_at(world: World) -> None:
    lead = world.asks()
    world.clock.moves(120)
    audit = Audit(world.desk)
    assert audit.once().repaired == 1
    assert world.woken[-1] == lead.lead_id
    stuck = audit.once()
    assert (stuck.ok, stuck.stuck) == (False, 1)
    assert beat(world)["ok"] is False
    world.pages(lead)
    assert audit.once().ok
    assert beat(world)["ok"] is True


def test_a_message_nobody_sends_is_found(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    pretend(world, "update outbox set ordered_clock = clock_timestamp() - interval '5 minutes'")
    audit = Audit(world.desk)
    assert audit.once().repaired == 1
    assert audit.once().stuck == 1


def beat(world: World) -> dict[str, object]:
    with world.ledger.transaction() as conn:
        found = {each.name: each.detail for each in health.beats(conn)}
    return dict(found["audit"])


@pytest.fixture
def outside() -> Iterator[tuple[str, list[str]]]:
    """Somewhere outside that notes who pings it."""
    pings: list[str] = []

    class Pinged(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pings.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Pinged)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ping", pings
    server.shutdown()
    server.server_close()


def test_the_outside_hears_of_us_while_all_is_well_and_only_then(
    world: World, outside: tuple[str, list[str]]
) -> None:
    url, pings = outside
    audit = Audit(world.desk, url)
    world.asks()
    audit.once()
    assert pings == ["/ping"]
    world.clock.moves(120)
    audit.once()
    audit.once()
    assert len(pings) == 2  # once more while it was being repaired, then silence
    assert json.dumps(beat(world))
