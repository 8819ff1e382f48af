"""What Twilio tells us of callers, their messages and recordings, as frozen facts.

In the manner of ``call_callbacks``: ids are required, the rest is believed within its bounds, and
``doubts`` says what was not. Check the signature before this.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from service.phone.call_callbacks import call_id_of, is_over
from service.phone.callbacks import CALL_RANKS
from service.phone.fields import ID, Doubting, address, required
from service.phone.form import Form
from service.rules.lead import CallId

# Source: Twilio, "TwiML Voice: <Enqueue>", QueueResult.
QUEUE_RESULTS = frozenset(
    {
        *("bridged", "bridging-in-process", "error", "hangup", "leave", "queue-full"),
        *("redirected", "redirected-from-bridged", "system-error"),
    }
)
# Source: Twilio, "Recordings resource", RecordingStatus and RecordingSource. Callbacks know the
# first four, the resource the others too.
RECORDING_STATUSES = frozenset(
    {
        *("in-progress", "completed", "absent", "failed"),
        *("paused", "stopped", "processing", "deleted"),
    }
)
RECORDING_SOURCES = frozenset(
    {
        *("RecordVerb", "DialVerb", "OutboundAPI", "StartCallRecordingAPI", "Trunking"),
        *("Conference", "StartConferenceRecordingAPI"),
    }
)
TRANSCRIPT_STATUSES = frozenset({"completed", "failed"})
# Twilio transcribes up to 120 s, which is some 400 words; ten characters each are plenty.
TRANSCRIPT_LENGTH_MAX = 4_000
_UNREADABLE = dict.fromkeys([*range(0x20), 0x7F], " ")

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
# Where a caller's number is withheld, Twilio may send the word as it is keyed on a phone.
# Source: Twilio, "Why am I receiving calls from these strange numbers?".
WITHHELD = frozenset(
    "+" + each.translate(_KEYPAD)
    for each in ("ANONYMOUS", "RESTRICTED", "BLOCKED", "UNKNOWN", "UNAVAILABLE")
)


@dataclass(frozen=True, slots=True)
class InboundCall:
    """Somebody calls one of our numbers. ``from_`` may be withheld, or no number at all."""

    sid: str
    from_: str
    to: str
    status: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def number(self) -> str | None:
        """The number that the caller can be called back on, E.164. It can be forged."""
        usable = _E164.fullmatch(self.from_) and self.from_ not in WITHHELD
        return self.from_ if usable else None

    @property
    def dedupe_key(self) -> str:
        return f"in:{self.sid}"


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """A caller is no longer in the queue: taken, sent on, or gone. ``waited_s`` in it."""

    call_id: CallId
    sid: str
    result: str | None = None
    waited_s: float | None = None
    call_over: bool = False
    doubts: tuple[str, ...] = ()

    @property
    def connected(self) -> bool:
        """Somebody took them, and the two have talked."""
        return self.result in ("bridged", "redirected-from-bridged")

    @property
    def dedupe_key(self) -> str:
        return f"left:{self.sid}:{self.call_id}"


@dataclass(frozen=True, slots=True)
class MessageTaken:
    """A caller was recorded. No proof of a recording: that is ``RecordingTold``."""

    call_id: CallId
    sid: str
    seconds: float | None = None
    hung_up: bool = False
    recording_sid: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def dedupe_key(self) -> str:
        return f"taken:{self.sid}:{self.call_id}"


@dataclass(frozen=True, slots=True)
class RecordingTold:
    """What became of a recording. ``seconds`` only once it is there; ``at``: when it began."""

    call_id: CallId
    recording_sid: str
    status: str | None = None
    seconds: float | None = None
    source: str | None = None
    call_sid: str | None = None
    at: datetime | None = None
    doubts: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["voicemail", "call"] | None:
        """What was recorded: a caller alone, or two who talked."""
        match self.source:
            case "RecordVerb":
                return "voicemail"
            case None:
                return None
            case _:
                return "call"

    @property
    def dedupe_key(self) -> str:
        return f"recording:{self.recording_sid}:{self.status}"


@dataclass(frozen=True, slots=True)
class TranscriptTold:
    """A message in words, as a machine heard it; None if it heard none."""

    call_id: CallId
    recording_sid: str
    text: str | None = field(default=None, repr=False)  # a stranger's words stay out of logs
    status: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def dedupe_key(self) -> str:
        return f"transcript:{self.recording_sid}:{self.status}"


def inbound_call(form: Form) -> InboundCall:
    """A call to us. Raises SourceError, naming the field that cannot be read; a caller's number
    is none of those."""
    read = Doubting(form)
    return InboundCall(
        sid=required(form, ID, "CallSid"),
        from_=read.address("From"),
        to=address(form, "To"),
        status=read.word("CallStatus", CALL_RANKS),
        doubts=tuple(read.doubts),
    )


def caller_left(call_id: str, form: Form) -> CallerLeft:
    """The end of a caller's wait. Raises SourceError, naming the id that cannot be read."""
    read = Doubting(form)
    return CallerLeft(
        call_id=call_id_of(call_id),
        sid=required(form, ID, "CallSid"),
        result=read.word("QueueResult", QUEUE_RESULTS),
        waited_s=read.seconds("QueueTime"),
        call_over=is_over(form),
        doubts=tuple(read.doubts),
    )


def message_taken(call_id: str, form: Form) -> MessageTaken:
    """The end of a caller's message. Raises SourceError, naming the id that cannot be read."""
    read = Doubting(form)
    return MessageTaken(
        call_id=call_id_of(call_id),
        sid=required(form, ID, "CallSid"),
        seconds=read.seconds("RecordingDuration"),
        hung_up=form.get("Digits") == "hangup" or is_over(form),
        recording_sid=read.id("RecordingSid"),
        doubts=tuple(read.doubts),
    )


def recording_told(call_id: str, form: Form) -> RecordingTold:
    """What became of a recording. Raises SourceError, naming the id that cannot be read."""
    read = Doubting(form)
    status = read.word("RecordingStatus", RECORDING_STATUSES)
    return RecordingTold(
        call_id=call_id_of(call_id),
        recording_sid=required(form, ID, "RecordingSid"),
        status=status,
        # While it runs, Twilio says -1.
        seconds=read.seconds("RecordingDuration") if status == "completed" else None,
        source=read.word("RecordingSource", RECORDING_SOURCES),
        call_sid=read.id("CallSid"),
        at=read.instant("RecordingStartTime"),
        doubts=tuple(read.doubts),
    )


def transcript_told(call_id: str, form: Form) -> TranscriptTold:
    """A message in words. Raises SourceError, naming the id that cannot be read."""
    read = Doubting(form)
    status = read.word("TranscriptionStatus", TRANSCRIPT_STATUSES)
    text = " ".join((form.get("TranscriptionText") or "").translate(_UNREADABLE).split())
    return TranscriptTold(
        call_id=call_id_of(call_id),
        recording_sid=required(form, ID, "RecordingSid"),
        text=text[:TRANSCRIPT_LENGTH_MAX] or None if status == "completed" else None,
        status=status,
        doubts=tuple(read.doubts),
    )
