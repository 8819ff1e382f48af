"""What happened to one lead, told from its events alone: who has it, whether it waits, who is out.

A second telling beside ``rules.standing``, shorter and by another hand, so that a mistake in one
of them shows. It decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.rules import call_facts as c
from service.rules import timeline as t
from service.rules.timeline import RUNG_AUDIENCES, Audience, Event

OUTWARDS = RUNG_AUDIENCES
# A call whose end nobody told is over after so long; a caller whom nobody took has left sooner.
TALK_MAX, WAIT_MAX = timedelta(hours=4, minutes=15), timedelta(minutes=15)
# A lead that is heard of again this soon after its climb began does not begin a new one.
FRESH = timedelta(minutes=10)
NOTHING = ("abandoned", "unknown")


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
    reminders: dict[str, tuple[t.Paged, datetime]] = field(default_factory=dict)
    passed_since: dict[str, datetime] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    delivered: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    told: set[int] = field(default_factory=set)
    lines: dict[str, tuple[str | None, datetime]] = field(default_factory=dict)
    rings: dict[str, tuple[c.Rang, datetime]] = field(default_factory=dict)
    rung: set[str] = field(default_factory=set)  # rings that came to nothing
    dialled: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    owed: list[c.Owed] = field(default_factory=list)
    met: list[c.OwedMet] = field(default_factory=list)
    missed: list[c.OwedMissed] = field(default_factory=list)
    unheard: list[c.OwedMissed] = field(default_factory=list)  # missed, and nobody paged since
    forgot: list[c.OwedMissed] = field(default_factory=list)  # still so when the lead ended

    def lines_up(self, at: datetime) -> dict[str, str | None]:
        """The calls with the lead that are up, by who talks on them (None: nobody yet)."""
        return {
            call_id: rep
            for call_id, (rep, since) in self.lines.items()
            if at < since + (TALK_MAX if rep else WAIT_MAX)
        }

    def hears(self, event: Event) -> None:
        """One more event. Raises Untrue when it cannot follow those before it."""
        if isinstance(event.fact, t.Paged | c.Rang | c.Attempted | t.Claimed):
            self.unheard.clear()
        match event.fact:
            case t.Arrived():
                self.climb_at = event.at
            case t.Settled(reason="never" | "quiet"):
                self.forgot += self.unheard
                self.open = self.waiting = False
            case t.Excluded() | t.Settled() | t.OptedOut():
                self.open = self.waiting = False
            case t.Reopened(reason=reason):
                if self.open and (reason != "owed" or self.waiting or self.owner):
                    raise Untrue("reopened, and was open")
                self.open = True
                self._waits(event, in_hand=False)
            case t.Claimed() | t.ClaimLost() | t.Passed() | t.TakenBack():
                self._taking(event)
            case c.Attempted() | c.Contacted() | c.NoAnswer() | c.ShortAnswer() | c.VoicemailLeft():
                self._called(event)
            case c.Rang() | c.RingFailed() | c.Dialled() | c.Connected():
                self._rings(event)
            case c.CalledIn() | c.CallMissed() | c.VoicemailReceived() | c.LeadReplied():
                self._from_lead(event)
            case c.Owed() | c.OwedMet() | c.OwedMissed():
                self._owing(event)
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
            case c.Attempted() as tried:
                self._attempted(event, tried, before=before)
            case c.Contacted():
                self.contacted = True
                self.waiting = self.waiting and self.owner is None
            case c.NoAnswer(rep=rep) | c.ShortAnswer(rep=rep) | c.VoicemailLeft(rep=rep) if (
                not before and not self._of_another(rep)
            ):
                self.waiting = False

    def _attempted(self, event: Event, tried: c.Attempted, *, before: bool) -> None:
        if tried.ended is not None and tried.call_id is not None:
            _once(self.ended, tried.call_id, "over")
        if tried.call_id is not None:
            self.lines.pop(tried.call_id, None)
        gave_up = self.owner is None and any(
            who == tried.rep and at >= event.at for who, at in self.passed_since.items()
        )
        if before or self._of_another(tried.rep) or tried.ended in NOTHING or gave_up:
            return
        self.owner = self.owner or tried.rep
        self.claimed_at = (self.claimed_at or event.at) if self.owner else None
        self.waiting = False

    def _of_another(self, rep: str | None) -> bool:
        return rep is not None and self.owner is not None and rep != self.owner

    def _rings(self, event: Event) -> None:
        match event.fact:
            case c.Rang(leg=leg) as ring:
                self.rings[leg] = ring, event.at
            case c.RingFailed(leg=leg):
                if leg not in self.rings:
                    raise Untrue("a ring failed that nobody ordered")
                _once(self.rung, leg, "failed")
            case c.Dialled(call_id=call_id, rep=rep):
                _once(self.dialled, call_id, "dialled")
                if not self.open or self.owner != rep:
                    raise Untrue(f"dialled for {rep}, but {self.owner} has it")
                if self.lines_up(event.at):
                    raise Untrue("dialled while a call with the lead is up")
                self._talks(event, call_id, rep)
            case c.Connected(call_id=call_id, rep=rep):
                if self.lines.get(call_id, (None,))[0] is not None:
                    raise Untrue("a caller was connected who does not wait")
                self._talks(event, call_id, rep)

    def _talks(self, event: Event, call_id: str, rep: str) -> None:
        self.lines[call_id] = rep, event.at
        if self.open:
            self.waiting = False
            self.owner, self.claimed_at = self.owner or rep, self.claimed_at or event.at

    def _from_lead(self, event: Event) -> None:
        match event.fact:
            case c.CalledIn(call_id=call_id):
                self.lines[call_id] = None, event.at
            case c.CallMissed(call_id=call_id) | c.VoicemailReceived(call_id=call_id):
                self.lines.pop(call_id, None)
                self._climbs_again(event)
            case c.LeadReplied() if self.owner is None:
                self._climbs_again(event)

    def _climbs_again(self, event: Event) -> None:
        """A lead that nobody has and that makes itself heard is paged at once."""
        paged = any(climb == self.climb for climb, *_ in self.pages.values())
        fresh = paged and self.climb_at is not None and event.at < self.climb_at + FRESH
        if self.waiting and not fresh:
            self.climb, self.climb_at = self.climb + 1, event.at
            self.furthest = Audience.ON_DUTY

    def _owing(self, event: Event) -> None:
        match event.fact:
            case c.Owed(kind=kind, since=since) as owed:
                if any((each.kind, each.since) == (kind, since) for each in self.owed):
                    raise Untrue(f"a {kind} is owed twice for one thing")
                self.owed.append(owed)
            case c.OwedMet(kind=kind, due_at=due_at) as met:
                self._is_owed(kind, due_at, len(self.met))
                self.met.append(met)
            case c.OwedMissed(kind=kind, due_at=due_at) as missed:
                if missed in self.missed:
                    raise Untrue(f"a {kind} was missed twice")
                owed = self._is_owed(kind, due_at, 0)
                self.missed.append(missed)
                # A lead that waits for its owner's call is on the ladder by then.
                asked = any(at >= owed.call_at for _, _, at in self.pages.values())
                if not (self.waiting and asked):
                    self.unheard.append(missed)

    def _is_owed(self, kind: c.Owing, due_at: datetime, met: int) -> c.Owed:
        owed = [each for each in self.owed if (each.kind, each.due_at) == (kind, due_at)]
        if not owed:
            raise Untrue(f"a {kind} was met or missed, and never owed")
        if met >= len(self.owed):
            raise Untrue("more calls were met than owed")
        return owed[-1]

    def _paging(self, event: Event) -> None:
        match event.fact:
            case t.Paged(audience=Audience.OWNER) as page:
                self.reminders[page.page_id] = page, event.at
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
