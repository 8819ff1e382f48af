"""Slots per sender, for the whole ledger: what a carrier lets a number send per second.

By PostgreSQL's clock. Giving a slot is a short transaction of its own: its row is hot.
"""

from sqlalchemy import Connection, text

# The first sender of a kind goes at once; each later one takes the next free slot behind it,
# unless that lies further ahead than the caller can wait.
_TAKE = text("""
insert into pace as p (sender, kind, next_at)
values (:sender, :kind, clock_timestamp() + make_interval(secs => :every_s))
on conflict (sender, kind) do update
set next_at = greatest(p.next_at, clock_timestamp()) + make_interval(secs => :every_s)
where p.next_at <= clock_timestamp() + make_interval(secs => :longest_wait_s)
returning greatest(0, extract(epoch from
  p.next_at - make_interval(secs => :every_s) - clock_timestamp()))::double precision
""")


def take_slot(
    conn: Connection, sender: str, kind: str, every_s: float, longest_wait_s: float
) -> float | None:
    """Seconds to wait until this sender may send; None when no slot is near enough, none taken.

    ``every_s``: seconds between two messages of this kind from this sender.
    """
    values = {
        "sender": sender,
        "kind": kind,
        "every_s": float(every_s),
        "longest_wait_s": float(longest_wait_s),
    }
    waited: float | None = conn.execute(_TAKE, values).scalar()
    return waited
