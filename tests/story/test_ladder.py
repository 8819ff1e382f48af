"""Silence: the ladder climbs at its instants, never before, and reaches the last resort."""

from datetime import timedelta

import pytest

from tests.story.house import House
from tests.story.leads import Lead

pytestmark = pytest.mark.story


def test_silence_walks_the_whole_ladder(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    _comes_due(house, dana, 45)
    house.ann.expects_call("Dana Fox")
    _comes_due(house, dana, 120)
    house.bob.expects_text("Dana")
    _comes_due(house, dana, 300)
    house.mia.expects_text("Dana")
    _comes_due(house, dana, 900)
    house.mia.expects_call("Dana").hangs_up()
    _comes_due(house, dana, 1800)
    house.mia.expects_call("Dana").hangs_up()
    _each_page_came_no_sooner_than_due(dana, 0, 45, 120, 300, 900, 1800)


def test_a_look_that_comes_late_pages_each_person_once(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.clock.comes_to(dana.arrived_at + timedelta(seconds=400))
    house.ann.expects_text("Dana")
    house.bob.expects_text("Dana")
    house.mia.expects_text("Dana")
    house.is_quiet()
    dana.timeline_shows("paged", "escalated", "paged", "paged", "paged")
    assert len(dana.was_paged()) == 4


def test_a_claim_ends_the_climb(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    house.clock.comes_to(dana.arrived_at + timedelta(seconds=150))
    house.stays_silent()
    assert dana.was_paged() == [("ann", "text")]


def test_a_manager_may_take_it_when_it_is_open_to_all(house: House) -> None:
    dana = house.lead("Dana Fox")
    ann_reads = house.ann.expects_text("Dana")
    house.clock.comes_to(dana.arrived_at + timedelta(seconds=300))
    house.bob.expects_text("Dana")
    house.ann.expects_text("Dana")
    house.mia.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("mia")
    ann_reads.replies("1").expects_text("Mia Fox has Dana Fox")


def _comes_due(house: House, lead: Lead, after_s: int) -> None:
    """Just before the instant nothing happens; then it is that instant."""
    due_at = lead.arrived_at + timedelta(seconds=after_s)
    house.clock.comes_just_before(due_at)
    house.stays_silent()
    house.clock.comes_to(due_at)


def _each_page_came_no_sooner_than_due(lead: Lead, *after_s: int) -> None:
    waited = [event["at"] for event in lead.events("paged")]
    due = [(lead.arrived_at + timedelta(seconds=each)).isoformat() for each in after_s]
    assert len(waited) == len(due)
    assert all(at >= due_at for at, due_at in zip(waited, due, strict=True)), (waited, due)
