"""Shift edges and nights on which the clocks change, in a house whose year goes by.

One house for all of them, and time only goes forward: the stories stand in the order of the year.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.story.conftest import fresh_home, story_in
from tests.story.house import House
from tests.story.opening import running
from tests.story.teams import DAY_TEAM

pytestmark = pytest.mark.story

NOON = datetime(2026, 3, 7, 17, 0, tzinfo=UTC)  # Saturday, 12:00 EST in New York
SHIFT_EDGE = datetime(2026, 3, 7, 19, 0, tzinfo=UTC)  # 14:00 EST
AFTERNOON = datetime(2026, 3, 7, 20, 0, tzinfo=UTC)  # 15:00 EST
UNPLANNED_HOUR = datetime(2026, 3, 8, 1, 15, tzinfo=UTC)  # 20:15 EST, nobody's shift
SPRING_NIGHT = datetime(2026, 3, 8, 3, 0, tzinfo=UTC)  # 22:00 EST
SPRING_OPENING = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)  # 8:00 EDT: an hour went missing
AUTUMN_NIGHT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)  # 22:00 EDT of the last summer evening
AUTUMN_OPENING = datetime(2026, 11, 1, 13, 0, tzinfo=UTC)  # 8:00 EST: an hour came twice


@pytest.fixture(scope="module")
def house_of_the_year() -> Iterator[House]:
    with fresh_home() as home, running(home, DAY_TEAM, NOON) as house:
        yield house


@pytest.fixture
def house(house_of_the_year: House) -> Iterator[House]:
    with story_in(house_of_the_year):
        yield house_of_the_year


def test_at_the_end_of_her_shift_anns_lead_goes_to_bob(house: House) -> None:
    house.clock.comes_just_before(SHIFT_EDGE)
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.stays_silent()
    house.clock.comes_to(SHIFT_EDGE)
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("bob")


def test_after_the_edge_only_bob_is_asked(house: House) -> None:
    house.clock.comes_to(AFTERNOON)
    house.lead("Dana Fox")
    house.bob.expects_text("Dana")
    house.stays_silent()


def test_with_nobody_on_duty_inside_hours_the_managers_are_asked_at_once(house: House) -> None:
    house.clock.comes_to(UNPLANNED_HOUR)
    dana = house.lead("Dana Fox")
    house.mia.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("mia").timeline_shows("arrived", "escalated", "paged")


def test_a_night_lead_waits_for_the_opening_of_a_short_night(house: House) -> None:
    _pages_at_opening(house, SPRING_NIGHT, SPRING_OPENING)


def test_a_night_lead_waits_for_the_opening_of_a_long_night(house: House) -> None:
    _pages_at_opening(house, AUTUMN_NIGHT, AUTUMN_OPENING)


def _pages_at_opening(house: House, night: datetime, opening: datetime) -> None:
    house.clock.comes_to(night)
    dana = house.lead("Dana Fox")
    house.clock.comes_just_before(opening)
    house.stays_silent()
    house.clock.comes_to(opening)
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")
