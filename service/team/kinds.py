"""The plain values a team file is made of: what each must look like, in words and as a reader.

A reader raises ValueError for what it does not accept. It is given one line of printable text.
This file must not know under which key a value stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import phonenumbers

from service.rules.hours import DAY_MIN, zone_named
from service.rules.lead import tidy
from service.team.problem import did_you_mean, one_of
from service.team.sheet import Kind, Unfit

E = TypeVar("E", bound=StrEnum)

# A name is read on a phone's screen, in a text that has room for one.
NAME_MAX = 80
# A header line and a form field carry any key that is shorter.
KEY_MAX = 200
# Source: RFC 5321, 4.5.3.1.3, less the angle brackets.
EMAIL_MAX = 254
# A longer run of closed days is hours of another kind.
DATES_MAX = 92

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_ID = re.compile(r"[a-z0-9_-]{1,40}")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_DURATION = re.compile(r"([0-9]{1,8})([smhd])")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
_ORIGIN_HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
_ADDRESS = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,500}")
_KEY = re.compile(rf"[!-~]{{1,{KEY_MAX}}}")
_ENV_KEY = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
_WHOLE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def _name(text: str) -> str:
    name = tidy(text, NAME_MAX)
    if not name:
        raise ValueError(text)
    return name


def is_service(sender: str) -> bool:
    """Whether this sender is a messaging service's id: it can text, but not call."""
    return bool(_SERVICE.fullmatch(sender))


