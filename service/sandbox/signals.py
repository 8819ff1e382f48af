"""What may happen to a call from outside its document, and where a document comes from.

Every call has one inbox of these signals; whoever acts on the call (a person, the API, the leg at
the other end) puts them there, and the task that walks the call takes them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Turn = Literal["answered", "ready", "ended", "waiting"]


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask our product for a document, with `extra` parameters beside the usual ones.

    `kind` says what asks, so that a fault rule can pick it.
    """

    url: str
    method: str = "POST"
    extra: Mapping[str, str] = field(default_factory=dict)
    kind: str = "document"


@dataclass(frozen=True, slots=True)
class Inline:
    """A document given with the API request; it has no URL to resolve against."""

    twiml: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The person lifts the handset."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call is to end. `status` is what it ends as while it is not yet in progress.

    `at` is the real instant at which it was due, when that is known better than by reading it.
    """

    status: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the keypad."""

    digit: str


@dataclass(frozen=True, slots=True)
class GoTo:
    """The API redirected the live call."""

    step: Fetch | Inline


@dataclass(frozen=True, slots=True)
class LegNews:
    """To a call that dials: what became of a leg of its, or of a call that it takes from a queue.

    `waiting`: somebody has joined the queue; `ready`: may be connected now.
    """

    sid: str
    what: Turn


@dataclass(frozen=True, slots=True)
class Taken:
    """To a call that waits in a queue: somebody takes it. `whisper` is walked before that."""

    by_sid: str
    bridge_id: int
    whisper: Fetch | None


@dataclass(frozen=True, slots=True)
class Parted:
    """The other end has left the bridge, at that real instant."""

    bridge_id: int
    at: datetime


Signal = Answer | HangUp | Key | GoTo | LegNews | Taken | Parted
