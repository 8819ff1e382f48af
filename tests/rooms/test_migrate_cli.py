"""What an operator sees: `migrate` and its check, and processes that were started too early."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from service.cli.team_in import bring_up_to_date, team_in
from service.config import Settings, load
from service.errors import ConfigError
from service.ledger.migrations import revision_of
from service.ledger.revision import newest
from tests.rooms.migrations_world import (
    MIGRATING,
    asks_for_its_lock,
    bring_to,
    connection,
    value,
)
from tests.story.patience import until
from tests.story.processes import STOPPED_WITHIN_S

EmptyDatabase = Callable[[str | None], str]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "team.example.yaml"
WANTED = f"the ledger is at 0001, this version needs {newest()}: run `speedtolead migrate`"


@pytest.fixture
def old_url(empty_database: EmptyDatabase) -> str:
    """A ledger of the first revision."""
    return bring_to(empty_database(None), "0001")


@pytest.fixture
def env(old_url: str, tmp_path: Path) -> dict[str, str]:
    """That ledger, no queue, and a data directory of its own."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("SPEEDTOLEAD_")}
    return others | {
        "SPEEDTOLEAD_DATABASE_URL": old_url,
        "SPEEDTOLEAD_REDIS_URL": f"unix://{tmp_path}/none.sock",
        "SPEEDTOLEAD_DATA_DIR": str(tmp_path / "data"),
        "PYTHONPATH": str(ROOT),
    }


def argv(*words: str) -> list[str]:
    return [sys.executable, "-m", "service.cli", *words]


def run(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv(*words), env=env, capture_output=True, text=True, timeout=60)


def test_the_check_says_what_is_wanted_and_then_that_all_is_well(
    env: dict[str, str], old_url: str
) -> None:
    before = run(env, "migrate", "--check")
    assert (before.returncode, before.stdout) == (1, "")
    assert before.stderr == f"{WANTED}\n"
    assert revision_of(old_url) == "0001", "a check changes nothing"
    assert run(env, "migrate").stdout == f"the ledger is at schema {newest()}\n"
    after = run(env, "migrate", "--check")
    assert (after.returncode, after.stdout) == (0, f"the ledger is at schema {newest()}\n")


def test_a_user_without_rights_is_told_in_a_line(env: dict[str, str], old_url: str) -> None:
    with connection(old_url) as owner:
        owner.execute(text("drop role if exists a_guest"))
        owner.execute(text("create role a_guest login"))
        owner.commit()
    as_guest = make_url(old_url).set(username="a_guest")
    try:
        env["SPEEDTOLEAD_DATABASE_URL"] = as_guest.render_as_string(hide_password=False)
        for words in (("migrate",), ("migrate", "--check"), ("alive", "sweep")):
            refused = run(env, *words)
            assert refused.returncode == 1
            assert "permission denied for table" in refused.stderr.splitlines()[-1]
            assert "Traceback" not in refused.stderr
    finally:
        with connection(old_url) as owner:
            owner.execute(text("drop role a_guest"))
            owner.commit()


def test_killed_outright_it_holds_nobody_up_and_is_run_again(
    env: dict[str, str], old_url: str, tmp_path: Path
) -> None:
    """Killed in the middle of an index, which waits for a backup's snapshot."""
    sessions = "select count(*) from pg_stat_activity where application_name = :name"
    with connection(old_url, isolation_level="REPEATABLE READ") as backup:
        backup.exec_driver_sql("select count(*) from beat")
        with started(env, tmp_path / "log", "migrate") as killed:
            until(lambda: asks_for_its_lock(old_url), "it waits for the backup")
            killed.kill()
        until(lambda: not value(old_url, sessions, name=MIGRATING), "PostgreSQL noticed its end")
    invalid = "select count(*) from pg_index where not indisvalid"
    assert value(old_url, invalid) == 1
    assert run(env, "migrate").returncode == 0
    assert value(old_url, invalid) == 0
    assert revision_of(old_url) == newest()


@contextmanager
def started(env: dict[str, str], log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file, subprocess.Popen(argv(*words), env=env, stderr=file) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("process", ["worker", "sweep"])
def test_a_process_started_too_early_says_what_it_waits_for(
    process: str, env: dict[str, str], old_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with started(env, log, process) as early:
        until(lambda: WANTED in log.read_text(), "it says what it waits for")
        assert early.poll() is None
        assert run(env, "migrate", "--team", str(EXAMPLE)).returncode == 0
        until(lambda: value(old_url, "select count(*) from beat"), "it is at work")
        early.send_signal(signal.SIGTERM)
        assert early.wait(STOPPED_WITHIN_S) == 0
    assert log.read_text().count(WANTED) == 1
    assert "Traceback" not in log.read_text()


def test_a_process_that_waits_ends_when_told(env: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started(env, log, "web") as early:
        until(lambda: WANTED in log.read_text(), "it says what it waits for")
        early.send_signal(signal.SIGTERM)
        assert early.wait(STOPPED_WITHIN_S) == 0


def settings(url: str, home: Path) -> Settings:
    return load(database_url=url, data_dir=home)


def test_one_goes_back_to_the_version_before_with_up_and_not_with_migrate(
    fresh_ledger_url: str, tmp_path: Path
) -> None:
    """A newer version has migrated; this one's `up` runs on it and loads its team."""
    here = settings(fresh_ledger_url, tmp_path)
    team = team_in(EXAMPLE, here)
    with connection(fresh_ledger_url) as conn, conn.begin():
        conn.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(ConfigError, match="newer than this version knows"):
        bring_up_to_date(here, team)
    assert bring_up_to_date(here, team, newer_will_do=True) == "9999"
    with connection(fresh_ledger_url) as conn:
        assert conn.exec_driver_sql("select generation from team_copy").scalar() == 1
