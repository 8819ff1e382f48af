"""Who asked, in normal form, and how two requests are known to come from one person.

A lead's words and numbers live here and nowhere in the timeline, so that erasing a person leaves
the shape of what happened. This file does not parse a source's payload (``intake`` does).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NewType

LeadId = NewType("LeadId", str)
RepId = NewType("RepId", str)
SourceId = NewType("SourceId", str)
PageId = NewType("PageId", str)
CallId = NewType("CallId", str)

# A source's clock may run a minute ahead of ours before we stop believing it; a day behind is the
# longest delivery delay the field's sources document. DEFINITIONS.md, "Instants of a lead".
SUBMITTED_AHEAD_MAX = timedelta(seconds=60)
SUBMITTED_BEHIND_MAX = timedelta(hours=24)

DOUBLE_SUBMIT_WITHIN = timedelta(minutes=10)
ASKED_AGAIN_WITHIN = timedelta(hours=24)

# Marks that reorder or hide text on a phone's screen: a name must not be able to rewrite a page.
_INVISIBLE = {"Cf", "Cc", "Co", "Cs", "Cn"}


@dataclass(frozen=True, slots=True)
class Lead:
    """A person asking to be contacted, once, through a source. Every text is already tidy.

    ``phone`` is E.164 or None when what was given cannot be dialled; ``phone_as_given`` keeps it.
    ``email`` is lower case. ``extra`` holds the fields the source sent that we have no name for.
    """

    name: str = ""
    phone: str | None = None
    phone_as_given: str | None = None
    email: str | None = None
    ask: str = ""
    company: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    language: str | None = None
    product: str | None = None
    referrer: str | None = None
    landing_page: str | None = None
    decision_maker: str | None = None
    pages_viewed: tuple[str, ...] = ()
    preferred_channel: str | None = None
    preferred_time: str | None = None
    extra: tuple[tuple[str, str], ...] = field(default=())

    @property
    def place(self) -> str:
        """Where the lead is, as a rep would say it: ``Austin, TX``; empty when unknown."""
        parts = [part for part in (self.city, self.state) if part]
        return ", ".join(parts) or self.postal_code or self.country or ""


# Stands in for a person who was erased, so that words about their lead can still be made.
ERASED = Lead(name="", ask="")
# What a caller asked for, until somebody has talked to them.
CALLED_US = "Called us"


def tidy(text: str, longest: int) -> str:
    """One line of visible characters, at most ``longest`` of them.

    Control, bidirectional and private characters go, runs of white space become one space.
    The joiner inside emoji goes too: a family becomes its members, which is legible.
    """
    flat = " ".join(text.split())
    seen = (c for c in flat if c == " " or unicodedata.category(c) not in _INVISIBLE)
    return " ".join("".join(seen).split())[:longest].rstrip()


def identity_keys(lead: Lead) -> tuple[str, ...]:
    """The keys under which the same person may have asked before, sorted so locks never cross."""
    keys = []
    if lead.phone:
        keys.append(f"phone:{lead.phone}")
    if lead.email:
        keys.append(f"email:{lead.email}")
    return tuple(sorted(keys))


def t_zero(arrived_at: datetime, submitted_at: datetime | None) -> tuple[datetime, bool]:
    """When the lead's wait began, and whether the source's own claim had to be set aside.

    The source is believed from 60 s ahead of us to 24 h behind us; else ``arrived_at``, flagged.
    """
    if submitted_at is None:
        return arrived_at, False
    behind = arrived_at - submitted_at
    if -SUBMITTED_AHEAD_MAX <= behind <= SUBMITTED_BEHIND_MAX:
        return submitted_at, False
    return arrived_at, True
