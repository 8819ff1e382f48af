"""The phones page, as narrow as a phone: a newcomer is the lead, and answers as the rep."""

import pytest

from tests.browser.browser import Screen
from tests.browser.phones import PhonesPage
from tests.browser.rep_page import RepPage
from tests.story.house import House

pytestmark = pytest.mark.browser


def page_of(house: House, screen: Screen) -> PhonesPage:
    return PhonesPage(screen, f"{house.carrier.http.base_url}/sandbox").opens()


def test_what_is_texted_is_read_and_answered(house: House, screen: Screen) -> None:
    dana = house.lead("Dana Fox", ask="Solar for a barn")
    house.ann.expects_text("Dana")
    page = page_of(house, screen).sees("Ann Lee", "LEAD Dana Fox", "1 take 2 pass")
    page.replies("Ann Lee", "1").sees("Ann Lee", "Dana Fox is yours")
    house.ann.expects_text("is yours")
    dana.is_claimed_by("ann")


def test_a_quick_reply_passes(house: House, screen: Screen) -> None:
    house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    page = page_of(house, screen).sees("Ann Lee", "LEAD Dana Fox")
    page.quickly_replies("Ann Lee", "Reply 2, pass the lead").sees("Ann Lee", "Passed.")
    house.ann.expects_text("Passed")
    house.bob.expects_text("Dana").replies("1").expects_text("is yours")


def test_the_link_in_a_text_leads_to_the_reps_page(house: House, screen: Screen) -> None:
    house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    link = page_of(house, screen).sees("Ann Lee", "LEAD Dana Fox").link_in("Ann Lee")
    RepPage(screen, link).opens().reads("Dana Fox", "Waiting for")


def test_every_control_is_reached_by_keyboard(house: House, screen: Screen) -> None:
    page_of(house, screen)
    found = screen.reaches_by_keyboard()
    for name in ("Send the request", "Reply 1, take the lead", "Send the text", "Phone settings"):
        assert name in found, found
