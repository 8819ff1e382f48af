"""The events of one lead: everything that can have happened to it, in the past tense.

Facts are frozen values; an event is a fact with its place in the lead's timeline. This file says
what a fact holds and how it is written down. What it all adds up to is ``standing``'s business.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from service.rules.call_facts import CALL_KIND_OF, CallFact
from service.rules.lead import PageId, RepId, SourceId


class Channel(StrEnum):
    """How a page reaches a rep."""

    TEXT = "text"
    CALL = "call"
    EMAIL = "email"  # beside the other two, while the carrier fails


# The channels a rung or a rep may ask for; an e-mail only ever goes beside one of them.
RUNG_CHANNELS = (Channel.TEXT, Channel.CALL)


class Audience(StrEnum):
    """Whom a rung pages, from the rep in turn outwards."""

    OWNER = "owner"  # who has the lead, for a call that is owed; no rung of a ladder
    ON_DUTY = "on-duty"
    EVERYONE_ON_DUTY = "everyone-on-duty"
    MANAGERS = "managers"
    LAST_RESORT = "last-resort"


# The audiences that a rung may name.
RUNG_AUDIENCES = tuple(each for each in Audience if each is not Audience.OWNER)


class By(StrEnum):
    """The way in which a person told us something."""

    TEXT = "text"
    KEY = "key"
    LINK = "link"
    CALL_THROUGH = "call-through"
    API = "api"


class Ending(StrEnum):
    """The outcome a person gives a call or a lead; one digit each on a phone."""

    TALKED = "talked"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    BOOKED = "booked"
    CALL_LATER = "call_later"
    NOT_INTERESTED = "not_interested"
    NOT_A_LEAD = "not_a_lead"


class Note(StrEnum):
    """What we tell a rep without asking anything of them."""

    YOURS = "yours"
    RINGING = "ringing"  # theirs, and their phone rings now
    HELD = "held"  # theirs, and rung when they have hung up
    LAWFUL_LATER = "lawful_later"  # theirs, and the lead may not be called yet
    MISSED_RING = "missed_ring"
    ASK = "ask"  # how did the call go
    REPLIED = "replied"  # the lead wrote
    TAKEN = "taken"
    PASSED_ON = "passed_on"
    TAKEN_BACK = "taken_back"
    LOGGED = "logged"
    CLOSED = "closed"


class EscalationReason(StrEnum):
    """Why a page went beyond the rep in turn."""

    NO_CLAIM = "no_claim"
    PAGE_FAILED = "page_failed"
    DECLINED = "declined"
    NOBODY_ON_DUTY = "nobody_on_duty"


@dataclass(frozen=True, slots=True)
class Arrived:
    source: SourceId
    t0: datetime
    late_or_skewed: bool
    has_phone: bool
    route: int | None = None


@dataclass(frozen=True, slots=True)
class AskedAgain:
    source: SourceId


@dataclass(frozen=True, slots=True)
class Excluded:
    reason: str


@dataclass(frozen=True, slots=True)
class Reopened:
    reason: str


@dataclass(frozen=True, slots=True)
class Paged:
    """The decision to page. ``turn_at`` is when the paged rep's turn began, on on-duty rungs."""

    rep: RepId
    rung: int
    channel: Channel
    page_id: PageId
    audience: Audience
    turn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PageSent:
    """The carrier accepted the page."""

    page_id: PageId
    rep: RepId
    channel: Channel
    code: int | None = None


@dataclass(frozen=True, slots=True)
class PageDelivered:
    """The carrier says a handset has it, or the rep picked up and pressed a key."""

    page_id: PageId
    rep: RepId
    channel: Channel
    code: int | None = None


@dataclass(frozen=True, slots=True)
class PageFailed:
    """This page will reach nobody. ``ends_channel``: nor would another to that number."""

    page_id: PageId
    rep: RepId
    channel: Channel
    reason: str
    code: int | None = None
    ends_channel: bool = True


@dataclass(frozen=True, slots=True)
class Claimed:
    rep: RepId
    by: By


@dataclass(frozen=True, slots=True)
class ClaimLost:
    """A rep asked for a lead that somebody else has (``owner``), or that is closed (None)."""

    rep: RepId
    by: By
    owner: RepId | None


