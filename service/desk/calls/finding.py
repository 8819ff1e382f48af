"""Whose lead a call or a text is about: the one in hand of the same person, or a new one.

The person is known by their number, which can be forged: nothing that is on file for it is told
to a caller. A lead that is found is held from then on.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.present import Crew
from service.desk.record import Held, hold
from service.desk.take_in import known_leads, open_lead
from service.intake.arrival import Arrival
from service.ledger import leads
from service.rules.lead import Lead, SourceId, identity_keys
from service.rules.reception import Again, NewInquiry, heard_from
from service.team.team import SourceKind


@dataclass(frozen=True, slots=True)
class Found:
    """The lead that somebody who calls or writes is, held. ``known``: we had it before."""

    held: Held
    known: bool


def source_dialled(crew: Crew, number: str) -> SourceId | None:
    """The source whose number this is; None: it is no source's."""
    lines = (source for source in crew.team.sources if source.kind is SourceKind.CALL)
    return next((line.id for line in lines if line.number == number), None)


def hold_delivery(conn: Connection, source: SourceId, lead: Lead, sid: str) -> None:
    """Hold the person and what they sent (a call or a text, by the carrier's id) until the
    transaction ends, so that two deliveries of it, or a form beside it, open one lead."""
    leads.hold_identity(conn, [*identity_keys(lead), f"{source} id:{sid}"])


def in_hand(conn: Connection, lead: Lead, desk: Desk) -> Held | None:
    """The lead that the person has with us, open or so lately settled that they mean it; None:
    they have none. Raises LeadBusy."""
    received = heard_from(known_leads(conn, identity_keys(lead)), desk.clock.now())
    if isinstance(received, NewInquiry):
        return None
    held = hold(conn, received.lead_id)
    if held is None:
        return None
    # It may have been closed since it was listed.
    now_known = [
        each for each in known_leads(conn, identity_keys(lead)) if each.id == received.lead_id
    ]
    again = heard_from(now_known, desk.clock.now())
    return held if isinstance(again, Again) else None


def found_or_opened(desk: Desk, conn: Connection, source: SourceId, lead: Lead, sid: str) -> Found:
    """The lead that is in hand, else a new one from ``source``. The caller holds the delivery, and
    wakes after its commit. Raises LeadBusy."""
    known = in_hand(conn, lead, desk)
    if known is not None:
        return Found(known, known=True)
    lead_id = open_lead(
        desk,
        conn,
        source,
        Arrival(lead, external_id=sid),
        identity_keys(lead),
        (f"id:{sid}",),
        desk.present.crew().policy_version,
        desk.clock.now(),
    )
    held = hold(conn, lead_id)
    assert held is not None, "it was stored in this transaction"
    return Found(held, known=False)
