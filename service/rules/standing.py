"""What is true of a lead now, folded from its timeline.

Folding only adds up; it decides nothing (``decide`` does) and knows no policy. Each kind of fact
has one clause, and a new kind that has none does not type-check.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from service.rules.lead import PageId, RepId, SourceId
from service.rules.timeline import (
    Arrived,
    AskedAgain,
    Attempted,
    Audience,
    By,
    Channel,
    Claimed,
    ClaimLost,
    Contacted,
    Ending,
    Escalated,
    Event,
    Excluded,
    NoAnswer,
    OptedOut,
    Outcome,
    Paged,
    PageDelivered,
    PageFailed,
    PageSent,
    Passed,
    Reopened,
    Settled,
    TakenBack,
    Timeline,
    Told,
    VoicemailLeft,
)


class State(StrEnum):
    """Where a lead stands. ``settled`` and ``excluded`` are closed; every other state is open."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    TALKING = "talking"
    CHASING = "chasing"
    FOLLOWING = "following"
    SETTLED = "settled"
    EXCLUDED = "excluded"


CLOSED = frozenset({State.SETTLED, State.EXCLUDED})


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it stands: whom, by which rung and channel, and what ended it. ``trouble``: it
    failed through no fault of the number's, so the same page may well work in a moment."""

    page_id: PageId
    rep: RepId
    rung: int
    channel: Channel
    audience: Audience
    at: datetime
    turn_at: datetime | None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    failed_at: datetime | None = None
    trouble: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What is true of one lead. ``climb`` counts ladders: a take-back starts the next one;
    ``in_hand``: somebody had the lead when this climb began.

    ``pages`` are those of the present climb, in order. ``passed_at`` and ``taken_back`` hold for
    the lead's whole life. ``to_tell`` are events a rep has not been answered about yet.
    """

    state: State
    source: SourceId
    route: int | None
    arrived_at: datetime
    t0: datetime
    has_phone: bool
    last_seq: int
    last_recorded_at: datetime
    climb_from: datetime
    climb: int = 1
    in_hand: bool = False
    pages: tuple[Page, ...] = ()
    passed_at: tuple[tuple[RepId, datetime], ...] = ()
    taken_back: frozenset[RepId] = frozenset()
    dead_ends: frozenset[tuple[RepId, Channel]] = frozenset()
    furthest: Audience = Audience.ON_DUTY
    owner: RepId | None = None
    claimed_at: datetime | None = None
    first_paged_at: datetime | None = None
    first_sent_at: datetime | None = None
    first_delivered_at: datetime | None = None
    first_claimed_at: datetime | None = None
    asked: int = 0
    attempts: int = 0
    attempted_since_claim: bool = False
    first_attempt_at: datetime | None = None
    first_contact_at: datetime | None = None
    last_spoken_at: datetime | None = None
    outcome: Ending | None = None
    to_tell: tuple[Event, ...] = ()

    @property
    def open(self) -> bool:
        return self.state not in CLOSED

    @property
    def rung(self) -> int:
        """The rung last paged in this climb, counted from 1; 0 before the first."""
        return self.pages[-1].rung if self.pages else 0

    @property
    def passed(self) -> frozenset[RepId]:
        return frozenset(rep for rep, _ in self.passed_at)


def fold(timeline: Timeline) -> Standing:
    """The standing after every event, in order of ``seq``. Raises ValueError when the timeline
    does not begin with ``arrived``: such a lead cannot have been taken in."""
    if not timeline or not isinstance(timeline[0].fact, Arrived):
        raise ValueError("a timeline begins with arrived")
    standing = _born(timeline[0], timeline[0].fact)
    for event in timeline[1:]:
        standing = after(standing, event)
    return standing


def _born(event: Event, fact: Arrived) -> Standing:
    return Standing(
        state=State.WAITING,
        source=fact.source,
        route=fact.route,
        arrived_at=event.at,
        t0=fact.t0,
        has_phone=fact.has_phone,
        last_seq=event.seq,
        last_recorded_at=event.recorded_at,
        climb_from=event.at,
    )


def after(standing: Standing, event: Event) -> Standing:
    """The standing once ``event`` has happened too."""
    seen = replace(
        standing,
        last_seq=event.seq,
        last_recorded_at=max(standing.last_recorded_at, event.recorded_at),
    )
    match event.fact:
        case Paged() | PageSent() | PageDelivered() | PageFailed() | Escalated() | Told():
            return _paging(seen, event, event.fact)
        case Claimed() | ClaimLost() | Passed() | TakenBack():
            return _taking(seen, event, event.fact)
        case Attempted() | Contacted() | NoAnswer() | VoicemailLeft() | Outcome():
            return _calling(seen, event, event.fact)
        case Arrived() | AskedAgain() | Excluded() | Reopened() | OptedOut() | Settled():
            return _living(seen, event, event.fact)
        case _ as never:
            assert_never(never)


def _living(
    seen: Standing,
    event: Event,
    fact: Arrived | AskedAgain | Excluded | Reopened | OptedOut | Settled,
) -> Standing:
    match fact:
        case Arrived():
            return seen
        case AskedAgain():
            return replace(seen, asked=seen.asked + 1)
        case Excluded():
            return replace(seen, state=State.EXCLUDED)
        case OptedOut() | Settled():
            return replace(seen, state=State.SETTLED)
        case Reopened():
            return _climb_again(replace(seen, owner=None, claimed_at=None, in_hand=False), event.at)
        case _ as never:
            assert_never(never)


def _paging(
    seen: Standing,
    event: Event,
    fact: Paged | PageSent | PageDelivered | PageFailed | Escalated | Told,
) -> Standing:
    match fact:
        case Paged():
            page = Page(
                fact.page_id,
                fact.rep,
                fact.rung,
                fact.channel,
                fact.audience,
                event.at,
                fact.turn_at,
            )
            return replace(
                seen,
                pages=(*seen.pages, page),
                first_paged_at=seen.first_paged_at or event.at,
            )
        case PageSent():
            sent = replace(seen, pages=_told(seen, event, fact))
            if fact.channel is Channel.EMAIL:
                return sent  # a mail server is not the carrier, and promises nobody a page
            return replace(sent, first_sent_at=seen.first_sent_at or event.at)
        case PageDelivered():
            return replace(
                seen,
                pages=_told(seen, event, fact),
                first_delivered_at=seen.first_delivered_at or event.at,
            )
        case PageFailed():
            return _failed(seen, event, fact)
        case Escalated():
            return replace(seen, furthest=fact.to)
        case Told():
            kept = tuple(owed for owed in seen.to_tell if owed.seq != fact.re)
            return replace(seen, to_tell=kept)
        case _ as never:
            assert_never(never)


def _told(seen: Standing, event: Event, fact: PageSent | PageDelivered) -> tuple[Page, ...]:
    """The climb's pages with what the carrier told of one; its first word on each thing stays."""

    def with_word(page: Page) -> Page:
        if page.page_id != fact.page_id:
            return page
        if isinstance(fact, PageSent):
            return replace(page, sent_at=page.sent_at or event.at)
        return replace(page, delivered_at=page.delivered_at or event.at)

    return tuple(with_word(page) for page in seen.pages)


