"""The rows that another row's text is about too: what is said of that text is said of each.

One row after the other, each under its own lead's lock, so that no transaction waits for two
leads. All of it may be done again.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.ledger import outbox
from service.ledger.outbox_rows import OutboxRow
from service.phone.codes import failure
from service.phone.line import Accepted, Busy, NotFound, Rejected
from service.rules.lead import PageId


def carried_by(desk: Desk, row: OutboxRow) -> Sequence[OutboxRow]:
    """What this row's message carries besides."""
    if not _may_carry(row):
        return ()
    with desk.ledger.transaction() as conn:
        return outbox.carried(conn, row.id)


def carried_ids(conn: Connection, row: OutboxRow) -> tuple[PageId, ...]:
    """The same, by id, in a transaction that is under way."""
    if not _may_carry(row):
        return ()
    return tuple(each.id for each in outbox.carried(conn, row.id))


def _may_carry(row: OutboxRow) -> bool:
    """Whether the row's message may tell of others: a page by text, that is in no other's."""
    return row.kind == "page_text" and row.carried_by is None


def as_its_head(head: OutboxRow) -> Accepted | Rejected | Busy | NotFound | None:
    """What came of a text, for a row that it carries and whose settling was cut short; None while
    that is still open."""
    match head.state:
        case "sent":
            return Accepted(head.carrier_sid or "", head.carrier_status or "accepted")
        case "failed" if head.code is None:
            return Busy(0.0, "refused")
        case "failed":
            why = failure(head.code)
            return Rejected(head.code, why.reason, why.ends_channel, why.blame)
        case "unsure":
            return NotFound()
        case _:
            return None
