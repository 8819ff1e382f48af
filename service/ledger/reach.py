"""Who can be reached, and how that is known: receipts, answers, and phones that a channel misses.

It reads what messages and timelines tell; that a phone is deaf is stored in `people`. It decides
nothing and tells nobody.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from service.rules.lead import RepId

# A receipt that is to come has come by then.
RECEIPT_WITHIN = timedelta(seconds=20)
# A rep who answered so many of so many texts without a receipt gets them, whatever the carrier says.
UNSEEN_PAGES = 5
ANSWERED_MIN = 2
# How far back such texts are looked for: a rep whose route shows receipts has none, and their
# whole history must not be read to learn it.
PAGES_READ_MAX = 50
# From this rank on a text has come to an end: delivered, or surely not. See `phone.callbacks`.
ENDED_RANK = 4

# An answer by key proves that a call came through and says nothing of texts. Several leads in one
# text are one text.
_ANSWER_UNSEEN = text("""
with unseen as (
  select r.rep, o.lead_id, o.sent_at
  from unnest(cast(:reps as text[])) as r (rep)
  cross join lateral (
    select lately.lead_id, lately.sent_at
    from (
      select p.lead_id, p.sent_at, p.carrier_rank, p.carried_by
      from outbox p
      where p.rep_id = r.rep and p.kind = 'page_text' and p.sent_at <= :sent_before
      order by p.sent_at desc limit :read_max
    ) lately
    where coalesce(lately.carrier_rank, -1) < :ended and lately.carried_by is null
    order by lately.sent_at desc limit :pages
  ) o
)
select u.rep from unseen u
where exists (
  select from event e
  where e.lead_id = u.lead_id and e.kind in ('claimed', 'claim_lost', 'passed')
    and e.fields ->> 'rep' = u.rep and e.fields ->> 'by' in ('text', 'link')
    and e.at >= u.sent_at
)
group by u.rep having count(*) >= :answered
""")


def answer_unseen(conn: Connection, reps: Collection[RepId], now: datetime) -> frozenset[RepId]:
    """Those of ``reps`` who answer texts that show no receipt: for them a missing one says
    nothing. Two of their last five receipt-less page texts are enough."""
    if not reps:
        return frozenset()
    values = {
        "reps": list(reps),
        "sent_before": now - RECEIPT_WITHIN,
        "read_max": PAGES_READ_MAX,
        "ended": ENDED_RANK,
        "pages": UNSEEN_PAGES,
        "answered": ANSWERED_MIN,
    }
    return frozenset(RepId(rep) for rep in conn.execute(_ANSWER_UNSEEN, values).scalars())