def _failed(seen: Standing, event: Event, fact: PageFailed) -> Standing:
    pages = tuple(
        replace(page, failed_at=page.failed_at or event.at, trouble=not fact.ends_channel)
        if page.page_id == fact.page_id
        else page
        for page in seen.pages
    )
    dead = {(fact.rep, fact.channel)} if fact.ends_channel else set()
    return replace(seen, pages=pages, dead_ends=seen.dead_ends | dead)


def _taking(
    seen: Standing, event: Event, fact: Claimed | ClaimLost | Passed | TakenBack
) -> Standing:
    match fact:
        case Claimed():
            return replace(
                seen,
                state=State.CLAIMED,
                owner=fact.rep,
                claimed_at=event.at,
                first_claimed_at=seen.first_claimed_at or event.at,
                attempted_since_claim=False,
                to_tell=(*seen.to_tell, event),
            )
        case ClaimLost():
            return _to_tell_by_text(seen, event, fact.by)
        case Passed():
            passed = replace(seen, passed_at=(*seen.passed_at, (fact.rep, event.at)))
            return _released(_to_tell_by_text(passed, event, fact.by), fact.rep, event.at)
        case TakenBack():
            taken = replace(
                seen,
                taken_back=seen.taken_back | {fact.rep},
                to_tell=(*seen.to_tell, event),
            )
            return _released(taken, fact.rep, event.at)
        case _ as never:
            assert_never(never)


def _to_tell_by_text(seen: Standing, event: Event, by: By) -> Standing:
    """Who spoke by text is answered by text; on a call or a page the answer was given there."""
    return replace(seen, to_tell=(*seen.to_tell, event)) if by is By.TEXT else seen


def _released(seen: Standing, rep: RepId, at: datetime) -> Standing:
    """The lead waits again if it was this rep's: a new ladder starts."""
    if seen.owner != rep or not seen.open:
        return seen
    unsaid = tuple(event for event in seen.to_tell if not isinstance(event.fact, Claimed))
    free = replace(seen, owner=None, claimed_at=None, in_hand=True, to_tell=unsaid)
    return _climb_again(free, at)


def _climb_again(seen: Standing, at: datetime) -> Standing:
    return replace(
        seen,
        state=State.WAITING,
        climb_from=at,
        climb=seen.climb + 1,
        pages=(),
        furthest=Audience.ON_DUTY,
    )


def _calling(
    seen: Standing,
    event: Event,
    fact: Attempted | Contacted | NoAnswer | VoicemailLeft | Outcome,
) -> Standing:
    heard = replace(seen, last_spoken_at=_later(seen.last_spoken_at, event.at))
    match fact:
        case Attempted():
            return _attempted(heard, event, fact)
        case Contacted():
            return replace(
                heard,
                first_contact_at=_earlier(seen.first_contact_at, event.at),
                state=State.FOLLOWING if seen.open else seen.state,
            )
        case NoAnswer() | VoicemailLeft():
            before = seen.claimed_at is not None and event.at < seen.claimed_at
            if before or _by_another(seen, fact.rep):
                return heard
            return replace(heard, state=_chased(seen))
        case Outcome():
            return _to_tell_by_text(replace(heard, outcome=fact.outcome), event, fact.by)
        case _ as never:
            assert_never(never)


def _attempted(heard: Standing, event: Event, fact: Attempted) -> Standing:
    """A call was made. One from before the claim, told late, proves nothing about the claim, nor
    does one by somebody else than its owner."""
    tried = replace(
        heard,
        attempts=heard.attempts + 1,
        first_attempt_at=_earlier(heard.first_attempt_at, event.at),
    )
    if heard.claimed_at is not None and event.at < heard.claimed_at:
        return tried
    if _by_another(heard, fact.rep):
        return tried
    return replace(
        tried,
        attempted_since_claim=True,
        # Whoever calls a lead nobody has, has it: the call is a better proof than a claim.
        owner=heard.owner or fact.rep,
        claimed_at=heard.claimed_at or event.at,
        state=_chased(heard),
    )


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
    return State.FOLLOWING if seen.first_contact_at else State.CHASING
