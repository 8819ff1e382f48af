"""Who can be reached, and how that is known: receipts, answers, and phones that a channel misses.

It decides nothing and tells nobody.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from service.ledger.people import DEAF_MAX
from service.rules.lead import PageId, RepId
from service.rules.means import ANSWERED_MIN, UNSEEN_AFTER, UNSEEN_PAGES
from service.rules.timeline import Channel

OPTED_OUT = "opted_out"

# How far back such texts are looked for: a rep whose route shows receipts has none, and their
# whole history must not be read to learn it.
PAGES_READ_MAX = 50
# From this rank on a text has come to an end: delivered, or surely not. See `phone.callbacks`.
ENDED_RANK = 4

# An answer by key proves that a call came through and says nothing of texts. Several leads in one
# text are one text, and one answer about a lead that was texted twice is one answer.
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
group by u.rep having count(distinct u.lead_id) >= :answered
""")

# How long a deafness lasts at least, whatever another channel shows.
OTHER_CHANNEL_PROVES_AFTER = timedelta(days=1)

_DEAF = text("""
select phone, channel, since, reason, code from deaf order by since, phone, channel limit :limit
""")
_CAME_ALIVE = text("""
delete from deaf
where phone = :phone and reason <> :opted_out and (channel = :channel or since <= :other_before)
""")
_CODE_BEFORE = text("""
select p.code from outbox p
where p.rep_id = :rep and p.kind = 'page_text' and p.to_number = :phone and p.id <> :id
  and p.sent_at is not null and p.carrier_rank >= :ended
order by p.sent_at desc limit 1
""")
_HEARD = text("""
with paged as (
  select distinct o.rep_id, o.lead_id from outbox o
  where o.state = 'sent' and o.sent_at >= :since and o.rep_id is not null
    and o.lead_id is not null and o.kind in ('page_text', 'page_call')
), shown as (
  select p.rep_id, e.at, e.kind <> 'page_delivered' as answered,
    case when e.kind = 'page_delivered' then e.fields ->> 'channel'
      when e.fields ->> 'by' = 'key' then 'call' else 'text' end as channel
  from paged p join event e on e.lead_id = p.lead_id
  where e.fields ->> 'rep' = p.rep_id
    and (e.kind = 'page_delivered'
      or e.kind in ('claimed', 'claim_lost', 'passed') and e.fields ->> 'by' in ('text', 'key'))
)
select rep_id, channel, answered, max(at) from shown group by rep_id, channel, answered
""")


def answer_unseen(conn: Connection, reps: Collection[RepId], now: datetime) -> frozenset[RepId]:
    """Those of ``reps`` who answer texts that show no receipt: for them a missing one says
    nothing. Two of their last five receipt-less page texts are enough."""
    if not reps:
        return frozenset()
    values = {
        "reps": list(reps),
        "sent_before": now - UNSEEN_AFTER,
        "read_max": PAGES_READ_MAX,
        "ended": ENDED_RANK,
        "pages": UNSEEN_PAGES,
        "answered": ANSWERED_MIN,
    }
    return frozenset(RepId(rep) for rep in conn.execute(_ANSWER_UNSEEN, values).scalars())


@dataclass(frozen=True, slots=True)
class Deaf:
    """A phone that a channel does not reach: since when (business time), why, the carrier's
    number for it."""

    phone: str
    channel: Channel
    since: datetime
    reason: str
    code: int | None


@dataclass(frozen=True, slots=True)
class Heard:
    """When a rep was last seen to be reached by a channel, and when they last answered by it."""

    delivered_at: datetime | None = None
    answered_at: datetime | None = None


def deaf(conn: Connection) -> list[Deaf]:
    """Every phone that a channel does not reach."""
    rows = conn.execute(_DEAF, {"limit": DEAF_MAX})
    return [Deaf(phone, Channel(channel), *rest) for phone, channel, *rest in rows]


def came_alive(conn: Connection, phone: str, channel: Channel, now: datetime) -> bool:
    """The number lives, as ``channel`` has shown; True when that ends a deafness.

    Another channel's proof counts a day after: a phone that takes calls and no texts must not be
    tried, and its manager told, with every lead. Never ends an opt-out.
    """
    values = {
        "phone": phone,
        "channel": str(channel),
        "opted_out": OPTED_OUT,
        "other_before": now - OTHER_CHANNEL_PROVES_AFTER,
    }
    return conn.execute(_CAME_ALIVE, values).rowcount > 0


def failed_so_before(conn: Connection, rep: RepId, phone: str, page_id: PageId, code: int) -> bool:
    """Whether the rep's last text page to that phone before this one ended with the same number."""
    values = {"rep": rep, "phone": phone, "id": page_id, "ended": ENDED_RANK}
    return bool(conn.execute(_CODE_BEFORE, values).scalar() == code)


def heard(conn: Connection, since: datetime) -> dict[tuple[RepId, Channel], Heard]:
    """What reps have shown of their channels in pages sent after ``since``."""
    delivered: dict[tuple[RepId, Channel], datetime] = {}
    answered: dict[tuple[RepId, Channel], datetime] = {}
    for rep, channel, was_answer, at in conn.execute(_HEARD, {"since": since}):
        kept = answered if was_answer else delivered
        kept[(RepId(rep), Channel(channel))] = at
    return {
        key: Heard(delivered.get(key), answered.get(key)) for key in delivered.keys() | answered
    }
