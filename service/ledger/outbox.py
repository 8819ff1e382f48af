"""Messages ordered, settled and heard of again; how they are taken is `outbox_taking`.

Whoever writes to a lead and to its rows in one transaction locks the lead first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from service.ledger.outbox_rows import (
    INSERT_ORDERS,
    LANE_REPEAT,
    ONCE_KINDS,
    OUTBOX_COLUMNS,
    ROWS_MAX,
    Order,
    OutboxKind,
    OutboxRow,
    OutboxState,
    orders_values,
    outbox_row,
    stored_channels,
)
from service.rules.lead import LeadId, PageId
from service.rules.timeline import Channel

__all__ = [
    "Order",
    "OutboxKind",
    "OutboxRow",
    "OutboxState",
    "carried",
    "order",
    "order_again",
    "ordered_pages",
    "raise_status",
    "row",
    "settle_failed",
    "settle_sent",
    "settle_unsure",
    "sids_to",
    "withdraw",
    "withdraw_repeat",
]

# A repeat is named after what it repeats, so that there is one at most and a receipt finds both.
AGAIN_SUFFIX = ".2"


_ORDER = text(f"""
with {INSERT_ORDERS} select count(*) from ordered
""")

_ORDER_AGAIN = text("""
insert into outbox (id, lead_id, seq, kind, channel, rep_id, to_number, from_number, body,
  not_after, ordered_at, tries, again_of, call_id, lane)
select o.id || :suffix, o.lead_id, o.seq, o.kind, o.channel, o.rep_id, o.to_number, o.from_number,
  o.body, o.not_after, :at, 2, o.id, o.call_id, :lane
from outbox o where o.id = :id and o.state = 'unsure' and o.tries = 1
  and o.kind <> all(cast(:once as text[]))
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

_CARRIED = text(f"""
select {OUTBOX_COLUMNS} from outbox o where o.carried_by = :id order by o.ordered_clock limit :limit
""")

_RAISE_STATUS = text("""
update outbox set carrier_status = :status, carrier_rank = :rank,
  carrier_sid = coalesce(carrier_sid, :sid), code = coalesce(:code, code)
where id = :id and coalesce(carrier_rank, -1) < :rank
""")

_SIDS_TO = text("""
select carrier_sid from outbox
where to_number = :to_number and channel = any(cast(:channels as text[]))
  and carrier_sid is not null and carried_by is null
order by ordered_clock desc limit :limit
""")


def order(conn: Connection, rows: Sequence[Order]) -> None:
    """Order messages that no look decided and that ask nothing: answers. A look's go with all
    else that it writes (`look.write`)."""
    conn.execute(_ORDER, orders_values(rows))


def order_again(conn: Connection, page_id: PageId, at: datetime) -> PageId | None:
    """Order the one repeat of a row that is `unsure`; its id, or None when there is none to be.

    None: it is not unsure, is a repeat itself, was repeated already, or is of those that go at
    most once: a bridge's calls, and what ends a call.
    """
    values = {
        "id": page_id,
        "suffix": AGAIN_SUFFIX,
        "at": at,
        "lane": LANE_REPEAT,
        "once": sorted(ONCE_KINDS),
    }
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


def carried(conn: Connection, page_id: PageId, limit: int = ROWS_MAX) -> list[OutboxRow]:
    """The rows that this row's message carries too, oldest first."""
    return [outbox_row(found) for found in conn.execute(_CARRIED, {"id": page_id, "limit": limit})]


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


def sids_to(conn: Connection, to_number: str, channel: Channel) -> frozenset[str]:
    """The carrier's ids of what we lately sent a phone: they belong to other rows."""
    values = {
        "to_number": to_number,
        "channels": stored_channels([channel]),
        "limit": ROWS_MAX,
    }
    return frozenset(conn.execute(_SIDS_TO, values).scalars())


def _changed(conn: Connection, statement: Any, values: dict[str, Any]) -> bool:
    return conn.execute(statement, values).rowcount == 1
