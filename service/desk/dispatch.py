"""A message on its way: taken under its lead's lock, sent by somebody else, settled once.

``take_next`` and ``settle`` are each one transaction; between them a sender talks to the carrier
and holds nothing but a lease. A page to a rep goes at least once: what may not have been sent is
looked up and, if still unknown, sent once more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.hear_line import PAGES, has_fact
from service.desk.hear_text import OPTED_OUT, go_deaf
from service.desk.present import floor_changed
from service.desk.record import Held, hold, numbered, record
from service.desk.taking import Taking, order_of
from service.ledger import leads, outbox, pace
from service.ledger.outbox_rows import OutboxRow, Picked
from service.phone.line import (
    Accepted,
    Busy,
    NotFound,
    Rejected,
    SendOutcome,
    Unknown,
)
from service.rules.answers import stirs
from service.rules.decide import still_wanted
from service.rules.lead import LeadId, PageId
from service.rules.standing import State, fold
from service.rules.timeline import (
    Channel,
    Fact,
    Paged,
    PageFailed,
    PageSent,
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
ACTOR = "sender"

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
    _record(
        conn,
        held,
        [_came_to_nothing(picked.row, "expired", None, False)],
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
            fact = _came_to_nothing(row, "expired", None, False)
            _record(conn, held, [fact], now, "too late")
            wake = held.id
    log.info("message", page=row.id, outcome="too late" if late else "not wanted any more")
    if wake is not None:
        desk.wake([wake])
    return False


def settle(desk: Desk, row: OutboxRow, outcome: SendOutcome | NotFound) -> None:
    """Write down what came of a taken message, and what follows from it.

    Settling twice changes nothing. Raises LeadBusy, LedgerUnavailable: settle again, or leave it
    to the sweep, which asks the carrier once the lease has run out.
    """
    wake: LeadId | None = None
    gone_deaf = again = False
    with desk.ledger.transaction() as conn:
        held = hold(conn, row.lead_id) if row.lead_id else None
        now = desk.clock.now() if held is None else desk.now_for(held.row.last_recorded_at)
        facts, again = _settled(conn, row, held, outcome, now)
        if isinstance(outcome, Rejected) and outcome.reason == OPTED_OUT and row.rep_id:
            person = desk.present.crew().people.get(row.rep_id)
            gone_deaf = person is not None and go_deaf(desk, conn, person, now, outcome.code)
        if held is not None and facts:
            _record(conn, held, facts, now, _because(outcome))
            wake = held.id if any(stirs(fact) for fact in facts) else None
    log.info(
        "message",
        page=row.id,
        channel=row.channel,
        outcome=_because(outcome),
        again=again,
    )
    if wake is not None:
        desk.wake([wake])
    if gone_deaf:
        floor_changed(desk.ledger, desk.clock.now())


def _settled(
    conn: Connection,
    row: OutboxRow,
    held: Held | None,
    outcome: SendOutcome | NotFound,
    now: datetime,
) -> tuple[list[Fact], bool]:
    """Settle the row; the facts for its lead, and whether it was ordered once more."""
    pages = held is not None and row.kind in PAGES and row.rep_id is not None
    match outcome:
        case Accepted(sid=sid, status=status):
            news = outbox.settle_sent(conn, row.id, sid, status, now)
            if news:
                outbox.withdraw_repeat(conn, row.id)
            known = not pages or held is None or has_fact(held, PageSent, row.page_id)
            if known or not news or row.rep_id is None:
                return [], False
            return [PageSent(row.page_id, row.rep_id, row.channel)], False
        case Rejected(code=code, reason=reason):
            news = outbox.settle_failed(conn, row.id, code)
            # A refused number ends the channel; trouble with our account must not mark the rep.
            ends = outcome.ends_channel or outcome.blame == "number"
            fact = _came_to_nothing(row, reason, code, ends)
            return ([fact] if pages and news else []), False
        case Busy(why=why):
            news = outbox.settle_failed(conn, row.id, None)
            fact = _came_to_nothing(row, why, None, False)
            return ([fact] if pages and news else []), False
        case Unknown() | NotFound():
            news = outbox.settle_unsure(conn, row.id)
            if news and outbox.order_again(conn, row.id, now) is not None:
                return [], True
            fact = _came_to_nothing(row, "unsure", None, False)
            return ([fact] if pages and news else []), False


def _came_to_nothing(row: OutboxRow, reason: str, code: int | None, ends: bool) -> PageFailed:
    assert row.rep_id is not None
    return PageFailed(row.page_id, row.rep_id, row.channel, reason, code, ends_channel=ends)


def _record(conn: Connection, held: Held, facts: list[Fact], now: datetime, because: str) -> None:
    record(conn, held, numbered(held, facts, at=now, now=now, because=because, actor=ACTOR))


def _because(outcome: SendOutcome | NotFound) -> str:
    match outcome:
        case Accepted(status=status):
            return f"accepted, {status}"
        case Rejected(reason=reason, code=code):
            return f"refused, {reason} ({code})"
        case Busy(why=why):
            return f"not sent, {why}"
        case Unknown(why=why):
            return f"unsure, {why}"
        case NotFound():
            return "unsure, the carrier does not know it"


def renew_leases(desk: Desk, page_ids: Collection[PageId]) -> bool:
    """Keep the leases of what a sender has in hand; whether any of it is still taken."""
    with desk.ledger.transaction() as conn:
        return outbox.renew(conn, page_ids, LEASE_S) > 0


def lapsed(desk: Desk) -> list[OutboxRow]:
    """Messages whose sender's lease ran out: it died, or never settled."""
    with desk.ledger.transaction() as conn:
        return outbox.lapsed_leases(conn)
