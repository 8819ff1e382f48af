"""The watch: messages without an end are looked up at the carrier; what is stuck is told once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from service.desk.settling import settle
from service.desk.take_in import TakenIn
from service.desk.taking import Taking
from service.desk.watch import UNANSWERED_MAX, Watch, stuck_pages, tell_stuck
from service.ledger import leads
from service.ledger.engine import Ledger
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.line import Accepted, CallOrder, NotFound, SendOutcome, TextOrder, Unknown
from service.rules.lead import PageId
from service.rules.timeline import Channel
from tests.rooms.desk_world import TEAM, World

WITH_MAIL = TEAM.replace(
    'name: Mia Fox, phone: "+12125550109"',
    'name: Mia Fox, phone: "+12125550109", email: mia@example.com',
)


@dataclass
class KnowingLine:
    """A carrier that is only asked how far things have come; ``asked`` by which names."""

    status: str = "sent"
    code: int | None = None
    knows: bool = True
    silent: bool = False
    asked: list[str] = field(default_factory=list)

    def warm(self) -> None: ...

    def send_text(self, order: TextOrder) -> SendOutcome:
        raise AssertionError("the watch sends nothing")

    def place_call(self, order: CallOrder) -> SendOutcome:
        raise AssertionError("the watch calls nobody")

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        raise AssertionError("the watch ends no call")

    def find_sent(
        self,
        order: TextOrder | CallOrder,
        since: datetime,
        known_sids: frozenset[str] = frozenset(),
    ) -> Accepted | NotFound | Unknown:
        raise AssertionError("the watch knows the carrier's names")

    def look_up_text(self, page_id: PageId, sid: str) -> TextStatus | NotFound | Unknown:
        self.asked.append(sid)
        if self.silent:
            return Unknown("timeout")
        return TextStatus(page_id, sid, self.status, self.code) if self.knows else NotFound()

    def look_up_call(self, page_id: PageId, sid: str) -> CallStatus | NotFound | Unknown:
        self.asked.append(sid)
        return CallStatus(page_id, sid, self.status, code=self.code)


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    return World(fresh_ledger, team=WITH_MAIL, mail=True)


@pytest.fixture
def line() -> KnowingLine:
    return KnowingLine()


@pytest.fixture
def watch(world: World, line: KnowingLine) -> Watch:
    return Watch(world.desk, line)


def sent(world: World) -> tuple[TakenIn, Taking]:
    lead = world.asks()
    world.looks(lead)
    (taking,) = world.sends_all(Accepted("SM-of-the-page", "queued"))
    return lead, taking


def turns(world: World, watch: Watch, seconds: int, step: int = 1) -> None:
    """Time passes, and the watch takes a turn each so many seconds."""
    for _ in range(seconds // step):
        world.clock.moves(step)
        watch.turn(lambda: True)


# Looking up


def test_a_text_without_a_receipt_is_asked_about_at_growing_distance(
    world: World, watch: Watch, line: KnowingLine
) -> None:
    sent(world)
    turns(world, watch, 14)
    assert line.asked == []
    turns(world, watch, 1)
    assert line.asked == ["SM-of-the-page"]
    turns(world, watch, 15)
    assert len(line.asked) == 2
    turns(world, watch, 3600, step=7)
    assert len(line.asked) == 6


def test_what_the_carrier_says_is_a_receipt(world: World, watch: Watch, line: KnowingLine) -> None:
    lead, _ = sent(world)
    line.status = "delivered"
    turns(world, watch, 60)
    assert world.kinds(lead)[-1] == "page_delivered"
    assert len(line.asked) == 1


def test_a_failure_that_nobody_told_us_goes_on_at_once(
    world: World, watch: Watch, line: KnowingLine
) -> None:
    lead, _ = sent(world)
    line.status, line.code = "undelivered", 30003
    world.woken.clear()
    turns(world, watch, 15)
    assert world.kinds(lead)[-1] == "page_failed"
    assert world.woken == [lead.lead_id]
    world.looks(lead)
    assert [f["channel"] for f in world.facts(lead, "paged")] == ["text", "call"]


def test_what_has_come_to_an_end_is_not_asked_about(
    world: World, watch: Watch, line: KnowingLine
) -> None:
    _, taking = sent(world)
    world.receipt(taking, "delivered")
    turns(world, watch, 120)
    assert line.asked == []


def test_an_answer_that_says_nothing_changes_nothing(
    world: World, watch: Watch, line: KnowingLine
) -> None:
    lead, _ = sent(world)
    line.knows = False
    turns(world, watch, 30)
    assert len(line.asked) == 2
    assert world.kinds(lead) == ["arrived", "paged", "page_sent"]


def test_a_call_whose_end_nobody_told_is_asked_about_after_a_minute(
    world: World, watch: Watch, line: KnowingLine
) -> None:
    lead, taking = sent(world)
    world.receipt(taking, "delivered")
    world.clock.moves(45)
    world.looks(lead)
    world.sends_all(Accepted("CA-of-the-page", "queued"))
    line.status = "failed"
    turns(world, watch, 59)
    assert line.asked == []
    turns(world, watch, 1)
    assert line.asked == ["CA-of-the-page"]
    assert world.kinds(lead)[-1] == "page_failed"


def test_time_that_jumps_skips_nothing_and_asks_once(
    world: World, watch: Watch, line: KnowingLine
) -> None:
    sent(world)
    turns(world, watch, 1)
    world.clock.moves(3600)
    watch.turn(lambda: True)
    assert line.asked == ["SM-of-the-page"]


def test_a_watch_that_begins_asks_about_what_came_of_age_while_there_was_none(
    world: World, line: KnowingLine
) -> None:
    sent(world)
    world.clock.moves(40)
    Watch(world.desk, line).turn(lambda: True)
    assert line.asked == ["SM-of-the-page"]


def test_a_clock_set_back_stops_no_watch(world: World, watch: Watch, line: KnowingLine) -> None:
    turns(world, watch, 30)
    world.clock.moves(-3600)
    sent(world)
    turns(world, watch, 15)
    assert line.asked == ["SM-of-the-page"]


def test_a_turn_that_may_not_go_on_asks_nothing_more(
    world: World, watch: Watch, line: KnowingLine
) -> None:
    sent(world)
    world.clock.moves(15)
    watch.turn(lambda: False)
    assert line.asked == []


# What is stuck


def held_back(world: World, status: str = "queued") -> tuple[TakenIn, Taking]:
    """A page that the carrier says it still holds."""
    lead, taking = sent(world)
    world.receipt(taking, status)
    return lead, taking


def stuck(world: World) -> int:
    with world.ledger.transaction() as conn:
        return len(stuck_pages(conn, world.clock.now()))


@pytest.mark.parametrize("status", ["accepted", "queued", "sending"])
def test_a_page_that_stays_in_the_queue_is_stuck_after_20_seconds(
    world: World, status: str
) -> None:
    held_back(world, status)
    world.clock.moves(19)
    assert stuck(world) == 0
    world.clock.moves(1)
    assert stuck(world) == 1
    world.clock.moves(3600)
    assert stuck(world) == 0


def test_what_the_carrier_has_sent_or_nobody_asked_about_is_not_stuck(world: World) -> None:
    sent(world)
    held_back(world, "sent")
    held_back(world, "delivered")
    world.clock.moves(60)
    assert stuck(world) == 0


def test_managers_are_mailed_once_while_something_is_stuck(world: World) -> None:
    _, first = held_back(world)
    world.clock.moves(20)
    assert [tell_stuck(world.desk), tell_stuck(world.desk)] == [1, 1]
    (mail,) = world.mails_all()
    assert mail.to == "mia@example.com"
    assert mail.words.startswith("1 page waits in the carrier's queue")
    held_back(world)
    world.clock.moves(20)
    assert tell_stuck(world.desk) == 2
    assert world.mails_all() == []
    for page in world.sent:
        world.receipt(page, "sent")
    assert tell_stuck(world.desk) == 0
    assert first.row.channel is Channel.TEXT


def test_a_queue_that_is_slow_again_and_again_is_mailed_about_once_in_ten_minutes(
    world: World,
) -> None:
    """Each page of a slow sender may wait for a little over 20 seconds."""
    mailed = []
    for _ in range(12):
        _, page = held_back(world)
        world.clock.moves(20)
        assert tell_stuck(world.desk) == 1
        mailed.append(len(world.mails_all()))
        world.receipt(page, "sent")
        assert tell_stuck(world.desk) == 0
        world.clock.moves(100)
    assert mailed == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]


def test_a_carrier_that_does_not_answer_is_left_alone(
    world: World, watch: Watch, line: KnowingLine
) -> None:
    for _ in range(10):
        sent(world)
    world.clock.moves(15)
    line.silent = True
    watch.turn(lambda: True)
    assert len(line.asked) == UNANSWERED_MAX


def test_a_lead_that_is_busy_keeps_no_other_from_being_asked_about(
    world: World, line: KnowingLine
) -> None:
    busy, _ = sent(world)
    other, _ = sent(world)
    line.status = "delivered"
    world.clock.moves(15)
    with world.in_a_hurry() as desk, world.ledger.transaction() as conn:
        leads.lock_lead(conn, busy.lead_id)
        Watch(desk, line).turn(lambda: True)
    assert world.kinds(other)[-1] == "page_delivered"


def test_settling_by_look_up_is_settling_as_ever(world: World, line: KnowingLine) -> None:
    lead, taking = sent(world)
    line.status = "delivered"
    world.clock.moves(15)
    Watch(world.desk, line).turn(lambda: True)
    settle(world.desk, taking.row, Accepted("SM-of-the-page", "queued"))
    world.receipt(taking, "delivered")
    assert world.kinds(lead) == ["arrived", "paged", "page_sent", "page_delivered"]


def test_a_receipt_puts_off_the_look_that_waited_for_it(world: World) -> None:
    dana = world.asks()
    world.looks(dana)
    rung_at = world.row(dana).look_again_at
    (taking,) = world.sends_all()
    sent_at = world.clock.now()
    assert world.row(dana).look_again_at == sent_at + timedelta(seconds=20)
    assert world.receipt(taking, "delivered")
    assert world.row(dana).look_again_at == rung_at


def test_a_receipt_puts_off_nothing_that_is_due(world: World) -> None:
    dana = world.asks()
    world.looks(dana)
    (taking,) = world.sends_all()
    world.clock.moves(50)
    due_at = world.row(dana).look_again_at
    assert world.receipt(taking, "delivered")
    assert world.row(dana).look_again_at == due_at
    world.looks(dana)
    assert [page["channel"] for page in world.facts(dana, "paged")] == ["text", "call"]
