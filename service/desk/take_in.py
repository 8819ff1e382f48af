"""A request arrived: store it, once, and ask for a look.

The edge calls this after it has verified and parsed. What could not be parsed is kept apart by
``keep_unreadable``, for a person. Nothing is paged here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from service.desk import counting
from service.desk.desk import Desk, new_lead_id
from service.desk.record import hold, numbered, record
from service.intake.arrival import Arrival
from service.ledger import counts, inbound, leads, persons
from service.ledger.leads import NewLead
from service.rules.lead import LeadId, SourceId, identity_keys, t_zero
from service.rules.policy import route_for
from service.rules.reception import (
    Again,
    Blocked,
    DoubleSubmit,
    Known,
    NewInquiry,
    Reception,
    merged,
    receive,
)
from service.rules.standing import State
from service.rules.timeline import Arrived, AskedAgain, Event, Excluded, Fact, Reopened

# How an identity key that is a number begins (``rules.lead.identity_keys``).
PHONE_KEY = "phone:"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """``duplicate``: the request was folded into a lead that we have already."""

    lead_id: LeadId
    duplicate: bool


def take_in(
    desk: Desk, source: SourceId, arrival: Arrival, idempotency_key: str | None = None
) -> TakenIn:
    """Store a request and wake. Safe to call again with the same delivery.

    Raises LedgerUnavailable, LeadBusy: then nothing was stored and the source must send again.
    """
    policy_version = desk.present.crew().policy_version
    deliveries = _delivery_keys(arrival, idempotency_key)
    with desk.ledger.transaction() as conn:
        people = identity_keys(arrival.lead)
        leads.hold_identity(conn, [*people, *(f"{source} {key}" for key in deliveries)])
        delivered = leads.delivered_before(conn, source, deliveries)
        if delivered is not None:
            return TakenIn(delivered, duplicate=True)
        taken = _receive(desk, conn, source, arrival, people, deliveries, policy_version)
    desk.wake([taken.lead_id])
    return taken


def _receive(
    desk: Desk,
    conn: Connection,
    source: SourceId,
    arrival: Arrival,
    people: tuple[str, ...],
    deliveries: tuple[str, ...],
    policy_version: int,
) -> TakenIn:
    """Decide what the request is, from what is known of its person, and store it so."""
    now = desk.clock.now()
    known = known_leads(conn, people)
    received = NewInquiry() if arrival.test else _received(conn, known, now)
    match received:
        case NewInquiry():
            opened = open_lead(desk, conn, source, arrival, people, deliveries, policy_version, now)
            return TakenIn(opened, duplicate=False)
        case Blocked():
            # Kept, so that a mistaken "not a lead" loses nothing; nobody is disturbed.
            opened = open_lead(
                desk,
                conn,
                source,
                arrival,
                people,
                deliveries,
                policy_version,
                now,
                blocked=True,
            )
            return TakenIn(opened, duplicate=False)
        case DoubleSubmit(lead_id) | Again(lead_id):
            leads.note_asked(
                conn,
                lead_id,
                source,
                identity_keys=people,
                delivery_keys=deliveries,
                at=now,
            )
            if isinstance(received, DoubleSubmit):
                _fill_gaps(conn, lead_id, arrival)
            if isinstance(received, Again):
                _asked_again(desk, conn, lead_id, source, arrival)
            mark = f"{lead_id}:{now.timestamp()}"
            counts.count(conn, [counting.duplicate(mark, source)])
            return TakenIn(lead_id, duplicate=True)


def known_leads(conn: Connection, people: tuple[str, ...]) -> list[Known]:
    """The earlier leads of a person, by their identity keys, newest first. Of one that is no lead
    the number is blocked, and nothing else: a wrong e-mail address must not cost a lead."""
    found = [each for each in leads.leads_of_person(conn, people) if not each.test]
    numbers = tuple(key for key in people if key.startswith(PHONE_KEY))
    blocking = found if numbers == people or not found else leads.leads_of_person(conn, numbers)
    blocks = {each.id for each in blocking}
    return [
        Known(each.id, each.arrived_at, State(each.state), each.first_contact_at, each.id in blocks)
        for each in found
    ]


def _received(conn: Connection, known: list[Known], now: datetime) -> Reception:
    """What the request is, judged by how its lead stands once that is held: it may have been
    closed since it was listed."""
    first = receive(known, now)
    held = hold(conn, first.lead_id) if isinstance(first, Again) else None
    if held is None:
        return first
    stands = [
        replace(
            each,
            state=held.standing.state,
            first_contact_at=held.standing.first_contact_at,
        )
        if each.id == held.id
        else each
        for each in known
    ]
    return receive(stands, now)


def open_lead(
    desk: Desk,
    conn: Connection,
    source: SourceId,
    arrival: Arrival,
    people: tuple[str, ...],
    deliveries: tuple[str, ...],
    policy_version: int,
    now: datetime,
    *,
    blocked: bool = False,
) -> LeadId:
    """Store a new lead, with what makes the same person and the same delivery known again. The
    caller holds those keys (``leads.hold_identity``), and wakes after its commit. ``blocked``: its
    number is one of which somebody said that it is no lead's."""
    policy = desk.present.policy(conn, policy_version)
    lead_id = new_lead_id()
    t0, skewed = t_zero(now, arrival.submitted_at)
    lead = arrival.lead
    route = route_for(policy.routes, source, lead)
    facts: list[Fact] = [Arrived(source, t0, skewed, lead.phone is not None, route)]
    excluded = "test" if arrival.test else "blocked" if blocked else None
    if excluded is not None:
        facts.append(Excluded(excluded))
    events = [
        Event(seq, now, now, _because(fact, source), f"source:{source}", fact)
        for seq, fact in enumerate(facts, start=1)
    ]
    leads.insert_lead(
        conn,
        NewLead(
            id=lead_id,
            source=source,
            arrived_at=now,
            t0=t0,
            policy_version=policy_version,
            lead=lead,
            look_again_at=now,
            identity_keys=people,
            delivery_keys=deliveries,
            route=route,
            state=State.EXCLUDED.value if excluded else State.WAITING.value,
            test=arrival.test,
        ),
        events,
        () if excluded else (counting.received(lead_id, source, policy.hours.is_open(now)),),
    )
    return lead_id


