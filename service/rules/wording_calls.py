"""The texts about calls: being rung and connected, how a call went, which call is owed.

Part of ``wording``. None of these tells a lead's number, unless it is given to be told: numbers
are kept private where the product connects the two.
"""

from __future__ import annotations

from service.rules.call_facts import Owing
from service.rules.causes import Cause
from service.rules.lead import Lead
from service.rules.masking import (
    LINK,
    NAME_MAX,
    capital,
    name_of,
    plain,
    readable,
    short_name,
    shown,
)
from service.rules.masking import without_numbers as hide_numbers
from service.rules.replies import ENDING_WORDS
from service.rules.segments import GSM_ALONE, cut, is_gsm, segments, septets, to_gsm
from service.rules.wording import (
    CLOCK_MAX,
    NAME_LISTED_MAX,
    SOURCE_MAX,
    TWO_SEGMENTS,
    TWO_SEGMENTS_UCS,
    cause_name,
    ended,
    grouped,
    keys_of,
    loses_letters,
)

# Less of somebody's words than this says nothing.
SAID_LEAST = 10
# A name that had to give way to words must still be known.
NAME_KEPT = 20


def ringing(lead: Lead, *, first_name: str, number: str | None = None) -> str:
    """To the rep who claimed, while their phone begins to ring. ``number``: the lead's, where the
    team shows it."""
    return f"{_is_yours(lead, first_name)} Your phone rings now, press 1 to be connected." + (
        f" Their number: {grouped(number)}." if number else ""
    )


def held(lead: Lead, *, first_name: str, number: str | None = None) -> str:
    """To a rep who claimed while on a call."""
    text = f"{_is_yours(lead, first_name)} Your phone rings when you have hung up."
    return text + (f" Their number: {grouped(number)}." if number else "")


def lawful_later(
    lead: Lead, *, first_name: str, clock: str | None, number: str | None = None
) -> str:
    """To a rep who claimed a lead that may not be called yet; ``clock`` is when it may, on the
    rep's own clock."""
    when = f"from {cut(to_gsm(clock), CLOCK_MAX)} on" if clock else "later"
    text = f"{_is_yours(lead, first_name)} They may be called {when}, your phone rings then."
    return text + (f" Their number: {grouped(number)}." if number else "")


def call_through(lead: Lead, *, first_name: str, team_number: str) -> str:
    """To a rep whom we cannot ring: who calls the team's number is connected."""
    return f"{_is_yours(lead, first_name)} Call {grouped(team_number)} to be connected."


def yours_on_the_line(lead: Lead, *, first_name: str) -> str:
    """To a rep who claimed while a call with the lead is up: no phone rings for it."""
    return f"{_is_yours(lead, first_name)} They are on the line just now."


def missed_ring(lead: Lead, *, letter: str | None = None, rang: bool = True) -> str:
    """To a rep whom we rang in vain, or, if no phone ``rang`` that we know of, could not ring."""
    again, no = keys_of("1", letter), keys_of("2", letter)
    what = "Missed you" if rang else "We could not ring you"
    return f"{short_name(lead)}: {what}. {again} ring again, {no} pass."


def on_the_line(lead: Lead) -> str:
    """To a rep who asks to be rung while a call with the lead is up."""
    return f"{short_name(lead)} is on the line just now."


def ringing_again(lead: Lead) -> str:
    """To a rep who asks to be rung while we ring them."""
    return f"Your phone rings now for {short_name(lead)}, press 1 to be connected."


def ask(lead: Lead, *, letter: str | None = None) -> str:
    """After a call whose end the carrier's facts leave open. One segment, with every digit."""
    asked = " ".join(f"{keys_of(key, letter)} {word}" for key, word in ENDING_WORDS.items())
    head, tail = "How did it go with ", f"? {asked}"
    return head + cut(short_name(lead), GSM_ALONE - septets(head + tail)) + tail


def replied(
    lead: Lead,
    wrote: str,
    *,
    private: bool,
    rings: bool,
    letter: str | None = None,
    source_name: str = "",
) -> str:
    """To who has the lead, when the lead wrote: their words, two segments at most, in their own
    script. ``private``: numbers in them are words too; ``source_name``: where somebody without a
    name came from."""
    said = LINK.sub("(link)", plain(wrote))
    said = hide_numbers(said, lead) if private else said
    said = to_gsm(said, "") if not loses_letters(said) else said
    tail = f" {keys_of('1', letter)} ring me." if rings else ""
    head = f"{_writer(lead, source_name)} wrote"
    if not any(c.isalnum() for c in said):
        return f"{head} without words.{tail}"
    words = _fitted(said, head + ": " + tail + ".")
    return f"{head}: {ended(words) if tail else words}{tail}"


def owed(
    lead: Lead,
    cause: Cause,
    *,
    clock: str,
    by: str,
    rings: bool,
    letter: str | None = None,
    link: str | None = None,
    said: str = "",
    asks: bool = True,
) -> str:
    """To who has the lead: a call is owed ``by`` then, and one key makes it, if it ``rings`` them.
    One segment. ``clock`` and ``by`` are on the rep's own clock, ``said`` is a voicemail's first
    words. What gives way, in order: their words, the link, the name. ``asks`` False: the phone has
    no letter left, so that the link alone answers it."""
    name, due = name_of(lead), cut(to_gsm(by), CLOCK_MAX)
    heard = cause.kind in (Owing.VOICEMAIL, Owing.CALL_BACK)
    head = f"{cut(to_gsm(clock), CLOCK_MAX)} {cause_name(cause)} {'from' if heard else 'to'} "
    # Who dials for themselves is told the number again for their 1.
    keys = f"{keys_of('1', letter)} {'ring me' if rings else 'number'} {keys_of('2', letter)} pass"
    keys = keys if asks else "Answer here:" if link and is_gsm(link) else ""
    tail = f" Call back by {due}. {keys}" if heard else f" is due by {due}. {keys}"
    tail = tail.rstrip()
    room = GSM_ALONE - septets(head + tail)
    linked = f" {link}" if link and is_gsm(link) else ""
    if asks and septets(linked) > room - min(septets(name), NAME_KEPT):
        linked = ""
    room -= septets(linked) + len(".")
    who = cut(name, min(room, NAME_MAX))
    words = readable(said, lead).rstrip(" .")
    room -= septets(who) + len(": ")
    quoted = f": {cut(words, room)}" if words and room >= SAID_LEAST else ""
    stop = "." if heard and not (who + quoted).endswith(".") else ""
    return head + who + quoted + stop + tail + linked


def _is_yours(lead: Lead, first_name: str) -> str:
    rep = cut(to_gsm(plain(first_name)), NAME_LISTED_MAX)
    return f"{capital(cut(name_of(lead), NAME_MAX))} is yours, {rep}."


def _writer(lead: Lead, source_name: str) -> str:
    """Who wrote, by name; failing that, by where they came from."""
    if readable(lead.name, lead):
        return cut(short_name(lead), NAME_LISTED_MAX)
    place, source = readable(lead.place, lead), cut(shown(source_name, lead), SOURCE_MAX)
    came = f" from {cut(place, NAME_LISTED_MAX)}" if place else f" ({source})" if source else ""
    return f"Somebody{came}"


def _fitted(said: str, beside: str) -> str:
    """As much of it as fits into two segments with what stands beside it."""
    if is_gsm(said):
        return cut(said, TWO_SEGMENTS - septets(beside) - 1)
    room = TWO_SEGMENTS_UCS - len(beside) - 1
    while segments(beside + said).units > room + len(beside):
        said = said[:-1]
    return said
