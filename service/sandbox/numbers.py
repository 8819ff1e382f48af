"""Which numbers the carrier takes, with its published test numbers, and how long a text is.

Pure checks that return the carrier's error code, or None; no state.
"""

import re
from collections.abc import Container, Mapping

E164 = re.compile(r"^\+[1-9]\d{6,14}$", re.ASCII)
BODY_CHARS_MAX = 1600

# The magic numbers of Twilio's test credentials, documented under "test credentials".
SMS_FROM_ERRORS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
SMS_TO_ERRORS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
CALL_FROM_ERRORS = {"+15005550001": 21212}
CALL_TO_ERRORS = {
    "+15005550001": 21217,
    "+15005550002": 21214,
    "+15005550003": 21215,
    "+15005550004": 21216,
}
ALWAYS_OURS = "+15005550006"

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWO_SEPTETS = frozenset("^{}\\[~]|€\f")


def _sender_error(
    number: str, ours: Container[str], magic: Mapping[str, int], unknown: int
) -> int | None:
    if number in ours or number == ALWAYS_OURS:
        return None
    return magic.get(number, unknown)


def sms_error(from_: str, to: str, ours: Container[str]) -> int | None:
    """Why a text from `from_` to `to` is refused at the door, as an error code; else None."""
    if not E164.match(to):
        return 21211
    if error := _sender_error(from_, ours, SMS_FROM_ERRORS, 21606):
        return error
    return 21266 if from_ == to else SMS_TO_ERRORS.get(to)


def call_error(from_: str, to: str, ours: Container[str]) -> int | None:
    """The same for a call."""
    if not E164.match(to):
        return 21217
    if error := _sender_error(from_, ours, CALL_FROM_ERRORS, 21210):
        return error
    return CALL_TO_ERRORS.get(to)


def segments(body: str) -> int:
    """How many parts a text is billed as: 160/153 septets, or 70/67 UTF-16 units."""
    if all(c in _GSM7 or c in _GSM7_TWO_SEPTETS for c in body):
        weights, single, part = (
            [2 if c in _GSM7_TWO_SEPTETS else 1 for c in body],
            160,
            153,
        )
    else:
        weights, single, part = [2 if ord(c) > 0xFFFF else 1 for c in body], 70, 67
    if sum(weights) <= single:
        return 1
    parts, room = 1, part
    for weight in weights:  # an escape pair or surrogate pair is never split
        if weight > room:
            parts, room = parts + 1, part
        room -= weight
    return parts
