"""Every text and spoken line that the product says to a rep, and what it must never say.

A lead's words are strangers' words: they are shown in one alphabet, on one line, without anything
that a phone would dial, mail or open. Before a claim nobody is told how to reach the lead. This
file knows words, not sending; what digits mean is ``replies``'s affair.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from service.rules.lead import Lead, tidy
from service.rules.replies import ENDING_OF, ENDING_WORDS, QuestionKind
from service.rules.segments import (
    GSM_ALONE,
    GSM_JOINED,
    UCS_JOINED,
    Encoding,
    cut,
    is_gsm,
    segments,
    septets,
    to_gsm,
)
from service.rules.timeline import Ending

# What of a text is looked at before it is cut to what a page can hold.
READ_MAX = 2000
CLOCK_MAX, SOURCE_MAX = 12, 24
# Less of a place or an ask than this says nothing, and is left out.
PLACE_LEAST, ASK_LEAST = 6, 10
# A name in a note, and in a list of several leads: enough to tell leads apart.
NAME_MAX, NAME_LISTED_MAX = 40, 20
LISTED_MAX = 5
TWO_SEGMENTS = 2 * GSM_JOINED
TWO_SEGMENTS_UCS = 2 * UCS_JOINED
# Two segments each; what is longer is read on a screen.
MORE_TEXTS_MAX = 4
# Further fields of a source than this are read on a screen too.
EXTRA_MAX = 20
# About half a minute of speech: a rep who has not pressed a key by then will not.
SPOKEN_MAX = 400
SPOKEN_NAME_MAX, SPOKEN_PLACE_MAX, SPOKEN_ASK_MAX = 60, 50, 160

# No number shorter than this can be dialled from another town, and none of ours is sought by less.
NUMBER_DIGITS_MIN = 7


def page_text(
    *,
    clock: str,
    lead: Lead,
    source_name: str,
    letter: str | None = None,
    again: bool = False,
    link: str | None = None,
) -> str:
    """A page in one GSM-7 segment, whatever the lead is called. ``clock`` is the rep's local time,
    ``again`` a lead that asked again. What gives way, in order: ask, place, link, name."""
    head = f"{cut(to_gsm(clock), CLOCK_MAX)} LEAD {'AGAIN ' if again else ''}"
    source = cut(shown(source_name, lead), SOURCE_MAX)
    tail = (
        f" {source}." if source else ""
    ) + f" {_keys('1', letter)} take {_keys('2', letter)} pass"
    no_phone = "" if lead.phone else ", no phone"
    room = GSM_ALONE - septets(head + no_phone + "." + tail)
    name = _name(lead)
    linked = f" {link}" if link and is_gsm(link) else ""
    if septets(name) + septets(linked) > room:
        linked = ""
    room -= septets(linked)
    who = cut(name, room)
    place = _fitted(", ", shown(lead.place, lead), room - septets(who), PLACE_LEAST)
    ask = _fitted(": ", _ask(lead), room - septets(who + place), ASK_LEAST)
    return _ended(head + who + place + no_phone + ask) + tail + linked


def shown(text: str, lead: Lead) -> str:
    """A stranger's text as a rep may see it before a claim: one line of GSM-7, with links, phone
    numbers and e-mail addresses, the lead's own above all, replaced by a word."""
    return _masked(to_gsm(_plain(text)), lead)


def yours(
    lead: Lead,
    *,
    first_name: str,
    letter: str | None = None,
    within_s: int | None = None,
) -> str:
    """To the rep who claimed: how to reach the lead, and the digits for after. Two segments at
    most. ``within_s`` is how long the claim is good for, in seconds."""
    who, rep = (
        cut(_name(lead), NAME_MAX),
        cut(to_gsm(_plain(first_name)), NAME_LISTED_MAX),
    )
    limit = f" within {_minutes(within_s)}" if within_s else " now"
    asked = " ".join(f"{_keys(key, letter)} {word}" for key, word in ENDING_WORDS.items())
    head, after = f"{who} is yours, {rep}. ", f" After the call: {asked}"
    room = TWO_SEGMENTS - septets(head + after)
    how = _how_to_reach(lead, limit)
    if not is_gsm(how) or septets(how) > room:
        how = f"Reply {_keys('MORE', letter)} for how to reach them{limit}."
    return head + how + after


