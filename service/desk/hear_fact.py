"""A fact from outside: a CRM or a dialler tells what somebody did. Evidence of grade C.

The sender's key makes telling it twice the same as telling it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.desk.desk import Desk
from service.desk.record import hold, numbered, record
from service.ledger import inbound
from service.rules import answers
from service.rules.lead import LeadId, RepId
from service.rules.timeline import (
    Attempted,
    By,
    Contacted,
    Ending,
    Fact,
    NoAnswer,
    OptedOut,
)


class FactKind(StrEnum):
    """What may be told from outside."""

    ATTEMPTED = "attempted"
    CONTACTED = "contacted"
    OUTCOME = "outcome"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True, slots=True)
class OutsideFact:
    """``at`` None: now. ``rep`` None: somebody whose name the sender did not tell."""

    kind: FactKind
    at: datetime | None = None
    rep: RepId | None = None
    outcome: Ending | None = None
    call_id: str | None = None
    number: str | None = None
    reason: str | None = None


class HeardFact(StrEnum):
    """What became of it."""

    RECORDED = "recorded"
    KNOWN = "known"
    CLOSED = "closed"
    NO_SUCH_LEAD = "no_such_lead"


def hear_fact(desk: Desk, lead_id: LeadId, told: OutsideFact, key: str) -> HeardFact:
    """Record what happened elsewhere, once per ``key``. Raises LeadBusy, LedgerUnavailable."""
    name = f"api:{lead_id}:{key}"
    with desk.ledger.transaction() as conn:
        held = hold(conn, lead_id)
        if held is None:
            return HeardFact.NO_SUCH_LEAD
        if inbound.seen(conn, name) is not None:
            return HeardFact.KNOWN
        now = desk.now_for(held.row.last_recorded_at)
        facts = facts_of(held.standing.open, told) or answers.outcome(
            held.standing, told.rep, told.outcome or Ending.TALKED, By.API, told.reason
        )
        if not facts:
            return HeardFact.CLOSED
        inbound.remember(conn, name, "api", lead_id, None, now)
        # Nobody can tell us of the future, nor of a call to a lead that had not arrived.
        at = max(min(told.at or now, now), held.standing.arrived_at)
        because = "told from outside"
        record(
            conn,
            held,
            numbered(held, facts, at=at, now=now, because=because, actor="api"),
        )
    desk.wake([lead_id])
    return HeardFact.RECORDED


def facts_of(still_open: bool, told: OutsideFact) -> tuple[Fact, ...]:
    """The events of a told fact; empty for an outcome, which depends on the lead's standing."""
    tried = Attempted(told.rep, answers.WORD, told.call_id, told.number)
    match told.kind:
        case FactKind.ATTEMPTED:
            return (tried, NoAnswer(answers.WORD, told.rep, told.call_id))
        case FactKind.CONTACTED:
            return (tried, Contacted(answers.WORD, told.rep, told.call_id))
        case FactKind.OPTED_OUT:
            return (OptedOut(told.reason or "asked"),) if still_open else ()
        case FactKind.OUTCOME:
            return ()
