"""How a command comes by its settings, its logs and its house.

Each command that runs beside a running `up` finds the embedded servers by what `up` left in the
data directory. This file must not know any command.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from service import logs
from service.cli.running import found
from service.config import Settings, load
from service.errors import ConfigError, LedgerUnavailable
from service.ledger.engine import Ledger
from service.ledger.revision import revision, what_is_missing
from service.wiring import House, build

WAIT_FOR_MIGRATE_S = 30.0
"""How long a process waits for `migrate`, which often starts beside it: most take seconds. Then it
ends, saying why; whoever supervises it shows that it fails, and starts it again."""

ASK_EVERY_S = 0.5


def settings_here(**options: Any) -> Settings:
    """The settings, with the addresses of a running `up`'s servers where none was given.

    Raises ConfigError.
    """
    settings = load(**options)
    running = found(settings.data_dir)
    if running is None:
        return settings
    if settings.database_url is None:
        options["database_url"] = running.database_url
    if settings.redis_url is None:
        options["redis_url"] = running.redis_url
    return load(**options)


def speak(settings: Settings, process: str) -> None:
    """Log as the settings say, in this process's name."""
    logs.configure(settings.log_level, process, human=settings.log_format == "human")


@contextmanager
def house_of(process: str, connections: int, **options: Any) -> Iterator[House]:
    """The house of a process that runs until it is told to end, its logs set up.

    Raises ConfigError, also when the ledger is still that of the version before.
    """
    settings = settings_here(**options)
    speak(settings, process)
    house = build(settings, process, connections=connections)
    try:
        await_migrated(house.ledger)
        yield house
    finally:
        house.ledger.dispose()
        house.redis.close()


def await_migrated(ledger: Ledger, within_s: float = WAIT_FOR_MIGRATE_S) -> None:
    """Wait until the ledger has all that this version needs; a newer one has.

    A ledger that cannot be reached is no reason to wait: it is met at first use. Raises
    ConfigError, with what is wanted, when the time is over.
    """
    ends_at, said = time.monotonic() + within_s, False
    while missing := _missing(ledger):
        if time.monotonic() >= ends_at:
            raise ConfigError(missing)
        if not said:
            structlog.get_logger("start").warning("start", outcome="waiting", because=missing)
            said = True
        # Another process migrates and tells nobody; nothing is served before it is done.
        time.sleep(ASK_EVERY_S)


def _missing(ledger: Ledger) -> str | None:
    try:
        with ledger.transaction() as conn:
            return what_is_missing(revision(conn))
    except LedgerUnavailable:
        return None
