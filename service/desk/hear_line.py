"""What the carrier tells us: how far a message, or a call to a rep, has come.

A status never goes down, and hearing anything twice changes nothing: receipts come late, twice and
out of order, and may overtake the answer to our own request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk import reach
from service.desk.calls.dialling import floor_of
from service.desk.calls.once import Heard, follow
from service.desk.calls.ringing import heard_of_leg, rings_in_vain
from service.desk.carried import carried_ids
from service.desk.desk import Desk
from service.desk.present import floor_changed, floor_moves
from service.desk.record import Held, hold, numbered, record, with_events
from service.errors import LeadBusy
from service.ledger import looks, outbox, outbox_calls
from service.ledger.outbox import OutboxRow
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.codes import call_failure, failure
from service.rules import answers
from service.rules.decide import decide
from service.rules.lead import PageId, RepId
from service.rules.standing import State
from service.rules.timeline import (
    Channel,
    Event,
    Fact,
    PageDelivered,
    PageFailed,
    PageSent,
)

log = structlog.get_logger("line")

CARRIER = "carrier"
PAGES = ("page_text", "page_call", "page_email")

# A call that ended so reached nobody, and would not now. Unanswered is silence, not failure.
_CALL_FAILED = ("failed", "canceled", "busy")
_TEXT_FAILED = ("failed", "undelivered", "canceled")


def hear_receipt(desk: Desk, status: TextStatus | CallStatus) -> bool:
    """Note how far a message has come, for each lead that it told of; False when we know no such
    message. Raises LeadBusy when one of them was busy, once all others have heard."""
    carried = _hear_one(desk, status)
    busy: LeadBusy | None = None
    for page_id in carried or ():
        try:
            _hear_one(desk, replace(status, page_id=page_id))
        except LeadBusy as held:
            busy = held
    if busy is not None:
        raise busy
    return carried is not None


def _hear_one(desk: Desk, status: TextStatus | CallStatus) -> tuple[PageId, ...] | None:
    """The same for one row; which others it carries, None when we know no such message."""
    heard = Heard()
    with desk.ledger.transaction() as conn:
        row = outbox.row(conn, status.page_id)
        if row is None:
            log.warning("receipt", page=status.page_id, outcome="unknown message")
            return None
        carried = carried_ids(conn, row)
        held = hold(conn, row.lead_id) if row.lead_id else None
        if not outbox.raise_status(
            conn, row.id, status.status, status.rank, status.sid, status.code
        ):
            return carried
        now = desk.clock.now() if held is None else desk.now_for(held.row.last_recorded_at)
        outbox.settle_sent(conn, row.id, status.sid, status.status, now, status.rank)
        if held is not None and row.kind in PAGES:
            facts = _facts_of(conn, held, row, status)
            if not _has_failed(row.channel, status.status):
                # The carrier has this copy after all: a repeat that still waits is pointless.
                outbox.withdraw(conn, held.id, [row.page_id])
            because = f"the carrier says {status.status}"
            events = numbered(held, facts, at=now, now=now, because=because, actor=CARRIER)
            record(conn, held, events, look_again_at=_put_off(desk, conn, held, events, now))
            heard = Heard(stirred=any(answers.stirs(fact) for fact in facts))
        if held is not None and isinstance(status, CallStatus):
            heard = _heard_of_call(conn, held, row, status, now, heard)
        floor_moved = floor_moves(conn, _reachability(desk, conn, held, row, status, now))
    if held is not None:
        follow(desk, held.id, heard)
    if floor_moved:
        floor_changed(desk.ledger, desk.clock.now())
    return carried


def _heard_of_call(
    conn: Connection, held: Held, row: OutboxRow, status: CallStatus, now: datetime, heard: Heard
) -> Heard:
    """What a call to a rep that rings or has ended means for the call that it connects; a look is
    due for one that rings in vain, too."""
    stirred, freed = heard_of_leg(conn, held, row, status, now)
    in_vain = rings_in_vain(held, row, status, now)
    if in_vain:
        looks.ask_look(conn, held.id, now)
    return replace(heard, stirred=heard.stirred or stirred or in_vain, freed=freed)


def _put_off(
    desk: Desk, conn: Connection, held: Held, events: Sequence[Event], now: datetime
) -> datetime | None:
    """When to look after a receipt that came: what would have rung the rep for want of it need not
    be looked for. None: as planned, also when something is due, which is a look's to find."""
    known = with_events(held, events)
    delivered = any(isinstance(event.fact, PageDelivered) for event in events)
    if not delivered or known.standing.state is not State.WAITING:
        return None
    floor = floor_of(desk, conn, held, now)
    policy = desk.present.policy(conn, held.row.policy_version)
    verdict = decide(known.timeline, policy, floor, now)
    return None if verdict.actions else verdict.look_again_at


