"""What calls with a lead add to its standing: who is on the line, what a call came to, what is
owed for it. Part of ``folding``; it decides nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from service.rules.call_facts import (
    COUNTING,
    Abandoned,
    Attempted,
    CalledIn,
    CallFact,
    CallMissed,
    Connected,
    Contacted,
    Dialled,
    Ended,
    LeadReplied,
    NoAnswer,
    Owed,
    OwedMet,
    OwedMissed,
    Owing,
    Purpose,
    Rang,
    RingAsked,
    RingFailed,
    ShortAnswer,
    VoicemailLeft,
    VoicemailReceived,
)
from service.rules.lead import RepId
from service.rules.standing import Came, Debt, LastCall, OnLine, Ring, Standing, State
from service.rules.timeline import Claimed, Ending, Event, Outcome
from service.rules.turning import climb_again, to_tell_by_text

# A lead that calls again and again must not keep its ladder on the first rung.
CLIMB_AGAIN_AFTER = timedelta(minutes=10)
_REACHED = frozenset({Ending.TALKED, Ending.BOOKED, Ending.NOT_INTERESTED})
_UNREACHED = frozenset({Ending.VOICEMAIL, Ending.NO_ANSWER, Ending.WRONG_NUMBER})
_CHASE = frozenset({Owing.SECOND_CALL, Owing.FURTHER_CALL})

_CAME = {
    Contacted: Came.CONTACTED,
    ShortAnswer: Came.SHORT_ANSWER,
    NoAnswer: Came.NO_ANSWER,
    Abandoned: Came.ABANDONED,
}


def called(seen: Standing, event: Event, fact: CallFact) -> Standing:
    """The standing once something happened on or about a call."""
    match fact:
        case Rang() | RingFailed() | RingAsked():
            return _ringing(seen, event, fact)
        case Dialled() | CalledIn() | Connected() | CallMissed():
            return _on_line(seen, event, fact)
        case VoicemailReceived() | LeadReplied():
            return _from_lead(seen, event, fact)
        case Attempted():
            return _attempted(_spoken(seen, event), event, fact)
        case Contacted() | ShortAnswer() | NoAnswer() | Abandoned() | VoicemailLeft():
            return _came_to(_spoken(seen, event), event, fact)
        case Owed() | OwedMet() | OwedMissed():
            return _owing(seen, fact)
        case _ as never:
            assert_never(never)


def _spoken(seen: Standing, event: Event) -> Standing:
    return replace(seen, last_spoken_at=_later(seen.last_spoken_at, event.at))


# Whom a call rings


def _ringing(seen: Standing, event: Event, fact: Rang | RingFailed | RingAsked) -> Standing:
    match fact:
        case Rang(rep, call_id, leg, purpose):
            ring = Ring(leg, call_id, rep, purpose, event.at)
            return replace(seen, rings=(*seen.rings, ring))
        case RingFailed():
            return _ring_failed(seen, event, fact)
        case RingAsked(rep):
            return replace(seen, wish_at=event.at) if seen.owner == rep else seen
        case _ as never:
            assert_never(never)


def _ring_failed(seen: Standing, event: Event, fact: RingFailed) -> Standing:
    """A rep whom we rang in vain is told so, once for each time that they asked for the lead."""
    ring = next((each for each in seen.rings if each.leg == fact.leg), None)
    if ring is None or ring.failed_at is not None:
        return seen
    ended = replace(ring, failed_at=event.at, reason=fact.reason)
    known = replace(seen, rings=tuple(ended if each is ring else each for each in seen.rings))
    before = any(each.failed_at for each in seen.rings if _asked_for(seen, each))
    if before or not _asked_for(seen, ring):
        return known
    return replace(known, to_tell=(*seen.to_tell, event))


def _asked_for(seen: Standing, ring: Ring) -> bool:
    """Whether a ring was to connect the lead's owner, since they last asked for that."""
    if ring.purpose is Purpose.INBOUND or seen.owner != ring.rep:
        return False
    return seen.wish_at is not None and ring.at >= seen.wish_at


# Who is on the line


