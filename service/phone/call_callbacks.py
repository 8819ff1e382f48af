"""What Twilio tells us of a rep's call to a lead, as frozen facts. Check the signature first.

As in ``callbacks``: an id that is missing raises SourceError, a fact carries a dedupe key that is
the same for every delivery of it. Beyond it, nothing that Twilio says of a call is believed out of
its bounds: an unknown word, an absurd length or a key that no phone has becomes None, and
``doubts`` says so, for the log of whoever heard it. What a call came to is ``rules.calls``'s
affair; ``told`` hands it over. Callers and recordings are in ``caller_callbacks``.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from service.phone.callbacks import CALL_FINAL, CALL_RANKS, UNKNOWN_RANK
from service.phone.fields import ID, Doubting, count, path_id, required
from service.phone.form import Form
from service.rules.call_facts import Ended
from service.rules.calls import AnsweredBy, CallTold
from service.rules.lead import CallId

# Source: Twilio, "Answering Machine Detection", AnsweredBy. `machine_start` says nothing of its
# message; the two others that end one name how it ended where no beep was heard.
ANSWERED_BY: dict[str, AnsweredBy] = {
    "human": AnsweredBy.HUMAN,
    "machine_start": AnsweredBy.MACHINE,
    "machine_end_beep": AnsweredBy.BEEP,
    "machine_end_silence": AnsweredBy.MESSAGE_END,
    "machine_end_other": AnsweredBy.MESSAGE_END,
    "fax": AnsweredBy.FAX,
    "unknown": AnsweredBy.UNKNOWN,
}
# How a leg of a <Dial> ended, by its own status or by the DialCallStatus. `completed` says that
# somebody or something picked up, and no more: whether anyone was connected is `bridged`'s word.
ENDED: dict[str, Ended] = {
    "completed": Ended.ANSWERED,
    "answered": Ended.ANSWERED,
    "busy": Ended.BUSY,
    "no-answer": Ended.NO_ANSWER,
    "failed": Ended.FAILED,
    "canceled": Ended.ABANDONED,
}
Asked = Literal["bridge", "hunt", "outcome", "through"]


@dataclass(frozen=True, slots=True)
class LegStatus:
    """How far the lead's leg has come. ``duration_s``: from its answer to its end; ``at``: when
    Twilio says that it happened."""

    call_id: CallId
    sid: str
    parent_sid: str | None = None
    status: str | None = None
    sequence: int | None = None
    duration_s: float | None = None
    answered_by: AnsweredBy | None = None
    at: datetime | None = None
    doubts: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        return CALL_RANKS.get(self.status or "", UNKNOWN_RANK)

    @property
    def final(self) -> bool:
        return self.status in CALL_FINAL

    @property
    def told(self) -> CallTold:
        """What it adds to what is known of the call; nothing of an end before there is one."""
        return told_of_leg(self.status, self.duration_s, self.answered_by)

    @property
    def dedupe_key(self) -> str:
        order = self.status if self.sequence is None else self.sequence
        return f"leg:{self.sid}:{order}"


@dataclass(frozen=True, slots=True)
class DialDone:
    """The <Dial> on the rep's call is over, and Twilio asks how that call goes on.

    ``bridged_s``: how long both heard each other; None if they did not, or Twilio did not say.
    ``leg_s``: from the other leg's answer to its end. ``call_over``: the rep's own call has ended
    too, so that nobody hears the answer.
    """

    call_id: CallId
    rep_sid: str
    status: str | None = None
    leg_sid: str | None = None
    bridged_s: float | None = None
    bridged: bool | None = None
    leg_s: float | None = None
    call_over: bool = False
    doubts: tuple[str, ...] = ()

    @property
    def told(self) -> CallTold:
        leg = told_of_leg(self.status, self.leg_s, None)
        return replace(leg, bridged=self.bridged, bridged_s=self.bridged_s)

    @property
    def dedupe_key(self) -> str:
        return f"dial:{self.rep_sid}:{self.call_id}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who picked up, as far as Twilio can hear; ``detected_s`` after the answer."""

    call_id: CallId
    sid: str
    by: AnsweredBy | None = None
    detected_s: float | None = None
    doubts: tuple[str, ...] = ()

    @property
    def told(self) -> CallTold:
        return CallTold(answered_by=self.by, detected_s=self.detected_s if self.by else None)

    @property
    def dedupe_key(self) -> str:
        return f"verdict:{self.sid}:{self.by}"


