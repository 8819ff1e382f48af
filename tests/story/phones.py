"""People with phones: what they see and hear, and what they do about it.

Everything that reaches a phone is expected by the story or fails it at its end.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import httpx

from service.sandbox.numbers import segments
from tests.story.carrier import LONG_POLL_S, Json
from tests.story.handsets import Handset
from tests.story.patience import PATIENCE_S
from tests.story.teams import LINE

NOTICED = ("text_in_to_phone", "call_ringing", "carrier_notice", "webhook_failed", "call_error")
"""What a person cannot help noticing."""

SEVERAL = re.compile(r"\d LEADS wait")


@dataclass
class Phone(Handset):
    """One person's phone: what reached it, and what is done with it."""

    after: int = 0
    unread: list[Json] = field(default_factory=list)
    shared: list[tuple[Json, set[tuple[str, ...]]]] = field(default_factory=list)

    # -- texts

    def expects_text(self, *words: str) -> Text:
        """The first unread text with these words, as soon as there is one; or one about several
        leads that was read for other words."""
        for item, read_for in self.shared:
            if words not in read_for and _text_with(words)(item):
                read_for.add(words)
                return Text(self, item)
        item = self.has(_text_with(words), f"a text with {words}")
        if SEVERAL.search(item["body"]):
            self.shared.append((item, {words}))
        return Text(self, item)

    def expects_leads(self, names: Collection[str]) -> list[Text]:
        """Texts come until each of these leads was told of once: by name, or behind a text's
        link. Each text is one segment."""
        texts, missing = [], set(names)
        while missing:
            text = Text(self, self.has(_text_with((" LEAD",)), f"a text about {sorted(missing)}"))
            told = text.tells_of(names)
            assert told <= missing, f"told twice of {told - missing}"
            texts.append(text.is_one_tidy_text())
            missing -= told
        return texts

    def finds_texts(self, *words: str) -> int:
        """How many unread texts have these words by now; they count as expected."""
        self._read(0)
        found = [item for item in self.unread if _text_with(words)(item)]
        self.unread = [item for item in self.unread if item not in found]
        return len(found)

    def finds_rings(self) -> int:
        """How often it has rung unexpected by now; it counts as expected."""
        self._read(0)
        found = [item for item in self.unread if item["kind"] == "call_ringing"]
        self.unread = [item for item in self.unread if item not in found]
        return len(found)

    def texts_itself(self, words: str, to: str | None = None) -> Phone:
        """Send a text to the team, out of the blue; returns when we have answered."""
        sent = self.carrier.post(f"phones/{self.number}/texts", {"body": words, "to": to})
        assert sent["status"] == 200, f"our webhook answered {sent}"
        return self

    # -- calls

    def expects_ring(self) -> Ring:
        """The phone rings."""
        return Ring(self, self.has(lambda item: item["kind"] == "call_ringing", "a ring"))

    def expects_call(self, *words: str) -> Conversation:
        """The phone rings, its owner picks up and hears these words."""
        return self.expects_ring().answers().hears(*words)

    def gets_a_call(self, *words: str) -> Conversation:
        """The phone rings and is picked up by itself, as it was told; these words are heard."""
        call = self.expects_ring().is_answered_by_itself()
        return call.hears(*words) if words else call

    def calls_us(self, to: str = LINE, *, shown_as: str = "") -> Conversation:
        """Dial a number of the team's; ``shown_as``: whom the call is said to come from."""
        call = self.carrier.post(f"phones/{self.number}/call", {"to": to, "shown_as": shown_as})
        return Conversation(self, str(call["sid"]))

    def hears_that_it_broke(self) -> None:
        """A voice says that an application error has occurred."""
        self.has(lambda item: item["kind"] == "call_error", "an application error")

    # -- what the story has not asked for

    def hears_nothing(self) -> None:
        """Nothing has arrived that was not expected."""
        assert not (found := self.unexpected()), found

    def unexpected(self) -> list[str]:
        """What arrived and nobody expected."""
        self._read(0)
        return [
            f"{self.rep}: {item['kind']} {item['body']!r}"
            for item in self.unread
            if item["kind"] in NOTICED
        ]

    def has(self, fits: Callable[[Json], bool], what: str) -> Json:
        """The first unread item that fits, as soon as there is one; it counts as expected."""
        ends_at = time.monotonic() + PATIENCE_S
        while True:
            for item in self.unread:
                if fits(item):
                    self.unread.remove(item)
                    return item
            left_s = ends_at - time.monotonic()
            seen = [f"{item['kind']} {item['body']!r}" for item in self.unread]
            assert left_s > 0, f"{self.rep} never got {what}; only {seen}"
            self._read(min(left_s, LONG_POLL_S))

    def _read(self, wait_s: float) -> None:
        found = self.carrier.get(f"phones/{self.number}", after=self.after, wait=wait_s)
        self.after = int(found["cursor"])
        self.unread.extend(found["items"])


