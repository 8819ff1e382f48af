"""A rep's page on a phone's screen, in the words of the rep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from playwright.sync_api import expect

from tests.browser.browser import Screen


@dataclass(frozen=True)
class RepPage:
    """What Ann sees after she tapped the link in her text."""

    screen: Screen
    link: str

    def opens(self) -> Self:
        self.screen.page.goto(self.link)
        return self._looked_at()

    def reads(self, *words: str) -> Self:
        for word in words:
            expect(self.screen.page.locator("body")).to_contain_text(word)
        return self

    def reads_nothing_of(self, *words: str) -> Self:
        html = self.screen.page.content()
        assert not [word for word in words if word in html]
        return self

    def claims(self) -> Self:
        return self._taps("button", "Claim")

    def passes(self) -> Self:
        return self._taps("button", "Pass")

    def gives_it_back(self) -> Self:
        return self._taps("button", "Give it back")

    def has_called(self) -> Self:
        return self._taps("link", "I called")

    def logs(self, key: str, word: str) -> Self:
        return self._taps("button", f"{key} {word}")

    def agrees_on(self, when: str) -> Self:
        self.screen.page.get_by_label("When").fill(when)
        return self._taps("button", "8 later")

    def could_call(self, number: str) -> Self:
        """The call button is on the screen without scrolling, and dials this number."""
        button = self.screen.page.get_by_role("link", name="Call +")
        assert button.get_attribute("href") == f"tel:{number}"
        expect(button).to_be_in_viewport()
        return self

    def reaches_with_a_thumb(self, *labels: str) -> Self:
        """These are in the lower half of the screen, where a thumb is."""
        page = self.screen.page
        height = page.evaluate("innerHeight")
        for label in labels:
            box = page.locator(".acts").get_by_text(label, exact=False).first.bounding_box()
            assert box is not None and height / 2 < box["y"] < height, f"{label}: {box}"
        return self

    def _taps(self, role: str, label: str) -> Self:
        page = self.screen.page
        with page.expect_navigation():
            page.get_by_role(role, name=label).first.tap()  # type: ignore[arg-type]  # a role's name
        return self._looked_at()

    def _looked_at(self) -> Self:
        self.screen.is_in_order()
        return self
