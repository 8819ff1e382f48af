"""A message on its way: taken under its lead's lock, by one sender, for as long as its lease runs.

``take_next`` is one transaction; then the sender talks to the carrier and holds nothing but a
lease. What came of it is ``settling``'s business.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.hear_line import PAGES, has_fact
from service.desk.record import hold
from service.desk.settling import came_to_nothing, record_as_sender
from service.desk.taking import Taking, order_of
from service.ledger import leads, outbox, pace
from service.ledger.outbox_rows import OutboxRow, Picked
from service.rules.decide import still_wanted
from service.rules.lead import LeadId, PageId
from service.rules.standing import State, fold
from service.rules.timeline import (
    Channel,
    Paged,
    PageFailed,
    Timeline,
    Told,
)

# A live sender renews its leases, so this is only how long a dead one goes unnoticed: the page
# must be out again within ten seconds of its death.
LEASE_S = 5.0
# A row that is no longer wanted is dropped and the next one asked for; this bounds one asking.
PICKS_MAX = 50
# How long a message may wait for its slot (1 call/s by default) in a sender's hands.
SLOT_WAIT_MAX_S = 2.0

ALL = (Channel.TEXT, Channel.CALL)
log = structlog.get_logger("send")


@dataclass(frozen=True, slots=True)
class Full:
    """The oldest message waits for its sender's next slot, further off than is worth waiting:
    messages of other channels may go first."""

    channel: Channel


def take_next(
    desk: Desk, public_url: str, taken_by: str, channels: tuple[Channel, ...] = ALL
) -> Taking | Full | None:
    """Take the oldest message that is still wanted; None when nothing waits.

    Raises LedgerUnavailable: then nothing was taken.
    """
    failed: LeadId | None = None
    taking: Taking | Full | None = None
    for _ in range(PICKS_MAX):
        with desk.ledger.transaction() as conn:
            picked = outbox.pick_next(conn, channels)
            if picked is None:
                break
            now = desk.clock.now()
            if picked.lead is not None:
                now = max(now, picked.lead.last_recorded_at)
            if picked.row.not_after <= now:
                failed = _expire(conn, picked, now)
            elif not _wanted(conn, picked, now):
                outbox.mark_withdrawn(conn, picked.row.id)
            else:
                taking = _take(desk, conn, picked.row, public_url, taken_by, now)
        if failed is not None:
            desk.wake([failed])
            failed = None
        if taking is not None:
            break
    return taking


def _wanted(conn: Connection, picked: Picked, now: datetime) -> bool:
    """Whether the rules still want it sent. An answer to a phone is wanted until it is stale."""
    if picked.lead is None or picked.row.seq is None:
        return True
    return _asked_for(picked.row, leads.timeline_of(conn, picked.lead.id), now)


def _asked_for(row: OutboxRow, timeline: Timeline, now: datetime) -> bool:
    ordered = next((event.fact for event in timeline if event.seq == row.seq), None)
    if not isinstance(ordered, Paged | Told):
        return True
    return still_wanted(fold(timeline), ordered, row.not_after, now)


def _take(
    desk: Desk,
    conn: Connection,
    row: OutboxRow,
    public_url: str,
    taken_by: str,
    now: datetime,
) -> Taking | Full:
    carrier = desk.present.crew().team.carrier
    calls = row.channel is Channel.CALL
    sender = carrier.pages_call_from if calls else carrier.pages_from
    per_second = carrier.calls_per_second if calls else carrier.texts_per_second
    wait_s = 0.0
    if per_second is not None:
        slot = pace.take_slot(conn, sender, row.channel.value, 1.0 / per_second, SLOT_WAIT_MAX_S)
        if slot is None:
            return Full(row.channel)
        wait_s = slot
    outbox.mark_taken(conn, row.id, taken_by, LEASE_S, sender)
    ring_s = desk.present.crew().team.policy.calls.ring_rep_s
    return Taking(row, order_of(row, sender, public_url, ring_s, now), wait_s)


def _expire(conn: Connection, picked: Picked, now: datetime) -> LeadId | None:
    """Too late to send; the lead to wake, if a page of it came to nothing."""
    outbox.mark_expired(conn, picked.row.id)
    if picked.lead is None or picked.row.kind not in PAGES:
        return None
    held = hold(conn, picked.lead.id)
    if held is None or has_fact(held, PageFailed, picked.row.page_id):
        return None
    record_as_sender(
        conn,
        held,
        [came_to_nothing(picked.row, "expired", None, False)],
        now,
        "too late",
    )
    return held.id


def still_worth_sending(desk: Desk, row: OutboxRow) -> bool:
    """Ask again, under the lead's lock, of a taken message that had to wait in a sender's hands.

    False: nothing may be sent, and the row is settled: it was taken and never sent. Only a page
    that came too late for a lead that still waits is told to the ladder. Raises LeadBusy,
    LedgerUnavailable: then nobody knows, and nothing may be sent either.
    """
    wake: LeadId | None = None
    with desk.ledger.transaction() as conn:
        held = hold(conn, row.lead_id) if row.lead_id else None
        now = desk.clock.now() if held is None else desk.now_for(held.row.last_recorded_at)
        known = outbox.row(conn, row.id)
        if known is None or known.state != "taken":
            return False  # somebody else has settled it
        late = row.not_after <= now
        if not late and (held is None or _asked_for(row, held.timeline, now)):
            return True
        outbox.settle_failed(conn, row.id, None)
        waits = held is not None and held.standing.state is State.WAITING and row.kind in PAGES
        if late and waits and held and not has_fact(held, PageFailed, row.page_id):
            fact = came_to_nothing(row, "expired", None, False)
            record_as_sender(conn, held, [fact], now, "too late")
            wake = held.id
    log.info("message", page=row.id, outcome="too late" if late else "not wanted any more")
    if wake is not None:
        desk.wake([wake])
    return False


def renew_leases(desk: Desk, page_ids: Collection[PageId]) -> bool:
    """Keep the leases of what a sender has in hand; whether any of it is still taken."""
    with desk.ledger.transaction() as conn:
        return outbox.renew(conn, page_ids, LEASE_S) > 0


def lapsed(desk: Desk) -> list[OutboxRow]:
    """Messages whose sender's lease ran out: it died, or never settled."""
    with desk.ledger.transaction() as conn:
        return outbox.lapsed_leases(conn)
