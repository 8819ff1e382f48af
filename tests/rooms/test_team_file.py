"""A team file as a file: read whole or refused, and the one that comes with the product."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.rules.duty import gaps, on_duty
from service.team.file import parse_team, read_team
from service.team.problem import TeamFileError
from service.team.team import resolve_key
from service.team.warn import warnings

EXAMPLE = Path(__file__).parents[2] / "team.example.yaml"
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


def test_the_example_file_pages_somebody_at_any_hour() -> None:
    team = read_team(EXAMPLE, YEARS)
    sunday_at_three = datetime(2025, 11, 23, 8, tzinfo=UTC)
    assert team.policy.hours.is_open(sunday_at_three)
    assert set(on_duty(team.shifts, sunday_at_three)) == {"ann", "bob"}
    year = datetime(2026, 11, 22, tzinfo=UTC)
    assert gaps(team.policy.hours, team.shifts, SATURDAY_NOON, year) == ()
    assert warnings(team, SATURDAY_NOON, environ={"WEBSITE_KEY": "k"}) == ()


def test_a_file_is_read_with_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "team.yaml"
    path.write_text(SMALL, encoding="utf-8-sig")
    assert read_team(path, YEARS) == parse_team(SMALL, "team.yaml", YEARS)


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"team: Caf\xe9\n", "team.yaml:1: found bytes that are not UTF-8, expected text saved"),
        (b"# " * 140_000, "team.yaml:1: found more than 256 KiB, expected"),
    ],
)
def test_a_file_that_is_no_text_of_ours_is_refused(tmp_path: Path, raw: bytes, line: str) -> None:
    path = tmp_path / "team.yaml"
    path.write_bytes(raw)
    with pytest.raises(TeamFileError) as caught:
        read_team(path, YEARS)
    assert str(caught.value).startswith(line)


def test_a_file_that_is_not_there_is_named_whole(tmp_path: Path) -> None:
    path = tmp_path / "team.yaml"
    with pytest.raises(TeamFileError) as caught:
        read_team(path, YEARS)
    assert str(caught.value).startswith(f"{path}:1: found No such file")


@pytest.mark.parametrize(
    ("ref", "environ", "key"),
    [
        ("env:K", {"K": "secret"}, "secret"),
        ("env:K", {"K": "secret\n"}, "secret"),
        ("env:K", {"K": " "}, None),
        ("env:K", {}, None),
        ("public", {}, "public"),
    ],
)
def test_a_key_is_looked_up_or_is_itself(
    ref: str, environ: dict[str, str], key: str | None
) -> None:
    assert resolve_key(ref, environ) == key
