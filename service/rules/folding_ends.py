"""What the end of a call adds to a lead's standing: an attempt, contact, what is paid and owed.

Part of ``folding``; it decides nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from service.rules.call_facts import (
    COUNTING,
    Abandoned,
    Attempted,
    Contacted,
    Ended,
    NoAnswer,
    Owed,
    OwedMet,
    OwedMissed,
    Owing,
    RingFailed,
    ShortAnswer,
    VoicemailLeft,
)
from service.rules.lead import RepId
from service.rules.standing import Came, Debt, LastCall, OnLine, Standing, State
from service.rules.timeline import Ending, Event, Outcome
from service.rules.turning import to_tell_by_text

# A call so soon before an agreed time is the call that was agreed on.
AGREED_EARLY = timedelta(minutes=15)
# Debts that end when the lead was reached.
CHASE = frozenset({Owing.SECOND_CALL, Owing.FURTHER_CALL})

_REACHED = frozenset({Ending.TALKED, Ending.BOOKED, Ending.NOT_INTERESTED})
_UNREACHED = frozenset({Ending.VOICEMAIL, Ending.NO_ANSWER, Ending.WRONG_NUMBER})
# Endings of a leg that settle nothing: the lead heard no ring, or nobody knows.
_NOTHING = frozenset({Ended.ABANDONED, Ended.UNKNOWN})

_CAME = {
    Contacted: Came.CONTACTED,
    ShortAnswer: Came.SHORT_ANSWER,
    NoAnswer: Came.NO_ANSWER,
    Abandoned: Came.ABANDONED,
    VoicemailLeft: Came.NO_ANSWER,
}


def spoken(seen: Standing, event: Event) -> Standing:
    """Somebody tried to speak with somebody: the lead's days are counted from here."""
    return replace(seen, last_spoken_at=_later(seen.last_spoken_at, event.at))


def without(lines: tuple[OnLine, ...], call_id: str | None) -> tuple[OnLine, ...]:
    return tuple(line for line in lines if line.call_id != call_id)


def off_line(seen: Standing, call_id: str | None) -> Standing:
    """The call is over; where the lead rests now, if no other one is up."""
    lines = without(seen.lines, call_id)
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


# What a call came to


def attempted(heard: Standing, event: Event, fact: Attempted) -> Standing:
    """The lead's leg has ended. One from before the claim, told late, proves nothing about the
    claim, nor does one by somebody else than its owner."""
    ended = None if fact.ended is None else Ended(fact.ended)
    if ended not in _NOTHING:
        heard = replace(heard, unreached=heard.unreached + 1)
    tried = replace(
        off_line(heard, fact.call_id),
        last_call=_last_call(heard, event, fact, nothing=ended in _NOTHING),
        to_tell=(*heard.to_tell, event) if fact.asks and fact.rep else heard.to_tell,
    )
    if ended is None or ended in COUNTING:
        tried = _counted(tried, event)
    before = heard.claimed_at is not None and event.at < heard.claimed_at
    if before or _by_another(heard, fact.rep):
        return tried
    tried = _wish_ended(tried, event.at)
    if ended in _NOTHING or _gave_up(heard, fact.rep, event.at):
        return tried
    # Whoever calls a lead nobody has, has it: the call is a better proof than a claim.
    owner = heard.owner or fact.rep
    return replace(
        tried,
        attempted_since_claim=True,
        owner=owner,
        claimed_at=(heard.claimed_at or event.at) if owner else None,
        state=_chased(tried),
    )


def _last_call(heard: Standing, event: Event, fact: Attempted, *, nothing: bool) -> LastCall:
    """The last call with this one; one that is told late comes before the last that began."""
    last = heard.last_call
    if last is not None and event.at < last.began_at:
        return last
    return LastCall(
        fact.call_id,
        fact.rep,
        event.recorded_at,
        event.at,
        ours=fact.ended is not None,
        came=Came.ABANDONED if nothing else Came.OPEN,
        asks=fact.asks,
        answered_by=fact.answered_by,
        bridged_s=fact.bridged_s or 0.0,
        contact_before=heard.first_contact_at,
        unreached=heard.unreached,
        before=heard.chased_call if nothing else None,
    )


def _wish_ended(seen: Standing, at: datetime) -> Standing:
    """Nobody needs to be connected any more, nor told that they were not; unless they asked for it
    after that call."""
    if seen.wish_at is None or at < seen.wish_at:
        return seen
    told = tuple(each for each in seen.to_tell if not isinstance(each.fact, RingFailed))
    return replace(seen, wish_at=None, to_tell=told)


def _gave_up(seen: Standing, rep: RepId | None, since: datetime) -> bool:
    """Whether a rep passed a lead while they were on the line with it."""
    return seen.owner is None and any(who == rep and at >= since for who, at in seen.passed_at)


def _counted(tried: Standing, event: Event) -> Standing:
    """A call that counts as an attempt pays for what it was owed for."""
    back, agreed = tried.asked_back, tried.agreed
    kept = agreed is not None and not _is_agreed(agreed, event.at)
    return replace(
        tried,
        attempts=tried.attempts + 1,
        first_attempt_at=_earlier(tried.first_attempt_at, event.at),
        asked_back=None if back and back[1] <= event.at else back,
        agreed=agreed if kept else None,
        owed=tuple(
            debt if kept and _for_agreed(tried, debt) else _paid(debt, event.at)
            for debt in tried.owed
        ),
    )


def _is_agreed(agreed: tuple[datetime, datetime], at: datetime) -> bool:
    """Whether a call is the agreed one, and not one before the lead's time for it."""
    call_at, since = agreed
    return since <= at and call_at - AGREED_EARLY <= at


