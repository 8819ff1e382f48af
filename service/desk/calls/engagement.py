"""Who is on a call: a rep is engaged from their key until their own leg has ended, and may be rung
again a moment later.

Whether somebody who is engaged is paged or rung is the rules' affair.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.errors import LeadBusy
from service.ledger import calls, engaged, leads, owners
from service.rules.answers import about_call
from service.rules.folding import fold
from service.rules.lead import CallId, RepId
from service.rules.replies import OpenQuestion, QuestionKind

# Who has hung up gets a breath before their phone rings again. DEFINITIONS.md, "Default policy".
FREE_AFTER = timedelta(seconds=5)

log = structlog.get_logger("call")


def frees(conn: Connection, rep: RepId, call_id: CallId, until: datetime, now: datetime) -> bool:
    """The rep is on this call no longer, and may be rung from ``until`` on: the leads that wait
    for that are looked at. False: they are on another one, or were freed before. After the
    commit, ``look_at_leads_of`` is called."""
    freed = engaged.release(conn, rep, call_id, until)
    if freed:
        owners.ask_looks_of_owner(conn, rep, now, waiting=False)
    return freed


def of_last_call(
    conn: Connection, rep: RepId, asked: list[OpenQuestion], now: datetime
) -> list[OpenQuestion]:
    """What a bare digit may be about: the call that the rep is on or was on just now, asked or not.
    What was asked before that call has its letter."""
    call_id = engaged.last_call(conn, rep)
    row = calls.call(conn, call_id) if call_id else None
    if row is None or row.rep_id != rep or row.dialled_at is None:
        return asked
    if any(each.lead_id == row.lead_id and each.closed_at is None for each in asked):
        return asked
    if row.settled_at is not None:
        about = about_call(fold(leads.timeline_of(conn, row.lead_id)), rep, now)
        if about is None or about.call_id != row.id:
            return asked
    just = OpenQuestion(None, row.lead_id, QuestionKind.OUTCOME, row.dialled_at)
    return [just, *(each for each in asked if each.opened_at > just.opened_at)]


def look_at_leads_of(desk: Desk, rep: RepId) -> None:
    """Have the leads that a rep has looked at, those too that somebody held a moment ago."""
    try:
        with desk.ledger.transaction() as conn:
            asked = owners.ask_looks_of_owner(conn, rep, desk.clock.now())
    except LeadBusy:
        # Held for long by now: nearly all were asked for in the transaction before.
        log.warning("call", rep=rep, outcome="a lead of theirs is busy")
        return
    if asked:
        desk.wake(asked)
