"""The one place where a story waits for something that it cannot be told of."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 20.0
"""Longer than anything here takes on a busy machine; it bounds a failure, it measures nothing."""

ASK_EVERY_S = 0.05
"""Between two questions over HTTP, of some milliseconds each."""

T = TypeVar("T")


def until(ask: Callable[[], T], what: str, within_s: float = PATIENCE_S) -> T:
    """The first answer that is true; fails, naming `what` and the last answer, if none comes."""
    pause, ends_at = threading.Event(), time.monotonic() + within_s
    while not (answer := ask()):
        if time.monotonic() >= ends_at:
            raise AssertionError(f"not within {within_s:g} s: {what} (last seen: {answer!r})")
        pause.wait(ASK_EVERY_S)
    return answer
