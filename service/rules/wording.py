"""Every text that the product sends to a rep.

A lead's words are strangers' words and go through ``masking``; what a voice says is
``spoken``. This file knows words, not sending; what digits mean is ``replies``'s affair.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.rules.call_facts import Owing
from service.rules.causes import Cause
from service.rules.lead import Lead
from service.rules.masking import (
    LINK,
    NAME_MAX,
    capital,
    masked,
    name_of,
    person_name,
    plain,
    readable,
    short_name,
    without_numbers,
)
from service.rules.masking import shown as shown
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

CLOCK_MAX, SOURCE_MAX = 12, 24
# Less of a place or an ask than this says nothing, and is left out.
PLACE_LEAST, ASK_LEAST = 6, 10
# A name in a list of several leads: enough to tell leads apart.
NAME_LISTED_MAX = 20
# Less of a name than this tells nobody from anybody.
NAME_LEAST = 10
LISTED_MAX = 5
TWO_SEGMENTS = 2 * GSM_JOINED
TWO_SEGMENTS_UCS = 2 * UCS_JOINED
# Two segments each; what is longer is read on a screen.
MORE_TEXTS_MAX = 4
# Further fields of a source than this are read on a screen too.
EXTRA_MAX = 20


def page_text(
    *,
    clock: str,
    lead: Lead,
    source_name: str,
    letter: str | None = None,
    again: bool = False,
    link: str | None = None,
    asks: bool = True,
    cause: Cause | None = None,
    said: str = "",
) -> str:
    """A page in one GSM-7 segment, whatever the lead is called. ``clock`` is the rep's local time,
    ``again`` a lead that asked again, ``cause`` why a known lead is paged, with what they ``said``
    on a voicemail instead of the ask. What gives way, in order: ask, place, link, name. ``asks``
    False: the phone has no letter left, so that the link alone answers it, and the name gives
    way to that."""
    tag = f"{cause_name(cause)} " if cause else "AGAIN " if again else ""
    head = f"{cut(to_gsm(clock), CLOCK_MAX)} LEAD {tag}"
    source = cut(shown(source_name, lead), SOURCE_MAX)
    keys = f" {keys_of('1', letter)} take {keys_of('2', letter)} pass" if asks else " Answer here:"
    tail = (f" {source}." if source else "") + keys
    no_phone = "" if lead.phone else ", no phone"
    room = GSM_ALONE - septets(head + no_phone + "." + tail)
    name = name_of(lead)
    linked = f" {link}" if link and is_gsm(link) else ""
    if septets(name if asks else name[:NAME_LEAST]) + septets(linked) > room:
        linked = ""
    room -= septets(linked)
    who = cut(name, room)
    place = _fitted(", ", shown(lead.place, lead), room - septets(who), PLACE_LEAST)
    asked = readable(said, lead).rstrip(" .") or _ask(lead)
    ask = _fitted(": ", asked, room - septets(who + place), ASK_LEAST)
    if not asks and not linked:
        tail = tail.removesuffix(keys)
    return ended(head + who + place + no_phone + ask) + tail + linked


def cause_name(cause: Cause) -> str:
    """What a page is about, in capitals: ``VOICEMAIL 23 s``, ``2ND CALL``."""
    match cause.kind:
        case Owing.VOICEMAIL:
            return f"VOICEMAIL {round(cause.seconds)} s" if cause.seconds else "VOICEMAIL"
        case Owing.CALL_BACK:
            return "MISSED CALL"
        case _:
            return f"{cause.call} CALL".upper().strip()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A lead in a text about several. ``letter`` None: every letter of the phone is in use, so that
    only the link leads there."""

    lead: Lead
    letter: str | None


def bundle_text(*, clock: str, waiting: Sequence[Waiting], link: str | None = None) -> str:
    """Several leads, oldest first, in one GSM-7 segment. ``clock`` is the rep's local time of the
    oldest. Leads with a letter are named first; names are cut evenly, and those that do not fit
    are counted. What gives way, in order: names, link."""
    listed = sorted(waiting, key=lambda each: each.letter is None)
    head = f"{cut(to_gsm(clock), CLOCK_MAX)} {len(listed)} LEADS wait."
    first = listed[0].letter
    tail = f": {keys_of('1', first)} take {keys_of('2', first)} pass, {keys_of('MORE', first)}."
    linked = f" {link}" if link and is_gsm(link) else ""
    tail = tail if first else "."
    room = GSM_ALONE - septets(head + tail)
    names = _names(listed, room - septets(linked)) if linked else ""
    if not names:
        linked, names = "", _names(listed, room)
    return head + names + tail + linked