def _because(fact: Fact, source: SourceId) -> str:
    if isinstance(fact, Excluded):
        if fact.reason == "blocked":
            return "a request from this number was said to be no lead"
        return "the source says it is a test"
    return f"asked to be contacted, by way of {source}"


def _asked_again(
    desk: Desk,
    conn: Connection,
    lead_id: LeadId,
    source: SourceId,
    arrival: Arrival,
) -> None:
    """Merge what is new into the lead in hand; a closed one is opened again, and paged."""
    held = hold(conn, lead_id)
    if held is None:
        return
    first = leads.person_of(conn, lead_id)
    if first is not None:
        persons.save_person(conn, lead_id, merged(first, arrival.lead))
    facts: list[Fact] = [AskedAgain(source)]
    if held.standing.state is State.SETTLED:
        facts.append(Reopened("asked_again"))
    now = desk.now_for(held.row.last_recorded_at)
    because = "the same person asked again"
    events = numbered(held, facts, at=now, now=now, because=because, actor=f"source:{source}")
    record(conn, held, events)


def _fill_gaps(conn: Connection, lead_id: LeadId, arrival: Arrival) -> None:
    """Whoever calls and then fills in a form is one lead, with the name and the wish of the form;
    pressing the button twice adds nothing."""
    held = hold(conn, lead_id)
    if held is not None and held.person is not None:
        whole = merged(held.person, arrival.lead)
        if whole != held.person:
            persons.save_person(conn, lead_id, whole)


def keep_unreadable(desk: Desk, source: str, body: bytes, why: str) -> int:
    """Keep what could not be read, for a person; its number."""
    with desk.ledger.transaction() as conn:
        return inbound.keep_unreadable(conn, source, desk.clock.now(), body, why)


def keep_bot(desk: Desk, source: str, reason: str, body: bytes | None, why: str) -> int | None:
    """Count a form that a program filled in, and keep it for a person to look through.

    Without a ``body`` it is only counted. The kept form's number. Raises LedgerUnavailable.
    """
    with desk.ledger.transaction() as conn:
        counts.count(conn, [counting.form_bot(new_lead_id(), source, reason)])
        if body is None:
            return None
        return inbound.keep_unreadable(conn, source, desk.clock.now(), body, why)


def _delivery_keys(arrival: Arrival, idempotency_key: str | None) -> tuple[str, ...]:
    keys = []
    if arrival.external_id:
        keys.append(f"id:{arrival.external_id}")
    if idempotency_key:
        keys.append(f"idem:{idempotency_key}")
    return tuple(keys)