def taken(owner_name: str, lead: Lead) -> str:
    """To a rep who was paged or asked for a lead that somebody else has."""
    return f"{_person(owner_name)} has {_short(lead)}."


def closed(lead: Lead) -> str:
    """To a rep who was paged for a lead that nobody needs to call any more."""
    return f"{_short(lead)} is closed, nothing to do."


def passed_on(lead: Lead) -> str:
    """To a rep who passed."""
    return f"Passed. {_short(lead)} goes to somebody else."


def taken_back(lead: Lead, *, after_s: int, letter: str | None = None) -> str:
    """To a rep who claimed and made no call. Give the letter whenever the phone has another page
    open: a bare 1 would then be about that one."""
    again = f"Reply {_keys('1', letter)} to take it again."
    return f"No call logged for {_short(lead)} within {_minutes(after_s)}, passing it on. {again}"


def logged(lead: Lead, outcome: Ending, when: str | None = None) -> str:
    """To a rep who told an outcome. ``when`` repeats the time they gave with an 8."""
    word = _WORD_OF[outcome]
    agreed = f", {cut(shown(when, lead), NAME_MAX)}" if when else ""
    return f"Logged: {_short(lead)}, {word}{agreed}."


def question_list(questions: Sequence[tuple[str, Lead, QuestionKind]]) -> str:
    """The open questions of one phone with their letters, for a digit that fits several. Two
    segments at most; the rest is counted."""
    lines = [_listed(*question) for question in questions[:LISTED_MAX]]
    more = len(questions) - len(lines)
    rest = f" And {more} more." if more > 0 else ""
    return f"Which one? {' '.join(lines)}{rest}"


def nothing_open() -> str:
    return "Nothing is open for you now. WHO tells who is on duty."


def who_is_on_duty(names: Sequence[str]) -> str:
    """Names in the order of the shift. Two segments at most; the rest is counted."""
    if not names:
        return "Nobody is on duty now."
    listed = [_person(name) for name in names[:LISTED_MAX]]
    more = len(names) - len(listed)
    return f"On duty: {', '.join(listed)}{f' and {more} more' if more > 0 else ''}."


def not_yet(word: str) -> str:
    """To a rep who used a word of duty that this installation does not take by text."""
    return (
        f"{cut(to_gsm(_plain(word)), NAME_LISTED_MAX)} does not work by text yet, ask your manager."
    )


def not_understood() -> str:
    return f"Not understood. {help_text()}"


def help_text() -> str:
    asked = " ".join(f"{key} {word}" for key, word in ENDING_WORDS.items())
    return (
        "1 take 2 pass. After a call: "
        f"{asked}. MORE the whole request. WHO is on duty. Several open: add the letter, 1B."
    )


def texts_on_again(first_name: str) -> str:
    """To a rep who sent a start word after a stop word."""
    return f"Texts are on again, {_person(first_name)}."


def opted_out_notice_to_manager(rep_name: str) -> str:
    """To a manager, when a rep's phone refused our texts."""
    name = _person(rep_name)
    return (
        f"{name} has stopped our texts and is paged by call. "
        "START, sent from that phone, undoes it."
    )


