"""What the carrier tells of a call is heard once: a replay changes nothing and gets the same
document.

One transaction that holds the lead: what follows is written together with the name under which it
was told and what was answered. What it means is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk.calls.engagement import look_at_leads_of
from service.desk.desk import Desk
from service.desk.record import Held, hold, persistently
from service.ledger import inbound
from service.rules.lead import LeadId, RepId

log = structlog.get_logger("call")


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of it: the document that is answered, whether a look is due, and the rep who is
    free again, if one is."""

    document: str | None = None
    stirred: bool = False
    freed: RepId | None = None


@dataclass(frozen=True, slots=True)
class News:
    """Something told under a ``name`` of its own, which every delivery of it has."""

    name: str
    kind: str


def once(
    desk: Desk,
    news: News,
    lead_of: Callable[[Connection], LeadId | None],
    act: Callable[[Connection, Held, datetime], Heard],
    unknown: str | None = None,
) -> str | None:
    """Act on it unless it was heard before; the document that was answered then, or is now.

    ``unknown`` is answered when there is no such lead. ``act`` records; it may be called again
    while its lead is busy. Raises LeadBusy, LedgerUnavailable: then nothing was written.
    """
    return persistently(lambda: _once(desk, news, lead_of, act, unknown))


def _once(
    desk: Desk,
    news: News,
    lead_of: Callable[[Connection], LeadId | None],
    act: Callable[[Connection, Held, datetime], Heard],
    unknown: str | None,
) -> str | None:
    with desk.ledger.transaction() as conn:
        before = inbound.seen(conn, news.name)
        if before is not None:
            return before.answer
        lead_id = lead_of(conn)
        held = hold(conn, lead_id) if lead_id else None
        if held is None:
            log.warning("call", kind=news.kind, outcome="ignored", because="unknown call")
            return unknown
        # Asked again under the lead's lock: two deliveries of one thing are one.
        before = inbound.seen(conn, news.name)
        if before is not None:
            return before.answer
        now = desk.now_for(held.row.last_recorded_at)
        heard = act(conn, held, now)
        inbound.remember(conn, news.name, news.kind, held.id, heard.document, now)
    follow(desk, held.id, heard)
    return heard.document


def follow(desk: Desk, lead_id: LeadId, heard: Heard) -> None:
    """After the commit: wake whoever should look at what came of it."""
    if heard.stirred:
        desk.wake([lead_id])
    if heard.freed is not None:
        look_at_leads_of(desk, heard.freed)
