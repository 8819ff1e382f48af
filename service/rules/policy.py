"""What was promised when the lead arrived: versioned, and pinned to the lead.

A policy that makes no sense cannot be built. Who is on duty now is not in here (``floor``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from service.rules.hours import WeeklyHours
from service.rules.lead import Lead, RepId
from service.rules.timeline import Audience, Channel

# A lead nobody attempted for this long is settled as "never". DEFINITIONS.md, "Never".
NEVER_AFTER = timedelta(days=7)


class AfterHours(StrEnum):
    """What happens to a lead that arrives while the team is closed."""

    AT_OPENING = "at-opening"
    PAGE_NOW = "page-now"
    NIGHT_LADDER = "night-ladder"


class TurnKind(StrEnum):
    """How the rep in turn is chosen among those on duty."""

    ROUND_ROBIN = "round-robin"
    WEIGHTED = "weighted"
    ALL_AT_ONCE = "all-at-once"
    IN_ORDER = "in-order"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder. ``at_s`` and ``repeat_s`` in seconds; only the last may repeat."""

    at_s: int
    page: Audience
    by: Channel
    repeat_s: int | None = None


@dataclass(frozen=True, slots=True)
class Promises:
    """What the team promises, each in seconds. Clocks are named in DEFINITIONS.md."""

    page_accepted_s: int = 2
    claim_s: int = 120
    first_attempt_s: int = 300
    contact_s: int = 3600
    second_call_s: int = 1800
    voicemail_call_back_s: int = 900


@dataclass(frozen=True, slots=True)
class Calls:
    """How calls behave. ``ring_*`` are the seconds a person hears.

    ``bridge``: a rep who has a lead is rung and connected; else they dial for themselves, and are
    told the number. ``show_number``: they are told it anyway. ``most``: calls to one lead that did
    not reach them. ``record_days``: how long the carrier keeps recordings.
    """

    ring_rep_s: int = 18
    ring_lead_s: int = 40
    inbound_ring_s: int = 40
    contact_after_s: int = 30
    take_back_after_s: int = 180
    record: bool = False
    bridge: bool = True
    show_number: bool = False
    most: int = 6
    record_days: int = 30


@dataclass(frozen=True, slots=True)
class Route:
    """Leads whose fields all match go to these reps only. Values compare without case."""

    when: tuple[tuple[str, str], ...]
    to: tuple[RepId, ...]


DEFAULT_LADDER = (
    Rung(0, Audience.ON_DUTY, Channel.TEXT),
    Rung(45, Audience.ON_DUTY, Channel.CALL),
    Rung(120, Audience.EVERYONE_ON_DUTY, Channel.TEXT),
    Rung(300, Audience.MANAGERS, Channel.TEXT),
    Rung(900, Audience.LAST_RESORT, Channel.CALL, repeat_s=900),
)


@dataclass(frozen=True, slots=True)
class Policy:
    team: str
    hours: WeeklyHours
    after_hours: AfterHours = AfterHours.AT_OPENING
    ladder: tuple[Rung, ...] = DEFAULT_LADDER
    night_ladder: tuple[Rung, ...] = ()
    promises: Promises = Promises()
    calls: Calls = Calls()
    routes: tuple[Route, ...] = ()
    turn: TurnKind = TurnKind.ROUND_ROBIN

    def __post_init__(self) -> None:
        check_ladder(self.ladder, "ladder")
        if self.after_hours is AfterHours.NIGHT_LADDER:
            check_ladder(self.night_ladder, "night_ladder")
        if self.calls.take_back_after_s <= 0:
            raise ValueError("calls.take_back_after must be longer than nothing")


def check_ladder(ladder: tuple[Rung, ...], name: str) -> None:
    """Refuse a ladder that cannot be climbed, naming the rung. Raises ValueError."""
    if not ladder:
        raise ValueError(f"{name} has no rung: nobody would ever be paged")
    for index, rung in enumerate(ladder):
        if rung.at_s < 0:
            raise ValueError(f"{name}[{index}].at is before the ladder starts")
        if index and rung.at_s < ladder[index - 1].at_s:
            raise ValueError(f"{name}[{index}].at is earlier than the rung before it")
        if rung.repeat_s is not None and index != len(ladder) - 1:
            raise ValueError(f"{name}[{index}] repeats, and only the last rung may")
        if rung.repeat_s is not None and rung.repeat_s <= 0:
            raise ValueError(f"{name}[{index}].repeat must be longer than nothing")


def route_for(routes: tuple[Route, ...], source: str, lead: Lead) -> int | None:
    """The first route whose every condition the lead meets, by its index; None: everyone."""
    for index, route in enumerate(routes):
        if all(_meets(name, wanted, source, lead) for name, wanted in route.when):
            return index
    return None


def _meets(name: str, wanted: str, source: str, lead: Lead) -> bool:
    if name == "source":
        return source == wanted
    held = getattr(lead, name, None) if name in ROUTE_FIELDS else dict(lead.extra).get(name)
    return isinstance(held, str) and held.casefold() == wanted.casefold()


# A route may name these fields of a lead, `source`, or any field kept in `extra`.
ROUTE_FIELDS = ("language", "country", "state", "city", "postal_code", "product", "company")
