"""Who wants a look, who was woken for it, and who was forgotten.

A look is due by business time (`look_again_at`); whether its wake is late is told by PostgreSQL's
clock (`woken_at`), which no test moves. Nothing here decides what a look finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from service.rules.lead import LeadId, PageId

# One sweep's helping. The sweep comes round every half second.
LOOKS_MAX = 200

# What is still due this long after its wake, the sweep attends itself.
WAKE_GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class Due:
    """A lead whose look is due, and since when."""

    lead_id: LeadId
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Something open that nothing will come back to by itself. ``since``: see ``why``."""

    lead_id: LeadId | None
    page_id: PageId | None
    why: str
    since: datetime | None


# Written as the partial index `lead_forgotten` has it, or PostgreSQL would not use that.
_OPEN = "not (state in ('settled', 'excluded'))"

_LEASE_DUE = text("""
update lead set woken_at = clock_timestamp() where id in (
  select id from lead where look_again_at <= :now and woken_at is null
  order by look_again_at, asked desc, t0 limit :limit for no key update skip locked
) returning id, look_again_at, asked, t0
""")

_OVERDUE_WAKES = text("""
select id from lead where look_again_at <= :now
  and woken_at < clock_timestamp() - make_interval(secs => :older_than_s)
order by look_again_at, t0 limit :limit
""")

_NEXT_LOOK = text("""
select look_again_at from lead where look_again_at is not null and woken_at is null
order by look_again_at limit 1
""")

_OVERDUE = text("""
select count(*), min(look_again_at) from lead where look_again_at <= :before
""")

_ASK_LOOK = text("""
update lead set look_again_at = least(look_again_at, :at), woken_at = null
where id = :id returning id
""")

# Locked in the order of ids, so that two of these never cross; a held lead is being looked at,
# but perhaps with the floor as it was: it is waited for. Only a lead that nobody has is paged for;
# those that are followed for a week are many, and would keep a new one waiting in the queue.
_ASK_LOOKS = text("""
update lead set look_again_at = :at, woken_at = null where id in (
  select id from lead where look_again_at > :at and state = 'waiting' and id > :after
  order by id limit :limit for no key update
) returning id
""")

# Each arm asks one way of being forgotten; law 3's constraint makes the first impossible, which
# is no reason for the audit to believe it.
_FORGOTTEN = text(f"""
select id, null, 'no look planned', null::timestamptz from lead
where look_again_at is null and {_OPEN}
union all
select id, null, 'look overdue', look_again_at from lead
where look_again_at <= :late and {_OPEN}
union all
select lead_id, id, 'ordered, never taken', ordered_clock from outbox
where state = 'ordered' and ordered_clock < clock_timestamp() - make_interval(secs => :grace_s)
union all
select lead_id, id, 'taken, never settled', lease_until from outbox
where state = 'taken' and lease_until < clock_timestamp() - make_interval(secs => :grace_s)
limit :limit
""")

_NOTE_FINDING = text("""
insert into audit_finding (lead_id, detail) values (:id, :detail)
on conflict (lead_id) do update set repaired = false, detail = excluded.detail,
  first_seen = clock_timestamp() where audit_finding.repaired
returning lead_id
""")

_MARK_REPAIRED = text("update audit_finding set repaired = true where lead_id = :id")

_FINDINGS = text("""
select lead_id from audit_finding where not repaired order by first_seen limit :limit
""")

_OPEN_FINDINGS = text("select count(*) from audit_finding where not repaired")


def lease_due(conn: Connection, now: datetime, limit: int = LOOKS_MAX) -> list[Due]:
    """Leads whose look is due and for whom no wake is under way, longest due first.

    Of those due at one instant (an opening) the most urgent comes first: who asked again, most
    often first, then who waits longest.
    Notes that the caller wakes them: two sweeps never wake one twice. Leads that somebody holds
    are left out: they are being looked at.
    """
    leased = conn.execute(_LEASE_DUE, {"now": now, "limit": limit}).all()
    first_to_last = sorted(leased, key=lambda row: (row[1], -row[2], row[3], row[0]))
    return [Due(LeadId(lead_id), due_at) for lead_id, due_at, *_ in first_to_last]


def overdue_wakes(
    conn: Connection,
    now: datetime,
    older_than_s: float = WAKE_GRACE_S,
    limit: int = LOOKS_MAX,
) -> list[LeadId]:
    """Leads still due although woken more than ``older_than_s`` ago: the wake was lost."""
    values = {"now": now, "older_than_s": float(older_than_s), "limit": limit}
    return _ids(conn.execute(_OVERDUE_WAKES, values).scalars().all())


def next_look_at(conn: Connection) -> datetime | None:
    """When the next look falls due for which no wake is under way; None when there is none."""
    found: datetime | None = conn.execute(_NEXT_LOOK).scalar()
    return found


def looks_overdue(conn: Connection, now: datetime) -> tuple[int, datetime | None]:
    """How many looks are due and not taken, and since when the oldest is."""
    count, oldest = conn.execute(_OVERDUE, {"before": now}).one()
    return count, oldest


def ask_look(conn: Connection, lead_id: LeadId, at: datetime) -> bool:
    """Have the lead looked at from ``at`` on, if not sooner; False when there is no such lead."""
    return conn.execute(_ASK_LOOK, {"id": lead_id, "at": at}).first() is not None


def ask_looks_of_open(
    conn: Connection, at: datetime, after: str = "", limit: int = LOOKS_MAX
) -> list[LeadId]:
    """The floor changed: have the leads that nobody has looked at from ``at`` on, in helpings by
    id. It matters to no other: a claim that runs out is looked at anyway.

    Call again with ``after`` the last id returned, each in its own transaction, until empty.
    """
    values = {"at": at, "after": after, "limit": limit}
    return sorted(_ids(conn.execute(_ASK_LOOKS, values).scalars().all()))


def forgotten(
    conn: Connection, now: datetime, grace_s: float, limit: int = LOOKS_MAX
) -> list[Forgotten]:
    """Open leads without a look or with one overdue by ``grace_s``; messages stuck as long."""
    late = datetime.fromtimestamp(now.timestamp() - grace_s, UTC)
    rows = conn.execute(_FORGOTTEN, {"late": late, "grace_s": float(grace_s), "limit": limit})
    return [Forgotten(*row) for row in rows]


def note_finding(conn: Connection, lead_id: LeadId, detail: str) -> bool:
    """Keep what the audit found about a lead; True when it is new (or back after a repair)."""
    return conn.execute(_NOTE_FINDING, {"id": lead_id, "detail": detail}).first() is not None


def mark_repaired(conn: Connection, lead_id: LeadId) -> None:
    """The audit found the lead in order again."""
    conn.execute(_MARK_REPAIRED, {"id": lead_id})


def findings(conn: Connection, limit: int = LOOKS_MAX) -> list[LeadId]:
    """Leads with a finding that stands unrepaired, longest first."""
    return _ids(conn.execute(_FINDINGS, {"limit": limit}).scalars().all())


def open_findings(conn: Connection) -> int:
    """How many findings of the audit stand unrepaired."""
    return int(conn.execute(_OPEN_FINDINGS).scalar_one())


def _ids(found: Sequence[str]) -> list[LeadId]:
    return [LeadId(lead_id) for lead_id in found]
