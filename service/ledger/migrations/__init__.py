"""How the ledger's schema came to be, and bringing a ledger to the newest.

Alembic without an ini file: this package is its own environment, so that it works from an
installed wheel. Revisions are frozen: they never import `service.ledger.schema`. From 0002 on
each is made of `steps`, which are taken beside running processes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine

from service.errors import ConfigError, MachineError
from service.ledger.engine import CONNECT_TIMEOUT_S, SILENT_PEER, driver_url, faults_named
from service.ledger.locks import Room, try_hold_for_session
from service.ledger.migrations.steps import BRIEF_LOCK_TIMEOUT_MS
from service.ledger.revision import is_newer, newest, revision

__all__ = ["environment", "migrate", "newest", "revision_of"]

log = structlog.get_logger("migrate")

# How long a migration waits for another one, which may be making indexes on millions of rows.
WAIT_FOR_ANOTHER_S = 600.0
ASK_EVERY_S = 0.2

_SETTINGS = {
    "lock_timeout": BRIEF_LOCK_TIMEOUT_MS,
    # A validation takes as long as its table is large, whatever is usual on this server.
    "statement_timeout": 0,
    "idle_in_transaction_session_timeout": 0,
    # After a kill -9 the server soon notices that nobody listens, and gives up the locks.
    "client_connection_check_interval": 1_000,
    "TimeZone": "UTC",
}


def migrate(url: str) -> str:
    """Bring the ledger to the newest schema; the revision it has now.

    Safe beside running processes, to run twice, by several at once (they wait for one another),
    and again after it was broken off at any point: a revision is recorded when it is whole.

    Raises ConfigError when the ledger is newer than this version, MachineError when a lock was
    not to be had, LedgerUnavailable.
    """
    with _session(url) as conn:
        if _is_to_be_migrated(conn):
            _wait_for_our_turn(conn)
            if _is_to_be_migrated(conn):  # and not by the other one, meanwhile
                config = environment()
                config.attributes["connection"] = conn
                command.upgrade(config, "head")
    return newest()


def revision_of(url: str) -> str | None:
    """The revision that this ledger is at; None when it is empty. Raises LedgerUnavailable."""
    with _session(url) as conn:
        return _at(conn)


def environment() -> Config:
    """Alembic's settings, for `alembic` commands run from code."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


@contextmanager
def _session(url: str) -> Iterator[Connection]:
    """One session of PostgreSQL from beginning to end; what it holds goes with it."""
    address = driver_url(url)
    given = address.query.get("options", "")
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c {name}={value}" for name, value in _SETTINGS.items()]
    engine = create_engine(
        address.difference_update_query(["options"]),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            "options": " ".join(options).strip(),
            "application_name": "speedtolead migrate",
            "connect_timeout": CONNECT_TIMEOUT_S,
            **SILENT_PEER,
        },
    )
    with faults_named(), engine.connect() as conn:
        yield conn


def _at(conn: Connection) -> str | None:
    with conn.begin():
        return revision(conn)


def _is_to_be_migrated(conn: Connection) -> bool:
    """Raises ConfigError for a ledger that could only be taken back."""
    at = _at(conn)
    if is_newer(at):
        raise ConfigError(
            f"the ledger is at {at}, which is newer than this version knows ({newest()}): "
            "use the `migrate` of the newer version. Processes of this one may go on beside it"
        )
    return at != newest()


def _wait_for_our_turn(conn: Connection) -> None:
    """Hold the room for as long as the session lasts.

    By asking again, never by waiting in the server: a statement that waits is a transaction, for
    which the other's `create index concurrently` would wait, for ever.
    """
    ends_at, waiting = time.monotonic() + WAIT_FOR_ANOTHER_S, False
    while True:
        with conn.begin():
            if try_hold_for_session(conn, Room.MIGRATE):
                return
        if time.monotonic() >= ends_at:
            raise MachineError(
                f"another `migrate` has been at work for {WAIT_FOR_ANOTHER_S:.0f} s; wait for "
                "its end, or end it, and run `speedtolead migrate` again"
            )
        if not waiting:
            log.info("migrate", outcome="waiting", because="another `migrate` is at work")
            waiting = True
        # Nothing tells that the room is free, and the server must not be waited in.
        time.sleep(ASK_EVERY_S)
