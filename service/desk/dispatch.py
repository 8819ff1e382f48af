"""A message on its way: taken under its lead's lock, by one sender, for as long as its lease runs.

``take_next`` is one transaction; then the sender talks to the carrier and holds nothing but a
lease. What came of it is ``settling``'s business.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.desk.bundle import Bundle, gather
from service.desk.desk import Desk
from service.desk.mailing import mail_of
from service.desk.taking import Taking, order_of
from service.desk.wanted import asked_for, expire, refuse
from service.ledger import leads, outbox_taking, pace, people
from service.ledger.outbox_rows import OutboxRow, Picked
from service.rules.lead import LeadId, PageId
from service.rules.timeline import Channel
from service.team.team import Carrier

# A live sender renews its leases, so this is only how long a dead one goes unnoticed: the page
# must be out again within ten seconds of its death.
LEASE_S = 5.0
# A row that is no longer wanted is dropped and the next one asked for; this bounds one asking.
PICKS_MAX = 50
# How long a message may wait for its slot (1 call/s by default) in a sender's hands.
SLOT_WAIT_MAX_S = 2.0

ALL = (Channel.TEXT, Channel.CALL)


@dataclass(frozen=True, slots=True)
class Full:
    """The oldest message waits for its sender's next slot, further off than is worth waiting:
    messages of other channels may go first."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Crowded:
    """Another sender is about to text this phone about new leads: its pages wait."""

    phone: str


def take_next(
    desk: Desk, public_url: str, taken_by: str, channels: tuple[Channel, ...] = ALL
) -> Taking | Full | None:
    """Take the oldest message that is still wanted; None when nothing waits.

    Raises LedgerUnavailable: then nothing was taken.
    """
    crowded: set[str] = set()
    for _ in range(PICKS_MAX):
        woken: list[LeadId] = []
        with desk.ledger.transaction() as conn:
            picked = outbox_taking.pick_next(conn, channels, crowded)
            if picked is None:
                return None
            taking = _taken_or_left(desk, conn, picked, public_url, taken_by, woken)
        if woken:
            desk.wake(woken)
        if isinstance(taking, Crowded):
            crowded.add(taking.phone)
        elif taking is not None:
            return taking
    return None


def _taken_or_left(
    desk: Desk,
    conn: Connection,
    picked: Picked,
    public_url: str,
    taken_by: str,
    woken: list[LeadId],
) -> Taking | Full | Crowded | None:
    """Take a row that was picked; None when it is not wanted any more. ``woken`` gets the leads of
    pages that came too late."""
    now = desk.clock.now()
    if picked.lead is not None:
        now = max(now, picked.lead.last_recorded_at)
    if picked.row.not_after <= now:
        _expire(conn, [picked], now, woken)
        return None
    if not _wanted(conn, picked, now):
        outbox_taking.mark_withdrawn(conn, picked.row.id)
        return None
    if picked.row.channel is Channel.TEXT:
        why = people.without_texts(conn).get(picked.row.to_number)
        if why is not None:
            refuse(conn, picked, why, now, woken)
            return None
    return _take(desk, conn, picked, public_url, taken_by, now, woken)


def _wanted(conn: Connection, picked: Picked, now: datetime) -> bool:
    if picked.lead is None or picked.row.seq is None:
        return True
    return asked_for(picked.row, leads.timeline_of(conn, picked.lead.id), now)


def _expire(conn: Connection, late: Sequence[Picked], now: datetime, woken: list[LeadId]) -> None:
    woken.extend(lead for each in late if (lead := expire(conn, each, now)) is not None)


def _take(
    desk: Desk,
    conn: Connection,
    picked: Picked,
    public_url: str,
    taken_by: str,
    now: datetime,
    woken: list[LeadId],
) -> Taking | Full | Crowded:
    row = picked.row
    if row.channel is Channel.EMAIL:
        outbox_taking.mark_taken(conn, row.id, taken_by, LEASE_S, now)
        return Taking(row, mail_of(row))
    team = desk.present.crew().team
    sender, per_second = _pace_of(team.carrier, row.channel)
    wait_s = 0.0
    if per_second is not None:
        slot = pace.take_slot(conn, sender, row.channel.value, 1.0 / per_second, SLOT_WAIT_MAX_S)
        if slot is None:
            return Full(row.channel)
        wait_s = slot
    together = Bundle((row,))
    if row.kind == "page_text":
        if not pace.take_phone_slot(conn, row.to_number, wait_s):
            return Crowded(row.to_number)
        together = gather(desk, conn, picked, now)
        _expire(conn, together.late, now, woken)
    head, *carried = together.rows
    ids = [each.id for each in carried]
    outbox_taking.mark_taken(conn, head.id, taken_by, LEASE_S, now, sender, ids, head.body)
    order = order_of(head, sender, public_url, team.policy.calls.ring_rep_s, now)
    return Taking(head, order, wait_s, tuple(carried))


def _pace_of(carrier: Carrier, channel: Channel) -> tuple[str, float | None]:
    """Whom a message is from, and how many of its kind that number may send a second."""
    if channel is Channel.CALL:
        return carrier.pages_call_from, carrier.calls_per_second
    return carrier.pages_from, carrier.texts_per_second


def renew_leases(desk: Desk, page_ids: Collection[PageId]) -> bool:
    """Keep the leases of what a sender has in hand; whether any of it is still taken."""
    with desk.ledger.transaction() as conn:
        return outbox_taking.renew(conn, page_ids, LEASE_S) > 0


def lapsed(desk: Desk) -> list[OutboxRow]:
    """Messages whose sender's lease ran out: it died, or never settled."""
    with desk.ledger.transaction() as conn:
        return outbox_taking.lapsed_leases(conn)
