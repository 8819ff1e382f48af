"""Whether a message that was ordered should still go out, asked again when it is taken."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from service.rules.call_facts import Purpose, Rang
from service.rules.climb import passed_since
from service.rules.connecting import lines_up, who_waits
from service.rules.owed import unpaid
from service.rules.standing import Standing, State
from service.rules.timeline import Audience, Channel, Paged, Told


def still_wanted(
    standing: Standing, fact: Paged | Told | Rang, not_after: datetime, now: datetime
) -> bool:
    """Whether a message that was ordered should still go out, asked when it is taken.

    A page is wanted while the lead waits, in the climb that ordered it, until the rep passes and
    until the next page to the same rep; one to a lead's owner while the call is owed. A ring is
    wanted until it failed or somebody is on the line; nothing is while the lead is, but the rings
    of a lead that waits there. A note is wanted until it is stale.
    """
    if now >= not_after:
        return False
    match fact:
        case Told():
            return True
        case Rang():
            return _ring_wanted(standing, fact, now)
        case Paged():
            return not lines_up(standing, now) and _page_wanted(standing, fact)
        case _ as never:
            assert_never(never)


def _ring_wanted(standing: Standing, fact: Rang, now: datetime) -> bool:
    ring = next((each for each in standing.rings if each.leg == fact.leg), None)
    if ring is None or ring.failed_at is not None or not standing.open:
        return False
    if fact.purpose is Purpose.INBOUND:
        caller = who_waits(standing, now)
        return caller is not None and caller.call_id == fact.call_id
    return standing.owner == fact.rep and not lines_up(standing, now)


def _page_wanted(standing: Standing, fact: Paged) -> bool:
    if fact.audience is Audience.OWNER:
        newest = standing.reminders[-1].page_id if standing.reminders else None
        wanted = standing.open and standing.owner == fact.rep and newest == fact.page_id
        return wanted and bool(unpaid(standing))
    if standing.state is not State.WAITING:
        return False
    mailed = fact.channel is Channel.EMAIL
    mine = [
        page
        for page in standing.pages
        if page.rep == fact.rep and (page.channel is Channel.EMAIL) is mailed
    ]
    return bool(mine) and mine[-1].page_id == fact.page_id and not passed_since(standing, mine[-1])
