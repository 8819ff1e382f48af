"""Every migration from 0002 on is made of steps that running processes do not notice.

PostgreSQL itself is asked: which locks a step held on tables that were there before it, whether it
read one of them through, and whether it wrote one anew.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

import pytest
from sqlalchemy import Connection, TextClause, text

from service.ledger.migrations.steps import Brief, Gentle, NewIndex, Step
from tests.rooms.migrations_world import bring_to, connection, fill, revisions

EmptyDatabase = Callable[[str | None], str]

FIRST = "0001"
LATER = {name: module for name, module in revisions().items() if name != FIRST}

LOUD = {"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"}
"""Locks for which somebody waits who writes a row, or who only reads one."""

BREAKS_THE_VERSION_BEFORE = re.compile(r"\brename\b|\balter column \w+ (set data )?type\b", re.I)
TAKES_AWAY = re.compile(r"\bdrop (column|table)\b", re.I)
CONTRACTED: dict[str, str] = {}
"""Statements that take something away, each with the version that no longer used it."""


@dataclass(frozen=True)
class Noticed:
    """What running processes would notice of a statement, by the tables that were there."""

    locked: frozenset[str]
    read_through: frozenset[str]
    written_anew: frozenset[str]


_FILES = text("""
select relname, pg_relation_filenode(oid) from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace""")
_LOCKS = text("""
select c.relname, l.mode from pg_locks l join pg_class c on c.oid = l.relation
where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.granted""")
# It also counts what was not yet handed on of this session's earlier transactions.
_SCANS = text("select relname, seq_scan from pg_stat_xact_user_tables")


def noticed(conn: Connection, statement: str) -> Noticed:
    """Do it; the transaction looks at itself, and is the caller's to end."""
    before, scanned = _pairs(conn, _FILES), _pairs(conn, _SCANS)
    conn.exec_driver_sql(statement.replace("%", "%%"))
    locks = {name for name, mode in conn.execute(_LOCKS) if mode in LOUD}
    scans = {name for name, n in _pairs(conn, _SCANS).items() if n != scanned.get(name, 0)}
    after = _pairs(conn, _FILES)
    anew = {name for name, file in before.items() if after.get(name) != file}
    return Noticed(
        frozenset(locks & before.keys()), frozenset(scans & before.keys()), frozenset(anew)
    )


def _pairs(conn: Connection, question: TextClause) -> dict[str, int]:
    return {row[0]: row[1] for row in conn.execute(question)}


def complaints(step: Step, seen: Noticed) -> Iterator[str]:
    """What is wrong with a step, of which this is noticed."""
    if isinstance(step, Gentle) and seen.locked:
        yield f"locks {sorted(seen.locked)}, and is not brief"
    if isinstance(step, Brief):
        if seen.locked and seen.read_through:
            yield f"reads {sorted(seen.read_through)} through, behind its lock"
        if len(seen.locked) > 1 and "foreign key" not in step.statement:
            yield f"locks {sorted(seen.locked)}: one table to a step"
    if seen.written_anew:
        yield f"writes {sorted(seen.written_anew)} anew"


@pytest.fixture
def before(empty_database: EmptyDatabase) -> Callable[[ModuleType], str]:
    """Makes a ledger with data in it, as it stands before this revision."""

    def make(revision: ModuleType) -> str:
        url = fill(bring_to(empty_database(None), FIRST))
        return bring_to(url, revision.down_revision)

    return make


@pytest.mark.parametrize("revision", LATER.values(), ids=LATER)
def test_no_step_is_noticed_for_longer_than_an_instant(
    revision: ModuleType, before: Callable[[ModuleType], str]
) -> None:
    found = []
    with connection(before(revision)) as conn:
        for step in revision.STEPS:
            if isinstance(step, NewIndex):
                with conn.execution_options(isolation_level="AUTOCOMMIT").begin():
                    step.take(conn)
                conn.execution_options(isolation_level="READ COMMITTED")
            else:
                with conn.begin():
                    seen = noticed(conn, step.statement)
                found += [f"{step.statement}: {why}" for why in complaints(step, seen)]
    assert found == []


@pytest.mark.parametrize("revision", LATER.values(), ids=LATER)
def test_a_migration_is_its_steps_and_nothing_else(revision: ModuleType) -> None:
    (upgrade,) = ast.parse(inspect.getsource(revision.upgrade)).body
    assert isinstance(upgrade, ast.FunctionDef)
    said, *done = upgrade.body
    assert isinstance(said, ast.Expr)
    assert [ast.unparse(each) for each in done] == ["take(STEPS)"]


@pytest.mark.parametrize("revision", LATER.values(), ids=LATER)
def test_nothing_goes_that_the_version_before_may_use(revision: ModuleType) -> None:
    for step in revision.STEPS:
        assert not BREAKS_THE_VERSION_BEFORE.search(step.statement), step.statement
        if TAKES_AWAY.search(step.statement):
            assert step.statement in CONTRACTED


@pytest.mark.parametrize("revision", LATER.values(), ids=LATER)
def test_every_step_may_be_taken_twice(
    revision: ModuleType, before: Callable[[ModuleType], str]
) -> None:
    with connection(before(revision), isolation_level="AUTOCOMMIT") as conn:
        for step in (*revision.STEPS, *revision.STEPS):
            step.take(conn)


BAD: list[tuple[Brief | Gentle, str]] = [
    (Brief("alter table lead add constraint x check (attempts >= 0)"), "reads ['lead'] through"),
    (Brief("alter table lead alter column route set not null"), "reads ['lead'] through"),
    (Brief("alter table lead add column x float default random() not null"), "writes ['lead']"),
    (Brief("alter table lead alter column attempts type bigint"), "writes ['lead'] anew"),
    (Brief("create index x on lead (source)"), "reads ['lead'] through"),
    (Brief("lock table lead, outbox in share mode"), "one table to a step"),
    (Gentle("create index x on lead (source)"), "is not brief"),
    (Gentle("alter table lead add column x text"), "is not brief"),
    (
        Brief(
            "alter table lead add constraint x foreign key (owner) references token(hash)",
        ),
        "reads",
    ),
]


@pytest.fixture(scope="module")
def old_ledger(empty_database: EmptyDatabase) -> str:
    """A ledger of the first revision, with data in it."""
    url = fill(bring_to(empty_database(None), FIRST))
    with connection(url) as conn, conn.begin():
        conn.exec_driver_sql("update lead set route = 1")
        conn.exec_driver_sql("insert into token (hash, role) values ('ann', 'api')")
    return url


@pytest.mark.parametrize(("step", "why"), BAD, ids=[step.statement for step, _ in BAD])
def test_what_would_be_noticed_is_found(old_ledger: str, step: Brief | Gentle, why: str) -> None:
    with connection(old_ledger) as conn:
        seen = noticed(conn, step.statement)
        conn.rollback()
    assert any(why in each for each in complaints(step, seen)), seen
