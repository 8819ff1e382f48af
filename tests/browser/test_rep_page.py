"""Ann's page on Ann's phone: every state of it, with scripts and without."""

import pytest
from playwright.sync_api import expect

from tests.browser.browser import Screen
from tests.browser.rep_page import RepPage
from tests.story.house import House
from tests.story.leads import fresh_phone

pytestmark = pytest.mark.browser

LONG_ASK = "Solar panels for a barn and two stables, with a battery that lasts the night. " * 12


def test_ann_claims_calls_and_logs_how_it_ended(house: House, screen: Screen) -> None:
    phone = fresh_phone()
    dana = house.lead("Dana Fox", phone=phone, city="Austin", ask="Solar for a barn")
    page = RepPage(screen, house.ann.expects_text("Dana").link).opens()
    page.reads("Dana Fox", "Austin", "Solar for a barn", "Waiting for")
    page.reads_nothing_of(phone[-7:]).reaches_with_a_thumb("Claim", "Pass")
    page.claims().could_call(phone).reaches_with_a_thumb("Call", "I called")
    house.ann.expects_text("is yours")
    page.has_called().reads("How did it end?").logs("5", "no answer").reads("Logged at")
    page.has_called().agrees_on("fri 4pm").reads("later")
    (said,) = [each for each in dana.events("outcome") if each["outcome"] == "call_later"]
    assert said["reason"] == "fri 4pm"
    page.has_called().logs("7", "booked").reads("This lead is closed", "booked")


def test_ann_passes_and_then_sees_who_has_it(house: House, screen: Screen) -> None:
    dana = house.lead("Dana Fox")
    page = RepPage(screen, house.ann.expects_text("Dana").link).opens()
    page.passes().reads("You passed")
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")
    page.opens().reads("Bob Ray has this lead").reads_nothing_of("Dana")
    dana.is_claimed_by("bob")


def test_ann_gives_it_back(house: House, screen: Screen) -> None:
    house.lead("Dana Fox")
    page = RepPage(screen, house.ann.expects_text("Dana").link).opens().claims()
    house.ann.expects_text("is yours")
    page.gives_it_back().reads("You passed")
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")


def test_a_lead_without_a_number_and_with_a_long_story(house: House, screen: Screen) -> None:
    asked = {"email": f"dana{fresh_phone()[1:]}@story.example", "ask": LONG_ASK, "phone": "x"}
    answer = house.is_offered({"name": "Dana Wolfeschlegelsteinhausenbergerdorff", **asked})
    house.knows(answer)
    page = RepPage(screen, house.ann.expects_text("Dana").link).opens()
    page.reads("no phone number").reaches_with_a_thumb("Claim")
    page.claims().reads("Write", asked["email"])
    house.ann.expects_text("is yours")


def test_a_link_that_is_no_longer_good(house: House, screen: Screen) -> None:
    RepPage(screen, f"{house.http.base_url}/r/AAAAAAAAbbbbbbbb").opens().reads("no longer good")


def test_by_night(house: House, dark: Screen) -> None:
    house.lead("Dana Fox", ask="Solar for a barn", company="Fox Farms")
    page = RepPage(dark, house.ann.expects_text("Dana").link).opens().claims().has_called()
    house.ann.expects_text("is yours")
    page.logs("4", "voicemail")


def test_by_keyboard(house: House, screen: Screen) -> None:
    house.lead("Dana Fox")
    page = RepPage(screen, house.ann.expects_text("Dana").link).opens()
    assert screen.reaches_by_keyboard()[:2] == ["Claim", "Pass"]
    screen.page.get_by_role("button", name="Claim").focus()
    with screen.page.expect_navigation():
        screen.page.keyboard.press("Enter")
    house.ann.expects_text("is yours")
    page.reads("or it is passed on")


def test_two_taps_are_one(house: House, screen: Screen) -> None:
    dana = house.lead("Dana Fox")
    RepPage(screen, house.ann.expects_text("Dana").link).opens().claims().has_called()
    house.ann.expects_text("is yours")
    screen.page.get_by_role("button", name="5 no answer").dblclick()
    expect(screen.page.locator("body")).to_contain_text("Logged at")
    assert len(dana.events("attempted")) == 1
