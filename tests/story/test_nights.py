"""Nights: whom a lead wakes, who comes first in the morning, and how a lead that nobody calls ends.

One house for all of them, and time only goes forward: the stories stand in the order of the days.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.story.conftest import fresh_home, story_in
from tests.story.house import House
from tests.story.opening import running
from tests.story.teams import DAY_TEAM, NIGHT_WATCH

pytestmark = pytest.mark.story

LATE_EVENING = datetime(2026, 3, 11, 2, 30, tzinfo=UTC)  # Tuesday, 22:30 EDT
MORNING = datetime(2026, 3, 11, 12, 0, tzinfo=UTC)  # Wednesday, 8:00
BEFORE_CLOSING = datetime(2026, 3, 12, 0, 40, tzinfo=UTC)  # Wednesday, 20:40; closes at 21:00
LAST_ROUND = BEFORE_CLOSING + timedelta(minutes=15)  # 20:55
NEXT_MORNING = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
A_WEEK_LATER = datetime(2026, 3, 20, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def house_by_day() -> Iterator[House]:
    with fresh_home() as home, running(home, DAY_TEAM, LATE_EVENING) as house:
        yield house


@pytest.fixture
def house(house_by_day: House) -> Iterator[House]:
    with story_in(house_by_day):
        yield house_by_day


def test_nobody_is_woken_and_who_asked_twice_comes_first_in_the_morning(house: House) -> None:
    eve = house.lead("Eve Early")
    dana = house.lead("Dana Fox")
    house.clock.moves(20 * 60)
    assert house.knows(house.is_offered({"name": "Dana Fox", "phone": dana.phone})).id == dana.id
    house.clock.comes_just_before(MORNING)
    house.stays_silent()
    assert (eve.was_paged(), dana.was_paged()) == ([], [])
    house.clock.comes_to(MORNING)
    house.ann.expects_text("LEAD AGAIN Dana Fox").replies("1").expects_text("Dana Fox is yours")
    house.ann.expects_text("LEAD Eve Early").replies("1").expects_text("Eve Early is yours")
    dana.is_claimed_by("ann")
    eve.is_claimed_by("ann")


def test_the_last_resort_is_called_again_and_again_but_not_at_night(house: House) -> None:
    house.clock.comes_to(BEFORE_CLOSING)
    dana = house.lead("Dana Fox")
    house.mia.expects_text("Dana")  # nobody's shift: the managers at once
    house.clock.comes_to(dana.arrived_at + timedelta(minutes=15))
    house.mia.expects_call("Dana Fox").hangs_up()
    house.clock.comes_just_before(NEXT_MORNING)
    house.stays_silent()
    house.clock.comes_to(NEXT_MORNING)
    house.mia.expects_call("Dana Fox").presses("1").hears("is yours")
    house.mia.expects_text("Dana Fox is yours")
    dana.is_claimed_by("mia")


def test_a_lead_that_nobody_calls_for_a_week_is_settled_as_never(house: House) -> None:
    house.clock.comes_to(NEXT_MORNING + timedelta(hours=13))  # closed
    dana = house.lead("Dana Fox")
    house.clock.comes_to(A_WEEK_LATER + timedelta(hours=2))
    (settled,) = dana.timeline_shows("settled").events("settled")
    assert settled["reason"] == "never"
    house.stays_silent()


@pytest.fixture(scope="module")
def house_with_a_watch() -> Iterator[House]:
    with fresh_home() as home, running(home, NIGHT_WATCH, LATE_EVENING) as house:
        yield house


def test_a_night_ladder_wakes_whom_it_names_and_the_morning_begins_anew(
    house_with_a_watch: House,
) -> None:
    house = house_with_a_watch
    with story_in(house):
        dana = house.lead("Dana Fox")
        house.mia.expects_text("Dana")
        house.stays_silent()
        house.clock.comes_just_before(MORNING)
        house.stays_silent()
        house.clock.comes_to(MORNING)
        house.ann.expects_text("Dana").replies("1").expects_text("is yours")
        dana.is_claimed_by("ann")
