"""What came of a message that was taken: settled once, and what follows from it.

One transaction under the lead's lock. A page to a rep goes at least once: what may not have been
sent is looked up and, if still unknown, sent once more.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.hear_line import PAGES, has_fact
from service.desk.hear_text import OPTED_OUT, go_deaf
from service.desk.present import floor_changed
from service.desk.record import Held, hold, numbered, record
from service.ledger import outbox
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


def settle(desk: Desk, row: OutboxRow, outcome: SendOutcome | NotFound) -> None:
    """Write down what came of a taken message, and what follows from it.

    Settling twice changes nothing. Raises LeadBusy, LedgerUnavailable: settle again, or leave it
    to the sweep, which asks the carrier once the lease has run out.
    """
    wake: LeadId | None = None
    gone_deaf = again = False
    with desk.ledger.transaction() as conn:
        held = hold(conn, row.lead_id) if row.lead_id else None
        now = desk.clock.now() if held is None else desk.now_for(held.row.last_recorded_at)
        facts, again = _settled(conn, row, held, outcome, now)
        if isinstance(outcome, Rejected) and outcome.reason == OPTED_OUT and row.rep_id:
            person = desk.present.crew().people.get(row.rep_id)
            gone_deaf = person is not None and go_deaf(desk, conn, person, now, outcome.code)
        if held is not None and facts:
            record_as_sender(conn, held, facts, now, _because(outcome))
            wake = held.id if any(stirs(fact) for fact in facts) else None
    log.info(
        "message",
        page=row.id,
        channel=row.channel,
        outcome=_because(outcome),
        again=again,
    )
    if wake is not None:
        desk.wake([wake])
    if gone_deaf:
        floor_changed(desk.ledger, desk.clock.now())


def _settled(
    conn: Connection,
    row: OutboxRow,
    held: Held | None,
    outcome: SendOutcome | NotFound,
    now: datetime,
) -> tuple[list[Fact], bool]:
    """Settle the row; the facts for its lead, and whether it was ordered once more."""
    pages = held is not None and row.kind in PAGES and row.rep_id is not None
    match outcome:
        case Accepted(sid=sid, status=status):
            news = outbox.settle_sent(conn, row.id, sid, status, now)
            if news:
                outbox.withdraw_repeat(conn, row.id)
            known = not pages or held is None or has_fact(held, PageSent, row.page_id)
            if known or not news or row.rep_id is None:
                return [], False
            return [PageSent(row.page_id, row.rep_id, row.channel)], False
        case Rejected(code=code, reason=reason):
            news = outbox.settle_failed(conn, row.id, code)
            # A refused number ends the channel; trouble with our account must not mark the rep.
            ends = outcome.ends_channel or outcome.blame == "number"
            fact = came_to_nothing(row, reason, code, ends)
            return ([fact] if pages and news else []), False
        case Busy(why=why):
            news = outbox.settle_failed(conn, row.id, None)
            fact = came_to_nothing(row, why, None, False)
            return ([fact] if pages and news else []), False
        case Unknown() | NotFound():
            news = outbox.settle_unsure(conn, row.id)
            if news and outbox.order_again(conn, row.id, now) is not None:
                return [], True
            fact = came_to_nothing(row, "unsure", None, False)
            return ([fact] if pages and news else []), False


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
