"""The team file's watch: what changed is loaded, what is older or broken never is."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.clock import SystemClock
from service.desk.desk import Desk
from service.desk.links import Links
from service.desk.present import Present, load_team
from service.ledger import people
from service.ledger.engine import Ledger
from service.team.file import read_team
from service.team.week import years_around
from workers.team_file import TeamFile

EXAMPLE = (Path(__file__).parents[2] / "team.example.yaml").read_text()


def named(name: str) -> str:
    """The example, of a team of another name."""
    return EXAMPLE.replace("Sunrise Solar", name)


@pytest.fixture
def desk(fresh_ledger: Ledger) -> Desk:
    present = Present(fresh_ledger)
    links = Links("http://127.0.0.1:8000", "a key that signs nothing here")
    return Desk(fresh_ledger, SystemClock(), lambda _: True, present, links)


def load(desk: Desk, path: Path) -> None:
    """As `migrate` does."""
    now = desk.clock.now()
    assert load_team(desk.ledger, read_team(path, years_around(now)), now)


def team_of(desk: Desk) -> str:
    with desk.ledger.transaction() as conn:
        copy = people.team(conn)
    assert copy is not None
    return str(Present(desk.ledger).crew().team.name)


def test_a_change_is_loaded_and_no_change_is_not(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "team.yaml"
    path.write_text(EXAMPLE)
    load(desk, path)
    watch = TeamFile(desk, path)
    assert [watch.once(), watch.once()] == [False, False]
    path.write_text(named("Midday Solar"))
    assert [watch.once(), watch.once()] == [True, False]
    assert team_of(desk) == "Midday Solar"
    path.write_text(EXAMPLE)
    assert watch.once(), "back again is a change too"
    assert team_of(desk) == "Sunrise Solar"


def test_a_ledger_without_a_team_gets_the_file(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "team.yaml"
    path.write_text(EXAMPLE)
    assert TeamFile(desk, path).once()
    assert team_of(desk) == "Sunrise Solar"


def test_a_file_that_became_invalid_is_said_once_and_the_team_stays(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "team.yaml"
    path.write_text(EXAMPLE)
    load(desk, path)
    watch = TeamFile(desk, path)
    watch.once()
    with capture_logs() as lines:
        path.write_text(EXAMPLE.replace("turn:", "turns:"))
        assert [watch.once(), watch.once()] == [False, False]
        path.unlink()
        assert [watch.once(), watch.once()] == [False, False]
    assert [line["log_level"] for line in lines] == ["error", "error"]
    assert team_of(desk) == "Sunrise Solar"
    path.write_text(named("Midday Solar"))
    assert watch.once()
    assert team_of(desk) == "Midday Solar"


def test_an_older_copy_never_turns_a_newer_one_back(desk: Desk, tmp_path: Path) -> None:
    here, there = tmp_path / "here.yaml", tmp_path / "there.yaml"
    for path in (here, there):
        path.write_text(EXAMPLE)
    load(desk, here)
    near, far = TeamFile(desk, here), TeamFile(desk, there)
    for watch in (near, far):
        watch.once()
    for name in ("Midday Solar", "Evening Solar"):
        here.write_text(named(name))
        assert near.once()
    assert not far.once(), "a copy that did not change asks for nothing"
    there.write_text(named("Midday Solar"))  # the first of two updates arrives there, late
    assert not far.once()
    assert team_of(desk) == "Evening Solar"
    there.write_text(named("Evening Solar"))
    far.once()
    assert team_of(desk) == "Evening Solar"
    there.write_text(named("Night Solar"))
    assert far.once(), "one that has caught up may lead"
    assert team_of(desk) == "Night Solar"


def test_at_a_start_it_only_says_that_file_and_ledger_differ(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "team.yaml"
    path.write_text(EXAMPLE)
    load(desk, path)
    path.write_text(named("Midday Solar"))
    with capture_logs() as lines:
        assert not TeamFile(desk, path).once()
    assert [line["log_level"] for line in lines] == ["warning"]
    assert team_of(desk) == "Sunrise Solar"
