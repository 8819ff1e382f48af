"""Messages ordered, taken and sent: at most one taker each, and no way back.

It picks the oldest row that nobody holds; whether that row is still wanted is decided by its
caller (the pure `still_wanted`), under the lead's lock that the pick brought along. Leases and
the order of taking go by PostgreSQL's clock. Whoever writes to a lead and to its rows in one
transaction locks the lead first.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from service.ledger.lead_rows import LEAD_COLUMNS, LEAD_WIDTH, LeadRow
from service.ledger.outbox_rows import (
    INSERT_ORDERS,
    OUTBOX_COLUMNS,
    OUTBOX_WIDTH,
    Order,
    OutboxKind,
    OutboxRow,
    OutboxState,
    Picked,
    orders_json,
    outbox_row,
)
from service.ledger.questions import NOTE_LAST_TEXTS, last_texts_json
from service.rules.lead import LeadId, PageId
from service.rules.timeline import Channel

__all__ = [
    "Order",
    "OutboxKind",
    "OutboxRow",
    "OutboxState",
    "Picked",
    "lapsed_leases",
    "mark_expired",
    "mark_taken",
    "mark_withdrawn",
    "order",
    "order_again",
    "ordered_pages",
    "pick_next",
    "raise_status",
    "renew",
    "row",
    "settle_failed",
    "settle_sent",
    "settle_unsure",
    "sids_to",
    "silent_since",
    "withdraw",
    "withdraw_repeat",
]

# One sweep's helping; what is left waits half a second for the next.
ROWS_MAX = 100

# A repeat is named after what it repeats, so that there is one at most and a receipt finds both.
AGAIN_SUFFIX = ".2"


_ORDER = text(f"""
with ordered as (
  {INSERT_ORDERS}
)
{NOTE_LAST_TEXTS}
""")

_ORDER_AGAIN = text("""
insert into outbox (id, lead_id, seq, kind, channel, rep_id, to_number, from_number, body,
  not_after, ordered_at, tries, again_of)
select o.id || :suffix, o.lead_id, o.seq, o.kind, o.channel, o.rep_id, o.to_number, o.from_number,
  o.body, o.not_after, :at, 2, o.id
from outbox o where o.id = :id and o.state = 'unsure' and o.tries = 1
on conflict (id) do nothing
returning id
""")

_WITHDRAW = text("""
update outbox set state = 'withdrawn'
where lead_id = :lead_id and state = 'ordered'
  and coalesce(again_of, id) = any(cast(:ids as text[]))
returning id
""")

_WITHDRAW_REPEAT = text("""
update outbox set state = 'withdrawn' where again_of = :id and state = 'ordered'
""")

_ORDERED_PAGES = text(f"""
select {OUTBOX_COLUMNS} from outbox o where o.lead_id = :lead_id and o.state = 'ordered'
order by o.ordered_clock, o.id limit :limit
""")

_ROW = text(f"select {OUTBOX_COLUMNS} from outbox o where o.id = :id")
# The lead first, then the row: a row whose lead is held by a look is left alone, and the look may
# withdraw it. Neither lock waits, so taking can deadlock with nothing.
_PICK = text(f"""
select {OUTBOX_COLUMNS}, {LEAD_COLUMNS} from outbox o join lead l on l.id = o.lead_id
where o.state = 'ordered' and o.channel = any(cast(:channels as text[]))
order by o.ordered_clock limit 1
for no key update of l, o skip locked
""")

_PICK_LEADLESS = text(f"""
select {OUTBOX_COLUMNS} from outbox o
where o.state = 'ordered' and o.lead_id is null and o.channel = any(cast(:channels as text[]))
order by o.ordered_clock limit 1 for no key update skip locked
""")

_MARK_TAKEN = text("""
update outbox set state = 'taken', taken_by = :taken_by, taken_clock = clock_timestamp(),
  lease_until = clock_timestamp() + make_interval(secs => :lease_s),
  from_number = coalesce(:from_number, from_number)