def _on_line(
    seen: Standing, event: Event, fact: Dialled | CalledIn | Connected | CallMissed
) -> Standing:
    match fact:
        case Dialled(call_id, rep) | Connected(call_id, rep):
            inbound = isinstance(fact, Connected)
            line = OnLine(call_id, event.at, rep, inbound)
            # Who is on the line with their lead needs no text that says so.
            told = tuple(e for e in seen.to_tell if not _of_claim(e, rep))
            talking = State.TALKING if seen.open else seen.state
            lines = (*_without(seen.lines, call_id), line)
            return replace(seen, state=talking, lines=lines, to_tell=told)
        case CalledIn(call_id):
            line = OnLine(call_id, event.at, None, inbound=True)
            return replace(seen, lines=(*_without(seen.lines, call_id), line))
        case CallMissed(call_id):
            asked = seen.asked_back or (Owing.CALL_BACK, event.at)
            return _waits_anew(replace(_off_line(seen, call_id), asked_back=asked), event.at)
        case _ as never:
            assert_never(never)


def _of_claim(event: Event, rep: RepId) -> bool:
    return isinstance(event.fact, Claimed | RingFailed) and event.fact.rep == rep


def _without(lines: tuple[OnLine, ...], call_id: str | None) -> tuple[OnLine, ...]:
    return tuple(line for line in lines if line.call_id != call_id)


def _off_line(seen: Standing, call_id: str | None) -> Standing:
    """The call is over; where the lead rests now, if no other one is up."""
    lines = _without(seen.lines, call_id)
    resting = replace(seen, lines=lines)
    if seen.state is not State.TALKING or any(line.rep for line in lines):
        return resting
    return replace(resting, state=_rest(seen))


def _rest(seen: Standing) -> State:
    """Where a lead stands with nobody on the line."""
    if seen.owner is None:
        return State.WAITING
    if seen.first_contact_at is not None:
        return State.FOLLOWING
    return State.CHASING if seen.attempted_since_claim else State.CLAIMED


def _waits_anew(seen: Standing, at: datetime) -> Standing:
    """A lead that nobody has and that makes itself heard is paged at once."""
    if seen.state is not State.WAITING:
        return seen
    fresh = seen.pages and at < seen.climb_from + CLIMB_AGAIN_AFTER
    return seen if fresh else climb_again(seen, at)


def _from_lead(seen: Standing, event: Event, fact: VoicemailReceived | LeadReplied) -> Standing:
    if isinstance(fact, VoicemailReceived):
        heard = replace(seen, asked_back=(Owing.VOICEMAIL, event.at))
        return _waits_anew(_off_line(heard, fact.call_id), event.at)
    if seen.owner is None:
        return _waits_anew(seen, event.at)
    return replace(seen, to_tell=(*seen.to_tell, event))


# What a call came to


def _attempted(heard: Standing, event: Event, fact: Attempted) -> Standing:
    """The lead's leg has ended. One from before the claim, told late, proves nothing about the
    claim, nor does one by somebody else than its owner."""
    counts = fact.ended is None or Ended(fact.ended) in COUNTING
    ended_at = event.at if fact.ended is None else event.recorded_at
    last = LastCall(
        fact.call_id,
        fact.rep,
        ended_at,
        asks=fact.asks,
        answered_by=fact.answered_by,
        bridged_s=fact.bridged_s or 0.0,
        contact_before=heard.first_contact_at,
    )
    tried = replace(
        _off_line(heard, fact.call_id),
        last_call=last,
        to_tell=(*heard.to_tell, event) if fact.asks and fact.rep else heard.to_tell,
    )
    if fact.ended not in (Ended.ABANDONED, Ended.UNKNOWN):
        tried = replace(tried, unreached=tried.unreached + 1)
    if counts:
        tried = _counted(tried, event)
    before = heard.claimed_at is not None and event.at < heard.claimed_at
    if before or _by_another(heard, fact.rep) or fact.ended == Ended.ABANDONED:
        return tried
    if fact.ended == Ended.UNKNOWN:
        return tried
    return replace(
        tried,
        attempted_since_claim=True,
        # Whoever calls a lead nobody has, has it: the call is a better proof than a claim.
        owner=heard.owner or fact.rep,
        claimed_at=heard.claimed_at or event.at,
        state=_chased(tried),
    )


