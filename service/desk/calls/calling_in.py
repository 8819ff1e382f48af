"""Somebody calls one of our numbers: a colleague, who is connected with a lead, or a lead."""

from __future__ import annotations

from service.desk.calls import through, welcome
from service.desk.desk import Desk
from service.ledger import inbound
from service.phone import voice_calls
from service.phone.callbacks import CALL_FINAL
from service.phone.caller_callbacks import InboundCall


def answer(desk: Desk, call: InboundCall) -> str:
    """The document that answers a call to us; a replay of it gets the same, and opens no second
    call. Raises LeadBusy, LedgerUnavailable: then nothing was written."""
    if call.status in CALL_FINAL:
        return _over(desk, call)
    person = desk.present.crew().by_phone.get(call.number or "")
    if person is not None:
        return through.answer(desk, call, person)
    return welcome.caller(desk, call, call.dedupe_key)


def _over(desk: Desk, call: InboundCall) -> str:
    """A call that is over asks for nothing: what it heard if it was heard, and no lead of its
    own."""
    with desk.ledger.snapshot() as conn:
        before = inbound.seen(conn, call.dedupe_key)
    return (before.answer if before else None) or voice_calls.hang_up()
