"""What can have happened on and about calls with a lead: facts of the timeline, in the past tense.

Whom a call rang, that it was dialled, how it ended, what the lead left behind and which call is
owed. What a carrier's word means is ``calls``'s affair, what a fact adds up to ``folding_calls``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from service.rules.lead import CallId, PageId, RepId


class Purpose(StrEnum):
    """Why we ring a rep."""

    CLAIM = "claim"  # they took the lead: connect them
    ASKED = "asked"  # they asked to be rung (again)
    INBOUND = "inbound"  # the lead is on the line, waiting


class Owing(StrEnum):
    """Which call is owed."""

    FIRST_CALL = "first_call"
    SECOND_CALL = "second_call"
    FURTHER_CALL = "further_call"
    VOICEMAIL = "voicemail"  # the lead left one and nobody has called back
    CALL_BACK = "call_back"  # the lead called, and nobody picked up


class Ended(StrEnum):
    """How the lead's leg of a call ended."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"  # the number could not be rung at all
    ABANDONED = "abandoned"  # the rep hung up before it could have been answered
    UNKNOWN = "unknown"  # the carrier never told


# Endings that count as an attempt. DEFINITIONS.md, `first_attempt_at`.
COUNTING = frozenset({Ended.ANSWERED, Ended.BUSY, Ended.NO_ANSWER})


@dataclass(frozen=True, slots=True)
class Rang:
    """The decision to ring a rep, to connect them with the lead. ``leg`` names the message that
    rings; of one inbound call several legs may ring."""

    rep: RepId
    call_id: CallId
    leg: PageId
    purpose: Purpose


# The reason of a ring whose key came when the lead could not be called any more that day.
LATER = "later"
HEARD_WHY = frozenset({LATER, "taken"})
# Reasons of a ring whose phone, as far as we know, never rang.
NEVER_RANG = frozenset({"failed", "unsure", "late"})


@dataclass(frozen=True, slots=True)
class RingFailed:
    """The rep was rung and is not connected. ``reason``: no_answer, busy, no_key, hung_up, failed,
    unsure, late, later or taken (somebody else has the caller). Whoever ``HEARD_WHY`` answered, and
    was told on the line why they are not connected."""

    rep: RepId
    call_id: CallId
    leg: PageId
    reason: str


@dataclass(frozen=True, slots=True)
class RingAsked:
    """The rep who has the lead asked to be connected (again)."""

    rep: RepId
    by: str


@dataclass(frozen=True, slots=True)
class Dialled:
    """The rep pressed the key, and the carrier was told to dial the lead."""

    call_id: CallId
    rep: RepId


@dataclass(frozen=True, slots=True)
class CalledIn:
    """The lead calls us, and waits on the line."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class WentToVoicemail:
    """The caller is asked for a message: they are still on the line, and nobody can take the call
    any more."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class Connected:
    """A rep took the waiting caller by key."""

    call_id: CallId
    rep: RepId


@dataclass(frozen=True, slots=True)
class CallMissed:
    """The lead's call ended and nobody had taken it. ``seconds`` they waited; ``short``: under
    15 s, shown apart as abandoned."""

    call_id: CallId
    seconds: float | None = None
    short: bool = False


@dataclass(frozen=True, slots=True)
class VoicemailReceived:
    """The lead left a message of ``seconds``; what they said is kept beside the timeline."""

    call_id: CallId
    seconds: float


@dataclass(frozen=True, slots=True)
class LeadReplied:
    """The lead wrote to us; their words are kept beside the timeline, under ``message_id``."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Attempted:
    """The lead's leg of a call has ended; exactly one of the four facts below follows, at once or
    (``asks``) when somebody has said what the carrier could not. ``ended`` is one of ``Ended``;
    None: a person's word."""

    rep: RepId | None
    evidence: str
    call_id: str | None = None
    number: str | None = None
    answered_by: str | None = None
    bridged_s: float | None = None
    ended: str | None = None
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Contacted:
    evidence: str
    rep: RepId | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """A human answered, and it ended before it could count as contact."""

    evidence: str
    rep: RepId | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    evidence: str
    rep: RepId | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The rep hung up before the lead could answer: it meets nothing."""

    evidence: str
    rep: RepId | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class VoicemailLeft:
    evidence: str
    rep: RepId | None = None
    call_id: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """A call is owed: asked for from ``call_at`` on, promised by ``due_at``. ``since``: what it is
    owed for happened then."""

    kind: Owing
    due_at: datetime
    call_at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class OwedMet:
    """The call was made; ``late``: after its promise."""

    kind: Owing
    due_at: datetime
    late: bool = False


@dataclass(frozen=True, slots=True)
class OwedMissed:
    """The promise passed without the call, which stays owed."""

    kind: Owing
    due_at: datetime


CallFact = (
    Rang
    | RingFailed
    | RingAsked
    | Dialled
    | CalledIn
    | WentToVoicemail
    | Connected
    | CallMissed
    | VoicemailReceived
    | LeadReplied
    | Attempted
    | Contacted
    | ShortAnswer
    | NoAnswer
    | Abandoned
    | VoicemailLeft
    | Owed
    | OwedMet
    | OwedMissed
)

CALL_KIND_OF: dict[type[Any], str] = {
    Rang: "rang",
    RingFailed: "ring_failed",
    RingAsked: "ring_asked",
    Dialled: "dialled",
    CalledIn: "called_in",
    WentToVoicemail: "went_to_voicemail",
    Connected: "connected",
    CallMissed: "call_missed",
    VoicemailReceived: "voicemail_received",
    LeadReplied: "lead_replied",
    Attempted: "attempted",
    Contacted: "contacted",
    ShortAnswer: "short_answer",
    NoAnswer: "no_answer",
    Abandoned: "abandoned",
    VoicemailLeft: "voicemail_left",
    Owed: "owed",
    OwedMet: "owed_met",
    OwedMissed: "owed_missed",
}
