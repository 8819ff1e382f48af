"""The people of a world: what their phones show, and what they might do about it.

They know only what reached them. What they send is drawn from what people do send: the digit they
were asked for, with the right letter or a wrong one, words, a stop word, nonsense, or nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random

from tests.sim.carrier import Sent

_ASKED = re.compile(r"\b1([A-Z])? (?:take|ring)|Reply 1([A-Z])? to take|[^0-9]3([A-Z])? talked")

PAGE_REPLIES = (
    ("1", 10.0),
    ("2", 7.0),
    ("yes", 1.0),
    ("ok take it", 0.5),
    ("no", 0.3),
    ("MORE", 0.5),
    ("1Q", 0.3),
    ("5", 0.3),
    ("hm?", 0.3),
)
OWN_REPLIES = (
    ("5", 3.0),
    ("3", 2.0),
    ("7", 2.0),
    ("4", 1.0),
    ("8 fri 4pm", 0.7),
    ("6", 0.5),
    ("9", 0.7),
    ("0", 0.4),
    ("2", 1.0),
    ("1", 0.6),
    ("MORE", 0.5),
)
OTHER_REPLIES = (
    ("STOP", 1.2),
    ("START", 1.0),
    ("yes", 0.5),
    ("WHO", 0.7),
    ("HELP", 0.3),
    ("OUT", 0.3),
    ("1", 1.0),
    ("2", 0.5),
    ("2B", 0.3),
    ("what is this", 0.3),
)


@dataclass
class Phone:
    """One person's phone. ``texts`` have landed; ``rings`` may still be picked up."""

    person: str
    number: str
    eager: float
    texts: list[Sent] = field(default_factory=list)
    rings: list[Sent] = field(default_factory=list)
    stopped: bool = False

    def replies(self, rng: Random) -> tuple[Sent | None, str]:
        """What they send now, and about which text (None: out of the blue)."""
        unread = [sent for sent in self.texts if not sent.seen]
        if not self.texts or (not unread and rng.random() < 0.7) or rng.random() < 0.05:
            word = _any_of(rng, OTHER_REPLIES)
            return None, "START" if self.stopped and rng.random() < 0.6 else word
        text = unread[-1] if unread and rng.random() < 0.8 else rng.choice(self.texts[-6:])
        text.seen = True
        return text, answer_to(text.body, rng)

    def duly(self, text: Sent) -> str | None:
        """What a rep sends who does as they are asked: takes the lead, calls, tells how it was."""
        asked = _ASKED.search(text.body)
        if asked is None:
            return None
        letter = asked[1] or asked[2] or asked[3] or ""
        return ("7" if "3" in asked[0] else "1") + letter


def answer_to(body: str, rng: Random) -> str:
    """A reply to a text, by digit and letter as it asks, or near it."""
    asked = _ASKED.search(body)
    if asked is None:
        return _any_of(rng, OTHER_REPLIES)
    letter = asked[1] or asked[2] or asked[3] or ""
    own = "3" in asked[0]
    said = _any_of(rng, OWN_REPLIES if own else PAGE_REPLIES)
    if letter and rng.random() < 0.85 and len(said.split()[0]) in (1, 4):
        head, _, rest = said.partition(" ")
        head = f"{head} {letter}" if len(head) > 1 else head + letter
        return f"{head} {rest}".strip()
    return said


def _any_of(rng: Random, replies: tuple[tuple[str, float], ...]) -> str:
    words = [word for word, _ in replies]
    return rng.choices(words, [weight for _, weight in replies])[0]
