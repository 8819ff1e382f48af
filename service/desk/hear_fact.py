"""A fact from outside: a CRM or a dialler tells what somebody did. Evidence of grade C.

The sender's key makes telling it twice the same as telling it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.record import Held, hold, numbered, record
from service.ledger import inbound
from service.rules import answers
from service.rules.agreed import agreed_at
from service.rules.call_facts import Attempted, Contacted, NoAnswer
from service.rules.lead import LeadId, RepId
from service.rules.timeline import By, Ending, Fact, OptedOut


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
        facts = facts_of(held.standing.open, told) or _outcome(desk, conn, held, told, now)
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


def _outcome(
    desk: Desk, conn: Connection, held: Held, told: OutsideFact, now: datetime
) -> tuple[Fact, ...]:
    """What an outcome means for the lead; the words beside "call later" may name an instant."""
    crew = desk.present.crew()
    ending = told.outcome or Ending.TALKED
    when = told.reason if ending is Ending.CALL_LATER else None
    zone = crew.zone_of(told.rep) if told.rep else crew.team.timezone
    return answers.outcome(
        held.standing,
        told.rep,
        ending,
        By.API,
        told.reason,
        at=now,
        call_at=agreed_at(when, zone, now) if when else None,
        contact_after_s=desk.present.policy(conn, held.row.policy_version).calls.contact_after_s,
    )


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
