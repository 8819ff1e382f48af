"""Connections and whose fault a failure is: on a real PostgreSQL that is really stopped."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import exc, text

from service.embedded import Servers
from service.errors import LeadBusy, LedgerUnavailable
from service.ledger import leads
from service.ledger.engine import Ledger
from tests.rooms.ledger_world import arrived, new_lead, store, write

BACKEND = text("select pg_backend_pid()")


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory for servers of this test's own: a short path, as sockets need."""
    made = Path(tempfile.mkdtemp(prefix="speedtolead-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_a_transaction_reuses_the_connection_of_the_one_before(ledger: Ledger) -> None:
    backends = set()
    for _ in range(5):
        with ledger.transaction() as conn:
            backends.add(conn.execute(BACKEND).scalar_one())
    assert len(backends) == 1


def test_sessions_speak_utc_and_give_up_on_what_is_stuck(ledger: Ledger) -> None:
    with ledger.transaction() as conn:
        shown = [
            conn.execute(text(f"show {name}")).scalar_one()
            for name in (
                "timezone",
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
            )
        ]
    assert shown == ["UTC", "15s", "300ms", "15s"]


def test_an_exception_in_the_block_rolls_back(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.transaction() as conn:
        new = new_lead(conn)
        leads.insert_lead(conn, new, [arrived()])
        raise ZeroDivisionError
    with ledger.transaction() as conn:
        assert leads.read_lead(conn, new.id) is None


def test_a_lead_held_by_another_for_too_long_is_lead_busy(ledger: Ledger) -> None:
    lead_id = store(ledger)
    with ledger.transaction() as holder:
        leads.lock_lead(holder, lead_id)
        with pytest.raises(LeadBusy), ledger.transaction() as other:
            leads.lock_lead(other, lead_id)


def test_a_place_in_the_timeline_taken_by_another_is_lead_busy(ledger: Ledger) -> None:
    lead_id = store(ledger)
    with pytest.raises(LeadBusy), ledger.transaction() as conn:
        write(conn, lead_id, events=[arrived()])


def test_one_delivery_stored_by_two_at_once_is_lead_busy_to_the_second(ledger: Ledger) -> None:
    store(ledger, delivery_keys=("id:raced",))
    with pytest.raises(LeadBusy):
        store(ledger, delivery_keys=("id:raced",))


def test_an_error_does_not_tell_a_persons_words(ledger: Ledger) -> None:
    wrong = text("select cast(:words as integer)")
    with pytest.raises(exc.DBAPIError) as caught, ledger.transaction() as conn:
        conn.execute(wrong, {"words": "+12125550177"})
    assert "SQL parameters hidden" in str(caught.value)


def test_our_own_mistake_is_nobody_elses_fault(ledger: Ledger) -> None:
    with pytest.raises(exc.ProgrammingError), ledger.transaction() as conn:
        conn.execute(text("select nonsense"))


def test_every_connection_in_use_is_ledger_unavailable(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.ledger.engine.POOL_TIMEOUT_S", 0.05)
    narrow = Ledger(ledger_url, pool_size=1)
    with narrow.transaction(), pytest.raises(LedgerUnavailable), narrow.transaction():
        pass
    narrow.dispose()


def test_a_server_that_is_not_there_is_ledger_unavailable(home: Path) -> None:
    nowhere = Ledger(f"postgresql://speedtolead@/postgres?host={home}")
    with pytest.raises(LedgerUnavailable):
        nowhere.ping()


def test_a_session_ended_by_the_server_in_mid_transaction_is_ledger_unavailable(
    ledger: Ledger,
) -> None:
    with pytest.raises(LedgerUnavailable), ledger.transaction() as conn:
        backend = conn.execute(BACKEND).scalar_one()
        with ledger.transaction() as other:
            other.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        conn.execute(BACKEND)
    assert ledger.ping().tzinfo is not None


def test_a_restart_goes_unnoticed_and_a_stop_is_ledger_unavailable(home: Path) -> None:
    with Servers(home, with_valkey=False, durable=False) as servers:
        assert servers.database_url is not None
        ledger = Ledger(servers.database_url)
        with ledger.transaction() as one, ledger.transaction() as two:
            before = {conn.execute(BACKEND).scalar_one() for conn in (one, two)}
    # Both idle connections lead to a server that is gone; nobody is to meet either.
    with (
        Servers(home, with_valkey=False, durable=False),
        ledger.transaction() as one,
        ledger.transaction() as two,
    ):
        after = {conn.execute(BACKEND).scalar_one() for conn in (one, two)}
    assert len(before) == len(after) == 2
    with pytest.raises(LedgerUnavailable):
        ledger.ping()
    ledger.dispose()
