"""Everything a measurement runs on: the servers, the product's processes, the bare pipeline's.

The product runs as `up` runs it: the same commands, each a process of its own, on the embedded
PostgreSQL and Valkey with their durable settings. The bare pipeline shares both servers.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from service.clock import SystemClock
from service.desk.present import load_team
from service.embedded import Servers
from service.ledger.engine import Ledger
from service.ledger.migrations import migrate
from service.team.file import read_team
from tests.bench import bare
from tests.bench.carrier import ACCOUNT_SID, AUTH_TOKEN
from tests.bench.processor import cpu_by_pid, tree_s
from tests.bench.traffic import Door

PATIENCE_S = 30.0
LOOK_EVERY_S = 0.05
STOP_WITHIN_S = 12.0
SOURCE_KEY = "the-key-of-the-website"
REPS = 100
COMPLAINTS_MAX = 20


def team_text(reps: int = REPS) -> str:
    """A team whose second rung is half an hour off, so that only first pages are measured; so many
    reps in turn that at the pace of `latency` none of them gets a lead while resting from one."""
    people = "\n".join(
        f'  - {{id: r{number}, name: Rep {number}, phone: "+1212555{number:04}"}}'
        for number in range(reps)
    )
    listed = ", ".join(f"r{number}" for number in range(reps))
    return f"""
team: Bench
timezone: America/New_York
carrier: {{pages_from: "+15005550006", leads_from: "+15005550007", calls_per_second: 100}}
hours: {{mon-sun: "00:00-24:00"}}
reps:
{people}
managers:
  - {{id: mia, name: Mia Fox, phone: "+12125559999", last_resort: true}}
shifts:
  - {{days: mon-sun, from: "00:00", to: "24:00", reps: [{listed}]}}
sources:
  - {{id: website, kind: json, key: {SOURCE_KEY}, per_minute: 100000}}
turn: round-robin
ladder:
  - {{at: 0s, page: on-duty, by: text}}
  - {{at: 30m, page: managers, by: text}}