@dataclass(frozen=True, slots=True)
class Passed:
    rep: RepId
    by: By


@dataclass(frozen=True, slots=True)
class TakenBack:
    """``why``: no_call (of the claim), owed (a call that was promised) or off_duty."""

    rep: RepId
    by: str
    why: str = "no_call"


@dataclass(frozen=True, slots=True)
class Escalated:
    """``from_`` and ``to`` are audiences; a contract field, hence the plain names outside."""

    from_: Audience
    to: Audience
    reason: EscalationReason


@dataclass(frozen=True, slots=True)
class Told:
    """A rep was sent ``note`` about the event ``re`` (its seq); it demands no answer."""

    rep: RepId
    note: Note
    re: int
    page_id: PageId


@dataclass(frozen=True, slots=True)
class OptedOut:
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rep says a call or the lead ended. ``reason`` is what they wrote of another time,
    ``call_at`` the instant that it means; ``call_id`` the call that it is about, if we made it."""

    outcome: Ending
    rep: RepId | None
    by: By
    reason: str | None = None
    call_at: datetime | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    reason: str


Fact = (
    Arrived
    | AskedAgain
    | Excluded
    | Reopened
    | Paged
    | PageSent
    | PageDelivered
    | PageFailed
    | Claimed
    | ClaimLost
    | Passed
    | TakenBack
    | Escalated
    | Told
    | OptedOut
    | Outcome
    | Settled
    | CallFact
)

# The name of each fact outside: in the ledger, over HTTP and in the docs. Never renamed.
KIND_OF: dict[type[Fact], str] = {
    Arrived: "arrived",
    AskedAgain: "asked_again",
    Excluded: "excluded",
    Reopened: "reopened",
    Paged: "paged",
    PageSent: "page_sent",
    PageDelivered: "page_delivered",
    PageFailed: "page_failed",
    Claimed: "claimed",
    ClaimLost: "claim_lost",
    Passed: "passed",
    TakenBack: "taken_back",
    Escalated: "escalated",
    Told: "told",
    OptedOut: "opted_out",
    Outcome: "outcome",
    Settled: "settled",
    **CALL_KIND_OF,
}
FACT_OF: dict[str, type[Fact]] = {kind: fact for fact, kind in KIND_OF.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """A fact in its place: ``seq`` orders folding, ``at`` is when it happened (figures use it),
    ``recorded_at`` when we learned it, ``because`` why, ``actor`` who or what caused it."""

    seq: int
    at: datetime
    recorded_at: datetime
    because: str
    actor: str
    fact: Fact

    @property
    def kind(self) -> str:
        return KIND_OF[type(self.fact)]


Timeline = tuple[Event, ...]


def to_fields(fact: Fact) -> dict[str, Any]:
    """The fact as plain JSON values; a trailing underscore is Python's affair, not the reader's."""
    written: dict[str, Any] = {}
    for each in fields(fact):
        value = getattr(fact, each.name)
        if value is None:
            continue
        written[each.name.rstrip("_")] = value.isoformat() if isinstance(value, datetime) else value
    return written


def from_fields(kind: str, written: dict[str, Any]) -> Fact:
    """The inverse of ``to_fields``. An unknown kind or a missing field raises: a ledger written by
    a newer version must be read by that version."""
    readers = _READERS[kind]
    held = {
        name: read(written[outside])
        for name, (outside, read) in readers.items()
        if outside in written
    }
    # Nothing is written of what is None, also where a fact must be told so (nobody's rep).
    unsaid: dict[str, Any] = dict.fromkeys(_NULLABLE[kind])
    return FACT_OF[kind](**(unsaid | held))


def _plain(value: Any) -> Any:
    return value


def _may_be_none(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)


def _reader(hint: Any) -> Any:
    """How a JSON value becomes a field of this type again."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return _plain


_READERS: dict[str, dict[str, tuple[str, Any]]] = {
    kind: {name: (name.rstrip("_"), _reader(hint)) for name, hint in get_type_hints(fact).items()}
    for fact, kind in KIND_OF.items()
}
_NULLABLE: dict[str, tuple[str, ...]] = {
    kind: tuple(
        each.name
        for each in fields(fact)
        if each.default is MISSING and _may_be_none(get_type_hints(fact)[each.name])
    )
    for fact, kind in KIND_OF.items()
}
