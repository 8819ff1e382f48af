"""A lead's rows as frozen values, the columns they are read from, and how events are inserted.

Only shapes: queries are in `leads`, `look` and `listing`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from service.rules.lead import Lead, LeadId, SourceId
from service.rules.timeline import Event, to_fields


@dataclass(frozen=True, slots=True)
class KnownLead:
    """An earlier lead of the same person: what decides whether a request is a new lead."""

    id: LeadId
    arrived_at: datetime
    state: str
    first_contact_at: datetime | None
    test: bool


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead about to be stored. ``id`` is 24-64 url-safe random characters.

    ``delivery_keys`` are `id:<external id>` and `idem:<Idempotency-Key>`, as given;
    ``identity_keys`` those of `rules.lead.identity_keys`. ``woken``: a wake follows the commit.
    """

    id: LeadId
    source: SourceId
    arrived_at: datetime
    t0: datetime
    policy_version: int
    lead: Lead
    look_again_at: datetime
    identity_keys: tuple[str, ...] = ()
    delivery_keys: tuple[str, ...] = ()
    route: int | None = None
    state: str = "waiting"
    judge_at: datetime | None = None
    test: bool = False
    woken: bool = True


@dataclass(frozen=True, slots=True)
class OwedRow:
    """A call that is owed: one of ``rules.call_facts.Owing``, for what happened at ``since``; asked
    for from ``call_at`` on, promised by ``due_at``."""

    kind: str
    since: datetime
    due_at: datetime
    call_at: datetime
    missed: bool = False


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead without its person: identity, clockwork and the copy of its standing."""

    id: LeadId
    source: SourceId
    arrived_at: datetime
    t0: datetime
    route: int | None
    policy_version: int
    state: str
    owner: str | None
    rung: int | None
    attempts: int
    first_attempt_at: datetime | None
    first_contact_at: datetime | None
    claimed_at: datetime | None
    paged_at: datetime | None
    last_seq: int
    last_recorded_at: datetime
    look_again_at: datetime | None
    woken_at: datetime | None
    judge_at: datetime | None
    test: bool
    owed: tuple[OwedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class StandingRow:
    """What a lead's row repeats of its standing, so that queries need not fold timelines."""

    state: str
    owner: str | None = None
    rung: int | None = None
    attempts: int = 0
    first_attempt_at: datetime | None = None
    first_contact_at: datetime | None = None
    claimed_at: datetime | None = None
    paged_at: datetime | None = None
    asked: int = 0
    owed: tuple[OwedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class LeadView:
    """A lead to show. ``person`` is None once erased."""

    row: LeadRow
    person: Lead | None


LEAD_COLUMNS = (
    "l.id, l.source, l.arrived_at, l.t0, l.route, l.policy_version, l.state, l.owner, l.rung,"
    " l.attempts, l.first_attempt_at, l.first_contact_at, l.claimed_at, l.paged_at, l.last_seq,"
    " l.last_recorded_at, l.look_again_at, l.woken_at, l.judge_at, l.test,"
    " l.owed"
)
LEAD_WIDTH = len(LeadRow.__dataclass_fields__)
_OWED = tuple(LeadRow.__dataclass_fields__).index("owed")

_PERSON_TEXTS = tuple(
    name for name in Lead.__dataclass_fields__ if name not in ("pages_viewed", "extra")
)
PERSON_FIELDS = (*_PERSON_TEXTS, "pages_viewed", "extra")
PERSON_COLUMNS = ", ".join(f"p.{name}" for name in PERSON_FIELDS)


# Part of every statement that appends to a timeline; `:id` is the lead, `:events` `events_json`.
# Columns are named, so that a later version's column gets its default.
INSERT_EVENTS = """
insert into event (lead_id, seq, kind, at, recorded_at, because, actor, fields)
select :id, e.seq, e.kind, e.at, e.recorded_at, e.because, e.actor, e.fields
from jsonb_to_recordset(cast(:events as jsonb)) as e (
  seq int, kind text, at timestamptz, recorded_at timestamptz, because text, actor text,
  fields jsonb)
"""


def view_from(row: Row[Any]) -> LeadView:
    """A row of LEAD_COLUMNS, p.lead_id, PERSON_COLUMNS as a view."""
    held = row[LEAD_WIDTH] is not None
    return LeadView(
        lead_row(row[:LEAD_WIDTH]), person_from(row[LEAD_WIDTH + 1 :]) if held else None
    )


def lead_row(values: Sequence[Any]) -> LeadRow:
    """A row of LEAD_COLUMNS."""
    held = list(values)
    held[_OWED] = tuple(_owed_row(each) for each in held[_OWED])
    return LeadRow(*held)


def _owed_row(stored: Mapping[str, Any]) -> OwedRow:
    instant = datetime.fromisoformat
    return OwedRow(
        kind=stored["kind"],
        since=instant(stored["since"]),
        due_at=instant(stored["due_at"]),
        call_at=instant(stored["call_at"]),
        missed=stored["missed"],
    )


def owed_json(owed: Sequence[OwedRow]) -> str:
    """Which calls are owed, as a lead's row keeps it."""
    return json.dumps(
        [
            {
                "kind": str(each.kind),
                "since": each.since.isoformat(),
                "due_at": each.due_at.isoformat(),
                "call_at": each.call_at.isoformat(),
                "missed": each.missed,
            }
            for each in owed
        ]
    )


def person_from(values: Sequence[Any]) -> Lead:
    """A row of PERSON_COLUMNS as the lead's person."""
    *texts, pages, extra = values
    held = dict(zip(_PERSON_TEXTS, texts, strict=True))
    return Lead(**held, pages_viewed=tuple(pages), extra=tuple((k, v) for k, v in extra))


def person_json(lead: Lead) -> str:
    return json.dumps({name: getattr(lead, name) for name in PERSON_FIELDS})


def events_json(events: Sequence[Event]) -> str:
    """Events as INSERT_EVENTS reads them."""
    return json.dumps(
        [
            {
                "seq": event.seq,
                "kind": event.kind,
                "at": event.at.isoformat(),
                "recorded_at": event.recorded_at.isoformat(),
                "because": event.because,
                "actor": event.actor,
                "fields": to_fields(event.fact),
            }
            for event in events
        ]
    )
