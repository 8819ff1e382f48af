"""The carrier of a world: it answers, or does not, and keeps a record of what it really did.

It is a ``Line`` as the product sees one. What it was asked, what it accepted and what reached a
handset are three different things here, as they are outside. It opts a phone out at the word
STOP, whether or not we hear of it, and finds a message by receiver and words, as the real one
must.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from service.mail.post import Away, Lost, MailOrder, MailOutcome, Posted, Refused
from service.phone.call_callbacks import LegStatus
from service.phone.callbacks import CALL_FINAL, CallStatus, TextStatus
from service.phone.caller_callbacks import RecordingTold
from service.phone.codes import failure
from service.phone.line import (
    Accepted,
    Busy,
    CallOrder,
    NotFound,
    Rejected,
    SendOutcome,
    Sound,
    TextOrder,
    Unknown,
)
from service.rules.lead import CallId, PageId
from tests.sim.drawn import Odds
from tests.sim.exchange import Exchange
from tests.sim.moved_time import Clocks

STOPPED = 21610
# Why a request is refused at once, and what a receipt says of one that came to nothing.
REFUSALS = (21211, 21614, 20003, 21611, 21408, 99999)
FAILURES = (30003, 30005, 30006, 30007, 30001, 30036)

Status = TextStatus | CallStatus


@dataclass
class Sent:
    """A message that the carrier accepted: the truth about it."""

    sid: str
    page_id: PageId
    to: str
    from_: str
    body: str
    call: bool
    at: datetime  # by the machine's clock, as the carrier's own would be
    lands_at: datetime | None = None  # a text: when the handset has it; None: never
    seen: bool = False  # a text: its receiver has read it; a call: it was answered or missed
    status: str = "queued"


@dataclass
class Pending:
    """Something the carrier will tell us, not before ``at``."""

    at: datetime
    status: Status


@dataclass
class SimPost:
    """Implements ``service.mail.post.Post``: a mail server beside the carrier, as fickle."""

    line: Carrier
    sent: list[MailOrder] = field(default_factory=list)

    def send(self, order: MailOrder) -> MailOutcome:
        rng, odds = self.line.rng, self.line.odds
        if rng.random() < odds.busy:
            return Away(busy=rng.random() < 0.5)
        if rng.random() < odds.refused:
            return Refused(550, ours=rng.random() < 0.5)
        self.sent.append(order)
        return Lost() if rng.random() < odds.answer_lost else Posted(f"<{len(self.sent)}@post>")


@dataclass
class Carrier:
    """Implements ``service.phone.line.Line``."""

    rng: Random
    odds: Odds
    clocks: Clocks
    out: bool = False  # an outage
    sent: list[Sent] = field(default_factory=list)
    asked: list[PageId] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    exchange: Exchange = field(default_factory=Exchange)
    cut_off: list[str] = field(default_factory=list)  # calls ended by us while two talked
    post: SimPost = field(init=False)

    def __post_init__(self) -> None:
        self.post = SimPost(self)

    def warm(self) -> None:
        """There is nothing to warm."""

    def send_text(self, order: TextOrder) -> SendOutcome:
        self.asked.append(order.page_id)
        if (answer := self._not_taken()) is not None:
            return answer
        if order.to in self.stopped:
            return _refused(STOPPED)
        if self.rng.random() < self.odds.refused:
            return _refused(self.rng.choice(REFUSALS))
        sent = self._accept(order, order.body, call=False)
        self._text_goes(sent)
        return self._answered(sent)

    def place_call(self, order: CallOrder) -> SendOutcome:
        self.asked.append(order.page_id)
        if (answer := self._not_taken()) is not None:
            return answer
        if self.rng.random() < self.odds.refused:
            return _refused(self.rng.choice(REFUSALS))
        sent = self._accept(order, "", call=True)
        self.tells(sent, "initiated")
        return self._answered(sent)

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        if (answer := self._not_taken()) is not None:
            return answer
        found = self._by_sid(call_sid)
        if found is None or found.status in CALL_FINAL:
            return NotFound()
        if any(talk.rep_sid == call_sid for talk in self.exchange.talks):
            self.cut_off.append(call_sid)
        found.seen = True
        self.tells(found, "completed" if found.status == "in-progress" else "canceled")
        return Unknown("timeout") if self.rng.random() < self.odds.answer_lost else Accepted("", "")

    def look_up_text(self, page_id: PageId, sid: str) -> TextStatus | NotFound | Unknown:
        found = self._by_sid(sid)
        return TextStatus(page_id, sid, found.status) if found else NotFound()

    def look_up_call(self, page_id: PageId, sid: str) -> CallStatus | NotFound | Unknown:
        if self.out:
            return Unknown("server_error")
        found = self._by_sid(sid)
        if found is None:
            return self.exchange.visit_now(page_id, sid, self.clocks.machine)
        return CallStatus(page_id, sid, found.status)

    def look_up_legs(
        self, call_id: CallId, rep_sid: str
    ) -> tuple[LegStatus, ...] | NotFound | Unknown:
        if self.out or self.rng.random() < self.odds.answer_lost:
            return Unknown("server_error")
        return self.exchange.legs(rep_sid, self.clocks.machine)

    def recordings_of(
        self, call_id: CallId, call_sid: str
    ) -> tuple[RecordingTold, ...] | NotFound | Unknown:
        return Unknown("server_error") if self.out else self.exchange.recordings(call_sid)

    def fetch_recording(
        self, recording_sid: str, byte_range: str | None = None
    ) -> Sound | NotFound | Unknown:
        return NotFound()

    def delete_recording(self, recording_sid: str) -> SendOutcome | NotFound:
        return Accepted(recording_sid, "deleted")

    def find_sent(
        self,
        order: TextOrder | CallOrder,
        since: datetime,
        known_sids: frozenset[str] = frozenset(),
    ) -> Accepted | NotFound | Unknown:
        if self.out:
            return Unknown("server_error")
        if self.rng.random() < self.odds.answer_lost:
            return self.rng.choice((Unknown("timeout"), NotFound()))  # its list may lag
        body = order.body if isinstance(order, TextOrder) else ""
        for sent in reversed(self.sent):
            same = sent.to == order.to and sent.from_ == order.from_ and sent.body == body
            if same and sent.sid not in known_sids and sent.at >= since - timedelta(seconds=2):
                return Accepted(sent.sid, sent.status)
        return NotFound()

    # What the carrier does of its own accord

    def tells(self, sent: Sent, status: str, code: int | None = None) -> None:
        """A receipt is on its way: soon or late, once or twice, or never."""
        sent.status = status
        for _ in range(1 + (self.rng.random() < self.odds.receipt_doubled)):
            if self.rng.random() < self.odds.receipt_lost:
                continue
            late_s = self.rng.choice((0.0, 0.2, 1.0, 4.0, 60.0))
            at = self.clocks.machine + timedelta(seconds=late_s * self.rng.random())
            made: Status = (
                CallStatus(sent.page_id, sent.sid, status, code=code)
                if sent.call
                else TextStatus(sent.page_id, sent.sid, status, code)
            )
            self.pending.append(Pending(at, made))

    def due(self) -> list[Pending]:
        """What may be told by now, in no order."""
        return [each for each in self.pending if each.at <= self.clocks.machine]

    def recovers(self) -> None:
        """The outage is over."""
        self.out = False

    def _accept(self, order: TextOrder | CallOrder, body: str, *, call: bool) -> Sent:
        sid = f"{'CA' if call else 'SM'}{len(self.sent) + 1:032}"
        page = order.page_id
        sent = Sent(sid, page, order.to, order.from_, body, call, self.clocks.machine)
        self.sent.append(sent)
        return sent

    def _text_goes(self, sent: Sent) -> None:
        """What becomes of a text that was accepted."""
        self.tells(sent, self.rng.choice(("queued", "sent")))
        if self.rng.random() < self.odds.text_lost:
            if self.rng.random() < 0.7:
                code = self.rng.choice(FAILURES)
                self.tells(sent, self.rng.choice(("undelivered", "failed")), code)
            return
        delay_s = self.rng.choice((0.3, 0.8, 2.0, 5.0, 90.0))
        sent.lands_at = self.clocks.machine + timedelta(seconds=delay_s * self.rng.random())
        self.tells(sent, "delivered")

    def _not_taken(self) -> Busy | Unknown | None:
        """An answer that means that the carrier did not do it."""
        if self.out:
            return self.rng.choice((Busy(1.0, "connection"), Unknown("server_error")))
        if self.rng.random() < self.odds.busy:
            return Busy(1.0)
        if self.rng.random() < self.odds.answer_lost / 2:
            return Unknown("connection")
        return None

    def _answered(self, sent: Sent) -> SendOutcome:
        if self.rng.random() < self.odds.answer_lost:
            return Unknown("timeout")
        return Accepted(sent.sid, "queued")

    def _by_sid(self, sid: str) -> Sent | None:
        return next((each for each in self.sent if each.sid == sid), None)


def _refused(code: int) -> Rejected:
    why = failure(code)
    return Rejected(code, why.reason, why.ends_channel, why.blame)
