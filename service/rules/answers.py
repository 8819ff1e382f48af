"""What a rep's word means for a lead: which facts follow from a claim, a pass or an outcome.

A rep's word is evidence of grade C. It never upgrades what the carrier proved (DEFINITIONS.md).
"""

from __future__ import annotations

from datetime import datetime

from service.rules.lead import RepId
from service.rules.means import UNSEEN_AFTER
from service.rules.standing import Standing
from service.rules.timeline import (
    AskedAgain,
    Attempted,
    By,
    Channel,
    Claimed,
    ClaimLost,
    Contacted,
    Ending,
    Event,
    Excluded,
    Fact,
    NoAnswer,
    Outcome,
    PageDelivered,
    PageSent,
    Passed,
    Settled,
    VoicemailLeft,
)

WORD = "C"

# An outcome that ends the lead, and the reason it is settled with.
_ENDS = {
    Ending.WRONG_NUMBER: "wrong_number",
    Ending.BOOKED: "booked",
    Ending.NOT_INTERESTED: "not_interested",
}


def claim(standing: Standing, rep: RepId, by: By) -> tuple[Fact, ...]:
    """Taking a lead: it is theirs if nobody has it; if somebody has, they are told who."""
    if standing.owner == rep and standing.open:
        return ()
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
    standing: Standing, rep: RepId | None, ending: Ending, by: By, when: str | None
) -> tuple[Fact, ...]:
    """What a person says a call came to. Nothing, for a lead that is closed.

    A lead that somebody else has by now is not theirs to end; but their call was made, and is
    told with who has it.
    """
    if not standing.open:
        return ()
    if rep is not None and by is not By.API and standing.owner not in (None, rep):
        lost = ClaimLost(rep, by, standing.owner)
        if ending is Ending.NOT_A_LEAD:
            return (lost,)
        return (Attempted(rep, WORD), _came_to(ending, rep), lost)
    said = Outcome(ending, rep, by, when)
    if ending is Ending.NOT_A_LEAD:
        return (said, Excluded("not_a_lead"))
    facts: tuple[Fact, ...] = (Attempted(rep, WORD), _came_to(ending, rep), said)
    reason = _ENDS.get(ending)
    return (*facts, Settled(reason)) if reason else facts


def _came_to(ending: Ending, rep: RepId | None) -> Fact:
    """What an attempt came to: exactly one of these follows each attempt."""
    if ending is Ending.VOICEMAIL:
        return VoicemailLeft(WORD, rep)
    if ending in (Ending.TALKED, Ending.BOOKED, Ending.NOT_INTERESTED):
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
