"""What is wrong with a team file is said in lines that a person can act on, all of them at once."""

from __future__ import annotations

import pytest

from service.team.file import KEYS, parse_team
from service.team.problem import TeamFileError
from service.team.sheet import ITEMS_MAX, PROBLEMS_MAX

# A file that is right; what a row of the table changes comes to stand on line 6 and after.
RIGHT = {
    "team": "Small",
    "timezone": "America/New_York",
    "carrier": '{pages_from: "+15005550006"}',
    "reps": '[{id: ann, phone: "+12125550101"}, {id: bob, phone: "+12125550102"}]',
    "managers": '[{id: mia, phone: "+12125550109", last_resort: true}]',
}
EVERY_KEY = ", ".join(KEYS)


def written(changes: str) -> str:
    """The right file with these lines in it; a key of its own takes the place of the right one's,
    ``-key`` only leaves it out."""
    lines = changes.splitlines()
    named = {line.lstrip("-").partition(":")[0] for line in lines if not line.startswith(" ")}
    kept = [f"{key}: {value}" for key, value in RIGHT.items() if key not in named]
    padding = [""] * (5 - len(kept))
    return "\n".join(kept + padding + [line for line in lines if not line.startswith("-")])


def problems_of(text: str) -> list[str]:
    with pytest.raises(TeamFileError) as caught:
        parse_team(text, "t", (2025,))
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return str(caught.value).splitlines()


