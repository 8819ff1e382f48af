"""Takes the documentation's pictures of the pages: `python -m tests.browser.pictures`.

A house is started, a few people ask, and each page is photographed as a phone shows it.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.browser import Screen, a_browser, a_screen, executable
from tests.browser.phones import PhonesPage
from tests.browser.rep_page import RepPage
from tests.story.conftest import fresh_home
from tests.story.house import House
from tests.story.opening import running
from tests.story.phones import Phone
from tests.story.teams import ALWAYS_ON_DUTY, PHONES

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"

MORNING = datetime(2026, 3, 4, 15, 2, tzinfo=UTC)  # 10:02 in New York
SHARP = 2
"""Pixels of a picture per pixel of the page: legible, and still a small file."""

DESK = {"width": 1280, "height": 900}

DANA = {
    "phone": "+12125550156",
    "email": "dana@fox.example",
    "city": "Austin",
    "state": "TX",
    "ask": "A quote for solar on a barn, about 40 panels. Call 212 555 0156, best before noon.",
    "company": "Fox Farms",
    "best_time": "mornings",
}


def main() -> None:
    """Take every picture anew."""
    if executable() is None:
        sys.exit("no Chromium found: install one, or name it in CHROMIUM=/path/to/it")
    PICTURES.mkdir(exist_ok=True)
    with (
        fresh_home() as home,
        running(home, ALWAYS_ON_DUTY, starts_at=MORNING) as house,
        a_browser() as browser,
    ):
        house.phones = {rep: Phone(house.carrier, rep, no) for rep, no in PHONES.items()}
        _rep_page(house, browser)
        _phones(house, browser)


def _rep_page(house: House, browser: Browser) -> None:
    dana = house.lead("Dana Fox", **DANA)
    anns = house.ann.expects_text("Dana").link
    house.clock.comes_to(dana.arrived_at + timedelta(seconds=121))
    bobs = house.bob.expects_text("Dana").link
    with a_screen(browser, scale=SHARP) as light, a_screen(browser, scheme="dark") as dark:
        page = RepPage(light, anns).opens()
        _take(light, "rep-page-waiting")
        page.claims()
        _take(light, "rep-page-yours")
        RepPage(dark, anns).opens()
        _take(dark, "rep-page-night")
        page.has_called()
        _take(light, "rep-page-ended")
        RepPage(light, bobs).opens()
        _take(light, "rep-page-taken")
    dana.is_settled()


def _phones(house: House, browser: Browser) -> None:
    house.carrier.forgets_everything()
    with a_screen(browser) as screen:
        screen.page.set_viewport_size(DESK)  # type: ignore[arg-type]  # a plain dict of the two
        page = PhonesPage(screen, f"{house.carrier.http.base_url}/sandbox").opens()
        page.is_the_lead("Dana Fox").sees("Ann Lee", "LEAD Dana Fox")
        page.replies("Ann Lee", "1").sees("Ann Lee", "is yours")
        page.timeline_shows("claimed")
        _take(screen, "phones")


def _take(screen: Screen, name: str) -> None:
    screen.page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
    sys.stdout.write(f"docs/pictures/{name}.png\n")


if __name__ == "__main__":
    main()
