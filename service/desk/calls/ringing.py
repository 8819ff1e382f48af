"""A rep's leg that rings, or has ended: rings that came to nothing, calls that nobody wants any
more, and the end of a call that a rep was on.

Heard from ``hear_line``, in its transaction, which holds the lead; ordered by ``attend``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from service.desk.calls.bridge import fails
from service.desk.calls.engagement import FREE_AFTER, frees
from service.desk.desk import Desk
from service.desk.record import Held
from service.desk.taking import RINGS
from service.ledger import calls, outbox_calls
from service.ledger.calls import CallRow, NewCall
from service.ledger.outbox_rows import CALL_KINDS, LANE_HANG_UP, Order, OutboxRow
from service.phone.callbacks import CALL_RANKS, CallStatus
from service.rules.call_facts import Rang
from service.rules.calls import VERDICT_WITHIN
from service.rules.lead import CallId, PageId, RepId
from service.rules.timeline import Channel, Paged
from service.rules.wanted import still_wanted

_ANSWERED_RANK = CALL_RANKS["in-progress"]
# What is wanted of a call that rings does not hang on how long it was worth placing.
_FOR_EVER = datetime.max.replace(tzinfo=UTC)
# A call was worth placing for two minutes at most, waited for its token and rang for 18 s: what
# was ordered longer ago rings no more.
RINGS_WITHIN = timedelta(minutes=5)
# A ring waits for its token for a minute at most, rings for 18 s and whispers for as long: whoever
# was to press its key has done so by then, or never will.
KEYED_WITHIN = timedelta(minutes=5)
# To end a call that has ended by then is pointless.
HANG_UP_USEFUL = timedelta(seconds=30)

_REASONS = {"busy": "busy", "no-answer": "no_answer", "canceled": "failed", "failed": "failed"}


def begin_calls(
    desk: Desk, conn: Connection, known: Held, orders: Sequence[Order], now: datetime
) -> None:
    """Keep the calls that these orders begin: a ring that connects is named like its message."""
    for order in orders:
        if order.kind != "bridge_call":
            continue
        phone = known.person.phone if known.person else None
        new = NewCall(
            CallId(order.id),
            known.id,
            order.rep_id,
            "out",
            desk.present.crew().team.carrier.leads_call_from,
            phone,
            began_at=now,
            ask_at=now + KEYED_WITHIN,
        )
        calls.open_call(conn, new)


def heard_of_leg(
    conn: Connection, held: Held, row: OutboxRow, status: CallStatus, now: datetime
) -> tuple[bool, RepId | None]:
    """What the end of a rep's leg means: the ring came to nothing, or their call is over. Whether
    a look is due for it, and the rep who is free again."""
    if not status.final:
        return False, None
    call = _call_of(conn, row, status.sid)
    if call is None:
        return False, None
    if call.rep_sid == status.sid and call.dialled_at is not None:
        freed = _hung_up(conn, call, now)
        return False, freed
    if row.kind not in RINGS:
        return False, None
    reason = _reason(status.status, call)
    because = f"the carrier says {status.status}"
    return fails(conn, held, call, row.id, reason, now, because), None


def _call_of(conn: Connection, row: OutboxRow, sid: str) -> CallRow | None:
    if row.kind in RINGS:
        return calls.call(conn, row.call_id or row.id)
    return calls.call_by_sid(conn, sid)


def _hung_up(conn: Connection, call: CallRow, now: datetime) -> RepId | None:
    """The rep is on the line no longer. The lead's leg has ended too, and what it came to is told
    in a moment, or asked."""
    if call.settled_at is None and call.direction != "in":
        asks_at = now + VERDICT_WITHIN
        sooner = asks_at if call.ask_at is None else min(call.ask_at, asks_at)
        calls.save(conn, replace(call, over_at=call.over_at or now, ask_at=sooner))
    rep = call.rep_id
    if rep is not None and frees(conn, rep, call.id, now + FREE_AFTER, now):
        return rep
    return None


def _reason(status: str, call: CallRow) -> str:
    if call.direction == "in" and call.rep_id is not None:
        return "taken"
    # Somebody, or a voicemail, picked up and pressed nothing.
    return _REASONS.get(status, "no_key")


def rings_in_vain(held: Held, row: OutboxRow, status: CallStatus, now: datetime) -> bool:
    """Whether a phone rings for what nobody wants any more: it was on its way when that was
    settled, so that a look must end it."""
    if row.kind not in CALL_KINDS or status.rank >= _ANSWERED_RANK:
        return False
    return any(leg == row.page_id for leg in _unwanted(held, now))


def hang_ups(conn: Connection, known: Held, now: datetime) -> tuple[Order, ...]:
    """Orders to end the lead's calls to reps that still ring though nobody wants them, each once.
    Who has picked up hears who has it."""
    unwanted = _unwanted(known, now)
    if not unwanted:
        return ()
    ringing = outbox_calls.still_ringing(conn, known.id)
    return tuple(_ending(row, now) for row in ringing if row.page_id in unwanted)


def _unwanted(known: Held, now: datetime) -> list[PageId]:
    """Lately ordered calls to reps that the rules do not want any more."""
    unwanted = []
    for event in known.timeline:
        fact = event.fact
        if event.recorded_at + RINGS_WITHIN <= now or not _is_call(fact):
            continue
        assert isinstance(fact, Paged | Rang)
        if not still_wanted(known.standing, fact, _FOR_EVER, now):
            unwanted.append(fact.leg if isinstance(fact, Rang) else fact.page_id)
    return unwanted


def _is_call(fact: object) -> bool:
    if isinstance(fact, Paged):
        return fact.channel is Channel.CALL
    return isinstance(fact, Rang)


def _ending(row: OutboxRow, now: datetime) -> Order:
    return Order(
        id=outbox_calls.hang_up_id(row.id),
        lead_id=row.lead_id,
        seq=None,
        kind="hang_up",
        channel=Channel.CALL,
        rep_id=row.rep_id,
        to_number=row.to_number,
        body=row.carrier_sid or "",
        not_after=now + HANG_UP_USEFUL,
        ordered_at=now,
        lane=LANE_HANG_UP,
        call_id=row.call_id,
    )
