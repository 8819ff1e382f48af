"""What is allowed in a team file but probably not meant: a line each, for a person to think over.

Problems that make a file useless are errors (``file``). Nothing here changes what happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from service.rules.duty import gaps
from service.rules.hours import Span, zone_named
from service.rules.policy import ROUTE_FIELDS, AfterHours, Rung
from service.team.kinds import in_words
from service.team.problem import did_you_mean
from service.team.team import ENV_PREFIX, SourceKind, Team, resolve_key

# A week shows every gap of a weekly plan twice in the default fortnight; more lines say no more.
GAPS_SHOWN_MAX = 5


def warnings(
    team: Team, now: datetime, days: int = 14, environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """What to think over, most urgent first: hours without anybody on duty in the next ``days``,
    then who and what is missing. Keys are looked for in ``environ``, when it is given."""
    return (
        *_uncovered(team, now, days),
        *_ladders(team),
        *_people(team),
        *_calls(team),
        *_sources(team, environ),
        *_routes(team),
        *team.assumed,
    )


def _uncovered(team: Team, now: datetime, days: int) -> Iterator[str]:
    until = now + timedelta(days=days)
    found = gaps(team.policy.hours, team.shifts, now, until)
    for gap in found[:GAPS_SHOWN_MAX]:
        yield f"shifts: nobody is on duty {_in_words(team.timezone, gap)}, and the team is open"
    if (more := len(found) - GAPS_SHOWN_MAX) > 0:
        yield f"shifts: and {more} more such times in the next {days} days"
    if team.policy.hours.next_open(now) is None:
        yield "hours: the team does not open within a year"


def _in_words(zone: str, gap: Span) -> str:
    """``Sat 29 Nov 09:00 to 17:00``, on the team's own wall clock."""
    start, end = (at.astimezone(zone_named(zone)) for at in gap)
    shape = "%H:%M" if start.date() == end.date() else "%a %d %b %H:%M"
    return f"{start:%a %d %b %H:%M} to {end.strftime(shape)}"


def _ladders(team: Team) -> Iterator[str]:
    policy = team.policy
    ladders = {"ladder": policy.ladder}
    if policy.after_hours is AfterHours.NIGHT_LADDER:
        ladders["night_ladder"] = policy.night_ladder
    elif policy.night_ladder:
        yield f"night_ladder: not used, as after_hours is {policy.after_hours}"
    for name, ladder in ladders.items():
        yield from _ladder(name, ladder)


def _ladder(name: str, ladder: tuple[Rung, ...]) -> Iterator[str]:
    if ladder[0].at_s:
        yield f"{name}: nobody is paged in the first {in_words(ladder[0].at_s)}"
    if ladder[-1].repeat_s is None:
        last = in_words(ladder[-1].at_s)
        yield f"{name}: the last rung does not repeat: after {last} a lead waits in silence"


def _people(team: Team) -> Iterator[str]:
    reps = [person.id for person in team.people if not person.manager]
    working = {rep for shift in team.shifts for rep in shift.reps}
    idle = [rep for rep in reps if rep not in working]
    if idle:
        yield f"shifts: {', '.join(idle)} on no shift, and so never paged as on duty"
    if len(reps) == 1:
        yield f"reps: {reps[0]} is the only rep: when they are busy, the managers are next"


def _calls(team: Team) -> Iterator[str]:
    calls = team.policy.calls
    if calls.record:
        kept = f"kept for {calls.record_days} days"
        yield f"calls: record is on: both sides are told, recordings are {kept}; mind the law"
    if not calls.bridge:
        yield "calls: bridge is off: reps dial for themselves, and no call is proved by the carrier"


def _sources(team: Team, environ: Mapping[str, str] | None) -> Iterator[str]:
    if not team.sources:
        yield "sources: none, so that no lead can come in"
    for source in team.sources:
        if source.key is None:
            continue
        if environ is not None and resolve_key(source.key, environ) is None:
            name = source.key.removeprefix(ENV_PREFIX)
            yield f"sources: {source.id} takes no leads: {name} is not set in the environment"
        if source.kind is SourceKind.JSON and not source.key.startswith(ENV_PREFIX):
            yield f"sources: the key of {source.id} is secret but stands in the file; use env:NAME"
        if source.kind is SourceKind.FORM and not source.origins:
            yield f"sources: {source.id} names no origins, so that any web site may post to it"


def _routes(team: Team) -> Iterator[str]:
    """A field we have no name for may be one that a source sends, or a slip of the pen."""
    for index, route in enumerate(team.policy.routes):
        for name, _ in route.when:
            if name in (*ROUTE_FIELDS, "source"):
                continue
            close = did_you_mean((*ROUTE_FIELDS, "source"), name)
            if close:
                yield f"routes[{index}]: {name} is not a field of ours{close}"
