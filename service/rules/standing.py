"""What is true of a lead now.

Values only: ``folding`` adds them up from a timeline, ``decide`` says what follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.rules.call_facts import Owing, Purpose
from service.rules.lead import CallId, PageId, RepId, SourceId
from service.rules.timeline import Audience, Channel, Ending, Event


class State(StrEnum):
    """Where a lead stands. ``settled`` and ``excluded`` are closed; every other state is open."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    TALKING = "talking"
    CHASING = "chasing"
    FOLLOWING = "following"
    SETTLED = "settled"
    EXCLUDED = "excluded"


CLOSED = frozenset({State.SETTLED, State.EXCLUDED})


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it stands: whom, by which rung and channel, and what ended it. ``trouble``: it
    failed through no fault of the number's, so the same page may well work in a moment."""

    page_id: PageId
    rep: RepId
    rung: int
    channel: Channel
    audience: Audience
    at: datetime
    turn_at: datetime | None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    failed_at: datetime | None = None
    trouble: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """A rep rung to be connected, and how that ended: answered by key, or failed, and why."""

    leg: PageId
    call_id: CallId
    rep: RepId
    purpose: Purpose
    at: datetime
    failed_at: datetime | None = None
    reason: str | None = None
    answered_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether nobody has told yet how it ended: it may still ring."""
        return self.failed_at is None and self.answered_at is None


@dataclass(frozen=True, slots=True)
class OnLine:
    """A call with the lead is up. ``rep`` None: the lead called, and nobody has taken it yet.
    ``voicemail``: they are asked for a message, and nobody can take the call any more."""

    call_id: CallId
    since: datetime
    rep: RepId | None
    inbound: bool = False
    voicemail: bool = False

    @property
    def waits(self) -> bool:
        """Whether the lead waits for somebody to take the call."""
        return self.rep is None and not self.voicemail


class Came(StrEnum):
    """What the last call came to."""

    OPEN = "open"  # only a person can say
    CONTACTED = "contacted"
    SHORT_ANSWER = "short_answer"
    NO_ANSWER = "no_answer"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class LastCall:
    """The lead's last call: it began at ``began_at``, and we learned at ``at`` that it had ended.
    ``ours``: the carrier told of it, and not a person. ``asks``: nobody has said yet how it went,
    and somebody should; ``said``: what they said. ``contact_before``, ``unreached``: when the lead
    was first reached before it, and how many calls in a row were in vain with it, should a person
    say that it reached nobody. ``before``: the call that it left unanswered, if it was abandoned.
    """

    call_id: str | None
    rep: RepId | None
    at: datetime
    began_at: datetime
    ours: bool = False
    came: Came = Came.OPEN
    asks: bool = False
    answered_by: str | None = None
    bridged_s: float = 0.0
    contact_before: datetime | None = None
    unreached: int = 0
    said: Ending | None = None
    before: LastCall | None = None


@dataclass(frozen=True, slots=True)
class Debt:
    """A call that is owed for what happened at ``since``: asked for from ``call_at`` on, promised
    by ``due_at``. ``paid_at``: it was made, and that is yet to be written down."""

    kind: Owing
    since: datetime
    call_at: datetime
    due_at: datetime
    missed: bool = False
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is true of one lead. ``climb`` counts ladders: a take-back starts the next one;
    ``in_hand``: somebody had the lead when this climb began.

    ``pages`` are those of the present climb, in order. ``passed_at`` and ``taken_back`` hold for
    the lead's whole life. ``to_tell`` are events a rep has not been answered about yet.

    ``wish_at``: when its owner last took it or asked to be rung, until a call was made; ``rings``
    are those of its owner, and those for a lead that waits on the line.
    ``lines`` are calls with the lead that are up. ``unreached``: calls in a row that did not reach
    them. ``reminders`` are pages to the owner. ``asked_back`` is the voicemail or the missed call
    that nobody has answered by a call, and when it came; ``agreed`` a time that was agreed for a
    call, and when it was agreed.
    """

    state: State
    source: SourceId
    route: int | None
    arrived_at: datetime
    t0: datetime
    has_phone: bool
    last_seq: int
    last_recorded_at: datetime
    climb_from: datetime
    climb: int = 1
    in_hand: bool = False
    pages: tuple[Page, ...] = ()
    passed_at: tuple[tuple[RepId, datetime], ...] = ()
    taken_back: frozenset[RepId] = frozenset()
    dead_ends: frozenset[tuple[RepId, Channel]] = frozenset()
    furthest: Audience = Audience.ON_DUTY
    owner: RepId | None = None
    claimed_at: datetime | None = None
    first_paged_at: datetime | None = None
    first_sent_at: datetime | None = None
    first_delivered_at: datetime | None = None
    first_claimed_at: datetime | None = None
    asked: int = 0
    attempts: int = 0
    attempted_since_claim: bool = False
    first_attempt_at: datetime | None = None
    first_contact_at: datetime | None = None
    last_spoken_at: datetime | None = None
    outcome: Ending | None = None
    wish_at: datetime | None = None
    rings: tuple[Ring, ...] = ()
    lines: tuple[OnLine, ...] = ()
    last_call: LastCall | None = None
    unreached: int = 0
    owed: tuple[Debt, ...] = ()
    reminders: tuple[Page, ...] = ()
    asked_back: tuple[Owing, datetime] | None = None
    agreed: tuple[datetime, datetime] | None = None
    to_tell: tuple[Event, ...] = ()

    @property
    def open(self) -> bool:
        return self.state not in CLOSED

    @property
    def rung(self) -> int:
        """The rung last paged in this climb, counted from 1; 0 before the first."""
        return self.pages[-1].rung if self.pages else 0

    @property
    def chased_call(self) -> LastCall | None:
        """The last call that may have reached the lead: one that was abandoned settles nothing."""
        last = self.last_call
        return last.before if last is not None and last.came is Came.ABANDONED else last

    @property
    def passed(self) -> frozenset[RepId]:
        return frozenset(rep for rep, _ in self.passed_at)
