"""A message's row as frozen values, the columns it is read from, and how orders are inserted.

Only shapes: queries are in `outbox` and `look`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from service.ledger.lead_rows import LeadRow
from service.ledger.pace import NEW_LEAD_VALUES, TAKE_PHONES
from service.rules.lead import LeadId, PageId, RepId
from service.rules.timeline import Channel

OutboxKind = Literal[
    "page_text", "page_call", "page_email", "note_text", "answer_text", "notice_email"
]
OutboxState = Literal["ordered", "taken", "sent", "failed", "unsure", "withdrawn", "expired"]


# One sweep's helping, and the most that one text carries: what is left waits for the next.
ROWS_MAX = 100


@dataclass(frozen=True, slots=True)
class Order:
    """A message to be sent. ``seq`` is the event that ordered it; ``not_after`` business time.

    ``from_number``: whom it is from if it is taken as it is ordered; else chosen at its taking.
    """

    id: PageId
    lead_id: LeadId | None
    seq: int | None
    kind: OutboxKind
    channel: Channel
    rep_id: RepId | None
    to_number: str
    body: str
    not_after: datetime
    ordered_at: datetime
    from_number: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One outgoing message and how far it has come. ``*_clock`` and the lease: database clock."""

    id: PageId
    lead_id: LeadId | None
    seq: int | None
    kind: OutboxKind
    channel: Channel
    rep_id: RepId | None
    to_number: str
    from_number: str | None
    body: str
    not_after: datetime
    state: OutboxState
    ordered_at: datetime
    ordered_clock: datetime
    taken_clock: datetime | None
    taken_by: str | None
    lease_until: datetime | None
    tries: int
    carrier_sid: str | None
    carrier_status: str | None
    carrier_rank: int | None
    code: int | None
    again_of: PageId | None
    sent_at: datetime | None
    carried_by: PageId | None = None

    @property
    def page_id(self) -> PageId:
        """The page this row carries: a repeat carries the page of the row it repeats."""
        return self.again_of or self.id


@dataclass(frozen=True, slots=True)
class Picked:
    """A row held for its taker, with its lead (held too), until the transaction ends."""

    row: OutboxRow
    lead: LeadRow | None


OUTBOX_COLUMNS = ", ".join(f"o.{name}" for name in OutboxRow.__dataclass_fields__)
OUTBOX_WIDTH = len(OutboxRow.__dataclass_fields__)
_CHANNEL = tuple(OutboxRow.__dataclass_fields__).index("channel")

# What a phone was last sent: an older text never replaces a newer.
LAST_TEXT_WINS = """
on conflict (phone) do update set page_id = excluded.page_id, lead_id = excluded.lead_id,
  at = excluded.at where last_text.at <= excluded.at
"""

_PAGES_TO_TAKE = """
jsonb_to_recordset(cast(:orders as jsonb)) as r (
  to_number text, from_number text, kind text, ordered_at timestamptz)
where cast(:taken_by as text) is not null and r.from_number is not null and r.kind = 'page_text'
  and not exists (select from outbox w where w.state = 'ordered' and w.kind = 'page_text'
    and w.to_number = r.to_number and w.not_after > r.ordered_at)
"""

# Part of every statement that orders messages; `:orders` is `orders_json`. With `:taken_by`, an
# order that names its sender's number is taken as it is ordered, for `:lease_s` seconds, unless it
# is a page and its phone was sent one just now, or others wait for that phone: they go together.
# At most one order of a statement is taken so.
INSERT_ORDERS = f"""
slot as (
  {TAKE_PHONES.format(phones=_PAGES_TO_TAKE)}
), ordered as (
  insert into outbox (id, lead_id, seq, kind, channel, rep_id, to_number, from_number, body,
    not_after, ordered_at, state, taken_by, taken_clock, lease_until)
  select r.id, r.lead_id, r.seq, r.kind, r.channel, r.rep_id, r.to_number,
    case when t.by is not null then r.from_number end, r.body, r.not_after, r.ordered_at,
    case when t.by is null then 'ordered' else 'taken' end, t.by,
    case when t.by is not null then clock_timestamp() end,
    case when t.by is not null then clock_timestamp() + make_interval(secs => :lease_s) end
  from jsonb_to_recordset(cast(:orders as jsonb)) as r (
    id text, lead_id text, seq int, kind text, channel text, rep_id text, to_number text,
    from_number text, body text, not_after timestamptz, ordered_at timestamptz)
  left join (select cast(:taken_by as text) as by) t on r.from_number is not null
    and (r.kind <> 'page_text' or exists (select from slot s where s.sender = r.to_number))
  returning id, lead_id, kind, channel, to_number, state, ordered_at
), last_said as (
  insert into last_text (phone, page_id, lead_id, at)
  select o.to_number, o.id, case when o.kind = 'page_text' then o.lead_id end, o.ordered_at
  from ordered o where o.state = 'taken' and o.channel = 'text'
  {LAST_TEXT_WINS}
)
"""


def outbox_row(values: Row[Any] | Sequence[Any]) -> OutboxRow:
    held = list(values)
    held[_CHANNEL] = Channel(held[_CHANNEL])
    return OutboxRow(*held)


def orders_values(
    orders: Sequence[Order], taken_by: str | None = None, lease_s: float = 0.0
) -> dict[str, Any]:
    """Orders as INSERT_ORDERS reads them."""
    listed = json.dumps([_order_json(row) for row in orders])
    own = {"orders": listed, "taken_by": taken_by, "lease_s": float(lease_s)}
    return {**NEW_LEAD_VALUES, **own}


def _order_json(row: Order) -> dict[str, Any]:
    return {
        "id": row.id,
        "lead_id": row.lead_id,
        "seq": row.seq,
        "kind": row.kind,
        "channel": row.channel,
        "rep_id": row.rep_id,
        "to_number": row.to_number,
        "from_number": row.from_number,
        "body": row.body,
        "not_after": row.not_after.isoformat(),
        "ordered_at": row.ordered_at.isoformat(),
    }
