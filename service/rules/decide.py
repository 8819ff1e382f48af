"""What to do about a lead, and when to look again. The product's heart; it touches nothing.

Four laws, each proven by tests:
1. Settled: record the actions at ``now``, ask again at ``now``: nothing new.
2. Quiet until told: at every instant before ``look_again_at``: nothing new.
3. Never forgotten: an open lead always has an action or a later ``look_again_at``.
4. Late is harmless: a late look never pages one rung twice and never bursts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from service.rules.climb import passed_since
from service.rules.floor import Floor
from service.rules.ladder import OUTWARDS, Call, Step, next_step
from service.rules.lead import PageId, RepId
from service.rules.policy import NEVER_AFTER, Policy
from service.rules.standing import Standing, State, after, fold
from service.rules.timeline import (
    Audience,
    Channel,
    Claimed,
    ClaimLost,
    Escalated,
    EscalationReason,
    Event,
    Fact,
    Note,
    Outcome,
    Paged,
    Passed,
    Settled,
    TakenBack,
    Timeline,
    Told,
)

# A text page nobody has read after this long would arrive as news of the past; by then the ladder
# has paged others. A call is heard at once or not at all.
TEXT_PAGE_USEFUL = timedelta(minutes=5)
CALL_PAGE_USEFUL = timedelta(minutes=2)
# An e-mail is read when its reader sits down, and its link says how the lead stands by then.
EMAIL_PAGE_USEFUL = timedelta(minutes=30)
_USEFUL = {
    Channel.TEXT: TEXT_PAGE_USEFUL,
    Channel.CALL: CALL_PAGE_USEFUL,
    Channel.EMAIL: EMAIL_PAGE_USEFUL,
}
NOTE_USEFUL = timedelta(minutes=10)

ACTOR = "rules"


@dataclass(frozen=True, slots=True)
class Page:
    """Page ``rep`` by ``channel``; pointless after ``not_after``. ``begins_turn``: their turn
    begins; ``unseen``: the text before it shows no receipt."""

    rep: RepId
    rung: int
    channel: Channel
    audience: Audience
    turn_at: datetime | None
    not_after: datetime
    begins_turn: bool
    because: str
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Tell:
    """Send ``rep`` a note about the event ``re``."""

    rep: RepId
    note: Note
    re: int
    not_after: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Escalate:
    from_: Audience
    to: Audience
    reason: EscalationReason
    because: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    rep: RepId
    because: str


@dataclass(frozen=True, slots=True)
class Settle:
    reason: str
    because: str


Action = Page | Tell | Escalate | TakeBack | Settle


@dataclass(frozen=True, slots=True)
class Verdict:
    """``look_again_at`` is None only for a lead that is closed."""

    actions: tuple[Action, ...]
    look_again_at: datetime | None


def decide(timeline: Timeline, policy: Policy, floor: Floor, now: datetime) -> Verdict:
    """What is due at ``now`` and when something may be due next. ``now`` is aware UTC and not
    before the timeline's last ``recorded_at``."""
    standing = fold(timeline)
    actions: list[Action] = []
    if standing.open:
        closing = _end(standing, now) or _take_back(standing, policy, now)
        if closing is not None:
            actions.append(closing)
            standing = _with(standing, closing, now)
    look_again_at = None
    if standing.open:
        step, look_again_at = _ladder(standing, policy, floor, now)
        if step is not None:
            actions.extend(_paging(standing, step, floor, now))
    actions.extend(_tell(event, now) for event in standing.to_tell)
    return Verdict(tuple(actions), look_again_at)


def _ladder(
    standing: Standing, policy: Policy, floor: Floor, now: datetime
) -> tuple[Step | None, datetime]:
    """The step due, and the earliest of what may come next: rung, take-back, end, new floor."""
    ends_at = horizon(standing)
    if standing.state is not State.WAITING:
        owed_at = take_back_at(standing, policy)
        return None, min(ends_at, owed_at) if owed_at else ends_at
    step, next_at = next_step(standing, policy, floor, now)
    instants = [at for at in (next_at, floor.changes_at) if at is not None and at > now]
    return step, min([*instants, ends_at])


def horizon(standing: Standing) -> datetime:
    """When an open lead ends by itself: so long after it arrived, or after the last call made."""
    return (standing.last_spoken_at or standing.arrived_at) + NEVER_AFTER


def take_back_at(standing: Standing, policy: Policy) -> datetime | None:
    """When a claim without a call is taken back; None when there is no such claim."""
    if standing.state is not State.CLAIMED or standing.claimed_at is None:
        return None
    if standing.attempted_since_claim:
        return None
    return standing.claimed_at + timedelta(seconds=policy.calls.take_back_after_s)


def _end(standing: Standing, now: datetime) -> Settle | None:
    if now < horizon(standing):
        return None
    if standing.attempts == 0:
        return Settle("never", "nobody attempted a call for 7 days")
    return Settle("quiet", "nothing happened for 7 days after the last call")