def more(lead: Lead, *, claimed: bool) -> tuple[str, ...]:
    """The whole request, in at most four texts of two segments each, numbered. Phone and e-mail
    only if ``claimed``. In the lead's own script when GSM-7 would lose letters of it."""
    facts = [("", lead.name or "no name"), ("", lead.company), ("", lead.place)]
    if claimed:
        facts += [
            ("phone ", lead.phone or lead.phone_as_given),
            ("e-mail ", lead.email),
        ]
    facts += [
        ("about ", lead.product),
        ("speaks ", lead.language),
        ("prefers ", lead.preferred_channel),
        ("best time ", lead.preferred_time),
        ("", lead.ask),
        *((f"{name}: ", value) for name, value in lead.extra[:EXTRA_MAX]),
    ]
    told = [label + _LINK.sub("(link)", _plain(text)) for label, text in facts if text]
    if not _loses_letters("".join(told)):
        told = [to_gsm(text, "") for text in told]
    whole = ". ".join(text.rstrip(" .") for text in told) + "."
    whole = whole if claimed else _masked(whole, lead)
    return _numbered_texts(" ".join(whole.split()))


def spoken_page(*, lead: Lead, source_name: str) -> str:
    """The page as a voice says it, at most 400 characters. Not escaped for XML."""
    place = cut(_said(lead.place, lead), SPOKEN_PLACE_MAX)
    ask = cut(_said(lead.ask or lead.product or "", lead), SPOKEN_ASK_MAX).rstrip(" .")
    source = cut(_said(source_name, lead), SOURCE_MAX)
    sentence = f"New lead: {cut(_said(_name(lead), lead), SPOKEN_NAME_MAX)}"
    sentence += f" from {place}" if place else ""
    sentence += f" asks: {ask}" if ask else ""
    sentence += f", by way of {source}." if source else "."
    sentence += "" if lead.phone else " They gave no phone number."
    return f"{sentence} Press 1 to take it, 2 to pass."


def spoken_yours(lead: Lead, *, text_follows: bool) -> str:
    """After 1. The number is said, twice and digit by digit, only where no text can carry it."""
    who = _said(_short(lead), lead)
    if text_follows or not lead.phone:
        return f"{who} is yours. How to reach them comes by text now. Goodbye."
    digits = ", ".join(lead.phone.removeprefix("+"))
    return f"{who} is yours. Call plus {digits}. Again: plus {digits}. Goodbye."


def spoken_passed() -> str:
    return "Passed. Somebody else is asked. Goodbye."


def spoken_taken(owner_name: str) -> str:
    return f"{_person(owner_name)} has this lead already. Goodbye."


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


_WORD_OF = {ending: ENDING_WORDS[key] for key, ending in ENDING_OF.items()}

_LINK = re.compile(r"\b[a-z][a-z0-9+.-]{0,20}:/{1,2}\S*|\bwww\.\S+", re.IGNORECASE)
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


def _plain(text: str) -> str:
    """One line, bounded, in compatible form, its digits 0 to 9, nothing in it invisible."""
    flat = tidy(unicodedata.normalize("NFKC", text[:READ_MAX]), READ_MAX)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in flat)


def _masked(text: str, lead: Lead) -> str:
    text = _LINK.sub("(link)", text)
    # Whole addresses first: the looser pattern would take the first half of one and leave the rest.
    text = _EMAIL_SPACED.sub("(e-mail)", _EMAIL.sub("(e-mail)", text))
    if sum(c.isdigit() for c in text) >= NUMBER_DIGITS_MIN:  # most asks hold no number at all
        for own in (lead.phone, lead.phone_as_given):
            text = _without_own(text, own or "")
    text = _NUMBER.sub("(number)", text)
    return " ".join(_JOINED_BY_DOT.sub(". ", text).split())


def _without_own(text: str, number: str) -> str:
    """The text without this number, however its digits are set apart: known by its last seven, so
    that it is found with and without country and area code."""
    digits = re.sub(r"\D", "", _plain(number))[-NUMBER_DIGITS_MIN:]
    if len(digits) < NUMBER_DIGITS_MIN:
        return text
    between = r"[\W_]{0,8}"
    whole = rf"[+(]{{0,2}}(?:\d{between}){{0,9}}{between.join(digits)}"
    return re.sub(whole, "(number)", text)


def _name(lead: Lead) -> str:
    """The lead's name as shown, or why there is none."""
    return _readable(lead.name, lead) or ("name not in Latin letters" if lead.name else "no name")