def _counted(tried: Standing, event: Event) -> Standing:
    """A call that counts as an attempt pays for what it was owed for."""
    back, agreed = tried.asked_back, tried.agreed
    return replace(
        tried,
        attempts=tried.attempts + 1,
        first_attempt_at=_earlier(tried.first_attempt_at, event.at),
        asked_back=None if back and back[1] <= event.at else back,
        agreed=None if agreed and agreed[1] <= event.at else agreed,
        owed=tuple(_paid(debt, event.at) for debt in tried.owed),
    )


def _paid(debt: Debt, at: datetime) -> Debt:
    return replace(debt, paid_at=at) if debt.paid_at is None and debt.since <= at else debt


def _came_to(
    heard: Standing,
    event: Event,
    fact: Contacted | ShortAnswer | NoAnswer | Abandoned | VoicemailLeft,
) -> Standing:
    last = heard.last_call
    if last and last.call_id == fact.call_id and not isinstance(fact, VoicemailLeft):
        heard = replace(heard, last_call=replace(last, came=_CAME[type(fact)]))
    if isinstance(fact, Contacted):
        return _reached(heard, event)
    before = heard.claimed_at is not None and event.at < heard.claimed_at
    if before or _by_another(heard, fact.rep) or isinstance(fact, Abandoned):
        return heard
    return replace(heard, state=_chased(heard))


def _reached(heard: Standing, event: Event) -> Standing:
    """The lead answered: the chase is over, and so are the calls it owed."""
    return replace(
        heard,
        first_contact_at=_earlier(heard.first_contact_at, event.at),
        state=State.FOLLOWING if heard.open and heard.state is not State.TALKING else heard.state,
        unreached=0,
        owed=tuple(
            _paid(debt, max(event.at, debt.since)) if debt.kind in _CHASE else debt
            for debt in heard.owed
        ),
    )


def told_outcome(seen: Standing, event: Event, fact: Outcome) -> Standing:
    """How a person says a call or the lead ended. A word may take back a contact that the carrier
    took for one (a machine heard as a human), never make one."""
    heard = replace(_spoken(seen, event), outcome=fact.outcome)
    unasked = tuple(e for e in heard.to_tell if not isinstance(e.fact, Attempted))
    heard = replace(heard, to_tell=unasked)
    if fact.outcome is Ending.CALL_LATER and fact.call_at is not None:
        heard = replace(heard, agreed=(fact.call_at, event.at))
    if fact.outcome in _REACHED:
        kept = tuple(debt for debt in heard.owed if debt.kind not in _CHASE or debt.paid_at)
        heard = replace(heard, owed=kept, agreed=None)
    last = heard.last_call
    if last is not None and last.call_id == fact.call_id:
        heard = _said_of_last(heard, last, fact.outcome)
    return to_tell_by_text(heard, event, fact.by)


def _said_of_last(heard: Standing, last: LastCall, ending: Ending) -> Standing:
    said = replace(last, asks=False, said=ending)
    if ending not in _UNREACHED or last.came is not Came.CONTACTED:
        return replace(heard, last_call=said)
    withdrawn = replace(
        heard,
        last_call=replace(said, came=Came.NO_ANSWER),
        first_contact_at=last.contact_before,
        unreached=heard.unreached + 1,
    )
    chased = heard.state is State.FOLLOWING and last.contact_before is None
    return replace(withdrawn, state=State.CHASING) if chased else withdrawn


# What is owed


def _owing(seen: Standing, fact: Owed | OwedMet | OwedMissed) -> Standing:
    match fact:
        case Owed(kind, due_at, call_at, since):
            return replace(seen, owed=(*seen.owed, Debt(kind, since, call_at, due_at)))
        case OwedMet(kind, due_at):
            kept = tuple(d for d in seen.owed if (d.kind, d.due_at) != (kind, due_at))
            return replace(seen, owed=kept)
        case OwedMissed(kind, due_at):
            marked = tuple(
                replace(d, missed=True) if (d.kind, d.due_at) == (kind, due_at) else d
                for d in seen.owed
            )
            return replace(seen, owed=marked)
        case _ as never:
            assert_never(never)


def _by_another(seen: Standing, rep: RepId | None) -> bool:
    return rep is not None and seen.owner is not None and seen.owner != rep


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)


def _chased(seen: Standing) -> State:
    """A call was made: the lead is chased, unless contact ended the chase or it is closed."""
    if not seen.open or any(line.rep for line in seen.lines):
        return seen.state
    return State.FOLLOWING if seen.first_contact_at else State.CHASING
