"""What the product may ask of a carrier, and everything that the carrier may answer.

Answers are values: whoever sends must handle each of them, and none is an exception. What tells
them apart is whether something was sent: surely (Accepted), surely not (Rejected, Busy), or
nobody knows (Unknown). This file knows no carrier.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from service.phone.call_callbacks import LegStatus
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.caller_callbacks import RecordingTold
from service.phone.codes import Blame, Reason
from service.rules.lead import CallId, PageId

Why = Literal["timeout", "connection", "server_error", "rate_limited", "refused", "unreadable"]


@dataclass(frozen=True, slots=True)
class TextOrder:
    """A text to one phone. ``from_`` is an E.164 number or a messaging service's id (MG...).

    ``validity_s``: seconds that the carrier may hold it in its queue before it must drop it.
    """

    page_id: PageId
    to: str
    from_: str
    body: str
    callback_url: str
    validity_s: int


@dataclass(frozen=True, slots=True)
class CallOrder:
    """A call to one phone. ``ring_s``: seconds that a person hears it ring."""

    page_id: PageId
    to: str
    from_: str
    twiml_url: str
    callback_url: str
    ring_s: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier has it, under its own id ``sid``. ``queue_s``: how many seconds it means to hold
    a call before it dials; None where it does not say."""

    sid: str
    status: str
    queue_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing was sent, and the same request will never be. See ``codes.Failure``."""

    code: int | None
    reason: Reason
    ends_channel: bool
    blame: Blame


@dataclass(frozen=True, slots=True)
class Busy:
    """Nothing was sent, and the same request may be made again after ``retry_after_s``.

    ``why``: the carrier still limited our rate after every retry that a page can afford
    (rate_limited), or no connection was made, so that no request ever left (connection).
    """

    retry_after_s: float
    why: Why = "rate_limited"


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have been done: the answer was lost, late or unreadable."""

    why: Why


@dataclass(frozen=True, slots=True)
class NotFound:
    """The carrier knows nothing of it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording, or with a ``content_range`` (the HTTP header's value) a part of it.

    ``length`` in bytes, None if not known. ``pieces`` can be read once, to the end, by any one
    thread; they raise LineError when the sound breaks off.
    """

    media_type: str
    length: int | None
    content_range: str | None
    pieces: Iterator[bytes]


SendOutcome = Accepted | Rejected | Busy | Unknown


class Line(Protocol):
    """A carrier. Every method may be called from many threads at once, and returns within a
    bounded time (for Twilio: the timeouts plus three seconds of waiting for its rate limit)."""

    def warm(self) -> None:
        """Open this thread's connection, so that the first page need not. Raises LineError."""

    def send_text(self, order: TextOrder) -> SendOutcome: ...

    def place_call(self, order: CallOrder) -> SendOutcome: ...

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        """End a call that is not answered yet; one that is goes on. NotFound: there is nothing to
        end any more."""

    def look_up_text(self, page_id: PageId, sid: str) -> TextStatus | NotFound | Unknown:
        """What a receipt would say now; for pages whose receipts stay away."""

    def look_up_call(self, page_id: PageId, sid: str) -> CallStatus | NotFound | Unknown: ...

    def look_up_legs(
        self, call_id: CallId, rep_sid: str
    ) -> tuple[LegStatus, ...] | NotFound | Unknown:
        """The legs that were dialled on a rep's call, the oldest first, as their receipts would
        tell of them now. Empty: none was dialled, or the carrier's list lags behind."""

    def recordings_of(
        self, call_id: CallId, call_sid: str
    ) -> tuple[RecordingTold, ...] | NotFound | Unknown:
        """The recordings of a call, the oldest first. Of a rep and a lead who talked they belong
        to the call that dialled the other."""

    def fetch_recording(
        self, recording_sid: str, byte_range: str | None = None
    ) -> Sound | NotFound | Unknown:
        """The sound of a recording. ``byte_range``: the value of an HTTP ``Range`` of bytes, which
        the carrier may ignore. NotFound: there is none, not yet or no longer."""

    def delete_recording(self, recording_sid: str) -> SendOutcome | NotFound:
        """Have the carrier forget a recording. NotFound: there is nothing to delete any more."""

    def find_sent(
        self,
        order: TextOrder | CallOrder,
        since: datetime,
        known_sids: frozenset[str] = frozenset(),
    ) -> Accepted | NotFound | Unknown:
        """Whether an order whose answer was lost had arrived after all.

        ``since`` is machine time, not business time: the instant at which the order was taken.
        ``known_sids`` are the carrier's ids that belong to other orders. NotFound is not proof:
        a carrier's list may lag behind by seconds.
        """