def _take_back(standing: Standing, policy: Policy, now: datetime) -> TakeBack | None:
    due_at = take_back_at(standing, policy)
    if due_at is None or now < due_at or standing.owner is None:
        return None
    after_s = policy.calls.take_back_after_s
    return TakeBack(standing.owner, f"no call within {after_s} s of the claim")


def _with(standing: Standing, action: TakeBack | Settle, now: datetime) -> Standing:
    fact: Fact
    match action:
        case TakeBack(rep=rep):
            fact = TakenBack(rep, ACTOR)
        case Settle(reason=reason):
            fact = Settled(reason)
    return after(standing, Event(standing.last_seq + 1, now, now, action.because, ACTOR, fact))


def _paging(standing: Standing, step: Step, floor: Floor, now: datetime) -> list[Action]:
    actions: list[Action] = []
    if OUTWARDS.index(step.audience) > OUTWARDS.index(standing.furthest):
        because = f"rung {step.rung}: {step.reason.value.replace('_', ' ')}"
        actions.append(Escalate(standing.furthest, step.audience, step.reason, because))
    for call in step.calls:
        page = _page(standing, step, call, now)
        actions.append(page)
        if _mailed_too(standing, floor, call.rep):
            actions.append(_beside(page, now))
    return actions


def _page(standing: Standing, step: Step, call: Call, now: datetime) -> Page:
    waited_s = round((now - standing.climb_from).total_seconds())
    unseen = step.unseen and call.audience is Audience.ON_DUTY
    why = "no receipt for the text" if unseen else f"{waited_s} s waited"
    return Page(
        rep=call.rep,
        rung=step.rung,
        channel=call.channel,
        audience=call.audience,
        turn_at=call.turn_at,
        not_after=now + _USEFUL[call.channel],
        begins_turn=call.rep in step.turn,
        because=f"rung {step.rung}, {call.audience.value}, {why}",
        unseen=unseen,
    )


def _mailed_too(standing: Standing, floor: Floor, rep: RepId) -> bool:
    """Whether a page goes by e-mail as well: while a breaker is open, once per rep and climb."""
    mailed = any(page.rep == rep and page.channel is Channel.EMAIL for page in standing.pages)
    return bool(floor.tripped) and floor.mail and bool(floor.people[rep].email) and not mailed


def _beside(page: Page, now: datetime) -> Page:
    """The e-mail that goes beside a page: it begins no turn and climbs no rung."""
    return replace(
        page,
        channel=Channel.EMAIL,
        turn_at=None,
        not_after=now + _USEFUL[Channel.EMAIL],
        begins_turn=False,
        because=f"rung {page.rung}, {page.audience.value}, the carrier fails",
        unseen=False,
    )


def _tell(event: Event, now: datetime) -> Tell:
    """The note that answers what a rep said, or that we took a lead back."""
    match event.fact:
        case Claimed(rep=rep):
            note = Note.YOURS
        case ClaimLost(rep=rep, owner=owner):
            note = Note.TAKEN if owner else Note.CLOSED
        case Passed(rep=rep):
            note = Note.PASSED_ON
        case TakenBack(rep=rep):
            note = Note.TAKEN_BACK
        case Outcome(rep=str() as rep):
            note = Note.LOGGED
        case _:
            raise ValueError(f"nobody is told of {event.kind}")
    return Tell(rep, note, event.seq, now + NOTE_USEFUL, f"answers {event.kind}")


def fact_of(action: Action, page_id: PageId) -> Fact:
    """The event that records an action. ``page_id`` names the message it sends, if it sends one."""
    match action:
        case Page():
            return Paged(
                rep=action.rep,
                rung=action.rung,
                channel=action.channel,
                page_id=page_id,
                audience=action.audience,
                turn_at=action.turn_at,
            )
        case Tell():
            return Told(action.rep, action.note, action.re, page_id)
        case Escalate():
            return Escalated(action.from_, action.to, action.reason)
        case TakeBack():
            return TakenBack(action.rep, ACTOR)
        case Settle():
            return Settled(action.reason)
        case _ as never:
            assert_never(never)


def still_wanted(
    standing: Standing, fact: Paged | Told, not_after: datetime, now: datetime
) -> bool:
    """Whether a message that was ordered should still go out, asked when it is taken.

    A page is wanted while the lead waits, in the climb that ordered it, until the rep passes and
    until the next page to the same rep. A note is wanted until it is stale.
    """
    if now >= not_after:
        return False
    if isinstance(fact, Told):
        return True
    if standing.state is not State.WAITING:
        return False
    mailed = fact.channel is Channel.EMAIL
    mine = [
        page
        for page in standing.pages
        if page.rep == fact.rep and (page.channel is Channel.EMAIL) is mailed
    ]
    return bool(mine) and mine[-1].page_id == fact.page_id and not passed_since(standing, mine[-1])
