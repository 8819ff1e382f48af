"""Ann taps the link in her text and never types a digit."""

from datetime import timedelta

import pytest

from tests.story.house import House
from tests.story.leads import fresh_phone
from tests.story.rep_pages import PREVIEWERS, RepPage, taps_link_of

pytestmark = pytest.mark.story


def test_ann_takes_a_lead_by_its_link_and_logs_how_it_ended(house: House) -> None:
    phone = fresh_phone()
    asked = {"city": "Austin", "ask": f"Solar, call {phone}", "email": "dana@story.example"}
    dana = house.lead("Dana Fox", phone=phone, **asked)
    text = house.ann.expects_text("Dana").is_one_tidy_text()
    page = taps_link_of(text, house.http)
    page.says("Dana Fox", "Austin", "Solar, call (number)", "Waiting for")
    page.holds_nothing_of(phone, phone[-7:], "dana@story.example", "tel:", "mailto:")

    page.presses("Claim").can_call(phone).says("dana@story.example", "or it is passed on")
    house.ann.expects_text("Dana Fox is yours")
    dana.is_claimed_by("ann")
    (claimed,) = dana.events("claimed")
    assert (claimed["by"], claimed["because"]) == ("link", "pressed Claim on the page")

    page.presses("I called").says("How did it end?")
    assert not dana.events("attempted")
    page.presses("5 no answer").says("Dana Fox", "no answer").can_call(phone)
    house.clock.moves(200)
    house.stays_silent()
    page.loads().presses("I called").presses("7 booked").says("This lead is closed", "booked")
    dana.timeline_shows("claimed", "attempted", "no_answer", "attempted", "contacted", "settled")


def test_previews_of_the_link_change_nothing(house: House) -> None:
    dana = house.lead("Dana Fox")
    text = house.ann.expects_text("Dana")
    before = dana.timeline_shows("page_delivered").events()
    for robot in PREVIEWERS:
        for method in ("HEAD", "GET"):
            seen = house.http.request(method, text.link, headers={"User-Agent": robot})
            assert seen.status_code == 200
            assert "Dana" not in seen.text.partition("</head>")[0]
    house.is_quiet()
    assert dana.events() == before
    dana.is_waiting()


def test_bob_is_shown_who_has_it_and_nothing_of_the_lead(house: House) -> None:
    phone = fresh_phone()
    dana = house.lead("Dana Fox", phone=phone)
    anns = house.ann.expects_text("Dana")
    house.clock.comes_to(dana.arrived_at + timedelta(seconds=120))
    bobs = house.bob.expects_text("Dana")
    house.ann.expects_text("Dana")
    page = taps_link_of(bobs, house.http).says("Dana Fox", "Waiting for")
    taps_link_of(anns, house.http).presses("Claim").can_call(phone)
    house.ann.expects_text("Dana Fox is yours")
    page.presses("Claim").says("Ann Lee has this lead").holds_nothing_of(phone[-7:], "Dana")
    dana.is_claimed_by("ann")


def test_a_pass_by_link_asks_the_next_rep_at_once(house: House) -> None:
    dana = house.lead("Dana Fox")
    page = taps_link_of(house.ann.expects_text("Dana"), house.http)
    page.presses("Pass").says("You passed")
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    page.loads().says("Bob Ray has this lead")
    dana.is_claimed_by("bob")


def test_a_manager_takes_what_nobody_took(house: House) -> None:
    dana = house.lead("Dana Fox")
    taps_link_of(house.ann.expects_text("Dana"), house.http).presses("Pass")
    taps_link_of(house.bob.expects_text("Dana"), house.http).presses("Pass")
    page = taps_link_of(house.mia.expects_text("Dana"), house.http)
    page.presses("Claim").can_call(dana.phone)
    house.mia.expects_text("is yours")
    dana.is_claimed_by("mia")


def test_a_reload_and_a_double_tap_are_one_press(house: House) -> None:
    dana = house.lead("Dana Fox")
    page = taps_link_of(house.ann.expects_text("Dana"), house.http).presses("Claim")
    house.ann.expects_text("is yours")
    form = {**page.presses("I called").form(), "do": "5"}
    for _ in range(3):
        page.sends(form).says("no answer")
    assert len(dana.events("attempted")) == 1


def test_a_link_that_was_tampered_with_opens_nothing(house: House) -> None:
    dana = house.lead("Dana Fox")
    link = house.ann.expects_text("Dana").link
    forged = RepPage(house.http, link[:-1] + ("0" if link[-1] != "0" else "1"))
    assert forged.loads().status == 404
    forged.says("This link is no longer good", "reply WHO").holds_nothing_of("Dana")
    dana.is_waiting()


def test_a_link_is_dead_after_a_week(house: House) -> None:
    dana = house.lead("Dana Fox")
    link = house.ann.expects_text("Dana").link
    dana.is_settled()
    house.clock.moves(timedelta(days=7).total_seconds() + 60)
    page = RepPage(house.http, link).loads()
    assert page.status == 410
    page.says("This link is no longer good", "ask your manager").holds_nothing_of("Dana")
