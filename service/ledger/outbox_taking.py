"""Who takes a message: picked without waiting, taken by one sender, for as long as its lease runs.

It picks the oldest row of the first lane that nobody holds; whether that row is still wanted is
decided by its caller (the pure `still_wanted`), under the lead's lock that the pick brought along.
Leases and the order of taking go by PostgreSQL's clock.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from service.ledger.lead_rows import LEAD_COLUMNS, LEAD_WIDTH, lead_row
from service.ledger.locks import CALL_TURN
from service.ledger.outbox_rows import (
    CALL_KINDS,
    IS_CALL,
    LAST_TEXT_WINS,
    OUTBOX_COLUMNS,
    OUTBOX_WIDTH,
    RINGS_MAX_S,
    ROWS_MAX,
    OutboxRow,
    Picked,
    outbox_row,
    stored_channels,
)
from service.ledger.pace import NEW_LEAD_VALUES, PHONE_FREE
from service.ledger.reach import ENDED_RANK
from service.rules.lead import PageId
from service.rules.timeline import Channel

# What the statements about calls are given.
_CALL_VALUES = {"call_turn": CALL_TURN, "ended": ENDED_RANK, "rings_max_s": RINGS_MAX_S}

# Calls to one phone go one after the other: true for a phone `o.to_number` that no other call of
# ours is at, as far as we know. A call is believed to last only so long on either clock: business
# time may be moved, and PostgreSQL's own is never set back. By the instant of the statement, for
# which an index can be searched.
_LINE_FREE = f"""
not exists (select from outbox c where c.state = 'taken' and c.to_number = o.to_number
    and c.id <> o.id and {IS_CALL.format(row="c")})
  and not exists (select from outbox c where c.to_number = o.to_number
    and {IS_CALL.format(row="c")} and c.id <> o.id and c.state = 'sent'
    and coalesce(c.carrier_rank, -1) < :ended
    and c.sent_at > o.ordered_at - make_interval(secs => :rings_max_s)
    and c.taken_clock > statement_timestamp() - make_interval(secs => :rings_max_s))
"""

_MAY_GO = f"""
o.state = 'ordered' and o.channel = any(cast(:channels as text[]))
  and (o.kind <> 'page_text'
    or o.to_number <> all(cast(:crowded as text[])) and {PHONE_FREE})
  and (not ({IS_CALL.format(row="o")})
    or o.to_number <> all(cast(:rung as text[])) and {_LINE_FREE})
"""

# The phone whose page comes next, and whether its turn was to be had. Asked before anything is
# locked: a taker that held one of the phone's leads for nothing, for an instant, would keep it out
# of the text that another taker is putting together, and it would go five seconds later.
_NEXT = text(f"""
select n.phone, n.rings, n.phone is null or pg_try_advisory_xact_lock(
  case when n.rings then :call_turn else :phone_turn end, hashtext(n.phone))
from (
  select {IS_CALL.format(row="o")} as rings,
    case when o.kind = 'page_text' or {IS_CALL.format(row="o")} then o.to_number end as phone
  from outbox o where o.lead_id is not null and {_MAY_GO}
  order by o.lane, o.ordered_clock limit 1 offset 0
) n
""")

# Of a phone whose turn was not asked for ahead: in two statements, the second of which sees what
# the turn's last holder committed.
_TRY_CALL_TURN = text("select pg_try_advisory_xact_lock(:call_turn, hashtext(:phone))")
_STILL_FREE = text(f"select {_LINE_FREE} from outbox o where o.id = :id")

# The lead first, then the row: a row whose lead is held by a look is left alone, and the look may
# withdraw it. Neither lock waits, so taking can deadlock with nothing.
_PICK = text(f"""
select {OUTBOX_COLUMNS}, {LEAD_COLUMNS} from outbox o join lead l on l.id = o.lead_id
where {_MAY_GO}
order by o.lane, o.ordered_clock limit 1
for no key update of l, o skip locked
""")

# The pages that may share the text of one that is being taken, whose lead nobody holds.
_PICK_COMPANY = text(f"""
select {OUTBOX_COLUMNS}, {LEAD_COLUMNS} from outbox o join lead l on l.id = o.lead_id
where o.state = 'ordered' and o.kind = 'page_text' and o.to_number = :phone and o.id <> :id
order by o.ordered_clock limit :limit
for no key update of l, o skip locked
""")

_PICK_LEADLESS = text(f"""
select {OUTBOX_COLUMNS} from outbox o
where o.state = 'ordered' and o.lead_id is null and o.channel = any(cast(:channels as text[]))
order by o.lane, o.ordered_clock limit 1 for no key update skip locked
""")

# With what follows from it: the phone was last sent this, and the questions it asks are open. A
# text about several leads asks for no one of them.
_MARK_TAKEN = text(f"""
with taken as (
  update outbox o set state = 'taken', taken_by = :taken_by, taken_clock = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => :lease_s),
    from_number = coalesce(:from_number, from_number),
    carried_by = case when o.id <> :id then cast(:id as text) end,
    body = case when o.id = :id then coalesce(:body, o.body) else o.body end
  where o.id = any(cast(:ids as text[])) and o.state = 'ordered'
  returning o.id, o.lead_id, o.kind, o.channel, o.to_number, coalesce(o.again_of, o.id) as page_id
), said as (
  insert into last_text (phone, page_id, lead_id, at)
  select t.to_number, t.id,
    case when t.kind = 'page_text' and cardinality(cast(:ids as text[])) = 1 then t.lead_id end, :at
  from taken t where t.id = :id and t.channel = 'text'
  {LAST_TEXT_WINS}
), asked as (
  update question q set opened_at = :at from taken t
  where q.phone = t.to_number and q.lead_id = t.lead_id and q.last_page_id = t.page_id
    and q.opened_at > :at
)
select count(*) from taken
""")

_MARK_WITHDRAWN = text("update outbox set state = 'withdrawn' where id = :id and state = 'ordered'")
_MARK_EXPIRED = text("update outbox set state = 'expired' where id = :id and state = 'ordered'")

_RENEW = text("""
update outbox set lease_until = clock_timestamp() + make_interval(secs => :lease_s)
where state = 'taken' and id = any(cast(:ids as text[]))
""")

_LAPSED = text(f"""
select {OUTBOX_COLUMNS} from outbox o where o.state = 'taken' and o.lease_until < clock_timestamp()
  and not exists (select from outbox h where h.id = o.carried_by and h.state = 'taken')
