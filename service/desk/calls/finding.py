"""Whose lead a call or a text is about: the one in hand of the same person, or a new one.

The person is known by their number, which can be forged: nothing that is on file for it is told
to a caller. A lead that is found is held from then on.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.present import Crew
from service.desk.record import Held, hold
from service.desk.take_in import known_leads, open_lead
from service.intake.arrival import Arrival
from service.ledger import leads
from service.rules.lead import Lead, SourceId, identity_keys
from service.rules.reception import Again, Blocked, NewInquiry, heard_from
from service.team.team import SourceKind


def source_dialled(crew: Crew, dialled: str, otherwise: SourceId) -> SourceId | None:
    """The source that somebody at this number of ours comes from: the one whose number it is, or
    ``otherwise`` where leads are called and texted from; None: it is not for leads."""
    number = ours(crew, dialled)
    lines = (source for source in crew.team.sources if source.kind is SourceKind.CALL)
    named = next((line.id for line in lines if line.number == number), None)
    carrier = crew.team.carrier
    if named is not None or number in (carrier.leads_from, carrier.leads_call_from):
        return named or otherwise
    # A messaging service sends from any of its numbers: whatever is not the pages' may be one.
    pooled = not carrier.leads_from.startswith("+")
    return otherwise if pooled and number not in _for_pages(crew) else None


def _for_pages(crew: Crew) -> tuple[str, str]:
    return (crew.team.carrier.pages_from, crew.team.carrier.pages_call_from)


def ours(crew: Crew, dialled: str) -> str:
    """The number of ours that was dialled, E.164, however the carrier wrote it; as it was written
    when it is none that the team names."""
    carrier = crew.team.carrier
    named = [source.number for source in crew.team.sources if source.number]
    known = (carrier.leads_from, carrier.leads_call_from, *_for_pages(crew), *named)
    digits = _digits(dialled)
    same = (each for each in known if each.startswith("+") and _digits(each) == digits)
    return next(same, dialled)


def _digits(address: str) -> str:
    """The digits of a number, or of the user part of a SIP address."""
    user = address.strip().lower().removeprefix("sip:").removeprefix("sips:")
    user = user.removeprefix("tel:").partition("@")[0].partition(";")[0]
    return "".join(each for each in user if each in "0123456789").removeprefix("00")


def hold_delivery(conn: Connection, source: SourceId, lead: Lead, sid: str) -> None:
    """Hold the person and what they sent (a call or a text, by the carrier's id) until the
    transaction ends, so that two deliveries of it, or a form beside it, open one lead."""
    leads.hold_identity(conn, [*identity_keys(lead), f"{source} id:{sid}"])


def in_hand(conn: Connection, lead: Lead, desk: Desk) -> Held | Literal["blocked"] | None:
    """The lead that the person has with us, open or so lately settled that they mean it; None:
    they have none, and ``blocked`` when their number may open none. Raises LeadBusy."""
    received = heard_from(known_leads(conn, identity_keys(lead)), desk.clock.now())
    if isinstance(received, NewInquiry):
        return None
    if isinstance(received, Blocked):
        return "blocked"
    held = hold(conn, received.lead_id)
    if held is None:
        return None
    # It may have been closed since it was listed.
    now_known = [
        each for each in known_leads(conn, identity_keys(lead)) if each.id == received.lead_id
    ]
    again = heard_from(now_known, desk.clock.now())
    if isinstance(again, Blocked):
        return "blocked"
    return held if isinstance(again, Again) else None


def opened(desk: Desk, conn: Connection, source: SourceId, lead: Lead, sid: str) -> Held:
    """A new lead from ``source``, of a person who has none in hand. The caller holds the delivery,
    and wakes after its commit."""
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
    return held
