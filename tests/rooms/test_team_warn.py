"""What is allowed in a team file but probably not meant gets a line that says so."""

from __future__ import annotations

from datetime import UTC, datetime

from service.team.file import parse_team
from service.team.team import Team
from service.team.warn import warnings

YEARS = (2025, 2026, 2027)
SATURDAY_NOON = datetime(2025, 11, 22, 17, tzinfo=UTC)

SMALL = """
team: Small
timezone: Europe/Berlin
carrier: {pages_from: "+15005550006"}
reps:
  - {id: ann, phone: "+12125550101"}
managers:
  - {id: mia, phone: "+12125550109", last_resort: true}
"""

PLANNED = """
team: Planned
timezone: America/New_York
carrier: {pages_from: "+15005550006"}
hours: {mon-fri: "08:00-20:00", sat: "09:00-17:00"}
reps:
  - {id: ann, phone: "+12125550101"}
  - {id: bob, phone: "+12125550102"}
managers:
  - {id: mia, phone: "+12125550109", last_resort: true}
shifts:
  - {days: mon-fri, from: "08:00", to: "14:00", reps: [ann, bob]}
  - {days: mon-fri, from: "14:00", to: "20:00", reps: [bob, ann]}
sources:
  - {id: website, kind: json, key: "env:WEBSITE_KEY"}
"""


def parsed(text: str) -> Team:
    return parse_team(text, "team.yaml", YEARS)


def small(more: str = "") -> Team:
    return parsed(SMALL + more)


def test_warnings_name_the_hours_without_anybody_on_duty() -> None:
    said = warnings(parsed(PLANNED), SATURDAY_NOON, environ={"WEBSITE_KEY": "k"})
    assert said == (
        "shifts: nobody is on duty Sat 22 Nov 12:00 to 17:00, and the team is open",
        "shifts: nobody is on duty Sat 29 Nov 09:00 to 17:00, and the team is open",
        "shifts: nobody is on duty Sat 06 Dec 09:00 to 12:00, and the team is open",
    )


def test_warnings_say_what_was_probably_not_meant() -> None:
    team = small(
        "night_ladder: [{at: 0s, page: managers}]\n"
        "ladder: [{at: 1m, page: on-duty}]\n"
        "shifts: [{days: mon-sun, from: 00:00, to: 24:00}]\n"
        "sources: [{id: web, kind: json, key: env:WEB_KEY}, {id: old, kind: json, key: abc},\n"
        "          {id: form, kind: form, key: public}]\n"
        "routes: [{when: {langauge: es}, to: ann}, {when: {roof: flat}, to: ann}]\n"
    )
    assert warnings(team, SATURDAY_NOON, environ={}) == (
        "night_ladder: not used, as after_hours is at-opening",
        "ladder: nobody is paged in the first 1m",
        "ladder: the last rung does not repeat: after 1m a lead waits in silence",
        "reps: ann is the only rep: when they are busy, the managers are next",
        "sources: web takes no leads: WEB_KEY is not set in the environment",
        "sources: the key of old is secret but stands in the file; use env:NAME",
        "sources: form names no origins, so that any web site may post to it",
        'routes[0]: langauge is not a field of ours; did you mean "language"?',
        "hours: not given: the team counts as open day and night, every day",
    )


def test_a_rep_on_no_shift_is_named() -> None:
    text = PLANNED.replace("[ann, bob]", "[ann]").replace("[bob, ann]", "[ann]")
    assert "shifts: bob on no shift, and so never paged as on duty" in warnings(
        parsed(text), SATURDAY_NOON
    )
