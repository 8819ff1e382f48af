"""Connecting a rep with a lead: when the rep is rung, and whom a waiting caller rings.

Whoever takes a lead is rung at once, and once more if they missed it; a caller who waits rings the
lead's owner alone first, then the free reps. Nobody's lead is dialled outside lawful hours, and a
rep who is on a call is rung when they have hung up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from service.rules.actions import Action, GiveUpRing, Ring
from service.rules.call_facts import LATER, Purpose
from service.rules.calls import CALL_MAX, CALLER_MAX
from service.rules.floor import Floor
from service.rules.lawful import dial_from
from service.rules.lead import RepId
from service.rules.policy import AfterHours, Policy
from service.rules.standing import OnLine, Standing
from service.rules.standing import Ring as Rung
from service.rules.timeline import Channel

# A rep who missed the ring is rung once more after so long; then the take-back decides.
RING_AGAIN_AFTER = timedelta(seconds=20)
RINGS_MAX = 2
# A ring whose end nobody told is over by then: it rings for 18 s, and its words last half a minute.
RING_OVER = timedelta(minutes=2)
# A ring that could not be placed by then would surprise whoever has given up waiting for it.
RING_USEFUL = timedelta(seconds=60)
# A caller rings the lead's owner alone for so long, then at most three others.
OWNER_ALONE = timedelta(seconds=15)
CALLED_AT_ONCE = 3
# A lead's voicemail, which picks up after 25 to 30 s, may answer the first two attempts; to later
# ones it need not. The field leaves one message, two at most.
VOICEMAIL_ATTEMPTS = 2
RING_LEAD_AFTER_S = 25


class Prospect(StrEnum):
    """Whether a rep who takes a lead will be connected with it."""

    NOW = "now"
    HELD = "held"  # when they have hung up
    LATER = "later"  # when the lead may be called
    NEVER = "never"  # they dial for themselves


def rings_lead_s(policy: Policy, attempts: int) -> int:
    """How long the lead's phone rings, in seconds, after so many attempts that counted."""
    rings_s = policy.calls.ring_lead_s
    return rings_s if attempts < VOICEMAIL_ATTEMPTS else min(rings_s, RING_LEAD_AFTER_S)


def line_over_at(line: OnLine) -> datetime:
    """When a call is over at the latest, though nobody told."""
    return line.since + (CALLER_MAX if line.rep is None else CALL_MAX)


def lines_up(standing: Standing, now: datetime) -> tuple[OnLine, ...]:
    """The calls with the lead that are up."""
    return tuple(line for line in standing.lines if now < line_over_at(line))


def who_waits(standing: Standing, now: datetime) -> OnLine | None:
    """The call that waits for somebody to take it: of several the newest, since who hangs up and
    calls again is there before the end of their first call is told."""
    return next((line for line in reversed(lines_up(standing, now)) if line.waits), None)


def prospect(rep: RepId, policy: Policy, floor: Floor, now: datetime) -> Prospect:
    """What comes of the lead being taken by ``rep`` now. A line that was busy when it was paged is
    rung all the same: whoever takes a lead has a hand free."""
    dead = (rep, Channel.CALL) in floor.deaf
    if not policy.calls.bridge or floor.dial_zones is None or dead or rep not in floor.people:
        return Prospect.NEVER
    lawful_at = dial_from(floor.dial_zones, now)
    if lawful_at is None:
        return Prospect.NEVER
    if lawful_at > now:
        return Prospect.LATER
    return Prospect.HELD if floor.is_engaged(rep, now) else Prospect.NOW


def rings_owner(
    standing: Standing, policy: Policy, floor: Floor, now: datetime
) -> tuple[Action | None, datetime | None]:
    """Ringing a lead's owner to connect them: what is due, and when to look again."""
    owner, wish_at = standing.owner, standing.wish_at
    if owner is None or not standing.open or lines_up(standing, now):
        return None, None
    ringing = [ring for ring in _owners(standing) if ring.open]
    if ringing:
        return _waits_for(ringing[-1], now)
    expected = prospect(owner, policy, floor, now)
    if wish_at is None or expected is Prospect.NEVER:
        return None, None
    asked = [ring for ring in _owners(standing) if ring.at >= wish_at]
    rung = [ring for ring in asked if ring.reason != LATER]
    if len(rung) >= RINGS_MAX:
        return None, None
    due_at = rung[-1].failed_at + RING_AGAIN_AFTER if rung and rung[-1].failed_at else now
    if now < due_at:
        return None, due_at
    if expected is not Prospect.NOW:
        return None, _free_at(owner, floor, now)
    claims = standing.claimed_at == wish_at
    purpose = Purpose.CLAIM if claims else Purpose.ASKED
    because = "took the lead" if claims else "asked to be rung"
    if rung:
        because += ", and missed the ring before"
    return Ring(owner, purpose, None, now + RING_USEFUL, because), now + RING_OVER


