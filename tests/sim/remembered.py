"""What those outside remember of what they sent us, and so may send again."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.desk.hear_fact import OutsideFact
from service.desk.hear_link import Pressed
from service.intake.arrival import Arrival
from service.phone.callbacks import InboundText
from service.rules.lead import LeadId


@dataclass
class Request:
    """What one source sent. ``lead_id`` once it was told 202."""

    arrival: Arrival
    key: str | None
    lead_id: LeadId | None = None


@dataclass
class Said:
    """A text that a rep sent, and how often we took it in. ``answers`` are ours to it."""

    text: InboundText
    heard: int = 0
    answers: int = 0
    facts: int = 0


@dataclass
class Street:
    """What those outside remember."""

    requests: list[Request] = field(default_factory=list)
    unanswered: list[Request] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    presses: list[tuple[str, Pressed]] = field(default_factory=list)
    heard_presses: set[str] = field(default_factory=set)
    facts: list[tuple[LeadId, OutsideFact, str]] = field(default_factory=list)
