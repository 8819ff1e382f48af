"""The phones page, as narrow as a phone: a newcomer is the lead, and answers as the rep."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.browser import Screen
from tests.browser.phones import PhonesPage
from tests.browser.rep_page import RepPage
from tests.story.clock import MORNING
from tests.story.conftest import fresh_home, story_in
from tests.story.house import House
from tests.story.opening import BY_HAND, running
from tests.story.teams import CONNECTED

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shared_office(browser: Browser) -> Iterator[House]:
    with fresh_home() as home, running(home, CONNECTED, MORNING, scale=BY_HAND) as house:
        yield house


@pytest.fixture
def office(shared_office: House) -> Iterator[House]:
    """A house whose reps are rung and connected."""
    with story_in(shared_office):
        yield shared_office


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


def test_a_newcomer_is_called_answers_and_talks(office: House, screen: Screen) -> None:
    her = office.somebody()
    page = page_of(office, screen).is_the_lead("Dana Fox", her.number)
    page.sees("Ann Lee", "LEAD Dana Fox").replies("Ann Lee", "1")
    page.answers("Ann Lee").is_on_call("Ann Lee", "Dana Fox from Brooklyn", "Press a key")
    page.presses("Ann Lee", "1").answers("Dana Fox")
    for owner in ("Ann Lee", "Dana Fox"):
        page.is_on_call(owner, "Connected, you hear each other")
    page.shows_nowhere("Ann Lee", her.number).shows_nowhere("Dana Fox", office.ann.number)
    screen.is_in_order()
    page.hangs_up("Dana Fox").sees("Dana Fox", "Call ended")
    page.is_on_call("Ann Lee", "How did it go?").presses("Ann Lee", "3")
    page.sees("Ann Lee", "Call ended")
    office.ann.expects_text("LEAD Dana Fox")
    office.ann.expects_text("is yours")
    for phone in (office.ann, her):
        phone.expects_ring()
    office.lead_of(her).is_claimed_by("ann").timeline_shows("attempted", "outcome")


def test_a_newcomer_calls_and_leaves_a_message(office: House, screen: Screen) -> None:
    her = office.somebody()
    page = page_of(office, screen).calls_instead("Dana Fox", her.number)
    page.is_on_call("Dana Fox", "Waiting for somebody to answer", "[it rings]")
    for owner in ("Ann Lee", "Bob Ray"):
        page.declines(owner)
    page.is_on_call("Dana Fox", "leave a message").is_on_call("Dana Fox", "Speak now")
    screen.is_in_order()
    page.hangs_up("Dana Fox").sees("Dana Fox", "A message is being recorded", "Call ended")
    page.sees("Ann Lee", "LEAD")
    office.ann.expects_text("LEAD")
    for phone in (office.ann, office.bob):
        phone.expects_ring()
    office.lead_of(her).timeline_shows("called_in", "call_missed")
