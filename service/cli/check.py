"""`check`: what is wrong with a team file, and what it says, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from service.clock import SystemClock
from service.rules.duty import Shift, on_duty
from service.rules.hours import zone_named
from service.rules.lead import RepId
from service.rules.policy import Rung
from service.team.file import read_team
from service.team.kinds import WEEKDAYS, in_words
from service.team.team import Team
from service.team.warn import warnings
from service.team.week import years_around

LABEL_WIDTH = 10
DAY_MIN = 24 * 60


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Say what is wrong with a team file, and when nobody would be on duty.

    Problems go to the error output, one a line, and the exit status is 1. What is allowed but
    probably not meant is a warning. Example: speedtolead check team.yaml
    """
    now = SystemClock().now()
    team = read_team(file, years_around(now))
    for label, text in _summary(team, now):
        click.echo(f"{label:<{LABEL_WIDTH}}{text}")
    for line in warnings(team, now, environ=os.environ):
        click.echo(f"warning: {line}", err=True)


def _summary(team: Team, now: datetime) -> Iterator[tuple[str, str]]:
    """The team in a few lines, each with its label; a label is blank where it would repeat."""
    names = {person.id: person.name for person in team.people}
    reps = [person for person in team.people if not person.manager]
    managers = [person for person in team.people if person.manager]
    yield "team", f"{team.name}, {team.timezone}"
    yield "reps", ", ".join(person.name for person in reps)
    yield "managers", ", ".join(person.name for person in managers) or "none"
    yield from _listed("shifts", [_shift(shift, names) for shift in team.shifts])
    yield "on duty", ", ".join(names[rep] for rep in on_duty(team.shifts, now)) or "nobody now"
    yield "sources", ", ".join(f"{each.id} ({each.kind})" for each in team.sources) or "none"
    yield from _listed("ladder", [_rung(rung) for rung in team.policy.ladder])
    yield "hours", _opening(team, now)


def _listed(label: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines):
        yield ("" if number else label), line


def _shift(shift: Shift, names: Mapping[RepId, str]) -> str:
    reps = ", ".join(names[rep] for rep in shift.reps)
    turns = "" if shift.rotate == "none" else f", rotating {shift.rotate}"
    return f"{_days(shift.days)} {_time(shift.start_min)}-{_time(shift.end_min)}: {reps}{turns}"


def _days(days: frozenset[int]) -> str:
    """`mon-fri`, or a list where they are not in a row."""
    ordered = sorted(days)
    in_a_row = ordered[-1] - ordered[0] + 1 == len(ordered)
    if in_a_row and len(ordered) > 1:
        return f"{WEEKDAYS[ordered[0]]}-{WEEKDAYS[ordered[-1]]}"
    return ",".join(WEEKDAYS[day] for day in ordered)


def _time(minute: int) -> str:
    clock = minute if minute <= DAY_MIN else minute - DAY_MIN
    return f"{clock // 60:02}:{clock % 60:02}"


def _rung(rung: Rung) -> str:
    after = f"after {in_words(rung.at_s)}" if rung.at_s else "at once"
    again = f", again every {in_words(rung.repeat_s)}" if rung.repeat_s else ""
    return f"{after}: {rung.page.replace('-', ' ')}, by {rung.by}{again}"


def _opening(team: Team, now: datetime) -> str:
    """Whether the team is open, and until or from when, on its own wall clock."""
    hours = team.policy.hours
    if hours.is_open(now):
        closes = hours.next_close(now)
        return f"open now, until {_at(team, closes)}" if closes else "open now, and never closed"
    opens = hours.next_open(now)
    return f"closed now, next open {_at(team, opens)}" if opens else "closed, for a year at least"


def _at(team: Team, at: datetime) -> str:
    return f"{at.astimezone(UTC).astimezone(zone_named(team.timezone)):%a %d %b %H:%M}"
