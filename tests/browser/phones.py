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

    def is_the_lead(self, name: str, phone: str = "") -> Self:
        return self._fills_in(name, phone, "Send the request")

    def calls_instead(self, name: str, phone: str) -> Self:
        """The newcomer asks on no website, and calls the team."""
        return self._fills_in(name, phone, "Or call")

    def _fills_in(self, name: str, phone: str, button: str) -> Self:
        page = self.screen.page
        page.get_by_label("Name").fill(name)
        if phone:
            page.get_by_label("Phone", exact=True).fill(phone)
            page.get_by_label("E-mail").fill("")
        page.get_by_role("button", name=button).click()
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

    # -- calls

    def is_on_call(self, owner: str, *words: str) -> Self:
        """The call on this person's phone shows these words."""
        for word in words:
            self._shows(self._phone(owner).locator(".call"), word)
        return self

    def answers(self, owner: str) -> Self:
        return self.is_on_call(owner, "Incoming call").quickly_replies(owner, "Answer the call")

    def declines(self, owner: str) -> Self:
        return self.is_on_call(owner, "Incoming call").quickly_replies(owner, "Decline the call")

    def presses(self, owner: str, key: str) -> Self:
        return self.quickly_replies(owner, f"Key {key}")

    def hangs_up(self, owner: str) -> Self:
        return self.quickly_replies(owner, "Hang up")

    def shows_nowhere(self, owner: str, word: str) -> Self:
        """This person's phone does not show it."""
        assert word not in self._phone(owner).inner_text()
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
            if any(word in told for told in place.all_inner_texts()):
                return True
            if news.count():
                news.click()
            return False

        until(shown, f"{word!r} on the page")

    def _phone(self, owner: str) -> Locator:
        return self.screen.page.get_by_label(f"Phone of {owner}")
