"""A message's row as frozen values, and the columns it is read from.

Only shapes: queries are in `outbox`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from service.ledger.lead_rows import LeadRow
from service.rules.lead import LeadId, PageId, RepId
from service.rules.timeline import Channel

OutboxKind = Literal["page_text", "page_call", "note_text", "answer_text"]
OutboxState = Literal["ordered", "taken", "sent", "failed", "unsure", "withdrawn", "expired"]


@dataclass(frozen=True, slots=True)
class Order:
    """A message to be sent. ``seq`` is the event that ordered it; ``not_after`` business time.

    ``from_number`` None: chosen when it is taken.
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


def outbox_row(values: Row[Any] | Sequence[Any]) -> OutboxRow:
    held = list(values)
    held[_CHANNEL] = Channel(held[_CHANNEL])
    return OutboxRow(*held)


def order_json(row: Order) -> dict[str, Any]:
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
