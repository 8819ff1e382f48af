"""What a voice says to a rep who picks up, and to callers. Not escaped for XML.

A voice reads marks out and cannot be read again, so lines are short and numbers come digit by
digit. What a text says is ``wording``'s.
"""

from __future__ import annotations

import re

from service.rules.lead import Lead
from service.rules.masking import name_of, person_name, plain, readable, short_name
from service.rules.segments import cut, to_gsm

# About half a minute of speech: a rep who has not pressed a key by then will not.
SPOKEN_MAX = 400
SPOKEN_NAME_MAX, SPOKEN_PLACE_MAX, SPOKEN_ASK_MAX = 60, 50, 160
SPOKEN_SOURCE_MAX = 24


def spoken_page(*, lead: Lead, source_name: str) -> str:
    """The page as a voice says it, at most 400 characters. Not escaped for XML."""
    place = cut(_said(lead.place, lead), SPOKEN_PLACE_MAX)
    ask = cut(_said(lead.ask or lead.product or "", lead), SPOKEN_ASK_MAX).rstrip(" .")
    source = cut(_said(source_name, lead), SPOKEN_SOURCE_MAX)
    sentence = f"New lead: {cut(_said(name_of(lead), lead), SPOKEN_NAME_MAX)}"
    sentence += f" from {place}" if place else ""
    sentence += f" asks: {ask}" if ask else ""
    sentence += f", by way of {source}." if source else "."
    sentence += "" if lead.phone else " They gave no phone number."
    return f"{sentence} Press 1 to take it, 2 to pass."


def spoken_yours(lead: Lead, *, text_follows: bool) -> str:
    """After 1. The number is said, twice and digit by digit, only where no text can carry it."""
    who = _said(short_name(lead), lead)
    if text_follows or not lead.phone:
        return f"{who} is yours. How to reach them comes by text now. Goodbye."
    digits = ", ".join(lead.phone.removeprefix("+"))
    return f"{who} is yours. Call plus {digits}. Again: plus {digits}. Goodbye."


def spoken_passed() -> str:
    return "Passed. Somebody else is asked. Goodbye."


def spoken_taken(owner_name: str) -> str:
    return f"{person_name(owner_name)} has this lead already. Goodbye."


def spoken_closed() -> str:
    return "This lead is closed, there is nothing to do. Goodbye."


def spoken_thanks(team: str) -> str:
    """To a caller, whose lead is open by now."""
    return f"Thank you for calling {_said_plain(team)}. Somebody will call you back. Goodbye."


def spoken_to_colleague(team: str) -> str:
    return f"This is {_said_plain(team)}. You are on the team, so no lead was opened. Goodbye."


def spoken_no_line(team: str) -> str:
    """To a caller at a number of ours that takes no leads."""
    return f"Thank you for calling {_said_plain(team)}. Calls here are not answered. Goodbye."


def spoken_no_such_key() -> str:
    return "Press 1 to take the lead, or 2 to pass."


def _said(text: str, lead: Lead) -> str:
    """As shown, without the marks that a voice would read out."""
    return " ".join(re.sub(r"[^\w\s.,:;!'&%€$£/-]", " ", readable(text, lead)).split())


def _said_plain(name: str) -> str:
    return cut(to_gsm(plain(name)), SPOKEN_NAME_MAX)
