"""Leads, their people and their timelines; the one lock is a lead's row.

It stores what arrives and reads it back; what happens to a lead later is written by `look`. What a
timeline adds up to is `rules.standing`'s business; a lead's row holds a copy of that for queries,
never the truth.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from service.ledger.counts import INSERT_DELTAS, Delta, deltas_json
from service.ledger.lead_rows import (
    INSERT_EVENTS,
    LEAD_COLUMNS,
    PERSON_COLUMNS,
    PERSON_FIELDS,
    KnownLead,
    LeadRow,
    LeadView,
    NewLead,
    events_json,
    lead_row,
    person_from,
    person_json,
    view_from,
)
from service.rules.lead import Lead, LeadId
from service.rules.timeline import Event, Timeline, from_fields

__all__ = [
    "KnownLead",
    "LeadRow",
    "LeadView",
    "NewLead",
    "delivered_before",
    "hold_identity",
    "insert_lead",
    "leads_of_person",
    "lock_lead",
    "note_asked",
    "person_of",
    "read_lead",
    "timeline_of",
]

# A person who asked more often than this within reach is one person still: the newest decide.
KNOWN_LEADS_MAX = 5


# Two int keys and one bigint key are different spaces to PostgreSQL: identity locks (bigint)
# never collide with the rooms' own (`locks`). Sorted by hash inside, so that locks never cross;
# `offset 0` keeps the planner from taking the locks before it has sorted.
_HOLD_IDENTITY = text("""
select pg_advisory_xact_lock(held.key) from (
  select distinct hashtextextended(key, 0) as key from unnest(cast(:keys as text[])) as key
  order by 1 offset 0
) as held
""")

_DELIVERED_BEFORE = text("""
select lead_id from delivery where source = :source and key = any(cast(:keys as text[])) limit 1
""")

_LEADS_OF_PERSON = text("""
select l.id, l.arrived_at, l.state, l.first_contact_at, l.test from lead l
where l.id in (select lead_id from identity where key = any(cast(:keys as text[])))
order by l.arrived_at desc, l.id limit :limit
""")

# One statement, one round trip: foreign keys are checked at its end, when every row is there.
_INSERT_LEAD = text(f"""
with new_lead as (
  insert into lead (id, source, arrived_at, t0, route, policy_version, state, last_seq,
    last_recorded_at, look_again_at, woken_at, judge_at, test)
  values (:id, :source, :arrived_at, :t0, :route, :policy_version, :state, :last_seq,
    :last_recorded_at, :look_again_at, case when :woken then clock_timestamp() end, :judge_at,
    :test)
), new_person as (
  insert into person (lead_id, {", ".join(PERSON_FIELDS)})
  select :id, {PERSON_COLUMNS} from jsonb_populate_record(null::person, cast(:person as jsonb)) p
), new_identity as (
  insert into identity (key, lead_id, arrived_at)
  select key, :id, :arrived_at from unnest(cast(:identity_keys as text[])) as key
), new_delivery as (
  insert into delivery (source, key, lead_id, received_at)
  select :source, key, :id, :arrived_at from unnest(cast(:delivery_keys as text[])) as key
), counted as (
  {INSERT_DELTAS}
)
{INSERT_EVENTS}
""")

_NOTE_ASKED = text("""
with known as (
  insert into identity (key, lead_id, arrived_at)
  select key, :id, :at from unnest(cast(:identity_keys as text[])) as key
  on conflict do nothing
)
insert into delivery (source, key, lead_id, received_at)
select :source, key, :id, :at from unnest(cast(:delivery_keys as text[])) as key
""")

# `no key update` shuts out every other writer of the row, and lets rows that only point at the
# lead (a receipt, a question) be inserted meanwhile.
_LOCK_LEAD = text(f"select {LEAD_COLUMNS} from lead l where l.id = :id for no key update")

# The whole timeline, on purpose without a limit: a fold that stopped early would number the next
# event like one that is there, and no write to the lead would ever succeed again. What bounds it
# is a lead's life: 7 days of its ladder's repeat, its plan of touches, and what the carrier says
# of each page once.
SELECT_TIMELINE = """
select seq, at, recorded_at, because, actor, kind, fields from event
where lead_id = :id order by seq
"""

_TIMELINE = text(SELECT_TIMELINE)

_PERSON = text(f"select {PERSON_COLUMNS} from person p where p.lead_id = :id")

_READ_LEAD = text(f"""
select {LEAD_COLUMNS}, p.lead_id, {PERSON_COLUMNS}
from lead l left join person p on p.lead_id = l.id where l.id = :id
""")


def hold_identity(conn: Connection, keys: Sequence[str]) -> None:
    """Hold these keys until the transaction ends; whoever holds one in common waits here.

    Take identity keys and delivery keys in one call: two calls could cross with another's.
    """
    if keys:
        conn.execute(_HOLD_IDENTITY, {"keys": list(keys)})


def delivered_before(conn: Connection, source: str, keys: Sequence[str]) -> LeadId | None:
    """The lead that an earlier delivery under one of these keys became, if any."""
    if not keys:
        return None
    found = conn.execute(_DELIVERED_BEFORE, {"source": source, "keys": list(keys)}).scalar()
    return LeadId(found) if found else None


def leads_of_person(
    conn: Connection, identity_keys: Sequence[str], limit: int = KNOWN_LEADS_MAX
) -> list[KnownLead]:
    """Earlier leads under any of these keys, newest first."""
    if not identity_keys:
        return []
    rows = conn.execute(_LEADS_OF_PERSON, {"keys": list(identity_keys), "limit": limit})
    return [KnownLead(*row) for row in rows]


def insert_lead(
    conn: Connection, new: NewLead, events: Sequence[Event], deltas: Sequence[Delta] = ()
) -> None:
    """Store a lead, its person, under which keys it came, its first events (at least one), and
    what they count."""
    last = events[-1]
    conn.execute(
        _INSERT_LEAD,
        {
            "id": new.id,
            "source": new.source,
            "arrived_at": new.arrived_at,
            "t0": new.t0,
            "route": new.route,
            "policy_version": new.policy_version,
            "state": str(new.state),
            "last_seq": last.seq,
            "last_recorded_at": last.recorded_at,
            "look_again_at": new.look_again_at,
            "woken": new.woken,
            "judge_at": new.judge_at,
            "test": new.test,
            "person": person_json(new.lead),
            "identity_keys": list(new.identity_keys),
            "delivery_keys": list(new.delivery_keys),
            "events": events_json(events),
            "deltas": deltas_json(deltas),
        },
    )


def note_asked(
    conn: Connection,
    lead_id: LeadId,
    source: str,
    *,
    identity_keys: Sequence[str],
    delivery_keys: Sequence[str],
    at: datetime,
) -> None:
    """A known lead came again: its new delivery and any new phone or e-mail lead to it too."""
    conn.execute(
        _NOTE_ASKED,
        {
            "id": lead_id,
            "source": source,
            "at": at,
            "identity_keys": list(identity_keys),
            "delivery_keys": list(delivery_keys),
        },
    )


def lock_lead(conn: Connection, lead_id: LeadId) -> LeadRow | None:
    """The lead's row, held until the transaction ends; None when there is no such lead.

    Waits for whoever holds it, up to the lock timeout; then the transaction raises LeadBusy.
    """
    row = conn.execute(_LOCK_LEAD, {"id": lead_id}).one_or_none()
    return lead_row(row) if row else None


def timeline_of(conn: Connection, lead_id: LeadId) -> Timeline:
    """What happened to the lead, in order of `seq`: all of it."""
    rows = conn.execute(_TIMELINE, {"id": lead_id})
    return tuple(
        Event(seq, at, recorded_at, because, actor, from_fields(kind, fields))
        for seq, at, recorded_at, because, actor, kind, fields in rows
    )


def person_of(conn: Connection, lead_id: LeadId) -> Lead | None:
    """The person's words and numbers; None when unknown or erased."""
    row = conn.execute(_PERSON, {"id": lead_id}).one_or_none()
    return person_from(row) if row else None


def read_lead(conn: Connection, lead_id: LeadId) -> LeadView | None:
    """A lead with its person, unlocked, to show."""
    row = conn.execute(_READ_LEAD, {"id": lead_id}).one_or_none()
    return view_from(row) if row else None
