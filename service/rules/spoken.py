"""What a voice says to a rep who picks up, and to callers. Not escaped for XML.

A voice reads marks out and cannot be read again, so lines are short and numbers come digit by
digit. What a text says is ``wording``'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.rules.call_facts import Owing
from service.rules.causes import Cause
from service.rules.lead import CALLED_US, Lead
from service.rules.masking import capital, name_of, person_name, plain, readable, short_name
from service.rules.replies import ENDING_OF, ENDING_WORDS
from service.rules.segments import cut, to_gsm
from service.rules.timeline import Ending

# About half a minute of speech: a rep who has not pressed a key by then will not.
SPOKEN_MAX = 400
SPOKEN_NAME_MAX, SPOKEN_PLACE_MAX, SPOKEN_ASK_MAX = 60, 50, 160
SPOKEN_SOURCE_MAX = 24
# What a lead told of how they want to be treated, each: a whisper is heard in one breath.
SPOKEN_WISH_MAX = 30
# Less of an ask than this says nothing.
SPOKEN_ASK_LEAST = 20
# A menu longer than this is forgotten before its end.
MENU_MAX = 4

# As sources write the languages that leads ask for most; others are said as they came.
_LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tl": "Tagalog",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
_WORD_OF = {ending: ENDING_WORDS[key] for key, ending in ENDING_OF.items()}


def spoken_page(
    *,
    lead: Lead,
    source_name: str,
    connects: bool = False,
    cause: Cause | None = None,
    said: str = "",
) -> str:
    """The page as a voice says it, at most 400 characters. Not escaped for XML. ``connects``: the
    key that takes the lead dials them as well; ``cause``: why a known lead is paged, with what they
    ``said`` on a voicemail instead of the ask."""
    place = cut(_said(lead.place, lead), SPOKEN_PLACE_MAX)
    heard = cut(_said(said, lead), SPOKEN_ASK_MAX).rstrip(" .")
    ask = cut(_said(lead.ask or lead.product or "", lead), SPOKEN_ASK_MAX).rstrip(" .")
    source = cut(_said(source_name, lead), SPOKEN_SOURCE_MAX)
    sentence = f"{cause_words(cause)}: {cut(_said(name_of(lead), lead), SPOKEN_NAME_MAX)}"
    sentence += f" from {place}" if place else ""
    asks = "called us" if lead.ask == CALLED_US else f"asks: {ask}" if ask else ""
    sentence += f" says: {heard}" if heard else f" {asks}" if asks else ""
    sentence += f", by way of {source}." if source else "."
    sentence += "" if lead.phone else " They gave no phone number."
    takes = "take it and be connected" if connects else "take it"
    return f"{sentence} Press 1 to {takes}, 2 to pass."


def spoken_owed(lead: Lead, cause: Cause, *, by: str, connects: bool, said: str = "") -> str:
    """To who has the lead: a call is owed ``by`` then, on their own clock. At most 400 characters.
    ``connects``: one key makes it."""
    who = cut(_said(short_name(lead), lead), SPOKEN_NAME_MAX)
    heard = cut(_said(said, lead), SPOKEN_ASK_MAX).rstrip(" .")
    says = f" They say: {heard}." if heard else ""
    one = "be connected" if connects else "hear how to reach them"
    return (
        f"{cause_words(cause)}: {who} is to be called by {_said_plain(by)}.{says}"
        f" Press 1 to {one}, 2 to pass."
    )


def cause_words(cause: Cause | None) -> str:
    """What a call to a rep is about, as its first words."""
    if cause is None:
        return "New lead"
    match cause.kind:
        case Owing.VOICEMAIL:
            return f"Voicemail of {round(cause.seconds)} seconds" if cause.seconds else "Voicemail"
        case Owing.CALL_BACK:
            return "Missed call"
        case _:
            return f"{cause.call.capitalize()} call owed"


def spoken_yours(
    lead: Lead, *, text_follows: bool, private: bool = False, on_the_line: bool = False
) -> str:
    """After 1. The number is said, twice and digit by digit, only where no text can carry it, and
    never if it is ``private``: who calls our number back is connected. ``on_the_line``: but not
    now, since a call with the lead is up."""
    who = _said(short_name(lead), lead)
    if private and on_the_line:
        return f"{who} is yours. They are on the line just now. Goodbye."
    if private and lead.phone:
        return f"{who} is yours. Call this number back to be connected. Goodbye."
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


def spoken_not_on_team() -> str:
    """To somebody who was rung, and is not on the team any more."""
    return "You are not on the team any more. Goodbye."


# On a call that connects


def whisper(
    lead: Lead,
    source_name: str,
    *,
    recorded: bool = False,
    owed: str = "",
    said: str = "",
) -> str:
    """To a rep who is rung for a lead, before the key: who, what they asked (or ``said`` on a
    voicemail) and how they want to be treated, at most 400 characters. ``owed``: which call this
    is, if one is owed (``second call``, or ``cause_words``)."""
    who = cut(_said(name_of(lead), lead), SPOKEN_NAME_MAX)
    place = cut(_said(lead.place, lead), SPOKEN_PLACE_MAX)
    source = cut(_said(source_name, lead), SPOKEN_SOURCE_MAX)
    head = f"{owed[0].upper()}{owed[1:]}: " if owed else ""
    head += capital(who) + (f" from {place}" if place else "")
    tail = f", by way of {source}." if source else "."
    tail += "".join(f" {wish}." for wish in _wishes(lead))
    tail += " This call is recorded." if recorded else ""
    tail += " Press 1 to be connected, 2 to pass."
    return head + _asking(lead, SPOKEN_MAX - len(head + tail), said) + tail


def caller_whisper(
    lead: Lead, *, known: bool, recorded: bool = False, owed: str = "", said: str = ""
) -> str:
    """To a rep who is rung because somebody called us: ``known`` is who has asked or called
    before. A caller's number can be forged, so the name is what we have on file for it. ``owed``,
    ``said`` as in ``whisper``."""
    tail = " This call is recorded." if recorded else ""
    tail += " Press 1 to take the call, 2 to pass."
    if not known:
        return f"A new caller is on the line.{tail}"
    about = f"{owed[0].upper()}{owed[1:]}. " if owed else ""
    head = f"{about}On the line: {cut(_said(short_name(lead), lead), SPOKEN_NAME_MAX)}"
    wishes = "".join(f" {wish}." for wish in _wishes(lead)[:1])
    room = SPOKEN_MAX - len(head + wishes + tail) - 1
    return head + _asking(lead, room, said) + "." + wishes + tail


def press_to_connect() -> str:
    """Before a whisper is said again."""
    return "Press 1 to be connected, or 2 to pass."


def press_to_take_call() -> str:
    """Before a caller's whisper is said again."""
    return "Press 1 to take the call, or 2 to pass."