def _owners(standing: Standing) -> list[Rung]:
    """The rings that were to connect the lead's owner."""
    return [ring for ring in standing.rings if ring.purpose is not Purpose.INBOUND]


def is_ringing(standing: Standing, now: datetime) -> bool:
    """Whether the lead's owner is being rung."""
    return any(ring.open and now < ring.at + RING_OVER for ring in _owners(standing))


def _waits_for(ring: Rung, now: datetime) -> tuple[Action | None, datetime | None]:
    over_at = ring.at + RING_OVER
    if now < over_at:
        return None, over_at
    return GiveUpRing(ring.rep, ring.call_id, ring.leg, "nobody told how the ring ended"), None


def _free_at(owner: RepId, floor: Floor, now: datetime) -> datetime | None:
    """When somebody who cannot be connected now may be: the lead's morning, or 5 s after their
    call. None: their hanging up asks for a look."""
    if floor.is_engaged(owner, now):
        return floor.engaged[owner]
    return dial_from(floor.dial_zones or (), now)


def rings_for_caller(
    standing: Standing, policy: Policy, floor: Floor, now: datetime
) -> tuple[list[Ring], datetime | None]:
    """Whom a caller who waits on the line rings now, and when to look again."""
    line = who_waits(standing, now)
    if line is None or not rings_at_all(policy, line.since):
        return [], None
    return _rings_on(line, standing, policy, floor, now)


def _rings_on(
    line: OnLine, standing: Standing, policy: Policy, floor: Floor, now: datetime
) -> tuple[list[Ring], datetime | None]:
    """Whom this call rings now, and when to look again."""
    ends_at = line.since + timedelta(seconds=policy.calls.inbound_ring_s)
    if now >= ends_at:
        return [], None
    rung = [ring for ring in standing.rings if ring.call_id == line.call_id]
    if not rung and (alone := _owner_first(standing, floor, now)) is not None:
        return [_ring_in(line, alone, ends_at)], min(line.since + OWNER_ALONE, ends_at)
    alone_since = [ring.at for ring in rung if ring.rep == standing.owner and ring.open]
    others_at = max(alone_since) + OWNER_ALONE if alone_since else line.since
    if now < others_at:
        return [], min(others_at, ends_at)
    ringing = sum(ring.open and ring.rep != standing.owner for ring in rung)
    free = [rep for rep in _free(floor, now) if rep not in {ring.rep for ring in rung}]
    called = free[: max(CALLED_AT_ONCE - ringing, 0)]
    return [_ring_in(line, rep, ends_at) for rep in called], ends_at


def rings_at_all(policy: Policy, at: datetime) -> bool:
    """Whether a caller rings anybody: nobody is woken at night unless the team says so."""
    return policy.hours.is_open(at) or policy.after_hours is not AfterHours.AT_OPENING


def nobody_left(
    standing: Standing, policy: Policy, floor: Floor, line: OnLine, now: datetime
) -> bool:
    """Whether a caller waits for nobody: all who were rung have failed, and no one else is free."""
    if not line.waits or not rings_at_all(policy, line.since):
        return True
    if now >= line.since + timedelta(seconds=policy.calls.inbound_ring_s):
        return True
    rung = [ring for ring in standing.rings if ring.call_id == line.call_id]
    if any(ring.open for ring in rung):
        return False
    more, _ = _rings_on(line, standing, policy, floor, now)
    return not more


def _ring_in(line: OnLine, rep: RepId, ends_at: datetime) -> Ring:
    return Ring(rep, Purpose.INBOUND, line.call_id, ends_at, "the lead is on the line")


def _owner_first(standing: Standing, floor: Floor, now: datetime) -> RepId | None:
    """The lead's owner, if a call reaches them now."""
    owner = standing.owner
    if owner is None or owner not in floor.people:
        return None
    there = owner in floor.on_duty or floor.people[owner].manager
    return owner if there and _picks_up(floor, owner, now) else None


def _free(floor: Floor, now: datetime) -> Sequence[RepId]:
    """Reps on duty whom a call reaches, whose turn it is first."""
    able = [rep for rep in floor.on_duty if rep in floor.people and _picks_up(floor, rep, now)]
    return floor.turns.order(able)


def _picks_up(floor: Floor, rep: RepId, now: datetime) -> bool:
    deaf = (rep, Channel.CALL) in floor.deaf
    return not deaf and not floor.is_engaged(rep, now) and Channel.CALL not in floor.tripped
