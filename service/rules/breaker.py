"""When a channel on which the carrier fails again and again is left alone, and for how long.

Whose fault a failure was, and where the failures are counted, is told from outside.
"""

from __future__ import annotations

from datetime import datetime, timedelta

# So many messages in a row, to whomever, are no accident; fewer would open on one bad minute.
FAILURES_OPEN = 5
# How long it stays open at first: three ladders' rungs would fail in that time. Doubled each time
# that the first message after it fails as well, up to where a person must have seen the alert.
OPEN_FIRST = timedelta(seconds=15)
OPEN_MAX = timedelta(seconds=120)
# Doubling is over by then; it keeps the exponent small.
_DOUBLINGS_MAX = 8


def opens_until(
    failures: int, opened: int, open_until: datetime | None, at: datetime
) -> datetime | None:
    """Until when the breaker opens at its latest failure; None: it is open already, or the channel
    did not fail often enough.

    ``failures`` are messages in a row, with this one; ``opened`` how often it opened in a row.
    """
    if failures < FAILURES_OPEN or (open_until is not None and open_until > at):
        return None
    open_for: timedelta = min(OPEN_FIRST * 2 ** min(opened, _DOUBLINGS_MAX), OPEN_MAX)
    return at + open_for