def taken_by(name: str) -> str:
    """To a rep in the whisper, or on a page that rings, when somebody else was quicker."""
    return f"{person_name(name)} has it already. Goodbye."


def calling_now() -> str:
    """To a rep who would be connected with a lead that is calling us, and waits for an answer."""
    return "They are calling us right now. Goodbye."


def caller_gone() -> str:
    """To a rep who took a caller who has hung up meanwhile."""
    return "The caller has hung up. Goodbye."


def connecting(lead: Lead) -> str:
    return f"Connecting you with {_said(short_name(lead), lead)}."


def lead_unreachable(lead: Lead) -> str:
    """To a rep on the line, when the lead could not be dialled or did not answer."""
    return f"{_said(short_name(lead), lead)} could not be reached. Goodbye."


def cannot_call_now(clock: str | None) -> str:
    """To a rep who would be connected now, outside the hours in which the lead may be called.
    ``clock``: from when on, on the rep's own clock; None: at no hour that we know of."""
    if clock is None:
        return "They cannot be called through us. Goodbye."
    return f"It is too late or too early to call them. Your phone rings at {clock}. Goodbye."


def ask_outcome() -> str:
    """After a call whose end the carrier's facts leave open; the digits are those of a text."""
    asked = ", ".join(f"{key} {word}" for key, word in ENDING_WORDS.items())
    return f"How did it go? Press {asked}."


