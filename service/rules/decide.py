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

from service.rules.actions import (
    ACTOR,
    Action,
    Escalate,
    GiveUpRing,
    Lose,
    Page,
    Presume,
    Settle,
    TakeBack,
    WaitAgain,
    fact_of,
)
from service.rules.connecting import (
    is_ringing,
    line_over_at,
    lines_up,
    rings_for_caller,
    rings_owner,
)
from service.rules.floor import Floor
from service.rules.folding import after, fold
from service.rules.ladder import OUTWARDS, Call, Step, next_step
from service.rules.lead import PageId, RepId
from service.rules.owed import (
    asks_owner,
    back_from_owner,
    bookkeeping,
    lawful_for,
    rests_until,
    unanswered_at,
    unpaid,
    word_until,
)
from service.rules.policy import NEVER_AFTER, Policy
from service.rules.standing import Came, Standing, State
from service.rules.telling import Notes
from service.rules.timeline import (
    Audience,
    Channel,
    Event,
    Timeline,
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """``look_again_at`` is None only for a lead that is closed."""

    actions: tuple[Action, ...]
    look_again_at: datetime | None


def decide(timeline: Timeline, policy: Policy, floor: Floor, now: datetime) -> Verdict:
    """What is due at ``now`` and when something may be due next. ``now`` is aware UTC and not
    before the timeline's last ``recorded_at``."""
    deciding = _Deciding(fold(timeline), policy, floor, now)
    deciding.keeps_books()
    if deciding.standing.open:
        deciding.acts()
    deciding.tells()
    return deciding.verdict()


class _Deciding:
    """One look: the actions so far, and the lead as it stands with them."""

    def __init__(self, standing: Standing, policy: Policy, floor: Floor, now: datetime) -> None:
        self.standing = standing
        self.policy, self.floor, self.now = policy, floor, now
        self.actions: list[Action] = []
        self.looks: list[datetime] = []

    def takes(self, action: Action) -> None:
        """Add an action that changes how the lead stands."""
        self.actions.append(action)
        seq, fact = self.standing.last_seq + 1, fact_of(action, PageId(""))
        event = Event(seq, self.now, self.now, action.because, ACTOR, fact)
        self.standing = after(self.standing, event)

    def looks_at(self, at: datetime | None) -> None:
        if at is not None and at > self.now:
            self.looks.append(at)

    def verdict(self) -> Verdict:
        if not self.standing.open:
            return Verdict(tuple(self.actions), None)
        self.looks_at(horizon(self.standing))
        return Verdict(tuple(self.actions), min(self.looks))

    def keeps_books(self) -> None:
        """What ended, what is owed, and who loses the lead: it decides what else can be due."""
        if self.standing.open:
            self._loses_calls()
            self._presumes()
        first_by = take_back_at(self.standing, self.policy, self.floor)
        owed = bookkeeping(self.standing, self.policy, self.floor, self.now, first_by)
        for entry in owed:
            self.takes(entry)
        if not self.standing.open:
            return
        closing = _end(self.standing, self.now)
        if closing is not None:
            self.takes(closing)
            return
        self._releases(first_by)
        for debt in self.standing.owed:
            self.looks_at(None if debt.missed else debt.due_at)
        for debt in unpaid(self.standing):
            self.looks_at(debt.call_at)
        if self.standing.state is State.CLAIMED:
            self.looks_at(first_by)

    def _loses_calls(self) -> None:
        """A call whose end nobody told is over by then: it holds nothing up for ever."""
        for line in self.standing.lines:
            if self.now < line_over_at(line):
                self.looks_at(line_over_at(line))
                continue
            because = "nobody told how the call ended"
            self.takes(Lose(line.call_id, line.rep, because))
            if line.rep is not None:
                self.takes(Presume(line.call_id, line.rep, because, nothing=True))

    def _presumes(self) -> None:
        """A call whose outcome only a person could tell, and nobody did, was a short answer."""
        unanswered = unanswered_at(self.standing)
        self.looks_at(unanswered)
        last = self.standing.chased_call
        if unanswered is None or self.now < unanswered or last is None:
            return
        if last.came is Came.OPEN:
            self.takes(Presume(last.call_id, last.rep, "nobody said how the call went"))

    def _releases(self, first_by: datetime | None) -> None:
        """Take a lead back from an owner who makes no call, unless they are on the line with it or
        may still say that they called."""
        waits_until = word_until(self.standing)
        self.looks_at(waits_until)
        if lines_up(self.standing, self.now) or (waits_until and self.now < waits_until):
            return
        back = back_from_owner(self.standing, self.policy, self.floor, self.now)
        if first_by is not None and self.now >= first_by and self.standing.owner is not None:
            after_s = self.policy.calls.take_back_after_s
            back = TakeBack(self.standing.owner, f"no call within {after_s} s of the claim")
        if back is not None:
            self.takes(back)
        calls_owed = any(debt.call_at <= self.now for debt in unpaid(self.standing))
        if self.standing.owner is None and self.standing.state is not State.WAITING and calls_owed:
            self.takes(WaitAgain("a call is owed, and nobody has the lead"))

    def acts(self) -> None:
        """Whom to page or ring; nobody is disturbed about a lead that is on the line."""
        standing, policy, floor, now = self.standing, self.policy, self.floor, self.now
        for free_at in floor.engaged.values():
            self.looks_at(free_at)
        if lines_up(standing, now):
            self.looks_at(floor.changes_at)
            rings, next_at = rings_for_caller(standing, policy, floor, now)
            self.actions.extend(rings)
            self.looks_at(next_at)
        elif standing.state is State.WAITING:
            step, next_at = next_step(standing, policy, floor, now)
            if step is not None:
                self.actions.extend(_paging(standing, step, floor, now))
            self.looks_at(next_at)
            self.looks_at(floor.changes_at)
        else:
            self._asks_owner()

    def _asks_owner(self) -> None:
        standing, floor, now = self.standing, self.floor, self.now
        due, next_at = rings_owner(standing, self.policy, floor, now)
        if isinstance(due, GiveUpRing):
            self.takes(due)
            due, next_at = rings_owner(self.standing, self.policy, floor, now)
        self.looks_at(next_at)
        if unpaid(self.standing):
            self.looks_at(floor.changes_at)
            self.looks_at(rests_until(self.policy, now))
        if due is not None:
            self.actions.append(due)
        if due is not None or is_ringing(self.standing, now):
            return
        page, next_at = asks_owner(self.standing, self.policy, floor, now, _USEFUL)
        self.looks_at(next_at)
        if page is not None:
            self.actions.append(page)

    def tells(self) -> None:
        """The notes that answer what reps said, and those about their calls."""
        notes = Notes(self.standing, self.policy, self.floor, self.now)
        self.actions.extend(notes.due())
        self.looks_at(notes.next_at)


def horizon(standing: Standing) -> datetime:
    """When an open lead ends by itself: so long after it arrived, or after the last call made or
    owed."""
    spoken_at = standing.last_spoken_at or standing.arrived_at
    return max([spoken_at, *(debt.due_at for debt in unpaid(standing))]) + NEVER_AFTER


def take_back_at(standing: Standing, policy: Policy, floor: Floor | None = None) -> datetime | None:
    """When a claim without a call is taken back; None when there is no such claim. A lead that we
    may not dial yet, or may not any more by then, is not taken back for that: its owner has as long
    once it may be called."""
    if standing.state is not State.CLAIMED or standing.claimed_at is None:
        return None
    if standing.attempted_since_claim:
        return None
    within = timedelta(seconds=policy.calls.take_back_after_s)
    if floor is None:
        return standing.claimed_at + within
    by = lawful_for(policy, floor, standing.claimed_at) + within
    lawful_at = lawful_for(policy, floor, by)
    return lawful_at + within if lawful_at > by else by


def _end(standing: Standing, now: datetime) -> Settle | None:
    if now < horizon(standing) or lines_up(standing, now):
        return None
    if standing.attempts == 0:
        return Settle("never", "nobody attempted a call for 7 days")
    return Settle("quiet", "nothing happened for 7 days after the last call")


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
