"""Is this request a new lead, or one we have already? DEFINITIONS.md, "Who counts".

Decides from what is known of the same person; storing the answer is the desk's affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.rules.lead import ASKED_AGAIN_WITHIN, DOUBLE_SUBMIT_WITHIN, Lead, LeadId
from service.rules.standing import State

# What a person says when they ask again is added to what they said; both together stay readable.
ASK_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier lead of the same person, as far as reception must know it. ``blocks``: it was
    excluded as no lead, and nobody is disturbed for its number again."""

    id: LeadId
    arrived_at: datetime
    state: State
    first_contact_at: datetime | None
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class NewInquiry:
    """Nobody has this request yet."""


@dataclass(frozen=True, slots=True)
class DoubleSubmit:
    """The same person pressed the button twice: dropped, and counted."""

    lead_id: LeadId


@dataclass(frozen=True, slots=True)
class Again:
    """The person asks again about something still in hand. ``reopens``: it had been closed."""

    lead_id: LeadId
    reopens: bool


@dataclass(frozen=True, slots=True)
class Blocked:
    """Somebody said of this lead, from the same number, that it is none; no other is in hand."""

    lead_id: LeadId


Reception = NewInquiry | DoubleSubmit | Again | Blocked


def receive(known: Sequence[Known], now: datetime) -> Reception:
    """What a request is, given the person's earlier leads, newest first.

    An excluded lead says nothing about a person, so a request after one is new; but for one of
    whose number was said that it is no lead's.
    """
    blocked = _blocked(known)
    for earlier in _heeded(known, blocked):
        age = now - earlier.arrived_at
        if age <= DOUBLE_SUBMIT_WITHIN and earlier.state is not State.SETTLED:
            return DoubleSubmit(earlier.id)
        if age <= ASKED_AGAIN_WITHIN:
            return Again(earlier.id, reopens=earlier.state is State.SETTLED)
        if earlier.first_contact_at is None and earlier.state is not State.SETTLED:
            return Again(earlier.id, reopens=False)
        break
    return blocked or NewInquiry()


def _blocked(known: Sequence[Known]) -> Blocked | None:
    blocking = (each.id for each in known if each.state is State.EXCLUDED and each.blocks)
    return next((Blocked(lead_id) for lead_id in blocking), None)


def _heeded(known: Sequence[Known], blocked: Blocked | None) -> list[Known]:
    """What a person may mean: nothing that was excluded; and who is blocked, only what is open."""
    deaf = {State.EXCLUDED, State.SETTLED} if blocked else {State.EXCLUDED}
    return [each for each in known if each.state not in deaf]


def heard_from(known: Sequence[Known], now: datetime) -> NewInquiry | Again | Blocked:
    """What a call or a text from a person is, given their earlier leads, newest first.

    Nobody calls twice by mistake, so it is never a double submit; and whoever is in hand speaks
    about what is in hand, however long ago they asked and whether or not they were reached.
    """
    blocked = _blocked(known)
    for earlier in _heeded(known, blocked):
        if earlier.state is not State.SETTLED:
            return Again(earlier.id, reopens=False)
        if now - earlier.arrived_at <= ASKED_AGAIN_WITHIN:
            return Again(earlier.id, reopens=True)
        break
    return blocked or NewInquiry()


def merged(first: Lead, again: Lead) -> Lead:
    """The first request with what the second adds: gaps filled, both asks kept."""
    filled = {
        name: getattr(again, name)
        for name in Lead.__dataclass_fields__
        if not getattr(first, name) and getattr(again, name)
    }
    whole = replace(first, **filled)
    if again.ask and again.ask not in first.ask and first.ask:
        whole = replace(whole, ask=f"{first.ask} / Again: {again.ask}"[:ASK_MAX])
    return whole
