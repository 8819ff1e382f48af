"""Messages that the carrier accepted and told nothing final of: which to ask about, which stand
still.

Only questions: it writes nothing and decides nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from service.ledger.outbox_rows import OUTBOX_COLUMNS, OutboxRow, outbox_row, stored_channels
from service.ledger.reach import ENDED_RANK
from service.rules.lead import PageId
from service.rules.timeline import Channel

# What is asked about in one turn; a storm without receipts is asked about at its next age.
ROWS_MAX = 50
# Who waits in the carrier's queue is alerted by number; a list of so many needs no more names.
STUCK_MAX = 100

# The carrier has it and has not sent it. Its answer to our own request says so of every text: only
# a receipt or a look-up, which leave a rank, say that it is still so.
_HELD = ("accepted", "scheduled", "queued", "sending")

_SILENT = text(f"""
select distinct on (o.sent_at, o.id) {OUTBOX_COLUMNS}
from unnest(cast(:ages_s as double precision[])) as a (age_s)
join outbox o on o.sent_at > cast(:since as timestamptz) - make_interval(secs => a.age_s)
  and o.sent_at <= cast(:now as timestamptz) - make_interval(secs => a.age_s)
where o.state = 'sent' and o.channel = any(cast(:channels as text[])) and o.carrier_sid is not null
  and coalesce(o.carrier_rank, -1) < :ended and o.carried_by is null
order by o.sent_at, o.id limit :limit
""")

_STUCK = text("""
select o.id from outbox o
where o.state = 'sent' and o.kind = 'page_text' and o.carried_by is null
  and o.sent_at > :after and o.sent_at <= :before
  and o.carrier_rank < :ended and o.carrier_status = any(cast(:held as text[]))
order by o.sent_at limit :limit
""")


def silent(
    conn: Connection,
    channel: Channel,
    ages: Sequence[timedelta],
    since: datetime,
    now: datetime,
) -> list[OutboxRow]:
    """Messages without an end that came to one of ``ages`` (since the carrier accepted them) after
    ``since`` and by ``now``. Asked again and again with the last ``now``, each comes up once an
    age, and nothing has to be remembered of it."""
    values = {
        "ages_s": [age.total_seconds() for age in ages],
        "since": since,
        "now": now,
        "channels": stored_channels([channel]),
        "ended": ENDED_RANK,
        "limit": ROWS_MAX,
    }
    return [outbox_row(found) for found in conn.execute(_SILENT, values)]


def stuck(conn: Connection, after: datetime, before: datetime) -> list[PageId]:
    """Text pages sent in (after, before] that the carrier says it still holds."""
    values = {
        "after": after,
        "before": before,
        "ended": ENDED_RANK,
        "held": list(_HELD),
        "limit": STUCK_MAX,
    }
    return [PageId(found) for found in conn.execute(_STUCK, values).scalars()]
