"""The stand-in carrier's phones page, in the words of whoever tries the product out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from playwright.sync_api import Locator

from tests.browser.browser import Screen
from tests.story.patience import until


@dataclass(frozen=True)
class PhonesPage:
    """Every handset side by side, and the form to be the lead."""

    screen: Screen
    url: str

    def opens(self) -> Self:
        self.screen.page.goto(self.url)
        return self

    def is_the_lead(self, name: str) -> Self:
        page = self.screen.page
        page.get_by_label("Name").fill(name)
        page.get_by_role("button", name="Send the request").click()
        return self

    def sees(self, owner: str, *words: str) -> Self:
        """A text with these words is in the thread on this person's phone."""
        for word in words:
            self._shows(self._phone(owner).get_by_role("log").first, word)
        return self

    def replies(self, owner: str, body: str) -> Self:
        phone = self._phone(owner)
        phone.get_by_label(f"Text from {owner}").fill(body)
        phone.get_by_role("button", name="Send the text").click()
        return self

    def quickly_replies(self, owner: str, label: str) -> Self:
        self._phone(owner).get_by_role("button", name=label).click()
        return self

    def timeline_shows(self, event: str) -> Self:
        self._shows(self.screen.page.get_by_label("Timeline of the lead"), event)
        return self

    def link_in(self, owner: str) -> str:
        """Where the link in this person's last text leads."""
        return self._phone(owner).locator(".bubble a").last.get_attribute("href") or ""

    def _shows(self, place: Locator, word: str) -> None:
        """Within moments; without scripts one has to ask for what is new."""
        news = self.screen.page.get_by_role("link", name="Show what is new")

        def shown() -> bool:
            if word in place.inner_text():
                return True
            if news.count():
                news.click()
            return False

        until(shown, f"{word!r} on the page")

    def _phone(self, owner: str) -> Locator:
        return self.screen.page.get_by_label(f"Phone of {owner}")
