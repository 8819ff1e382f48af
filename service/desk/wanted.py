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
from service.desk.record import Held, hold
from service.desk.settling import LATE, Nothing, came_to_nothing, record_as_sender
from service.desk.taking import HANG_UP, RINGS
from service.ledger import outbox, outbox_taking, pace
from service.ledger.outbox_rows import OutboxRow, Picked
from service.rules.call_facts import Rang
from service.rules.folding import fold
from service.rules.lead import LeadId
from service.rules.standing import State
from service.rules.timeline import Fact, Paged, PageFailed, Timeline, Told
from service.rules.wanted import still_wanted

log = structlog.get_logger("send")


def asked_for(row: OutboxRow, timeline: Timeline, now: datetime) -> bool:
    """Whether the rules still want it sent. An answer to a phone is wanted until it is stale, and
    so is the end of a call: nobody wants it back."""
    if row.kind == HANG_UP:
        return True
    ordered = next((event.fact for event in timeline if event.seq == row.seq), None)
    if not isinstance(ordered, Paged | Told | Rang):
        return True
    return still_wanted(fold(timeline), ordered, row.not_after, now)


def expire(conn: Connection, picked: Picked, now: datetime) -> LeadId | None:
    """It came too late to be taken; the lead to wake, if a page of it, or a ring, came to
    nothing."""
    outbox_taking.mark_expired(conn, picked.row.id)
    return _tell(conn, picked, LATE, now, "too late")


def refuse(conn: Connection, picked: Picked, why: str, now: datetime, woken: list[LeadId]) -> None:
    """A text to a phone that, as we know since it was ordered, no text reaches: its owner told us
    to stop, or the number is dead. It is not sent, and a page counts as failed at once, so that
    the ladder goes on by other means. ``woken`` gets its lead."""
    outbox_taking.mark_withdrawn(conn, picked.row.id)
    nothing = Nothing(why, "failed", ends=True)
    lead_id = _tell(conn, picked, nothing, now, "no text reaches the phone")
    if lead_id is not None:
        woken.append(lead_id)


def _tell(
    conn: Connection, picked: Picked, why: Nothing, now: datetime, because: str
) -> LeadId | None:
    """Tell the lead of a message that was never taken; None when there is nothing to tell."""
    told = picked.row.kind in PAGES or picked.row.kind in RINGS
    held = hold(conn, picked.lead.id) if picked.lead and told else None
    if held is None:
        return None
    facts = _untold(held, picked.row, why)
    record_as_sender(conn, held, facts, now, because)
    return held.id if facts else None


def _untold(held: Held, row: OutboxRow, why: Nothing) -> list[Fact]:
    """What the lead's timeline does not say yet of a message that came to nothing."""
    if row.kind in PAGES and has_fact(held, PageFailed, row.page_id):
        return []
    return came_to_nothing(held, row, why)


def still_worth_sending(desk: Desk, row: OutboxRow, carried: Sequence[OutboxRow] = ()) -> bool:
    """Ask again of a taken message that had to wait in a sender's hands.

    False: nothing may be sent, and what was taken is settled: it was never sent. Only what came
    too late is told to the rules: a page, while its lead still waits, and a ring. A text about
    several leads goes out as it is while one of them is wanted: whoever answers for another is
    told who has it.
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
        if late and held is not None and _waits_for(held, row):
            facts = _untold(held, row, LATE)
            record_as_sender(conn, held, facts, now, "too late")
            wake = held.id if facts else None
    log.info("message", page=row.id, outcome="too late" if late else "not wanted any more")
    if wake is not None:
        desk.wake([wake])
    return False


def _waits_for(held: Held, row: OutboxRow) -> bool:
    """Whether a message that came too late makes a difference to its lead."""
    return row.kind not in PAGES or held.standing.state is State.WAITING
