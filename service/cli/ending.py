"""How a command that runs until it is told to end is told: SIGTERM and Ctrl-C.

Imports the standard library only: it is there before a command's own imports, which take a
second in which a signal may come as well.
"""

from __future__ import annotations

import queue
import signal
from types import FrameType

LOOK_EVERY_S = 1.0
"""How soon a thread's death is seen by whoever waits for the end."""

BOTH = (signal.SIGTERM, signal.SIGINT)


class Ending:
    """SIGTERM and Ctrl-C, to be waited for.

    The handler only puts into a SimpleQueue, which may interrupt itself: an Event's lock, taken
    by a handler that interrupted its own waiter, would never be free again.
    """

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in BOTH:
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
