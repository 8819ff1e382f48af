"""One value of a payload, read as what it was meant for: a text, an address, an instant, a flag.

Every function takes any JSON value and answers None when it is not that; what to do about it is
the caller's to decide. Nothing here may raise for what a source sent, `NotAnInstant` apart.
"""

import hashlib
import math
import re
from datetime import UTC, datetime

from service.intake.flatten import Json
from service.rules.lead import tidy

TEXT_LONGEST = 300
"""Characters of any field but the name and the ask. Street names and URLs fit; a page needs few."""

EMAIL_LONGEST = 254
"""RFC 5321, 4.5.3.1.3: a path has 256 octets, two of them the angle brackets."""

PAGES_MAX = 50
"""Pages viewed before asking. A visit longer than this tells a rep nothing more."""

YEARS = range(2000, 2100)
"""An instant outside these is a unit mistaken or a clock never set, not when a lead was sent."""

MILLISECONDS_FROM = 1e11
"""Epoch values from here on are milliseconds: as seconds it would be the year 5138."""

_EMAIL = re.compile(r"[^\s<>()\[\],;:\"'@]+@[^\s<>()\[\],;:\"'@.]+(?:\.[^\s<>()\[\],;:\"'@.]+)*")
_EPOCH = re.compile(r"[0-9]{9,13}(?:\.[0-9]{1,9})?")
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_,;].*)?")

_LANGUAGES = {
    **dict.fromkeys(("english", "eng", "inglés", "ingles"), "en"),
    **dict.fromkeys(("spanish", "spa", "español", "espanol", "castellano"), "es"),
    **dict.fromkeys(("french", "fra", "français", "francais"), "fr"),
    **dict.fromkeys(("german", "deu", "deutsch"), "de"),
    **dict.fromkeys(("portuguese", "por", "português", "portugues"), "pt"),
    **dict.fromkeys(("italian", "ita", "italiano"), "it"),
    **dict.fromkeys(("chinese", "zho", "中文"), "zh"),
    **dict.fromkeys(("vietnamese", "vie", "tiếng việt"), "vi"),
}
"""Languages that forms offer by name; others must be given as ISO 639-1 codes."""

_CHANNELS = {
    **dict.fromkeys(("phone", "call", "calls", "phonecall", "telephone", "tel"), "phone"),
    **dict.fromkeys(("voice", "mobile", "cell", "cellphone", "mobilephone"), "phone"),
    **dict.fromkeys(("text", "texts", "sms", "textmessage", "message"), "text"),
    **dict.fromkeys(("email", "mail", "emails"), "email"),
}

_FLAGS = {
    **dict.fromkeys(("true", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "no", "n", "off", "0"), False),
}

_NO_ID = frozenset({"", "0", "-", "null", "none", "nil", "undefined", "nan", "n/a"})
"""What a source sends for every lead when its mapping is broken. Taken for an id, the second lead
would pass for a redelivery of the first and be dropped."""

_TEMPLATE_LEFT = re.compile(r"\{\{.*\}\}|\$\{.*\}|<%.*%>|%[A-Za-z_]+%")


class NotAnInstant(ValueError):
    """The value claims to be an instant and cannot be read as one."""


def text(value: Json, longest: int = TEXT_LONGEST) -> str | None:
    """A text, or a number as its digits, tidied and cut; None for nothing and for anything else.

    A list of one is that one (some sources send every value in a list).
    """
    match value:
        case str():
            return tidy(value, longest) or None
        case bool():
            return None
        case int():
            return str(value)[:longest]
        case float():
            return _digits(value)[:longest]
        case [only]:
            return text(only, longest)
    return None


def texts(value: Json, longest: int = TEXT_LONGEST) -> str | None:
    """As `text`, and a list of several texts (ticked boxes) joined by commas."""
    if not isinstance(value, list):
        return text(value, longest)
    parts = [text(each, longest) for each in value]
    return tidy(", ".join(map(str, parts)), longest) if parts and all(parts) else None


def empty(value: Json) -> bool:
    """Whether the source sent the field but nothing in it."""
    match value:
        case str():
            return not tidy(value, 1)
        case [only]:
            return empty(only)
    return value is None or value == [] or value == {}


def email(value: Json) -> str | None:
    """The first e-mail address in a text, in lower case; `Dana <dana@example.com>` is understood.

    Only the shape is looked at: whether it takes mail is found out by sending.
    """
    found = _EMAIL.search((text(value) or "").lower().removeprefix("mailto:"))
    address = found[0] if found else ""
    return address if 0 < len(address) <= EMAIL_LONGEST else None


def language(value: Json) -> str | None:
    """ISO 639-1: `es` for `es-MX`, `es_MX`, `Spanish` or an Accept-Language list."""
    given = (text(value) or "").lower()
    code = _LANGUAGE.fullmatch(given)
    return code[1] if code else _LANGUAGES.get(given)


def channel(value: Json) -> str | None:
    """How the lead wants to be reached: `phone`, `text` or `email`."""
    given = (text(value) or "").casefold()
    return _CHANNELS.get("".join(c for c in given if c.isalpha()))


def flag(value: Json) -> bool | None:
    """True or false, however it was written."""
    if isinstance(value, bool):
        return value
    return _FLAGS.get((text(value) or "").lower())


def yes_no(value: Json) -> str | None:
    """A text, with true and false as a rep would say them."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return texts(value)


def pages(value: Json) -> tuple[str, ...] | None:
    """Addresses of pages, from a list or from one text with commas; None when it is neither."""
    if isinstance(value, str):
        items: list[Json] = list(value.split(",", PAGES_MAX)[:PAGES_MAX])
    else:
        items = value[:PAGES_MAX] if isinstance(value, list) else []
    read = [text(item) for item in items if not empty(item)]
    return tuple(page for page in read if page) if read and all(read) else None


def source_id(value: Json) -> str | None:
    """The source's own name for a lead, whole: two names that differ must never become one.

    What is too long to keep, or would change by tidying, is replaced by its digest.
    """
    given = value.strip() if isinstance(value, str) else text(value)
    if given is None or given.lower() in _NO_ID or _TEMPLATE_LEFT.search(given):
        return None
    if given == tidy(given, TEXT_LONGEST):
        return given
    if not tidy(given, 1):
        return None
    return "sha256:" + hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


def instant(value: Json) -> datetime | None:
    """ISO 8601, or seconds or milliseconds since 1970, in UTC. Without a zone it is UTC.

    None when nothing was given, or a date without a time of day: its midnight would be a lie of
    up to a day. Raises `NotAnInstant` for anything else.
    """
    given = text(value)
    if given is None:
        if empty(value):
            return None
        raise NotAnInstant
    return _from_epoch(float(given)) if _EPOCH.fullmatch(given) else _from_iso(given)


def _from_epoch(since: float) -> datetime:
    seconds = since / 1000 if since >= MILLISECONDS_FROM else since
    return _plausible(datetime.fromtimestamp(seconds, UTC))


def _from_iso(given: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(given.removesuffix(" UTC"))
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        at = _plausible(zoned.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise NotAnInstant from error
    return at if ":" in given or "T" in given.upper() else None


def _plausible(at: datetime) -> datetime:
    if at.year not in YEARS:
        raise NotAnInstant
    return at


def _digits(number: float) -> str:
    """A spreadsheet's `2125550101.0` is a phone number; what is not finite is only a word."""
    return str(int(number)) if math.isfinite(number) and number.is_integer() else str(number)
