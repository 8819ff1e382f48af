"""Messages that the carrier accepted and said nothing final of: it is asked what became of them.

What it says is heard like a receipt, so that one that was lost on its way counts after all. Pages
that stay in its queue are told to the operator. Whom to page meanwhile is the rules' affair, and
waits for nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.hear_line import hear_receipt
from service.desk.notices import mail_managers
from service.ledger import health, watch
from service.ledger.locks import Room, try_hold
from service.ledger.outbox_rows import OutboxRow
from service.ledger.reach import RECEIPT_WITHIN
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.line import Line, NotFound, Unknown
from service.rules import notices
from service.rules.timeline import Channel


def _ages(*seconds: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=each) for each in seconds)


# How long after its acceptance a message is asked about, while nothing final was heard. First a
# little before a rep would be called for want of a receipt; then ever more rarely.
TEXT_AGES = _ages(15, 30, 60, 180, 600, 1800)
# No page rings for a minute: by then its end was told, or its telling was lost.
CALL_AGES = _ages(60, 180, 600, 1800)
# Beginning anew (another process was killed), what came of age so lately is asked about too.
BEGINS_BEFORE = timedelta(seconds=30)
# A page that waited longer is an old story: its lead has gone on, and the alert was given.
STUCK_FOR_AT_MOST = timedelta(hours=1)
# The sign under which the ledger keeps what is stuck, so that each is said once.
BEAT = "watch"

log = structlog.get_logger("watch")


@dataclass
class Watch:
    """One watch, in the sweep's process. ``seen_until``: whatever came of age by then (business
    time) was asked about. Two may run; a message is then asked about twice."""

    desk: Desk
    line: Line
    seen_until: datetime | None = None

    def turn(self, may_go_on: Callable[[], bool]) -> None:
        """Ask about everything that has come of age; ends early when it may not go on, and what
        is left is asked about at its next age. Raises LedgerUnavailable, LeadBusy."""
        now = self.desk.clock.now()
        since = min(self.seen_until or now - BEGINS_BEFORE, now)
        self.seen_until = now
        with self.desk.ledger.transaction() as conn:
            rows = [
                *watch.silent(conn, Channel.TEXT, TEXT_AGES, since, now),
                *watch.silent(conn, Channel.CALL, CALL_AGES, since, now),
            ]
        for row in rows:
            if not may_go_on():
                return
            ask(self.desk, self.line, row)


def ask(desk: Desk, line: Line, row: OutboxRow) -> None:
    """Ask the carrier how far a message has come, and hear the answer as a receipt."""
    assert row.carrier_sid is not None, "only messages that the carrier has a name for are asked"
    look_up = line.look_up_call if row.channel is Channel.CALL else line.look_up_text
    found: TextStatus | CallStatus | NotFound | Unknown = look_up(row.id, row.carrier_sid)
    if isinstance(found, NotFound | Unknown):
        log.info("message", page=row.id, outcome="not looked up", because=str(found))
        return
    log.info("message", page=row.id, outcome="looked up", because=found.status)
    hear_receipt(desk, found)


def tell_stuck(desk: Desk) -> int:
    """Say once of each page that the carrier holds it back, and mail the managers when the first
    does; how many there are."""
    now = desk.clock.now()
    with desk.ledger.transaction() as conn:
        stuck = [str(page_id) for page_id in stuck_pages(conn, now)]
        if not try_hold(conn, Room.WATCH):
            return len(stuck)  # another watch is telling
        told = _told(conn)
        if stuck == told:
            return len(stuck)
        if stuck and not told:
            mail_managers(desk, conn, notices.pages_stuck(len(stuck)), now)
        health.beat(conn, BEAT, {"stuck": stuck})
    for page_id in stuck:
        if page_id not in told:
            log.warning("message", page=page_id, outcome="stuck in the carrier's queue")
    if told and not stuck:
        log.info("message", outcome="nothing is stuck any more")
    return len(stuck)


def stuck_pages(conn: Connection, now: datetime) -> list[str]:
    """Text pages that the carrier accepted 20 s ago or longer, and says it still holds."""
    return [*watch.stuck(conn, now - STUCK_FOR_AT_MOST, now - RECEIPT_WITHIN)]


def _told(conn: Connection) -> list[str]:
    beat = next((each for each in health.beats(conn) if each.name == BEAT), None)
    return list(beat.detail.get("stuck", ())) if beat else []
