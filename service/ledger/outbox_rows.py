"""A message's row as frozen values, the columns it is read from, and how orders are inserted.

Only shapes: queries are in `outbox` and `look`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Row

from service.ledger.lead_rows import LeadRow
from service.ledger.pace import NEW_LEAD_VALUES, TAKE_PHONES
from service.rules.lead import CallId, LeadId, PageId, RepId
from service.rules.timeline import Channel

OutboxKind = Literal[
    "page_text",
    "page_call",
    "page_email",
    "note_text",
    "answer_text",
    "notice_email",
    "bridge_call",
    "hunt_call",
    "hang_up",
]
OutboxState = Literal["ordered", "taken", "sent", "failed", "unsure", "withdrawn", "expired"]


# One sweep's helping, and the most that one text carries: what is left waits for the next.
ROWS_MAX = 100

# Whose turn comes first where one at a time may go.
LANE_HANG_UP: Final = 0
LANE_BRIDGE: Final = 1
LANE_HUNT: Final = 2
LANE_OWED: Final = 3
LANE_PLAIN: Final = 4
LANE_REPEAT: Final = 5

CALL_KINDS: Final[frozenset[OutboxKind]] = frozenset({"page_call", "bridge_call", "hunt_call"})
"""What rings a phone."""

# Written as the partial index `outbox_calls_to` has it, or PostgreSQL would not use that.
IS_CALL = "{row}.kind in ('page_call', 'bridge_call', 'hunt_call')"
# A call whose end nobody told has surely stopped ringing by then: a phone rings for 18 s, a lead's
# for at most a minute, and the carrier's callbacks may come late.
RINGS_MAX_S = 120.0

# A channel that our senders do not know by name, as theirs, is not picked by those of the version
# before: they would ring a phone with it. To everybody else these are calls.
_LINE = "line"
ONCE_KINDS: Final[frozenset[OutboxKind]] = frozenset({"bridge_call", "hunt_call", "hang_up"})
"""What goes to the carrier at most once, and by a channel of its own."""


@dataclass(frozen=True, slots=True)
class Order:
    """A message to be sent. ``seq`` is the event that ordered it; ``not_after`` business time.

    ``from_number``: whom it is from if it is taken as it is ordered; else chosen at its taking.
    ``lane``: LANE_*; ``call_id``: the call that it rings for, or ends.
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
    lane: int = LANE_PLAIN
    call_id: CallId | None = None


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
    call_id: CallId | None = None
    lane: int = LANE_PLAIN

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
# A call is never taken so: it waits for the calls to its phone. At most one order of a statement
# is taken so.
INSERT_ORDERS = f"""
slot as (
  {TAKE_PHONES.format(phones=_PAGES_TO_TAKE)}
), ordered as (
  insert into outbox (id, lead_id, seq, kind, channel, rep_id, to_number, from_number, body,
    not_after, ordered_at, call_id, lane, state, taken_by, taken_clock, lease_until)
  select r.id, r.lead_id, r.seq, r.kind, r.channel, r.rep_id, r.to_number,
    case when t.by is not null then r.from_number end, r.body, r.not_after, r.ordered_at,
    r.call_id, r.lane, case when t.by is null then 'ordered' else 'taken' end, t.by,
    case when t.by is not null then clock_timestamp() end,
    case when t.by is not null then clock_timestamp() + make_interval(secs => :lease_s) end
  from jsonb_to_recordset(cast(:orders as jsonb)) as r (
    id text, lead_id text, seq int, kind text, channel text, rep_id text, to_number text,
    from_number text, body text, not_after timestamptz, ordered_at timestamptz, call_id text,
    lane smallint)
  left join (select cast(:taken_by as text) as by) t on r.from_number is not null
    and not ({IS_CALL.format(row="r")})
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
    stored = held[_CHANNEL]
    held[_CHANNEL] = Channel.CALL if stored == _LINE else Channel(stored)
    return OutboxRow(*held)


def stored_channels(channels: Iterable[Channel]) -> list[str]:
    """These channels as rows name them."""
    named = [str(channel) for channel in channels]
    return [*named, _LINE] if Channel.CALL in named else named


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
        "channel": _LINE if row.kind in ONCE_KINDS else row.channel,
        "rep_id": row.rep_id,
        "to_number": row.to_number,
        "from_number": row.from_number,
        "body": row.body,
        "not_after": row.not_after.isoformat(),
        "ordered_at": row.ordered_at.isoformat(),
        "call_id": row.call_id,
        "lane": row.lane,
    }
