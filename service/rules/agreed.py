"""When to call again, as a rep writes it: ``fri 4pm``, ``tomorrow 10``, ``in 20 min``.

It reads a small vocabulary exactly and calls everything else not understood: a call that is owed
at a guessed instant is worse than one that is owed in the usual time. The words are kept anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from service.rules.hours import instant_of, local_date
from service.rules.owed import AGREED_AHEAD_MAX

# Longer than this is a story (``replies.WHEN_MAX``), and nothing here may take long over one.
READ_MAX = 60

# An hour without am or pm is the one of the two at which people may be called: 8 to 19 o'clock.
FIRST_HOUR = 8
# Times of day as far as words name them; a day alone is that day's morning.
_PARTS = {"morning": 9 * 60, "noon": 12 * 60, "midday": 12 * 60, "lunchtime": 12 * 60}
_LATE_PARTS = {"afternoon": 14 * 60, "evening": 18 * 60}
_MORNING_MIN = 9 * 60
# "2h" is in two hours and "16h" is a time on the clock; what lies between may be either.
HOURS_SURELY, CLOCK_SURELY = 6, 13

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = re.compile(
    r"\b(?:(this|next) )?(mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?"
    r"|fri(?:day)?|sat(?:urday)?|sun(?:day)?)\b"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY_OF_MONTH = re.compile(
    rf"\b(?:{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?|(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH})\b"
)
_ORDINAL = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)\b")
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})(?:/(\d{4}))?(?![\d/])")
_NAMED_DAYS = {"today": 0, "tonight": 0, "tomorrow": 1, "tmrw": 1, "tmr": 1, "tmw": 1}

_UNIT = r"(m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days|w|wk|week|weeks)"
_AMOUNT = re.compile(rf"(\d{{1,3}}(?:\.\d)?){_UNIT}\b")
_NOISE = frozenset(
    {"at", "on", "the", "around", "about", "after", "from", "please", "call", "back"}
)
_TWELVE = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(am|pm)")
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})")
_FRENCH = re.compile(r"(\d{1,2})h(\d{2})?")
_HOUR = re.compile(r"(\d{1,2})(?:oclock)?")


def agreed_at(words: str, zone: str, now: datetime) -> datetime | None:
    """The instant that was agreed for a call, in the future and within 30 days; None when that
    cannot be told. ``zone`` is the IANA name of the rep's, ``now`` aware UTC."""
    if len(words) > READ_MAX:
        return None
    text = _plain(words)
    found = _after_amount(text, zone, now)
    if found is None:
        found = _on_the_clock(text, zone, now)
    return found if found is not None and now < found <= now + AGREED_AHEAD_MAX else None


def _plain(words: str) -> str:
    """In small letters without marks, numbers joined to what they count: ``in 20min``."""
    text = " ".join(re.sub(r"[,;!?()\"']", " ", words.lower().replace("'", "")).split())
    text = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", text)
    text = re.sub(r"(\d) ([ap]m|oclock)\b", r"\1\2", text)
    text = re.sub(r"\bhalf (?:an )?hour\b", "30min", text)
    text = re.sub(r"\b(?:an?|one) (hour|day|week|minute)\b", r"1\1", text)
    text = re.sub(rf"(\d) {_UNIT}\b", r"\1\2", text)
    return text.rstrip(".")


# In so long


def _after_amount(text: str, zone: str, now: datetime) -> datetime | None:
    """``in 20 min``, ``2h``, ``1h 30m``, ``in 3 days`` (at the same time of day)."""
    said, surely = text.removeprefix("in "), text.startswith("in ")
    found = [(float(number), unit[0]) for number, unit in _AMOUNT.findall(said)]
    rest = _AMOUNT.sub("", said).replace("and", "").strip()
    short = re.fullmatch(r"(\d{1,2})h(\d{2})", said)
    if short:
        found, rest = [(float(short[1]), "h"), (float(short[2]), "m")], ""
    units = [unit for _, unit in found]
    if not found or rest or len(set(units)) < len(units):
        return None
    hours = next((number for number, unit in found if unit == "h"), 0.0)
    if not surely and _FRENCH.fullmatch(said) and hours > HOURS_SURELY:
        return None
    amounts = {unit: number for number, unit in found}
    if "d" in amounts or "w" in amounts:
        days = amounts.get("d", 0.0) + 7 * amounts.get("w", 0.0)
        return _days_later(zone, now, days) if {*units} <= {"d", "w"} else None
    return now + timedelta(hours=amounts.get("h", 0.0), minutes=amounts.get("m", 0.0))


