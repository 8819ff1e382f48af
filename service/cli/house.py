"""How a command comes by its settings, its logs and its house, and learns that it should end.

Each command that runs beside a running `up` finds the embedded servers by what `up` left in the
data directory. This file must not know any command.
"""

from __future__ import annotations

import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from service import logs
from service.cli.running import found
from service.config import Settings, load
from service.wiring import House, build

LOOK_EVERY_S = 1.0
"""How soon a thread's death is seen by whoever waits for the end."""


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


class Ending:
    """SIGTERM and Ctrl-C, to be waited for.

    The handler only puts into a SimpleQueue, which may interrupt itself: an Event's lock, taken
    by a handler that interrupted its own waiter, would never be free again.
    """

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._told.put(number)

    def wait(self, seconds: float = LOOK_EVERY_S) -> bool:
        """Wait to be told, so long; whether it was."""
        try:
            self._told.get(timeout=seconds)
        except queue.Empty:
            return False
        return True


def end_quietly(*numbers: signal.Signals) -> None:
    """Let these signals end this process like a command that has finished: status 0, doors closed.

    Only the first of them does: what closes the doors must not be interrupted by a second.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        end_undisturbed(*numbers)
        raise SystemExit(0)

    for number in numbers:
        signal.signal(number, handle)


def end_undisturbed(*numbers: signal.Signals) -> None:
    """From now on these signals change nothing: the end is under way, and has a bound."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