# What is changed in the right file, then what is said of it: line, key path, found, expected.
# An indented ``>`` goes on with the line above.
TABLE = r"""
-team
> 1: team: found nothing, expected a name

team: ''
> 6: team: found "", expected a name

team: [a]
> 6: team: found a list, expected a name

shfts: []
> 6: shfts: found an unknown key, expected a known key; did you mean "shifts"?

zzz: 1
> 6: zzz: found an unknown key, expected one of team, timezone, carrier, texts, after_hours,
  > night_ladder, hours, holidays, reps, managers, shifts, sources, routes, turn, ladder,
  > promises, calls

turn: weighted
turn: in-order
> 7: turn: found "turn" again (it is on line 6), expected each key once

timezone: Mars
> 6: timezone: found "Mars", expected a time zone such as America/New_York

timezone: America/NewYork
> 6: timezone: found "America/NewYork", expected a time zone such as America/New_York; did you
  > mean "America/New_York"?

after_hours: never
turn: roundrobin
texts: of
> 6: after_hours: found "never", expected one of at-opening, page-now, night-ladder
> 7: turn: found "roundrobin", expected one of round-robin, weighted, all-at-once, in-order; did
  > you mean "round-robin"?
> 8: texts: found "of", expected on or off

team: "a\u202eb"
> 6: team: found "a\u202eb", expected a name, printable and on one line

team: !!python/object:os.system x
> 6: team: found a value tagged tag:yaml.org,2002:python/object:os.system, expected a name

hours: {mon: 25:00-26:00}
> 6: hours.mon: found "25:00-26:00", expected times such as 08:00-20:00, from 00:00 to 24:00

hours:
  mon: 9 to 5
> 7: hours.mon: found "9 to 5", expected times such as 08:00-20:00, from 00:00 to 24:00

hours: {mon: 24:00-02:00}
> 6: hours.mon: found "24:00-02:00", expected a start before 24:00

hours: {sat,sun: 09:00-17:00}
> 6: hours.sat: found nothing, expected times such as 08:00-20:00, from 00:00 to 24:00 or closed
  > (within braces quote "sat,sun")

hours: {mun: 09:00-17:00}
> 6: hours.mun: found an unknown key, expected days such as mon, mon-fri or sat,sun

hours:
  mon-fri: 09:00-17:00
  fri: 09:00-12:00
> 8: hours.fri: found a day again, expected each day once: hours.mon-fri (line 7) has one

hours: {mon: ['09:00-17:00', '16:00-18:00']}
> 6: hours.mon: found times that do, expected times that do not overlap

hours: {mon-sun: closed}
> 6: hours: found a team that never opens, expected at least one day with open hours

hours: always
> 6: hours: found "always", expected days with their times, such as {mon-fri: "08:00-20:00"}

holidays: {country: USA}
> 6: holidays.country: found "USA", expected a country's two-letter code, such as US

holidays: {country: GB, subdivision: LON}
> 6: holidays.subdivision: found "LON", expected a part of GB, one of ENG, NIR, SCT, WLS

holidays: {subdivision: NY}
> 6: holidays.country: found nothing, expected a country's two-letter code, such as US, for the
  > subdivision to be part of

holidays: {also: [2025-02-30]}
> 6: holidays.also[0]: found "2025-02-30", expected a date such as 2026-12-24, or 2026-12-24 to
  > 2026-12-31

shifts:
  - {days: mon-fri, from: "25:00", to: 8}
> 7: shifts[0].from: found "25:00", expected a time from 00:00 to 24:00
> 7: shifts[0].to: found "8", expected a time from 00:00 to 24:00

shifts: [{days: weekdays, from: 24:00, to: 08:00}]
> 6: shifts[0].days: found "weekdays", expected days such as mon, mon-fri or sat,sun
> 6: shifts[0].from: found "24:00", expected a start before 24:00

shifts: [{from: 08:00, to: 14:00, reps: [bobb, mia]}]
> 6: shifts[0].days: found nothing, expected days such as mon, mon-fri or sat,sun
> 6: shifts[0].reps[0]: found "bobb", expected reps' ids: one of ann, bob; did you mean "bob"?
> 6: shifts[0].reps[1]: found "mia", expected reps' ids: one of ann, bob

shifts: [{days: mon, from: 08:00, to: 14:00, reps: [ann, ann], rotate: monthly}]
> 6: shifts[0].reps: found a rep twice, expected each rep once
> 6: shifts[0].rotate: found "monthly", expected one of none, daily, weekly

shifts: []
> 6: shifts: found an empty list, expected shifts, or no such key: then every rep is on duty while
  > the team is open

-reps
> 1: reps: found nothing, expected a list of reps, each with an id and a phone

reps: []
> 6: reps: found an empty list, expected a list of reps, each with an id and a phone

reps:
  - {id: Ann,
     phone: 555-0101}
> 7: reps[0].id: found "Ann", expected an id of 1 to 40 of a-z, 0-9, - and _
> 8: reps[0].phone: found "555-0101", expected a phone number with + and country code, such as
  > +12125550101

reps: [{id: mia, phone: '+1 (212) 555-0109'}]
> 4: managers[0].id: found "mia", expected an id of its own: reps[0].id (line 6) has it
> 4: managers[0].phone: found "...0109", expected a phone of its own: reps[0].phone (line 6)
  > has it

reps: [{id: ann, phone: "+15005550006"}]
> 6: reps[0].phone: found "...0006", expected a person's own phone: this is a number that we
  > send from

reps: [{id: ann, phone: "+12125550101", weight: 0, prefer: fax, email: ann}]
> 6: reps[0].email: found "ann", expected an e-mail address
> 6: reps[0].weight: found "0", expected a whole number from 1 to 100
> 6: reps[0].prefer: found "fax", expected one of text, call

-managers
> 1: managers: found nothing, expected a manager with last_resort: true, for the ladder to page;
  > or give a ladder that does without

-managers
ladder:
  - {at: 0s, page: managers}
  - {at: 1m, page: last-resort}
> 7: ladder[0].page: found "managers", expected at least one manager, for the ladder to page
> 8: ladder[1].page: found "last-resort", expected a manager with last_resort: true, for the
  > ladder to page

ladder:
  - {at: 1m, page: on-duty, repeat: 1m}
  - {at: 30s, page: nobody, by: fax}
  - {at: 90, page: on-duty}
> 7: ladder[0].repeat: found "1m", expected no repeat: only the last rung may repeat
> 8: ladder[1].page: found "nobody", expected one of on-duty, everyone-on-duty, managers,
  > last-resort
> 8: ladder[1].by: found "fax", expected one of text, call
> 8: ladder[1].at: found "30s", expected a time that is not before the rung above
> 9: ladder[2].at: found "90", expected a duration such as 30s, 2m, 1h or 7d

after_hours: night-ladder
> 1: night_ladder: found nothing, expected a list of rungs such as {at: 0s, page: on-duty, by:
  > text}, as after_hours says

promises: {claim: 2 minutes, contact: 0s}
> 6: promises.claim: found "2 minutes", expected a duration such as 30s, 2m, 1h or 7d
> 6: promises.contact: found "0s", expected a duration from 1s to 30d

calls: {contact_after: 2m, ring_repp: 18s, record: maybe}
> 6: calls.ring_repp: found an unknown key, expected a known key; did you mean "ring_rep"?
> 6: calls.contact_after: found "2m", expected a duration from 10s to 1m
> 6: calls.record: found "maybe", expected true or false

carrier: {}
> 6: carrier.pages_from: found nothing, expected a phone number such as +12125550101, or a
  > messaging service id (MG...)

carrier: {pages_from: Shop}
> 6: carrier.pages_from: found "Shop", expected a phone number such as +12125550101, or a
  > messaging service id (MG...)

carrier: {pages_from: MG00000000000000000000000000000000, 
          leads_from: "+15005550007", calls_per_second: 0}
> 6: carrier.pages_call_from: found nothing, expected a phone number: the messaging service
  > beside it can text, but not call
> 7: carrier.calls_per_second: found "0", expected a number above 0 and at most 1000

carrier: {pages_from: "+15005550006", leads_call_from: MG00000000000000000000000000000000}
> 6: carrier.leads_call_from: found "MG00000000000000000000000000000000", expected a phone
  > number: a messaging service can text, but not call

sources: [{id: w, kind: jsn}, {id: x}, {id: y, kind: call}]
> 6: sources[0].kind: found "jsn", expected one of json, form, call; did you mean "json"?
> 6: sources[1].kind: found nothing, expected one of json, form, call
> 6: sources[2].number: found nothing, expected the number that is called: a phone number with +
  > and country code, such as +12125550101

sources:
  - {id: w, kind: json, key: my secret}
  - {id: w, kind: call, key: s3, number: "+15005550007"}
> 7: sources[0].key: found a value (not shown), expected a key without spaces, or env:NAME
> 8: sources[1].key: found a key that is not for it, expected no key: a call source has none
> 8: sources[1].id: found "w", expected an id of its own: sources[0].id (line 7) has it

sources: [{id: f, kind: form, key: k, origins: [https://a.b/c]}]
> 6: sources[0].origins[0]: found "https://a.b/c", expected an origin such as
  > https://www.example.com, without a path

routes: [{when: {source: web}, to: [mia]}, {to: ann}]
> 6: routes[0].when.source: found "web", expected a source's id, but none is given
> 6: routes[0].to[0]: found "mia", expected reps' ids: one of ann, bob
> 6: routes[1].when: found nothing, expected conditions such as {language: es}

routes: [ann]
> 6: routes[0]: found "ann", expected the keys when, to
"""


