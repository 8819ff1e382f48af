"""Who takes a message: picked without waiting, taken by one sender, for as long as its lease runs.

It picks the oldest row that nobody holds; whether that row is still wanted is decided by its
caller (the pure `still_wanted`), under the lead's lock that the pick brought along. Leases and
the order of taking go by PostgreSQL's clock.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from service.ledger.lead_rows import LEAD_COLUMNS, LEAD_WIDTH, LeadRow
from service.ledger.outbox_rows import (
    LAST_TEXT_WINS,
    OUTBOX_COLUMNS,
    OUTBOX_WIDTH,
    ROWS_MAX,
    OutboxRow,
    Picked,
    outbox_row,
)
from service.ledger.pace import NEW_LEAD_VALUES, PHONE_FREE
from service.rules.lead import PageId
from service.rules.timeline import Channel

_MAY_GO = f"""
o.state = 'ordered' and o.channel = any(cast(:channels as text[]))
  and (o.kind <> 'page_text'
    or o.to_number <> all(cast(:crowded as text[])) and {PHONE_FREE})
"""

# The phone whose page comes next, and whether its turn was to be had. Asked before anything is
# locked: a taker that held one of the phone's leads for nothing, for an instant, would keep it out
# of the text that another taker is putting together, and it would go five seconds later.
_NEXT = text(f"""
select n.phone, n.phone is null or pg_try_advisory_xact_lock(:phone_turn, hashtext(n.phone))
from (
  select case when o.kind = 'page_text' then o.to_number end as phone from outbox o
  where o.lead_id is not null and {_MAY_GO}
  order by o.ordered_clock limit 1 offset 0
) n
""")

# The lead first, then the row: a row whose lead is held by a look is left alone, and the look may
# withdraw it. Neither lock waits, so taking can deadlock with nothing.
_PICK = text(f"""
select {OUTBOX_COLUMNS}, {LEAD_COLUMNS} from outbox o join lead l on l.id = o.lead_id
where {_MAY_GO}
order by o.ordered_clock limit 1
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
order by o.ordered_clock limit 1 for no key update skip locked
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
    """Hold the oldest ordered row of these channels whose lead nobody holds, and that lead.

    Never waits: None may also mean that others hold what there is. Pages wait for their phone's
    slot; of ``crowded`` phones no page is picked. Rows without a lead (answers to a phone) come
    when no lead's row is to be had. The caller marks it taken, withdrawn or expired in the same
    transaction.
    """
    values = {
        **NEW_LEAD_VALUES,
        "channels": [str(channel) for channel in channels],
        "crowded": list(crowded),
    }
    ahead = conn.execute(_NEXT, values).one_or_none()
    if ahead is not None:
        phone, has_turn = ahead
        left = values if has_turn else {**values, "crowded": [*crowded, phone]}
        found = conn.execute(_PICK, left).one_or_none()
        if found:
            return _picked(found)
    alone = conn.execute(_PICK_LEADLESS, values).one_or_none()
    return Picked(outbox_row(alone), None) if alone else None


def pick_company(conn: Connection, row: OutboxRow, limit: int) -> list[Picked]:
    """Hold the other pages that wait for the phone of a page, oldest first, whose leads nobody
    holds, and those leads. Never waits. The caller holds the phone's turn (`pace`)."""
    values = {"phone": row.to_number, "id": row.id, "limit": limit}
    return [_picked(found) for found in conn.execute(_PICK_COMPANY, values)]


def _picked(found: Row[Any]) -> Picked:
    lead = LeadRow(*found[OUTBOX_WIDTH : OUTBOX_WIDTH + LEAD_WIDTH])
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
