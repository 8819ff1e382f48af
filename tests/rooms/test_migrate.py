"""Migrating a ledger: beside those who write to it, whole or begun again, and never backwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import exc, text

from service.cli.house import await_migrated
from service.errors import ConfigError, MachineError
from service.ledger import leads, locks, outbox
from service.ledger.engine import Ledger
from service.ledger.migrations import environment, migrate, revision_of, steps
from service.ledger.revision import known, newest
from service.rules.lead import LeadId, PageId
from service.rules.timeline import Arrived, Paged
from tests.rooms.conftest import NewDatabase
from tests.rooms.ledger_world import Beside, await_blocked
from tests.rooms.migrations_world import (
    MIGRATING,
    asks_for_its_lock,
    bring_to,
    connection,
    ends_at_change,
    fill,
    rows,
    value,
)
from tests.rooms.test_ledger_schema import dumped
from tests.story.patience import until

EmptyDatabase = Callable[[str | None], str]

OLD = "0001"
CHANGES_MAX = 500
"""More than all migrations together make."""


@pytest.fixture
def old_url(empty_database: EmptyDatabase) -> str:
    """A ledger of the first revision, with data in it."""
    return fill(bring_to(empty_database(None), OLD))


@pytest.fixture
def old(old_url: str) -> Iterator[Ledger]:
    """The same, as the processes of that version use it: with their patience for locks."""
    opened = Ledger(old_url, pool_size=4, application_name="old")
    yield opened
    opened.dispose()


# What is stored


def test_old_data_are_all_there_afterwards(old_url: str) -> None:
    before = rows(old_url)
    assert all(before.values()), "each table has something to lose"
    migrate(old_url)
    after = rows(old_url)
    for table, old_rows in before.items():
        kept = [{name: row[name] for name in old_rows[0]} for row in after[table]]
        assert kept == old_rows, table
    assert {row["asked"] for row in after["lead"]} == {0}
    assert {row["carried_by"] for row in after["outbox"]} == {None}
    assert {(row["call_id"], row["lane"]) for row in after["outbox"]} == {(None, 4)}
    assert [row["owed"] for row in after["lead"]] == [[]] * len(after["lead"])


def test_old_leads_and_messages_are_readable_afterwards(old_url: str, old: Ledger) -> None:
    before = rows(old_url)
    migrate(old_url)
    with old.transaction() as conn:
        for stored in before["lead"]:
            lead_id = LeadId(stored["id"])
            view, timeline = leads.read_lead(conn, lead_id), leads.timeline_of(conn, lead_id)
            assert view is not None
            assert view.row.state == stored["state"]
            assert [type(event.fact) for event in timeline] == [Arrived, Paged]
        for stored in before["outbox"]:
            row = outbox.row(conn, PageId(stored["id"]))
            assert row is not None
            assert (row.state, row.kind) == (stored["state"], stored["kind"])


def test_it_builds_what_a_fresh_ledger_has(old_url: str, new_database: NewDatabase) -> None:
    migrate(old_url)
    assert dumped(old_url) == dumped(new_database())


# Beside running processes


class Writers:
    """Processes of the version before, at work: what they do to a lead and a message, in one
    transaction each, with their own patience for locks."""

    def __init__(self, ledger: Ledger) -> None:
        self.done = 0
        self._ledger = ledger
        self._stop = threading.Event()

    def work(self) -> None:
        """Until told to stop. Raises LeadBusy when somebody is in the way for too long."""
        while not self._stop.is_set():
            with self._ledger.transaction() as conn:
                conn.execute(_PICK)
                conn.execute(_LOOK)
                conn.execute(_ORDER, {"id": f"new-{self.done}"})
            self.done += 1

    def go_on(self) -> None:
        """Returns when they have done some more."""
        mark = self.done + 3
        until(lambda: self.done >= mark, "the writers go on")

    def stop(self) -> None:
        self._stop.set()


_PICK = text("""
select l.id from outbox o join lead l on l.id = o.lead_id
where o.state = 'ordered' for update of l skip locked limit 1""")
_LOOK = text("""
update lead set rung = 1 where id = (
  select id from lead where state = 'waiting' order by id desc for update skip locked limit 1)""")
_ORDER = text("""
insert into outbox (id, kind, channel, to_number, body, not_after, ordered_at)
values (:id, 'note_text', 'text', '+12125550101', 'LEAD', now(), now())""")


@contextmanager
def at_work(ledger: Ledger) -> Iterator[Writers]:
    """Writers who work until the block ends, and were never told to wait too long."""
    writers = Writers(ledger)
    beside = Beside(writers.work)
    try:
        writers.go_on()
        yield writers
        writers.go_on()
    finally:
        writers.stop()
    beside.ended()


def test_a_stuck_transaction_keeps_the_migration_waiting_and_nobody_else(
    old_url: str, old: Ledger
) -> None:
    """Rows of leads and messages are held; the migration asks, gives way, and asks again."""
    with at_work(old) as writers:
        with connection(old_url) as stuck:
            stuck.execute(text("select 1 from lead where state = 'claimed' for update"))
            stuck.execute(text("select 1 from outbox where state = 'sent' for update"))
            migration = Beside(lambda: migrate(old_url))
            first = until(lambda: asks_for_its_lock(old_url), "it asks for its lock")
            until(lambda: asks_for_its_lock(old_url) not in (None, first), "it asks again")
            writers.go_on()
            assert revision_of(old_url) == OLD
        assert migration.ended() == newest()


def test_an_open_snapshot_is_waited_for_and_nobody_notices(old_url: str, old: Ledger) -> None:
    """An index made beside its users waits for whoever may still see the table without it."""
    with at_work(old) as writers:
        with connection(old_url, isolation_level="REPEATABLE READ") as backup:
            backup.execute(text("select count(*) from beat"))
            migration = Beside(lambda: migrate(old_url))
            await_blocked(old)
            writers.go_on()
            assert revision_of(old_url) == OLD
        assert migration.ended() == newest()


def test_who_is_in_the_way_is_named(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "BRIEF_TRIES", 1)
    with connection(old_url) as stuck:
        pid = stuck.execute(text("select pg_backend_pid() from lead for update")).scalar()
        with pytest.raises(MachineError, match=f"PostgreSQL's process {pid} .*migrate` again"):
            migrate(old_url)
    assert revision_of(old_url) == OLD
    assert migrate(old_url) == newest()


# Broken off


@pytest.mark.parametrize("first", [None, OLD], ids=["from nothing", f"from {OLD}"])
def test_broken_off_before_any_change_it_is_begun_again(
    first: str | None, empty_database: EmptyDatabase, new_database: NewDatabase
) -> None:
    url = empty_database(None)
    if first is not None:
        fill(bring_to(url, first))
    for number in range(1, CHANGES_MAX):
        with ends_at_change(number) as reached:
            if not _breaks(lambda: migrate(url), reached):
                break
        assert revision_of(url) != newest(), "not recorded before it is whole"
    assert number > 10
    assert revision_of(url) == newest()
    assert dumped(url) == dumped(new_database())


def _breaks(work: Callable[[], object], reached: Callable[[], bool]) -> bool:
    """Do it; whether it was broken off."""
    try:
        work()
    except Exception:
        assert reached(), "it failed by itself"
        return True
    return False


def test_an_index_that_was_broken_off_is_made_again(old_url: str) -> None:
    index = steps.NewIndex("outbox_link", "outbox (left(id, 8))")
    with (
        connection(old_url) as stuck,
        connection(old_url, isolation_level="AUTOCOMMIT") as broken,
    ):
        stuck.execute(text("update outbox set body = body"))
        broken.exec_driver_sql("set lock_timeout = 50")
        with pytest.raises(exc.OperationalError):
            broken.exec_driver_sql(index.statement)
    valid = "select indisvalid from pg_index where indexrelid = to_regclass('outbox_link')"
    assert value(old_url, valid) is False
    migrate(old_url)
    assert value(old_url, valid) is True


def test_a_second_one_waits_for_the_first(old_url: str) -> None:
    """Without a transaction of its own, for which the first one's indexes would wait."""
    with connection(old_url) as first:
        with first.begin():
            assert locks.try_hold_for_session(first, locks.Room.MIGRATE)
        second = Beside(lambda: migrate(old_url))
        sessions = "select count(*) from pg_stat_activity where application_name = :name"
        until(lambda: value(old_url, sessions, name=MIGRATING), "it is there")
        until(lambda: value(old_url, f"{sessions} and state = 'idle'", name=MIGRATING), "it waits")
        assert revision_of(old_url) == OLD
    assert second.ended() == newest()


