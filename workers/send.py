"""Sender threads: take a message that is still wanted, send it, settle what came of it.

Each thread keeps one warm connection to the carrier. They are given messages, or rung, by their own
process's looks, so that a page leaves one queue hop after its lead arrived; and one of them asks
the ledger every half second, so that nothing depends on that, and at the instant at which a call
that waits may have a token.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from service.desk.desk import Desk
from service.desk.dispatch import (
    ALL,
    Full,
    renew_leases,
    take_next,
)
from service.desk.hanging_up import hang_up
from service.desk.lost import sent_after_all
from service.desk.mailing import sent_by
from service.desk.settling import settle
from service.desk.taking import HangUpOrder, Taking, taking_of
from service.desk.wanted import still_worth_sending
from service.errors import LeadBusy, LedgerUnavailable, LineError
from service.ledger.outbox_rows import OutboxRow
from service.mail.post import MailOrder, Post
from service.phone.line import (
    Busy,
    CallOrder,
    Line,
    NotFound,
    SendOutcome,
    TextOrder,
    Unknown,
)
from service.rules.lead import PageId
from service.rules.timeline import Channel

log = structlog.get_logger("send")

# Looking without being rung: covers a ring lost, and rows ordered by other processes.
LOOK_EVERY_S = 0.5
# A token's instant that passed while nobody was free to ask.
LOOK_LATE_S = 0.005
# When the carrier was full or the ledger away: soon enough for a page, and rare enough.
REST_S = 0.5
# Nothing was sent at these tries; longer would keep the row from the next rung.
TRIES_MAX = 3
BUSY_WAIT_MAX_S = 2.0
# A message that was given to a sender is sent at once, as its look still holds; one that lay for
# longer is asked about again, since somebody may have taken the lead meanwhile.
GIVEN_FRESH_S = 1.0
# Settling again for some seconds; after that the lease runs out and the sweep asks the carrier.
SETTLE_TRIES_MAX = 5
# Renewed twice and more within a lease (5 s), so that one slow renewal does not cost it.
RENEW_EVERY_S = 1.5
# An idle connection is closed by the carrier after a minute or so; asking now and then keeps the
# next page quick.
WARM_EVERY_S = 45.0
# E-mails go beside the phones and are read when somebody sits down.
LOOK_FOR_MAIL_EVERY_S = 1.0


class Senders:
    """``threads`` senders of one process. Built stopped; ``start`` and ``stop`` once each.

    A look in the same process may reserve a free sender and give it the message it ordered
    (``attend.Hands``). One idle sender at a time asks the ledger twice a second, for messages
    ordered elsewhere, and when the next call may be made; each that finds one rings the next, so
    that a backlog wakes them all.
    E-mails have a thread of their own: a slow mail server must not keep a phone from ringing.
    """

    def __init__(
        self, desk: Desk, line: Line, public_url: str, threads: int, post: Post | None = None
    ) -> None:
        self._desk = desk
        self._line = line
        self._post = post
        self._public_url = public_url
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        # Who takes what is sent here: a name no other process ever has.
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._given: deque[tuple[OutboxRow, float]] = deque()  # and since when, monotonic
        self._rung = self._idle = self._reserved = 0
        self._in_hand: set[PageId] = set()
        self._asked_for = False
        self._token_at: float | None = None  # monotonic; None: no call waits, as far as we know
        self._threads = [
            threading.Thread(target=self._run, name=f"send-{number}") for number in range(threads)
        ]
        self._threads.append(threading.Thread(target=self._run_mail, name="send-mail"))
        self._renewer = threading.Thread(target=self._renew, name="renew", daemon=True)

    def start(self) -> None:
        for thread in [*self._threads, self._renewer]:
            thread.start()

    def reserve(self) -> bool:
        """Keep one free sender for a message that is about to be ordered."""
        with self._changed:
            if self._idle <= self._reserved + len(self._given):
                return False
            self._reserved += 1
            return True

    def release(self) -> None:
        """Nothing came of it: the reserved sender is free again."""
        with self._changed:
            self._reserved -= 1

    def give(self, row: OutboxRow) -> None:
        """Give the reserved sender its message."""
        with self._changed:
            self._reserved -= 1
            self._in_hand.add(row.id)
            self._given.append((row, time.monotonic()))
            self._changed.notify()

    def ring(self, messages: int = 1) -> None:
        """Messages were ordered: so many senders should ask the ledger at once."""
        with self._changed:
            self._rung = min(self._rung + messages, len(self._threads) - 1)
            self._changed.notify(messages)

    def stop(self) -> None:
        """Let each thread finish what it has taken, then end."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._ended.set()

    def _renew(self) -> None:
        """Keep the leases of what is in hand here, row by row; a process that dies keeps none, nor
        does one that lost the answer to its taking: the sweep finds either within seconds."""
        while any(each.is_alive() for each in self._threads):
            self._ended.wait(RENEW_EVERY_S)
            with self._changed:
                in_hand = tuple(self._in_hand)
            if in_hand:
                self._guarded(lambda ids=in_hand: renew_leases(self._desk, ids))  # type: ignore[misc]  # bound

    def _run(self) -> None:
        warmed_at = self._warm()
        while True:
            given = self._next()
            if given is not None:
                self._guarded(lambda given=given: self._given_one(*given))  # type: ignore[misc]  # bound
                warmed_at = time.monotonic()
            elif self._stopping.is_set():
                return
            elif self._guarded(self._one):
                warmed_at = time.monotonic()
            elif time.monotonic() - warmed_at > WARM_EVERY_S:
                warmed_at = self._warm()

    def _run_mail(self) -> None:
        while not self._stopping.is_set():
            if not self._guarded(lambda: self._one((Channel.EMAIL,))):
                self._stopping.wait(LOOK_FOR_MAIL_EVERY_S)

    def _next(self) -> tuple[OutboxRow, float] | None:
        """Wait for something to do: a message given to us, or (None) a reason to ask the ledger or
        to end. What was given is sent before ending: nobody else may take it."""
        with self._changed:
            asks = False
            while True:
                if self._given:
                    return self._given.popleft()
                if self._rung or asks or self._stopping.is_set():
                    self._rung -= min(self._rung, 1)
                    return None
                asks = self._wait()

    def _wait(self) -> bool:
        """Be idle for a while; whether it is now on this thread to ask the ledger."""
        asker = not self._asked_for
        self._asked_for = True
        self._idle += 1
        heard = self._changed.wait(self._look_in_s() if asker else WARM_EVERY_S)
        self._idle -= 1
        if asker:
            self._asked_for = False
            self._changed.notify()  # somebody else becomes the one that asks
        return not heard and self._idle >= self._reserved

    def _look_in_s(self) -> float:
        """Seconds until the ledger is to be asked without being rung: at the instant of the token
        that a call waits for, if that is sooner."""
        if self._token_at is None:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(LOOK_LATE_S, self._token_at - time.monotonic()))

    def _waits_for_token(self, in_s: float) -> None:
        """A call waits, and may have a token in so many seconds."""
        with self._changed:
            self._token_at = time.monotonic() + in_s
            if in_s < LOOK_EVERY_S:
                self._changed.notify_all()  # whoever is the one that asks must wait for less

    def _warm(self) -> float:
        try:
            self._line.warm()
        except LineError as cold:
            log.debug("line", outcome="not warm", because=str(cold))
        return time.monotonic()

    def _guarded(self, deed: Callable[[], bool]) -> bool:
        """Do it; a sender that died would be a phone that stays silent."""
        try:
            return deed()
        except (LedgerUnavailable, LeadBusy) as gone:
            log.warning("send", outcome="not taken", because=str(gone))
        except Exception:
            log.exception("send", outcome="failed")
        self._stopping.wait(REST_S)
        return False

    def _given_one(self, row: OutboxRow, since: float) -> bool:
        """Send what was given to us at ``since``."""
        try:
            taking = taking_of(self._desk, row, self._public_url)
            self._see_off(taking, waited=time.monotonic() - since > GIVEN_FRESH_S)
        finally:
            self._out_of_hand((row,))
        return True

    def _out_of_hand(self, rows: Sequence[OutboxRow]) -> None:
        with self._changed:
            self._in_hand.difference_update(row.id for row in rows)

    def _one(self, channels: tuple[Channel, ...] = ALL) -> bool:
        """Send one message of these channels, if one may go; whether it did."""
        if Channel.CALL in channels:
            with self._changed:
                self._token_at = None  # the answer says it anew, or one more is rung to ask
        taking = take_next(self._desk, self._public_url, self.name, channels)
        if isinstance(taking, Full) and taking.wait_s is None:
            others = tuple(channel for channel in ALL if channel is not taking.channel)
            taking = take_next(self._desk, self._public_url, self.name, others)
        if isinstance(taking, Full) and taking.wait_s is not None:
            self._waits_for_token(taking.wait_s)
        if not isinstance(taking, Taking):
            return False
        with self._changed:
            self._in_hand.update(row.id for row in taking.rows)
        try:
            self.ring()
            self._see_off(taking)
            return True
        finally:
            self._out_of_hand(taking.rows)

    def _see_off(self, taking: Taking, waited: bool = False) -> None:
        """Send it and write down what came of it; nothing when it was not wanted any more."""
        outcome = self._send(taking, waited)
        if outcome is None:
            return
        self._settle(taking, self._looked_up(taking, outcome))

    def _send(self, taking: Taking, waited: bool = False) -> SendOutcome | None:
        """Ask the carrier, again only when surely nothing was sent, and after any wait only when
        it is still wanted. None: it is not, and that is settled."""
        if taking.wait_s > 0:
            self._stopping.wait(taking.wait_s)
            waited = True
        outcome: SendOutcome = Unknown("connection")
        for _ in range(TRIES_MAX):
            if waited and not self._still_wanted(taking):
                return None
            outcome = self._asked(taking.order)
            if not isinstance(outcome, Busy):
                break
            self._stopping.wait(min(outcome.retry_after_s, BUSY_WAIT_MAX_S))
            waited = True
        return outcome

    def _asked(self, order: TextOrder | CallOrder | MailOrder | HangUpOrder) -> SendOutcome:
        if isinstance(order, MailOrder):
            return sent_by(self._post, order)
        if isinstance(order, HangUpOrder):
            return hang_up(self._desk, self._line, order)
        if isinstance(order, CallOrder):
            return self._line.place_call(order)
        return self._line.send_text(order)

    def _still_wanted(self, taking: Taking) -> bool:
        """Raises LedgerUnavailable, LeadBusy when that cannot be said for seconds: then it is left
        to the sweep, unsent."""
        for _ in range(SETTLE_TRIES_MAX - 1):
            try:
                return still_worth_sending(self._desk, taking.row, taking.carried)
            except (LedgerUnavailable, LeadBusy) as gone:
                log.warning("send", outcome="not asked yet", because=str(gone))
                self._stopping.wait(REST_S)
        return still_worth_sending(self._desk, taking.row, taking.carried)

    def _looked_up(self, taking: Taking, outcome: SendOutcome) -> SendOutcome | NotFound:
        """Of an answer that was lost, what the carrier's own list says: what it has is not sent
        once more."""
        if not isinstance(outcome, Unknown):
            return outcome
        try:
            return sent_after_all(self._desk, self._line, taking.row, self._public_url)
        except (LedgerUnavailable, LeadBusy, LineError) as gone:
            log.warning("send", outcome="not looked up", because=str(gone))
            return outcome

    def _settle(self, taking: Taking, outcome: SendOutcome | NotFound) -> None:
        for _ in range(SETTLE_TRIES_MAX):
            try:
                settle(self._desk, taking.row, outcome, taking.carried)
                return
            except (LedgerUnavailable, LeadBusy) as gone:
                log.warning("send", outcome="not settled yet", because=str(gone))
                self._stopping.wait(REST_S)
        log.warning("send", outcome="left to the sweep", page=taking.row.id)