def _names(listed: Sequence[Waiting], room: int) -> str:
    """As many leads as can be told apart in this room, and how many more there are. Empty when
    not even one can."""
    for shown_ in range(len(listed), 0, -1):
        more = f" +{len(listed) - shown_} more" if shown_ < len(listed) else ""
        marks = [f"{each.letter} " if each.letter else "" for each in listed[:shown_]]
        names = [short_name(each.lead) for each in listed[:shown_]]
        left = room - septets(" " + ", ".join(marks) + more)
        if left >= sum(min(septets(name), NAME_LEAST) for name in names):
            cuts = _evenly(names, left)
            return f" {', '.join(map(''.join, zip(marks, cuts, strict=True)))}{more}"
    return ""


def _evenly(names: Sequence[str], room: int) -> list[str]:
    """The names in this room together: those that are short whole, the others cut alike."""
    most = max(
        (top for top in range(NAME_MAX + 1) if sum(min(septets(n), top) for n in names) <= room),
        default=0,
    )
    return [cut(name, most) for name in names]


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
        cut(name_of(lead), NAME_MAX),
        cut(to_gsm(plain(first_name)), NAME_LISTED_MAX),
    )
    limit = f" within {_minutes(within_s)}" if within_s else " now"
    asked = " ".join(f"{keys_of(key, letter)} {word}" for key, word in ENDING_WORDS.items())
    head, after = f"{capital(who)} is yours, {rep}. ", f" After the call: {asked}"
    room = TWO_SEGMENTS - septets(head + after)
    how = _how_to_reach(lead, limit)
    if not is_gsm(how) or septets(how) > room:
        how = f"Reply {keys_of('MORE', letter)} for how to reach them{limit}."
    return head + how + after


def taken(owner_name: str, lead: Lead) -> str:
    """To a rep who was paged or asked for a lead that somebody else has."""
    return f"{person_name(owner_name)} has {short_name(lead)}."


def closed(lead: Lead) -> str:
    """To a rep who was paged for a lead that nobody needs to call any more."""
    return f"{short_name(lead)} is closed, nothing to do."


def passed_on(lead: Lead) -> str:
    """To a rep who passed."""
    return f"Passed. {short_name(lead)} goes to somebody else."


def taken_back(lead: Lead, *, after_s: int, letter: str | None = None, why: str = "no_call") -> str:
    """To a rep from whom a lead was taken, ``why`` as in ``TakenBack``: they claimed it and made no
    call within ``after_s`` seconds, or did not make, or could not be asked for, a call that is
    owed. Give the letter whenever the phone has another page open: a bare 1 would then be about
    that one."""
    again = f"Reply {keys_of('1', letter)} to take it again."
    who = short_name(lead)
    match why:
        case "owed":
            return f"The call owed to {who} was not made in time, passing it on. {again}"
        case "off_duty":
            return f"A call to {who} is owed and you are not on duty, passing it on. {again}"
        case _:
            return f"No call logged for {who} within {_minutes(after_s)}, passing it on. {again}"


def logged(lead: Lead, outcome: Ending, when: str | None = None) -> str:
    """To a rep who told an outcome. ``when`` is the time they gave with an 8: as it was understood,
    else as they wrote it."""
    word = _WORD_OF[outcome]
    agreed = f", {cut(shown(when, lead), NAME_MAX)}" if when else ""
    return f"Logged: {short_name(lead)}, {word}{agreed}."


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
    listed = [person_name(name) for name in names[:LISTED_MAX]]
    more = len(names) - len(listed)
    return f"On duty: {', '.join(listed)}{f' and {more} more' if more > 0 else ''}."