def rows() -> list[tuple[str, list[str]]]:
    """Each row of the table: the lines changed, and the problems they cause."""
    found = []
    for row in TABLE.strip().split("\n\n"):
        whole = row.replace("\n  > ", " ")
        lines = whole.splitlines()
        said = [f"t:{line[2:]}" for line in lines if line.startswith("> ")]
        found.append(("\n".join(line for line in lines if not line.startswith("> ")), said))
    return found


@pytest.mark.parametrize(("changes", "lines"), rows(), ids=lambda value: str(value)[:30])
def test_what_is_wrong_is_said_with_its_place(changes: str, lines: list[str]) -> None:
    assert problems_of(written(changes)) == lines


NO_YAML = "text that is not YAML"
TOO_MUCH = "more than a team file holds"
BROKEN = [
    ("", "1", "nothing", "a team file: team, timezone, carrier, reps and more"),
    ("- a", "1", "a list", f"the keys {EVERY_KEY}"),
    ("a:\n\tb: c", "2: column 1", "a tab in the indentation", "spaces: YAML allows no tabs"),
    ("a: b: c", "1: column 5", f"{NO_YAML} (mapping values are not allowed here)", "valid YAML"),
    (
        "a: 1\nb: [1\nc: 2",
        "3: column 2",
        f"{NO_YAML} (expected ',' or ']', but got ':', in what starts on line 2)",
        "valid YAML",
    ),
    ("a: *b", "1: column 4", f"{NO_YAML} (found undefined alias 'b')", "valid YAML"),
    (
        'a: "\\UFFFFFFFF"',
        "1: column 7",
        f"{NO_YAML} (an escape or a number that stands for nothing)",
        "valid YAML",
    ),
    ("a\nb\0", "2", "the invisible character U+0000", "printable text"),
    ("# " * 140_000, "1", "more than 256 KiB", "a team file of at most 256 KiB"),
    ("[" * 30, "1: column 20", TOO_MUCH, "at most 20 levels of lists and keys"),
    ("[" + "1," * 21_000 + "]", "1: column 1", TOO_MUCH, "at most 20000 keys and values"),
]


@pytest.mark.parametrize(
    ("text", "place", "found", "expected"), BROKEN, ids=lambda value: value[:8]
)
def test_what_is_no_yaml_is_said_in_one_line(
    text: str, place: str, found: str, expected: str
) -> None:
    assert problems_of(text) == [f"t:{place}: found {found}, expected {expected}"]


def test_a_mapping_that_merges_itself_ends() -> None:
    (line,) = problems_of(written("promises: &p {<<: *p}"))
    assert line.endswith("expected a mapping to merge, which does not merge itself")


def test_lists_that_are_long_only_through_aliases_end() -> None:
    """A small file may stand for billions of values; each look at one is counted."""
    many = ", ".join(["https://a.example"] * ITEMS_MAX)
    first = f"sources:\n  - {{id: f, kind: form, key: k, origins: &all [{many}]}}\n"
    more = "".join(f"  - {{id: f{n}, kind: form, key: k, origins: *all}}\n" for n in range(200))
    (line,) = problems_of(written(first + more))
    assert line.endswith("found more than a team file holds, expected fewer aliases")


def test_enough_problems_are_enough() -> None:
    lines = problems_of(written("shifts:\n" + "  - {}\n" * 500))
    assert len(lines) == PROBLEMS_MAX + 1
    assert lines[-1].endswith("expected a file with fewer problems: it was read up to here")
