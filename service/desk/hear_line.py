"""What the carrier tells us: how far a message has come, and which key a rep pressed on a call.

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
from service.desk.carried import carried_ids
from service.desk.desk import Desk
from service.desk.present import floor_changed, floor_moves
from service.desk.record import Held, hold, numbered, persistently, record, with_events
from service.errors import LeadBusy
from service.ledger import inbound, leads, outbox, people
from service.ledger.outbox import OutboxRow
from service.phone.callbacks import CallStatus, KeyPressed, TextStatus
from service.phone.codes import call_failure, failure
from service.rules import answers, spoken
from service.rules.decide import decide
from service.rules.lead import ERASED, LeadId, PageId, RepId
from service.rules.standing import State
from service.rules.timeline import (
    By,
    Channel,
    Claimed,
    ClaimLost,
    Event,
    Fact,
    PageDelivered,
    PageFailed,
    PageSent,
    Passed,
)

log = structlog.get_logger("line")

CARRIER = "carrier"
PAGES = ("page_text", "page_call", "page_email")
TAKE_KEY, PASS_KEY = "1", "2"

# A call that ended so was never going to ring. Busy and unanswered are silence, not failure.
_CALL_FAILED = ("failed", "canceled")
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
    wake: LeadId | None = None
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
            wake = held.id if any(answers.stirs(fact) for fact in facts) else None
        floor_moved = floor_moves(conn, _reachability(desk, conn, held, row, status, now))
    if wake is not None:
        desk.wake([wake])
    if floor_moved:
        floor_changed(desk.ledger, desk.clock.now())
    return carried


def _put_off(
    desk: Desk, conn: Connection, held: Held, events: Sequence[Event], now: datetime
) -> datetime | None:
    """When to look after a receipt that came: what would have rung the rep for want of it need not
    be looked for. None: as planned, also when something is due, which is a look's to find."""
    known = with_events(held, events)
    delivered = any(isinstance(event.fact, PageDelivered) for event in events)
    if not delivered or known.standing.state is not State.WAITING:
        return None
    floor = desk.present.floor_in(conn, held.generation, now, held.deaf, held.tripped)
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
    lost = _has_failed(channel, status.status) and not delivered
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


# Keys on a call that pages


def spoken_page(desk: Desk, page_id: PageId) -> tuple[str, bool]:
    """What a rep hears who picks up, and whether a key is asked: the page while the lead waits,
    else who has it."""
    with desk.ledger.transaction() as conn:
        row = outbox.row(conn, page_id)
        view = leads.read_lead(conn, row.lead_id) if row and row.lead_id else None
    if row is None or view is None:
        return spoken.spoken_closed(), False
    if view.row.owner is not None and view.row.owner != row.rep_id:
        return _spoken_taken(desk, RepId(view.row.owner)), False
    if view.row.state in ("settled", "excluded"):
        return spoken.spoken_closed(), False
    return row.body, True


def hear_key(desk: Desk, key: KeyPressed) -> str | None:
    """Act on a key; what to say then. None: no such key, the page is to be said again.

    A replay of the same key on the same call gets the same words. Raises LeadBusy,
    LedgerUnavailable.
    """
    if key.digits not in (TAKE_KEY, PASS_KEY):
        return None
    return persistently(lambda: _hear_key(desk, key))


def _hear_key(desk: Desk, key: KeyPressed) -> str | None:
    with desk.ledger.transaction() as conn:
        name = f"key:{key.dedupe_key}"
        before = inbound.seen(conn, name)
        if before is not None:
            return before.answer
        row = outbox.row(conn, key.page_id)
        held = hold(conn, row.lead_id) if row and row.lead_id else None
        if row is None or held is None or row.rep_id is None:
            return spoken.spoken_closed()
        # Asked again under the lead's lock: two deliveries of one key are one key.
        before = inbound.seen(conn, name)
        if before is not None:
            return before.answer
        words = _apply_key(desk, conn, held, row, key)
        now = desk.clock.now()
        inbound.remember(conn, name, "key", held.id, words, now)
        was_deaf = held.is_deaf(row.to_number)
        hears = was_deaf and reach.came_through(conn, row.to_number, Channel.CALL, now)
        floor_moves(conn, hears)
        lead_id = held.id
    desk.wake([lead_id])
    if hears:
        floor_changed(desk.ledger, desk.clock.now())
    return words


def _apply_key(desk: Desk, conn: Connection, held: Held, row: OutboxRow, key: KeyPressed) -> str:
    rep = row.rep_id
    assert rep is not None
    now = desk.now_for(held.row.last_recorded_at)
    said = (
        answers.claim(held.standing, rep, By.KEY)
        if key.digits == TAKE_KEY
        else answers.decline(held.standing, rep, By.KEY)
    )
    facts: list[Fact] = []
    if not has_fact(held, PageDelivered, row.page_id):
        facts.append(PageDelivered(row.page_id, rep, row.channel))
    facts.extend(said)
    events = numbered(
        held,
        facts,
        at=now,
        now=now,
        because=f"pressed {key.digits}",
        actor=f"rep:{rep}",
    )
    record(conn, held, events)
    return _spoken_after(desk, conn, held, rep, said, took=key.digits == TAKE_KEY)


def _spoken_after(
    desk: Desk,
    conn: Connection,
    held: Held,
    rep: RepId,
    said: tuple[Fact, ...],
    *,
    took: bool,
) -> str:
    for fact in said:
        match fact:
            case ClaimLost(owner=owner):
                return _spoken_taken(desk, owner) if owner else spoken.spoken_closed()
            case Passed():
                return spoken.spoken_passed()
            case Claimed():
                break
    if not held.standing.open:
        return spoken.spoken_closed()
    if not took:
        return spoken.spoken_passed()
    lead = leads.person_of(conn, held.id) or ERASED
    person = desk.present.crew().people.get(rep)
    deaf = person is not None and (person.phone, Channel.TEXT) in people.deaf_phones(conn)
    texts = not deaf and not desk.present.crew().team.texts_off
    return spoken.spoken_yours(lead, text_follows=texts)


def _spoken_taken(desk: Desk, owner: RepId) -> str:
    person = desk.present.crew().people.get(owner)
    return spoken.spoken_taken(person.name if person else "Somebody")
