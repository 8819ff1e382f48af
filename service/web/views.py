"""Leads as integrations read them: plain JSON, by the names of the contract.

Shapes only: nothing here reads the ledger or decides. Instants are ISO 8601 in UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from service.ledger.calls import CallRow
from service.ledger.lead_rows import LeadRow, LeadView, OwedRow
from service.rules.call_facts import Attempted, Dialled
from service.rules.lead import Lead
from service.rules.standing import CLOSED, Standing, State
from service.rules.timeline import Event, Timeline, to_fields

Json = dict[str, Any]

_NOBODY = Lead()
"""Stands for an erased person: the same fields, with nothing in them."""


def lead_json(view: LeadView) -> Json:
    """The lead: which it is, and what the person asked. ``erased`` when that was taken away."""
    row, person = view.row, view.person or _NOBODY
    asked = {each.name: getattr(person, each.name) for each in fields(Lead)}
    return {
        "id": row.id,
        "source": row.source,
        "arrived_at": _instant(row.arrived_at),
        "t0": _instant(row.t0),
        "test": row.test,
        "erased": view.person is None,
        **asked,
        "pages_viewed": list(person.pages_viewed),
        "extra": dict(person.extra),
    }


def standing_json(row: LeadRow) -> Json:
    """Where the lead stands, from the copy that its row holds."""
    return {
        "state": row.state,
        "open": State(row.state) not in CLOSED,
        "owner": row.owner,
        "rung": row.rung or 0,
        "attempts": row.attempts,
        "paged_at": _instant(row.paged_at),
        "claimed_at": _instant(row.claimed_at),
        "first_attempt_at": _instant(row.first_attempt_at),
        "first_contact_at": _instant(row.first_contact_at),
        "owed": [_owed_json(each) for each in row.owed],
        "look_again_at": _instant(row.look_again_at),
        "policy_version": row.policy_version,
    }


def _owed_json(owed: OwedRow) -> Json:
    """A call that is owed; ``missed`` once its promise has passed."""
    return {
        "kind": owed.kind,
        "since": _instant(owed.since),
        "call_at": _instant(owed.call_at),
        "due_at": _instant(owed.due_at),
        "missed": owed.missed,
    }


def whole_lead(
    view: LeadView, standing: Standing, timeline: Timeline, calls: Sequence[CallRow] = ()
) -> Json:
    """One lead with everything that happened to it. ``calls`` are the lead's: they know the number
    that was dialled, which the timeline does not."""
    numbers: dict[str | None, str] = {
        call.id: call.to_number for call in calls if call.to_number is not None
    }
    told = {
        "passed": sorted(standing.passed),
        "taken_back": sorted(standing.taken_back),
        "outcome": standing.outcome,
    }
    return {
        "lead": lead_json(view),
        "standing": {**standing_json(view.row), **told},
        "timeline": [event_json(event, numbers) for event in timeline],
    }


def listed_lead(view: LeadView) -> Json:
    """A lead in a list: with its standing, without its timeline."""
    return {**lead_json(view), "standing": standing_json(view.row)}


def event_json(event: Event, numbers: Mapping[str | None, str] | None = None) -> Json:
    """An event with its fields beside it, by the contract's names; with the number that was
    dialled, while it is known: ``numbers`` by call."""
    fact = event.fact
    told = to_fields(fact)
    call_id = fact.call_id if isinstance(fact, Attempted | Dialled) else None
    if numbers and call_id in numbers:
        told = {"number": numbers[call_id], **told}
    return {
        "seq": event.seq,
        "at": _instant(event.at),
        "recorded_at": _instant(event.recorded_at),
        "event": event.kind,
        "because": event.because,
        "actor": event.actor,
        **told,
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
