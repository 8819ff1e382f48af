"""Small histories of a lead, and the worlds they happen in: all there are of so many deeds.

A shared beginning is lived once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.rules.floor import Floor
from service.rules.policy import DEFAULT_LADDER, AfterHours, Policy, Rung, TurnKind
from service.rules.timeline import Audience, Channel
from tests.rules import test_ladder
from tests.rules.deeds import (
    DEEDS,
    DEEDS_OF_CALLS,
    Deed,
    answers_the_ring,
    calls_in,
    claims,
    ends,
    leaves,
    leaves_a_voicemail,
    on_time,
)
from tests.rules.laws import history_is_lawful, look_and_check
from tests.rules.world import (
    ANN,
    ARRIVED,
    BOB,
    CAT,
    NEW_YORK,
    UNANSWERED,
    LeadUnderTest,
    a_floor,
    a_policy,
    talked,
)

# The default ladder with a last rung that is seldom repeated: a week of it is soon lived through.
SELDOM = (*DEFAULT_LADDER[:-1], Rung(900, Audience.LAST_RESORT, Channel.CALL, 6 * 3600))


@dataclass(frozen=True, slots=True)
class World:
    """Where and when a lead arrives, and what may happen to it."""

    policy: Policy
    arrived_at: datetime = ARRIVED
    deeds: Sequence[Deed] = DEEDS
    zones: tuple[str, ...] | None = None

    def floor(self, reps: int = 2) -> Floor:
        return a_floor(*(ANN, BOB, CAT)[:reps], dial_zones=self.zones)

    def lead(self, reps: int = 2) -> LeadUnderTest:
        """A lead that has just arrived, and was looked at."""
        lead = LeadUnderTest(policy=self.policy, floor=self.floor(reps), arrived_at=self.arrived_at)
        look_and_check(lead, self.arrived_at)
        return lead


OFFICE, AT_NIGHT = test_ladder.OFFICE, test_ladder.AT_NIGHT
PAGES = {
    "by day": World(a_policy()),
    "all at once": World(a_policy(turn=TurnKind.ALL_AT_ONCE)),
    "after hours": World(a_policy(hours=OFFICE, after_hours=AfterHours.AT_OPENING), AT_NIGHT),
}
BRIDGED = World(a_policy(hours=OFFICE, ladder=SELDOM), deeds=DEEDS_OF_CALLS, zones=NEW_YORK)
BRIDGED_BY_NIGHT = World(
    a_policy(ladder=SELDOM, after_hours=AfterHours.PAGE_NOW),
    AT_NIGHT,
    DEEDS_OF_CALLS,
    (*NEW_YORK, "America/Los_Angeles"),
)
BRIDGES = {"bridged": BRIDGED, "bridged by night": BRIDGED_BY_NIGHT}
WORLDS = PAGES | BRIDGES

# Where histories of calls begin: what must have happened before the deeds of interest can.
BEGINNINGS: dict[str, tuple[Deed, ...]] = {
    "fresh": (),
    "ringing": (claims,),
    "talking": (claims, answers_the_ring),
    "in vain": (claims, answers_the_ring, ends("unanswered", UNANSWERED, 40)),
    "short": (claims, answers_the_ring, ends("short", talked(12))),
    "asked": (claims, answers_the_ring, ends("unanswered", UNANSWERED, 40), on_time, on_time),
    "reached": (claims, answers_the_ring, ends("contact", talked(60))),
    "on hold": (calls_in,),
    "called in vain": (claims, answers_the_ring, ends("long", talked(200)), calls_in, leaves),
    "voicemail": (calls_in, leaves_a_voicemail),
}


def begin(world: World, deeds: Sequence[Deed], reps: int = 2) -> LeadUnderTest:
    lead = world.lead(reps)
    for deed in deeds:
        deed(lead)
    return lead


def every_history(
    world: World,
    length: int,
    *,
    start: Sequence[Deed] = (),
    at_end: Callable[[LeadUnderTest], None] | None = None,
) -> None:
    """Hold every sequence of so many deeds against the laws; ``at_end`` is done to each lead that
    any of them comes to."""
    _extend(begin(world, start), world.deeds, length, at_end)


def _extend(
    lead: LeadUnderTest,
    deeds: Sequence[Deed],
    left: int,
    at_end: Callable[[LeadUnderTest], None] | None,
) -> None:
    history_is_lawful(lead)
    if at_end is not None:
        at_end(replace(lead))
    if not left:
        return
    for deed in deeds:
        branch = replace(lead)
        deed(branch)
        if branch.timeline is not lead.timeline or branch.floor is not lead.floor:
            _extend(branch, deeds, left - 1, at_end)
