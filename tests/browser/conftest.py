"""A house of the stories, and a browser to look at it with. Skips loudly without a Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.browser import Screen, a_browser, a_screen, executable
from tests.story.conftest import fresh_home, story_in
from tests.story.house import House
from tests.story.opening import running
from tests.story.teams import ALWAYS_ON_DUTY

NO_BROWSER = (
    "NO BROWSER: the pages were NOT tested. Install Chromium, or name it in CHROMIUM=/path/to/it"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if executable() is None:
        pytest.skip(NO_BROWSER)
    with a_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def shared_house(browser: Browser) -> Iterator[House]:
    with fresh_home() as home, running(home, ALWAYS_ON_DUTY) as house:
        yield house


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    with story_in(shared_house):
        yield shared_house


@pytest.fixture(params=["with scripts", "without scripts"])
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Screen]:
    with a_screen(browser, scripts=request.param == "with scripts") as opened:
        yield opened
        opened.is_in_order()


@pytest.fixture
def dark(browser: Browser) -> Iterator[Screen]:
    """By night."""
    with a_screen(browser, scheme="dark") as opened:
        yield opened
        opened.is_in_order()
