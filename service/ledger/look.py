"""A look at one lead, in as few round trips as it can be: how it is read, and how it is written.

The path from a lead to its page runs through here, so one statement reads all that a look must
know and one writes all that came of it. Every table's own rules still hold; the statements of the
rooms (`leads`, `outbox`, `questions`, `counts`, `people`) do the same one by one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from service.ledger.counts import Delta, delta_json
from service.ledger.lead_rows import (
    PERSON_COLUMNS,
    LeadRow,
    StandingRow,
    events_json,
    person_from,
)
from service.ledger.leads import TIMELINE_MAX, lock_lead
from service.ledger.outbox_rows import Order, order_json
from service.ledger.people import DEAF_MAX
from service.rules.floor import Turns
from service.rules.lead import Lead, LeadId, PageId, RepId
from service.rules.timeline import Channel, Event, Timeline, from_fields


@dataclass(frozen=True, slots=True)
class Seen:
    """A lead that this transaction holds, and what a look at it must know. ``person`` is None
    once erased; ``deaf`` are the phones that a channel cannot reach."""

    row: LeadRow
    timeline: Timeline
    person: Lead | None
    deaf: frozenset[tuple[str, Channel]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A question that a page opens on a phone, under its letter there."""

    phone: str
    letter: str
    rep_id: RepId
    page_id: PageId


@dataclass(frozen=True, slots=True)
class Given:
    """How far the turn has come on a route once this look's turns are given."""

    route: str
    turns: Turns


@dataclass(frozen=True, slots=True)
class Written:
    """Everything that a look, or a fact, writes about one lead. ``taken_by`` and
    ``lease_s``: an order that names its sender's number is taken as it is ordered."""

    lead_id: LeadId
    at: datetime
    events: Sequence[Event]
    standing: StandingRow
    look_again_at: datetime | None
    last_seq: int
    last_recorded_at: datetime
    woken: bool = False
    deltas: Sequence[Delta] = ()
    orders: Sequence[Order] = ()
    asks: frozenset[PageId] = field(default=frozenset())
    opened: Sequence[Opened] = ()
    given: Given | None = None
    taken_by: str | None = None
    lease_s: float = 0.0


_READ = text(f"""
select
  (select coalesce(jsonb_agg(jsonb_build_array(e.seq, e.at, e.recorded_at, e.because, e.actor,
     e.kind, e.fields) order by e.seq), '[]')
   from (select * from event where lead_id = :id order by seq limit :events_max) e),
  (select coalesce(jsonb_agg(jsonb_build_array(d.phone, d.channel)), '[]')
   from (select phone, channel from deaf limit :deaf_max) d),
  p.lead_id, {PERSON_COLUMNS}
from (select 1) one left join person p on p.lead_id = :id
""")

# One statement: constraints are checked when all of it is there. What a look does not write is an
# empty list.
_WRITE = text("""
with new_event as (
  insert into event (lead_id, seq, kind, at, recorded_at, because, actor, fields)
  select :id, e.seq, e.kind, e.at, e.recorded_at, e.because, e.actor, e.fields
  from jsonb_to_recordset(cast(:events as jsonb)) as e (
    seq int, kind text, at timestamptz, recorded_at timestamptz, because text, actor text,
    fields jsonb)
), counted as (
  insert into count_delta (source_key, metric, labels, n)
  select d.source_key, d.metric, d.labels, d.n
  from jsonb_to_recordset(cast(:deltas as jsonb)) as d (
    source_key text, metric text, labels text, n double precision)
  on conflict (source_key) do nothing
), ordered as (
  insert into outbox (id, lead_id, seq, kind, channel, rep_id, to_number, from_number, body,
    not_after, ordered_at, state, taken_by, taken_clock, lease_until)
  select r.id, r.lead_id, r.seq, r.kind, r.channel, r.rep_id, r.to_number, r.from_number, r.body,
    r.not_after, r.ordered_at,
    case when t.by is null then 'ordered' else 'taken' end, t.by,
    case when t.by is not null then clock_timestamp() end,
    case when t.by is not null then clock_timestamp() + make_interval(secs => :lease_s) end
  from jsonb_to_recordset(cast(:orders as jsonb)) as r (
    id text, lead_id text, seq int, kind text, channel text, rep_id text, to_number text,
    from_number text, body text, not_after timestamptz, ordered_at timestamptz)
  left join (select cast(:taken_by as text) as by) t on r.from_number is not null
), last_said as (
  insert into last_text (phone, page_id, lead_id, at)
  select l.phone, l.page_id, case when l.asks then :id end, :at
  from jsonb_to_recordset(cast(:last_texts as jsonb)) as l (phone text, page_id text, asks boolean)
  order by l.phone
  on conflict (phone) do update set page_id = excluded.page_id, lead_id = excluded.lead_id,
    at = excluded.at where last_text.at <= excluded.at
), asked as (
  insert into question (phone, letter, lead_id, rep_id, opened_at, last_page_id)
  select a.phone, a.letter, :id, a.rep_id, :at, a.page_id
  from jsonb_to_recordset(cast(:opened as jsonb)) as a (
    phone text, letter text, rep_id text, page_id text)
  on conflict (phone, lead_id) do update set letter = excluded.letter, rep_id = excluded.rep_id,
    last_page_id = excluded.last_page_id, closed_at = null,
    opened_at = case when question.closed_at is null then question.opened_at
      else excluded.opened_at end
), given as (
  insert into turn (route, served, finish)
  select g.route, g.served, g.finish
  from jsonb_to_recordset(cast(:given as jsonb)) as g (
    route text, served double precision, finish jsonb)
  on conflict (route) do update set served = excluded.served, finish = excluded.finish
)
update lead set state = :state, owner = :owner, rung = :rung, attempts = :attempts,
  first_attempt_at = :first_attempt_at, first_contact_at = :first_contact_at,
  claimed_at = :claimed_at, paged_at = :paged_at, look_again_at = :look_again_at,
  last_seq = :last_seq, last_recorded_at = :last_recorded_at,
  woken_at = case when :woken then clock_timestamp() end
where id = :id
""")


