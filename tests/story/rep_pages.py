"""A rep's page in a browser without a script: what is read on it, and what is pressed."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from tests.story.phones import Text

PREVIEWERS = ("WhatsApp/2.23.20", "Twitterbot/1.0", "facebookexternalhit/1.1", "Slackbot 1.0")
"""They fetch every link that is sent to somebody, before that somebody has read it."""


@dataclass
class _Form:
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    """What a person sees of a page, and what its buttons and links would do."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self.links: dict[str, str] = {}
        self.words: list[str] = []
        self._button: str | None = None
        self._link: str | None = None
        self._label: list[str] = []
        self._unseen = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("head", "script", "title"):
            self._unseen = True
        elif tag == "form":
            assert given.get("method") == "post", given
            self.forms.append(_Form())
        elif tag == "input" and given.get("type") == "hidden":
            self.forms[-1].fields[given["name"]] = given["value"]
        elif tag == "button":
            self._button, self._label = given["value"], []
        elif tag == "a":
            self._link, self._label = given["href"], []

    def handle_endtag(self, tag: str) -> None:
        label = " ".join(" ".join(self._label).split())
        if tag == "head":
            self._unseen = False
        elif tag == "button" and self._button is not None:
            self.forms[-1].buttons[label] = self._button
            self._button = None
        elif tag == "a" and self._link is not None:
            self.links[label] = self._link
            self._link = None

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(data)
            self._label.append(data)


@dataclass
class RepPage:
    """A rep's page as it was when it was last loaded."""

    http: httpx.Client
    url: str
    status: int = 0
    html: str = ""

    def loads(self, query: str = "") -> RepPage:
        """Open it anew."""
        return self._shows(self.http.get(self.url + query))

    def says(self, *words: str) -> RepPage:
        """A person reads these words on it."""
        said = " ".join(" ".join(_Reader(self.html).words).split())
        missing = [word for word in words if word not in said]
        assert not missing, f"{missing} not in {said!r}"
        return self

    def holds_nothing_of(self, *words: str) -> RepPage:
        """Nowhere, seen or unseen, is any of these."""
        found = [word for word in words if word in self.html]
        assert not found, f"{found} in {self.html!r}"
        return self

    def presses(self, label: str) -> RepPage:
        """Press a button, or follow a link that looks like one; the page that comes of it."""
        seen = _Reader(self.html)
        for form in seen.forms:
            for text, value in form.buttons.items():
                if label in text:
                    return self.sends({**form.fields, "do": value})
        target = next((href for text, href in seen.links.items() if label in text), None)
        assert target is not None, f"nothing to press that says {label!r}"
        return self._shows(self.http.get(urljoin(self.url, target)))

    def form(self) -> dict[str, str]:
        """What its first form carries unseen."""
        return _Reader(self.html).forms[0].fields

    def sends(self, form: dict[str, str]) -> RepPage:
        """A form goes out as a browser sends it, and the page it leads to is loaded."""
        browser = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
        answer = self.http.post(self.url, data=form, headers=browser)
        if answer.status_code != 303:
            return self._shows(answer)
        return self._shows(self.http.get(urljoin(self.url, answer.headers["location"])))

    def can_call(self, number: str) -> RepPage:
        """One tap dials this number."""
        assert f'href="tel:{number}"' in self.html, self.html
        return self

    def _shows(self, answer: httpx.Response) -> RepPage:
        self.status, self.html = answer.status_code, answer.text
        return self


def taps_link_of(text: Text, http: httpx.Client) -> RepPage:
    """A rep opens the link of a text."""
    page = RepPage(http, text.link).loads()
    assert page.status == 200, page.html
    return page
