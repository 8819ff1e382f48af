"""A real PostgreSQL for the tests of rooms: started once, a database of its own per test file.

`ledger_url` and `ledger` belong to the test file: tests of one file share its database and must
choose ids of their own. `fresh_ledger_url` is a database for one test alone.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from service.embedded import Servers
from service.ledger.engine import Ledger, driver_url
from service.ledger.migrations import migrate

NewDatabase = Callable[[], str]


def in_database(url: str, database: str) -> str:
    """The same server's other database."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a PostgreSQL that is thrown away after the test run."""
    home = Path(tempfile.mkdtemp(prefix="speedtolead-rooms-"))
    try:
        with Servers(home, with_valkey=False, durable=False) as servers:
            assert servers.database_url is not None
            yield servers.database_url
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def empty_database(postgres_url: str) -> Iterator[Callable[[str | None], str]]:
    """Makes databases, each a copy of the template that is named, or empty; their addresses."""
    engine = create_engine(driver_url(postgres_url), isolation_level="AUTOCOMMIT")
    numbers = count(1)

    def make(template: str | None = None) -> str:
        name = f"rooms_{next(numbers)}"
        with engine.connect() as conn:
            conn.execute(text(f"create database {name} template {template or 'template0'}"))
        return in_database(postgres_url, name)

    yield make
    engine.dispose()


@pytest.fixture(scope="session")
def new_database(
    postgres_url: str, empty_database: Callable[[str | None], str]
) -> Callable[[], str]:
    """Makes databases that hold an empty ledger: copies of one that was migrated once."""
    migrated = empty_database(None)
    migrate(migrated)
    template = make_url(migrated).database
    return lambda: empty_database(template)


@pytest.fixture(scope="module")
def ledger_url(new_database: NewDatabase) -> str:
    """The address of this test file's ledger."""
    return new_database()


@pytest.fixture
def fresh_ledger_url(new_database: NewDatabase) -> str:
    """The address of an empty ledger for this test alone."""
    return new_database()


@pytest.fixture(scope="module")
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """This test file's ledger, with a short patience for locks."""
    opened = Ledger(ledger_url, application_name="tests", lock_timeout_ms=300)
    yield opened
    opened.dispose()


@pytest.fixture
def fresh_ledger(fresh_ledger_url: str) -> Iterator[Ledger]:
    """An empty ledger for this test alone; its patience for locks is longer than any test's."""
    opened = Ledger(fresh_ledger_url, application_name="tests", lock_timeout_ms=15_000)
    yield opened
    opened.dispose()
