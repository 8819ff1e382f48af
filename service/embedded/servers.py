"""Both servers together: one directory, one owner, one life.

This file must not know how either server is run.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from service.embedded import postgres, valkey
from service.embedded.account import account_for
from service.embedded.directory import DataDirectory
from service.embedded.server import Server


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the two servers are to be found."""

    database_url: str
    redis_url: str


class Servers:
    """PostgreSQL and Valkey on the data in `data_dir`, from `start()` to `stop()`.

    `with Servers(path) as servers:` starts and stops them. `durable=False` is for tests only: a
    power failure may then cost the data (a kill -9 still does not). Either server may be left
    out, when the operator has one. Not for use from two threads.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        with_postgres: bool = True,
        with_valkey: bool = True,
        durable: bool = True,
    ) -> None:
        self._directory = DataDirectory(data_dir)
        self._with_postgres = with_postgres
        self._with_valkey = with_valkey
        self._durable = durable
        self._running: dict[str, Server] = {}
        self.database_url: str | None = None
        self.redis_url: str | None = None

    def start(self) -> None:
        """Start what was asked for and return when it answers; then both URLs are known.

        Takes about 0.5 s, the first time on a directory 1 s; longer after a power failure.

        Raises:
            MachineError: another process owns the directory, or a server does not start.
        """
        self._directory.take()
        try:
            self._start_all()
        except BaseException:  # Ctrl-C too must not leave half of it running
            self.stop()
            raise

    def keep_running(self) -> None:
        """Start again a server that has died. Returns at once; call it a few times a second."""
        for server in self._running.values():
            server.keep_running()

    def stop(self) -> None:
        """End both in good order and give up the directory. Harmless when nothing runs.

        Raises:
            MachineError: a server does not end; the directory is given up all the same.
        """
        if not self._directory.held:
            return  # what runs there is somebody else's
        try:
            for server in self._running.values():
                server.end()
            self._directory.forget_sockets()
        finally:
            self._running = {}
            self._directory.release()

    def pids(self) -> dict[str, int]:
        """The pids of the servers that run now: `postgres`, `valkey`."""
        return {name: s.pid for name, s in self._running.items() if s.pid is not None}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start_all(self) -> None:
        path = self._directory.path
        account = account_for(path / "postgres")
        sockets = self._directory.sockets(account)
        if self._with_valkey:
            valkey.ensure_data(path / "valkey", account)
            how = valkey.plan(path / "valkey", sockets, path / "valkey.log", durable=self._durable)
            self._running["valkey"] = Server(how, account)
            self.redis_url = valkey.address(sockets)
        if self._with_postgres:
            how = postgres.plan(
                path / "postgres", sockets, path / "postgres.log", durable=self._durable
            )
            self._running["postgres"] = Server(how, account)
            self.database_url = postgres.address(sockets)
        for server in self._running.values():
            server.end_left_behind()
        if self._with_postgres:
            postgres.ensure_data(path / "postgres", account)
        for server in self._running.values():
            server.start()
        for server in self._running.values():
            server.await_answers()


@contextmanager
def throw_away() -> Iterator[Addresses]:
    """A fresh pair of servers for tests, gone with all its data at the end: about a second."""
    home = Path(tempfile.mkdtemp(prefix="speedtolead-"))
    try:
        with Servers(home, durable=False) as servers:
            assert servers.database_url is not None
            assert servers.redis_url is not None
            yield Addresses(servers.database_url, servers.redis_url)
    finally:
        shutil.rmtree(home, ignore_errors=True)
