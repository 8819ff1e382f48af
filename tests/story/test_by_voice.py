"""Teams and reps who are called where others are texted.

One house for all of them; its team file is edited while it runs.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.story.conftest import fresh_home, story_in
from tests.story.house import House
from tests.story.opening import running
from tests.story.teams import ANN_PREFERS_CALLS, WITHOUT_TEXTS

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def house_of_callers() -> Iterator[House]:
    with fresh_home() as home, running(home, ANN_PREFERS_CALLS) as house:
        yield house


@pytest.fixture
def house(house_of_callers: House) -> Iterator[House]:
    with story_in(house_of_callers):
        yield house_of_callers


def test_a_rep_who_prefers_calls_is_called_where_others_are_texted(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_call("Dana Fox").hangs_up()
    house.clock.comes_to(dana.arrived_at + timedelta(seconds=120))
    house.ann.expects_call("Dana Fox").hangs_up()
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("bob")


def test_while_the_carrier_has_not_approved_texts_everything_is_said(house: House) -> None:
    house.changes_team(WITHOUT_TEXTS)
    dana = house.lead("Dana Fox")
    house.ann.expects_call("Dana Fox").presses("2").hears("Passed")
    said = ", ".join(dana.phone.removeprefix("+"))
    house.bob.expects_call("Dana Fox").presses("1").hears("is yours", said)
    dana.is_claimed_by("bob")
    assert dana.was_paged() == [("ann", "call"), ("bob", "call")]
    house.stays_silent()