"""


def pause(seconds: float) -> None:
    """Let the others work. Only ever between two looks at a condition, or until an instant."""
    threading.Event().wait(seconds)


def wait_until(true: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
    """Ask until it is true. Raises RuntimeError when patience ends."""
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {within_s:.0f} s in vain: {what}")
        pause(LOOK_EVERY_S)


@dataclass(frozen=True, slots=True)
class Came:
    """A request to the carrier: when (monotonic ns), for which number, in which words, and at which
    path its receipts are awaited."""

    at_ns: int
    to: str
    words: str
    told_at: str

    @property
    def message(self) -> str:
        """The id of the product's message; empty for the bare pipeline's."""
        return self.told_at.removesuffix("/status").rpartition("/")[2]


TOLD = """
select p.name, coalesce(o.carried_by, o.id) from outbox o join person p on p.lead_id = o.lead_id
where o.kind = 'page_text' and o.taken_clock is not null
"""


@dataclass
class House:
    """What runs. `cpu_s` tells how much of the processors each part has used."""

    home: Path
    database_url: str
    redis_url: str
    servers: dict[str, int]
    carrier_port: int
    web_port: int
    bare_port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def web(self) -> Door:
        return Door(self.web_port, "/leads/website", SOURCE_KEY)

    @property
    def bare(self) -> Door:
        return Door(self.bare_port, "/leads")

    @property
    def bare_database_url(self) -> str:
        return make_url(self.database_url).set(database="bare").render_as_string(False)

    def start_carrier(self) -> None:
        self._run("carrier", "-m", "tests.bench.carrier", str(self.carrier_port))
        wait_until(lambda: listens(self.carrier_port), "the carrier listens")

    def start_product(self, workers: int, web: bool = True) -> None:
        """Its processes, as `up` starts them; returns when all of them work."""
        if web:
            self._run("web", "-m", "service.cli", "web")
            wait_until(lambda: listens(self.web_port), "the web process listens")
        for number in range(1, workers + 1):
            self._run(f"worker-{number}", "-m", "service.cli", "worker")
        self._run("sweep", "-m", "service.cli", "sweep")
        wait_until(lambda: self._beats() >= workers + 1, "workers and sweep are alive")

    def start_bare(self, workers: int, web: bool = True) -> None:
        """The bare pipeline's processes."""
        with psycopg.connect(self.database_url, autocommit=True) as conn:
            conn.execute("create database bare")
        with psycopg.connect(self.bare_database_url, autocommit=True) as conn:
            conn.execute(bare.TABLE)
        if web:
            self._run("bare-web", "-m", "tests.bench.bare", "web", str(self.bare_port))
            wait_until(lambda: listens(self.bare_port), "the bare endpoint listens")
        for number in range(1, workers + 1):
            self._run(f"bare-worker-{number}", "-m", "tests.bench.bare", "worker")

    def reset_carrier(self, delay_s: float = 0.0, receipts: bool = False) -> None:
        """Forget what came, and answer from now on after so long, with or without receipts."""
        ask(self.carrier_port, f"/bench/reset?delay_s={delay_s}&receipts={int(receipts)}")

    def arrivals(self) -> list[Came]:
        """What came to the carrier."""
        return [Came(*each) for each in ask(self.carrier_port, "/bench/arrivals")]

    def messages_by_name(self) -> dict[str, list[str]]:
        """Which messages told of each lead: several leads may share one, and its words then name
        only those for whom there is room."""
        found: dict[str, list[str]] = {}
        for name, message in self.query(TOLD):
            found.setdefault(name, []).append(message)
        return found

    def query(self, statement: str, *values: Any) -> list[Any]:
        """Ask the ledger from outside."""
        with psycopg.connect(self.database_url) as conn:
            return conn.execute(statement, values or None).fetchall()

    def query_write(self, statement: str, *values: Any) -> None:
        """Change the ledger from outside, as only a bench may."""
        with psycopg.connect(self.database_url) as conn:
            conn.execute(statement, values)

    def ledger(self) -> Ledger:
        return Ledger(self.database_url, application_name="bench")

    def cpu_s(self) -> dict[str, float]:
        """Seconds of processor each part has used so far, its children's included."""
        pids = {name: process.pid for name, process in self.processes.items()} | self.servers
        used = cpu_by_pid()
        return {name: tree_s(pid, used) for name, pid in pids.items()}

    def stop(self, *names: str) -> None:
        """End these processes, or all, in good order."""
        ended = {name: self.processes.pop(name) for name in names or tuple(self.processes)}
        for process in ended.values():
            process.terminate()
        for process in ended.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_WITHIN_S)
            if process.poll() is None:
                process.kill()
                process.wait()

    def complaints(self) -> list[str]:
        """What the product's logs hold of warnings or worse, and the carrier's of anything: each
        kind once, with how often it was said."""
        said: Counter[str] = Counter()
        for log in sorted(self.home.glob("*.log")):
            for line in log.read_text(errors="replace").splitlines():
                kind = line if log.stem == "carrier" else _complaint(line)
                if kind:
                    said[f"{log.stem}: {kind}"] += 1
        return [f"{often} x {kind}" for kind, often in said.most_common(COMPLAINTS_MAX)]

    def _run(self, name: str, *arguments: str) -> None:
        with (self.home / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
            )

    def _environment(self) -> dict[str, str]:
        ours = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "PORT": str(self.web_port),
            "PUBLIC_URL": f"http://127.0.0.1:{self.web_port}",
            "DATA_DIR": str(self.home / "data"),
            "TEAM_FILE": str(self.home / "team.yaml"),
            "SECRET_KEY": "a-key-for-the-bench-that-nobody-else-has",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_API_URL": f"http://127.0.0.1:{self.carrier_port}",
        }
        rest = {
            "BARE_DATABASE_URL": self.bare_database_url,
            "BARE_REDIS_URL": self.redis_url,
            "BARE_ACCOUNT": f"{ACCOUNT_SID}:{AUTH_TOKEN}",
            "BARE_CARRIER": f"http://127.0.0.1:{self.carrier_port}",
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SPEEDTOLEAD_")}
        return inherited | {f"SPEEDTOLEAD_{k}": v for k, v in ours.items()} | rest

    def _beats(self) -> int:
        return int(self.query("select count(*) from beat where name <> 'audit'")[0][0])


def _complaint(line: str) -> str:
    """A log line without what differs from one to the next; empty for one that is no complaint."""
    with suppress(ValueError):
        held = json.loads(line)
        if held.get("level") in ("warning", "error", "critical"):
            return " ".join(
                str(held[key]) for key in ("event", "outcome", "because") if key in held
            )
    return ""


@contextmanager
def house(reps: int = REPS) -> Iterator[House]:
    """A migrated, empty ledger with a team of so many in it; nothing of the product runs yet."""
    home = Path(tempfile.mkdtemp(prefix="speedtolead-bench-"))
    (home / "team.yaml").write_text(team_text(reps))
    try:
        with Servers(home / "servers", durable=True) as servers:
            assert servers.database_url is not None
            assert servers.redis_url is not None
            carrier, web, bare_web = free_ports(3)
            built = House(
                home,
                servers.database_url,
                servers.redis_url,
                servers.pids(),
                carrier,
                web,
                bare_web,
            )
            migrate(built.database_url)
            _load_team(built)
            try:
                yield built
            finally:
                built.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _load_team(built: House) -> None:
    now = SystemClock().now()
    team = read_team(built.home / "team.yaml", (now.year, now.year + 1))
    ledger = built.ledger()
    load_team(ledger, team, now)
    ledger.dispose()


def free_ports(how_many: int) -> list[int]:
    """Ports that are free at this instant, all held until each is known to be another."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(how_many)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, path: str) -> Any:
    """What the bench's carrier answers."""
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        conn.request("GET", path)
        return json.loads(conn.getresponse().read())
    finally:
        conn.close()
