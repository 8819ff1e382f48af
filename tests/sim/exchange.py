"""What is true of the calls of a world: who is on the line with whom, and what each leg came to.

The carrier's part that the product can only ask about or be told of. A call's whole fate is drawn
when it is dialled; what is told of it comes later, in any order, twice, or never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from service.phone.call_callbacks import DialDone, LegStatus, Verdict
from service.phone.callbacks import CallStatus
from service.phone.caller_callbacks import RecordingTold
from service.phone.line import NotFound
from service.rules.calls import AnsweredBy
from service.rules.lead import CallId, LeadId, PageId

# Whoever picked up, as the carrier hears it in the end.
MACHINES = (AnsweredBy.BEEP, AnsweredBy.MESSAGE_END)


@dataclass(frozen=True, slots=True)
class Fate:
    """What will happen on a lead's leg, all in seconds. ``ended`` is the leg's final status;
    ``by``: who picks up; ``heard``: what the carrier makes of them (None: it never says)."""

    ended: str
    rings_s: float
    talks_s: float = 0.0
    by: AnsweredBy | None = None
    heard: AnsweredBy | None = None
    detected_s: float = 0.0
    rep_gone: bool = False  # the rep hung up first


def fate(rng: Random, ring_s: float) -> Fate:
    """What comes of a call to a lead, as it might."""
    kind = rng.choices(
        ("human", "beep", "silence", "busy", "no-answer", "failed", "gives up"),
        (8, 4, 1, 2, 4, 1, 2),
    )[0]
    rings_s = rng.uniform(1.0, ring_s)
    gone = rng.random() < 0.5
    match kind:
        case "human":
            heard = rng.choices((AnsweredBy.HUMAN, AnsweredBy.UNKNOWN, None), (7, 2, 1))[0]
            talks_s = rng.choice((4.0, 20.0, 40.0, 90.0, 150.0, 600.0)) * rng.uniform(0.8, 1.2)
            return Fate("completed", rings_s, talks_s, AnsweredBy.HUMAN, heard, 2.0, gone)
        case "beep" | "silence":
            by = AnsweredBy.BEEP if kind == "beep" else AnsweredBy.MESSAGE_END
            heard = rng.choices((by, AnsweredBy.UNKNOWN, None), (8, 1, 1))[0]
            message_s = rng.uniform(4.0, 20.0)
            talks_s = rng.choice((2.0, message_s + 1.0, message_s + 15.0, message_s + 40.0))
            return Fate("completed", rings_s, talks_s, by, heard, message_s, gone)
        case "busy" | "failed":
            return Fate(kind, 1.0)
        case "no-answer":
            return Fate(kind, ring_s)
        case _:
            ended = rng.choice(("canceled", "no-answer"))
            return Fate(ended, rng.uniform(0.5, ring_s), rep_gone=True)


DULY = Fate("completed", 5.0, 150.0, AnsweredBy.HUMAN, AnsweredBy.HUMAN, 2.0)
"""A lead that is there and talks: nothing is left to be asked."""


@dataclass
class Talk:
    """A lead's leg on a rep's call. ``began`` by the machine's clock, ``began_at`` by business
    time."""

    call_id: CallId
    lead_id: LeadId
    rep_number: str
    rep_sid: str
    sid: str
    number: str
    began: datetime
    began_at: datetime
    fate: Fate

    @property
    def answered(self) -> datetime:
        return self.began + timedelta(seconds=self.fate.rings_s)

    @property
    def over(self) -> datetime:
        return self.answered + timedelta(seconds=self.fate.talks_s)

    @property
    def bridged_s(self) -> float:
        """How long rep and lead heard each other."""
        return self.fate.talks_s if self.fate.ended == "completed" else 0.0

    def is_up(self, at: datetime) -> bool:
        return at < self.over

    def leg(self, status: str, sequence: int | None, at: datetime | None) -> LegStatus:
        ended = status == "completed"
        told_at = None
        if at is not None:
            told_at = self.began_at + (at - self.began)
        return LegStatus(
            self.call_id,
            self.sid,
            self.rep_sid,
            status,
            sequence,
            self.fate.talks_s if ended else None,
            at=told_at,
        )

    def leg_now(self, at: datetime) -> LegStatus:
        """What the carrier says of the leg when it is asked."""
        if at < self.answered:
            return self.leg("ringing", None, None)
        if self.is_up(at):
            return self.leg("in-progress", None, None)
        return self.leg(self.fate.ended, None, self.over)

    def verdict(self) -> Verdict:
        return Verdict(self.call_id, self.sid, self.fate.heard, self.fate.detected_s)

    def done(self) -> DialDone:
        bridged = self.fate.ended == "completed"
        return DialDone(
            self.call_id,
            self.rep_sid,
            self.fate.ended if self.fate.ended != "canceled" else "no-answer",
            self.sid,
            self.fate.talks_s if bridged else None,
            bridged,
            self.fate.talks_s if bridged else None,
            self.fate.rep_gone,
        )


@dataclass
class Visit:
    """Somebody who calls us. ``stage``: queued, recording, talking, gone."""

    sid: str
    number: str
    began: datetime
    patience_s: float
    call_id: CallId | None = None
    stage: str = "queued"
    asked: datetime | None = None  # when the wait document was last asked for
    taken: datetime | None = None
    over: datetime | None = None
    message: RecordingTold | None = None
    talked_s: float = 0.0

    def gone(self, at: datetime) -> None:
        self.stage, self.over = "gone", at


@dataclass
class News:
    """Something that will be told, or will happen, not before ``at`` by the machine's clock. The
    ``deed`` says what, and whether it came through."""

    at: datetime
    deed: Callable[[], tuple[str, bool]]


@dataclass
class Exchange:
    """Every call there ever was in a world."""

    talks: list[Talk] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    off_hook: dict[str, datetime] = field(default_factory=dict)  # numbers on a call, until when
    named: int = 0

    def due(self, at: datetime) -> list[News]:
        """What may be told by now."""
        return [each for each in self.news if each.at <= at]

    def new_sid(self, kind: str = "CA") -> str:
        """A name of the carrier's that it has given to nothing else."""
        self.named += 1
        return f"{kind}{self.named:031}f"

    def talk_of(self, call_id: str) -> Talk | None:
        return next((each for each in self.talks if each.call_id == call_id), None)

    def visit_of(self, call_id: str) -> Visit | None:
        return next((each for each in self.visits if each.call_id == call_id), None)

    def is_busy(self, number: str, at: datetime) -> bool:
        return number in self.off_hook and at < self.off_hook[number]

    def legs(self, rep_sid: str, at: datetime) -> tuple[LegStatus, ...]:
        return tuple(each.leg_now(at) for each in self.talks if each.rep_sid == rep_sid)

    def visit_now(self, page_id: PageId, sid: str, at: datetime) -> CallStatus | NotFound:
        """What the carrier says of a caller's leg when it is asked."""
        found = next((each for each in self.visits if each.sid == sid), None)
        if found is None:
            return NotFound()
        if found.over is None or at < found.over:
            return CallStatus(page_id, sid, "in-progress")
        seconds = round((found.over - found.began).total_seconds())
        return CallStatus(page_id, sid, "completed", duration_s=seconds)

    def recordings(self, sid: str) -> tuple[RecordingTold, ...]:
        return tuple(each.message for each in self.visits if each.sid == sid and each.message)