order by o.lease_until limit :limit
""")


def pick_next(
    conn: Connection,
    channels: Sequence[Channel] = tuple(Channel),
    crowded: Collection[str] = (),
) -> Picked | None:
    """Hold the first ordered row of these channels whose lead nobody holds, and that lead: of the
    first lane, and there the oldest.

    Never waits: None may also mean that others hold what there is. Pages wait for their phone's
    slot, calls for the end of other calls to their phone; of ``crowded`` phones no page is picked.
    Rows without a lead (answers to a phone) come when no lead's row is to be had. The caller marks
    it taken, withdrawn or expired in the same transaction.
    """
    values: dict[str, Any] = {
        **NEW_LEAD_VALUES,
        **_CALL_VALUES,
        "channels": stored_channels(channels),
        "crowded": list(crowded),
        "rung": [],
    }
    ahead = conn.execute(_NEXT, values).one_or_none()
    if ahead is not None:
        phone, rings, has_turn = ahead
        if not has_turn:
            values["rung" if rings else "crowded"].append(phone)
        found = conn.execute(_PICK, values).one_or_none()
        mine = phone if rings and has_turn else None
        if found and _may_ring(conn, picked := _picked(found), mine):
            return picked
    alone = conn.execute(_PICK_LEADLESS, values).one_or_none()
    return Picked(outbox_row(alone), None) if alone else None


def _may_ring(conn: Connection, picked: Picked, mine: str | None) -> bool:
    """Whether it is no call, or nobody else is about to ring its phone; ``mine``: the phone of
    which this transaction has the turn. A call that may not waits for the next pick."""
    row = picked.row
    if row.kind not in CALL_KINDS or row.to_number == mine:
        return True
    values = {**_CALL_VALUES, "phone": row.to_number, "id": row.id}
    has_turn = conn.execute(_TRY_CALL_TURN, values).scalar_one()
    return bool(has_turn and conn.execute(_STILL_FREE, values).scalar_one())


def pick_company(conn: Connection, row: OutboxRow, limit: int) -> list[Picked]:
    """Hold the other pages that wait for the phone of a page, oldest first, whose leads nobody
    holds, and those leads. Never waits. The caller holds the phone's turn (`pace`)."""
    values = {"phone": row.to_number, "id": row.id, "limit": limit}
    return [_picked(found) for found in conn.execute(_PICK_COMPANY, values)]


def _picked(found: Row[Any]) -> Picked:
    lead = lead_row(found[OUTBOX_WIDTH : OUTBOX_WIDTH + LEAD_WIDTH])
    return Picked(outbox_row(found[:OUTBOX_WIDTH]), lead)


def mark_taken(
    conn: Connection,
    page_id: PageId,
    taken_by: str,
    lease_s: float,
    at: datetime,
    from_number: str | None = None,
    carries: Sequence[PageId] = (),
    body: str | None = None,
) -> bool:
    """Take an ordered row for ``lease_s`` seconds, at ``at`` (business time), and with it the rows
    that its message ``carries``; False when one of them is no longer ordered.

    The row keeps ``body``, if given, as what was sent."""
    ids = [page_id, *carries]
    values = {
        "id": page_id,
        "ids": ids,
        "taken_by": taken_by,
        "lease_s": float(lease_s),
        "at": at,
        "from_number": from_number,
        "body": body,
    }
    return conn.execute(_MARK_TAKEN, values).scalar() == len(ids)


def mark_withdrawn(conn: Connection, page_id: PageId) -> bool:
    """The row has become pointless before anybody took it."""
    return _changed(conn, _MARK_WITHDRAWN, {"id": page_id})


def mark_expired(conn: Connection, page_id: PageId) -> bool:
    """The row's `not_after` passed before anybody took it."""
    return _changed(conn, _MARK_EXPIRED, {"id": page_id})


def renew(conn: Connection, page_ids: Collection[PageId], lease_s: float) -> int:
    """Let the leases of these rows run ``lease_s`` seconds from now; how many are still taken.

    By row and not by taker: a row whose sender never learned that it took it must run out."""
    values = {"ids": list(page_ids), "lease_s": float(lease_s)}
    return conn.execute(_RENEW, values).rowcount


def lapsed_leases(conn: Connection, limit: int = ROWS_MAX) -> list[OutboxRow]:
    """Taken rows whose taker's lease ran out, unlocked: the carrier is asked about them next. A row
    that another one's message carries is settled with that one, as long as that is taken too."""
    return [outbox_row(found) for found in conn.execute(_LAPSED, {"limit": limit})]


def _changed(conn: Connection, statement: Any, values: dict[str, Any]) -> bool:
    return conn.execute(statement, values).rowcount == 1
