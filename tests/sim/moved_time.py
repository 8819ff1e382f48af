"""The two clocks of a world, both in its hands.

Business time is the product's injected clock. Leases, the order of taking and a wake's age go by
PostgreSQL's ``clock_timestamp()``: the databases of the worlds have one of their own, first in
their search path, which reads a sequence. So a lease runs out when the world says so, every
reading is later than the one before, and a seed is the same run on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SEQUENCE = "machine_clock"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Made before the migrations run, so that the columns' defaults read it too.
MOVED_CLOCK = (
    f"create sequence public.{SEQUENCE}",
    f"""
create function public.clock_timestamp() returns timestamptz language sql volatile as $$
  select pg_catalog.to_timestamp(0) + nextval('public.{SEQUENCE}') * interval '1 microsecond'
$$
""",
    # The instant at which a statement began: it stands still while the statement runs.
    f"""
create function public.statement_timestamp() returns timestamptz language sql stable as $$
  select pg_catalog.to_timestamp(0) + last_value * interval '1 microsecond' from public.{SEQUENCE}
$$
""",
)


@dataclass
class Clocks:
    """``at`` is business time; ``machine`` the database's, which no clock file moves."""

    at: datetime
    machine: datetime

    def now(self) -> datetime:
        """Business time: this is the product's Clock."""
        return self.at

    def moves(self, seconds: float, *, business_only: bool = False) -> None:
        self.at += timedelta(seconds=seconds)
        if not business_only:
            self.machine += timedelta(seconds=seconds)

    @property
    def machine_us(self) -> int:
        return (self.machine - EPOCH) // timedelta(microseconds=1)
