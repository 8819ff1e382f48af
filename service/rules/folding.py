"""The standing of a lead, folded from its timeline.

Folding only adds up; it decides nothing (``decide`` does) and knows no policy. Each kind of fact
has one clause, and a new kind that has none does not type-check. What calls add is
``folding_calls``'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from service.rules.folding_calls import called
from service.rules.folding_ends import told_outcome
from service.rules.standing import Page, Standing, State
from service.rules.timeline import (
    Arrived,
    AskedAgain,
    Audience,
    Channel,
    Claimed,
    ClaimLost,
    Escalated,
    Event,
    Excluded,
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
)
from service.rules.turning import climb_again, for_callers, released, to_tell_by_text


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
        case Outcome():
            return told_outcome(seen, event, event.fact)
        case Arrived() | AskedAgain() | Excluded() | Reopened() | OptedOut() | Settled():
            return _living(seen, event, event.fact)
        case _ as call:
            return called(seen, event, call)


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
            return _closed(seen, State.EXCLUDED)
        case OptedOut() | Settled():
            return _closed(seen, State.SETTLED)
        case Reopened():
            free = replace(
                seen,
                owner=None,
                claimed_at=None,
                in_hand=False,
                wish_at=None,
                rings=for_callers(seen),
                reminders=(),
                # A lead that was closed begins anew; what was in vain before is not chased.
                last_call=seen.last_call if seen.open else None,
                unreached=seen.unreached if seen.open else 0,
            )
            return climb_again(free, event.at)
        case _ as never:
            assert_never(never)


def _closed(seen: Standing, state: State) -> Standing:
    """Nothing is owed to a lead that is closed; what was paid is still written down."""
    paid = tuple(debt for debt in seen.owed if debt.paid_at is not None)
    return replace(seen, state=state, owed=paid, asked_back=None, agreed=None, wish_at=None)


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
            if fact.audience is Audience.OWNER:
                return replace(seen, reminders=(*seen.reminders, page))
            return replace(
                seen,
                pages=(*seen.pages, page),
                first_paged_at=seen.first_paged_at or event.at,
            )
        case PageSent():
            sent = _with_word(seen, event, fact)
            if fact.channel is Channel.EMAIL:
                return sent  # a mail server is not the carrier, and promises nobody a page
            return replace(sent, first_sent_at=seen.first_sent_at or event.at)
        case PageDelivered():
            heard = _with_word(seen, event, fact)
            return replace(heard, first_delivered_at=seen.first_delivered_at or event.at)
        case PageFailed():
            return _failed(seen, event, fact)
        case Escalated():
            return replace(seen, furthest=fact.to)
        case Told():
            kept = tuple(owed for owed in seen.to_tell if owed.seq != fact.re)
            return replace(seen, to_tell=kept)
        case _ as never:
            assert_never(never)


def _with_word(seen: Standing, event: Event, fact: PageSent | PageDelivered) -> Standing:
    """What the carrier told of one page; its first word on each thing stays."""

    def told(page: Page) -> Page:
        if page.page_id != fact.page_id:
            return page
        if isinstance(fact, PageSent):
            return replace(page, sent_at=page.sent_at or event.at)
        return replace(page, delivered_at=page.delivered_at or event.at)

    return replace(
        seen, pages=tuple(map(told, seen.pages)), reminders=tuple(map(told, seen.reminders))
    )


def _failed(seen: Standing, event: Event, fact: PageFailed) -> Standing:
    def told(page: Page) -> Page:
        if page.page_id != fact.page_id:
            return page
        return replace(page, failed_at=page.failed_at or event.at, trouble=not fact.ends_channel)

    dead = {(fact.rep, fact.channel)} if fact.ends_channel else set()
    return replace(
        seen,
        pages=tuple(map(told, seen.pages)),
        reminders=tuple(map(told, seen.reminders)),
        dead_ends=seen.dead_ends | dead,
    )


def _taking(
    seen: Standing, event: Event, fact: Claimed | ClaimLost | Passed | TakenBack
) -> Standing:
    match fact:
        case Claimed():
            return replace(
                seen,
                state=State.TALKING if any(line.rep for line in seen.lines) else State.CLAIMED,
                owner=fact.rep,
                claimed_at=event.at,
                first_claimed_at=seen.first_claimed_at or event.at,
                attempted_since_claim=False,
                wish_at=event.at,
                rings=for_callers(seen),
                reminders=(),
                to_tell=(*seen.to_tell, event),
            )
        case ClaimLost():
            return to_tell_by_text(seen, event, fact.by)
        case Passed():
            passed = replace(seen, passed_at=(*seen.passed_at, (fact.rep, event.at)))
            return released(to_tell_by_text(passed, event, fact.by), fact.rep, event.at)
        case TakenBack():
            taken = replace(
                seen,
                taken_back=seen.taken_back | {fact.rep},
                to_tell=(*seen.to_tell, event),
            )
            return released(taken, fact.rep, event.at)
        case _ as never:
            assert_never(never)
