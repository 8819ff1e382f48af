"""Sender threads: take a message that is still wanted, send it, settle what came of it.

Each thread keeps one warm connection to the carrier. They are rung by their own process's looks,
so that a page leaves one queue hop after its lead arrived, and look by themselves every half
second, so that nothing depends on the ring.
"""

from __future__ import annotations

import os
import threading
import time

import structlog

from service.desk.desk import Desk
from service.desk.dispatch import ALL, Full, Taking, settle, take_next
from service.errors import LeadBusy, LedgerUnavailable, LineError
from service.phone.line import Busy, CallOrder, Line, SendOutcome, Unknown

log = structlog.get_logger("send")

# Looking without being rung: covers a ring lost, and rows ordered by other processes.
LOOK_EVERY_S = 0.5
# When the carrier was full or the ledger away: soon enough for a page, and rare enough.
REST_S = 0.5
# Nothing was sent at these tries; longer would keep the row from the next rung.
TRIES_MAX = 3
BUSY_WAIT_MAX_S = 2.0
# Ours to settle again for as long as the lease can last; after that the sweep asks the carrier.
SETTLE_TRIES_MAX = 5
# An idle connection is closed by the carrier; asking now and then keeps the next page quick.
WARM_EVERY_S = 25.0


class Senders:
    """``threads`` senders of one process. Built stopped; ``start`` and ``stop`` once each."""

    def __init__(self, desk: Desk, line: Line, public_url: str, threads: int) -> None:
        self._desk = desk
        self._line = line
        self._public_url = public_url
        self._stop = threading.Event()
        self._rung = threading.Semaphore(0)
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"send-{number}")
            for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def ring(self, messages: int = 1) -> None:
        """Messages were ordered: so many threads should look at once."""
        for _ in range(min(messages, len(self._threads))):
            self._rung.release()

    def stop(self) -> None:
        """Let each thread finish what it has taken, then end."""
        self._stop.set()
        for _ in self._threads:
            self._rung.release()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        taken_by = f"{os.getpid()}:{number}"
        warmed_at = self._warm()
        while not self._stop.is_set():
            sent = self._one(taken_by)
            if sent:
                warmed_at = time.monotonic()
                continue
            if time.monotonic() - warmed_at > WARM_EVERY_S:
                warmed_at = self._warm()
            self._rung.acquire(timeout=LOOK_EVERY_S)

    def _warm(self) -> float:
        try:
            self._line.warm()
        except LineError as cold:
            log.info("line", outcome="not warm", because=str(cold))
        return time.monotonic()

    def _one(self, taken_by: str) -> bool:
        """Send one message, if one waits; whether it did."""
        try:
            taking = take_next(self._desk, self._public_url, taken_by, ALL)
            if isinstance(taking, Full):
                others = tuple(channel for channel in ALL if channel is not taking.channel)
                taking = take_next(self._desk, self._public_url, taken_by, others)
            if isinstance(taking, Taking):
                self._settle(taking, self._send(taking))
                return True
        except (LedgerUnavailable, LeadBusy) as gone:
            log.warning("send", outcome="not taken", because=str(gone))
            self._stop.wait(REST_S)
        except Exception:
            # A sender that dies is a phone that stays silent: say it loudly, and go on.
            log.exception("send", outcome="failed")
            self._stop.wait(REST_S)
        return False

    def _send(self, taking: Taking) -> SendOutcome:
        """Ask the carrier, again only when surely nothing was sent."""
        if taking.wait_s > 0:
            self._stop.wait(taking.wait_s)
        outcome: SendOutcome = Unknown("connection")
        for _ in range(TRIES_MAX):
            if isinstance(taking.order, CallOrder):
                outcome = self._line.place_call(taking.order)
            else:
                outcome = self._line.send_text(taking.order)
            if not isinstance(outcome, Busy):
                break
            self._stop.wait(min(outcome.retry_after_s, BUSY_WAIT_MAX_S))
        return outcome

    def _settle(self, taking: Taking, outcome: SendOutcome) -> None:
        for _ in range(SETTLE_TRIES_MAX):
            try:
                settle(self._desk, taking.row, outcome)
                return
            except (LedgerUnavailable, LeadBusy) as gone:
                log.warning("send", outcome="not settled yet", because=str(gone))
                self._stop.wait(REST_S)
        log.warning("send", outcome="left to the sweep", page=taking.row.id)
