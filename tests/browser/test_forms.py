"""The form that the documentation gives away, pasted into a page and filled in by a visitor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.browser import PHONE
from tests.story.house import House
from tests.story.leads import fresh_phone
from tests.story.teams import FORM, FORM_KEY, PLAIN_SITE, SITE
from tests.story.test_forms import bots, the_lead

pytestmark = pytest.mark.browser

DOCUMENT = Path(__file__).parents[2] / "docs" / "forms.md"
THANKS = f"{SITE}/thanks"


def snippet(house: House) -> str:
    """The form of docs/forms.md, with nothing but the service's address changed."""
    (found,) = re.findall(r"^<form .*?^</form>$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    written, here = f"https://leads.example.com/forms/{FORM}", f"{house.http.base_url}/forms/{FORM}"
    for each in (written, THANKS, f'value="{FORM_KEY}"'):
        assert each in found
    return str(found.replace(written, here))


@contextmanager
def visitor(
    browser: Browser,
    house: House,
    site: str = PLAIN_SITE,
    *,
    scripts: bool = True,
    permissions: Sequence[str] = (),
) -> Iterator[Page]:
    """Somebody who has the website's page before them.

    The house has no TLS, and a browser does not tell it the origin of a page that has.
    """
    pages = {"/": snippet(house), "/thanks": "<h1>So long</h1>"}
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]  # a plain dict of the two
        java_script_enabled=scripts,
        permissions=permissions,
    )
    context.route("**://www.example.com/**", lambda route: route.fulfill(**_shown(route, pages)))
    try:
        page = context.new_page()
        if scripts:
            page.clock.install()
        page.goto(f"{site}/")
        yield page
    finally:
        context.close()


def _shown(route: Route, pages: dict[str, str]) -> dict[str, Any]:
    held = pages[urlsplit(route.request.url).path]
    return {"content_type": "text/html", "body": f"<!doctype html><title>Shop</title>{held}"}


def fills_in(page: Page, phone: str, name: str = "Dana Fox") -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Phone").fill(phone)
    page.get_by_label("How can we help?").fill("Solar panels for a barn")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_visitor_pastes_fills_in_and_is_led_on(
    browser: Browser, house: House, scripts: bool
) -> None:
    phone = fresh_phone()
    with visitor(browser, house, scripts=scripts) as page:
        fills_in(page, phone)
        if scripts:
            page.clock.fast_forward(8_000)
        page.get_by_role("button", name="Send").click()
        expect(page).to_have_url(THANKS)
    dana = the_lead(house, phone)
    house.ann.expects_text("LEAD Dana Fox", "Solar panels for a barn")
    assert dana.read()["lead"]["extra"] == {}


def test_without_a_redirect_the_visitor_is_thanked_in_their_language(
    browser: Browser, house: House
) -> None:
    phone = fresh_phone()
    with visitor(browser, house, scripts=False) as page:
        fills_in(page, phone)
        page.set_extra_http_headers({"Accept-Language": "de-DE,de;q=0.9"})
        page.locator("[name=redirect]").evaluate("each => each.remove()")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading")).to_have_text("Vielen Dank")
        expect(page.get_by_role("link", name="Zurück zur Website")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    the_lead(house, phone)
    house.ann.expects_text("Dana")


def test_a_program_in_a_hurry_is_led_on_and_pages_nobody(browser: Browser, house: House) -> None:
    counted = bots(house)
    with visitor(browser, house) as page:
        fills_in(page, fresh_phone(), "Cheap pills")
        page.get_by_role("button", name="Send").click()
        expect(page).to_have_url(THANKS)
    house.stays_silent()
    assert bots(house) == counted + 1


def test_nobody_sees_or_reaches_the_trap(browser: Browser, house: House) -> None:
    with visitor(browser, house) as page:
        trap = page.locator("[name=website]")
        expect(trap).not_to_be_in_viewport()
        assert page.get_by_role("textbox").count() == 4, "a screen reader finds the trap"
        reached = set()
        for _ in range(8):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.name"))
        assert {"name", "phone", "email", "ask"} <= reached
        assert "website" not in reached


def test_going_back_and_sending_again_is_another_submission(browser: Browser, house: House) -> None:
    with visitor(browser, house) as page:
        seen = page.locator("[name=submission_id]").input_value()
        page.goto(THANKS)
        page.go_back()
        assert seen
        assert page.locator("[name=submission_id]").input_value() not in ("", seen)


def test_a_pages_script_may_send_it_and_read_the_answer(browser: Browser, house: House) -> None:
    phone = fresh_phone()
    # A page of the wide web may ask this machine only with leave: the service is elsewhere in life.
    with visitor(browser, house, SITE, permissions=["local-network-access"]) as page:
        fills_in(page, phone)
        page.locator("[name=fill_ms]").evaluate("each => each.value = 9000")
        told = page.evaluate(
            """async () => {
              const form = document.querySelector("form");
              const answer = await fetch(form.action, {
                method: "POST", body: new FormData(form), headers: {Accept: "application/json"},
              });
              return [answer.status, await answer.json()];
            }"""
        )
    dana = the_lead(house, phone)
    assert told[0] == 202
    assert told[1]["lead_id"] == dana.id
    house.ann.expects_text("Dana")
