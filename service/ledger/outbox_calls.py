"""Calls among the messages: which still ring, and how the row is named that ends one.

Only questions: rows are ordered by `look` and taken by `outbox_taking`.
"""

from sqlalchemy import Connection, text

from service.ledger.outbox_rows import (
    IS_CALL,
    OUTBOX_COLUMNS,
    RINGS_MAX_S,
    ROWS_MAX,
    OutboxRow,
    outbox_row,
)
from service.rules.lead import LeadId, PageId

# The row that ends a call is named after it: nobody orders two.
HANG_UP_SUFFIX = ".end"

# From this rank on somebody, or a machine, has picked up. See `phone.callbacks`.
PICKED_UP_RANK = 3

_STILL_RINGING = text(f"""
select {OUTBOX_COLUMNS} from outbox o
where o.lead_id = :lead_id and {IS_CALL.format(row="o")} and o.state in ('taken', 'unsure', 'sent')
  and coalesce(o.carrier_rank, -1) < :picked_up
  and o.taken_clock > clock_timestamp() - make_interval(secs => :rings_max_s)
  and not exists (select from outbox h where h.id = o.id || :suffix)
order by o.ordered_clock, o.id limit :limit
""")


def hang_up_id(leg: PageId) -> PageId:
    """The id of the row that ends the call which the row ``leg`` made."""
    return PageId(f"{leg}{HANG_UP_SUFFIX}")


def still_ringing(conn: Connection, lead_id: LeadId) -> list[OutboxRow]:
    """The lead's calls that may be with the carrier, that nobody has picked up as far as we know,
    and that nobody has ordered to be ended; oldest first. One on its way to the carrier has no
    `carrier_sid` yet. The caller holds the lead."""
    values = {
        "lead_id": lead_id,
        "picked_up": PICKED_UP_RANK,
        "rings_max_s": RINGS_MAX_S,
        "suffix": HANG_UP_SUFFIX,
        "limit": ROWS_MAX,
    }
    return [outbox_row(found) for found in conn.execute(_STILL_RINGING, values)]
