"""Whether a message should still go out: asked under its lead's lock, when it is taken and again
whenever it had to wait in a sender's hands. What nobody wants any more ends here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.hear_line import PAGES, has_fact
from service.desk.record import hold
from service.desk.settling import came_to_nothing, record_as_sender
from service.ledger import outbox, outbox_taking, pace
from service.ledger.outbox_rows import OutboxRow, Picked
from service.rules.decide import still_wanted
from service.rules.lead import LeadId
from service.rules.standing import State, fold
from service.rules.timeline import Paged, PageFailed, Timeline, Told

log = structlog.get_logger("send")


def asked_for(row: OutboxRow, timeline: Timeline, now: datetime) -> bool:
    """Whether the rules still want it sent. An answer to a phone is wanted until it is stale."""
    ordered = next((event.fact for event in timeline if event.seq == row.seq), None)
    if not isinstance(ordered, Paged | Told):
        return True
    return still_wanted(fold(timeline), ordered, row.not_after, now)


def expire(conn: Connection, picked: Picked, now: datetime) -> LeadId | None:
    """It came too late to be taken; the lead to wake, if a page of it came to nothing."""
    outbox_taking.mark_expired(conn, picked.row.id)
    if picked.lead is None or picked.row.kind not in PAGES:
        return None
    held = hold(conn, picked.lead.id)
    if held is None or has_fact(held, PageFailed, picked.row.page_id):
        return None
    fact = came_to_nothing(picked.row, "expired", None, False)
    record_as_sender(conn, held, [fact], now, "too late")
    return held.id


def refuse(conn: Connection, picked: Picked, why: str, now: datetime, woken: list[LeadId]) -> None:
    """A text to a phone that, as we know since it was ordered, no text reaches: its owner told us
    to stop, or the number is dead. It is not sent, and a page counts as failed at once, so that
    the ladder goes on by other means. ``woken`` gets its lead."""
    outbox_taking.mark_withdrawn(conn, picked.row.id)
    if picked.lead is None or picked.row.kind not in PAGES:
        return
    held = hold(conn, picked.lead.id)
    if held is None or has_fact(held, PageFailed, picked.row.page_id):
        return
    fact = came_to_nothing(picked.row, why, None, True)
    record_as_sender(conn, held, [fact], now, "no text reaches the phone")
    woken.append(held.id)


def still_worth_sending(desk: Desk, row: OutboxRow, carried: Sequence[OutboxRow] = ()) -> bool:
    """Ask again of a taken message that had to wait in a sender's hands.

    False: nothing may be sent, and what was taken is settled: it was never sent. Only a page that
    came too late for a lead that still waits is told to the ladder. A text about several leads
    goes out as it is while one of them is wanted: whoever answers for another is told who has it.
    Raises LeadBusy, LedgerUnavailable: then nobody knows, and nothing may be sent either.
    """
    if carried:
        with desk.ledger.transaction() as conn:
            known = outbox.row(conn, row.id)
        if known is None or known.state != "taken":
            return False  # somebody else settles it, and what it carries
        if any(_is_worth(desk, each) for each in (row, *carried)):
            return True
    worth = [_worth_or_settled(desk, each) for each in (row, *carried)]
    return any(worth)


def _is_worth(desk: Desk, row: OutboxRow) -> bool:
    with desk.ledger.transaction() as conn:
        held = hold(conn, row.lead_id) if row.lead_id else None
        now = desk.clock.now() if held is None else desk.now_for(held.row.last_recorded_at)
        return row.not_after > now and (held is None or asked_for(row, held.timeline, now))


def _worth_or_settled(desk: Desk, row: OutboxRow) -> bool:
    wake: LeadId | None = None
    with desk.ledger.transaction() as conn:
        held = hold(conn, row.lead_id) if row.lead_id else None
        now = desk.clock.now() if held is None else desk.now_for(held.row.last_recorded_at)
        known = outbox.row(conn, row.id)
        if known is None or known.state != "taken":
            return False  # somebody else has settled it
        late = row.not_after <= now
        if not late and (held is None or asked_for(row, held.timeline, now)):
            return True
        outbox.settle_failed(conn, row.id, None)
        if row.carried_by is None:
            pace.give_back_phone_slot(conn, row.id)
        waits = held is not None and held.standing.state is State.WAITING and row.kind in PAGES
        if late and waits and held and not has_fact(held, PageFailed, row.page_id):
            fact = came_to_nothing(row, "expired", None, False)
            record_as_sender(conn, held, [fact], now, "too late")
            wake = held.id
    log.info("message", page=row.id, outcome="too late" if late else "not wanted any more")
    if wake is not None:
        desk.wake([wake])
    return False
