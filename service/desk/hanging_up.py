"""Ending a call that nobody wants any more: one that still rings though its lead is taken.

Asked of the carrier by a sender, outside any transaction. A call that was picked up meanwhile goes
on: who is in the whisper hears who has the lead. Ending a call twice, or one that is over, does no
harm; so what is not known to be done may be asked again.
"""

from __future__ import annotations

from service.desk.desk import Desk
from service.desk.taking import HangUpOrder
from service.ledger import outbox
from service.phone.line import Accepted, Busy, Line, NotFound, SendOutcome

# A call that is being placed gets its name from the carrier within a request's time.
NAME_WAIT_S = 0.5
# What the carrier says of a call that is over.
ENDED = "completed"


def hang_up(desk: Desk, line: Line, order: HangUpOrder) -> SendOutcome:
    """End the call if it still rings. Accepted also when there is nothing to end any more; Busy
    while the call is being placed, and nobody knows its name yet. Raises LedgerUnavailable."""
    sid = order.sid
    if sid is None:
        with desk.ledger.transaction() as conn:
            leg = outbox.row(conn, order.leg)
        if leg is not None and leg.carrier_sid is None and leg.state == "taken":
            return Busy(NAME_WAIT_S, "connection")
        sid = leg.carrier_sid if leg else None
    if sid is None:
        return Accepted("", ENDED)
    outcome = line.hang_up(sid)
    return Accepted(sid, ENDED) if isinstance(outcome, NotFound) else outcome