def _phone(text: str) -> str:
    """E.164. Possible is enough: whether a number is in use only the carrier knows."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise ValueError(text) from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    # A possible "local only" number lacks its area code and cannot be dialled from outside.
    if number.extension or reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError(text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _sender(text: str) -> str:
    return text if is_service(text) else _phone(text)


def _zone(text: str) -> str:
    expected = "a time zone such as America/New_York"
    try:
        zone_named(_matched(_ZONE, text))
    except ValueError:
        raise Unfit(expected + did_you_mean(sorted(available_timezones()), text)) from None
    return text


def _minute(text: str) -> int:
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(text)
    hour, minute = int(match[1]), int(match[2])
    if minute > 59 or hour * 60 + minute > DAY_MIN:
        raise ValueError(text)
    return hour * 60 + minute


def _block(text: str) -> tuple[int, int]:
    """``20:00-02:00`` in minutes of the day; the end is after the start, past midnight if need be.

    Source: the team file's own rule, "a block whose end is not after its start runs past midnight".
    """
    start, dash, end = text.replace("\N{EN DASH}", "-").partition("-")
    if not dash:
        raise ValueError(text)
    return stretch(_minute(start.strip()), _minute(end.strip()))


def stretch(start_min: int, end_min: int) -> tuple[int, int]:
    """Start and end with the end after the start. Raises Unfit when no day starts so late."""
    if start_min >= DAY_MIN:
        raise Unfit("a start before 24:00")
    return start_min, end_min if end_min > start_min else end_min + DAY_MIN


def _days(text: str) -> tuple[int, ...]:
    """``mon-fri``, ``sat,sun``, ``fri-mon``: weekdays, 0 is Monday, each once."""
    days: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = _weekday(first)
        end = _weekday(last) if dash else start
        days += [(start + offset) % 7 for offset in range((end - start) % 7 + 1)]
    if len(set(days)) < len(days):
        raise Unfit("each day once")
    return tuple(sorted(days))


def _weekday(text: str) -> int:
    word = text.strip().lower()
    return WEEKDAYS.index(word) if word in WEEKDAYS else _LONG_DAYS.index(word)


def _dates(text: str) -> tuple[date, ...]:
    """One date, or all from one to another."""
    first, to, last = (part.strip() for part in text.partition(" to "))
    start = date.fromisoformat(_matched(_DATE, first))
    end = date.fromisoformat(_matched(_DATE, last)) if to else start
    days = (end - start).days
    if not 0 <= days < DATES_MAX:
        raise Unfit(f"a last date that is 0 to {DATES_MAX - 1} days after the first")
    return tuple(start + timedelta(days=n) for n in range(days + 1))


def _flag(text: str) -> bool:
    word = text.lower()
    if word not in ("true", "yes", "on", "false", "no", "off"):
        raise ValueError(text)
    return word in ("true", "yes", "on")


def _email(text: str) -> str:
    if len(text) > EMAIL_MAX:
        raise ValueError(text)
    return _matched(_EMAIL, text)


def _origin(text: str) -> str:
    """Scheme, host and port, lower case: what a browser sends as ``Origin``."""
    parts = urlsplit(text.lower())
    if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != text.lower():
        raise ValueError(text)
    _matched(_ORIGIN_HOST, parts.netloc)
    default = ":443" if parts.scheme == "https" else ":80"
    return text.lower().removesuffix(default)  # as a browser leaves it out


def _redirect(text: str) -> str:
    """A page's whole address. It is compared as written, so only plain characters may stand in it.

    A name before the host (``https://www.example.com@evil.example``) would show one site and lead
    to another.
    """
    parts = urlsplit(_matched(_ADDRESS, text))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(text)
    _matched(_ORIGIN_HOST, parts.netloc.lower())
    return text


def _key(text: str) -> str:
    return _matched(_ENV_KEY if text.startswith("env:") else _KEY, text)


ID = Kind("an id of 1 to 40 of a-z, 0-9, - and _", lambda text: _matched(_ID, text))
NAME = Kind("a name", _name)
WORDS = Kind("a text", _name)
PHONE = Kind("a phone number with + and country code, such as +12125550101", _phone)
SENDER = Kind("a phone number such as +12125550101, or a messaging service id (MG...)", _sender)
ZONE = Kind("a time zone such as America/New_York", _zone)
MINUTE = Kind("a time from 00:00 to 24:00", _minute)
BLOCK = Kind("times such as 08:00-20:00, from 00:00 to 24:00", _block)
DAYS = Kind("days such as mon, mon-fri or sat,sun", _days)
DATES = Kind("a date such as 2026-12-24, or 2026-12-24 to 2026-12-31", _dates)
FLAG = Kind("true or false", _flag)
ON_OFF = Kind("on or off", _flag)
EMAIL = Kind("an e-mail address", _email)
LANGUAGE = Kind("a language code such as en or es", lambda text: _matched(_LANGUAGE, text).lower())
ORIGIN = Kind("an origin such as https://www.example.com, without a path", _origin)
REDIRECT = Kind("a page's whole address such as https://www.example.com/thanks", _redirect)
KEY = Kind("a key without spaces, or env:NAME", _key, secret=True)


def duration(least_s: int, most_s: int) -> Kind[int]:
    """A duration in seconds, within bounds that are both allowed."""
    shape = "a duration such as 30s, 2m, 1h or 7d"
    limits = f"a duration from {in_words(least_s)} to {in_words(most_s)}"

    def read(text: str) -> int:
        match = _DURATION.fullmatch("0s" if text == "0" else text)
        if not match:
            raise ValueError(text)
        seconds = int(match[1]) * _SECONDS[match[2]]
        if not least_s <= seconds <= most_s:
            raise Unfit(limits)
        return seconds

    return Kind(shape, read)


def in_words(seconds: int) -> str:
    """A duration as a team file writes it: the largest unit that leaves nothing over."""
    for unit, size in reversed(_SECONDS.items()):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return "0s"


def whole(least: int, most: int) -> Kind[int]:
    """A whole number within bounds that are both allowed."""

    def read(text: str) -> int:
        number = int(_matched(_WHOLE, text))
        if not least <= number <= most:
            raise ValueError(text)
        return number

    return Kind(f"a whole number from {least} to {most}", read)


def rate(most: int) -> Kind[float]:
    """A number above nothing, with a point if need be."""

    def read(text: str) -> float:
        number = float(_matched(_NUMBER, text))
        if not 0 < number <= most:
            raise ValueError(text)
        return number

    return Kind(f"a number above 0 and at most {most}", read)


def choice(words: Iterable[E]) -> Kind[E]:
    """One of these words, such as all of an enumeration's."""
    known = {str(word): word for word in words}

    def read(text: str) -> E:
        return _chosen(known, text)

    return Kind(one_of(known, ""), read)


def known(names: Collection[str], what: str) -> Kind[str]:
    """One of the names given elsewhere, such as the reps'."""
    given = frozenset(filter(None, names))

    def expected(text: str) -> str:
        return f"{what}: {one_of(sorted(given), text)}" if given else f"{what}, but none is given"

    def read(text: str) -> str:
        if text not in given:
            raise Unfit(expected(text))
        return text

    return Kind(expected(""), read)


def _chosen(words: Mapping[str, E], text: str) -> E:
    if text not in words:
        raise Unfit(one_of(words, text))
    return words[text]
