"""What a rep's link shows of one lead: how it stands for this rep, and no more than they may know.

Pure. What a rep may not see before they have the lead is taken out here, so that no template can
show it by mistake.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from service.rules import masking
from service.rules.decide import take_back_at
from service.rules.lead import Lead, RepId
from service.rules.policy import Policy
from service.rules.standing import Standing
from service.rules.timeline import AskedAgain, Ending, Event, Outcome, Timeline


class Stance(StrEnum):
    """How a lead stands for the rep who opened the link."""

    WAITING = "waiting"  # nobody has it, and they were asked
    PASSED = "passed"  # nobody has it, and they have passed it on
    TAKEN_BACK = "taken_back"  # nobody has it, and they had it without a call
    MINE = "mine"
    TAKEN = "taken"  # somebody else has it
    CLOSED = "closed"
    ERASED = "erased"


MAY_CLAIM = frozenset({Stance.WAITING, Stance.PASSED, Stance.TAKEN_BACK})
# Whoever was too slow to log a call that they did make may still log it.
MAY_LOG = frozenset({Stance.MINE, Stance.TAKEN_BACK})


@dataclass(frozen=True, slots=True)
class Card:
    """One lead as this rep may see it. ``token`` opens its page alone.

    ``lead`` is masked while they may claim it, whole once it is theirs, else None. ``by`` is when
    a claim without a call ends; ``logged`` the last outcome that anybody told, when they did, and
    the time that was agreed for another call.
    """

    token: str
    stance: Stance
    lead: Lead | None
    has_phone: bool
    source_name: str
    arrived_at: datetime
    since: datetime
    asked_again: bool
    owner: RepId | None = None
    by: datetime | None = None
    logged: tuple[Ending, datetime, str | None] | None = None


def card_of(
    token: str,
    rep: RepId,
    lead: Lead | None,
    timeline: Timeline,
    standing: Standing,
    policy: Policy,
    source_name: str,
) -> Card:
    """The card of one lead for one rep; ``lead`` None: erased."""
    stance = stance_of(standing, rep, erased=lead is None)
    mine = stance is Stance.MINE
    return Card(
        token=token,
        stance=stance,
        lead=_visible(lead, stance),
        has_phone=lead is not None and lead.phone is not None,
        source_name=source_name,
        arrived_at=standing.arrived_at,
        since=standing.t0,
        asked_again=any(isinstance(event.fact, AskedAgain) for event in timeline),
        owner=standing.owner if stance is Stance.TAKEN else None,
        by=take_back_at(standing, policy) if mine else None,
        logged=_logged(timeline) if mine or stance is Stance.CLOSED else None,
    )


def stance_of(standing: Standing, rep: RepId, *, erased: bool) -> Stance:
    """How the lead stands for this rep."""
    if erased:
        return Stance.ERASED
    if not standing.open:
        return Stance.CLOSED
    if standing.owner is not None:
        return Stance.MINE if standing.owner == rep else Stance.TAKEN
    if rep in standing.passed:
        return Stance.PASSED
    return Stance.TAKEN_BACK if rep in standing.taken_back else Stance.WAITING


def _visible(lead: Lead | None, stance: Stance) -> Lead | None:
    if lead is None or stance is Stance.MINE:
        return lead
    return masked(lead) if stance in MAY_CLAIM else None


def masked(lead: Lead) -> Lead:
    """The lead without anything that reaches them: numbers, addresses and links are words. What
    their browser told of them is left out whole."""
    hidden = _hide(lead)
    return replace(
        lead,
        **hidden,
        phone=None,
        phone_as_given=None,
        email=None,
        referrer=None,
        landing_page=None,
        pages_viewed=(),
        extra=tuple((_masked(name, lead), _masked(value, lead)) for name, value in lead.extra),
    )


_SHOWN = (
    *("name", "ask", "company", "city", "state", "postal_code", "country", "language", "product"),
    *("decision_maker", "preferred_channel", "preferred_time"),
)


def _hide(lead: Lead) -> dict[str, str]:
    """Each text of the lead that a rep may read before a claim, masked."""
    told = {name: getattr(lead, name) for name in _SHOWN}
    return {name: _masked(value, lead) for name, value in told.items() if value}


def _masked(text: str, lead: Lead) -> str:
    """As a page masks it, but in the lead's own script: a screen is no GSM-7."""
    return masking.masked(masking.plain(text), lead)


def _logged(timeline: Timeline) -> tuple[Ending, datetime, str | None] | None:
    said = (event for event in reversed(timeline) if isinstance(event.fact, Outcome))
    return next((_ending(event) for event in said), None)


def _ending(event: Event) -> tuple[Ending, datetime, str | None]:
    assert isinstance(event.fact, Outcome)
    said = event.fact
    # Beside any other outcome a reason is a program's, and not for this page.
    return said.outcome, event.at, said.reason if said.outcome is Ending.CALL_LATER else None
