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
- A text that no phone confirms brings forward the call to the same rep, and nothing else.
- When the carrier fails us, and not a number, one rung comes forward (other means may work); after
  that the same rung is tried again, at growing intervals, and the ladder is not burnt up.
- A climb that began while the team was closed begins anew at the opening, on the day's ladder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.rules.climb import Climb, current_turn, repeat_at, turn_began_at
from service.rules.floor import Floor
from service.rules.lead import RepId
from service.rules.means import (
    UNSEEN_AFTER,
    call_in_turn,
    candidates,
    cause_of,
    eligible,
    reachable_by,
    rung_failed_at,
    try_again_at,
    turn_ended_at,
    unseen_since,
)
from service.rules.policy import Policy, Rung
from service.rules.standing import Page, Standing
from service.rules.timeline import Audience, Channel, EscalationReason

OUTWARDS = (
    Audience.ON_DUTY,
    Audience.EVERYONE_ON_DUTY,
    Audience.MANAGERS,
    Audience.LAST_RESORT,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One person to page in a step: by which channel, as which audience, in whose turn."""

    rep: RepId
    channel: Channel
    audience: Audience
    turn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """A rung to be paged now. ``rung`` counts from 1; ``turn`` are reps whose turn begins;
    ``unseen``: it comes early, since no phone has confirmed the text before it."""

    rung: int
    audience: Audience
    calls: tuple[Call, ...]
    reason: EscalationReason
    turn: tuple[RepId, ...] = ()
    unseen: bool = False


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
        self.unseen = False

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
        ahead = self._sooner_if_unseen(index, last, self._after(index, last))
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

    def _sooner_if_unseen(
        self, index: int, last: Page, ahead: tuple[int, datetime]
    ) -> tuple[int, datetime]:
        """The same turn's call brought forward, when no phone has confirmed its text; never
        another person's page."""
        climb = self.climb
        sent_at = unseen_since(climb, last.rung)
        call = call_in_turn(climb, index, self.turn) if sent_at else None
        if sent_at is None or call is None or sent_at + UNSEEN_AFTER >= ahead[1]:
            return ahead
        self.unseen = True
        return call, sent_at + UNSEEN_AFTER

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
        end = climb.block_end(index)
        again_at = repeat_at(climb, climb.pages[-1].at) if end == len(climb.rungs) else None
        return (end, ended_at) if again_at is None else (end - 1, again_at)

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
            channel = reachable_by(climb, rep, rung.by, at_top=self._is_top(index))
            if channel is not None:
                self.gathered[rep] = Call(rep, channel, rung.page, turn_at)
                self.last = index

    def _is_top(self, index: int) -> bool:
        return index == len(self.climb.rungs) - 1

    def _begin_turn(self, index: int, at: datetime) -> None:
        able = candidates(self.climb, index, at_top=self._is_top(index))
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
            case Audience.OWNER:
                return ()  # a lead that waits has none

    def step(self) -> Step | None:
        """What was gathered, as one step by the latest rung's means; None when nothing is due."""
        if self.last is None:
            return None
        climb, means, at_top = self.climb, self.climb.rungs[self.last].by, self._is_top(self.last)
        calls = tuple(
            replace(
                call,
                channel=reachable_by(climb, call.rep, means, at_top=at_top) or call.channel,
            )
            for call in self.gathered.values()
        )
        return Step(
            rung=self.last + 1,
            audience=max((call.audience for call in calls), key=OUTWARDS.index),
            calls=calls,
            reason=self.cause or EscalationReason.NO_CLAIM,
            turn=self.new_turn,
            unseen=self.unseen,
        )
