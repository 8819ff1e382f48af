"""The notes that reps are sent: what answers their word, and what they are asked about a call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from service.rules.actions import Tell
from service.rules.call_facts import Attempted, LeadReplied, RingFailed
from service.rules.calls import ASK_AFTER
from service.rules.connecting import Prospect, lines_up, prospect
from service.rules.floor import Floor
from service.rules.lead import RepId
from service.rules.policy import Policy
from service.rules.standing import Standing
from service.rules.timeline import Claimed, ClaimLost, Event, Note, Outcome, Passed, TakenBack

NOTE_USEFUL = timedelta(minutes=10)

# What is not said while the lead is on the line, nor once it is closed.
_ABOUT_CALLS = (Attempted, LeadReplied, RingFailed)

_YOURS = {
    Prospect.NOW: Note.RINGING,
    Prospect.HELD: Note.HELD,
    Prospect.LATER: Note.LAWFUL_LATER,
    Prospect.NEVER: Note.YOURS,
}


class Notes:
    """The notes that are due in one look; ``next_at``: when the next one will be, if known."""

    def __init__(self, standing: Standing, policy: Policy, floor: Floor, now: datetime) -> None:
        self.standing, self.policy, self.floor, self.now = standing, policy, floor, now
        self.next_at: datetime | None = None

    def due(self) -> Iterator[Tell]:
        """The notes, in the order of what they answer."""
        silent = bool(lines_up(self.standing, self.now)) or not self.standing.open
        for event in self.standing.to_tell:
            if isinstance(event.fact, _ABOUT_CALLS) and silent:
                continue
            told_at = _told_from(event)
            if self.now < told_at:
                self.next_at = min(self.next_at or told_at, told_at)
                continue
            rep, note = _answers(event, self.standing)
            if rep is None:
                continue
            # Nobody's phone rings for a lead that is on the line: its words say that it is.
            talks = lines_up(self.standing, self.now)
            if note is Note.YOURS and self.standing.owner == rep and not talks:
                note = _YOURS[prospect(rep, self.policy, self.floor, self.now)]
            yield Tell(rep, note, event.seq, self.now + NOTE_USEFUL, f"answers {event.kind}")


def _told_from(event: Event) -> datetime:
    """When a note may go: the rep may still say on the line how a call went."""
    asks = isinstance(event.fact, Attempted)
    return event.recorded_at + ASK_AFTER if asks else event.recorded_at


def _answers(event: Event, standing: Standing) -> tuple[RepId | None, Note]:
    """Whom an event is to be told to, and by which note."""
    match event.fact:
        case Claimed(rep=rep):
            return rep, Note.YOURS
        case ClaimLost(rep=rep, owner=owner):
            return rep, Note.TAKEN if owner else Note.CLOSED
        case Passed(rep=rep):
            return rep, Note.PASSED_ON
        case TakenBack(rep=rep):
            return rep, Note.TAKEN_BACK
        case Outcome(rep=rep):
            return rep, Note.LOGGED
        case RingFailed(rep=rep):
            return rep, Note.MISSED_RING
        case Attempted(rep=rep):
            return rep, Note.ASK
        case LeadReplied():
            return standing.owner, Note.REPLIED
        case _:
            raise ValueError(f"nobody is told of {event.kind}")
