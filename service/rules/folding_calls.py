"""What calls with a lead add to its standing: who is rung, who is on the line, what the lead left.

Part of ``folding``; it decides nothing. What a call came to is ``folding_ends``'s.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from service.rules.call_facts import (
    HEARD_WHY,
    Abandoned,
    Attempted,
    CalledIn,
    CallFact,
    CallMissed,
    Connected,
    Contacted,
    Dialled,
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
    WentToVoicemail,
)
from service.rules.folding_ends import attempted, came_to, off_line, owing, spoken, without
from service.rules.lead import CallId, RepId
from service.rules.standing import OnLine, Ring, Standing, State
from service.rules.timeline import Claimed, Event
from service.rules.turning import climb_again

# A lead that calls again and again must not keep its ladder on the first rung.
CLIMB_AGAIN_AFTER = timedelta(minutes=10)


def called(seen: Standing, event: Event, fact: CallFact) -> Standing:
    """The standing once something happened on or about a call."""
    match fact:
        case Rang() | RingFailed() | RingAsked():
            return _ringing(seen, event, fact)
        case Dialled() | CalledIn() | WentToVoicemail() | Connected() | CallMissed():
            return _on_line(seen, event, fact)
        case VoicemailReceived() | LeadReplied():
            return _from_lead(spoken(seen, event), event, fact)
        case Attempted():
            return attempted(spoken(seen, event), event, fact)
        case Contacted() | ShortAnswer() | NoAnswer() | Abandoned() | VoicemailLeft():
            return came_to(spoken(seen, event), event, fact)
        case Owed() | OwedMet() | OwedMissed():
            return owing(seen, fact)
        case _ as never:
            assert_never(never)


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
    """A rep whom we rang in vain is told so, once for each time that they asked for the lead; who
    answered and heard why they are not connected has been told."""
    ring = next((each for each in seen.rings if each.leg == fact.leg), None)
    if ring is None or not ring.open:
        return seen
    ended = replace(ring, failed_at=event.at, reason=fact.reason)
    known = replace(seen, rings=tuple(ended if each is ring else each for each in seen.rings))
    missed = (each.failed_at and each.reason not in HEARD_WHY for each in _asked(seen))
    if any(missed) or fact.reason in HEARD_WHY or not _asked_for(seen, ring):
        return known
    return replace(known, to_tell=(*seen.to_tell, event))


def _asked(seen: Standing) -> list[Ring]:
    return [ring for ring in seen.rings if _asked_for(seen, ring)]


def _asked_for(seen: Standing, ring: Ring) -> bool:
    """Whether a ring was to connect the lead's owner, since they last asked for that."""
    if ring.purpose is Purpose.INBOUND or seen.owner != ring.rep:
        return False
    return seen.wish_at is not None and ring.at >= seen.wish_at


# Who is on the line


def _on_line(
    seen: Standing,
    event: Event,
    fact: Dialled | CalledIn | WentToVoicemail | Connected | CallMissed,
) -> Standing:
    match fact:
        case Dialled(call_id, rep):
            return _talking(seen, event, OnLine(call_id, event.at, rep))
        case Connected(call_id, rep):
            return _talking(seen, event, OnLine(call_id, event.at, rep, inbound=True))
        case CalledIn(call_id):
            line = OnLine(call_id, event.at, None, inbound=True)
            return replace(seen, lines=(*without(seen.lines, call_id), line))
        case WentToVoicemail(call_id):
            lines = (_asked_for_message(each, call_id) for each in seen.lines)
            return replace(seen, lines=tuple(lines))
        case CallMissed(call_id):
            asked = seen.asked_back or (Owing.CALL_BACK, event.at)
            missed = replace(off_line(spoken(seen, event), call_id), asked_back=asked)
            return _waits_anew(missed, event.at)
        case _ as never:
            assert_never(never)


def _asked_for_message(line: OnLine, call_id: CallId) -> OnLine:
    return replace(line, voicemail=True) if line.call_id == call_id else line


def _talking(seen: Standing, event: Event, line: OnLine) -> Standing:
    """A rep is on the line with a lead. One that nobody has is theirs from now on; and they need
    no text that says so."""
    rep = line.rep
    rings = tuple(
        replace(ring, answered_at=event.at) if _answers(ring, line) else ring for ring in seen.rings
    )
    return replace(
        seen,
        state=State.TALKING if seen.open else seen.state,
        lines=(*without(seen.lines, line.call_id), line),
        rings=rings,
        owner=seen.owner or rep if seen.open else seen.owner,
        claimed_at=seen.claimed_at or event.at if seen.open else seen.claimed_at,
        to_tell=tuple(each for each in seen.to_tell if not _of_claim(each, rep)),
    )


def _answers(ring: Ring, line: OnLine) -> bool:
    """Whether a ring is over with this; one that was to connect them is, however they came."""
    mine = ring.open and ring.rep == line.rep
    return mine and (ring.call_id == line.call_id or ring.purpose is not Purpose.INBOUND)


def _of_claim(event: Event, rep: RepId | None) -> bool:
    return isinstance(event.fact, Claimed | RingFailed) and event.fact.rep == rep


# What the lead left


def _from_lead(seen: Standing, event: Event, fact: VoicemailReceived | LeadReplied) -> Standing:
    if isinstance(fact, VoicemailReceived):
        # The first one that nobody answered is what is promised; the call back answers them all.
        known = seen.asked_back is not None and seen.asked_back[0] is Owing.VOICEMAIL
        asked = seen.asked_back if known else (Owing.VOICEMAIL, event.at)
        return _waits_anew(replace(off_line(seen, fact.call_id), asked_back=asked), event.at)
    if seen.owner is None:
        return _waits_anew(seen, event.at)
    return replace(seen, to_tell=(*seen.to_tell, event))


def _waits_anew(seen: Standing, at: datetime) -> Standing:
    """A lead that nobody has and that makes itself heard is paged at once."""
    if seen.state is not State.WAITING:
        return seen
    fresh = seen.pages and at < seen.climb_from + CLIMB_AGAIN_AFTER
    return seen if fresh else climb_again(seen, at)
