"""What came of a message that was taken: settled once, and what follows from it.

One transaction under the lead's lock. A page to a rep goes at least once: what may not have been
sent is looked up and, if still unknown, sent once more. A ring that connects a rep with a lead goes
at most once: what came of it is told to the rules, which ring anew or give up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk import breaking, reach
from service.desk.carried import carried_by
from service.desk.counting import call_queued
from service.desk.desk import Desk
from service.desk.hear_line import PAGES, has_fact, hear_receipt
from service.desk.present import floor_changed, floor_moves
from service.desk.record import Held, hold, numbered, record
from service.desk.taking import HANG_UP, RINGS
from service.ledger import calls, counts, outbox, outbox_calls, pace
from service.ledger.outbox_rows import OutboxRow
from service.phone.callbacks import CALL_RANKS, CallStatus
from service.phone.line import (
    Accepted,
    Busy,
    NotFound,
    Rejected,
    SendOutcome,
    Unknown,
)
from service.rules.answers import stirs
from service.rules.call_facts import RingFailed
from service.rules.lead import LeadId, PageId
from service.rules.timeline import Fact, PageFailed, PageSent

ACTOR = "sender"
# The reason of a ring of which nobody knows whether it was ever placed.
MAYBE_SENT = "unsure"

log = structlog.get_logger("send")


def settle(
    desk: Desk,
    row: OutboxRow,
    outcome: SendOutcome | NotFound,
    carried: Sequence[OutboxRow] | None = None,
) -> None:
    """Write down what came of a taken message, and what follows from it, for its own lead and those
    that it carried (None: they are looked up).

    Settling twice changes nothing. Raises LeadBusy, LedgerUnavailable: settle again, or leave it
    to the sweep, which asks the carrier once the lease has run out.
    """
    if row.kind == HANG_UP and isinstance(outcome, Accepted):
        _call_ended(desk, row)
    _settle_one(desk, row, outcome)
    for each in carried_by(desk, row) if carried is None else carried:
        _settle_one(desk, each, outcome)


def _settle_one(desk: Desk, row: OutboxRow, outcome: SendOutcome | NotFound) -> None:
    wake: LeadId | None = None
    with desk.ledger.transaction() as conn:
        held = hold(conn, row.lead_id) if row.lead_id else None
        now = desk.clock.now() if held is None else desk.now_for(held.row.last_recorded_at)
        done = _settled(conn, row, held, outcome, now)
        if held is not None and done.facts:
            record_as_sender(conn, held, done.facts, now, _because(outcome))
            wake = held.id if any(stirs(fact) for fact in done.facts) else None
        unsent = isinstance(outcome, Rejected | Busy | NotFound)
        if done.news:
            _count_queue(conn, row, held, outcome)
        if done.news and unsent and row.carried_by is None:
            # Once a text: by the time its last row is settled the phone may be sent the next one.
            pace.give_back_phone_slot(conn, row.id)
        floor_moved = floor_moves(conn, _floor_moved(desk, conn, row, outcome, now, done))
    log.info(
        "message",
        page=row.id,
        kind=row.kind,
        channel=row.channel,
        outcome=_because(outcome),
        again=done.again,
        **_queued(outcome),
    )
    if wake is not None:
        desk.wake([wake])
    if floor_moved:
        floor_changed(desk.ledger, desk.clock.now())


def _call_ended(desk: Desk, row: OutboxRow) -> None:
    """The carrier has ended the call that this order names: heard as its own last status would be,
    which may be lost, and until which that phone would be called by nobody. First, so that a lead
    that is busy leaves the order to be settled again."""
    leg = PageId(row.id.removesuffix(outbox_calls.HANG_UP_SUFFIX))
    hear_receipt(desk, CallStatus(leg, row.body, "canceled"))


@dataclass(frozen=True, slots=True)
class _Done:
    """A row that is settled: whether that was news, the facts for its lead, and whether it was
    ordered once more."""

    news: bool
    facts: list[Fact]
    again: bool = False


def _floor_moved(
    desk: Desk,
    conn: Connection,
    row: OutboxRow,
    outcome: SendOutcome | NotFound,
    now: datetime,
    done: _Done,
) -> bool:
    """What the outcome says of the phone and of the carrier; True when other leads must know.

    The phone's row first, then the breaker's, always after the lead's: never crosswise. One message
    is counted once, whatever it carried."""
    if row.carried_by is not None or row.kind == HANG_UP:
        return False
    code = outcome.code if isinstance(outcome, Rejected) else None
    deaf = reach.failed(desk, conn, row, now, code)
    broken = breaking.note(desk, conn, row, outcome, now, news=done.news, again=done.again)
    return deaf or broken


def _settled(
    conn: Connection,
    row: OutboxRow,
    held: Held | None,
    outcome: SendOutcome | NotFound,
    now: datetime,
) -> _Done:
    """Settle the row; what that came to."""
    if row.kind == HANG_UP:
        return _hung_up(conn, row, outcome, now)
    match outcome:
        case Accepted(sid=sid, status=status):
            news = outbox.settle_sent(conn, row.id, sid, status, now)
            if not news:
                return _Done(news, [])
            outbox.withdraw_repeat(conn, row.id)
            return _Done(news, _sent(held, row))
        case Rejected(code=code, reason=reason):
            news = outbox.settle_failed(conn, row.id, code)
            # A refused number ends the channel; trouble with our account must not mark the rep.
            ends = outcome.ends_channel or outcome.blame == "number"
            why = Nothing(reason, "failed", code, ends)
        case Busy(why=busy):
            news = outbox.settle_failed(conn, row.id, None)
            why = Nothing(busy, "failed")
        case Unknown() | NotFound():
            news = outbox.settle_unsure(conn, row.id)
            again = news and row.kind not in RINGS and outbox.order_again(conn, row.id, now)
            if again:
                return _Done(news, [], again=True)
            why = Nothing("unsure", MAYBE_SENT)
    return _Done(news, came_to_nothing(held, row, why) if news else [])


def _hung_up(
    conn: Connection, row: OutboxRow, outcome: SendOutcome | NotFound, now: datetime
) -> _Done:
    """An order to end a call, without a name at the carrier or a status to wait for. It is never
    ordered again: by then the call has ended by itself."""
    match outcome:
        case Accepted() | NotFound():
            ended = CALL_RANKS["completed"]
            return _Done(outbox.settle_sent(conn, row.id, None, "completed", now, ended), [])
        case Rejected(code=code):
            return _Done(outbox.settle_failed(conn, row.id, code), [])
        case Busy():
            return _Done(outbox.settle_failed(conn, row.id, None), [])
        case Unknown():
            return _Done(outbox.settle_unsure(conn, row.id), [])


def _sent(held: Held | None, row: OutboxRow) -> list[Fact]:
    """The carrier has a page; of other messages nothing is told."""
    if held is None or row.kind not in PAGES or row.rep_id is None:
        return []
    known = has_fact(held, PageSent, row.page_id)
    return [] if known else [PageSent(row.page_id, row.rep_id, row.channel)]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why a message came to nothing: in a page's words, and in a ring's (``RingFailed.reason``).
    ``ends``: whether the page's channel ends with it."""

    reason: str
    ring: str
    code: int | None = None
    ends: bool = False


