"""How a lead changes hands while its timeline is folded: it waits again, and who is to be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from service.rules.call_facts import Attempted, Owing, RingFailed
from service.rules.lead import RepId
from service.rules.standing import Ring, Standing, State
from service.rules.timeline import Audience, By, Claimed, Event


def to_tell_by_text(seen: Standing, event: Event, by: By) -> Standing:
    """Who spoke by text is answered by text; on a call or a page the answer was given there."""
    return replace(seen, to_tell=(*seen.to_tell, event)) if by is By.TEXT else seen


def released(seen: Standing, rep: RepId, at: datetime) -> Standing:
    """The lead waits again if it was this rep's: a new ladder starts."""
    if seen.owner != rep or not seen.open:
        return seen
    about_theirs = (Claimed, RingFailed, Attempted)
    free = replace(
        seen,
        owner=None,
        claimed_at=None,
        in_hand=True,
        wish_at=None,
        rings=for_callers(seen),
        reminders=(),
        # Whoever takes it next owes their own first call.
        owed=tuple(debt for debt in seen.owed if debt.kind is not Owing.FIRST_CALL),
        to_tell=tuple(e for e in seen.to_tell if not isinstance(e.fact, about_theirs)),
    )
    return climb_again(free, at)


def for_callers(seen: Standing) -> tuple[Ring, ...]:
    """The rings for a lead that is on the line, which go on whoever has it."""
    callers = {line.call_id for line in seen.lines}
    return tuple(ring for ring in seen.rings if ring.call_id in callers)


def climb_again(seen: Standing, at: datetime) -> Standing:
    """The lead waits, on the first rung of a new climb."""
    return replace(
        seen,
        state=State.WAITING,
        climb_from=at,
        climb=seen.climb + 1,
        pages=(),
        furthest=Audience.ON_DUTY,
    )
