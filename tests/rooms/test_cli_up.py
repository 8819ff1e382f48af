"""`speedtolead up` as a person runs it: real processes, real servers, one data directory.

The tests of this file share one running `up`, and go from the gentle to the rough. Processes are
watched through a pipe that all of them inherit: it ends when the last one has.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from service.cli import main

ROOT = Path(__file__).parents[2]
WAIT_MAX_S = 60.0
FOOTER = b"Ctrl-C stops everything"


def wait_for(condition: Callable[[], bool]) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + WAIT_MAX_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.05)


def two_free_ports() -> int:
    """A port that is free, and so is the next."""
    for _ in range(100):
        with closing(socket.socket()) as one, closing(socket.socket()) as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                two.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no two free ports side by side")


def environment(**ours: str) -> dict[str, str]:
    """This environment without settings of the machine's user, and with these."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("SPEEDTOLEAD_")}
    others.pop("WEBSITE_KEY", None)
    settings = {f"SPEEDTOLEAD_{name}": value for name, value in ours.items()}
    # A company's proxy stands outside: what is on this machine is never asked through it.
    proxy = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    return others | settings | proxy | {"PYTHONPATH": str(ROOT)}


def speedtolead(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *words],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=WAIT_MAX_S,
        check=False,
    )


def says(*words: str) -> Result:
    """Run a command that ends by itself and takes nothing over: here, which saves its start."""
    unset = {name: None for name in os.environ if name.startswith("SPEEDTOLEAD_")}
    return CliRunner().invoke(main, list(words), env={**unset, "WEBSITE_KEY": None})


