"""What the carrier keeps of a text, a call, a handset, and the item log of each handset.

Mutable records of the outside world; they live as long as the process and no longer.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

PHONE_ITEMS_MAX = 1_000  # a day of one busy rep's phone; older bubbles scroll away
CALL_LINES_MAX = 200  # a call that says more is a loop, and its first lines tell why

FINAL_MESSAGE = frozenset({"delivered", "undelivered", "failed", "canceled", "received"})
FINAL_CALL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})

TextsMode = Literal["deliver", "undelivered", "failed", "sent-only", "queued-only"]
CallsMode = Literal["ring", "busy", "failed", "voicemail", "no-answer"]


def new_sid(prefix: str) -> str:
    """A fresh identifier in the carrier's shape: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened on one phone. `n` grows over all phones and never repeats."""

    n: int
    kind: str
    phone: str
    sid: str
    from_: str
    to: str
    body: str
    at: datetime
    detail: Mapping[str, object]

    def as_json(self) -> dict[str, object]:
        return {
            "n": self.n,
            "kind": self.kind,
            "phone": self.phone,
            "sid": self.sid,
            "from": self.from_,
            "to": self.to,
            "body": self.body,
            "at": self.at.isoformat(),
            "detail": dict(self.detail),
        }


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """How a handset behaves. `error_code` replaces the usual one of a failing text."""

    texts: TextsMode = "deliver"
    calls: CallsMode = "ring"
    error_code: int | None = None
    voicemail_after_s: float = 25.0  # when a usual mailbox picks up; scaled like ringing


@dataclass(slots=True)
class Phone:
    """A handset. `listed` ones belong to the team's people and are never evicted."""

    number: str
    name: str
    role: str
    listed: bool
    settings: PhoneSettings = field(default_factory=PhoneSettings)
    items: deque[Item] = field(default_factory=lambda: deque(maxlen=PHONE_ITEMS_MAX))
    last_team_number: str = ""


@dataclass(slots=True)
class Message:
    """A text in either direction. `validity_s` is the time allowed in the carrier's queue."""

    sid: str
    from_: str
    to: str
    body: str
    status: str
    direction: str
    created: datetime
    updated: datetime
    segments: int = 1
    service_sid: str = ""
    status_callback: str = ""
    validity_s: float = 36_000.0  # the carrier's default and longest, 10 h
    send_at: datetime | None = None
    sent: datetime | None = None
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The person lifts the handset."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call is to end. `status` is what it ends as while it is not yet in progress."""

    status: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the keypad."""

    digit: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask our product for a document, with `extra` parameters beside the usual ones."""

    url: str
    method: str = "POST"
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inline:
    """A document given with the API request; it has no URL to resolve against."""

    twiml: str


@dataclass(frozen=True, slots=True)
class GoTo:
    """The API redirected the live call."""

    step: Fetch | Inline


Signal = Answer | HangUp | Key | GoTo


@dataclass(slots=True)
class Call:
    """One leg. `handset` is the person's end: `to` of an outbound call, `from_` of an inbound."""

    sid: str
    from_: str
    to: str
    direction: str
    status: str
    created: datetime
    first: Fetch | Inline
    fallback: Fetch | None = None
    status_callback: str = ""
    status_events: frozenset[str] = frozenset({"completed"})
    ring_s: float = 60.0
    detection: str = ""
    amd_callback: str = ""
    answered_by: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    sequence: int = 0
    gathering: bool = False
    error: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=CALL_LINES_MAX))
    signals: asyncio.Queue[Signal] = field(default_factory=asyncio.Queue)

    @property
    def handset(self) -> str:
        return self.from_ if self.direction == "inbound" else self.to

    @property
    def over(self) -> bool:
        return self.status in FINAL_CALL

    def duration_s(self) -> int:
        """Whole seconds in progress, rounded up as the carrier bills; 0 if never answered."""
        if self.started is None or self.ended is None:
            return 0
        return max(1, round((self.ended - self.started).total_seconds()))
