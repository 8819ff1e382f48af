"""The token of a call: one bucket for all calls that we have a carrier make, one token deep.

A carrier starts so many calls a second for an account, whatever number they come from, and keeps
the others in a queue from which nothing can be taken back. Whoever holds the bucket is the only
one who picks a call, so that the token goes to the first of the order there is then. By
PostgreSQL's clock. Ending a call takes no token.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from service.ledger.locks import CALL_TURN
from service.ledger.outbox_rows import IS_CALL, OUTBOX_COLUMNS, OutboxRow, outbox_row
from service.ledger.pace import take_slot

# The bucket's row in `pace`: of no number, because a carrier counts by account. Who holds it has
# the turn of all calls, as others have that of one phone.
_BUCKET = {"sender": "account", "kind": "call"}

_IS_CALL = IS_CALL.format(row="o")

# Asked without a lock: while the token is out nobody needs to hold the bucket.
_WAITING = text(f"""
select coalesce(bool_or(o.kind = 'hang_up'), false), coalesce(bool_or({_IS_CALL}), false),
  coalesce((
    select greatest(0, extract(epoch from p.next_at - clock_timestamp()))
    from pace p where p.sender = :sender and p.kind = :kind), 0)::double precision
from outbox o
where o.state = 'ordered' and (o.kind = 'hang_up' or {_IS_CALL})
""")

# In two statements, the second of which sees what the bucket's last holder committed.
_HOLD = text("select pg_try_advisory_xact_lock(:call_turn, hashtext(:sender))")
_TOKEN_IN = text("""
select coalesce((
  select greatest(0, extract(epoch from p.next_at - clock_timestamp()))
  from pace p where p.sender = :sender and p.kind = :kind), 0)::double precision
""")

# Its lead is of no matter: a call is ended whatever became of it.
_PICK_HANG_UP = text(f"""
select {OUTBOX_COLUMNS} from outbox o
where o.state = 'ordered' and o.kind = 'hang_up'
order by o.ordered_clock limit 1 for no key update skip locked
""")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in the outbox: calls to be ended, calls to be made, and the seconds until the
    next token, which is the others' to take too."""

    endings: bool
    calls: bool
    token_in_s: float


def waiting(conn: Connection) -> Waiting:
    """Which calls wait, and for how long at least. Locks nothing."""
    return Waiting(*conn.execute(_WAITING, _BUCKET).one())


def hold_bucket(conn: Connection) -> float | None:
    """Hold the bucket until the transaction ends; seconds until its token is there. None: somebody
    else holds it, and is about to take the token. Never waits."""
    if not conn.execute(_HOLD, {**_BUCKET, "call_turn": CALL_TURN}).scalar_one():
        return None
    token_in_s: float = conn.execute(_TOKEN_IN, _BUCKET).scalar_one()
    return token_in_s


def take_token(conn: Connection, every_s: float) -> bool:
    """Take the token; the next one is there in ``every_s`` seconds. False: it is not there. The
    caller holds the bucket."""
    return take_slot(conn, _BUCKET["sender"], _BUCKET["kind"], every_s, 0.0) is not None


def pick_hang_up(conn: Connection) -> OutboxRow | None:
    """Hold the oldest order to end a call that nobody holds. Never waits."""
    found = conn.execute(_PICK_HANG_UP).one_or_none()
    return outbox_row(found) if found else None
