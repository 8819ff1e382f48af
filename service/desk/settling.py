"""What came of a message that was taken: settled once, and what follows from it.

One transaction under the lead's lock. A page to a rep goes at least once: what may not have been
sent is looked up and, if still unknown, sent once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk import breaking, reach
from service.desk.carried import carried_by
from service.desk.desk import Desk
from service.desk.hear_line import PAGES, has_fact
from service.desk.present import floor_changed, floor_moves
from service.desk.record import Held, hold, numbered, record
from service.ledger import outbox, pace
from service.ledger.outbox_rows import OutboxRow
from service.phone.line import (
    Accepted,
    Busy,
    NotFound,
    Rejected,
    SendOutcome,
    Unknown,
)
from service.rules.answers import stirs
from service.rules.lead import LeadId
from service.rules.timeline import Fact, PageFailed, PageSent

ACTOR = "sender"

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
        if done.news and unsent and row.carried_by is None:
            # Once a text: by the time its last row is settled the phone may be sent the next one.
            pace.give_back_phone_slot(conn, row.id)
        floor_moved = floor_moves(conn, _floor_moved(desk, conn, row, outcome, now, done))
    log.info(
        "message",
        page=row.id,
        channel=row.channel,
        outcome=_because(outcome),
        again=done.again,
    )
    if wake is not None:
        desk.wake([wake])
    if floor_moved:
        floor_changed(desk.ledger, desk.clock.now())


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
    if row.carried_by is not None:
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
    pages = held is not None and row.kind in PAGES and row.rep_id is not None
    match outcome:
        case Accepted(sid=sid, status=status):
            news = outbox.settle_sent(conn, row.id, sid, status, now)
            if news:
                outbox.withdraw_repeat(conn, row.id)
            known = not pages or held is None or has_fact(held, PageSent, row.page_id)
            if known or not news or row.rep_id is None:
                return _Done(news, [])
            return _Done(news, [PageSent(row.page_id, row.rep_id, row.channel)])
        case Rejected(code=code, reason=reason):
            news = outbox.settle_failed(conn, row.id, code)
            # A refused number ends the channel; trouble with our account must not mark the rep.
            ends = outcome.ends_channel or outcome.blame == "number"
            return _Done(news, _nothing(row, reason, code, ends) if pages and news else [])
        case Busy(why=why):
            news = outbox.settle_failed(conn, row.id, None)
            return _Done(news, _nothing(row, why, None, False) if pages and news else [])
        case Unknown() | NotFound():
            news = outbox.settle_unsure(conn, row.id)
            if news and outbox.order_again(conn, row.id, now) is not None:
                return _Done(news, [], again=True)
            return _Done(news, _nothing(row, "unsure", None, False) if pages and news else [])


def _nothing(row: OutboxRow, reason: str, code: int | None, ends: bool) -> list[Fact]:
    return [came_to_nothing(row, reason, code, ends)]


def came_to_nothing(row: OutboxRow, reason: str, code: int | None, ends: bool) -> PageFailed:
    assert row.rep_id is not None
    return PageFailed(row.page_id, row.rep_id, row.channel, reason, code, ends_channel=ends)


def record_as_sender(
    conn: Connection, held: Held, facts: list[Fact], now: datetime, because: str
) -> None:
    record(conn, held, numbered(held, facts, at=now, now=now, because=because, actor=ACTOR))


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
