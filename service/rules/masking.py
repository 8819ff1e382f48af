"""A stranger's words as a rep may see them: one alphabet, one line, nothing to dial, mail or open.

Before a claim nobody is told how to reach the lead, were it in the lead's own words. This file
knows what must not be shown, not what is said with the rest.
"""

from __future__ import annotations

import re
import unicodedata

from service.rules.lead import Lead, tidy
from service.rules.segments import cut, to_gsm

# What of a text is looked at before it is cut to what a page can hold.
READ_MAX = 2000
# A name in a note: enough to tell leads apart.
NAME_MAX = 40
# Who gave no name.
NAMELESS = "somebody"
# No number shorter than this can be dialled from another town, and none of ours is sought by less.
NUMBER_DIGITS_MIN = 7

LINK = re.compile(r"\b[a-z][a-z0-9+.-]{0,20}:/{1,2}\S*|\bwww\.\S+", re.IGNORECASE)
# A phone makes a link of any two words joined by a dot; a space after the dot prevents it.
_JOINED_BY_DOT = re.compile(r"(?<=\w)\.(?=[^\W\d_]{2})")
_EMAIL = re.compile(r"(?<!\S)(?=\S{2})\S*@\S*")
_EMAIL_SPACED = re.compile(
    r"(?<!\S)[^\s(\[]+\s?(?:@|[(\[]at[)\]])\s?[^\s@]+\.[a-z]{2,}", re.IGNORECASE
)
# Digits with whatever stands between the groups of a number, but not what stands in dates with
# slashes, prices and times; a date written 2026-05-01 is spared.
_NUMBER = re.compile(
    r"(?<!\d)(?!(?:19|20)\d\d-\d\d-\d\d(?!\d))"
    rf"\+?\(?\d(?:[^\w,/:;?!$£€%]{{0,3}}\d){{{NUMBER_DIGITS_MIN - 1},}}"
)


def shown(text: str, lead: Lead) -> str:
    """A stranger's text as a rep may see it before a claim: one line of GSM-7, with links, phone
    numbers and e-mail addresses, the lead's own above all, replaced by a word."""
    return masked(to_gsm(plain(text)), lead)


def plain(text: str) -> str:
    """One line, bounded, in compatible form, its digits 0 to 9, nothing in it invisible."""
    flat = tidy(unicodedata.normalize("NFKC", text[:READ_MAX]), READ_MAX)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in flat)


def masked(text: str, lead: Lead) -> str:
    text = LINK.sub("(link)", text)
    # Whole addresses first: the looser pattern would take the first half of one and leave the rest.
    text = _EMAIL_SPACED.sub("(e-mail)", _EMAIL.sub("(e-mail)", text))
    text = without_numbers(text, lead)
    return " ".join(_JOINED_BY_DOT.sub(". ", text).split())


def without_numbers(text: str, lead: Lead) -> str:
    """The text without anything to dial, the lead's own numbers above all: for whoever has the
    lead, where numbers are kept private."""
    if sum(c.isdigit() for c in text) >= NUMBER_DIGITS_MIN:  # most asks hold no number at all
        for own in (lead.phone, lead.phone_as_given):
            text = _without_own(text, own or "")
    return _NUMBER.sub("(number)", text)


def _without_own(text: str, number: str) -> str:
    """The text without this number, however its digits are set apart: known by its last seven, so
    that it is found with and without country and area code."""
    digits = re.sub(r"\D", "", plain(number))[-NUMBER_DIGITS_MIN:]
    if len(digits) < NUMBER_DIGITS_MIN:
        return text
    between = r"[\W_]{0,8}"
    whole = rf"[+(]{{0,2}}(?:\d{between}){{0,9}}{between.join(digits)}"
    return re.sub(whole, "(number)", text)


def readable(text: str, lead: Lead) -> str:
    """The text as shown; empty when nothing legible is left of it."""
    seen = shown(text, lead)
    return seen if any(c.isalnum() for c in seen) else ""


def name_of(lead: Lead) -> str:
    """The lead's name as shown, or why there is none to read."""
    return readable(lead.name, lead) or ("name not in Latin letters" if lead.name else NAMELESS)


def capital(name: str) -> str:
    """``name_of`` as the beginning of a sentence; a name stays as it was given."""
    return name.capitalize() if name == NAMELESS else name


def short_name(lead: Lead) -> str:
    """What a note calls the lead: by name, or failing that by place."""
    place = readable(lead.place, lead)
    return cut(readable(lead.name, lead) or f"Lead from {place or 'an unknown place'}", NAME_MAX)


def person_name(name: str) -> str:
    """A rep's or manager's name: ours, so not masked, but kept to one line of GSM-7."""
    return cut(to_gsm(plain(name)), NAME_MAX)
