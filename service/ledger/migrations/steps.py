"""The kinds of steps a migration is made of, and taking them beside running processes.

A step is one statement in a transaction of its own; it may be taken again at any time, so that a
migration that was broken off is simply run once more. Steps take one lock, on one table, and give
way: whoever writes to the ledger waits for one at most BRIEF_LOCK_TIMEOUT_MS. How to choose among
them is told in docs/decisions/0012-migrations-beside-running-processes.md. Revisions use this
file for good: a kind of step may be added here, never changed in what it does to a ledger.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from alembic import op
from psycopg import errors as pg
from sqlalchemy import Connection, exc, text

from service.errors import MachineError

log = structlog.get_logger("migrate")

# Whoever comes after a request for a strong lock queues behind it, also while it is not granted.
# So it is given up after a quarter of the time that a writer waits for any lock (2 s,
# `engine.LOCK_TIMEOUT_MS`), and before the server looks for deadlocks (1 s): in a circle it is
# always the migration that gives way.
BRIEF_LOCK_TIMEOUT_MS = 500
# A transaction of ours lasts milliseconds, 15 s when it is stuck and cut off; some two minutes in
# all also outlast a person's query. Pauses leave the table to its users for most of that time.
BRIEF_TRIES = 30
BRIEF_PAUSE_S = 1.0
BRIEF_PAUSE_MAX_S = 5.0

# Nobody queues behind a request for a lock that only other migrations want. What it waits for are
# transactions older than itself: a backup may take its time.
GENTLE_LOCK_TIMEOUT_MS = 60_000
GENTLE_TRIES = 5

_GAVE_WAY = (pg.LockNotAvailable, pg.DeadlockDetected)

_OLDEST = text("""
select pid, coalesce(nullif(application_name, ''), 'unnamed'),
  extract(epoch from clock_timestamp() - xact_start)::integer
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
order by xact_start limit 1
""")
_INVALID = text("select not indisvalid from pg_index where indexrelid = to_regclass(:name)")


@dataclass(frozen=True, slots=True)
class Brief:
    """A statement that needs a lock which writers or readers notice, and holds it for an instant.

    It must not read or rewrite the rows of a table that is in use: a new column is nullable or
    has a constant default, a new constraint is `not valid`. One table to a statement; a foreign
    key locks two.
    """

    statement: str

    def take(self, conn: Connection) -> None:
        """Do it, however often it was done before. Raises MachineError."""
        _set_lock_timeout(conn, BRIEF_LOCK_TIMEOUT_MS)
        _insist(conn, self.statement, lambda: _run(conn, self.statement), BRIEF_TRIES)


@dataclass(frozen=True, slots=True)
class Gentle:
    """A statement that takes no lock which a reader or writer of a row would notice.

    It may last as long as it needs: `validate constraint`, `create table if not exists`.
    """

    statement: str

    def take(self, conn: Connection) -> None:
        """Do it, however often it was done before. Raises MachineError."""
        _set_lock_timeout(conn, GENTLE_LOCK_TIMEOUT_MS)
        _insist(conn, self.statement, lambda: _run(conn, self.statement), GENTLE_TRIES)


@dataclass(frozen=True, slots=True)
class NewIndex:
    """An index, made while its table is in use.

    One that was broken off is left behind invalid: it slows writers down and serves nobody, so
    it is dropped and made again. ``on`` is what follows the name: `outbox (rep_id) where ...`.
    """

    name: str
    on: str
    unique: bool = False

    @property
    def statement(self) -> str:
        """What makes it."""
        kind = "unique index" if self.unique else "index"
        return f"create {kind} concurrently if not exists {self.name} on {self.on}"

    def take(self, conn: Connection) -> None:
        """Make it, unless it is there and whole. Raises MachineError."""
        _set_lock_timeout(conn, GENTLE_LOCK_TIMEOUT_MS)
        _insist(conn, self.statement, lambda: self._make(conn), GENTLE_TRIES)

    def _make(self, conn: Connection) -> None:
        if conn.execute(_INVALID, {"name": self.name}).scalar():
            _run(conn, f"drop index concurrently if exists {self.name}")
        _run(conn, self.statement)


Step = Brief | Gentle | NewIndex


def replaced_check(table: str, name: str, rule: str) -> tuple[Step, ...]:
    """A check constraint that now says something else: it must allow all that the old one did.

    At no instant is the table without it.
    """
    swap = f"drop constraint if exists {name}, add constraint {name} check ({rule}) not valid"
    return (
        Brief(f"alter table {table} {swap}"),
        Gentle(f"alter table {table} validate constraint {name}"),
    )


def new_reference(table: str, name: str, column: str, to: str) -> tuple[Step, ...]:
    """A foreign key on a column that is there. ``to`` is `table(column)`."""
    key = f"foreign key ({column}) references {to} not valid"
    add = f"drop constraint if exists {name}, add constraint {name} {key}"
    return (
        Brief(f"alter table {table} {add}"),
        Gentle(f"alter table {table} validate constraint {name}"),
    )


def take(steps: Sequence[Step]) -> None:
    """Take these steps, one transaction each; the whole of a revision's `upgrade`.

    The revision is recorded after the last one. Raises MachineError when a lock is not to be had.
    """
    with op.get_context().autocommit_block():
        conn = op.get_bind()
        for step in steps:
            step.take(conn)
            log.debug("step", outcome="taken", statement=_in_short(step.statement))
        _set_lock_timeout(conn, BRIEF_LOCK_TIMEOUT_MS)


def _insist(conn: Connection, statement: str, attempt: Callable[[], None], tries: int) -> None:
    """Try again while locks are in the way; between two tries others have the table."""
    pause_s = BRIEF_PAUSE_S
    for left in reversed(range(tries)):
        try:
            return attempt()
        except exc.DBAPIError as broken:
            if not isinstance(broken.orig, _GAVE_WAY):
                raise
            who = _in_the_way(conn)
            if not left:
                raise MachineError(
                    f"no lock was to be had for: {_in_short(statement)}. {who} End it, or wait "
                    "for it, and run `speedtolead migrate` again: it goes on where it stopped."
                ) from broken
        log.warning(
            "step", outcome="gave way", statement=_in_short(statement), because=who, left=left
        )
        # The pause is the point: whoever queued behind us has the table meanwhile.
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, BRIEF_PAUSE_MAX_S)
    raise AssertionError("there is at least one try")


def _run(conn: Connection, statement: str) -> None:
    # The driver reads % as a placeholder; a statement's own are meant for the server.
    conn.exec_driver_sql(statement.replace("%", "%%"))


def _set_lock_timeout(conn: Connection, milliseconds: int) -> None:
    _run(conn, f"set lock_timeout = {milliseconds}")


def _in_the_way(conn: Connection) -> str:
    """Who may hold the lock, for a person to find: the oldest transaction there is."""
    oldest = conn.execute(_OLDEST).first()
    if oldest is None:
        return "Whoever held it has just let go."
    pid, name, seconds = oldest
    return f"The oldest transaction is that of PostgreSQL's process {pid} ({name}), {seconds} s."


def _in_short(statement: str) -> str:
    """The first line, for a log."""
    return statement.strip().partition("\n")[0]
