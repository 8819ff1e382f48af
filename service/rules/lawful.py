"""When a lead's leg may be dialled. Until the law's own hours are known, from 08:00 to 20:00 in
every zone in which the number may be: the strictest of the hours that the field reports for calls.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from service.rules.hours import Block, WeeklyHours, first_common_open

FROM_MIN, UNTIL_MIN = 8 * 60, 20 * 60
# A number known by its country alone may be in all zones of it; more is no number's.
ZONES_MAX = 64


def dial_from(zones: tuple[str, ...], at: datetime) -> datetime | None:
    """The first instant from ``at`` on at which a number in these zones may be dialled; None when
    their hours never meet, or when nobody knows where it is."""
    if not 0 < len(zones) <= ZONES_MAX:
        return None
    return first_common_open([_hours(zone) for zone in zones], at)


def callable_from(hours: WeeklyHours, zones: tuple[str, ...], at: datetime) -> datetime | None:
    """The first instant from ``at`` on at which the team is open and a number in these zones may be
    dialled; None when the two do not meet soon."""
    if not 0 < len(zones) <= ZONES_MAX:
        return None
    return first_common_open([hours, *map(_hours, zones)], at)


@lru_cache(maxsize=512)
def _hours(zone: str) -> WeeklyHours:
    return WeeklyHours(zone, tuple(Block(day, FROM_MIN, UNTIL_MIN) for day in range(7)))
