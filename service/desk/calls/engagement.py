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
from service.ledger import engaged, owners
from service.rules.lead import CallId, RepId

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
