"""A rep takes a lead, or asks to be connected with the one they have: what follows, and whether
their phone will ring for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.desk.calls.dialling import floor_of
from service.desk.desk import Desk
from service.desk.record import Held
from service.rules import answers
from service.rules.connecting import Prospect, is_ringing, prospect
from service.rules.lead import RepId
from service.rules.timeline import By, Fact


@dataclass(frozen=True, slots=True)
class Claim:
    """``facts`` to record; ``expected``: whether, and when, the rep is connected."""

    facts: tuple[Fact, ...]
    expected: Prospect


def claim(desk: Desk, conn: Connection, held: Held, rep: RepId, by: By, now: datetime) -> Claim:
    """What it means that ``rep`` takes this lead, which the caller holds. Whose phone rings for it
    already is not rung once more."""
    standing = held.standing
    policy = desk.present.policy(conn, held.row.policy_version)
    expected = prospect(rep, policy, floor_of(desk, conn, held, now), now)
    rings = expected is not Prospect.NEVER and not is_ringing(standing, now)
    return Claim(answers.claim(standing, rep, by, rings=rings), expected)
