"""Who is on duty, by the plan: shifts and their rotation, exact to the instant a shift changes.

Overrides (absences, swaps) are facts of the ledger and are laid over this plan by whoever builds
the floor. Holidays close the team (``hours``), they do not send a shift home: a team that wants
pages on a holiday has somebody to page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from service.rules.hours import (
    DAY_MIN,
    Span,
    WeeklyHours,
    check_minutes,
    dates_around,
    span_of,
    zone_named,
)
from service.rules.lead import RepId

# Rotations count days and weeks from this Monday, so that no year's end makes them jump and a
# restart or an edited file never changes whose week it is.
ROTATES_FROM = date(2001, 1, 1)

# A weekly shift has an edge within any eight local days; one more for a day the clock leaps over.
EDGE_WITHIN = timedelta(days=9)


class Rotate(StrEnum):
    """How often the first rep of a shift goes to its end."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Shift:
    """Reps who are on duty on these days (0 is Monday), in the order in which they are asked.

    Minutes are of the local day in ``zone``; an end that is not after the start runs past
    midnight, and the shift still belongs to the day on which it starts. Raises ValueError.
    """

    days: frozenset[int]
    start_min: int
    end_min: int
    zone: str
    reps: tuple[RepId, ...]
    rotate: Rotate = Rotate.NONE

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", frozenset(self.days))
        if not self.days or not all(0 <= day <= 6 for day in self.days):
            raise ValueError(f"shift is on days {sorted(self.days)}, expected some of 0 to 6")
        if not self.reps:
            raise ValueError("shift has no rep")
        if len(set(self.reps)) < len(self.reps):
            raise ValueError("shift names a rep twice")
        if not 0 <= self.end_min <= 2 * DAY_MIN:
            raise ValueError(f"shift ends at minute {self.end_min}, expected 0 to {2 * DAY_MIN}")
        check_minutes(self.start_min, self.runs_to_min)
        zone_named(self.zone)

    @property
    def runs_to_min(self) -> int:
        """The end in minutes of the day on which the shift starts; beyond 1440 past midnight."""
        return self.end_min if self.end_min > self.start_min else self.end_min + DAY_MIN

    def order_on(self, day: date) -> tuple[RepId, ...]:
        """The reps in the order that holds for the shift that starts on this local date.

        The order moves by one each calendar day or each week from Monday, worked or not.
        """
        days = (day - ROTATES_FROM).days
        moves = {Rotate.NONE: 0, Rotate.DAILY: days, Rotate.WEEKLY: days // 7}[self.rotate]
        first = moves % len(self.reps)
        return self.reps[first:] + self.reps[:first]


def on_duty(shifts: Sequence[Shift], at: datetime) -> tuple[RepId, ...]:
    """Everyone on duty at this instant, each once: the first shift's reps first, rotated.

    A shift lasts from its start up to, not including, its end.
    """
    found: dict[RepId, None] = {}
    for shift in shifts:
        for day, (start, end) in _turns_of(shift, at, at):
            if start <= at < end:
                found.update(dict.fromkeys(shift.order_on(day)))
    return tuple(found)


def changes_after(shifts: Sequence[Shift], at: datetime) -> datetime | None:
    """The next instant after ``at`` at which ``on_duty`` may answer differently; None: never.

    Only a shift's start and end are such instants: an order holds for a shift as long as it lasts.
    """
    edges = (_edge_after(shift, at) for shift in shifts)
    return min((edge for edge in edges if edge), default=None)


def gaps(
    hours: WeeklyHours, shifts: Sequence[Shift], start: datetime, end: datetime
) -> tuple[Span, ...]:
    """The stretches of open hours between two instants in which nobody is on duty, in order."""
    covered = sorted(span for shift in shifts for _, span in _turns_of(shift, start, end))
    found: list[Span] = []
    for opened, closed in hours.spans(start, end):
        reached = opened
        for since, until in covered:
            if until <= reached or since >= closed:
                continue
            if since > reached:
                found.append((reached, since))
            reached = until
        if reached < closed:
            found.append((reached, closed))
    return tuple(found)


def _edge_after(shift: Shift, at: datetime) -> datetime | None:
    """The shift's first start or end after ``at``."""
    soonest: datetime | None = None
    for _, (start, end) in _turns_of(shift, at, at + EDGE_WITHIN):
        if soonest and start >= soonest:
            break
        edge = start if start > at else end
        if start < end and edge > at and (soonest is None or edge < soonest):
            soonest = edge
    return soonest


def _turns_of(shift: Shift, start: datetime, end: datetime) -> Iterator[tuple[date, Span]]:
    """Each time the shift is worked that may touch ``[start, end]``, with its date, by start."""
    for day in dates_around(shift.zone, start, end):
        if day.weekday() in shift.days:
            yield day, span_of(shift.zone, day, shift.start_min, shift.runs_to_min)
