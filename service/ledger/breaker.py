"""The carrier's breaker, one a channel: how many messages failed in a row, and until when it is
open.

While all goes well no row is touched: a success writes only where failures stand. What counts as
a failure is the desk's business, and when it opens the rules'. Whoever calls this holds the
message's lead already, if it has one, and locks nothing of a lead afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from service.rules.breaker import opens_until
from service.rules.timeline import Channel


@dataclass(frozen=True, slots=True)
class Opened:
    """A breaker that has just opened, until ``until``; ``again``: it never closed in between."""

    channel: Channel
    until: datetime
    why: str
    again: bool


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a channel stands. ``open_until`` may have passed: the next message is a trial."""

    channel: Channel
    failures: int
    last_failed_at: datetime | None
    open_until: datetime | None
    opened: int
    why: str | None

    def open_at(self, now: datetime) -> bool:
        return self.open_until is not None and self.open_until > now


_FAILED = text("""
insert into breaker (channel, failures, last_failed_at, why) values (:channel, 1, :at, :why)
on conflict (channel) do update set failures = breaker.failures + 1, why = excluded.why,
  last_failed_at = greatest(breaker.last_failed_at, excluded.last_failed_at)
returning failures, open_until, opened
""")
_OPEN = text("""
update breaker set open_until = :until, opened = opened + 1 where channel = :channel
""")
# The old row is read by the same statement: what closes here was open before.
_WENT_WELL = text("""
with before as (
  select channel, opened from breaker where channel = :channel and failures > 0 for no key update
)
update breaker b set failures = 0, open_until = null, opened = 0, why = null
from before where b.channel = before.channel
returning before.opened
""")
_ALL = text("""
select channel, failures, last_failed_at, open_until, opened, why from breaker
""")


def note_failure(conn: Connection, channel: Channel, at: datetime, why: str) -> Opened | None:
    """One more message in a row came to nothing by the carrier's or the account's fault.

    None: that opened nothing, since it is open already or was not often enough. ``at`` is
    business time.
    """
    values = {"channel": str(channel), "at": at, "why": why}
    failures, open_until, opened = conn.execute(_FAILED, values).one()
    until = opens_until(failures, opened, open_until, at)
    if until is None:
        return None
    conn.execute(_OPEN, {"channel": str(channel), "until": until})
    return Opened(channel, until, why, again=opened > 0)


def note_success(conn: Connection, channel: Channel) -> bool:
    """The carrier accepted a message; True when that closed the breaker."""
    return bool(conn.execute(_WENT_WELL, {"channel": str(channel)}).scalar())


def breakers(conn: Connection) -> Mapping[Channel, Breaker]:
    """Every channel that ever failed."""
    return {Channel(row[0]): Breaker(Channel(row[0]), *row[1:]) for row in conn.execute(_ALL)}


def open_breakers(conn: Connection, now: datetime) -> frozenset[Channel]:
    """The channels by which pages do not go at ``now``."""
    return frozenset(each.channel for each in breakers(conn).values() if each.open_at(now))