@dataclass(frozen=True)
class Text:
    """A text on somebody's screen."""

    phone: Phone
    item: Json

    @property
    def body(self) -> str:
        return str(self.item["body"])

    @property
    def link(self) -> str:
        """The address that it ends with, as a phone would open it."""
        words = self.body.split()
        assert words and words[-1].startswith("http"), f"no link at the end of {self.body!r}"
        return words[-1]

    def tells_of(self, names: Collection[str]) -> set[str]:
        """Which of these leads it is about: those on the page behind its link."""
        page = httpx.get(self.link, trust_env=False)
        assert page.status_code == 200, f"{self.link}: {page.status_code}"
        return {name for name in names if name in page.text}

    def letter_of(self, name: str) -> str:
        """The letter that it gives this lead."""
        found = re.search(rf"\b([A-Z]) {re.escape(name)}", self.body)
        assert found is not None, f"no letter for {name} in {self.body!r}"
        return found[1]

    def replies(self, words: str) -> Phone:
        """Answer it; returns the phone, when our webhook has answered."""
        sent = self.phone.carrier.post(
            f"phones/{self.phone.number}/texts", {"body": words, "to": self.item["from"]}
        )
        assert sent["status"] == 200, f"our webhook answered {sent}"
        return self.phone

    def says(self, *words: str) -> Text:
        """It has these words too."""
        assert all(word in self.body for word in words), f"{self.body!r} lacks one of {words}"
        return self

    def is_one_tidy_text(self) -> Text:
        """One line, one segment, in the alphabet of which a segment holds 160."""
        printable = self.body.isascii() and self.body.isprintable()
        assert printable, f"not one line of plain letters: {self.body!r}"
        assert segments(self.body) == 1, f"{segments(self.body)} segments: {self.body!r}"
        return self


@dataclass(frozen=True)
class Ring:
    """A phone that rings."""

    phone: Phone
    item: Json

    def answers(self) -> Conversation:
        """Its owner picks up."""
        self._do("answer")
        return Conversation(self.phone, str(self.item["sid"]))

    def is_answered_by_itself(self) -> Conversation:
        """The mailbox picks up."""
        return Conversation(self.phone, str(self.item["sid"]))

    def declines(self) -> Phone:
        self._do("decline")
        return self.phone

    def stops(self) -> Phone:
        """Nobody picked up, and it is over."""
        return Conversation(self.phone, str(self.item["sid"])).ends()

    def _do(self, act: str) -> None:
        self.phone.carrier.post(f"calls/{self.item['sid']}/{act}")


@dataclass(frozen=True)
class Conversation:
    """A call that was picked up."""

    phone: Phone
    sid: str

    def hears(self, *words: str) -> Conversation:
        """These words are said, now or in a moment."""

        def said(item: Json) -> bool:
            return self._is(item, "call_said") and all(word in item["body"] for word in words)

        self.phone.has(said, f"a voice saying {words}")
        return self

    def presses(self, keys: str) -> Conversation:
        self.phone.carrier.post(f"calls/{self.sid}/keys", {"digits": keys})
        return self

    def is_connected_with(self, other: Phone) -> Conversation:
        """The two hear each other, now or in a moment."""

        def connected(item: Json) -> bool:
            with_them = item["detail"].get("with") == other.number
            return self._is(item, "call_connected") and with_them

        self.phone.has(connected, f"a connection with {other.rep}")
        return self

    def waits(self) -> Conversation:
        """It is in a queue."""
        self.phone.has(lambda item: self._is(item, "call_queued"), "a place in a queue")
        return self

    def is_recorded(self) -> Conversation:
        """What is said is a message from now on."""
        self.phone.has(lambda item: self._is(item, "call_recording"), "a tone to speak after")
        return self

    def hangs_up(self) -> Phone:
        self.phone.carrier.post(f"calls/{self.sid}/hangup")
        return self.ends()

    def ends(self) -> Phone:
        """The call is over, whoever ended it."""
        self.phone.has(lambda item: self._is(item, "call_ended"), "the end of the call")
        return self.phone

    def _is(self, item: Json, kind: str) -> bool:
        return bool(item["kind"] == kind and item["sid"] == self.sid)


def _text_with(words: tuple[str, ...]) -> Callable[[Json], bool]:
    def fits(item: Json) -> bool:
        return item["kind"] == "text_in_to_phone" and all(word in item["body"] for word in words)

    return fits
