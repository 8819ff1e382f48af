"""What a rep's link shows of one lead: how it stands for this rep, and no more than they may know.

Pure. What a rep may not see before they have the lead is taken out here, so that no template can
show it by mistake.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from service.rules import masking
from service.rules.call_facts import Attempted, VoicemailLeft
from service.rules.causes import Cause, cause_of, cause_of_debt
from service.rules.connecting import is_ringing, lines_up
from service.rules.decide import take_back_at
from service.rules.floor import Floor
from service.rules.lead import Lead, RepId
from service.rules.owed import unpaid
from service.rules.policy import Policy
from service.rules.standing import Came, Standing
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
class Way:
    """How a rep reaches this lead. ``connects``: we put them through; ``private``: and the lead's
    number is kept from them; ``number`` is ours, which puts them through when they call it;
    ``lawful_at``: from when on the lead may be called, None: now, or it makes no difference."""

    connects: bool = False
    private: bool = False
    number: str | None = None
    lawful_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A voicemail that the lead left: of ``seconds``, at ``at``, in words as far as there are."""

    sid: str
    seconds: int
    at: datetime
    words: str = ""


@dataclass(frozen=True, slots=True)
class CallMade:
    """The last call of ours that has ended. ``asks``: only the rep can say how it went;
    ``voicemail``: a message was left."""

    at: datetime
    came: Came
    bridged_s: float
    asks: bool
    voicemail: bool = False


@dataclass(frozen=True, slots=True)
class CallOwed:
    """The call that is owed next: why, from when on it may be made, and by when it was
    promised."""

    cause: Cause
    call_at: datetime
    due_at: datetime
    missed: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One lead as this rep may see it. ``token`` opens its page alone.

    ``lead`` is masked while they may claim it, whole once it is theirs (but for a private number),
    else None. ``cause`` is why a known lead waits again. ``by`` is when a claim without a call
    ends; ``logged`` the last outcome that anybody told, when they did, and the time that was agreed
    for another call. ``call`` and ``owed`` are for whoever has the lead, ``voicemails`` also for
    who may take it; ``talking``, ``ringing``: a call with them is up, the rep's phone rings for it.
    """

    token: str
    stance: Stance
    lead: Lead | None
    has_phone: bool
    source_name: str
    arrived_at: datetime
    since: datetime
    asked_again: bool
    cause: Cause | None = None
    owner: RepId | None = None
    by: datetime | None = None
    logged: tuple[Ending, datetime, str | None] | None = None
    way: Way = Way()
    talking: bool = False
    ringing: bool = False
    call: CallMade | None = None
    owed: CallOwed | None = None
    voicemails: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a lead, to be shown as far as this rep may see it. ``person`` None:
    erased."""

    person: Lead | None
    timeline: Timeline
    standing: Standing
    policy: Policy
    floor: Floor
    source_name: str
    way: Way = Way()
    voicemails: tuple[Message, ...] = ()


def card_of(token: str, rep: RepId, known: Known, now: datetime) -> Card:
    """The card of one lead for one rep."""
    standing, lead = known.standing, known.person
    stance = stance_of(standing, rep, erased=lead is None)
    card = Card(
        token=token,
        stance=stance,
        lead=_visible(lead, stance, private=known.way.private),
        has_phone=lead is not None and lead.phone is not None,
        source_name=known.source_name,
        arrived_at=standing.arrived_at,
        since=standing.t0,
        asked_again=any(isinstance(event.fact, AskedAgain) for event in known.timeline),
        cause=cause_of(standing, known.timeline) if stance in MAY_CLAIM else None,
        owner=standing.owner if stance is Stance.TAKEN else None,
        logged=_logged(known.timeline) if stance in (Stance.MINE, Stance.CLOSED) else None,
    )
    if stance is Stance.MINE:
        return _of_owner(card, known, now)
    if stance in MAY_CLAIM and lead is not None:
        # Whoever is asked to call back may hear what was said before they take it.
        return replace(card, voicemails=tuple(_overheard(each, lead) for each in known.voicemails))
    return card


def _overheard(message: Message, lead: Lead) -> Message:
    return replace(message, words=_masked(message.words, lead))


def _of_owner(card: Card, known: Known, now: datetime) -> Card:
    """The card with what only who has the lead may see."""
    standing = known.standing
    return replace(
        card,
        by=take_back_at(standing, known.policy, known.floor),
        way=known.way,
        talking=bool(lines_up(standing, now)),
        ringing=is_ringing(standing, now),
        call=_last_call(standing, known.timeline),
        owed=_owed(standing, known.timeline),
        voicemails=known.voicemails,
    )


def _last_call(standing: Standing, timeline: Timeline) -> CallMade | None:
    """The last call that we made; one of which somebody told us is shown as their outcome."""
    last = standing.last_call
    if last is None or last.call_id is None:
        return None
    ours = [
        event
        for event in timeline
        if isinstance(event.fact, Attempted | VoicemailLeft) and event.fact.call_id == last.call_id
    ]
    began_at = next((e.at for e in ours if isinstance(e.fact, Attempted)), last.at)
    left = any(isinstance(event.fact, VoicemailLeft) for event in ours)
    return CallMade(began_at, last.came, last.bridged_s, last.asks, left)


def _owed(standing: Standing, timeline: Timeline) -> CallOwed | None:
    debts = unpaid(standing)
    if not debts:
        return None
    debt = debts[0]
    cause = cause_of_debt(standing, debt, timeline)
    return CallOwed(cause, debt.call_at, debt.due_at, debt.missed)


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


def _visible(lead: Lead | None, stance: Stance, *, private: bool) -> Lead | None:
    if lead is None:
        return None
    if stance is Stance.MINE:
        return without_number(lead) if private else lead
    return masked(lead) if stance in MAY_CLAIM else None


def without_number(lead: Lead) -> Lead:
    """The lead without anything to dial, also in their own words: for who has it and is put
    through."""

    def hidden(text: str) -> str:
        return masking.without_numbers(masking.plain(text), lead)

    told = {name: getattr(lead, name) for name in (*_SHOWN, "referrer", "landing_page")}
    return replace(
        lead,
        **{name: hidden(value) for name, value in told.items() if value},
        phone=None,
        phone_as_given=None,
        pages_viewed=tuple(hidden(each) for each in lead.pages_viewed),
        extra=tuple((hidden(name), hidden(value)) for name, value in lead.extra),
    )


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
