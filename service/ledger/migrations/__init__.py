"""How the ledger's schema came to be, and bringing a ledger to the newest.

Alembic without an ini file: this package is its own environment, so that it works from an
installed wheel. Revisions are frozen: they never import `service.ledger.schema`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from service.ledger.engine import CONNECT_TIMEOUT_S, driver_url, faults_named
from service.ledger.locks import Room, hold

# How long a migration waits for another one, and for a table that running processes use.
LOCK_TIMEOUT_MS = 60_000


def migrate(url: str) -> str:
    """Bring the ledger to the newest schema; the revision it has now.

    One transaction: it happens whole or not at all. Safe to run twice and by several at once
    (they wait for one another). Raises LedgerUnavailable, LeadBusy when the wait was too long.
    """
    engine = create_engine(
        driver_url(url),
        connect_args={
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c TimeZone=UTC",
            "application_name": "speedtolead migrate",
            "connect_timeout": CONNECT_TIMEOUT_S,
        },
    )
    try:
        with faults_named(), engine.begin() as conn:
            hold(conn, Room.MIGRATE)
            config = environment()
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
    finally:
        engine.dispose()
    return newest()


def newest() -> str:
    """The newest revision that this version of the software knows."""
    head = ScriptDirectory.from_config(environment()).get_current_head()
    assert head is not None, "the package holds at least the first revision"
    return head


def environment() -> Config:
    """Alembic's settings, for `alembic` commands run from code."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
