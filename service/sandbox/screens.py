"""What the phones page shows of a handset: its texts, the call it is on, and how it behaves.

A screen shows what a real phone would, and no more: whom a call is connected with is not told, only
the number that it shows itself by.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.sandbox.records import Call, CallsMode, Item, Phone, PhoneSettings, TextsMode

BUBBLES_SHOWN_MAX = 60
LINES_SHOWN_MAX = 30

BUBBLE_SIDES = {
    "text_in_to_phone": "theirs",
    "text_from_phone": "mine",
    "text_undelivered": "lost",
}
NOTICES = {
    "carrier_notice": "",
    "webhook_failed": "",
    "call_connected": "Connected",
    "call_recording": "A message is being recorded",
    "call_ended": "",
}
CALL_ENDS = {
    "completed": "Call ended",
    "busy": "Call declined or busy",
    "no-answer": "Missed call",
    "failed": "Call failed",
    "canceled": "Missed call (caller hung up)",
}
# What nobody on a real phone could read: whom the carrier connects, and where a sound comes from.
PRIVATE_LINE = re.compile(r"\[(connected to|plays https?:)[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Mode:
    """One choice of the settings menu: its label, and what it sets."""

    label: str
    texts: TextsMode
    calls: CallsMode
    beep: bool = True

    def as_settings(self) -> Mapping[str, object]:
        return {"texts": self.texts, "calls": self.calls, "beep": self.beep}

    def fits(self, how: PhoneSettings) -> bool:
        """Whether a handset behaves so; the beep is a voicemail's alone."""
        same = (self.texts, self.calls) == (how.texts, how.calls)
        return same and (self.calls != "voicemail" or self.beep == how.beep)


MODES = {
    "on": Mode("On", "deliver", "ring"),
    "answer": Mode("Picks up by itself", "deliver", "answer"),
    "voicemail": Mode("Voicemail answers", "deliver", "voicemail"),
    "no-beep": Mode("Voicemail without a beep", "deliver", "voicemail", beep=False),
    "reject": Mode("Declines calls", "deliver", "reject"),
    "busy": Mode("Busy", "deliver", "busy"),
    "unheard": Mode("Rings unheard", "deliver", "no-answer"),
    "off": Mode("Phone off", "undelivered", "no-answer"),
    "blocked": Mode("Carrier filters texts", "failed", "ring"),
    "gone": Mode("Number out of service", "failed", "failed"),
}


@dataclass(frozen=True, slots=True)
class Bubble:
    """One entry of a phone's thread, ready to be shown."""

    n: int
    side: str
    body: str
    at: datetime
    link: bool


@dataclass(frozen=True, slots=True)
class CallScreen:
    """A call as its phone shows it. ``offers``: what a person may do, `answer` it, be `on` it, or
    nothing while the voicemail has it. ``other`` is the number that it shows itself by."""

    sid: str
    state: str
    offers: str
    rings: bool
    other: str
    lines: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Screen:
    """One phone as the page shows it. ``dials`` is the team number that it would call."""

    number: str
    name: str
    role: str
    on_team: bool
    dials: str
    mode: str
    bubbles: tuple[Bubble, ...]
    call: CallScreen | None


def screen_of(phone: Phone, calls: Iterable[Call], waiting: frozenset[str], dials: str) -> Screen:
    """What is on that phone now. ``waiting``: the calls that wait in a queue."""
    live = [call for call in calls if call.status in ("ringing", "in-progress")]
    bubbles = [bubble for item in phone.items if (bubble := _bubble(item)) is not None]
    return Screen(
        phone.number,
        phone.name,
        phone.role,
        phone.listed,
        dials,
        next((key for key, mode in MODES.items() if mode.fits(phone.settings)), ""),
        tuple(bubbles[-BUBBLES_SHOWN_MAX:]),
        _call_screen(live[0], live[0].sid in waiting) if live else None,
    )


def _bubble(item: Item) -> Bubble | None:
    if side := BUBBLE_SIDES.get(item.kind):
        return Bubble(item.n, side, item.body, item.at, link=side == "theirs")
    body = item.body
    if item.kind == "call_answered" and item.detail.get("by") == "machine":
        body = "The voicemail picked up"
    elif item.kind not in NOTICES:
        return None
    body = NOTICES.get(item.kind) or body
    if item.kind == "call_ended":
        body = CALL_ENDS.get(body, body)
        if why := item.detail.get("error"):
            body = f"{body}: {why}"
    return Bubble(item.n, "notice", body, item.at, link=False)


def _call_screen(call: Call, waits: bool) -> CallScreen:
    ours = call.direction == "inbound"
    rings = call.status == "ringing"
    machine = call.picked_up_by == "machine"
    return CallScreen(
        call.sid,
        _state(call, waits),
        "answer" if rings and not ours else "nothing" if machine else "on",
        rings,
        call.to if ours else call.from_,
        _lines(call),
    )


def _state(call: Call, waits: bool) -> str:
    """What the call is doing, in the words of whoever holds the phone."""
    if call.status == "ringing":
        return "Calling" if call.direction == "inbound" else "Incoming call"
    if call.picked_up_by == "machine":
        return "The voicemail answers"
    if waits:
        return "Waiting for somebody to answer"
    if call.bridge and call.bridge.began and not call.bridge.over:
        return "Connected, you hear each other"
    records = any(each.status == "in-progress" for each in call.recordings)
    if records:
        return "Speak now, then hang up"
    return "Press a key" if call.gathering else "On a call"


def _lines(call: Call) -> tuple[tuple[int, str], ...]:
    """What was said, the latest; what repeats is shown once."""
    shown: list[tuple[int, str]] = []
    for number, line in enumerate(call.lines):
        said = PRIVATE_LINE.sub(lambda found: _in_public(found[1]), line)
        if not shown or shown[-1][1] != said:
            shown.append((number, said))
    return tuple(shown[-LINES_SHOWN_MAX:])


def _in_public(what: str) -> str:
    return "[connected]" if what.startswith("connected") else "[it rings]"