def _reachability(
    desk: Desk,
    conn: Connection,
    held: Held | None,
    row: OutboxRow,
    status: TextStatus | CallStatus,
    now: datetime,
) -> bool:
    """What a status shows of the phone; True when that is news. One message shows it once, whatever
    it carried."""
    if row.carried_by is not None:
        return False
    if isinstance(status, TextStatus) and status.reached:
        # Most receipts come from phones that were never deaf, and cost no statement.
        deaf = held is None or held.is_deaf(row.to_number)
        return deaf and reach.came_through(conn, row.to_number, row.channel, now)
    return reach.failed(desk, conn, row, now, status.code)


def _has_failed(channel: Channel, status: str | None) -> bool:
    return status in (_CALL_FAILED if channel is Channel.CALL else _TEXT_FAILED)


def _other_lives(conn: Connection, row: OutboxRow) -> bool:
    """Whether the page's other copy (its repeat, or what it repeats) may still reach the rep."""
    other = outbox.row(conn, row.again_of or PageId(row.id + outbox.AGAIN_SUFFIX))
    if other is None or other.state not in ("ordered", "taken", "sent"):
        return False
    return not _has_failed(other.channel, other.carrier_status)


def _ended_by_us(conn: Connection, row: OutboxRow) -> bool:
    """Whether we had this call ended because nobody wanted it: that says nothing of the phone."""
    return (
        row.channel is Channel.CALL
        and outbox.row(conn, outbox_calls.hang_up_id(row.id)) is not None
    )


def _facts_of(
    conn: Connection, held: Held, row: OutboxRow, status: TextStatus | CallStatus
) -> list[Fact]:
    """What a status adds to the timeline: each page is sent, delivered and failed once at most."""
    if row.rep_id is None:
        return []
    page_id, rep, channel = row.page_id, row.rep_id, row.channel
    facts: list[Fact] = []
    if not has_fact(held, PageSent, page_id):
        facts.append(PageSent(page_id, rep, channel))
    delivered = has_fact(held, PageDelivered, page_id)
    if isinstance(status, TextStatus) and status.reached and not delivered:
        facts.append(PageDelivered(page_id, rep, channel))
    lost = _has_failed(channel, status.status) and not delivered and not _ended_by_us(conn, row)
    if lost and not has_fact(held, PageFailed, page_id) and not _other_lives(conn, row):
        facts.append(_failed(page_id, rep, channel, status.status, status.code))
    return facts


def has_fact(
    held: Held, kind: type[PageSent | PageDelivered | PageFailed], page_id: PageId
) -> bool:
    """Whether the timeline already says this of the page."""
    return any(
        isinstance(event.fact, kind) and event.fact.page_id == page_id for event in held.timeline
    )


def _failed(
    page_id: PageId, rep: RepId, channel: Channel, status: str, code: int | None
) -> PageFailed:
    """A page the carrier gave up ends its channel for this lead, whatever the number says: the
    next page goes by other means at once (CONTRACT.md; an unreachable rung costs nothing)."""
    why = failure(code) if code is not None else None
    if channel is Channel.CALL:
        why = call_failure(status, code) or why
    reason = why.reason if why else status
    return PageFailed(page_id, rep, channel, reason, code, ends_channel=True)
