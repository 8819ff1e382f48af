"""Recordings that nobody told of: the carrier is asked, so that none is kept for ever unknown.

Two who talked were recorded, and the callback that names the recording was lost: what we know
nothing of we would never have deleted. Asked once of each call, outside any transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from service.desk.calls.recorded import keep_talk
from service.desk.desk import Desk
from service.errors import LeadBusy
from service.ledger import recordings
from service.phone.line import Line, NotFound, Unknown

# A recording is there, and told of, within seconds of its call's end.
ASKED_AFTER = timedelta(minutes=2)
# Beginning anew (another process was killed), calls that ended so lately are asked about too.
BEGINS_BEFORE = timedelta(hours=24)

log = structlog.get_logger("recording")


@dataclass
class Unheard:
    """One watch over them, in the sweep's process. ``seen_until``: calls that were settled by then
    were asked about. Two may run; a call is then asked about twice."""

    desk: Desk
    line: Line
    seen_until: datetime | None = None

    def turn(self, may_go_on: Callable[[], bool]) -> None:
        """Ask about one helping of the calls that have come of age, where calls are recorded. Ends
        early when it may not go on, or the carrier gives no answer: what is left is asked about
        the next time. Raises LedgerUnavailable."""
        if not self.desk.present.crew().team.policy.calls.record:
            return
        until = self.desk.clock.now() - ASKED_AFTER
        since = self.seen_until or until - BEGINS_BEFORE
        with self.desk.ledger.snapshot() as conn:
            talks = recordings.untold(conn, since, until)
        for talk in talks:
            if not may_go_on() or not self._ask(talk):
                return
            self.seen_until = talk.settled_at
        if len(talks) < recordings.UNTOLD_MAX:
            self.seen_until = until

    def _ask(self, talk: recordings.Untold) -> bool:
        """Keep what the carrier has of this call; False when it is to be asked once more."""
        found = self.line.recordings_of(talk.call_id, talk.rep_sid)
        if isinstance(found, NotFound | Unknown):
            return isinstance(found, NotFound)
        try:
            for each in found:
                if each.kind == "call":
                    log.info("recording", call=talk.call_id, outcome="found by asking")
                    keep_talk(self.desk, each)
        except LeadBusy:
            return False
        return True
