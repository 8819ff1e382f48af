"""Two want it, or nobody does: exactly one rep has a lead, and a pass goes on at once."""

from datetime import timedelta

import pytest

from tests.story.at_once import at_once
from tests.story.house import House

pytestmark = pytest.mark.story


def test_of_two_who_reply_at_once_one_has_it_and_the_other_is_told(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.clock.comes_to(dana.arrived_at + timedelta(seconds=120))
    house.bob.expects_text("Dana")
    again = house.ann.expects_text("Dana")
    on_bob = house.bob
    at_once(lambda: again.replies("1"), lambda: on_bob.texts_itself("1"))
    (claimed,) = dana.timeline_shows("claimed", "claim_lost").events("claimed")
    winner, loser = (house.ann, house.bob) if claimed["rep"] == "ann" else (house.bob, house.ann)
    winner.expects_text("Dana Fox is yours")
    loser.expects_text("has Dana Fox")


def test_one_rep_who_replies_twice_has_it_once(house: House) -> None:
    dana = house.lead("Dana Fox")
    page = house.ann.expects_text("Dana")
    at_once(lambda: page.replies("1"), lambda: page.replies("1"))
    house.ann.expects_text("Dana Fox is yours")
    house.ann.expects_text("Dana Fox is yours")
    dana.is_claimed_by("ann")


def test_a_pass_asks_the_next_repat_once(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies("2").expects_text("Passed")
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("bob")


def test_when_every_rep_passes_the_managers_are_askedat_once(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies("2").expects_text("Passed")
    house.bob.expects_text("Dana").replies("2").expects_text("Passed")
    house.mia.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("mia")


def test_a_late_1_still_takes_what_nobody_has(house: House) -> None:
    dana = house.lead("Dana Fox")
    page = house.ann.expects_text("Dana")
    house.clock.comes_to(dana.arrived_at + timedelta(minutes=20))
    for phone in (house.ann, house.bob, house.mia):
        phone.expects_ring()
    page.replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")


def test_a_claim_without_a_call_is_taken_back(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    claimed_at = dana.is_claimed_by("ann").events("claimed")[0]["at"]
    house.clock.moves(181)
    house.ann.expects_text("No call logged for Dana Fox")
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    (taken_back,) = dana.events("taken_back")
    assert taken_back["at"] > claimed_at
    assert dana.read()["standing"]["owner"] == "bob"


def test_an_outcome_digit_keeps_it(house: House) -> None:
    dana = house.lead("Dana Fox")
    yours = house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    yours.replies("5").expects_text("Logged", "no answer")
    house.clock.moves(200)
    house.stays_silent()
    dana.is_claimed_by("ann")


def test_an_outcome_that_ends_it_settles_it(house: House) -> None:
    dana = house.lead("Dana Fox")
    yours = house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    yours.replies("7").expects_text("Logged", "booked")
    dana.timeline_shows("claimed", "attempted", "contacted", "outcome", "settled")
