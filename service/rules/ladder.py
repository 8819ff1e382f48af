"""Who must be paged now, and how: the ladder exactly as DEFINITIONS.md says it.

One question, one answer: given a lead nobody has, ``next_step`` returns the step due at ``now``,
if any, and the instant before which nothing more can be due. It knows nothing of claims running
out or of a lead's end (``decide`` does), and never reads a clock.

How a ladder is read
- A *climb* starts at arrival, at the opening, or at a take-back; rungs count from its start.
- Consecutive on-duty rungs are one *block*: the turn of one rep (or of all at once). A turn that
  ends early (pass, take-back, nobody reachable, off duty) starts the block again with the next.
- A rung that cannot work brings the one after it forward to that instant; those further on keep
  theirs.
- Rungs that passed while nobody looked become one step, by the latest rung's means.
- When the carrier fails us, and not a number, one rung comes forward (other means may work); after
  that the same rung is tried again, at growing intervals, and the ladder is not burnt up.
- A climb that began while the team was closed begins anew at the opening, on the day's ladder.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from service.rules.floor import Floor
from service.rules.lead import RepId
from service.rules.policy import AfterHours, Policy, Rung
from service.rules.standing import Page, Standing
from service.rules.timeline import Audience, Channel, EscalationReason

OUTWARDS = (
    Audience.ON_DUTY,
    Audience.EVERYONE_ON_DUTY,
    Audience.MANAGERS,
    Audience.LAST_RESORT,
)


# Seconds until a rung is tried again that failed through no fault of a number's: an outage of the
# carrier's is over in seconds or lasts for minutes.
TRY_AGAIN_S = (5, 10, 20, 40, 60)


@dataclass(frozen=True, slots=True)
class Call:
    """One person to page in a step: by which channel, as which audience, in whose turn."""

    rep: RepId
    channel: Channel
    audience: Audience
    turn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """A rung to be paged now. ``rung`` counts from 1; ``turn`` are reps whose turn begins."""

    rung: int
    audience: Audience
    calls: tuple[Call, ...]
    reason: EscalationReason
    turn: tuple[RepId, ...] = ()


@dataclass(frozen=True, slots=True)
class Climb:
    """Where the ladder of one lead stands: the rungs, when it starts, and whose turn it is."""

    standing: Standing
    policy: Policy
    floor: Floor
    now: datetime
    starts_at: datetime = field(init=False)
    rungs: tuple[Rung, ...] = field(init=False)
    until: datetime | None = field(init=False)
    pages: tuple[Page, ...] = field(init=False)

    def __post_init__(self) -> None:
        ladder = ladder_for(self.standing, self.policy, self.now)
        pages = tuple(page for page in self.standing.pages if page.at >= ladder.starts_at)
        object.__setattr__(self, "starts_at", ladder.starts_at)
        object.__setattr__(self, "rungs", ladder.rungs)
        object.__setattr__(self, "until", ladder.until)
        object.__setattr__(self, "pages", pages)

    def nominal(self, index: int) -> datetime:
        return self.starts_at + timedelta(seconds=self.rungs[index].at_s)

    def block_start(self, index: int) -> int:
        """The first rung of the on-duty block that ``index`` belongs to."""
        while index > 0 and self.rungs[index - 1].page is Audience.ON_DUTY:
            index -= 1
        return index

    def block_end(self, index: int) -> int:
        """The first rung after the on-duty block that ``index`` belongs to."""
        while index < len(self.rungs) and self.rungs[index].page is Audience.ON_DUTY:
            index += 1
        return index


@dataclass(frozen=True, slots=True)
class Ladder:
    """Which rungs are climbed, from when, and until when (the opening that ends a night)."""

    starts_at: datetime
    rungs: tuple[Rung, ...]
    until: datetime | None = None


def ladder_for(standing: Standing, policy: Policy, now: datetime) -> Ladder:
    """When the present climb starts, and which ladder it climbs.

    A climb outside hours obeys ``after_hours``, unless somebody had the lead in hand when it began
    (a take-back, an owner's pass): then it starts at once, since nobody's night is spared by
    waiting. A team that never opens again within the horizon of ``hours`` is paged at once.
    """
    begun = standing.climb_from
    if policy.hours.is_open(begun):
        return Ladder(begun, policy.ladder)
    opens_at = policy.hours.next_open(begun)
    if opens_at is None:
        return Ladder(begun, policy.ladder)
    waits = policy.after_hours is AfterHours.AT_OPENING and not standing.in_hand
    if waits or now >= opens_at:
        return Ladder(opens_at, policy.ladder)
    by_night = policy.after_hours is AfterHours.NIGHT_LADDER
    return Ladder(begun, policy.night_ladder if by_night else policy.ladder, until=opens_at)


def next_step(
    standing: Standing, policy: Policy, floor: Floor, now: datetime
) -> tuple[Step | None, datetime | None]:
    """The step due at ``now`` and when to look again; (None, instant) when nothing is due yet.

    The instant assumes the step is taken. None: no further rung will ever come by itself.
    """
    climb = Climb(standing, policy, floor, now)
    if now < climb.starts_at:
        return None, climb.starts_at
    step, next_at = _rise(climb)
    instants = [at for at in (next_at, climb.until) if at is not None]
    return step, min(instants, default=None)


def _rise(climb: Climb) -> tuple[Step | None, datetime | None]:
    rising = _Rising(climb)
    for index, due_at in rising.rungs_ahead():
        if due_at > climb.now:
            return rising.step(), due_at
        rising.gather(index, due_at)
    # At the top: again on its own grid, also when nobody could be reached this time.
    return rising.step(), repeat_at(climb, climb.now)


class _Rising:
    """One walk up from where the lead stands: gathers whom the due rungs page, each once."""

    def __init__(self, climb: Climb) -> None:
        self.climb = climb
        self.turn = current_turn(climb.pages)
        self.turn_at = turn_began_at(climb.pages)
        self.new_turn: tuple[RepId, ...] = ()
        self.gathered: dict[RepId, Call] = {}
        self.last: int | None = None
        self.cause: EscalationReason | None = None

    def rungs_ahead(self) -> Iterator[tuple[int, datetime]]:
        """Each rung not yet climbed with the instant it is due, nearest first.

        Whoever iterates gathers the rung before asking for the next: a rung that gathers nobody
        brings the next one forward to its own instant.
        """
        index, due_at = self._next()
        while index < len(self.climb.rungs):
            reached_before = self.last
            yield index, due_at
            index += 1
            if index < len(self.climb.rungs):
                own = self._due(index)
                due_at = own if self.last != reached_before else min(own, due_at)

    def _next(self) -> tuple[int, datetime]:
        """The rung after the last paged one, and when it is due."""
        climb = self.climb
        if not climb.pages:
            return 0, climb.nominal(0)
        last = climb.pages[-1]
        index = last.rung - 1
        if climb.rungs[index].page is Audience.ON_DUTY:
            ended_at = turn_ended_at(climb, self.turn)
            if ended_at is not None:
                return self._next_turn(index, ended_at)
        ahead = self._after(index, last)
        failed_at = rung_failed_at(climb, last.rung)
        past_the_end = ahead[0] == len(climb.rungs)
        if failed_at is None or (failed_at >= ahead[1] and not past_the_end):
            return ahead
        self.cause = cause_of(climb, last.rung)
        at_top = index + 1 == len(climb.rungs)
        again_at = try_again_at(climb, failed_at, at_top=at_top)
        if again_at is not None and (again_at < ahead[1] or past_the_end):
            return index, again_at
        return ahead if at_top or again_at is not None else (index + 1, failed_at)

    def _after(self, index: int, last: Page) -> tuple[int, datetime]:
        """The rung after ``index`` at its own instant; after the last one, its repeat."""
        climb = self.climb
        if index + 1 < len(climb.rungs):
            return index + 1, self._due(index + 1)
        due_at = repeat_at(climb, last.at)
        return (index + 1, climb.now) if due_at is None else (index, due_at)

    def _next_turn(self, index: int, ended_at: datetime) -> tuple[int, datetime]:
        """A turn ended early: the block again with the next rep, or the rung after the block."""
        climb = self.climb
        self.cause = cause_of(climb, index + 1)
        self.turn, self.turn_at = (), None
        start = climb.block_start(index)
        if candidates(climb, start):
            return start, ended_at
        return climb.block_end(index), ended_at

    def _due(self, index: int) -> datetime:
        """When rung ``index`` is due: in a turn from the turn's start, else from the climb's."""
        climb = self.climb
        start = climb.block_start(index)
        if climb.rungs[index].page is not Audience.ON_DUTY or self.turn_at is None:
            return climb.nominal(index)
        if index == start:
            self.turn, self.turn_at = (), None  # a second block is a second turn
            return climb.nominal(index)
        into_turn = climb.rungs[index].at_s - climb.rungs[start].at_s
        return self.turn_at + timedelta(seconds=into_turn)

    def gather(self, index: int, due_at: datetime) -> None:
        """Add those whom rung ``index`` can reach. Reaching nobody leaves no trace."""
        climb, rung = self.climb, self.climb.rungs[index]
        if rung.page is Audience.ON_DUTY and not self.turn:
            self._begin_turn(index, due_at)
        turn_at = self.turn_at if rung.page is Audience.ON_DUTY else None
        for rep in self._audience(rung):
            channel = reachable_by(climb, rep, rung.by)
            if channel is not None:
                self.gathered[rep] = Call(rep, channel, rung.page, turn_at)
                self.last = index

    def _begin_turn(self, index: int, at: datetime) -> None:
        able = candidates(self.climb, index)
        self.turn = self.new_turn = self.climb.floor.next_in_turn(able, self.climb.policy.turn)
        self.turn_at = at if self.turn else None
        if not self.turn:
            self.cause = self.cause or EscalationReason.NOBODY_ON_DUTY

    def _audience(self, rung: Rung) -> tuple[RepId, ...]:
        climb = self.climb
        match rung.page:
            case Audience.ON_DUTY:
                on_duty, passed = set(climb.floor.on_duty), climb.standing.passed
                return tuple(rep for rep in self.turn if rep in on_duty and rep not in passed)
            case Audience.EVERYONE_ON_DUTY:
                return tuple(rep for rep in eligible(climb) if rep not in self.turn)
            case Audience.MANAGERS:
                return climb.floor.managers()
            case Audience.LAST_RESORT:
                return climb.floor.last_resort()

    def step(self) -> Step | None:
        """What was gathered, as one step by the latest rung's means; None when nothing is due."""
        if self.last is None:
            return None
        means = self.climb.rungs[self.last].by
        calls = tuple(
            replace(call, channel=reachable_by(self.climb, call.rep, means) or call.channel)
            for call in self.gathered.values()
        )
        return Step(
            rung=self.last + 1,
            audience=max((call.audience for call in calls), key=OUTWARDS.index),
            calls=calls,
            reason=self.cause or EscalationReason.NO_CLAIM,
            turn=self.new_turn,
        )


def turn_began_at(pages: Sequence[Page]) -> datetime | None:
    """When the latest turn of a climb began; None before the first."""
    turns = [page.turn_at for page in pages if page.turn_at is not None]
    return turns[-1] if turns else None


def current_turn(pages: Sequence[Page]) -> tuple[RepId, ...]:
    """The reps whose turn it is in a climb: those of the latest turn that began."""
    began_at = turn_began_at(pages)
    in_turn = (page.rep for page in pages if began_at and page.turn_at == began_at)
    return tuple(dict.fromkeys(in_turn))


def passed_since(standing: Standing, page: Page) -> datetime | None:
    """When the rep of a page passed after it was decided; a pass before it is no answer to it."""
    return next((at for rep, at in standing.passed_at if rep == page.rep and at > page.at), None)


def eligible(climb: Climb) -> tuple[RepId, ...]:
    """Reps on duty who may have this lead, in the order of the shift: those its route names,
    without those who passed and those it was taken back from."""
    standing = climb.standing
    routed = None if standing.route is None else climb.policy.routes[standing.route].to
    out = standing.passed | standing.taken_back
    return tuple(
        rep for rep in climb.floor.on_duty if rep not in out and (routed is None or rep in routed)
    )


def candidates(climb: Climb, index: int) -> tuple[RepId, ...]:
    """Those whose turn it may be: eligible, and reachable by some rung of the on-duty block."""
    start = climb.block_start(index)
    block = climb.rungs[start : climb.block_end(index)]
    return tuple(
        rep
        for rep in eligible(climb)
        if any(reachable_by(climb, rep, rung.by) is not None for rung in block)
    )


def reachable_by(climb: Climb, rep: RepId, wanted: Channel) -> Channel | None:
    """The channel by which a rung that asks for ``wanted`` reaches ``rep``; None: not at all.

    A rep who prefers calls, or a team without texts, is called where the rung says text.
    """
    floor = climb.floor
    person = floor.people.get(rep)
    if person is None:
        return None
    channel = wanted
    if wanted is Channel.TEXT and (floor.texts_off or person.prefer is Channel.CALL):
        channel = Channel.CALL
    return None if is_deaf(climb, rep, channel) else channel


def is_deaf(climb: Climb, rep: RepId, channel: Channel) -> bool:
    """Whether ``channel`` cannot reach ``rep``, as the floor knows or as this lead has shown."""
    return (rep, channel) in climb.floor.deaf or (rep, channel) in climb.standing.dead_ends


def unreachable(climb: Climb, rep: RepId) -> bool:
    """Whether no channel reaches ``rep``. A channel the team has switched off reaches nobody."""
    if rep not in climb.floor.people:
        return True
    texts = not climb.floor.texts_off and not is_deaf(climb, rep, Channel.TEXT)
    return not texts and is_deaf(climb, rep, Channel.CALL)


def turn_ended_at(climb: Climb, turn: tuple[RepId, ...]) -> datetime | None:
    """When the turn ended without a claim, or None while anyone in it may still answer."""
    standing = climb.standing
    on_duty = set(climb.floor.on_duty)
    ends: list[datetime] = []
    passed_at = dict(standing.passed_at)
    for rep in turn:
        if rep in passed_at:
            ends.append(passed_at[rep])
        elif unreachable(climb, rep):
            failed = [p.failed_at for p in standing.pages if p.rep == rep and p.failed_at]
            ends.append(max(failed, default=climb.now))
        elif rep not in on_duty:
            ends.append(climb.now)
        else:
            return None
    return max(ends, default=None)


def rung_failed_at(climb: Climb, rung: int) -> datetime | None:
    """When the last page of a rung came to nothing (failed or passed), or None if one may work."""
    ends: list[datetime] = []
    for page in climb.pages:
        if page.rung != rung:
            continue
        ended_at = page.failed_at or passed_since(climb.standing, page)
        if ended_at is None:
            return None
        ends.append(ended_at)
    return max(ends, default=None)


def try_again_at(climb: Climb, failed_at: datetime, *, at_top: bool) -> datetime | None:
    """When to try the last rung again because the carrier failed us; None when a number failed, or
    when this is the first time and a rung above may reach somebody by other means."""
    steps = [list(step) for _, step in groupby(climb.pages, key=lambda page: (page.rung, page.at))]
    in_a_row = 0
    for step in reversed(steps):
        if not all(page.failed_at for page in step) or not any(page.trouble for page in step):
            break
        in_a_row += 1
    if in_a_row == 0 or (in_a_row == 1 and not at_top):
        return None
    tried = in_a_row if at_top else in_a_row - 1
    return failed_at + timedelta(seconds=TRY_AGAIN_S[min(tried, len(TRY_AGAIN_S)) - 1])


def cause_of(climb: Climb, rung: int) -> EscalationReason:
    """Why the pages of a rung came to an end before their time."""
    reps = {page.rep for page in climb.pages if page.rung == rung}
    if reps & climb.standing.passed:
        return EscalationReason.DECLINED
    if any(unreachable(climb, rep) or _has_failed(climb, rep) for rep in reps):
        return EscalationReason.PAGE_FAILED
    return EscalationReason.NOBODY_ON_DUTY


def _has_failed(climb: Climb, rep: RepId) -> bool:
    return any(page.rep == rep and page.failed_at for page in climb.standing.pages)


def repeat_at(climb: Climb, last_at: datetime) -> datetime | None:
    """When the last rung is next paged again: on its own grid, and inside hours only."""
    rung = climb.rungs[-1]
    if rung.repeat_s is None:
        return None
    first = climb.nominal(len(climb.rungs) - 1)
    rounds = math.floor((last_at - first).total_seconds() / rung.repeat_s) + 1
    due_at = first + timedelta(seconds=max(rounds, 0) * rung.repeat_s)
    return climb.policy.hours.next_open(due_at) or due_at