def _ask(lead: Lead) -> str:
    asked = lead.ask or lead.product or ""
    text = _readable(asked, lead) or ("not in Latin letters, see MORE" if asked else "")
    return text.rstrip(" .")


def _readable(text: str, lead: Lead) -> str:
    """The text as shown; empty when nothing legible is left of it."""
    seen = shown(text, lead)
    return seen if any(c.isalnum() for c in seen) else ""


def _said(text: str, lead: Lead) -> str:
    """As shown, without the marks that a voice would read out."""
    return " ".join(re.sub(r"[^\w\s.,:;!'&%€$£/-]", " ", _readable(text, lead)).split())


def _said_plain(name: str) -> str:
    return cut(to_gsm(_plain(name)), SPOKEN_NAME_MAX)


def _short(lead: Lead) -> str:
    """What a note calls the lead: by name, or failing that by place."""
    place = _readable(lead.place, lead)
    return cut(_readable(lead.name, lead) or f"Lead from {place or 'an unknown place'}", NAME_MAX)


def _person(name: str) -> str:
    """A rep's or manager's name: ours, so not masked, but kept to one line of GSM-7."""
    return cut(to_gsm(_plain(name)), NAME_MAX)


def _keys(key: str, letter: str | None) -> str:
    if not letter:
        return key
    return f"{key} {letter}" if len(key) > 1 else key + letter


def _fitted(joint: str, text: str, room: int, least: int) -> str:
    """The text behind its joint if it, or enough of it, fits; else nothing."""
    room -= septets(joint)
    if not text or (room < least and septets(text) > room):
        return ""
    return joint + cut(text, room)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else sentence + "."


def _minutes(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def _how_to_reach(lead: Lead, limit: str) -> str:
    if lead.phone:
        return f"Call {_grouped(lead.phone)}{limit}."
    if lead.email:
        given = f" (phone given: {_plain(lead.phone_as_given)})" if lead.phone_as_given else ""
        return f"No phone{given}. E-mail {lead.email}{limit}."
    return "They gave no way to reach them. Reply MORE for the request."


def _grouped(phone: str) -> str:
    """North American numbers as people read them; phones dial either form."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", phone)
    return f"+1 {found[1]} {found[2]} {found[3]}" if found else phone


def _listed(letter: str, lead: Lead, kind: QuestionKind) -> str:
    name = cut(_short(lead), NAME_LISTED_MAX)
    if kind is QuestionKind.PAGE:
        return f"{name}: 1{letter} take 2{letter} pass."
    return f"{name}: how it went, 3{letter} to 9{letter}, 0{letter}."


def _loses_letters(text: str) -> bool:
    return any(c.isalpha() and "\0" in to_gsm(c, "\0") for c in set(text))


def _numbered_texts(whole: str) -> tuple[str, ...]:
    """The text in as many numbered texts as it needs, cut at words; the last says if it was cut."""
    unicode = segments(whole).encoding is Encoding.UCS_2
    room = (TWO_SEGMENTS_UCS if unicode else TWO_SEGMENTS) - len("(4/4) ")
    room -= 2  # an escape or surrogate pair that would straddle two segments costs its place
    texts = _split(whole, room)
    if len(texts) > MORE_TEXTS_MAX:
        texts = texts[:MORE_TEXTS_MAX]
        texts[-1] = _split(texts[-1], room - len(" (cut)"))[0] + " (cut)"
    if len(texts) == 1:
        return (texts[0],)
    return tuple(f"({n}/{len(texts)}) {text}" for n, text in enumerate(texts, start=1))


def _split(whole: str, room: int) -> list[str]:
    texts, held = [], ""
    for word in whole.split(" "):
        joined = f"{held} {word}" if held else word
        if segments(joined).units <= room:
            held = joined
            continue
        if held:
            texts.append(held)
        while segments(word).units > room:
            texts.append(word[: room // 2])
            word = word[room // 2 :]
        held = word
    return [*texts, held] if held else texts
