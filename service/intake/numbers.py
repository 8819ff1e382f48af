"""Phone numbers as people type them, turned into the one form that can be dialled.

A number passes when it is possible (its length fits its country), not when it is known to be
assigned: numbering plans grow faster than tables, and refusing a real lead is dearer than one call
to a dead line. Nothing here guesses: a foreign number without `+` or `00` is not dialled.
"""

import re

import phonenumbers
from phonenumbers import (
    Leniency,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberMatcher,
    ValidationResult,
)

from service.rules.lead import tidy

RAW_LONGEST = 250
"""Characters looked at. The longest that libphonenumber itself accepts; keeps matching quick."""

E164_DIGITS_MAX = 15
"""ITU-T E.164, 6.2.1. libphonenumber allows more for some countries; a carrier does not."""

_INTERNATIONAL_00 = re.compile(r"\A\D{0,3}00[\s.-]?(?=[1-9])")
"""Most of the world dials `00` for abroad; a team in a country that does not still gets leads so
written. Only at the start, after at most an opening bracket or so."""

_SPELLED = re.compile(
    r"\A\+?1?[ .-]*\(?\d{3}\)?[ .-]*(?P<rest>[0-9A-Za-z](?:[ .-]?[0-9A-Za-z]){6})\Z"
)
"""A North American number with its last seven digits spelled out, as in 1-800-FLOWERS. Stricter
than libphonenumber, which would also dial the letters of "212 555 0101 call after four"."""

_SPELLED_LETTERS_MIN = 3


def to_e164(raw: str, default_region: str) -> str | None:
    """The first number in `raw` that can be dialled, as E.164 (`+12125550101`), else None.

    `default_region` is the ISO 3166 code of the country whose national numbers are meant when no
    country is given (`US`); with an unknown one only international numbers are found. Extensions
    are left out: a carrier cannot dial them in a number. Never raises.
    """
    text = tidy(raw, RAW_LONGEST)
    region = default_region.upper()
    return (
        _in_context(text)
        or _first_in(text, region)
        or _first_in(_INTERNATIONAL_00.sub("+", text), region)
        or _spelled(text, region)
    )


def _first_in(text: str, region: str) -> str | None:
    for match in PhoneNumberMatcher(text, region, leniency=Leniency.POSSIBLE):
        if number := _dialable(match.number):
            return number
    return None


def _in_context(text: str) -> str | None:
    """RFC 3966 allows a local number with its context apart: `tel:555-0101;phone-context=+1212`."""
    if not text.lower().startswith("tel:") or ";phone-context=" not in text.lower():
        return None
    return _parsed(text.lower(), None)


def _spelled(text: str, region: str) -> str | None:
    match = _SPELLED.match(text)
    if match is None or sum(c.isalpha() for c in match["rest"]) < _SPELLED_LETTERS_MIN:
        return None
    return _parsed(text, region)


def _parsed(text: str, region: str | None) -> str | None:
    try:
        return _dialable(phonenumbers.parse(text, region))
    except NumberParseException:
        return None


def _dialable(number: PhoneNumber) -> str | None:
    """E.164, unless the number is only good inside its own town, as `555-0101` is."""
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE:
        return None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return e164 if len(e164) - len("+") <= E164_DIGITS_MAX else None
