"""A text that cannot arrive costs nothing: the same rep is called at once."""

import pytest

from tests.story.house import House
from tests.story.teams import ANN

pytestmark = pytest.mark.story


def test_an_undelivered_text_becomes_a_call_at_once(house: House) -> None:
    house.ann.is_out_of_range()
    dana = house.lead("Dana Fox")
    house.ann.expects_call("Dana").presses("1").hears("is yours")
    dana.is_claimed_by("ann").timeline_shows("paged", "page_failed", "paged", "claimed")
    assert dana.was_paged() == [("ann", "text"), ("ann", "call")]
    house.stays_silent()


@pytest.mark.parametrize("code", [21211, 21614])
def test_a_refused_number_becomes_a_call_at_once(house: House, code: int) -> None:
    house.carrier.will("messages", "answer", to=ANN, status=400, code=code)
    dana = house.lead("Dana Fox")
    house.ann.expects_call("Dana").presses("2").hears("Passed")
    house.bob.expects_text("Dana")
    house.mia.expects_text("Ann Lee", "is paged by call")
    dana.timeline_shows("paged", "page_failed", "paged", "passed", "paged")


def test_a_rep_whom_nothing_reaches_is_skipped_at_once(house: House) -> None:
    house.ann.is_out_of_range().is_(calls="failed")
    dana = house.lead("Dana Fox")
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("bob")
    assert dana.was_paged() == [("ann", "text"), ("ann", "call"), ("bob", "text")]
