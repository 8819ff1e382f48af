"""Heartbeats, and the figures that the metrics collector and `doctor` ask for.

Ages of heartbeats are told by PostgreSQL's clock on both ends, so that no machine's clock matters.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

# Names are `sweep`, `audit` and one per worker; those of dead workers go after a day.
BEATS_MAX = 1_000
BEATS_KEPT_H = 24

# At most 20 sources in 7 states: see counts.TOTALS_MAX.
FIGURES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life. ``age_s``: seconds ago by the database's clock."""

    name: str
    at: datetime
    age_s: float
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenLeads:
    """How many leads of a source are in a state. Test leads are left out."""

    source: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class OwedOpen:
    """How many calls of a kind (``rules.call_facts.Owing``) are owed, by whether their promise has
    passed. Test leads are left out."""

    kind: str
    missed: bool
    count: int


_BEAT = text("""
insert into beat (name, at, detail) values (:name, clock_timestamp(), cast(:detail as jsonb))
on conflict (name) do update set at = excluded.at, detail = excluded.detail
""")
_BEATS = text("""
select name, at, extract(epoch from clock_timestamp() - at)::double precision, detail
from beat order by name limit :limit
""")
_DROP_BEATS = text("""
delete from beat where at < clock_timestamp() - make_interval(hours => :hours)
""")

# An open lead always has a look planned, so the index of looks is the list of open leads.
_OPEN_LEADS = text("""
select source, state, count(*) from lead
where look_again_at is not null and state not in ('settled', 'excluded') and not test
group by source, state order by source, state limit :limit
""")
_OLDEST_UNCONTACTED = text("""
select source, min(arrived_at) from lead
where look_again_at is not null and state not in ('settled', 'excluded') and not test
  and first_contact_at is null
group by source order by source limit :limit
""")
_OWED_OPEN = text("""
select o.debt ->> 'kind' as kind, cast(o.debt ->> 'missed' as boolean) as missed, count(*)
from lead l cross join lateral jsonb_array_elements(l.owed) as o (debt)
where l.look_again_at is not null and l.owed <> '[]' and not l.test
group by 1, 2 order by 1, 2 limit :limit
""")
_VOICEMAILS_UNANSWERED = text("""
select count(*), min(cast(o.debt ->> 'since' as timestamptz))
from lead l cross join lateral jsonb_array_elements(l.owed) as o (debt)
where l.look_again_at is not null and l.owed <> '[]' and not l.test
  and o.debt ->> 'kind' = 'voicemail'
""")
_OUTBOX = text("""
select 'ordered', count(*) from outbox where state = 'ordered'
union all select 'taken', count(*) from outbox where state = 'taken'
union all select 'unsure', count(*) from outbox where state = 'unsure'
""")


def beat(conn: Connection, name: str, detail: Mapping[str, Any] | None = None) -> None:
    """Note that ``name`` (`sweep`, `worker:<id>`, `audit`) is alive now."""
    conn.execute(_BEAT, {"name": name, "detail": json.dumps(dict(detail or {}))})


def beats(conn: Connection) -> list[Beat]:
    """Everybody's last sign of life."""
    return [Beat(*row) for row in conn.execute(_BEATS, {"limit": BEATS_MAX})]


def drop_old_beats(conn: Connection) -> int:
    """Forget those not heard of for a day; how many."""
    return conn.execute(_DROP_BEATS, {"hours": BEATS_KEPT_H}).rowcount


def open_leads(conn: Connection) -> list[OpenLeads]:
    """Open leads by source and state."""
    return [OpenLeads(*row) for row in conn.execute(_OPEN_LEADS, {"limit": FIGURES_MAX})]


def oldest_uncontacted(conn: Connection) -> dict[str, datetime]:
    """When the oldest open lead nobody has reached arrived, by source; absent when none waits."""
    rows = conn.execute(_OLDEST_UNCONTACTED, {"limit": FIGURES_MAX})
    return {row[0]: row[1] for row in rows}


def owed_open(conn: Connection) -> list[OwedOpen]:
    """Calls that are owed, by kind and whether their promise has passed; none where there is
    none."""
    return [OwedOpen(*row) for row in conn.execute(_OWED_OPEN, {"limit": FIGURES_MAX})]


def voicemails_unanswered(conn: Connection) -> tuple[int, datetime | None]:
    """How many leads left a voicemail that nobody has called back, and when the oldest came."""
    count, oldest = conn.execute(_VOICEMAILS_UNANSWERED).one()
    return count, oldest


def outbox_unfinished(conn: Connection) -> dict[str, int]:
    """How many messages are ordered, taken and unsure. Ended ones are counted as they end."""
    return {row[0]: row[1] for row in conn.execute(_OUTBOX)}
