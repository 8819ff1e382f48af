"""A look at one lead, in as few round trips as it can be: how it is read, and how it is written.

The path from a lead to its page runs through here, so one statement reads all that a look must
know and one writes all that came of it. It is the only way to write down what happened to a lead
that is stored, to give a turn and to open a question; a fact somebody told us goes the same way as
a look. Storing a new lead is in `leads`, an answer about no look in `outbox`. Every table's own
rules still hold. It decides nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from service.ledger.counts import INSERT_DELTAS, Delta, deltas_json
from service.ledger.engaged import SELECT_ENGAGED, engaged_from
from service.ledger.lead_rows import (
    INSERT_EVENTS,
    PERSON_COLUMNS,
    LeadRow,
    StandingRow,
    events_json,
    owed_json,
    person_from,
)
from service.ledger.leads import SELECT_TIMELINE, lock_lead
from service.ledger.outbox_rows import INSERT_ORDERS, Order, orders_values
from service.ledger.people import DEAF_MAX, SELECT_DEAF
from service.ledger.questions import NOT_ASKED
from service.rules.floor import Turns
from service.rules.lead import Lead, LeadId, PageId, RepId
from service.rules.timeline import Channel, Event, Timeline, from_fields


@dataclass(frozen=True, slots=True)
class Seen:
    """A lead that this transaction holds, and what a look at it must know. ``person`` is None
    once erased; ``deaf`` are the phones that a channel cannot reach, ``tripped`` the channels
    whose breaker is open, and until when; ``generation`` the team's; ``engaged`` are the reps on
    a call (None), and from when on those may be rung who were on one."""

    row: LeadRow
    timeline: Timeline
    person: Lead | None
    deaf: frozenset[tuple[str, Channel]]
    tripped: Mapping[Channel, datetime]
    generation: int
    engaged: Mapping[RepId, datetime | None]


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
    """Everything that a look, or a fact, writes about one lead. ``taken_by`` and ``lease_s``: the
    order that names its sender's number is taken as it is ordered, if its phone may have it."""

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
    opened: Sequence[Opened] = ()
    given: Given | None = None
    taken_by: str | None = None
    lease_s: float = 0.0


# All events of a timeline that is selected as `e`, as one value.
TIMELINE_JSON = """
coalesce(jsonb_agg(jsonb_build_array(e.seq, e.at, e.recorded_at, e.because, e.actor, e.kind,
  e.fields) order by e.seq), '[]')
"""

_READ = text(f"""
select
  (select {TIMELINE_JSON} from ({SELECT_TIMELINE}) e),
  (select coalesce(jsonb_agg(jsonb_build_array(d.phone, d.channel)), '[]')
   from ({SELECT_DEAF}) d),
  (select coalesce(jsonb_agg(jsonb_build_array(b.channel, b.open_until)), '[]')
   from breaker b where b.open_until is not null),
  (select generation from team_copy where id = 1),
  (select coalesce(jsonb_agg(jsonb_build_array(g.rep_id, g.until)), '[]')
   from ({SELECT_ENGAGED}) g),
  p.lead_id, {PERSON_COLUMNS}
from (select 1) one left join person p on p.lead_id = :id
""")

# One statement: constraints are checked when all of it is there. What a look does not write is an
# empty list. What other statements insert too is spelled once, in its room.
_WRITE = text(f"""
with new_event as (
  {INSERT_EVENTS}
), counted as (
  {INSERT_DELTAS}
), {INSERT_ORDERS}, asked as (
  insert into question (phone, letter, lead_id, rep_id, opened_at, last_page_id)
  select a.phone, a.letter, :id, a.rep_id,
    case when o.state = 'taken' then cast(:at as timestamptz) else :not_asked end, a.page_id
  from jsonb_to_recordset(cast(:opened as jsonb)) as a (
    phone text, letter text, rep_id text, page_id text)
  left join ordered o on o.id = a.page_id
  on conflict (phone, lead_id) do update set letter = excluded.letter, rep_id = excluded.rep_id,
    last_page_id = excluded.last_page_id, closed_at = null,
    opened_at = case when question.closed_at is null
      then least(question.opened_at, excluded.opened_at) else excluded.opened_at end
), given as (
  insert into turn (route, served, finish)
  select g.route, g.served, g.finish
  from jsonb_to_recordset(cast(:given as jsonb)) as g (
    route text, served double precision, finish jsonb)
  on conflict (route) do update set served = excluded.served, finish = excluded.finish
)
update lead set state = :state, owner = :owner, rung = :rung, attempts = :attempts,
  first_attempt_at = :first_attempt_at, first_contact_at = :first_contact_at,
  claimed_at = :claimed_at, paged_at = :paged_at, asked = :asked,
  owed = cast(:owed as jsonb), look_again_at = :look_again_at,
  last_seq = :last_seq, last_recorded_at = :last_recorded_at,
  woken_at = case when :woken then clock_timestamp() end
where id = :id
returning (select count(*) from ordered o where o.state = 'taken')
""")


def begin(conn: Connection, lead_id: LeadId) -> Seen | None:
    """Hold a lead and read it; None when there is no such lead. Raises LeadBusy.

    Two statements on purpose: one that did both would read the timeline as it was before it
    waited for the lock, and so miss what the holder appended.
    """
    row = lock_lead(conn, lead_id)
    if row is None:
        return None
    values = {"id": lead_id, "deaf_max": DEAF_MAX}
    found = conn.execute(_READ, values).one()
    events, deaf, tripped, generation, engaged, held, *person = found
    return Seen(
        row=row,
        timeline=timeline_from(events),
        person=person_from(person) if held is not None else None,
        deaf=frozenset((phone, Channel(channel)) for phone, channel in deaf),
        tripped={Channel(each): datetime.fromisoformat(until) for each, until in tripped},
        generation=generation or 0,
        engaged=engaged_from((rep, _instant(until)) for rep, until in engaged),
    )


def _instant(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


def timeline_from(events: Sequence[Sequence[Any]]) -> Timeline:
    """A timeline from its events as TIMELINE_JSON lists them."""
    return tuple(_event(*each) for each in events)


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


def write(conn: Connection, written: Written) -> bool:
    """Write all that came of a look; whether an order was taken as it was ordered. The caller holds
    the lead, and the phones it opens questions on (`questions.letters_for`)."""
    standing = written.standing
    done = conn.execute(
        _WRITE,
        {
            "id": written.lead_id,
            "at": written.at,
            "events": events_json(written.events),
            "deltas": deltas_json(written.deltas),
            **orders_values(written.orders, written.taken_by, written.lease_s),
            "not_asked": NOT_ASKED,
            "opened": json.dumps([_opened_json(each) for each in written.opened]),
            "given": _given_json(written.given),
            "state": str(standing.state),
            "owner": standing.owner,
            "rung": standing.rung,
            "attempts": standing.attempts,
            "first_attempt_at": standing.first_attempt_at,
            "first_contact_at": standing.first_contact_at,
            "claimed_at": standing.claimed_at,
            "paged_at": standing.paged_at,
            "asked": standing.asked,
            "owed": owed_json(standing.owed),
            "look_again_at": written.look_again_at,
            "last_seq": written.last_seq,
            "last_recorded_at": written.last_recorded_at,
            "woken": written.woken,
        },
    )
    return bool(done.scalar())


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
