"""Reads a team file: YAML to a team, or every problem it has in one error.

The order of reading is the order of reference: people before the shifts and routes that name
them. What is allowed but probably not meant is said by ``warn``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from service.rules.floor import Person
from service.rules.hours import WeeklyHours
from service.rules.policy import AfterHours, Calls, Policy, Promises, Route, Rung, TurnKind
from service.team.crew import read_carrier, read_people, read_shifts, shifts_as_open
from service.team.kinds import NAME, ON_OFF, ZONE, choice
from service.team.problem import Problem, TeamFileError
from service.team.promised import (
    read_calls,
    read_ladder,
    read_night_ladder,
    read_promises,
    read_routes,
)
from service.team.sheet import Fields, Sheet, root_place
from service.team.supply import read_sources
from service.team.team import Source, Team
from service.team.tree import text_of, tree_of
from service.team.week import read_holidays, read_hours
from service.team.written import team_digest

KEYS = (
    "team",
    "timezone",
    "carrier",
    "texts",
    "after_hours",
    "night_ladder",
    "hours",
    "holidays",
    "reps",
    "managers",
    "shifts",
    "sources",
    "routes",
    "turn",
    "ladder",
    "promises",
    "calls",
)


def read_team(path: Path, years: Sequence[int]) -> Team:
    """The team that the file at ``path`` describes, its holidays expanded for ``years``.

    Raises:
        TeamFileError: the file cannot be read, or is wrong; all its problems at once.
    """
    return parse_team(text_of(path), path.name, years)


def parse_team(text: str, name: str, years: Sequence[int]) -> Team:
    """The team that ``text`` describes; ``name`` is what problems call the file.

    ``years`` are those for which holidays are expanded (``week.years_around``).

    Raises:
        TeamFileError: all that is wrong, each with its line and key path.
    """
    node = tree_of(text, name)
    if node is None:
        expected = "a team file: team, timezone, carrier, reps and more"
        raise TeamFileError((Problem(name, 1, "", "nothing", expected),))
    sheet = Sheet(name)
    try:
        team = _team(sheet, sheet.fields(root_place(node), KEYS), years)
    except ValueError as error:
        sheet.stop_if_wrong()
        # The rules refuse what makes no sense to them, even where nothing here looked for it.
        problem = Problem(name, 1, "", f"a team that cannot work ({error})", "one that can")
        raise TeamFileError((problem,)) from error
    return replace(team, digest=team_digest(team))


def _team(sheet: Sheet, root: Fields, years: Sequence[int]) -> Team:
    """Everything is read before anything is built: what is built from a stand-in may not stand."""
    name = sheet.need(root, "team", NAME, "")
    zone = sheet.need(root, "timezone", ZONE, "UTC")
    carrier = read_carrier(sheet, root)
    people = read_people(sheet, root, carrier)
    reps = tuple(person.id for person in people if not person.manager)
    blocks = read_hours(sheet, root)
    closed_on = read_holidays(sheet, root, years)
    shifts = read_shifts(sheet, root, zone, reps)
    sources = read_sources(sheet, root)
    texts = sheet.take(root, "texts", ON_OFF, True)
    terms = _terms(sheet, root, people, sources)
    sheet.stop_if_wrong()
    hours = WeeklyHours(zone, blocks, closed_on)
    return Team(
        name,
        zone,
        Policy(name, hours, **terms),
        people,
        shifts or shifts_as_open(hours, reps),
        sources,
        carrier,
        texts_off=not texts,
        assumed=_assumed(root),
    )


class _Terms(TypedDict):
    """What a policy holds besides its team's name and hours."""

    after_hours: AfterHours
    ladder: tuple[Rung, ...]
    night_ladder: tuple[Rung, ...]
    promises: Promises
    calls: Calls
    routes: tuple[Route, ...]
    turn: TurnKind


def _terms(
    sheet: Sheet, root: Fields, people: Sequence[Person], sources: Sequence[Source]
) -> _Terms:
    reps = [person.id for person in people if not person.manager]
    after_hours = sheet.take(root, "after_hours", choice(AfterHours), AfterHours.AT_OPENING)
    return {
        "after_hours": after_hours,
        "ladder": read_ladder(sheet, root, people),
        "night_ladder": read_night_ladder(sheet, root, people, after_hours),
        "promises": read_promises(sheet, root),
        "calls": read_calls(sheet, root),
        "routes": read_routes(sheet, root, reps, [source.id for source in sources]),
        "turn": sheet.take(root, "turn", choice(TurnKind), TurnKind.ROUND_ROBIN),
    }


def _assumed(root: Fields) -> tuple[str, ...]:
    """What was left out and decides who is woken when: worth a line from ``check``."""
    held = {
        "hours": "not given: the team counts as open day and night, every day",
        "shifts": "not given: every rep is on duty whenever the team is open",
    }
    return tuple(f"{key}: {meant}" for key, meant in held.items() if root.get(key) is None)
