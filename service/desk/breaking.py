"""The carrier's breaker, asked at each settlement: a channel on which message after message fails
is left alone for a while, and pages go by the other and by e-mail.

It counts messages, not tries: one that is sent once more has not failed yet. A refusal that is
about one phone, or one message's words, says nothing of the carrier.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.notices import is_soon, last_said, mail_managers
from service.ledger import breaker, counts, health
from service.ledger.breaker import Opened
from service.ledger.counts import Delta
from service.ledger.outbox_rows import OutboxRow
from service.phone.codes import fails_everybody
from service.phone.line import Accepted, Busy, NotFound, Rejected, SendOutcome, Unknown
from service.rules import notices
from service.rules.timeline import Channel

log = structlog.get_logger("breaker")


def note(
    desk: Desk,
    conn: Connection,
    row: OutboxRow,
    outcome: SendOutcome | NotFound,
    now: datetime,
    *,
    news: bool,
    again: bool,
) -> bool:
    """Heed what came of a message; True when the breaker opened or closed, so that open leads are
    to be looked at after the commit.

    ``news``: it was settled just now and not before; ``again``: it is sent once more.
    """
    if row.channel is Channel.EMAIL:
        return False  # a mail server is not the carrier
    if isinstance(outcome, Accepted):
        return _went_well(desk, conn, row.channel, now)
    why = _fault(outcome)
    if why is None or not news or again:
        return False
    return _failed(desk, conn, row, now, why)


def _fault(outcome: SendOutcome | NotFound) -> str | None:
    """The carrier's or the account's fault in one word; None when it was neither's."""
    match outcome:
        case Rejected(code=code, reason=reason):
            return f"{reason} {code}" if fails_everybody(code) else None
        case Busy(why=why) | Unknown(why=why):
            return why
        case NotFound():
            return "not found"
        case Accepted():
            return None


def _failed(desk: Desk, conn: Connection, row: OutboxRow, now: datetime, why: str) -> bool:
    opened = breaker.note_failure(conn, row.channel, now, why)
    if opened is None:
        return False
    labels = {"channel": opened.channel.value}
    key = f"breaker:{opened.channel}:{opened.until.isoformat()}"
    counts.count(conn, [Delta(key, "carrier_breaker_opened_total", labels)])
    _tell_open(desk, conn, opened, now)
    log.warning(
        "breaker",
        channel=opened.channel.value,
        outcome="opened again" if opened.again else "opened",
        because=why,
        until=opened.until.isoformat(),
    )
    return True


def _went_well(desk: Desk, conn: Connection, channel: Channel, now: datetime) -> bool:
    if not breaker.note_success(conn, channel):
        return False
    said = last_said(conn, _name(channel))
    if said.get("open"):
        mail_managers(desk, conn, notices.breaker_closed(channel), now)
        health.beat(conn, _name(channel), {**said, "open": False})
    log.info("breaker", channel=channel.value, outcome="closed")
    return True


def _tell_open(desk: Desk, conn: Connection, opened: Opened, now: datetime) -> None:
    """Mail the managers once an episode. One that follows another closely is told only if it
    lasts, so that a carrier that comes and goes fills nobody's mailbox."""
    said = last_said(conn, _name(opened.channel))
    if said.get("open") or is_soon(said.get("mailed_at"), now):
        return
    mail_managers(desk, conn, notices.breaker_opened(opened.channel, opened.why, opened.until), now)
    health.beat(conn, _name(opened.channel), {"open": True, "mailed_at": now.isoformat()})


def _name(channel: Channel) -> str:
    """Under which the ledger keeps what managers were told."""
    return f"breaker:{channel.value}"
