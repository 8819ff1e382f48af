"""The voice rung: a key takes or passes the lead, and a mailbox never does either."""

from datetime import timedelta

import pytest

from tests.story.house import House
from tests.story.leads import Lead

pytestmark = pytest.mark.story

VOICE_RUNG = timedelta(seconds=45)
ALL_REPS_RUNG = timedelta(seconds=120)


def _unanswered_text(house: House) -> Lead:
    dana = house.lead("Dana Fox", ask="Solar for a barn")
    house.ann.expects_text("Dana")
    house.clock.comes_to(dana.arrived_at + VOICE_RUNG)
    return dana


def test_key_1_takes_the_lead_and_its_number_comes_by_text(house: House) -> None:
    dana = _unanswered_text(house)
    house.ann.expects_call("Dana Fox", "barn").presses("1").hears("is yours")
    house.ann.expects_text("is yours", dana.phone[-4:])
    dana.is_claimed_by("ann").timeline_shows("paged", "paged", "page_delivered", "claimed")


def test_key_2_passes_and_the_next_rep_is_asked_at_once(house: House) -> None:
    dana = _unanswered_text(house)
    house.ann.expects_call("Dana").presses("2").hears("Passed")
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("bob")


def test_a_wrong_key_is_asked_again(house: House) -> None:
    dana = _unanswered_text(house)
    house.ann.expects_call("Dana").presses("7").hears("Press 1").presses("1").hears("is yours")
    house.ann.expects_text("is yours")
    dana.is_claimed_by("ann")


def test_a_mailbox_that_picks_up_claims_nothing(house: House) -> None:
    house.ann.has_a_mailbox_that_picks_up()
    dana = _unanswered_text(house)
    house.ann.expects_ring().is_answered_by_itself().hears("Dana Fox").hangs_up()
    house.stays_silent()
    dana.is_waiting()
    house.clock.comes_to(dana.arrived_at + ALL_REPS_RUNG)
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("bob")


def test_a_declined_call_costs_no_time(house: House) -> None:
    """Who is busy, or declines, is reached by no call: the next rung comes at once."""
    dana = _unanswered_text(house)
    house.ann.expects_ring().declines()
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("bob")
    house.stays_silent()


def test_a_phone_stops_ringing_when_somebody_else_has_the_lead(house: House) -> None:
    dana = _unanswered_text(house)
    ring = house.ann.expects_ring()
    house.clock.comes_to(dana.arrived_at + ALL_REPS_RUNG)
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("bob")
    ring.stops()


def test_who_has_picked_up_and_presses_too_late_hears_who_has_it(house: House) -> None:
    dana = _unanswered_text(house)
    call = house.ann.expects_call("Dana Fox")
    house.clock.comes_to(dana.arrived_at + ALL_REPS_RUNG)
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("bob")
    call.presses("1").hears("Bob Ray has")
