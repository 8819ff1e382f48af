"""How a command comes by its settings, its logs and its house.

Each command that runs beside a running `up` finds the embedded servers by what `up` left in the
data directory. This file must not know any command.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service import logs
from service.cli.running import found
from service.config import Settings, load
from service.wiring import House, build


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
    """The house of a process that runs until it is told to end, its logs set up."""
    settings = settings_here(**options)
    speak(settings, process)
    house = build(settings, process, connections=connections)
    try:
        yield house
    finally:
        house.ledger.dispose()
        house.redis.close()
