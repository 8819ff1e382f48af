"""Reads when a team is open: the hours of the week, and the dates on which it is closed.

The only file that asks the ``holidays`` package. What the wall clock's hours mean as instants is
the business of ``service.rules.hours``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

import holidays

from service.rules.hours import BLOCKS_MAX, DAY_MIN, Block
from service.team.kinds import BLOCK, DATES, DAYS
from service.team.problem import one_of
from service.team.sheet import Fields, Kind, Place, Sheet, Unfit

# A lead that arrived this year is chased into the next; a third year lets a process run on.
YEARS_AHEAD = 2

ALL_DAY = tuple(Block(day, 0, DAY_MIN) for day in range(7))

_CLOSED = "closed"
_HOLIDAY_KEYS = ("country", "subdivision", "also", "except")


def years_around(now: datetime) -> tuple[int, ...]:
    """The years for which a team loaded now needs its holidays: this one and the next two.

    At New Year the year that ends is one of them for a day: somewhere it has not ended yet.
    """
    first = (now - timedelta(days=1)).year
    return tuple(range(first, now.year + YEARS_AHEAD + 1))


def read_hours(sheet: Sheet, root: Fields) -> tuple[Block, ...]:
    """The open blocks of the week; all of it when the key is left out."""
    place = root.get("hours")
    if place is None:
        return ALL_DAY
    blocks: list[Block] = []
    given: dict[int, Place] = {}
    noted_before = sheet.noted
    days_of_week = sheet.pairs(place, 'days with their times, such as {mon-fri: "08:00-20:00"}')
    for key, times in days_of_week.items():
        days = _days(sheet, times, key, given)
        stretches = _stretches(sheet, times)
        blocks += [Block(day, start, end) for day in days for start, end in stretches]
    if not blocks and sheet.noted == noted_before:
        sheet.note(place, "at least one day with open hours", "a team that never opens")
    if len(blocks) > BLOCKS_MAX:
        sheet.note(place, f"at most {BLOCKS_MAX} blocks in a week", f"{len(blocks)} blocks")
    return tuple(sorted(blocks))


def _days(sheet: Sheet, times: Place, key: str, given: dict[int, Place]) -> tuple[int, ...]:
    """The weekdays a key names; one that an earlier key named is noted: which would hold?"""
    try:
        days = DAYS.read(key)
    except ValueError as error:
        expected = str(error) if isinstance(error, Unfit) else DAYS.expected
        sheet.note(times, expected, "an unknown key")
        return ()
    taken = next((given[day] for day in days if day in given), None)
    if taken:
        sheet.note(times, f"each day once: {taken.path} (line {taken.line}) has one", "a day again")
    given.update(dict.fromkeys(days, times))
    return days


def _stretches(sheet: Sheet, times: Place) -> tuple[tuple[int, int], ...]:
    """The blocks of one key: none for ``closed``, else one or a list."""
    if times.empty:
        # Within braces YAML takes `sat,sun: ...` for two keys, the first without a value.
        sheet.note(times, f'{BLOCK.expected} or closed (within braces quote "sat,sun")')
        return ()
    if times.text.lower() == _CLOSED:
        return ()
    blocks = sorted(sheet.values(times, BLOCK))
    if any(after[0] < before[1] for before, after in pairwise(blocks)):
        sheet.note(times, "times that do not overlap", "times that do")
    return tuple(blocks)


def read_holidays(sheet: Sheet, root: Fields, years: Sequence[int]) -> frozenset[date]:
    """The closed dates: the country's holidays in these years and the team's own, less those on
    which it works all the same. A holiday moved from a weekend counts on the day it is kept."""
    place = root.get("holidays")
    if place is None:
        return frozenset()
    fields = sheet.fields(place, _HOLIDAY_KEYS)
    country = sheet.take(fields, "country", Kind(_COUNTRY, _country), "")
    public = _public(sheet, fields, country, years)
    also, open_all_the_same = (_own(sheet, fields, key) for key in ("also", "except"))
    return frozenset((public | also) - open_all_the_same)


def _public(sheet: Sheet, fields: Fields, country: str, years: Sequence[int]) -> frozenset[date]:
    part = fields.get("subdivision")
    if not country:
        if part and fields.get("country") is None:
            sheet.note_missing(fields, "country", f"{_COUNTRY}, for the subdivision to be part of")
        return frozenset()
    parts = holidays.list_supported_countries(include_aliases=False)[country]

    def read(text: str) -> str:
        if text not in parts:
            raise Unfit(f"a part of {country}, {one_of(parts, text)}" if parts else none)
        return text

    none = f"no subdivision: {country} has none here"
    subdivision = sheet.take(fields, "subdivision", Kind("a part of the country", read), "")
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=list(years))
    return frozenset(found)


_COUNTRY = "a country's two-letter code, such as US"


def _country(text: str) -> str:
    code = text.upper()
    if code not in holidays.list_supported_countries(include_aliases=False):
        raise ValueError(text)
    return code


def _own(sheet: Sheet, fields: Fields, key: str) -> frozenset[date]:
    place = fields.get(key)
    return (
        frozenset(day for run in sheet.values(place, DATES) for day in run)
        if place
        else frozenset()
    )