def _for_agreed(seen: Standing, debt: Debt) -> bool:
    return debt.kind in CHASE and seen.agreed is not None and debt.since == seen.agreed[1]


def _paid(debt: Debt, at: datetime) -> Debt:
    return replace(debt, paid_at=at) if debt.paid_at is None and debt.since <= at else debt


def came_to(
    heard: Standing,
    event: Event,
    fact: Contacted | ShortAnswer | NoAnswer | Abandoned | VoicemailLeft,
) -> Standing:
    heard = replace(heard, last_call=_with_came(heard.last_call, event, fact))
    if isinstance(fact, Contacted):
        return _reached(heard, event)
    before = heard.claimed_at is not None and event.at < heard.claimed_at
    gave_up = heard.state is State.WAITING and heard.owner is None
    if before or _by_another(heard, fact.rep) or isinstance(fact, Abandoned) or gave_up:
        return heard
    return replace(heard, state=_chased(heard))


def _with_came(
    last: LastCall | None,
    event: Event,
    fact: Contacted | ShortAnswer | NoAnswer | Abandoned | VoicemailLeft,
) -> LastCall | None:
    """The last call, or the one before that it left open, with what it came to."""
    if last is None:
        return None
    if last.call_id != fact.call_id or event.at < last.began_at:
        return replace(last, before=_with_came(last.before, event, fact))
    if isinstance(fact, VoicemailLeft) and last.came is not Came.OPEN:
        return last
    return replace(last, came=_CAME[type(fact)])


def _reached(heard: Standing, event: Event) -> Standing:
    """The lead answered: the chase is over, and so are the calls it owed. One that nobody has, and
    that its caller gave up, still waits."""
    resting = heard.state is State.TALKING or (heard.state is State.WAITING and heard.owner is None)
    last, agreed = heard.last_call, heard.agreed
    kept = agreed is not None and agreed[1] > event.at  # what was agreed since then stands
    return replace(
        _wish_ended(heard, event.at),
        first_contact_at=_earlier(heard.first_contact_at, event.at),
        state=State.FOLLOWING if heard.open and not resting else heard.state,
        unreached=0,
        last_call=replace(last, said=None) if last else None,
        agreed=agreed if kept else None,
        owed=tuple(
            debt
            if debt.kind not in CHASE or (kept and _for_agreed(heard, debt))
            else _paid(debt, max(event.at, debt.since))
            for debt in heard.owed
        ),
    )


def told_outcome(seen: Standing, event: Event, fact: Outcome) -> Standing:
    """How a person says a call or the lead ended. A word may take back a contact that the carrier
    took for one (a machine heard as a human), never make one."""
    unasked = tuple(each for each in seen.to_tell if not _asks_of(each, fact))
    heard = replace(spoken(seen, event), outcome=fact.outcome, to_tell=unasked)
    agrees = fact.outcome is Ending.CALL_LATER and fact.call_at is not None
    if fact.outcome in _REACHED or agrees:
        kept = tuple(debt for debt in heard.owed if debt.kind not in CHASE or debt.paid_at)
        heard = replace(heard, owed=kept, agreed=None)
    if fact.outcome is Ending.CALL_LATER and fact.call_at is not None:
        heard = replace(heard, agreed=(fact.call_at, event.at))
    last = heard.last_call
    if last is not None and last.call_id == fact.call_id:
        heard = _said_of_last(heard, event, last, fact.outcome)
    return to_tell_by_text(heard, event, fact.by)


def _asks_of(event: Event, said: Outcome) -> bool:
    """Whether a note would ask for what was just said."""
    return isinstance(event.fact, Attempted) and said.rep in (None, event.fact.rep)


def _said_of_last(heard: Standing, event: Event, last: LastCall, ending: Ending) -> Standing:
    """The last call with what was said of it. Until then nobody knew that contact was none, or that
    another call was wanted: what is owed for that is owed from now on."""
    known_at = event.at if last.came is Came.CONTACTED else last.at
    said = replace(last, asks=False, said=ending, at=known_at)
    if ending not in _UNREACHED or last.came is not Came.CONTACTED:
        return replace(heard, last_call=said)
    withdrawn = replace(
        heard,
        last_call=replace(said, came=Came.NO_ANSWER),
        first_contact_at=last.contact_before,
        unreached=last.unreached,
    )
    chased = heard.state is State.FOLLOWING and last.contact_before is None
    return replace(withdrawn, state=State.CHASING) if chased else withdrawn


# What is owed


def owing(seen: Standing, fact: Owed | OwedMet | OwedMissed) -> Standing:
    match fact:
        case Owed(kind, due_at, call_at, since):
            return replace(seen, owed=(*seen.owed, Debt(kind, since, call_at, due_at)))
        case OwedMet():
            kept = tuple(debt for debt in seen.owed if not (debt.paid_at and _is(debt, fact)))
            return replace(seen, owed=kept)
        case OwedMissed():
            marked = tuple(
                replace(debt, missed=True) if debt.paid_at is None and _is(debt, fact) else debt
                for debt in seen.owed
            )
            return replace(seen, owed=marked)
        case _ as never:
            assert_never(never)


def _is(debt: Debt, fact: OwedMet | OwedMissed) -> bool:
    return (debt.kind, debt.due_at) == (fact.kind, fact.due_at)


def _by_another(seen: Standing, rep: RepId | None) -> bool:
    return rep is not None and seen.owner is not None and seen.owner != rep


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)


def _chased(seen: Standing) -> State:
    """A call was made: the lead is chased, unless contact ended the chase or it is closed."""
    if not seen.open:
        return seen.state
    if any(line.rep for line in seen.lines):
        return State.TALKING
    return State.FOLLOWING if seen.first_contact_at else State.CHASING
