"""What time it is. The only file that reads the system clock.

Business time is always an injected `Clock`, so that a test may move it. Leases, heartbeats and
back-off must not use it: they take PostgreSQL's `clock_timestamp()` or a monotonic clock, which
no test moves. The rules get `now` as an argument and import nothing from here.
"""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

OFFSET_MAX_S = 20 * 365 * 86_400.0
"""A larger offset is a slip of the pen; bounding it keeps `now` within what datetime can hold."""

CLOCK_FILE_MAX_BYTES = 64
"""Room for any number of seconds; a file that is longer is not a clock file."""


class Clock(Protocol):
    """Tells the instant that business rules go by."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)


class FileClock:
    """The machine's clock plus an offset in seconds, read from a file afresh at each reading.

    Several processes that share the file see time move at the same instant. Whoever moves it
    replaces the file by rename, so that nobody reads half a number. A file that is missing,
    unreadable or holds nonsense changes nothing: the last good offset holds, 0 at first.
    Reading takes some 10 microseconds; nothing is cached, because two renames within one tick
    of the file system's clock look alike to `stat`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._system = SystemClock()
        self._offset_s = 0.0

    def now(self) -> datetime:
        """The current instant, aware, in UTC, moved by the offset that the file holds now."""
        offset_s = _offset_in(self._path)
        if offset_s is not None:
            self._offset_s = offset_s
        return self._system.now() + timedelta(seconds=self._offset_s)


def _offset_in(path: Path) -> float | None:
    """The offset in seconds that the file holds, None when it holds none that can be used."""
    try:
        with path.open("rb", buffering=0) as file:
            offset_s = float(file.read(CLOCK_FILE_MAX_BYTES + 1) or b"")
    except (OSError, ValueError):
        return None
    usable = math.isfinite(offset_s) and abs(offset_s) <= OFFSET_MAX_S
    return offset_s if usable else None
