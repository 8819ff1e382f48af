"""What must hold of calls after every step: whom they ring and when, and what they are said to be.

They judge by the timelines and by what was true at the exchange. The product's rules are not
asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from service.rules import call_facts as c
from service.rules import timeline as t
from service.rules.calls import AnsweredBy
from service.rules.policy import Policy
from service.rules.timeline import Event
from tests.sim.drawn import ZONE
from tests.sim.exchange import Exchange
from tests.sim.tale import Tale

# Leads of these worlds have phones of the team's zone; they are dialled in its day only.
DAY_FROM, DAY_UNTIL = 8, 20
# The carrier rounds lengths to seconds, and a callback without an instant is dated by its arrival.
ROUNDED_S = 1.0


class Broken(AssertionError):
    """A law does not hold."""


@dataclass(frozen=True, slots=True)
class CallLaws:
    """Laws about calls. ``forbidden`` is asked before the tale has heard the event."""

    exchange: Exchange
    policy: Policy

    def forbidden(self, tale: Tale, event: Event) -> Iterator[str]:
        """Why this should not have been recorded."""
        match event.fact:
            case t.Paged(rep=rep) if tale.lines_up(event.at):
                yield f"{rep} is paged while a call with the lead is up"
            case c.Rang() as ring:
                yield from self._ring(tale, event, ring)
            case c.Dialled(rep=rep):
                hour = event.recorded_at.astimezone(ZoneInfo(ZONE)).hour
                if not DAY_FROM <= hour < DAY_UNTIL:
                    yield f"the lead is dialled at {hour} o'clock"
                if not self.policy.calls.bridge:
                    yield f"{rep} is connected, and the team has no bridges"
            case c.Connected(rep=rep):
                # One that the rules gave up after a quarter of an hour may wait there after all.
                if tale.lines_up(event.at).get(event.fact.call_id) is not None:
                    yield f"{rep} is connected with a caller who does not wait"
            case c.Contacted(call_id=str() as call_id, evidence=evidence):
                yield from self._contact(call_id, evidence)
            case c.VoicemailReceived(call_id=call_id):
                visit = self.exchange.visit_of(call_id)
                if visit is None or visit.message is None:
                    yield "a message is heard that nobody left"
            case c.VoicemailLeft(call_id=str() as call_id, evidence="A"):
                talk = self.exchange.talk_of(call_id)
                if talk is None or talk.fate.by is AnsweredBy.HUMAN:
                    yield "a message was left, and a human had answered"

    def _ring(self, tale: Tale, event: Event, ring: c.Rang) -> Iterator[str]:
        lines = tale.lines_up(event.at)
        if ring.purpose is c.Purpose.INBOUND:
            if lines.get(ring.call_id, "") is not None:
                yield f"{ring.rep} is rung for a caller who does not wait"
            return
        if not self.policy.calls.bridge:
            yield f"{ring.rep} is rung, and the team has no bridges"
        if not tale.open or tale.owner != ring.rep:
            yield f"{ring.rep} is rung, but {tale.owner or 'nobody'} has the lead"
        if lines:
            yield f"{ring.rep} is rung while a call with the lead is up"

    def taken(self, tale: Tale, row: Mapping[str, Any], name: str) -> None:
        """A ring is handed to a sender. Raises Broken."""
        ring, _ = tale.rings[row["id"]]
        if row["id"] in tale.rung:
            raise Broken(f"{name}: taken though that ring has failed")
        if not tale.open:
            raise Broken(f"{name}: taken though the lead is closed")
        if ring.purpose is not c.Purpose.INBOUND and tale.owner != ring.rep:
            raise Broken(f"{name}: taken though {tale.owner or 'nobody'} has the lead")

    def _contact(self, call_id: str, evidence: str) -> Iterator[str]:
        """Contact is made of a human who listened for long enough, or of a rep's word about
        somebody who did."""
        least_s = self.policy.calls.contact_after_s - ROUNDED_S
        visit, talk = self.exchange.visit_of(call_id), self.exchange.talk_of(call_id)
        if visit is not None:
            if visit.talked_s < least_s:
                yield f"contact, and the caller was held for {visit.talked_s:.0f} s"
        elif talk is None:
            yield "contact by a call that was never dialled"
        elif talk.bridged_s < least_s:
            yield f"contact, and the two talked for {talk.bridged_s:.0f} s"
        elif evidence == "A" and talk.fate.by is not AnsweredBy.HUMAN:
            yield f"contact, and {talk.fate.by} had answered"
