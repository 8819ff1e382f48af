"""What a rep's word means for a lead: which facts follow from a claim, a pass or an outcome.

A rep's word is evidence of grade C. It never upgrades what the carrier proved (DEFINITIONS.md).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from service.rules.call_facts import Attempted, Contacted, NoAnswer, RingAsked, VoicemailLeft
from service.rules.calls import said_of
from service.rules.lead import RepId
from service.rules.means import UNSEEN_AFTER
from service.rules.standing import Came, LastCall, Standing
from service.rules.timeline import (
    AskedAgain,
    By,
    Channel,
    Claimed,
    ClaimLost,
    Ending,
    Event,
    Excluded,
    Fact,
    Outcome,
    PageDelivered,
    PageSent,
    Passed,
    Settled,
)

WORD = "C"

# What a rep says so soon after a call of ours is about that call, asked or not.
SAID_WITHIN = timedelta(minutes=10)

_TALKED = frozenset({Ending.TALKED, Ending.BOOKED, Ending.NOT_INTERESTED})

# An outcome that ends the lead, and the reason it is settled with.
_ENDS = {
    Ending.WRONG_NUMBER: "wrong_number",
    Ending.BOOKED: "booked",
    Ending.NOT_INTERESTED: "not_interested",
}


def claim(standing: Standing, rep: RepId, by: By, *, rings: bool = False) -> tuple[Fact, ...]:
    """Taking a lead: it is theirs if nobody has it; if somebody has, they are told who. Whoever has
    it asks to be connected (again), if we ``ring`` reps at all."""
    if standing.owner == rep and standing.open:
        return (RingAsked(rep, by),) if rings and not standing.lines else ()
    if not standing.open or standing.owner is not None:
        return (ClaimLost(rep, by, standing.owner if standing.open else None),)
    return (Claimed(rep, by),)


def decline(standing: Standing, rep: RepId, by: By) -> tuple[Fact, ...]:
    """Passing a lead on. Saying so twice, or of a lead that somebody else has, changes nothing."""
    if not standing.open or rep in standing.passed:
        return ()
    if standing.owner not in (None, rep):
        return (ClaimLost(rep, by, standing.owner),)
    return (Passed(rep, by),)


def outcome(
    standing: Standing,
    rep: RepId | None,
    ending: Ending,
    by: By,
    when: str | None,
    *,
    at: datetime | None = None,
    call_at: datetime | None = None,
    contact_after_s: float = 30.0,
) -> tuple[Fact, ...]:
    """What a person says a call came to. Nothing, for a lead that is closed.

    Said of a call that we made (``at`` is when), it adds to what the carrier proved; else it is
    their word that they called. A lead that somebody else has by now is not theirs to end; but
    their call was made, and is told with who has it. ``call_at``: the instant agreed for another.
    """
    if not standing.open:
        return ()
    call = about_call(standing, rep, at)
    call = call if call is not None and _speaks_of(call, ending) else None
    made = _said(standing, call, rep, ending, contact_after_s)
    if rep is not None and by is not By.API and standing.owner not in (None, rep):
        if call is not None:
            return (*made, Outcome(ending, rep, by, when, call_at, call.call_id))
        lost = ClaimLost(rep, by, standing.owner)
        return (lost,) if ending is Ending.NOT_A_LEAD else (*made, lost)
    said = Outcome(ending, rep, by, when, call_at, call.call_id if call else None)
    if ending is Ending.NOT_A_LEAD:
        return (said, Excluded("not_a_lead"))
    reason = _ENDS.get(ending)
    return (*made, said, Settled(reason)) if reason else (*made, said)


def about_call(standing: Standing, rep: RepId | None, at: datetime | None) -> LastCall | None:
    """The call of ours that a person's word is about: the lead's last one, by the same rep, until
    an outcome was told and for a while after; None when they speak of a call of their own."""
    last = standing.last_call
    if last is None or not last.ours or at is None or rep is None or last.rep != rep:
        return None
    if last.asks:
        return last
    return last if at < last.at + SAID_WITHIN and last.said is None else None


def _speaks_of(call: LastCall, ending: Ending) -> bool:
    """Whether this can be said of that call. Who talked where nobody was on the line with them
    called otherwise; and of a call whose end the carrier never told, their word is all there is.
    Asked of a call that somebody picked up they speak of that, however long it is told to be."""
    if call.bridged_s > 0.0 or (call.asks and call.came is Came.SHORT_ANSWER):
        return True
    return ending not in _TALKED and not (call.asks and call.came is Came.ABANDONED)


def _said(
    standing: Standing,
    call: LastCall | None,
    rep: RepId | None,
    ending: Ending,
    contact_after_s: float,
) -> tuple[Fact, ...]:
    """What the word proves of a call. That a lead is none is said of the lead."""
    if call is None or call.call_id is None:
        if ending is Ending.NOT_A_LEAD:
            return ()
        return (Attempted(rep, WORD), _came_to(ending, rep))
    return said_of(
        call.call_id,
        rep,
        ending,
        call.answered_by,
        call.bridged_s,
        contact_after_s,
        still_open=call.came is Came.OPEN,
        asked=call.asks,
    )


def _came_to(ending: Ending, rep: RepId | None) -> Fact:
    """What an attempt came to: exactly one of these follows each attempt."""
    if ending is Ending.VOICEMAIL:
        return VoicemailLeft(WORD, rep)
    if ending in _TALKED:
        return Contacted(WORD, rep)
    # "Call later", said without having talked, is owed another call as if unanswered.
    return NoAnswer(WORD, rep)


# Facts that make nothing due: they confirm what was already ordered. A test holds that no action
# differs before and after one of these, and that no look falls due before ``look_after``.
_CONFIRMS = (AskedAgain, PageSent, PageDelivered)


def look_after(event: Event) -> datetime | None:
    """When a look must come at the latest although the fact asks for none now: a text that was
    sent may stay without a receipt."""
    fact = event.fact
    if isinstance(fact, PageSent) and fact.channel is Channel.TEXT:
        return event.at + UNSEEN_AFTER
    return None


def stirs(fact: Fact) -> bool:
    """Whether a fact may call for something to be done, so that a look must follow it."""
    return not isinstance(fact, _CONFIRMS)
