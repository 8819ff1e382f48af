"""Whose number is told to whom. Where we put reps through to a lead they need no number, and none
is shown, unless the team says so; where we cannot, nothing but the number helps.
"""

from __future__ import annotations

from datetime import datetime

from service.desk.calls.dialling import zones_of
from service.desk.present import Crew
from service.rules.lawful import dial_from
from service.rules.lead import Lead
from service.rules.policy import Policy


def connects(crew: Crew, policy: Policy, lead: Lead | None, now: datetime) -> bool:
    """Whether reps are put through to this lead: the team wants that and has a number to call
    from, and the lead has one that may be called at some hour."""
    phone = lead.phone if lead else None
    if not phone or not policy.calls.bridge or not crew.team.carrier.leads_call_from:
        return False
    return dial_from(zones_of(phone, crew.team.timezone), now) is not None


def is_private(crew: Crew, policy: Policy, lead: Lead | None, now: datetime) -> bool:
    """Whether the lead's number is kept from whoever has the lead."""
    return connects(crew, policy, lead, now) and not policy.calls.show_number
