"""What the outside told us before, and what we answered: a replay gets the same answer.

And what could not be read, kept for a person. Nothing here interprets either.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from service.rules.lead import LeadId

# Intake refuses larger bodies before this; the bound here keeps a caller honest.
UNREADABLE_MAX_BYTES = 1_000_000
UNREADABLE_LIST_MAX = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What we answered the first time. ``answer`` None: nothing worth repeating."""

    kind: str
    received_at: datetime
    answer: str | None
    lead_id: LeadId | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A delivery that could not be read, as it came."""

    id: int
    source: str
    received_at: datetime
    body: bytes
    error: str


_SEEN = text("""
select kind, received_at, answer, lead_id from inbound where dedupe_key = :key
""")
_REMEMBER = text("""
insert into inbound (dedupe_key, kind, received_at, answer, lead_id)
values (:key, :kind, :at, :answer, :lead_id) on conflict do nothing
""")
_KEEP = text("""
insert into unreadable (source, received_at, body, error) values (:source, :at, :body, :error)
returning id
""")
_UNREADABLE = text("""
select id, source, received_at, body, error from unreadable where id < :before
order by id desc limit :limit
""")


def seen(conn: Connection, key: str) -> Answer | None:
    """What we answered under this key before; None when it is new."""
    row = conn.execute(_SEEN, {"key": key}).one_or_none()
    return Answer(*row) if row else None


def remember(
    conn: Connection,
    key: str,
    kind: str,
    lead_id: LeadId | None,
    answer: str | None,
    at: datetime,
) -> bool:
    """Keep what is answered, in the transaction of what it did; False when it was kept before.

    Two replays at one instant: the second waits here for the first to commit, and is told False.
    It must then undo its own work (raise) and answer what `seen` tells.
    """
    values = {"key": key, "kind": kind, "at": at, "answer": answer, "lead_id": lead_id}
    return conn.execute(_REMEMBER, values).rowcount == 1


def keep_unreadable(conn: Connection, source: str, at: datetime, body: bytes, error: str) -> int:
    """Keep what could not be read, cut at UNREADABLE_MAX_BYTES; its number."""
    values = {
        "source": source,
        "at": at,
        "body": body[:UNREADABLE_MAX_BYTES],
        "error": error,
    }
    return int(conn.execute(_KEEP, values).scalar_one())


def unreadable(
    conn: Connection, before: int | None = None, limit: int = UNREADABLE_LIST_MAX
) -> list[Unreadable]:
    """What could not be read, newest first; ``before`` the last number seen, for the next page."""
    top = before if before is not None else 2**62
    return [Unreadable(*row) for row in conn.execute(_UNREADABLE, {"before": top, "limit": limit})]
