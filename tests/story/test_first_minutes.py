"""A lead arrives, a text goes out, one digit takes it: the thread that everything else hangs on."""

import pytest

from tests.story.house import House

pytestmark = pytest.mark.story


def test_a_lead_is_on_the_reps_phone_within_moments(house: House) -> None:
    dana = house.lead("Dana Fox", ask="Solar for a barn", city="Austin")
    text = house.ann.expects_text("Dana Fox", "Austin", "Solar for a barn", "1 take 2 pass")
    text.is_one_tidy_text()
    dana.is_waiting().timeline_shows("arrived", "paged", "page_sent")


def test_before_a_claim_nobody_is_told_how_to_reach_the_lead(house: House) -> None:
    dana = house.lead("Dana Fox", email="dana@example.com", ask="Call me on (415) 226-9999")
    body = house.ann.expects_text("Dana").body
    assert dana.phone[-4:] not in body
    assert "example.com" not in body
    assert "9999" not in body


def test_one_digit_takes_the_lead_and_brings_its_number(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies("1").expects_text("Dana Fox is yours", dana.phone[-4:])
    dana.is_claimed_by("ann")
    dana.timeline_shows("arrived", "paged", "page_sent", "claimed", "told")


@pytest.mark.parametrize("words", ["1.", " Yes ", '"ok"', "take it", "I'll take this"])
def test_words_take_it_too(house: House, words: str) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies(words).expects_text("is yours")
    dana.is_claimed_by("ann")


def test_two_open_leads_carry_letters_and_a_bare_digit_changes_nothing(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    eli = house.lead("Eli Moss")
    second = house.ann.expects_text("Eli")
    house.clock.moves(10)
    listed = second.replies("1").expects_text("Which one?", "Dana", "Eli")
    dana.is_waiting()
    eli.is_waiting()
    letter = listed.body.split("Eli Moss: 1")[1][0]
    listed.replies(f"1{letter}").expects_text("Eli Moss is yours")
    eli.is_claimed_by("ann")
    dana.is_waiting()


def test_more_tells_the_whole_request(house: House) -> None:
    house.lead("Dana Fox", ask="A roof " + "of many words " * 12 + "and a cellar")
    house.ann.expects_text("Dana").replies("MORE").expects_text("and a cellar")


def test_who_is_on_duty_is_told_to_a_rep_who_asks(house: House) -> None:
    house.bob.texts_itself("WHO").expects_text("Ann Lee", "Bob Ray")