@dataclass
class Up:
    """One `up` on a data directory of its own, started as often as a test likes."""

    data_dir: Path
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None
    said: str = ""

    def start(self) -> None:
        """Start it and return when it is ready; `said` is what it then says."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "up", *self.words, "--workers", "1"],
                cwd=ROOT,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=log,
            )
        ready = self._read(lambda said: FOOTER in said and said.endswith(b"\n"))
        self.said = ready.decode()

    @property
    def words(self) -> tuple[str, ...]:
        return ("--port", str(self.port), "--data-dir", str(self.data_dir))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def everything_ends(self) -> int:
        """Wait until the last process has let go of the pipe; the exit status."""
        assert self.process is not None
        self._read(lambda _: False)
        return self.process.wait(WAIT_MAX_S)

    def _read(self, enough: Callable[[bytes], bool]) -> bytes:
        assert self.process is not None
        assert self.process.stdout is not None
        said, deadline = b"", time.monotonic() + WAIT_MAX_S
        while not enough(said):
            left_s = deadline - time.monotonic()
            assert left_s > 0, f"it did not come to pass; {self.log.read_text()[-2000:]}"
            if select.select([self.process.stdout], [], [], left_s)[0]:
                more = os.read(self.process.stdout.fileno(), 65_536)
                if not more:
                    break
                said += more
        return said

    def running(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data_dir / "run/up.json").read_text())
        return found

    def server_pids(self) -> list[int]:
        files = ("postgres/postmaster.pid", "valkey/valkey.pid")
        return [int((self.data_dir / name).read_text().split()[0]) for name in files]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    home = tmp_path_factory.mktemp("up")
    running = Up(home / "data", two_free_ports(), home / "log")
    running.start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.process.terminate()
        running.everything_ends()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def lead(up: Up) -> subprocess.CompletedProcess[str]:
    """The command that `up` itself shows."""
    example = next(line for line in up.said.splitlines() if " lead --source " in line)
    return subprocess.run(
        ["/bin/sh", "-c", example],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=WAIT_MAX_S,
        check=False,
    )


def test_everything_answers_once_it_says_so(up: Up) -> None:
    assert requests.get(f"{up.url}/ready", timeout=5).status_code == 200
    for place in (f"{up.url}/", f"http://127.0.0.1:{up.port + 1}/sandbox", f"{up.url}/metrics"):
        assert place in up.said
        assert requests.get(place, timeout=5).status_code == 200


def test_the_command_it_shows_pages_a_rep(up: Up) -> None:
    shown = lead(up)
    assert shown.returncode == 0, shown.stderr
    lead_id = shown.stdout.split()[1]
    phones = f"http://127.0.0.1:{up.port + 1}/sandbox/api/phones"

    def paged() -> bool:
        held = requests.get(phones, timeout=5).json()["phones"]
        return any("LEAD Dana Fox" in text["body"] for phone in held for text in phone["texts"])

    wait_for(paged)
    token = json.loads((up.data_dir / "demo_token.json").read_text())["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    told = requests.get(f"{up.url}/leads/{lead_id}", headers=bearer, timeout=5).json()
    assert [event["event"] for event in told["timeline"]][:2] == ["arrived", "paged"]


def test_a_wrong_key_and_a_wrong_address_are_said_so(up: Up) -> None:
    words = ("lead", "--source", "website", "--name", "Dana", "--data-dir", str(up.data_dir))
    refused = says(*words, "--phone", "+1 212 555 0199", "--key", "wrong")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("401 ")
    nowhere = says(*words, "--phone", "+1 212 555 0199", "--url", "http://127.0.0.1:9")
    assert nowhere.exit_code == 1
    assert "http://127.0.0.1:9/leads/website does not answer" in nowhere.stderr
    assert "Traceback" not in refused.stderr + nowhere.stderr


def test_a_token_opens_and_a_revoked_one_does_not(up: Up) -> None:
    here = ("--data-dir", str(up.data_dir))

    def made() -> str:
        said = says("token", "create", "--role", "api", *here)
        assert said.exit_code == 0, said.stderr
        return said.stdout.strip()

    def asked(token: str) -> int:
        bearer = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{up.url}/leads", headers=bearer, timeout=5).status_code

    kept, shut_out = made(), made()
    assert says("token", "revoke", shut_out, *here).exit_code == 0
    assert (asked(kept), asked(shut_out)) == (200, 401)
    again = says("token", "revoke", shut_out, *here)
    assert again.exit_code == 1
    assert again.stderr == "there is no such token, or it was revoked before\n"


def test_what_it_keeps_is_for_its_user_alone(up: Up) -> None:
    for name in ("run/up.json", "demo_keys.json", "demo_token.json", "secret_key"):
        assert (up.data_dir / name).stat().st_mode & 0o077 == 0, name
    assert "WEBSITE_KEY" not in up.log.read_text()


def test_a_second_one_is_refused_before_anything_starts(up: Up, tmp_path: Path) -> None:
    other = tmp_path / "data"
    second = speedtolead("up", "--port", str(up.port), "--data-dir", str(other))
    assert second.returncode == 1
    assert f"port {up.port} on 127.0.0.1 (the front door) cannot be used" in second.stderr
    assert not other.exists()
    beside = speedtolead("up", "--port", str(two_free_ports()), "--data-dir", str(up.data_dir))
    assert beside.returncode == 1
    assert f"in use by process {up.running()['pid']}" in beside.stderr
    assert requests.get(f"{up.url}/ready", timeout=5).status_code == 200


def test_killed_outright_it_leaves_no_child_and_starts_again_on_its_data(up: Up) -> None:
    assert up.process is not None
    keys = up.running()["keys"]
    up.process.kill()
    assert up.everything_ends() == -signal.SIGKILL
    left_behind = up.server_pids()

    up.start()

    assert not any(is_alive(pid) for pid in left_behind)
    assert up.running()["keys"] == keys
    shown = lead(up)
    assert shown.returncode == 0, shown.stderr
    assert "asked before" in shown.stdout, "the lead from before the kill is still open"


def test_told_to_stop_it_stops_everything(up: Up) -> None:
    assert up.process is not None
    servers = up.server_pids()
    up.process.terminate()
    assert up.everything_ends() == 0
    assert not any(is_alive(pid) for pid in servers)
    assert list((up.data_dir / "run").iterdir()) == []
    errors = [line for line in up.log.read_text().splitlines() if '"level": "error"' in line]
    assert errors == []
    gone = says("token", "create", "--role", "api", "--data-dir", str(up.data_dir))
    assert gone.exit_code == 1
    assert "no `speedtolead up` runs on this data directory" in gone.stderr
