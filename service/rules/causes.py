"""Why a lead that is known is asked for again: a voicemail, a missed call, a call that is owed.

What pages and whispers say of it is ``wording``'s and ``spoken``'s; what is owed is ``owed``'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from service.rules.call_facts import CalledIn, CallMissed, Owing, VoicemailReceived
from service.rules.owed import unpaid
from service.rules.standing import Debt, Standing
from service.rules.timeline import Timeline

# Beyond the calls that any policy asks for there is no name for one.
_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th")


@dataclass(frozen=True, slots=True)
class Cause:
    """What a page is about besides the lead's request. ``seconds``: of a voicemail, or how long a
    caller waited. ``call``: which call is owed, ``2nd``, or ``agreed``. ``call_id``: whose.
    ``at``: when the lead left it, or the time that was agreed; None: that of their request."""

    kind: Owing
    seconds: float | None = None
    call: str = ""
    call_id: str | None = None
    at: datetime | None = None


def cause_of(standing: Standing, timeline: Timeline) -> Cause | None:
    """What stirs a lead besides its request, as it stands; None: nothing does. What the lead did
    comes before what we owe."""
    if standing.asked_back is not None:
        return _made_itself_heard(standing.asked_back[0], timeline)
    debts = unpaid(standing)
    return _called_again(standing, debts[0]) if debts else None


def cause_of_debt(standing: Standing, debt: Debt, timeline: Timeline) -> Cause:
    """What a page about this debt is about."""
    if debt.kind in (Owing.VOICEMAIL, Owing.CALL_BACK):
        return _made_itself_heard(debt.kind, timeline)
    return _called_again(standing, debt)


def stirred_at(cause: Cause | None, arrived_at: datetime) -> datetime:
    """The time that a page shows: of what stirs the lead, or else of its request."""
    return cause.at if cause is not None and cause.at is not None else arrived_at


def known_caller(timeline: Timeline) -> bool:
    """Whether we had the lead before it called: else the call is what opened it."""
    first = next((event for event in timeline[1:] if isinstance(event.fact, CalledIn)), None)
    return first is None or first.at > timeline[0].at


def owed_now(standing: Standing, at: datetime) -> Debt | None:
    """The most urgent call that its owner is asked for by now."""
    return next((debt for debt in unpaid(standing) if debt.call_at <= at), None)


def _made_itself_heard(kind: Owing, timeline: Timeline) -> Cause:
    wanted = VoicemailReceived if kind is Owing.VOICEMAIL else CallMissed
    return next(_heard(kind, timeline, wanted), Cause(kind))


def _heard(
    kind: Owing, timeline: Timeline, wanted: type[VoicemailReceived | CallMissed]
) -> Iterator[Cause]:
    for event in reversed(timeline):
        if isinstance(event.fact, wanted):
            yield Cause(kind, event.fact.seconds, call_id=event.fact.call_id, at=event.at)


def _called_again(standing: Standing, debt: Debt) -> Cause:
    agreed = standing.agreed is not None and standing.agreed[0] == debt.call_at
    made = max(standing.unreached, 1)
    ordinal = _ORDINALS[made] if made < len(_ORDINALS) else "next"
    if agreed:
        return Cause(debt.kind, call="agreed", at=debt.call_at)
    return Cause(debt.kind, call=ordinal)
