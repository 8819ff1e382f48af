"""The team file as the documentation describes it, against the code that reads it: the same keys,
in both directions, the same defaults, and examples that are good."""

from __future__ import annotations

import re

import pytest
import yaml

from service.rules.duty import Rotate
from service.rules.policy import DEFAULT_LADDER, AfterHours, Calls, Promises, TurnKind
from service.rules.timeline import RUNG_AUDIENCES
from service.team import crew, promised, supply, week
from service.team.file import KEYS, parse_team
from service.team.problem import TeamFileError
from service.team.team import SourceKind
from tests.test_docs import CODE, Block, blocks, named_in, read

YEARS = (2026, 2027)

# A team with nothing but what must be there; a block of the documentation replaces keys of it.
LEAST = {
    "team": "team: T",
    "timezone": "timezone: America/New_York",
    "carrier": 'carrier: {pages_from: "+15005550006"}',
    "reps": 'reps: [{id: ann, phone: "+12125550101"}]',
    "managers": 'managers: [{id: mia, phone: "+12125550109", last_resort: true}]',
}


# A heading of configuration.md, the words that start its table's head, and the keys in it.
KEY_TABLES: dict[tuple[str, str], set[str]] = {
    ("### Top level", "| key "): set(KEYS),
    ("### carrier", "| key "): set(crew._CARRIER_KEYS),
    ("### hours, holidays, after_hours", "| key of `holidays` "): set(week._HOLIDAY_KEYS),
    ("### hours, holidays, after_hours", "| `after_hours` "): set(map(str, AfterHours)),
    ("### reps and managers", "| key "): {*crew._REP_KEYS, *crew._MANAGER_KEYS},
    ("### shifts and turn", "| key of a shift "): set(crew._SHIFT_KEYS),
    ("### shifts and turn", "| `turn` "): set(map(str, TurnKind)),
    ("### sources", "| key "): set(supply._EVERY_KEY),
    ("### ladder", "| key "): set(promised._RUNG_KEYS),
    ("### promises", "| key "): set(promised._PROMISE_KEYS),
    ("### calls", "| key "): set(promised._CALL_KEYS),
}


def rows_under(heading: str, head: str) -> list[list[str]]:
    """The cells of the table whose head starts so, in the section of this heading."""
    section = read("configuration.md").partition(f"{heading}\n")[2]
    section = re.split(r"^#{2,3} ", section, flags=re.MULTILINE)[0]
    lines = (head + section.partition(head)[2]).splitlines()[2:]
    rows = lines[: lines.index("")] if "" in lines else lines
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize(("heading", "head"), KEY_TABLES, ids=" ".join)
def test_a_table_of_the_team_file_has_the_keys_that_are_read_and_no_other(
    heading: str, head: str
) -> None:
    listed = [key for row in rows_under(heading, head) for key in CODE.findall(row[0])]
    assert sorted(listed) == sorted(KEY_TABLES[heading, head])


def test_every_word_that_a_key_may_have_is_documented() -> None:
    named = named_in(read("configuration.md"))
    known = {str(word) for words in (SourceKind, Rotate, RUNG_AUDIENCES) for word in words}
    assert known <= named, known - named


def test_the_kinds_of_a_source_have_the_keys_that_the_table_says() -> None:
    for key, kinds, needed, *_ in rows_under("### sources", "| key "):
        said = set(SourceKind) if kinds == "all" else set(kinds.split(", "))
        assert said == {kind for kind, keys in supply._KEYS.items() if key.strip("`") in keys}, key
        assert needed in ("yes", "")


def test_the_table_says_which_keys_are_needed() -> None:
    for key, needed, *_ in rows_under("### Top level", "| key "):
        name = key.strip("`")
        rest = "\n".join(text for held, text in LEAST.items() if held != name)
        if needed == "yes":
            with pytest.raises(TeamFileError, match=name):
                parse_team(rest, "team.yaml", (2026, 2027))
        elif not needed:
            parse_team(rest, "team.yaml", (2026, 2027))


def test_the_defaults_shown_are_the_defaults() -> None:
    shown = {
        key: block.text
        for block in blocks("yaml")
        if block.path.name == "configuration.md"
        for key in ("ladder", "promises", "calls")
        if block.text.startswith(f"{key}:")
    }
    policy = parse_team("\n".join([*LEAST.values(), *shown.values()]), "t", (2026, 2027)).policy
    assert set(shown) == {"ladder", "promises", "calls"}
    assert (policy.ladder, policy.promises, policy.calls) == (
        DEFAULT_LADDER,
        Promises(),
        Calls(),
    )


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_every_piece_of_a_team_file_is_good(block: Block) -> None:
    given = yaml.safe_load(block.text)
    kept = [text for key, text in LEAST.items() if key not in given]
    team = parse_team("\n".join([*kept, block.text]), "team.yaml", (2026, 2027))
    assert team.people