def begin(conn: Connection, lead_id: LeadId) -> Seen | None:
    """Hold a lead and read it; None when there is no such lead. Raises LeadBusy.

    Two statements on purpose: one that did both would read the timeline as it was before it
    waited for the lock, and so miss what the holder appended.
    """
    row = lock_lead(conn, lead_id)
    if row is None:
        return None
    values = {"id": lead_id, "events_max": TIMELINE_MAX, "deaf_max": DEAF_MAX}
    events, deaf, held, *person = conn.execute(_READ, values).one()
    return Seen(
        row=row,
        timeline=tuple(_event(*each) for each in events),
        person=person_from(person) if held is not None else None,
        deaf=frozenset((phone, Channel(channel)) for phone, channel in deaf),
    )


def _event(
    seq: int,
    at: str,
    recorded_at: str,
    because: str,
    actor: str,
    kind: str,
    fields: dict[str, object],
) -> Event:
    instant = datetime.fromisoformat
    return Event(seq, instant(at), instant(recorded_at), because, actor, from_fields(kind, fields))


def write(conn: Connection, written: Written) -> None:
    """Write all that came of a look; the caller holds the lead, and the phones it opens questions
    on (`questions.letters_for`)."""
    standing = written.standing
    conn.execute(
        _WRITE,
        {
            "id": written.lead_id,
            "at": written.at,
            "events": events_json(written.events),
            "deltas": json.dumps([delta_json(each) for each in written.deltas]),
            "orders": json.dumps([order_json(each) for each in written.orders]),
            "last_texts": _last_texts(written),
            "opened": json.dumps([_opened_json(each) for each in written.opened]),
            "given": _given_json(written.given),
            "taken_by": written.taken_by,
            "lease_s": float(written.lease_s),
            "state": str(standing.state),
            "owner": standing.owner,
            "rung": standing.rung,
            "attempts": standing.attempts,
            "first_attempt_at": standing.first_attempt_at,
            "first_contact_at": standing.first_contact_at,
            "claimed_at": standing.claimed_at,
            "paged_at": standing.paged_at,
            "look_again_at": written.look_again_at,
            "last_seq": written.last_seq,
            "last_recorded_at": written.last_recorded_at,
            "woken": written.woken,
        },
    )


def _last_texts(written: Written) -> str:
    """What each phone was last sent, were it two texts at once: one row a phone."""
    last = {
        order.to_number: {
            "phone": order.to_number,
            "page_id": order.id,
            "asks": order.id in written.asks,
        }
        for order in written.orders
        if order.channel is Channel.TEXT
    }
    return json.dumps(list(last.values()))


def _opened_json(opened: Opened) -> dict[str, str]:
    return {
        "phone": opened.phone,
        "letter": opened.letter,
        "rep_id": opened.rep_id,
        "page_id": opened.page_id,
    }


def _given_json(given: Given | None) -> str:
    if given is None:
        return "[]"
    turns = given.turns
    row = {"route": given.route, "served": turns.served, "finish": dict(turns.finish)}
    return json.dumps([row])
