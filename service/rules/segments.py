"""How many segments a text costs, and how to say it in the alphabet that costs least.

GSM-7 packs 160 characters into one segment; a single character outside it makes the whole text
UCS-2, 70 to a segment. Alphabet: 3GPP TS 23.038, section 6.2.1. This file knows no wording.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# These are sent as an escape and a second septet.
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")

# Septets, or UTF-16 units, in a text of one segment and in each segment of a longer text: the
# header that joins segments takes the difference.
GSM_ALONE, GSM_JOINED = 160, 153
UCS_ALONE, UCS_JOINED = 70, 67

# Stands for what was cut. A word longer than this is cut in its middle, rather than lost.
CUT_MARK = ".."
WORD_MAX = 14


class Encoding(StrEnum):
    """The alphabet a text travels in."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs: ``units`` are septets or UTF-16 units, ``count`` is what is paid for."""

    encoding: Encoding
    units: int
    count: int


def segments(text: str) -> Segments:
    """Count a text as the carrier does. An escape or surrogate pair is never split over two
    segments, so a text may need one more than its length suggests. Empty text is one segment."""
    gsm = is_gsm(text)
    sizes = [(2 if c in GSM_EXTENDED else 1) if gsm else (2 if c > "\uffff" else 1) for c in text]
    alone, joined = (GSM_ALONE, GSM_JOINED) if gsm else (UCS_ALONE, UCS_JOINED)
    units = sum(sizes)
    encoding = Encoding.GSM_7 if gsm else Encoding.UCS_2
    return Segments(encoding, units, 1 if units <= alone else _packed(sizes, joined))


def is_gsm(text: str) -> bool:
    """Whether every character has a place in GSM-7."""
    return all(c in GSM_BASIC or c in GSM_EXTENDED for c in text)


def septets(text: str) -> int:
    """The length in septets of a text that is GSM-7."""
    return len(text) + sum(c in GSM_EXTENDED for c in text)


def to_gsm(text: str, unknown: str = "?") -> str:
    """The text in GSM-7: what has a plain counterpart becomes it, accents that GSM-7 lacks are
    dropped, each run of what remains becomes one ``unknown``. Marks that print nothing vanish."""
    out: list[str] = []
    for c in unicodedata.normalize("NFC", text):
        plain = _plain(c)
        if plain is None:
            plain = "" if out and out[-1] == "\0" else "\0"
        if plain:
            out.append(plain)
    return "".join(out).replace("\0", unknown)


def cut(text: str, room: int) -> str:
    """GSM-7 text in at most ``room`` septets: whole, or cut between words where one ends near,
    with two full stops. Empty when there is no room to say anything."""
    if septets(text) <= room:
        return text
    used = kept = 0
    for c in text:
        used += 2 if c in GSM_EXTENDED else 1
        if used > room - len(CUT_MARK):
            break
        kept += 1
    at_word = text.rfind(" ", max(0, kept - WORD_MAX), kept + 1)
    head = text[: at_word if at_word > 0 else kept].rstrip(" ,.;:-(")
    return head + CUT_MARK if head else ""


def _packed(sizes: list[int], room: int) -> int:
    """Segments needed when no character may straddle two of them."""
    count, used = 1, 0
    for size in sizes:
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count


def _plain(c: str) -> str | None:
    """The character's GSM-7 counterpart, "" if it prints nothing, None if it has none."""
    if c in GSM_BASIC or c in GSM_EXTENDED:
        return c
    if c in _COUNTERPARTS:
        return _COUNTERPARTS[c]
    if unicodedata.category(c) in _PRINTS_NOTHING:
        return " " if c.isspace() else ""
    if unicodedata.category(c) == "Zs":
        return " "
    base = "".join(b for b in unicodedata.normalize("NFKD", c) if not unicodedata.combining(b))
    known = "".join(_COUNTERPARTS.get(b, b) for b in base)
    return known if known.strip() and is_gsm(known) else None


# Controls, format marks and combining marks left over from a letter that took none.
_PRINTS_NOTHING = {"Cc", "Cf", "Mn", "Me", "Zl", "Zp"}

_COUNTERPARTS = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc\u02b9\u2039\u203a`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad", "-"),
    **dict.fromkeys("\u2022\u00b7\u2219\u25cf", "*"),
    "\u2026": "...",
    "\u2044": "/",
    "\u00d7": "x",
    "\u00b0": "deg",
    "\u00b1": "+-",
    "\u00a9": "(c)",
    "\u00ae": "(r)",
    "\u00a6": "|",
    "\u00a2": "c",
    "\u20b9": "Rs",
    "\u0152": "OE",
    "\u0153": "oe",
    "\u0141": "L",
    "\u0142": "l",
    "\u0110": "D",
    "\u0111": "d",
    "\u00d0": "D",
    "\u00f0": "d",
    "\u00de": "Th",
    "\u00fe": "th",
    "\u0131": "i",
    "\u0126": "H",
    "\u0127": "h",
    "\u1e9e": "SS",
}