def outcome_heard(ending: Ending) -> str:
    return f"Logged: {_WORD_OF[ending]}. Goodbye."


def recording_announcement() -> str:
    """To the lead, before the call is recorded."""
    return "This call is recorded."


def one_moment(team: str) -> str:
    """To whoever answered a call that may be recorded, while nobody knows yet who that is."""
    return f"One moment please, this is {_said_plain(team)}."


# To a rep who calls a number of ours


def through_menu(leads: Sequence[Lead]) -> str:
    """The leads that the rep has, last touched first: a key for each of at most four."""
    named = [cut(_said(short_name(lead), lead), SPOKEN_NAME_MAX) for lead in leads[:MENU_MAX]]
    if len(named) == 1:
        return f"Press 1 to be connected with {named[0]}, 9 to go on as a caller."
    keys = ", ".join(f"{key} for {name}" for key, name in enumerate(named, start=1))
    return f"Press {keys}, or 9 to go on as a caller."


def nothing_waiting() -> str:
    return "Nothing is waiting for you. Press 9 to go on as a caller."


# To callers


def caller_greeting(team: str, *, recorded: bool = False) -> str:
    """Before somebody is found for a caller."""
    said = " This call is recorded." if recorded else ""
    return f"Thank you for calling {_said_plain(team)}.{said} One moment, please."


def leave_message(team: str) -> str:
    """To a caller whom nobody could take."""
    return (
        f"Nobody at {_said_plain(team)} is free just now. Please leave a message after the tone,"
        " and we will call you back."
    )


def closed_hours(team: str) -> str:
    """To a caller while the team is closed."""
    return (
        f"Thank you for calling {_said_plain(team)}. We are closed just now. Please leave a"
        " message after the tone, and we will call you back."
    )


def message_taken(team: str) -> str:
    """To a caller who left a message and is still on the line."""
    return f"Thank you. {_said_plain(team)} will call you back. Goodbye."


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


def _asking(lead: Lead, room: int, said: str = "") -> str:
    """What they asked, or said on a voicemail, if enough of it fits."""
    heard = _said(said, lead)
    if not heard and lead.ask == CALLED_US:
        return " called us"
    ask = heard or _said(lead.ask or lead.product or "", lead)
    room = min(room - len(" asks: "), SPOKEN_ASK_MAX)
    if not ask or (room < SPOKEN_ASK_LEAST and len(ask) > room):
        return ""
    return (" says: " if heard else " asks: ") + cut(ask, room).rstrip(" .")


def _wishes(lead: Lead) -> list[str]:
    """How they want to be treated, as far as they told."""

    def wish(told: str | None) -> str:
        return cut(_said(told or "", lead), SPOKEN_WISH_MAX).rstrip(" .")

    language = (lead.language or "").strip()
    language = _LANGUAGES.get(language.lower().replace("_", "-").partition("-")[0], language)
    prefers = ", ".join(filter(None, (wish(lead.preferred_channel), wish(lead.preferred_time))))
    told = (
        ("Prefers", prefers),
        ("Speaks", wish(language)),
        ("Decides:", wish(lead.decision_maker)),
    )
    return [f"{name} {value}" for name, value in told if value]


def _said(text: str, lead: Lead) -> str:
    """As shown, without the marks that a voice would read out."""
    return " ".join(re.sub(r"[^\w\s.,:;!'&%€$£/-]", " ", readable(text, lead)).split())


def _said_plain(name: str) -> str:
    return cut(to_gsm(plain(name)), SPOKEN_NAME_MAX)
