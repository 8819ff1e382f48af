"""One climb of a lead up its ladder: which rungs, from when, and how far it has come.

Answers questions about what was already done: whose turn it is, when it ended, what came of a rung.
What is due next is ``ladder``'s question, how a person is reached ``means``'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.rules.floor import Floor
from service.rules.lead import RepId
from service.rules.policy import AfterHours, Policy, Rung
from service.rules.standing import Page, Standing
from service.rules.timeline import Audience, Channel

# Seconds until a rung is tried again that failed through no fault of a number's: an outage of the
# carrier's is over in seconds or lasts for minutes.
TRY_AGAIN_S = (5, 10, 20, 40, 60)


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
        # An e-mail goes beside a page while the carrier fails; it is no rung climbed.
        pages = tuple(
            page
            for page in self.standing.pages
            if page.at >= ladder.starts_at and page.channel is not Channel.EMAIL
        )
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


def repeat_at(climb: Climb, last_at: datetime) -> datetime | None:
    """When the last rung is next paged again: on its own grid, and inside hours only."""
    rung = climb.rungs[-1]
    if rung.repeat_s is None:
        return None
    first = climb.nominal(len(climb.rungs) - 1)
    rounds = math.floor((last_at - first).total_seconds() / rung.repeat_s) + 1
    due_at = first + timedelta(seconds=max(rounds, 0) * rung.repeat_s)
    return climb.policy.hours.next_open(due_at) or due_at
