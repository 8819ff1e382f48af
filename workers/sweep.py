"""The sweep owns time: it finds every look that is due and makes sure that somebody takes it.

If every queue and every wake were lost, each lead would still be looked at within seconds of its
instant, because this asks the ledger and nothing else. Two sweeps may run; nothing happens twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

import structlog

from service.desk.attend import attend
from service.desk.calls.asking import ask_due
from service.desk.calls.unheard import Unheard
from service.desk.calls.voicemail import delete_due
from service.desk.desk import Desk
from service.desk.dispatch import lapsed
from service.desk.lost import sent_after_all
from service.desk.present import floor_left_behind
from service.desk.settling import settle
from service.desk.watch import Watch, tell_stuck
from service.errors import LeadBusy, LedgerUnavailable
from service.ledger import counts, health, looks
from service.ledger.looks import Due
from service.phone.line import Line
from service.rules.lead import LeadId

log = structlog.get_logger("sweep")

# The longest sleep: bounds how late a look can be whose instant changed while we slept.
SLEEP_MAX_S = 0.5
# The shortest: a ledger full of due looks must not spin.
SLEEP_MIN_S = 0.01
# Several times what a look takes, and nothing to somebody who waited for the night to end.
HEAD_START_S = 0.1
# How long one round may attend looks itself before it goes on to wake others.
ATTEND_FOR_S = 1.0
# A sign of life and the counts, and lapsed leases: each round would be more than is needed.
CHORES_EVERY_S = 1.0
LAPSED_EVERY_S = 1.0
# Messages without a receipt are asked about when they come of age; what is stuck is told soon.
WATCH_EVERY_S = 1.0
STUCK_EVERY_S = 5.0
# A call whose meaning is held for 10 s is asked about soon after.
CALLS_EVERY_S = 1.0
# A recording that nobody may keep is gone within seconds; each turn deletes a helping.
DELETIONS_EVERY_S = 5.0
# What the carrier recorded and nobody told of is found within minutes.
UNHEARD_EVERY_S = 60.0
# How long one turn may ask the carrier: a slow one must not keep us from what comes of age next.
WATCH_FOR_S = 20.0
# How long an ending sweep waits for an answer of the carrier; what it leaves is found again.
JOIN_S = 5.0


@dataclass
class Sweep:
    """One sweep. ``line`` is asked about messages whose sender died, or whose receipts stay
    away, and about calls of whose end nobody told; and has recordings deleted."""

    desk: Desk
    line: Line
    public_url: str
    stop: threading.Event = field(default_factory=threading.Event)
    _chores_at: float = 0.0
    _opened_at: datetime | None = None
    _stuck_at: float = 0.0

    def __post_init__(self) -> None:
        self._watch = Watch(self.desk, self.line)
        self._unheard = Unheard(self.desk, self.line)

    def run(self) -> None:
        """Sweep until told to stop. A round that fails is logged, and the next one comes."""
        beside = [
            self._beside("lapsed", self.settle_lapsed, LAPSED_EVERY_S),
            self._beside("watch", self.watch, WATCH_EVERY_S),
            self._beside("calls", self.ask_calls, CALLS_EVERY_S),
            self._beside("recordings", self.delete_recordings, DELETIONS_EVERY_S),
            self._beside("unheard", self.find_recordings, UNHEARD_EVERY_S),
        ]
        for thread in beside:
            thread.start()
        try:
            self._run_rounds()
        finally:
            self.stop.set()
            for thread in beside:
                thread.join(JOIN_S)

    def _run_rounds(self) -> None:
        while not self.stop.is_set():
            try:
                self.stop.wait(self.round())
            except LedgerUnavailable as gone:
                log.warning("round", outcome="ledger unavailable", because=str(gone))
                self.stop.wait(SLEEP_MAX_S)
            except LeadBusy as busy:
                log.info("round", outcome="busy", because=str(busy))
            except Exception:
                # Whatever it was, time goes on: the next round finds what this one left.
                log.exception("round", outcome="failed")
                self.stop.wait(SLEEP_MAX_S)

    def round(self) -> float:
        """Wake what is due, attend what was woken in vain; seconds until the next round.

        Never talks to the carrier: a slow one must not keep a lead from being looked at.
        """
        with self.desk.ledger.transaction() as conn:
            due = looks.lease_due(conn, self.desk.clock.now())
            lost = looks.overdue_wakes(conn, self.desk.clock.now())
            next_at = looks.next_look_at(conn)
        self._wake(due)
        self._attend(lost)
        self._chores()
        if due:
            return SLEEP_MIN_S
        if next_at is None:
            return SLEEP_MAX_S
        ahead_s = (next_at - self.desk.clock.now()).total_seconds()
        return min(max(ahead_s, SLEEP_MIN_S), SLEEP_MAX_S)

    def _wake(self, due: list[Due]) -> None:
        """Wake them in order. Of several that fall due at one instant (an opening) the most
        urgent has a head start, or workers side by side would toss for who is paged first."""
        batch: list[LeadId] = []
        given = False  # one a round: after a long silence there may be many such instants
        for due_at, together in groupby(due, key=lambda each: each.due_at):
            first, *rest = (each.lead_id for each in together)
            batch.append(first)
            if rest and not given and due_at != self._opened_at:
                given, self._opened_at = True, due_at
                self.desk.wake(batch)
                self.stop.wait(HEAD_START_S)
                batch = []
            batch.extend(rest)
        if batch:
            self.desk.wake(batch)

    def _attend(self, lost: list[LeadId]) -> None:
        """Look ourselves at leads whose wake nobody answered within two seconds."""
        until = time.monotonic() + ATTEND_FOR_S
        for lead_id in lost:
            if time.monotonic() > until or self.stop.is_set():
                return
            try:
                attend(self.desk, lead_id)
            except LeadBusy:
                continue  # somebody is looking at it
            except LedgerUnavailable:
                raise
            except Exception:
                # One lead that cannot be looked at must not keep the others from being seen.
                log.exception("look", lead=lead_id, outcome="failed")

    def _chores(self) -> None:
        now = time.monotonic()
        if now - self._chores_at >= CHORES_EVERY_S:
            self._chores_at = now
            with self.desk.ledger.transaction() as conn:
                health.beat(conn, "sweep")
                counts.fold(conn)
            if floor_left_behind(self.desk.ledger, self.desk.clock.now()):
                log.warning("floor", outcome="told late", because="who changed it died")

    def _beside(self, name: str, deed: Callable[[], None], every_s: float) -> threading.Thread:
        """A thread beside the rounds, since the carrier may take its time to answer."""

        def run() -> None:
            while not self.stop.is_set():
                try:
                    deed()
                except (LedgerUnavailable, LeadBusy) as gone:
                    log.warning(name, outcome="ledger unavailable", because=str(gone))
                except Exception:
                    log.exception(name, outcome="failed")
                self.stop.wait(every_s)

        return threading.Thread(target=run, name=name, daemon=True)

    def watch(self) -> None:
        """Ask what became of messages that the carrier says nothing final of."""
        self._watch.turn(self._may_go_on())
        if time.monotonic() - self._stuck_at >= STUCK_EVERY_S:
            self._stuck_at = time.monotonic()
            tell_stuck(self.desk)

    def ask_calls(self) -> None:
        """Ask about calls with leads whose end, or what they came to, nobody told in time."""
        ask_due(self.desk, self.line, self._may_go_on())

    def delete_recordings(self) -> None:
        """Have the carrier delete the recordings whose time is up."""
        gone = delete_due(self.desk, self.line, self._may_go_on())
        if gone:
            log.info("recordings", outcome="deleted", count=gone)

    def find_recordings(self) -> None:
        """Ask about recordings of calls that nobody told of."""
        self._unheard.turn(self._may_go_on())

    def _may_go_on(self) -> Callable[[], bool]:
        """Whether a turn that begins now may ask the carrier once more."""
        ends_at = time.monotonic() + WATCH_FOR_S
        return lambda: not self.stop.is_set() and time.monotonic() < ends_at

    def settle_lapsed(self) -> None:
        """Messages whose sender died in mid-send: ask the carrier, then settle."""
        for row in lapsed(self.desk):
            if self.stop.is_set():
                return
            try:
                outcome = sent_after_all(self.desk, self.line, row, self.public_url)
                log.warning("message", page=row.id, outcome="lease ran out", because=str(outcome))
                settle(self.desk, row, outcome)
            except LeadBusy:
                continue  # its lease stays run out: found again
            except LedgerUnavailable:
                raise
            except Exception:
                # One message that cannot be settled must not keep the others from being sent.
                log.exception("message", page=row.id, outcome="not settled")
