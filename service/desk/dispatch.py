"""A message on its way: taken under its lead's lock, by one sender, for as long as its lease runs.

``take_next`` is one transaction; then the sender talks to the carrier and holds nothing but a
lease. A call is picked when its token is there, and never before: nothing is reserved, so the most
urgent one that waits then has it, and is looked at then. What came of it is ``settling``'s
business.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.desk.bundle import Bundle, gather
from service.desk.desk import Desk
from service.desk.taking import HANG_UP, Taking, order_of, sender_of
from service.desk.wanted import asked_for, expire, refuse
from service.ledger import call_tokens, leads, outbox_taking, pace, people
from service.ledger.outbox_rows import OutboxRow, Picked
from service.rules.lead import LeadId, PageId
from service.rules.timeline import Channel
from service.team.team import Carrier

# A live sender renews its leases, so this is only how long a dead one goes unnoticed: the page
# must be out again within ten seconds of its death.
LEASE_S = 5.0
# A row that is no longer wanted is dropped and the next one asked for; this bounds one asking.
PICKS_MAX = 50
# How long a text may wait for its number's slot in a sender's hands, where the team has a pace.
SLOT_WAIT_MAX_S = 2.0
# Somebody else is taking the token in this instant, or lets it go: a transaction's time.
BUCKET_HELD_S = 0.02

ALL = (Channel.TEXT, Channel.CALL)


@dataclass(frozen=True, slots=True)
class Full:
    """Messages of this channel wait for a slot or token, and nothing else may go. ``wait_s``: the
    seconds until there may be one; None: further off than is worth waiting for."""

    channel: Channel
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Crowded:
    """Another sender is about to text this phone about new leads: its pages wait."""

    phone: str


def take_next(
    desk: Desk, public_url: str, taken_by: str, channels: tuple[Channel, ...] = ALL
) -> Taking | Full | None:
    """Take the most urgent message that may go and is still wanted; None when nothing waits.

    Raises LedgerUnavailable: then nothing was taken.
    """
    crowded: set[str] = set()
    for _ in range(PICKS_MAX):
        woken: list[LeadId] = []
        with desk.ledger.transaction() as conn:
            picked = _pick(conn, channels, crowded)
            if not isinstance(picked, Picked):
                return picked
            taking = _taken_or_left(desk, conn, picked, public_url, taken_by, woken)
        if woken:
            desk.wake(woken)
        if isinstance(taking, Crowded):
            crowded.add(taking.phone)
        elif taking is not None:
            return taking
    return None


def _pick(
    conn: Connection, channels: tuple[Channel, ...], crowded: set[str]
) -> Picked | Full | None:
    """The next message in order. Calls come into it only while this transaction holds their
    token: texts go past calls that wait for it, and no sender keeps a call from another."""
    if Channel.CALL not in channels:
        return outbox_taking.pick_next(conn, channels, crowded)
    waits = call_tokens.waiting(conn)
    if waits.endings and (ending := call_tokens.pick_hang_up(conn)) is not None:
        return Picked(ending, None)
    token_in_s: float | None = None
    if waits.calls:
        token_in_s = waits.token_in_s or call_tokens.hold_bucket(conn)
        if token_in_s == 0.0:
            return outbox_taking.pick_next(conn, channels, crowded)
        token_in_s = BUCKET_HELD_S if token_in_s is None else token_in_s
    others = tuple(channel for channel in channels if channel is not Channel.CALL)
    picked = outbox_taking.pick_next(conn, others, crowded) if others else None
    return Full(Channel.CALL, token_in_s) if picked is None and token_in_s else picked


def _taken_or_left(
    desk: Desk,
    conn: Connection,
    picked: Picked,
    public_url: str,
    taken_by: str,
    woken: list[LeadId],
) -> Taking | Full | Crowded | None:
    """Take a row that was picked; None when it is not wanted any more. ``woken`` gets the leads of
    messages that came too late."""
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
    row, team = picked.row, desk.present.crew().team
    sender, wait_s = sender_of(row, team.carrier), _slot(conn, row, team.carrier)
    if wait_s is None:
        return Full(row.channel)
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


def _slot(conn: Connection, row: OutboxRow, carrier: Carrier) -> float | None:
    """Take what its pace asks of a message: seconds to wait for it, None when that is too long.
    A call is picked by whoever holds its token, and waits for nothing."""
    if row.kind == HANG_UP or row.channel is Channel.EMAIL:
        return 0.0
    if row.channel is Channel.CALL:
        return 0.0 if call_tokens.take_token(conn, 1.0 / carrier.calls_per_second) else None
    if carrier.texts_per_second is None:
        return 0.0
    every_s = 1.0 / carrier.texts_per_second
    return pace.take_slot(conn, carrier.pages_from, row.channel.value, every_s, SLOT_WAIT_MAX_S)


def renew_leases(desk: Desk, page_ids: Collection[PageId]) -> bool:
    """Keep the leases of what a sender has in hand; whether any of it is still taken."""
    with desk.ledger.transaction() as conn:
        return outbox_taking.renew(conn, page_ids, LEASE_S) > 0


def lapsed(desk: Desk) -> list[OutboxRow]:
    """Messages whose sender's lease ran out: it died, or never settled."""
    with desk.ledger.transaction() as conn:
        return outbox_taking.lapsed_leases(conn)
