"""What the ledger holds of a policy and of a team is all there is to them, and always the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.hours import WeeklyHours
from service.rules.policy import AfterHours, Policy, Promises, TurnKind
from service.team.file import parse_team, read_team
from service.team.team import Team
from service.team.written import (
    policy_digest,
    policy_from_dict,
    policy_to_dict,
    team_from_dict,
    team_to_dict,
)

YEARS = (2025, 2026)
FULL = """
team: Café Zürich
timezone: Europe/Zurich
carrier: {pages_from: "+15005550006", leads_from: "+15005550007", texts_per_second: 2.5}
texts: off
after_hours: night-ladder
night_ladder: [{at: 0s, page: managers, by: call, repeat: 1h}]
hours: {mon-fri: ["08:00-12:00", "13:00-18:00"], sat: "20:00-02:00"}
holidays: {country: CH, subdivision: ZH, also: 2025-12-24}
reps:
  - {id: ann, name: Ann Lee, phone: "+12125550101", email: ann@example.com, languages: [de, fr],
     timezone: Europe/Paris, weight: 3, prefer: call}
managers: [{id: mia, phone: "+12125550109", last_resort: true}]
shifts: [{days: fri-mon, from: "22:00", to: "06:00", rotate: daily}]
sources:
  - {id: web, kind: form, key: "env:K", origins: ["https://a.example"], per_minute: 5}
  - {id: line, kind: call, number: "+15005550007", name: Main line}
routes: [{when: {state: ZH, language: de}, to: ann}]
turn: weighted
"""


def full(text: str = FULL) -> Team:
    return parse_team(text, "t", YEARS)


def example() -> Team:
    return read_team(Path(__file__).parents[2] / "team.example.yaml", YEARS)


@pytest.mark.parametrize("team", [full(), example()], ids=["full", "example"])
def test_a_team_comes_back_from_json_as_it_was(team: Team) -> None:
    written = json.loads(json.dumps(team_to_dict(team)))
    assert team_from_dict(written) == team
    assert policy_from_dict(json.loads(json.dumps(policy_to_dict(team.policy)))) == team.policy


def test_a_policy_is_written_in_plain_words() -> None:
    written = policy_to_dict(full().policy)
    assert written["hours"]["zone"] == "Europe/Zurich"
    assert "2025-12-24" in written["hours"]["closed_on"]
    assert written["hours"]["closed_on"] == sorted(written["hours"]["closed_on"])
    assert written["night_ladder"] == [
        {"at_s": 0, "page": "managers", "by": "call", "repeat_s": 3600}
    ]
    assert written["routes"] == [{"when": [["language", "de"], ["state", "ZH"]], "to": ["ann"]}]
    assert written["promises"]["claim_s"] == 120


def test_the_same_team_in_other_words_has_the_same_digest() -> None:
    reworded = FULL.replace("{state: ZH, language: de}", "{language: de, state: ZH}")
    reworded = reworded.replace("2.5}", "2.50}  # a second").replace("repeat: 1h", "repeat: 60m")
    assert full(reworded).digest == full().digest
    assert policy_digest(full(reworded).policy) == policy_digest(full().policy)


@pytest.mark.parametrize(
    ("was", "now", "pinned"),
    [
        ("repeat: 1h", "repeat: 2h", True),
        ("turn: weighted", "turn: in-order", True),
        ("2025-12-24", "2025-12-31", True),
        ("Ann Lee", "Ann Li", False),
        ("per_minute: 5", "per_minute: 6", False),
        ("texts: off", "texts: on", False),
        ('"22:00"', '"21:00"', False),
    ],
)
def test_a_change_is_a_new_digest_and_a_new_policy_only_where_it_is_pinned(
    was: str, now: str, pinned: bool
) -> None:
    changed = full(FULL.replace(was, now))
    assert changed.digest != full().digest
    assert (policy_digest(changed.policy) != policy_digest(full().policy)) is pinned


def test_a_field_that_an_older_version_did_not_write_takes_its_default() -> None:
    written = policy_to_dict(full().policy)
    del written["turn"], written["calls"]["record"]
    assert policy_from_dict(written) == replace(full().policy, turn=TurnKind.ROUND_ROBIN)


def test_a_word_of_a_newer_version_is_refused() -> None:
    written = policy_to_dict(full().policy)
    with pytest.raises(ValueError, match="whenever"):
        policy_from_dict({**written, "after_hours": "whenever"})


@settings(max_examples=50, deadline=None)
@given(
    st.frozensets(st.dates(), max_size=5),
    st.builds(Promises, *(st.integers(1, 10**6) for _ in range(6))),
    st.sampled_from([AfterHours.AT_OPENING, AfterHours.PAGE_NOW]),
    st.text(max_size=10),
)
def test_any_policy_comes_back(
    closed: frozenset[date], promises: Promises, after_hours: AfterHours, name: str
) -> None:
    base = full().policy
    hours = WeeklyHours(base.hours.zone, base.hours.blocks, closed)
    policy = Policy(name, hours, after_hours, promises=promises)
    again = policy_from_dict(json.loads(json.dumps(policy_to_dict(policy))))
    assert again == policy
    assert policy_digest(again) == policy_digest(policy)
