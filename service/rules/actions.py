"""What the rules may ask for, and the event that records each. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from service.rules.call_facts import (
    Abandoned,
    Attempted,
    CallMissed,
    Ended,
    Owed,
    OwedMet,
    OwedMissed,
    Owing,
    Purpose,
    Rang,
    RingFailed,
    ShortAnswer,
)
from service.rules.lead import CallId, PageId, RepId
from service.rules.timeline import (
    Audience,
    Channel,
    Escalated,
    EscalationReason,
    Fact,
    Note,
    Paged,
    Reopened,
    Settled,
    TakenBack,
    Told,
)

ACTOR = "rules"


@dataclass(frozen=True, slots=True)
class Page:
    """Page ``rep`` by ``channel``; pointless after ``not_after``. ``begins_turn``: their turn
    begins; ``unseen``: the text before it shows no receipt."""

    rep: RepId
    rung: int
    channel: Channel
    audience: Audience
    turn_at: datetime | None
    not_after: datetime
    begins_turn: bool
    because: str
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring ``rep`` to connect them with the lead; ``call_id`` is the waiting caller's, None for a
    call that is yet to be made."""

    rep: RepId
    purpose: Purpose
    call_id: CallId | None
    not_after: datetime
    because: str


@dataclass(frozen=True, slots=True)
class GiveUpRing:
    """Nobody ever told how a ring ended: it is over by now."""

    rep: RepId
    call_id: CallId
    leg: PageId
    because: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Send ``rep`` a note about the event ``re``."""

    rep: RepId
    note: Note
    re: int
    not_after: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Escalate:
    from_: Audience
    to: Audience
    reason: EscalationReason
    because: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    """``why`` as in ``TakenBack``."""

    rep: RepId
    because: str
    why: str = "no_call"


@dataclass(frozen=True, slots=True)
class WaitAgain:
    """A lead that nobody has, and that a call is owed to, goes to the ladder."""

    because: str


@dataclass(frozen=True, slots=True)
class Owe:
    kind: Owing
    since: datetime
    call_at: datetime
    due_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Meet:
    kind: Owing
    due_at: datetime
    late: bool
    because: str


@dataclass(frozen=True, slots=True)
class Miss:
    kind: Owing
    due_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Lose:
    """Nobody told how a call ended, and it is over by now. ``rep`` None: a caller whom nobody
    took."""

    call_id: CallId
    rep: RepId | None
    because: str


@dataclass(frozen=True, slots=True)
class Presume:
    """Nobody said what a call came to: it counts as a short answer, or for nothing."""

    call_id: str | None
    rep: RepId | None
    because: str
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class Settle:
    reason: str
    because: str


Action = (
    Page
    | Ring
    | GiveUpRing
    | Tell
    | Escalate
    | TakeBack
    | WaitAgain
    | Owe
    | Meet
    | Miss
    | Lose
    | Presume
    | Settle
)
# What sends a message, and so needs an id for it.
Sending = Page | Ring | Tell


def fact_of(action: Action, page_id: PageId) -> Fact:
    """The event that records an action. ``page_id`` names the message it sends, if it sends one; a
    call that is yet to be made is named after the message that rings for it."""
    match action:
        case Page():
            return Paged(
                rep=action.rep,
                rung=action.rung,
                channel=action.channel,
                page_id=page_id,
                audience=action.audience,
                turn_at=action.turn_at,
            )
        case Ring():
            call_id = action.call_id or CallId(page_id)
            return Rang(action.rep, call_id, page_id, action.purpose)
        case GiveUpRing():
            return RingFailed(action.rep, action.call_id, action.leg, "unsure")
        case Tell():
            return Told(action.rep, action.note, action.re, page_id)
        case Escalate():
            return Escalated(action.from_, action.to, action.reason)
        case TakeBack():
            return TakenBack(action.rep, ACTOR, action.why)
        case WaitAgain():
            return Reopened("owed")
        case Owe():
            return Owed(action.kind, action.due_at, action.call_at, action.since)
        case Meet():
            return OwedMet(action.kind, action.due_at, action.late)
        case Miss():
            return OwedMissed(action.kind, action.due_at)
        case Lose(call_id, rep):
            if rep is None:
                return CallMissed(call_id)
            return Attempted(rep, "A", call_id, ended=Ended.UNKNOWN.value)
        case Presume(call_id, rep):
            came = Abandoned if action.nothing else ShortAnswer
            return came("A", rep, call_id)
        case Settle():
            return Settled(action.reason)
        case _ as never:
            assert_never(never)