def test_one_that_never_ends_is_named(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.ledger.migrations.WAIT_FOR_ANOTHER_S", 0.0)
    with connection(old_url) as first:
        with first.begin():
            assert locks.try_hold_for_session(first, locks.Room.MIGRATE)
        with pytest.raises(MachineError, match="another `migrate`"):
            migrate(old_url)


# Which revision


def test_revisions_are_known_without_alembic() -> None:
    scripts = ScriptDirectory.from_config(environment())
    assert newest() == scripts.get_current_head()
    assert set(known()) == {each.revision for each in scripts.walk_revisions()}


def at_a_newer_one(url: str) -> str:
    """As a newer version leaves it; its address."""
    with connection(url) as conn, conn.begin():
        conn.exec_driver_sql("update alembic_version set version_num = '9999'")
    return url


def test_it_does_not_go_backwards(fresh_ledger_url: str) -> None:
    with pytest.raises(ConfigError, match="at 9999, which is newer than this version knows"):
        migrate(at_a_newer_one(fresh_ledger_url))
    assert revision_of(fresh_ledger_url) == "9999"


def test_a_process_runs_on_a_ledger_that_is_newer(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        conn.execute(text("update alembic_version set version_num = '9999'"))
    await_migrated(fresh_ledger, within_s=0)


def test_a_process_runs_on_what_it_needs(fresh_ledger: Ledger) -> None:
    await_migrated(fresh_ledger, within_s=0)


def test_a_process_does_not_run_on_an_older_ledger(old: Ledger) -> None:
    wanted = f"the ledger is at {OLD}, this version needs {newest()}: run `speedtolead migrate`"
    with pytest.raises(ConfigError, match=wanted):
        await_migrated(old, within_s=0)


def test_a_process_does_not_run_on_an_empty_ledger(empty_database: EmptyDatabase) -> None:
    empty = Ledger(empty_database(None))
    with pytest.raises(ConfigError, match="the ledger is empty, this version needs"):
        await_migrated(empty, within_s=0)
    empty.dispose()


def test_a_process_waits_for_the_migration_that_runs_beside_it(old_url: str, old: Ledger) -> None:
    waiting = Beside(lambda: await_migrated(old))
    migrate(old_url)
    waiting.ended()


def test_a_ledger_that_is_away_is_met_at_first_use() -> None:
    nowhere = Ledger("postgresql://127.0.0.1:9/nowhere")
    await_migrated(nowhere)