LATE = Nothing("expired", "late")


def came_to_nothing(held: Held | None, row: OutboxRow, why: Nothing) -> list[Fact]:
    """What is told of a message that came to nothing, once: a page failed, or a ring did. A ring
    whose key was pressed has come to something, whatever became of the answer to our request."""
    if held is None or row.rep_id is None:
        return []
    if row.kind in PAGES:
        return [
            PageFailed(
                row.page_id, row.rep_id, row.channel, why.reason, why.code, ends_channel=why.ends
            )
        ]
    rings = (ring for ring in held.standing.rings if row.kind in RINGS and ring.leg == row.id)
    return [RingFailed(ring.rep, ring.call_id, ring.leg, why.ring) for ring in rings if ring.open]


def _count_queue(
    conn: Connection, row: OutboxRow, held: Held | None, outcome: SendOutcome | NotFound
) -> None:
    """How long the carrier says that a call will wait in its own queue: that we pace too fast."""
    queue_s = _queue_s(outcome)
    if queue_s is not None and not (held and held.row.test):
        counts.count(conn, list(call_queued(row.id, queue_s)))


def _queue_s(outcome: SendOutcome | NotFound) -> float | None:
    return outcome.queue_s if isinstance(outcome, Accepted) else None


def _queued(outcome: SendOutcome | NotFound) -> dict[str, float]:
    queue_s = _queue_s(outcome)
    return {} if queue_s is None else {"queue_s": queue_s}


def record_as_sender(
    conn: Connection, held: Held, facts: list[Fact], now: datetime, because: str
) -> None:
    record(conn, held, numbered(held, facts, at=now, now=now, because=because, actor=ACTOR))
    for fact in facts:
        if isinstance(fact, RingFailed) and fact.reason != MAYBE_SENT:
            _never_rang(conn, fact, now)


def _never_rang(conn: Connection, fact: RingFailed, now: datetime) -> None:
    """The call of a ring that surely never left is over; a caller's waits for others. One that may
    have left is kept: whoever it rings may still press its key."""
    row = calls.call(conn, fact.call_id)
    if row is not None and row.direction == "out" and not (row.dialled_at or row.settled_at):
        calls.save(conn, replace(row, settled_at=now))


def _because(outcome: SendOutcome | NotFound) -> str:
    match outcome:
        case Accepted(status=status):
            return f"accepted, {status}"
        case Rejected(reason=reason, code=code):
            return f"refused, {reason} ({code})"
        case Busy(why=why):
            return f"not sent, {why}"
        case Unknown(why=why):
            return f"unsure, {why}"
        case NotFound():
            return "unsure, the carrier does not know it"