def _days_later(zone: str, now: datetime, days: float) -> datetime | None:
    if days != int(days):
        return None
    day = local_date(zone, now)
    minute = round((now - instant_of(zone, day, 0)).total_seconds() // 60)
    return instant_of(zone, day + timedelta(days=int(days)), minute)


# On a day, at a time


@dataclass(frozen=True, slots=True)
class _Days:
    """The days that words may mean, soonest first, and the words that are left."""

    days: tuple[date, ...]
    rest: str
    tonight: bool = False


def _on_the_clock(text: str, zone: str, now: datetime) -> datetime | None:
    found = _days(text, local_date(zone, now))
    if found is None:
        return None
    minute = _minute(found.rest, named=found.rest != text, tonight=found.tonight)
    if minute is None:
        return None
    instants = (instant_of(zone, day, minute) for day in found.days)
    return next((at for at in instants if at > now), None)


def _days(text: str, today: date) -> _Days | None:
    """The days that are meant; today or tomorrow where no day is named. None: contradictory."""
    meant: list[tuple[date, ...]] = []
    tonight = "tonight" in text.split()
    text = re.sub(r"\bday after tomorrow\b", "overmorrow", text)
    for word, ahead in {**_NAMED_DAYS, "overmorrow": 2}.items():
        text, count = re.subn(rf"\b{word}\b", " ", text)
        if count:
            meant.append((today + timedelta(days=ahead),))
    for pattern, read in ((_ISO_DATE, _iso), (_DAY_OF_MONTH, _in_month), (_SLASHED, _slashed)):
        if found := pattern.search(text):
            meant.append(tuple(read(found, today)))
            text = text.replace(found[0], " ", 1)
    if found := _ORDINAL.search(text):
        meant.append(tuple(_nth(int(found[1]), today)))
        text = text.replace(found[0], " ", 1)
    if found := _WEEKDAY.search(text):
        if found[1] == "next":
            return None  # of the coming one or the one after, people mean either
        meant.append(tuple(_weekdays(found, today)))
        text = text.replace(found[0], " ", 1)
    soon = (today, today + timedelta(days=1))
    both = [day for day in meant[0] if all(day in each for each in meant)] if meant else soon
    return _Days(tuple(both), " ".join(text.split()), tonight) if both else None


def _iso(found: re.Match[str], today: date) -> Iterator[date]:
    yield from _dated(int(found[1]), int(found[2]), int(found[3]))


def _in_month(found: re.Match[str], today: date) -> Iterator[date]:
    named, day = (found[1], found[2]) if found[1] else (found[4], found[3])
    month = _MONTHS.index(named[:3]) + 1
    for year in (today.year, today.year + 1):
        yield from _dated(year, month, int(day))


def _slashed(found: re.Match[str], today: date) -> Iterator[date]:
    """A date that reads the same in every country: 13/3 or 3/13 or 3/3, not 12/3."""
    one, two = int(found[1]), int(found[2])
    if one <= 12 and two <= 12 and one != two:
        return
    month, day = (two, one) if one > 12 else (one, two)
    for year in (int(found[3]),) if found[3] else (today.year, today.year + 1):
        yield from _dated(year, month, day)


def _nth(day: int, today: date) -> Iterator[date]:
    for ahead in range(3):
        months = today.month - 1 + ahead
        yield from _dated(today.year + months // 12, months % 12 + 1, day)


def _dated(year: int, month: int, day: int) -> Iterator[date]:
    """The date, if there is one."""
    try:
        yield date(year, month, day)
    except ValueError:
        return


def _weekdays(found: re.Match[str], today: date) -> Iterator[date]:
    """The next days of this name, today among them: it may be meant until its time has passed."""
    ahead = (_WEEKDAYS.index(found[2][:3]) - today.weekday()) % 7
    for weeks in range(5):
        yield today + timedelta(days=ahead + 7 * weeks)


def _minute(rest: str, *, named: bool, tonight: bool) -> int | None:
    """The minute of the day that is left of the words. ``named``: so was a day."""
    words = rest.split()
    at = "at" in words
    told = [word for word in words if word not in _NOISE and word != "in"]
    parts = [word for word in told if word in _PARTS or word in _LATE_PARTS]
    times = [word for word in told if word not in parts]
    if len(parts) > 1 or len(times) > 1:
        return None
    late = tonight or bool(parts and parts[0] in _LATE_PARTS)
    if times:
        return _time(times[0], sure=named or at or bool(parts), late=late, part=bool(parts))
    if parts:
        return {**_PARTS, **_LATE_PARTS}[parts[0]]
    return _MORNING_MIN if named and not tonight and not words else None


def _time(word: str, *, sure: bool, late: bool, part: bool) -> int | None:
    """A time of day. ``sure``: a bare number can be nothing else; ``late``: after noon."""
    if found := _TWELVE.fullmatch(word):
        hour = int(found[1])
        if not 1 <= hour <= 12:
            return None
        return _of_day(hour % 12 + (12 if found[3] == "pm" else 0), found[2])
    if found := _CLOCK.fullmatch(word):
        return _of_day(_guessed(found[1], late, part), found[2])
    if found := _FRENCH.fullmatch(word):
        if not sure and int(found[1]) < CLOCK_SURELY:
            return None
        return _of_day(_guessed(found[1], late, part), found[2])
    found = _HOUR.fullmatch(word)
    if found and (sure or word.endswith("oclock")):
        return _of_day(_guessed(found[1], late, part), None)
    return None


def _guessed(written: str, late: bool, part: bool) -> int:
    """The hour meant by one without am or pm; with a zero before it, it is of 24."""
    hour = int(written)
    if written.startswith("0") or hour > 12 or hour == 0:
        return hour
    if late:
        return hour % 12 + 12
    if part:
        return hour
    return hour if hour >= FIRST_HOUR else hour + 12


def _of_day(hour: int, minutes: str | None) -> int | None:
    minute = int(minutes or 0)
    return hour * 60 + minute if hour < 24 and minute < 60 else None
