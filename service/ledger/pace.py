"""Slots for the whole ledger: what a carrier lets a number send, and what a phone is asked.

By PostgreSQL's clock. A sender's row is hot: giving its slot is a short transaction. A phone's row
is only touched by whoever holds the phone's turn, which nobody ever waits for.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, text

from service.ledger.locks import PHONE_TURN
from service.rules.lead import PageId

# Leads that come faster than this share a text: a thumb can read one and answer it.
NEW_LEAD_EVERY_S = 5.0
_NEW_LEAD = "new-lead"

# What the statements below and those of `look` and `outbox` are given.
NEW_LEAD_VALUES: Mapping[str, object] = {
    "phone_turn": PHONE_TURN,
    "new_lead": _NEW_LEAD,
    "new_lead_every_s": NEW_LEAD_EVERY_S,
}

# To be filled with where phones come from. The turn is tried and not waited for: its holder is
# about to send that phone a text, so there is no slot to be had.
TAKE_PHONES = """
insert into pace as p (sender, kind, next_at)
select r.to_number, :new_lead, clock_timestamp() + make_interval(secs => :new_lead_every_s)
from {phones} and pg_try_advisory_xact_lock(:phone_turn, hashtext(r.to_number))
on conflict (sender, kind) do update set next_at = excluded.next_at
where p.next_at <= clock_timestamp()
returning p.sender
"""

# True for a phone `o.to_number` that may be sent a new lead now.
PHONE_FREE = """
not exists (select from pace p where p.sender = o.to_number and p.kind = :new_lead
  and p.next_at > clock_timestamp())
"""

# The first sender of a kind goes at once; each later one takes the next free slot behind it,
# unless that lies further ahead than the caller can wait.
_TAKE = text("""
insert into pace as p (sender, kind, next_at)
values (:sender, :kind, clock_timestamp() + make_interval(secs => :every_s))
on conflict (sender, kind) do update
set next_at = greatest(p.next_at, clock_timestamp()) + make_interval(secs => :every_s)
where p.next_at <= clock_timestamp() + make_interval(secs => :longest_wait_s)
returning greatest(0, extract(epoch from
  p.next_at - make_interval(secs => :every_s) - clock_timestamp()))::double precision
""")

_TAKE_PHONE = text(
    TAKE_PHONES.format(phones="(select cast(:phone as text) as to_number) r where true")
)

# Only while its slot is the phone's last one: a later slot ends two spans after this taking.
_GIVE_BACK = text("""
update pace p set next_at = clock_timestamp() from outbox o
where o.id = :id and o.kind = 'page_text' and p.sender = o.to_number and p.kind = :new_lead
  and p.next_at < o.taken_clock + make_interval(secs => 1.5 * :new_lead_every_s)
  and pg_try_advisory_xact_lock(:phone_turn, hashtext(o.to_number))
""")


def take_slot(
    conn: Connection, sender: str, kind: str, every_s: float, longest_wait_s: float
) -> float | None:
    """Seconds to wait until this sender may send; None when no slot is near enough, none taken.

    ``every_s``: seconds between two messages of this kind from this sender.
    """
    values = {
        "sender": sender,
        "kind": kind,
        "every_s": float(every_s),
        "longest_wait_s": float(longest_wait_s),
    }
    waited: float | None = conn.execute(_TAKE, values).scalar()
    return waited


def take_phone_slot(conn: Connection, phone: str, wait_s: float = 0.0) -> bool:
    """Whether this phone may be sent a text about new leads in ``wait_s`` seconds; then no other
    may for five seconds after that. Never waits. The phone's turn is held until the transaction
    ends."""
    values = {**NEW_LEAD_VALUES, "phone": phone, "new_lead_every_s": NEW_LEAD_EVERY_S + wait_s}
    return conn.execute(_TAKE_PHONE, values).scalar() is not None


def give_back_phone_slot(conn: Connection, page_id: PageId) -> None:
    """The text that took the phone's last slot was surely never sent: the next one may go."""
    conn.execute(_GIVE_BACK, {**NEW_LEAD_VALUES, "id": page_id})
