"""A worker on its own, as a service unit runs it: patient while Redis is away, quick to end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from service.embedded import Servers
from service.ledger import health
from service.ledger.engine import Ledger

ROOT = Path(__file__).parents[2]
WAIT_MAX_S = 30.0


def wait_for(condition: Callable[[], bool]) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + WAIT_MAX_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.05)


@contextmanager
def worker(database_url: str, redis_url: str, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("SPEEDTOLEAD_")} | {
        "SPEEDTOLEAD_DATABASE_URL": database_url,
        "SPEEDTOLEAD_REDIS_URL": redis_url,
        "SPEEDTOLEAD_DATA_DIR": str(home),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "service.cli", "worker", "--threads", "2"]
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=env, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def beats(ledger: Ledger, pid: int) -> bool:
    """Whether the worker has said in the ledger that it lives."""
    with ledger.transaction() as conn:
        return f"worker:{socket.gethostname()}:{pid}" in {beat.name for beat in health.beats(conn)}


def test_it_waits_for_redis_and_outlives_its_going(
    fresh_ledger: Ledger, fresh_ledger_url: str, tmp_path: Path
) -> None:
    """It lives and sends from the start, is on the queue once there is one, and again after."""
    servers = Servers(tmp_path / "valkey", with_postgres=False, durable=False)
    redis_url = f"unix://{tmp_path}/valkey/sockets/valkey.sock"
    (tmp_path / "home").mkdir()

    def on_the_queue() -> bool:
        with redis.Redis.from_url(redis_url) as client:
            names = client.smembers("rq:workers")
            return any(client.hget(name, "state") == b"idle" for name in names)

    with worker(fresh_ledger_url, redis_url, tmp_path / "home") as process:
        wait_for(lambda: beats(fresh_ledger, process.pid))
        assert process.poll() is None
        for _ in range(2):
            with servers:
                assert servers.redis_url == redis_url
                wait_for(on_the_queue)
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_MAX_S) == 0
    assert "Traceback" not in (tmp_path / "home/log").read_text()


def test_it_ends_when_told_while_redis_is_away(fresh_ledger_url: str, tmp_path: Path) -> None:
    with worker(fresh_ledger_url, f"unix://{tmp_path}/none.sock", tmp_path) as process:
        wait_for(lambda: b'"queue"' in (tmp_path / "log").read_bytes())
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_MAX_S) == 0
