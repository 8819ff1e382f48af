"""Somebody calls one of our numbers: a colleague, who is connected with a lead, or a lead."""

from __future__ import annotations

from service.desk.calls import through, welcome
from service.desk.desk import Desk
from service.phone.caller_callbacks import InboundCall


def answer(desk: Desk, call: InboundCall) -> str:
    """The document that answers a call to us; a replay of it gets the same, and opens no second
    call. Raises LeadBusy, LedgerUnavailable: then nothing was written."""
    person = desk.present.crew().by_phone.get(call.number or "")
    if person is not None:
        return through.answer(desk, call, person)
    return welcome.caller(desk, call, call.dedupe_key)
