"""Advisory locks for what has no row to lock: one holder at a time, until the transaction ends
(or, for a migration, the session).

Two-key locks, a space of their own beside the one-key locks of `leads.hold_identity`.
"""

from collections.abc import Sequence
from enum import IntEnum

from sqlalchemy import Connection, text

# Any number nobody else on the same server would think of; spells "s2l" on a phone.
_OURS = 725


class Room(IntEnum):
    """What may be done by one at a time. Numbers are never reused."""

    MIGRATE = 1
    TEAM = 2
    FOLD = 3
    WATCH = 4


# First keys of the locks on single phones, must not be _OURS: on their letters, (`pace`) on who
# sends them the next new lead, and on who rings them next.
_PHONES = 726
PHONE_TURN = 727
CALL_TURN = 728

_HOLD = text("select pg_advisory_xact_lock(:ours, :room)")
_TRY_HOLD = text("select pg_try_advisory_xact_lock(:ours, :room)")
_TRY_HOLD_FOR_SESSION = text("select pg_try_advisory_lock(:ours, :room)")
_HOLD_PHONES = text("""
select pg_advisory_xact_lock(:phones, held.key) from (
  select distinct hashtext(phone) as key from unnest(cast(:listed as text[])) as phone
  order by 1 offset 0
) as held
""")


def hold(conn: Connection, room: Room) -> None:
    """Wait for the room, up to the lock timeout (LeadBusy), and hold it."""
    conn.execute(_HOLD, {"ours": _OURS, "room": int(room)})


def try_hold(conn: Connection, room: Room) -> bool:
    """Hold the room if nobody else does."""
    return bool(conn.execute(_TRY_HOLD, {"ours": _OURS, "room": int(room)}).scalar_one())


def try_hold_for_session(conn: Connection, room: Room) -> bool:
    """Hold the room, if nobody else does, until the session ends: over several transactions."""
    values = {"ours": _OURS, "room": int(room)}
    return bool(conn.execute(_TRY_HOLD_FOR_SESSION, values).scalar_one())


def hold_phones(conn: Connection, phones: Sequence[str]) -> None:
    """Hold these phones, all in one call: sorted inside, so that two callers never cross."""
    if phones:
        conn.execute(_HOLD_PHONES, {"phones": _PHONES, "listed": list(phones)})