where id = :id and state = 'ordered'
""")

_MARK_WITHDRAWN = text("update outbox set state = 'withdrawn' where id = :id and state = 'ordered'")
_MARK_EXPIRED = text("update outbox set state = 'expired' where id = :id and state = 'ordered'")

# A callback may overtake the answer to our own request: the status already known stays.
_SETTLE_SENT = text("""
update outbox set state = 'sent', sent_at = :at, carrier_sid = coalesce(carrier_sid, :sid),
  carrier_status = coalesce(carrier_status, :status),
  carrier_rank = coalesce(carrier_rank, :rank)
where id = :id and state in ('taken', 'unsure')
""")

_SETTLE_FAILED = text("""
update outbox set state = 'failed', code = coalesce(:code, code)
where id = :id and state in ('taken', 'unsure')
""")

_SETTLE_UNSURE = text("update outbox set state = 'unsure' where id = :id and state = 'taken'")

_RENEW = text("""
update outbox set lease_until = clock_timestamp() + make_interval(secs => :lease_s)
where state = 'taken' and id = any(cast(:ids as text[]))
""")

_LAPSED = text(f"""
select {OUTBOX_COLUMNS} from outbox o where o.state = 'taken' and o.lease_until < clock_timestamp()
order by o.lease_until limit :limit
""")

_RAISE_STATUS = text("""
update outbox set carrier_status = :status, carrier_rank = :rank,
  carrier_sid = coalesce(carrier_sid, :sid), code = coalesce(:code, code)
where id = :id and coalesce(carrier_rank, -1) < :rank
""")

_SILENT = text(f"""
select {OUTBOX_COLUMNS} from outbox o
where o.state = 'sent' and o.sent_at >= :after and o.sent_at < :before
  and coalesce(o.carrier_rank, -1) < :below_rank
order by o.sent_at limit :limit
""")

_SIDS_TO = text("""
select carrier_sid from outbox
where to_number = :to_number and channel = :channel and carrier_sid is not null
order by ordered_clock desc limit :limit
""")


def order(conn: Connection, rows: Sequence[Order]) -> None:
    """Order messages that no look decided and that ask nothing: answers. A look's go with all
    else that it writes (`look.write`)."""
    values = {
        "orders": orders_json(rows),
        "last_texts": last_texts_json(rows),
        "taken_by": None,
        "lease_s": 0.0,
    }
    conn.execute(_ORDER, values)


def order_again(conn: Connection, page_id: PageId, at: datetime) -> PageId | None:
    """Order the one repeat of a row that is `unsure`; its id, or None when there is none to be.

    None: it is not unsure, is a repeat itself, or was repeated already.
    """
    values = {"id": page_id, "suffix": AGAIN_SUFFIX, "at": at}
    made = conn.execute(_ORDER_AGAIN, values).scalar()
    return PageId(made) if made else None


def withdraw(conn: Connection, lead_id: LeadId, page_ids: Sequence[PageId]) -> list[PageId]:
    """Withdraw those of the lead's pages that nobody has taken (repeats included); which ones."""
    if not page_ids:
        return []
    gone = conn.execute(_WITHDRAW, {"lead_id": lead_id, "ids": list(page_ids)})
    return [PageId(page_id) for (page_id,) in gone]


def withdraw_repeat(conn: Connection, page_id: PageId) -> bool:
    """Withdraw the repeat of a row that arrived after all, unless it was taken; whether it was.
    Call it in a transaction that holds the lead."""
    return _changed(conn, _WITHDRAW_REPEAT, {"id": page_id})


def ordered_pages(conn: Connection, lead_id: LeadId) -> list[OutboxRow]:
    """The lead's rows that nobody has taken yet, oldest first."""
    rows = conn.execute(_ORDERED_PAGES, {"lead_id": lead_id, "limit": ROWS_MAX})
    return [outbox_row(row) for row in rows]


def row(conn: Connection, page_id: PageId) -> OutboxRow | None:
    """One row, unlocked."""
    found = conn.execute(_ROW, {"id": page_id}).one_or_none()
    return outbox_row(found) if found else None


