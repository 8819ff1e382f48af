"""Those who ask to be contacted, and what the house tells of them over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.story.patience import until

if TYPE_CHECKING:
    from tests.story.house import House

Json = dict[str, Any]

CAME_TO = ("contacted", "short_answer", "no_answer", "abandoned", "voicemail_left")
"""What a call comes to: one of these follows each that is made."""

_numbers = count(1)
_keys = count(1)


def fresh_phone() -> str:
    """A number that no lead of this run has had: two leads of one number are one person."""
    return f"+1415226{next(_numbers):04d}"


@dataclass(frozen=True)
class Lead:
    """A lead that was accepted. `id` is the house's."""

    house: House
    id: str
    phone: str

    def read(self) -> Json:
        """The lead, its standing and its timeline."""
        return self.house.asks(f"/leads/{self.id}")

    def events(self, kind: str = "") -> list[Json]:
        """Its timeline, or the events of one kind."""
        timeline: list[Json] = self.read()["timeline"]
        return [event for event in timeline if kind in ("", event["event"])]

    @property
    def arrived_at(self) -> datetime:
        return datetime.fromisoformat(self.read()["lead"]["arrived_at"])

    def is_claimed_by(self, rep: str) -> Lead:
        """Within moments, this rep has it and nobody else ever had."""
        until(lambda: self.read()["standing"]["owner"] == rep, f"{rep} has the lead")
        owners = [event["rep"] for event in self.events("claimed")]
        assert owners == [rep], f"claimed by {owners}"
        return self

    def is_waiting(self) -> Lead:
        """Nobody has it."""
        standing = self.read()["standing"]
        assert standing["state"] == "waiting", standing
        assert standing["owner"] is None, standing
        return self

    def timeline_shows(self, *kinds: str) -> Lead:
        """Within moments these events are there in this order, others between them."""
        until(lambda: _in_order(kinds, self._kinds()), f"{kinds} in {self._kinds()}")
        return self

    def came_to(self, *kinds: str, by: str = "A") -> Lead:
        """Within moments its latest call came to this, by evidence of that grade."""
        self.timeline_shows("attempted", *kinds)
        events = self.events()
        last = max(n for n, event in enumerate(events) if event["event"] == "attempted")
        found = [event for event in events[last:] if event["event"] in CAME_TO]
        assert [event["event"] for event in found] == list(kinds), found
        assert {event["evidence"] for event in found} <= {by}, found
        return self

    def asks_nobody(self) -> Lead:
        """Its latest call needs no word of the rep's."""
        assert not self.events("attempted")[-1]["asks"], self.events("attempted")
        return self

    def owes(self, kind: str) -> Json:
        """Within moments a call of this kind is owed to it; how, and by when."""
        return self._debt("owed", kind)

    def has_met(self, kind: str, *, late: bool = False) -> Lead:
        """Within moments that call was made."""
        met = self._debt("owed_met", kind)
        assert bool(met.get("late")) == late, met
        return self

    def has_not_met(self, kind: str) -> Lead:
        """That call is still to be made."""
        assert not [each for each in self.events("owed_met") if each["kind"] == kind]
        return self

    def has_missed(self, kind: str) -> Lead:
        """Within moments its promise has passed without that call."""
        self._debt("owed_missed", kind)
        return self

    def _debt(self, event: str, kind: str) -> Json:
        def found() -> list[Json]:
            return [each for each in self.events(event) if each["kind"] == kind]

        return until(found, f"{event} {kind} in {self._kinds()}")[-1]

    def was_paged(self) -> list[tuple[str, str]]:
        """Whom we decided to page, by which channel, in order."""
        return [(event["rep"], event["channel"]) for event in self.events("paged")]

    def is_told(self, event: str, **fields: object) -> None:
        """A CRM tells that something happened to it."""
        answer = self.house.http.post(
            f"/leads/{self.id}/events",
            json={"event": event, **fields},
            headers={**self.house.bearer, "Idempotency-Key": f"story-{next(_keys)}"},
        )
        assert answer.status_code in (202, 409), answer.text

    def is_settled(self) -> None:
        """It needs nobody any more: a CRM tells that it was booked."""
        self.is_told("outcome", outcome="booked")
        until(lambda: not self.read()["standing"]["open"], "the lead is settled")

    def _kinds(self) -> list[str]:
        return [event["event"] for event in self.events()]


def _in_order(wanted: Sequence[str], found: Sequence[str]) -> bool:
    rest = iter(found)
    return all(kind in rest for kind in wanted)
