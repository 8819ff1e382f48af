"""A mark that the floor changed and open leads are yet to be told: set in the transaction of the
change, and taken away once all were asked to be looked at. A process that dies in between leaves
it behind for the sweep.
"""

from datetime import datetime

from sqlalchemy import Connection, text

_MARK = text("""
insert into floor_change (id) values (1)
on conflict (id) do update set marked_clock = clock_timestamp()
""")
_MARKED = text("select marked_clock from floor_change")
_LEFT_BEHIND = text("""
select exists (
  select from floor_change where marked_clock < clock_timestamp() - make_interval(secs => :after_s)
)
""")
_UNMARK = text("delete from floor_change where marked_clock = :marked")

# Telling takes a moment, also of thousands of leads; who has not told by then is dead.
LEFT_BEHIND_AFTER_S = 3.0


def mark(conn: Connection) -> None:
    """The floor changes with this transaction. Call it last: its row is held until the end."""
    conn.execute(_MARK)


def marked(conn: Connection) -> datetime | None:
    """When the last change was marked that open leads are yet to be told of."""
    found: datetime | None = conn.execute(_MARKED).scalar()
    return found


def left_behind(conn: Connection) -> bool:
    """Whether somebody changed the floor and died before open leads were told."""
    values = {"after_s": LEFT_BEHIND_AFTER_S}
    return bool(conn.execute(_LEFT_BEHIND, values).scalar_one())


def unmark(conn: Connection, told: datetime) -> None:
    """Open leads were told of the change that was marked then; a later one stays marked."""
    conn.execute(_UNMARK, {"marked": told})