@dataclass(frozen=True, slots=True)
class Keyed:
    """A key in answer to what we asked on a call; None: none that a phone has, or none in time.

    ``call_id`` is what the path names: our call, or for ``through`` Twilio's.
    """

    asked: Asked
    call_id: CallId
    sid: str
    digit: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def dedupe_key(self) -> str:
        """Another key is another answer, and the same one twice means what it meant."""
        return f"{self.asked}:{self.sid}:{self.call_id}:{self.digit or ''}"


def told_of_leg(
    status: str | None, duration_s: float | None, answered_by: AnsweredBy | None
) -> CallTold:
    """What a leg's status says of the call, whether Twilio told or was asked. Whether the two were
    bridged it does not know."""
    ended = ENDED.get(status or "")
    return CallTold(
        ended=ended,
        leg_s=duration_s if ended is Ended.ANSWERED else None,
        answered_by=answered_by,
    )


def leg_status(call_id: str, form: Form) -> LegStatus:
    """A step of the lead's leg. Raises SourceError, naming the id that cannot be read."""
    read = Doubting(form)
    by = read.word("AnsweredBy", ANSWERED_BY)
    return LegStatus(
        call_id=call_id_of(call_id),
        sid=required(form, ID, "CallSid"),
        parent_sid=read.id("ParentCallSid"),
        status=read.word("CallStatus", CALL_RANKS),
        sequence=count(form, "SequenceNumber"),
        duration_s=read.seconds("CallDuration"),
        answered_by=ANSWERED_BY[by] if by else None,
        at=read.instant("Timestamp"),
        doubts=tuple(read.doubts),
    )


def dial_done(call_id: str, form: Form) -> DialDone:
    """The end of a <Dial>, to a lead or to a queue. Raises SourceError, naming the id that cannot
    be read."""
    read = Doubting(form)
    bridged, leg_s = read.flag("DialBridged"), read.seconds("DialCallDuration")
    return DialDone(
        call_id=call_id_of(call_id),
        rep_sid=required(form, ID, "CallSid"),
        status=read.word("DialCallStatus", ENDED),
        leg_sid=read.id("DialCallSid"),
        bridged_s=leg_s if bridged else None,
        bridged=bridged,
        leg_s=leg_s,
        call_over=is_over(form),
        doubts=tuple(read.doubts),
    )


def verdict(call_id: str, form: Form) -> Verdict:
    """Who answered the lead's leg. Raises SourceError, naming the id that cannot be read."""
    read = Doubting(form)
    by = read.word("AnsweredBy", ANSWERED_BY)
    return Verdict(
        call_id=call_id_of(call_id),
        sid=required(form, ID, "CallSid"),
        by=ANSWERED_BY[by] if by else None,
        detected_s=read.seconds("MachineDetectionDuration", per_second=1000),
        doubts=tuple(read.doubts),
    )


def keyed(asked: Asked, call_id: str, form: Form) -> Keyed:
    """A key on a call. Raises SourceError, naming the id that cannot be read."""
    read = Doubting(form)
    return Keyed(
        asked=asked,
        call_id=call_id_of(call_id),
        sid=required(form, ID, "CallSid"),
        digit=read.key(),
        doubts=tuple(read.doubts),
    )


def call_id_of(given: str) -> CallId:
    """Our call's name out of a path. Raises SourceError if it cannot be one."""
    return CallId(path_id(given, "call_id"))


def is_over(form: Form) -> bool:
    """Whether the call that asks has ended, so that nobody hears the answer."""
    return form.get("CallStatus") in CALL_FINAL
