"""What happened to one lead, told from its events alone: who has it, whether it waits, who is out.

A second telling beside ``rules.standing``, shorter and by another hand, so that a mistake in one
of them shows. It decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from service.rules import timeline as t
from service.rules.timeline import Audience, Event

OUTWARDS = tuple(Audience)


class Untrue(AssertionError):
    """Something was recorded that cannot have happened."""


@dataclass
class Tale:
    """``climb`` counts how often the lead began to wait; ``in_hand``: somebody had it before."""

    open: bool = True
    waiting: bool = True
    owner: str | None = None
    claimed_at: datetime | None = None
    climb: int = 1
    climb_at: datetime | None = None
    in_hand: bool = False
    furthest: Audience = Audience.ON_DUTY
    contacted: bool = False
    passed: set[str] = field(default_factory=set)
    taken_back: set[str] = field(default_factory=set)
    dead: set[tuple[str, str]] = field(default_factory=set)
    pages: dict[str, tuple[int, t.Paged, datetime]] = field(default_factory=dict)
    passed_since: dict[str, datetime] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    delivered: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    told: set[int] = field(default_factory=set)

    def hears(self, event: Event) -> None:
        """One more event. Raises Untrue when it cannot follow those before it."""
        match event.fact:
            case t.Arrived():
                self.climb_at = event.at
            case t.Excluded() | t.Settled() | t.OptedOut():
                self.open = self.waiting = False
            case t.Reopened():
                if self.open:
                    raise Untrue("reopened, and was open")
                self.open = True
                self._waits(event, in_hand=False)
            case t.Claimed() | t.ClaimLost() | t.Passed() | t.TakenBack():
                self._taking(event)
            case t.Attempted() | t.Contacted() | t.NoAnswer() | t.VoicemailLeft():
                self._called(event)
            case t.PageSent(page_id=page_id):
                _once(self.sent, page_id, "sent")
            case t.PageDelivered(page_id=page_id):
                _once(self.delivered, page_id, "delivered")
            case t.Paged() | t.PageFailed() | t.Escalated() | t.Told():
                self._paging(event)
            case _:
                pass

    def _waits(self, event: Event, *, in_hand: bool) -> None:
        self.waiting, self.owner, self.claimed_at = True, None, None
        self.climb, self.climb_at, self.in_hand = self.climb + 1, event.at, in_hand
        self.furthest = Audience.ON_DUTY

    def _taking(self, event: Event) -> None:
        match event.fact:
            case t.Claimed(rep=rep):
                if self.owner is not None or not self.open:
                    raise Untrue(f"{rep} claimed what {self.owner or 'nobody open'} has")
                self.owner, self.claimed_at, self.waiting = rep, event.at, False
            case t.ClaimLost(rep=rep, owner=owner):
                if owner != (self.owner if self.open else None) or owner == rep:
                    raise Untrue(f"{rep} lost it to {owner}, but {self.owner} has it")
                if owner is None and self.open:
                    raise Untrue(f"{rep} lost an open lead to nobody")
            case t.Passed(rep=rep):
                if not self.open or self.owner not in (None, rep):
                    raise Untrue(f"{rep} passed what {self.owner} has")
                self.passed.add(rep)
                self.passed_since[rep] = event.at
                if self.owner == rep:
                    self._waits(event, in_hand=True)
            case t.TakenBack(rep=rep):
                if self.owner != rep:
                    raise Untrue(f"taken back from {rep}, but {self.owner} has it")
                self.taken_back.add(rep)
                self._waits(event, in_hand=True)

    def _called(self, event: Event) -> None:
        before = self.claimed_at is not None and event.at < self.claimed_at
        match event.fact:
            case t.Attempted(rep=rep) if not before:
                self.owner = self.owner or rep
                self.claimed_at = self.claimed_at or event.at
                self.waiting = False
            case t.Contacted():
                self.waiting, self.contacted = False, True
            case t.NoAnswer() | t.VoicemailLeft() if not before:
                self.waiting = False

    def _paging(self, event: Event) -> None:
        match event.fact:
            case t.Paged() as page:
                self.pages[page.page_id] = (self.climb, page, event.at)
            case t.PageFailed(page_id=page_id, rep=rep, channel=channel, ends_channel=ends):
                _once(self.failed, page_id, "failed")
                if ends:
                    self.dead.add((rep, channel.value))
            case t.Escalated(from_=source, to=to):
                if OUTWARDS.index(to) <= OUTWARDS.index(source) or source is not self.furthest:
                    raise Untrue(f"escalated from {source} to {to}, at {self.furthest}")
                self.furthest = to
            case t.Told(re=re):
                if re in self.told:
                    raise Untrue(f"told twice of event {re}")
                self.told.add(re)


def _once(known: set[str], page_id: str, what: str) -> None:
    if page_id in known:
        raise Untrue(f"one page was {what} twice")
    known.add(page_id)
