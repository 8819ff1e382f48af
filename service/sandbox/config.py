"""What the stand-in carrier is told at start: its one account, its numbers, its people, our URLs.

Plain values only; nothing here reads the environment.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


def wall_clock() -> datetime:
    """The carrier's own clock, aware UTC: it is outside the product and keeps real time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Handset:
    """A person whose phone is on the page. `phone` is E.164; `role` is shown as it stands."""

    name: str
    phone: str
    role: str = "rep"


@dataclass(frozen=True, slots=True)
class CarrierConfig:
    """One account of the stand-in carrier.

    `sms_url` and `voice_url` get inbound texts and calls; a `#rc=..` fragment on them is honoured.
    `lead_url` is the product's `POST /leads/{source}` (empty: no "be the lead" form) and
    `timeline_url` its `GET /leads`, to which `/{lead_id}` is added (empty: no timeline shown).
    `seconds_scale` shortens what a person would wait for (ringing, speech, pauses, validity);
    faults always last the seconds they name. `network_s` is one hop of a text or call, unscaled.
    `calls_per_second` bounds the calls that the API starts, in the carrier's seconds. `own_url`
    begins the URLs of recordings; empty, it is the address by which we were last asked.
    `voice_status_url` is the numbers' own status callback: it is told when an inbound call ends.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    sms_url: str
    voice_url: str
    lead_url: str = ""
    lead_key: str = field(default="", repr=False)
    timeline_url: str = ""
    timeline_token: str = field(default="", repr=False)
    people: tuple[Handset, ...] = ()
    team_numbers: tuple[str, ...] = ("+15005550006", "+15005550007")
    seconds_scale: float = 1.0
    calls_per_second: float = 1.0
    own_url: str = ""
    voice_status_url: str = ""
    network_s: float = 0.05
    loopback_only: bool = True
    now: Callable[[], datetime] = wall_clock