def pick_next(conn: Connection, channels: Sequence[Channel] = tuple(Channel)) -> Picked | None:
    """Hold the oldest ordered row of these channels whose lead nobody holds, and that lead.

    Never waits: None may also mean that others hold what there is. Rows without a lead (answers
    to a phone) come when no lead's row is to be had. The caller marks it taken, withdrawn or
    expired in the same transaction.
    """
    values = {"channels": [str(channel) for channel in channels]}
    found = conn.execute(_PICK, values).one_or_none()
    if found:
        lead = LeadRow(*found[OUTBOX_WIDTH : OUTBOX_WIDTH + LEAD_WIDTH])
        return Picked(outbox_row(found[:OUTBOX_WIDTH]), lead)
    alone = conn.execute(_PICK_LEADLESS, values).one_or_none()
    return Picked(outbox_row(alone), None) if alone else None


def mark_taken(
    conn: Connection,
    page_id: PageId,
    taken_by: str,
    lease_s: float,
    from_number: str | None = None,
) -> bool:
    """Take an ordered row for ``lease_s`` seconds; False when it is no longer ordered."""
    values = {
        "id": page_id,
        "taken_by": taken_by,
        "lease_s": float(lease_s),
        "from_number": from_number,
    }
    return _changed(conn, _MARK_TAKEN, values)


def mark_withdrawn(conn: Connection, page_id: PageId) -> bool:
    """The row has become pointless before anybody took it."""
    return _changed(conn, _MARK_WITHDRAWN, {"id": page_id})


def mark_expired(conn: Connection, page_id: PageId) -> bool:
    """The row's `not_after` passed before anybody took it."""
    return _changed(conn, _MARK_EXPIRED, {"id": page_id})


def settle_sent(
    conn: Connection,
    page_id: PageId,
    sid: str | None,
    status: str | None,
    at: datetime,
    rank: int | None = None,
) -> bool:
    """The carrier accepted it at ``at`` (business time). False when that was settled before."""
    values = {"id": page_id, "sid": sid, "status": status, "at": at, "rank": rank}
    return _changed(conn, _SETTLE_SENT, values)


def settle_failed(conn: Connection, page_id: PageId, code: int | None) -> bool:
    """The carrier refused it. False when that was settled before."""
    return _changed(conn, _SETTLE_FAILED, {"id": page_id, "code": code})


def settle_unsure(conn: Connection, page_id: PageId) -> bool:
    """Nobody can say whether the carrier has it. False when it is not `taken`."""
    return _changed(conn, _SETTLE_UNSURE, {"id": page_id})


def renew(conn: Connection, page_ids: Collection[PageId], lease_s: float) -> int:
    """Let the leases of these rows run ``lease_s`` seconds from now; how many are still taken.

    By row and not by taker: a row whose sender never learned that it took it must run out."""
    values = {"ids": list(page_ids), "lease_s": float(lease_s)}
    return conn.execute(_RENEW, values).rowcount


def lapsed_leases(conn: Connection, limit: int = ROWS_MAX) -> list[OutboxRow]:
    """Taken rows whose taker's lease ran out, unlocked: the carrier is asked about them next."""
    return [outbox_row(found) for found in conn.execute(_LAPSED, {"limit": limit})]


def raise_status(
    conn: Connection,
    page_id: PageId,
    status: str,
    rank: int,
    sid: str | None,
    code: int | None,
) -> bool:
    """Note the carrier's status unless it is known to have come further; whether it rose."""
    values = {"id": page_id, "status": status, "rank": rank, "sid": sid, "code": code}
    return _changed(conn, _RAISE_STATUS, values)


def silent_since(
    conn: Connection,
    sent_after: datetime,
    sent_before: datetime,
    below_rank: int,
    limit: int = ROWS_MAX,
) -> list[OutboxRow]:
    """Rows sent in [after, before) whose carrier status has not come to ``below_rank``."""
    values = {
        "after": sent_after,
        "before": sent_before,
        "below_rank": below_rank,
        "limit": limit,
    }
    return [outbox_row(found) for found in conn.execute(_SILENT, values)]


def sids_to(conn: Connection, to_number: str, channel: Channel) -> frozenset[str]:
    """The carrier's ids of what we lately sent a phone: they belong to other rows."""
    values = {"to_number": to_number, "channel": str(channel), "limit": ROWS_MAX}
    return frozenset(conn.execute(_SIDS_TO, values).scalars())


def _changed(conn: Connection, statement: Any, values: dict[str, Any]) -> bool:
    return conn.execute(statement, values).rowcount == 1
