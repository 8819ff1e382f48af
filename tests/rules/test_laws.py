"""The laws of ``decide``: on every small history there is, and on random long ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.rules.deeds import (
    DEEDS,
    RARE_DEEDS,
    RARE_DEEDS_OF_CALLS,
    Deed,
    last_instant,
    late,
)
from tests.rules.histories import BEGINNINGS, BRIDGED, BRIDGES, PAGES, WORLDS, every_history
from tests.rules.laws import history_is_lawful, look_and_check, nobody_is_forgotten
from tests.rules.world import ANN, BOB, CAT


@pytest.mark.parametrize("name", PAGES)
def test_the_laws_hold_on_every_small_history(name: str) -> None:
    every_history(PAGES[name], length=3)


@pytest.mark.parametrize("name", BRIDGES)
def test_the_laws_hold_on_every_small_history_of_calls(name: str) -> None:
    every_history(BRIDGES[name], length=3)


@pytest.mark.parametrize("name", BEGINNINGS)
def test_the_laws_hold_from_wherever_calls_have_led(name: str) -> None:
    every_history(BRIDGED, length=2, start=BEGINNINGS[name])


@pytest.mark.parametrize("name", BEGINNINGS)
def test_if_nobody_acts_the_lead_ends_and_somebody_was_asked_for_each_owed_call(name: str) -> None:
    every_history(BRIDGED, length=1, start=BEGINNINGS[name], at_end=nobody_is_forgotten)


class ALeadsLife(RuleBasedStateMachine):
    """Any deeds in any order for as long as Hypothesis likes."""

    @initialize(name=st.sampled_from(sorted(WORLDS)), reps=st.integers(0, 3))
    def arrives(self, name: str, reps: int) -> None:
        self.world = WORLDS[name]
        self.lead = self.world.lead(reps)

    @rule(place=st.integers(0, 10_000))
    def something_happens(self, place: int) -> None:
        rare = RARE_DEEDS if self.world.deeds is DEEDS else RARE_DEEDS + RARE_DEEDS_OF_CALLS
        deeds: list[Deed] = [*self.world.deeds, *rare]
        deeds[place % len(deeds)](self.lead)

    @rule(seconds=st.floats(0, 9 * 24 * 3600))
    def somebody_looks_late(self, seconds: float) -> None:
        late(seconds)(self.lead)

    @rule(reps=st.permutations([ANN, BOB, CAT]), how_many=st.integers(0, 3))
    def the_floor_changes(self, reps: list[str], how_many: int) -> None:
        on_duty = tuple(reps[:how_many])
        self.lead.floor = replace(self.lead.floor, on_duty=on_duty)  # type: ignore[arg-type]  # ids
        look_and_check(self.lead, last_instant(self.lead))

    @invariant()
    def the_laws_hold(self) -> None:
        if hasattr(self, "lead"):
            history_is_lawful(self.lead)


# The same lives each time, so that a red run is this change's doing and not chance's.
ALeadsLife.TestCase.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, derandomize=True
)
TestALeadsLife = ALeadsLife.TestCase
