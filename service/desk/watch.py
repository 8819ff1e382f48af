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
from service.desk.notices import is_soon, last_said, mail_managers
from service.errors import LeadBusy
from service.ledger import health, watch
from service.ledger.locks import Room, try_hold
from service.ledger.outbox_rows import OutboxRow
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.line import Line, NotFound, Unknown
from service.rules import notices
from service.rules.means import UNSEEN_AFTER
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
# A carrier that gave so many no answer in a row is left alone until something else comes of age.
UNANSWERED_MAX = 3
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
        is left is asked about at its next age. Raises LedgerUnavailable."""
        now = self.desk.clock.now()
        since = min(self.seen_until or now - BEGINS_BEFORE, now)
        self.seen_until = now
        with self.desk.ledger.transaction() as conn:
            rows = [
                *watch.silent(conn, Channel.TEXT, TEXT_AGES, since, now),
                *watch.silent(conn, Channel.CALL, CALL_AGES, since, now),
            ]
        unanswered = 0
        for row in rows:
            if unanswered == UNANSWERED_MAX or not may_go_on():
                return
            try:
                unanswered = 0 if ask(self.desk, self.line, row) else unanswered + 1
            except LeadBusy as busy:
                log.info("message", page=row.id, outcome="not looked up", because=str(busy))


def ask(desk: Desk, line: Line, row: OutboxRow) -> bool:
    """Ask the carrier how far a message has come, and hear the answer as a receipt. False when
    the carrier gave none."""
    assert row.carrier_sid is not None, "only messages that the carrier has a name for are asked"
    look_up = line.look_up_call if row.channel is Channel.CALL else line.look_up_text
    found: TextStatus | CallStatus | NotFound | Unknown = look_up(row.id, row.carrier_sid)
    if isinstance(found, NotFound | Unknown):
        log.info("message", page=row.id, outcome="not looked up", because=str(found))
        return isinstance(found, NotFound)
    log.info("message", page=row.id, outcome="looked up", because=found.status)
    hear_receipt(desk, found)
    return True


def tell_stuck(desk: Desk) -> int:
    """Say once of each page that the carrier holds it back, and mail the managers once while
    any does, if they were not just now; how many there are."""
    now = desk.clock.now()
    with desk.ledger.transaction() as conn:
        stuck = [str(page_id) for page_id in stuck_pages(conn, now)]
        if not try_hold(conn, Room.WATCH):
            return len(stuck)  # another watch is telling
        said = last_said(conn, BEAT)
        told, mailed_at = list(said.get("stuck", ())), said.get("mailed_at")
        if stuck == told:
            return len(stuck)
        mailed = bool(told) and bool(said.get("mailed", True))
        if stuck and not mailed and not is_soon(mailed_at, now):
            mail_managers(desk, conn, notices.pages_stuck(len(stuck)), now)
            mailed, mailed_at = True, now.isoformat()
        health.beat(conn, BEAT, {"stuck": stuck, "mailed": mailed, "mailed_at": mailed_at})
    for page_id in stuck:
        if page_id not in told:
            log.warning("message", page=page_id, outcome="stuck in the carrier's queue")
    if told and not stuck:
        log.info("message", outcome="nothing is stuck any more")
    return len(stuck)


def stuck_pages(conn: Connection, now: datetime) -> list[str]:
    """Text pages that the carrier accepted 20 s ago or longer, and says it still holds."""
    return [*watch.stuck(conn, now - STUCK_FOR_AT_MOST, now - UNSEEN_AFTER)]
