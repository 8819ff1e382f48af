"""Connections and transactions, and which failure is whose fault.

The one place that knows drivers and their errors. It holds no query of the product.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from select import POLLIN, poll
from typing import Any

import psycopg
from psycopg import errors as pg
from sqlalchemy import Connection, Engine, create_engine, exc, text
from sqlalchemy import event as listeners
from sqlalchemy.engine import URL, make_url

from service.errors import LeadBusy, LedgerUnavailable, MachineError

# A transaction of ours takes milliseconds. What is a thousand times slower is stuck, and is cut
# off so that what it locks is free again before the next rung (45 s) is due.
STATEMENT_TIMEOUT_MS = 15_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000

# How long a caller waits for a lead's row before it is told LeadBusy; also the longest a webhook
# waits, which has 10-15 s in all before the carrier gives up.
LOCK_TIMEOUT_MS = 2_000

# Reaching the server, and waiting for a free connection: the same bound, for the same webhook.
CONNECT_TIMEOUT_S = 3
POOL_TIMEOUT_S = 5

# A server whose machine vanished says nothing at all; after this silence its sockets are given
# up. Ignored on Unix sockets.
SILENT_PEER = {
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

# Our statements are few and alike: prepared at the second use. None selects `*`, so
# that a column added by a newer version does not invalidate them.
PREPARE_AFTER = 1

# Places that two may only ever race for: they took the same lead's next event, or the same
# delivery, at the same instant. Asking again finds what the other one wrote.
_RACED = ("event_pkey", "delivery_pkey")

_BUSY = (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure)

# SQLSTATE classes (first two characters) in which the server, not our statement, is at fault:
# 08 connection, 53 resources, 57 operator intervention (shutdown, timeout), 58 system error;
# and 25006, a server that became read-only, as a replica after failover is.
_SERVER_CLASSES = ("08", "53", "57", "58")
_READ_ONLY = "25006"


class Ledger:
    """A pool of connections to one PostgreSQL. Safe to share between threads, not between forks.

    ``pool_size`` bounds the connections; ``application_name`` is what the server's own views
    show. Connecting happens at first use, so that building one never fails on a server that is
    down.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        application_name: str = "speedtolead",
        lock_timeout_ms: int = LOCK_TIMEOUT_MS,
    ) -> None:
        self._engine = _engine(driver_url(url), pool_size, application_name, lock_timeout_ms)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: commits at the end of the block, rolls back on any exception.

        Raises LeadBusy when a lock was not to be had in time, LedgerUnavailable when the server
        could not be reached or broke off. A commit whose answer was lost may have happened:
        everything that is asked again must be safe to ask again.
        """
        with faults_named(), self._engine.begin() as conn:
            yield conn

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read-only transaction in which every query sees one instant; for collectors."""
        with faults_named(), self._engine.connect() as conn:
            conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with conn.begin():
                yield conn

    def ping(self) -> datetime:
        """The database's clock, in UTC. Raises LedgerUnavailable."""
        with self.transaction() as conn:
            return clock(conn)

    def dispose(self) -> None:
        """Close every pooled connection; the ledger may still be used and connects anew."""
        self._engine.dispose()


def clock(conn: Connection) -> datetime:
    """PostgreSQL's clock now: leases and heartbeats go by it, business time never does."""
    read: datetime = conn.execute(_CLOCK).scalar_one()
    return read.astimezone(UTC)


_CLOCK = text("select clock_timestamp()")


def driver_url(url: str) -> URL:
    """The address as SQLAlchemy wants it: `postgresql://` means psycopg 3."""
    return make_url(url).set(drivername="postgresql+psycopg")


@contextmanager
def faults_named() -> Iterator[None]:
    """Let a driver's error leave the block as the fault it is; our own mistakes stay themselves."""
    try:
        yield
    except exc.DBAPIError as broken:
        named = _fault(broken)
        if named is None:
            raise
        raise named from broken
    except exc.TimeoutError as waited:
        raise LedgerUnavailable("every connection to the ledger is in use") from waited


def _fault(broken: exc.DBAPIError) -> LeadBusy | LedgerUnavailable | MachineError | None:
    cause = broken.orig
    if isinstance(cause, _BUSY):
        return LeadBusy("another process holds this lead; ask again shortly")
    if isinstance(cause, pg.UniqueViolation) and cause.diag.constraint_name in _RACED:
        return LeadBusy("another process wrote this at the same instant; ask again")
    if isinstance(cause, pg.InsufficientPrivilege):  # its words name a table, and no person
        return MachineError(
            f"the ledger refused its user: {cause.diag.message_primary}; the user that `migrate` "
            "runs as must own the schema, and everybody else be granted their work in it"
        )
    state = getattr(cause, "sqlstate", None)
    if state is None:
        # No SQLSTATE: the server never answered. Other driver errors (bad values) do not count.
        lost = isinstance(cause, psycopg.OperationalError) or broken.connection_invalidated
        return LedgerUnavailable("the ledger cannot be reached") if lost else None
    if state[:2] in _SERVER_CLASSES or state == _READ_ONLY or broken.connection_invalidated:
        return LedgerUnavailable(f"the ledger broke off (SQLSTATE {state})")
    return None


def _engine(url: URL, pool_size: int, application_name: str, lock_timeout_ms: int) -> Engine:
    settings = {
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "lock_timeout": lock_timeout_ms,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
        "TimeZone": "UTC",
    }
    given = url.query.get("options", "")
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c {name}={value}" for name, value in settings.items()]
    engine = create_engine(
        url.difference_update_query(["options"]),
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # a person's words and numbers do not belong in an error's text
        pool_timeout=POOL_TIMEOUT_S,
        pool_use_lifo=True,  # the fewest connections stay warm, their statements prepared
        connect_args={
            # At connect, not per transaction: no statement is spent on them later.
            "options": " ".join(options).strip(),
            "application_name": application_name,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "prepare_threshold": PREPARE_AFTER,
            **SILENT_PEER,
        },
    )
    listeners.listen(engine, "checkin", _note_used)
    listeners.listen(engine, "checkout", _refuse_dead)
    return engine


def _note_used(_connection: object, record: Any) -> None:
    record.info["used"] = True


def _refuse_dead(connection: psycopg.Connection[Any] | None, record: Any, _proxy: object) -> None:
    """Notice a connection whose server went away, without asking it anything.

    Between transactions a healthy server says nothing. Bytes waiting, or an end of file, mean it
    said goodbye: the pool then connects anew before the transaction begins. So a restarted
    PostgreSQL costs its idle connections and no caller a failure; one microsecond, where a
    pre-ping costs a round trip. A connection fresh from its handshake may have bytes waiting.
    """
    if connection is None or "used" not in record.info:
        return
    if connection.closed:
        raise exc.DisconnectionError("the connection was closed")
    heard = poll()
    heard.register(connection.fileno(), POLLIN)
    if heard.poll(0):
        raise exc.DisconnectionError("the server closed the connection")
