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

from service.sandbox.signals import Fetch, Inline, Parted, Signal

PHONE_ITEMS_MAX = 1_000  # a day of one busy rep's phone; older bubbles scroll away
CALL_LINES_MAX = 200  # a call that says more is a loop, and its first lines tell why

FINAL_MESSAGE = frozenset({"delivered", "undelivered", "failed", "canceled", "received"})
FINAL_CALL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})

TextsMode = Literal["deliver", "undelivered", "failed", "sent-only", "queued-only"]
CallsMode = Literal["ring", "answer", "voicemail", "reject", "busy", "failed", "no-answer"]
MessageEnd = Literal["hangup", "silence", "key"]
Verdict = Literal[
    "human",
    "machine_start",
    "machine_end_beep",
    "machine_end_silence",
    "machine_end_other",
    "fax",
    "unknown",
    "never",
]


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
    """How a handset behaves. `error_code` replaces the usual one of a failing text.

    Every `_s` is in the carrier's seconds, which `seconds_scale` shortens. `keys` are pressed at
    one <Gather> after the other, a comma between them ("1,3"; nothing between two commas: that
    one is let go by). `talk_s` counts from the moment two people hear each other,
    `hang_up_after_s` from pick-up. `message_s` is how long the person speaks to a <Record>
    (0: not at all; None: until somebody hangs up or presses a key for them).
    """

    texts: TextsMode = "deliver"
    calls: CallsMode = "ring"
    error_code: int | None = None
    answer_after_s: float = 3.0
    voicemail_after_s: float = 25.0  # when a usual mailbox picks up
    greeting_s: float = 10.0
    beep: bool = True
    keys: str = ""
    keys_after_s: float = 1.0
    talk_s: float | None = None
    hang_up_after_s: float | None = None
    message_s: float | None = None
    message_ends: MessageEnd = "hangup"
    message_text: str = "Please call me back about my request."
    detected_as: Verdict | None = None
    detected_after_s: float | None = None
    call_waiting: bool = False


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
class Detection:
    """What was asked of machine detection on one leg. `waits`: the document waits for it."""

    kind: str
    timeout_s: float
    speech_end_ms: int = 1_200  # a greeting without a beep is over after this much silence
    callback: str = ""
    method: str = "POST"
    waits: bool = False


@dataclass(frozen=True, slots=True)
class RecordingOrder:
    """What was asked of a recording: who asked, and who is told of which of its steps."""

    source: str
    channels: int = 1
    track: str = "both"
    callback: str = ""
    method: str = "POST"
    events: frozenset[str] = frozenset({"completed"})


@dataclass(slots=True)
class Recording:
    """One recording of one call. `duration_s` is in the carrier's seconds."""

    sid: str
    call_sid: str
    order: RecordingOrder
    status: str
    created: datetime
    started: datetime
    ended: datetime | None = None
    duration_s: int = 0


@dataclass(slots=True)
class WaitingLine:
    """A queue: calls that wait, first come first, and calls that wait for one of them."""

    sid: str
    name: str
    members: dict[str, datetime] = field(default_factory=dict)  # call sid -> when it joined
    takers: list[str] = field(default_factory=list)
    waited_s: deque[float] = field(default_factory=lambda: deque(maxlen=100))


@dataclass(slots=True)
class Bridge:
    """Two calls that hear each other, or are about to. Who leaves first ends it for the other."""

    id: int
    one: "Call"
    other: "Call"
    began: datetime | None = None
    ended: datetime | None = None

    @property
    def over(self) -> bool:
        return self.ended is not None

    def part(self, leaver: "Call", at: datetime) -> None:
        """One end leaves, at that real instant; a second leaving changes nothing."""
        if not self.over:
            self.ended = at
            left = self.other if leaver is self.one else self.one
            left.signals.put_nowait(Parted(self.id, at))


@dataclass(slots=True)
class Call:
    """One leg. `handset` is the person's end: `to` of an outbound call, `from_` of an inbound.

    `created`, `started` and `ended` are real instants. What the carrier reports is stretched by
    `scale`, counted from `anchor` (the creation of this leg, or of the leg that dialled it).
    """

    sid: str
    from_: str
    to: str
    direction: str
    status: str
    created: datetime
    first: Fetch | Inline
    scale: float = 1.0
    anchor: datetime | None = None
    parent_sid: str = ""
    shown_as: str = ""  # instead of the number of who calls: withheld, or forged
    fallback: Fetch | None = None
    status_callback: str = ""
    status_method: str = "POST"
    status_events: frozenset[str] = frozenset({"completed"})
    ring_s: float = 60.0
    limit_s: float = 14_400.0  # the carrier's own limit of a call, 4 h
    queued_ms: int = 0
    detection: Detection | None = None
    record: RecordingOrder | None = None
    recordings: list[Recording] = field(default_factory=list)
    answered_by: str = ""
    picked_up_by: str = ""
    bridge: Bridge | None = None
    gathers: int = 0
    moved: bool = False  # redirected away from whom it was connected to
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
    def caller(self) -> str:
        """Whom our product is told the call comes from."""
        return self.shown_as or self.from_

    @property
    def over(self) -> bool:
        return self.status in FINAL_CALL

    def told_at(self, real: datetime) -> datetime:
        """The instant as the carrier reports it: the time since the anchor, stretched."""
        anchor = self.anchor or self.created
        return anchor + (real - anchor) / self.scale

    def seconds_between(self, start: datetime, end: datetime) -> float:
        """The carrier's seconds between two real instants."""
        return max(0.0, (end - start).total_seconds()) / self.scale

    def duration_s(self) -> int:
        """Whole seconds in progress, at least one as the carrier bills; 0 if never answered."""
        if self.started is None or self.ended is None:
            return 0
        return max(1, round(self.seconds_between(self.started, self.ended)))
