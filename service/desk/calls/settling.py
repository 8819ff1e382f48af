"""A call that is over is settled: what it came to is written into the lead's timeline, once.

As soon as all that matters is told of it, or has been waited for long enough. The caller holds
the lead.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.record import Held, record
from service.ledger import calls
from service.ledger.calls import CallRow
from service.rules.call_facts import Attempted, Contacted, Ended
from service.rules.calls import (
    VERDICT_WITHIN,
    AnsweredBy,
    CallTold,
    came_to,
    is_ripe,
    listened_s,
)
from service.rules.lead import RepId
from service.rules.timeline import Event, Fact

ACTOR = "carrier"

_MACHINES = (AnsweredBy.BEEP, AnsweredBy.MESSAGE_END)

log = structlog.get_logger("call")


def keep_or_settle(
    desk: Desk,
    conn: Connection,
    held: Held,
    before: CallRow,
    row: CallRow,
    now: datetime,
    *,
    waited: bool = False,
) -> bool:
    """Keep what was told of a call that is not settled, and settle it if it can be read; whether
    it was. ``before``: the call as it is kept. ``waited``: no more of it is waited for.

    It is held from when we learned of its end, not from the carrier's instant: what is told late
    is told in a bunch, and the rest of it is a moment behind. Only who then asks ends the hold.
    """
    if row.over_at is None:
        calls.save(conn, row)
        return False
    if _is_whole(row.told, waited=waited):
        settle_call(desk, conn, held, row, now)
        return True
    ask_at = now + VERDICT_WITHIN
    just_learned = has_ended(row) and not has_ended(before)
    if row.ask_at is not None and not just_learned:
        ask_at = min(row.ask_at, ask_at)
    calls.save(conn, replace(row, ask_at=ask_at))
    return False


def has_ended(row: CallRow) -> bool:
    """Whether it is known that the call is over, and how the lead's leg ended: from then on it is
    held until ``ask_at``."""
    return row.over_at is not None and row.told.ended is not None


def _is_whole(told: CallTold, *, waited: bool) -> bool:
    """Whether nothing is to come that would change how the call is read: of one that the rep gave
    up, how long it rang; of a machine's, when its message ended and the rep left."""
    if not is_ripe(told, waited=waited):
        return False
    if waited:
        return True
    if told.ended is Ended.ABANDONED:
        return told.rang_s is not None
    if told.answered_by in _MACHINES:
        return told.leg_s is not None and told.detected_s is not None
    return True


def settle_call(desk: Desk, conn: Connection, held: Held, row: CallRow, now: datetime) -> Held:
    """Write down what a call that we dialled came to, by what is told of it; the lead as it then
    stands. Whoever calls it has seen that the call is not settled."""
    over_at = row.over_at or now
    if _is_known(held, row):
        # Given up by the rules before anybody told.
        calls.save(conn, replace(row, over_at=over_at, settled_at=now, ask_at=None))
        return held
    behaves = desk.present.policy(conn, held.row.policy_version).calls
    came = came_to(
        row.told, row.id, row.rep_id, behaves.contact_after_s, ring_lead_s=behaves.ring_lead_s
    )
    known = record(conn, held, _events(held, row, came.facts, now))
    calls.save(conn, replace(row, over_at=over_at, settled_at=now, ask_at=None))
    log.info("call", call=row.id, lead=held.id, outcome=known.timeline[-1].kind, asks=came.asks)
    return known


def before_word(desk: Desk, conn: Connection, held: Held, rep: RepId, now: datetime) -> Held:
    """The lead as it stands before a rep's word of how a call went: their call that is over, and
    waits for the carrier's last word, is written down first, so that the word is about it."""
    for row in calls.calls_of_lead(conn, held.id):
        over = row.over_at is not None and row.settled_at is None
        if over and row.rep_id == rep and row.direction != "in":
            held = settle_call(desk, conn, held, row, now)
    return held


def _is_known(held: Held, row: CallRow) -> bool:
    """Whether the timeline says already what became of the call."""
    return any(
        isinstance(event.fact, Attempted) and event.fact.call_id == row.id
        for event in held.timeline
    )


def _events(held: Held, row: CallRow, facts: tuple[Fact, ...], now: datetime) -> tuple[Event, ...]:
    first = held.standing.last_seq + 1
    because = _because(row.told)
    return tuple(
        Event(first + index, _instant(row, fact, now), now, because, ACTOR, fact)
        for index, fact in enumerate(facts)
    )


def _instant(row: CallRow, fact: Fact, now: datetime) -> datetime:
    """When it happened: the attempt when the lead was dialled, contact when the two were bridged,
    all else when the call ended."""
    dialled_at = row.dialled_at or row.began_at
    over_at = min(row.over_at or now, now)
    match fact:
        case Attempted():
            return min(dialled_at, now)
        case Contacted():
            bridged = timedelta(seconds=listened_s(row.told))
            return max(over_at - bridged, dialled_at)
        case _:
            return max(over_at, dialled_at)


def _because(told: CallTold) -> str:
    ended = (told.ended or Ended.UNKNOWN).value.replace("_", " ")
    by = f" by {told.answered_by.value.replace('_', ' ')}" if told.answered_by else ""
    bridged_s = listened_s(told) if told.bridged else 0.0
    for_s = f", {bridged_s:.0f} s bridged" if bridged_s else ""
    return f"the carrier says {ended}{by}{for_s}"