def not_yet(word: str) -> str:
    """To a rep who used a word of duty that this installation does not take by text."""
    return (
        f"{cut(to_gsm(plain(word)), NAME_LISTED_MAX)} does not work by text yet, ask your manager."
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
    return f"Texts are on again, {person_name(first_name)}."


def more(lead: Lead, *, claimed: bool, private: bool = False) -> tuple[str, ...]:
    """The whole request, in at most four texts of two segments each, numbered. Phone and e-mail
    only if ``claimed``; a ``private`` number never. In the lead's own script when GSM-7 would lose
    letters of it."""
    facts = [("", lead.name or "no name given"), ("", lead.company), ("", lead.place)]
    if claimed:
        phone = lead.phone or lead.phone_as_given
        facts += [("phone ", None if private else phone), ("e-mail ", lead.email)]
    facts += [
        ("about ", lead.product),
        ("speaks ", lead.language),
        ("prefers ", lead.preferred_channel),
        ("best time ", lead.preferred_time),
        ("", lead.ask),
        *((f"{name}: ", value) for name, value in lead.extra[:EXTRA_MAX]),
    ]
    told = [label + LINK.sub("(link)", plain(text)) for label, text in facts if text]
    if not loses_letters("".join(told)):
        told = [to_gsm(text, "") for text in told]
    whole = ". ".join(text.rstrip(" .") for text in told) + "."
    if not claimed:
        whole = masked(whole, lead)
    elif private:
        whole = without_numbers(whole, lead)
    return _numbered_texts(" ".join(whole.split()))


_WORD_OF = {ending: ENDING_WORDS[key] for key, ending in ENDING_OF.items()}


def _ask(lead: Lead) -> str:
    asked = lead.ask or lead.product or ""
    text = readable(asked, lead) or ("not in Latin letters, see MORE" if asked else "")
    return text.rstrip(" .")


def keys_of(key: str, letter: str | None) -> str:
    if not letter:
        return key
    return f"{key} {letter}" if len(key) > 1 else key + letter


def _fitted(joint: str, text: str, room: int, least: int) -> str:
    """The text behind its joint if it, or enough of it, fits; else nothing."""
    room -= septets(joint)
    if not text or (room < least and septets(text) > room):
        return ""
    return joint + cut(text, room)


def ended(sentence: str) -> str:
    """A sentence with its stop."""
    return sentence if sentence.endswith((".", "!", "?")) else sentence + "."


def _minutes(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def _how_to_reach(lead: Lead, limit: str) -> str:
    if lead.phone:
        return f"Call {grouped(lead.phone)}{limit}."
    if lead.email:
        given = f" (phone given: {plain(lead.phone_as_given)})" if lead.phone_as_given else ""
        return f"No phone{given}. E-mail {lead.email}{limit}."
    return "They gave no way to reach them. Reply MORE for the request."


def grouped(phone: str) -> str:
    """North American numbers as people read them; phones dial either form."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", phone)
    return f"+1 {found[1]} {found[2]} {found[3]}" if found else phone


def _listed(letter: str, lead: Lead, kind: QuestionKind) -> str:
    name = cut(short_name(lead), NAME_LISTED_MAX)
    if kind is QuestionKind.PAGE:
        return f"{name}: 1{letter} take 2{letter} pass."
    if kind is QuestionKind.OWED:
        return f"{name}: 1{letter} call 2{letter} pass."
    return f"{name}: how it went, 3{letter} to 9{letter}, 0{letter}."


def loses_letters(text: str) -> bool:
    return any(c.isalpha() and "\0" in to_gsm(c, "\0") for c in set(text))


def _numbered_texts(whole: str) -> tuple[str, ...]:
    """The text in as many numbered texts as it needs, cut at words; the last says if it was cut."""
    unicode = segments(whole).encoding is Encoding.UCS_2
    room = (TWO_SEGMENTS_UCS if unicode else TWO_SEGMENTS) - len("(4/4) ")
    room -= 2  # an escape or surrogate pair that would straddle two segments costs its place
    texts = split_at_words(whole, room)
    if len(texts) > MORE_TEXTS_MAX:
        texts = texts[:MORE_TEXTS_MAX]
        texts[-1] = split_at_words(texts[-1], room - len(" (cut)"))[0] + " (cut)"
    if len(texts) == 1:
        return (texts[0],)
    return tuple(f"({n}/{len(texts)}) {text}" for n, text in enumerate(texts, start=1))


def split_at_words(whole: str, room: int) -> list[str]:
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
