"""How a handset behaves by itself: what its owner, or their mailbox, does on every call.

All seconds are the carrier's, which a quick house shortens; see `opening`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tests.story.carrier import Carrier


@dataclass
class Handset:
    """One phone, by its number (E.164)."""

    carrier: Carrier
    rep: str
    number: str

    def is_(self, **settings: object) -> Self:
        """From now on it behaves so; see the carrier's settings of a phone."""
        self.carrier.post(f"phones/{self.number}/settings", settings)
        return self

    # -- whether it is picked up

    def picks_up(self, after: float = 3, *, pressing: str = "") -> Self:
        """Its owner picks up, and presses these keys: one for each that is asked for, a comma
        between them."""
        return self.is_(calls="answer", answer_after_s=after, keys=pressing)

    def is_busy(self) -> Self:
        return self.is_(calls="busy")

    def rings_unheard(self) -> Self:
        """Nobody picks up, and no mailbox does."""
        return self.is_(calls="no-answer")

    def has_a_mailbox(self, *, greeting: float = 10, beep: bool = True) -> Self:
        """A mailbox picks up after 5 s."""
        return self.is_(calls="voicemail", voicemail_after_s=5, greeting_s=greeting, beep=beep)

    def has_a_mailbox_that_picks_up(self) -> Self:
        """A mailbox answers at once; it listens and presses no key."""
        return self.is_(calls="voicemail", voicemail_after_s=0.1)

    def rings(self) -> Self:
        """A person decides about every call."""
        return self.is_(calls="ring", keys="", talk_s=None, hang_up_after_s=None)

    # -- how long it talks

    def talks(self, seconds: float) -> Self:
        """Its owner hangs up so long after two were connected."""
        return self.is_(talk_s=seconds)

    def hangs_up_after(self, seconds: float) -> Self:
        """Its owner hangs up so long after picking up, or after dialling us."""
        return self.is_(hang_up_after_s=seconds)

    def leaves_a_message(self, seconds: float, words: str = "Please call me back.") -> Self:
        """Its owner speaks to our mailbox for so long, and hangs up; 0: they say nothing."""
        return self.is_(message_s=seconds, message_text=words)

    # -- what machine detection makes of it, and texts

    def is_taken_for(self, who: str, after: float | None = None) -> Self:
        """Machine detection says so; `never`: it says nothing."""
        return self.is_(detected_as=who, detected_after_s=after)

    def is_out_of_range(self) -> Self:
        """Texts are not delivered."""
        return self.is_(texts="undelivered")
