"""The embedded servers, for real: they lose nothing when their owner or they themselves are killed.

Each test starts real PostgreSQL and Valkey in a directory of its own. An owner that is to be
killed is a process of its own.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
import redis

from service.embedded import Addresses, Servers, throw_away
from service.errors import MachineError

ROOT = Path(__file__).parents[2]
WAIT_MAX_S = 30.0

OWNER = """
import sys
from pathlib import Path
from service.embedded import Servers
servers = Servers(Path(sys.argv[1]))
servers.start()
print(servers.database_url, servers.redis_url, flush=True)
sys.stdin.read()
"""


def wait_for(condition: Callable[[], bool]) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + WAIT_MAX_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.02)


@contextmanager
def owner_process(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], Addresses]]:
    """Another process that owns the servers of `data_dir`; killed outright at the end."""
    command = [sys.executable, "-c", OWNER, str(data_dir)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            database_url, redis_url = process.stdout.readline().split()
            yield process, Addresses(database_url, redis_url)
        finally:
            process.kill()


def remember(at: Addresses) -> None:
    """Put a row into PostgreSQL and a key into Valkey."""
    with psycopg.connect(at.database_url) as connection:
        connection.execute("create table memory (word text)")
        connection.execute("insert into memory values ('row')")
    with redis.Redis.from_url(at.redis_url) as client:
        client.set("memory", "key")


def recall(at: Addresses) -> tuple[str, str]:
    """What `remember` put there."""
    with psycopg.connect(at.database_url) as connection:
        row = connection.execute("select word from memory").fetchone()
    with redis.Redis.from_url(at.redis_url, decode_responses=True) as client:
        return (row[0] if row else "nothing", str(client.get("memory")))


def addresses(servers: Servers) -> Addresses:
    assert servers.database_url is not None
    assert servers.redis_url is not None
    return Addresses(servers.database_url, servers.redis_url)


def answers(at: Addresses) -> bool:
    try:
        recall(at)
    except (psycopg.OperationalError, redis.RedisError):
        return False
    return True


def kill(pid: int) -> None:
    subprocess.run(["kill", "-9", str(pid)], check=True)


def test_the_next_owner_finds_what_a_killed_one_left(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (owner, at):
        remember(at)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        assert recall(at) == ("row", "key"), "the servers outlive their owner"
        left_behind = int((tmp_path / "postgres/postmaster.pid").read_text().split()[0])

        with Servers(tmp_path) as servers:
            assert recall(addresses(servers)) == ("row", "key")
            assert left_behind not in servers.pids().values()
        assert not answers(at)


def test_a_killed_server_comes_back_with_its_data(tmp_path: Path) -> None:
    with Servers(tmp_path) as servers:
        at = addresses(servers)
        remember(at)

        def is_back(name: str, killed: int) -> bool:
            servers.keep_running()
            return servers.pids().get(name, killed) != killed and answers(at)

        for name in ("postgres", "valkey"):
            killed = servers.pids()[name]
            kill(killed)
            wait_for(partial(is_back, name, killed))
            assert recall(at) == ("row", "key")
        before = servers.pids()
        servers.keep_running()
        assert servers.pids() == before, "what runs is left alone"


def test_a_second_owner_is_told_who_is_the_first(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (owner, at):
        second = Servers(tmp_path)
        with pytest.raises(MachineError, match=f"in use by process {owner.pid}"):
            second.start()
        second.stop()
        remember(at)
        assert recall(at) == ("row", "key"), "the refused one must not disturb the first"
        owner.kill()
        owner.wait()
    with Servers(tmp_path) as third:
        assert recall(addresses(third)) == ("row", "key"), "the lock goes with its holder"


def test_nothing_is_lost_and_nothing_is_open_to_others(tmp_path: Path) -> None:
    with Servers(tmp_path / "data") as servers:
        at = addresses(servers)
        with psycopg.connect(at.database_url) as connection:

            def setting(name: str) -> str:
                row = connection.execute("select current_setting(%s)", [name]).fetchone()
                return str(row[0]) if row else ""

            assert [setting(n) for n in ("fsync", "synchronous_commit")] == ["on", "on"]
            assert setting("listen_addresses") == ""
            assert setting("timezone") == "UTC"
            assert setting("server_encoding") == "UTF8"
        with redis.Redis.from_url(at.redis_url, decode_responses=True) as client:
            config = client.config_get("*")
            assert config["appendonly"] == "yes"
            assert config["appendfsync"] == "everysec"
            assert config["maxmemory-policy"] == "noeviction"
            assert config["port"] == "0"
        for private in ("", "sockets", "postgres", "valkey"):
            assert (tmp_path / "data" / private).stat().st_mode & 0o077 == 0


def test_a_deep_directory_gets_its_sockets_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("deep " * 20) / "and, deeper"
    with Servers(deep) as servers:
        remember(addresses(servers))
        sockets = Path((deep / "sockets.at").read_text().strip())
        assert (sockets / "valkey.sock").exists()
        assert sockets.stat().st_mode & 0o077 == 0
    assert not sockets.exists()
    with Servers(deep) as servers:
        assert recall(addresses(servers)) == ("row", "key")


def test_a_first_start_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    half_made = tmp_path / "postgres.new-half"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    with Servers(tmp_path, durable=False, with_valkey=False) as servers:
        assert servers.redis_url is None
        assert servers.pids().keys() == {"postgres"}
    assert not half_made.exists()


def test_data_of_another_version_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/PG_VERSION").write_text("17\n")
    servers = Servers(tmp_path, with_valkey=False)
    with pytest.raises(MachineError, match="made by PostgreSQL 17 and this is 18"):
        servers.start()
    assert (tmp_path / "postgres/PG_VERSION").read_text() == "17\n"


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with Servers(tmp_path, durable=False, with_valkey=False):
        pass
    (tmp_path / "postgres/postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(MachineError, match="no_such_setting"):
        Servers(tmp_path, durable=False, with_valkey=False).start()


def test_a_thrown_away_pair_leaves_nothing() -> None:
    with throw_away() as at:
        remember(at)
        assert recall(at) == ("row", "key")
    assert not answers(at)
    assert not Path(at.redis_url.removeprefix("unix://")).parents[1].exists()
