"""The words of a rep's page: a card as its template shows it, every value ready to be read.

What may be shown is settled before (``desk.link_cards``); here it is only put into words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import phonenumbers

from service.desk.link_cards import MAY_CLAIM, MAY_LOG, CallMade, CallOwed, Card, Message
from service.desk.present import Crew
from service.rules.call_facts import Owing
from service.rules.causes import Cause
from service.rules.hours import clock_text, day_text, local_date
from service.rules.lead import Lead, RepId
from service.rules.masking import plain, without_numbers
from service.rules.replies import ENDING_OF, ENDING_WORDS
from service.rules.standing import Came
from service.rules.timeline import Ending

# Further fields of a source than this are a form's plumbing, not what somebody asked.
EXTRA_MAX = 30
PAGES_VIEWED_MAX = 10

# As they lie under a thumb: what a call came to first, then what ends the lead.
GOES_ON = ("3", "4", "5")
LATER = "8"
CLOSES = ("7", "9", "6", "0")

_WORD_OF = {ending: ENDING_WORDS[key] for key, ending in ENDING_OF.items()}

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class MessageView:
    """A voicemail to play: ``path`` is from the page's own address."""

    path: str
    heading: str
    words: str


@dataclass(frozen=True, slots=True)
class CardView:
    """One lead on the page. Texts are plain: the template escapes them. ``waited_s`` and
    ``left_s`` are whole seconds, for the clock that a script moves on.

    ``connects``: their phone can be rung for the lead; ``through`` is our number, where it stands
    for the lead's; ``lawful`` when the lead may be called, if not now. ``doing`` is what happens on
    the line just now, ``asks`` when the call was whose outcome only they can tell, ``call`` what
    the last call came to, ``owed`` the call that is owed, ``news`` why a known lead waits.
    """

    token: str
    stance: str
    may_claim: bool
    may_log: bool
    name: str
    place: str
    ask: str
    facts: tuple[tuple[str, str], ...]
    phone: str | None
    phone_shown: str
    phone_as_given: str
    email: str | None
    mailto: str
    no_phone: bool
    source: str
    arrived: str
    asked_again: bool
    waited: str
    waited_s: int
    owner: str
    by: str
    left_s: int
    logged: str
    logged_at: str
    agreed: str
    connects: bool
    through: str
    through_shown: str
    lawful: str
    doing: str
    asks: str
    call: str
    owed: str
    news: str
    voicemails: tuple[MessageView, ...]


def card_view(card: Card, crew: Crew, rep: RepId, now: datetime) -> CardView:
    """The card in words, its times on the rep's own clock."""
    zone, lead = crew.zone_of(rep), card.lead or Lead()
    owner = crew.people.get(card.owner) if card.owner else None
    waited_s = max(0, int((now - card.since).total_seconds()))
    said, said_at, agreed = card.logged or (None, None, None)
    return CardView(
        token=card.token,
        stance=card.stance.value,
        may_claim=card.stance in MAY_CLAIM,
        may_log=card.stance in MAY_LOG,
        name=lead.name or "No name given",
        place=lead.place,
        ask=lead.ask or lead.product or "",
        facts=tuple(_facts(lead)),
        phone=lead.phone,
        phone_shown=spaced(lead.phone) if lead.phone else "",
        phone_as_given=(lead.phone_as_given or "") if not lead.phone else "",
        email=lead.email,
        mailto=mailto(lead.email) if lead.email else "",
        no_phone=not card.has_phone,
        source=card.source_name,
        arrived=clock_text(zone, card.arrived_at),
        asked_again=card.asked_again,
        waited=lasted(waited_s),
        waited_s=waited_s,
        owner=owner.name if owner else "Somebody",
        by=clock_text(zone, card.by) if card.by else "",
        left_s=max(0, int((card.by - now).total_seconds())) if card.by else 0,
        logged=_WORD_OF[said] if said else "",
        logged_at=clock_text(zone, said_at) if said_at else "",
        agreed=agreed or "",
        **_calls(card, zone, now),
    )


def _calls(card: Card, zone: str, now: datetime) -> dict[str, Any]:
    """What the card says of calls with the lead."""
    way, call = card.way, card.call
    through = way.number if way.private else None
    asks = call is not None and call.asks and not card.talking
    return {
        "connects": way.connects and not card.talking,
        "through": through or "",
        "through_shown": spaced(through) if through else "",
        "lawful": when_shown(zone, way.lawful_at, now) if way.lawful_at else "",
        "doing": "On the line now" if card.talking else "Your phone rings now" * card.ringing,
        "asks": clock_text(zone, call.at) if call and asks else "",
        "call": came_shown(call, zone, now) if call and not call.asks else "",
        "owed": owed_shown(card.owed, zone, now) if card.owed else "",
        "news": news_shown(card.cause) if card.cause else "",
        "voicemails": tuple(_voicemail(each, card, zone, now) for each in card.voicemails),
    }


def came_shown(call: CallMade, zone: str, now: datetime) -> str:
    """What a call came to: ``Called at 10:15: talked for 2:05``."""
    if call.voicemail:
        came = "voicemail left"
    elif call.came is Came.CONTACTED:
        came = f"talked for {lasted(int(call.bridged_s))}"
    elif call.came is Came.SHORT_ANSWER:
        came = "answered, and soon over"
    elif call.came is Came.NO_ANSWER:
        came = "no answer"
    else:
        came = "not put through" if call.came is Came.ABANDONED else "over"
    return f"Called at {when_shown(zone, call.at, now)}: {came}"


def news_shown(cause: Cause) -> str:
    """Why a known lead waits: ``They left a voicemail of 0:23``."""
    match cause.kind:
        case Owing.VOICEMAIL:
            long = f" of {lasted(round(cause.seconds))}" if cause.seconds else ""
            return f"They left a voicemail{long}"
        case Owing.CALL_BACK:
            return "They called, and nobody answered"
        case _:
            return f"A call is owed: the {cause.call} one"


def owed_shown(owed: CallOwed, zone: str, now: datetime) -> str:
    """The call that is owed, and by when: ``2nd call owed by 10:30``."""
    by = when_shown(zone, owed.due_at, now)
    match owed.cause.kind:
        case Owing.VOICEMAIL:
            what = "They left a voicemail: call back"
        case Owing.CALL_BACK:
            what = "They called and nobody answered: call back"
        case _:
            call = owed.cause.call
            what = f"{call[:1].upper()}{call[1:]} call owed"
    return f"{what} by {by}" + (", overdue" if owed.missed else "")


def when_shown(zone: str, at: datetime, now: datetime) -> str:
    """The time on their wall, with its day unless that is today: ``Fri 6 Mar 16:00``."""
    if local_date(zone, at) == local_date(zone, now):
        return clock_text(zone, at)
    return day_text(zone, at)


def _voicemail(message: Message, card: Card, zone: str, now: datetime) -> MessageView:
    heading = f"Voicemail, {lasted(message.seconds)}, {when_shown(zone, message.at, now)}"
    lead = card.lead or Lead()
    words = plain(message.words)
    return MessageView(
        path=f"{card.token}/voicemail/{quote(message.sid, safe='')}",
        heading=heading,
        words=without_numbers(words, lead) if card.way.private else words,
    )


def _facts(lead: Lead) -> Iterator[tuple[str, str]]:
    """What else they told, in the order in which it helps on a call."""
    named = (
        ("Company", lead.company),
        ("About", lead.product if lead.ask else None),
        ("Speaks", lead.language),
        ("Prefers", lead.preferred_channel),
        ("Best time", lead.preferred_time),
        ("Decides", lead.decision_maker),
        ("Came from", lead.referrer),
        ("Landed on", lead.landing_page),
        ("Looked at", ", ".join(lead.pages_viewed[:PAGES_VIEWED_MAX])),
        *lead.extra[:EXTRA_MAX],
    )
    yield from ((name, value) for name, value in named if value)


def spaced(phone: str) -> str:
    """A number in E.164 as people read it: ``+1 212-555-0155``."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def mailto(email: str) -> str:
    """The address as a link (RFC 6068): a stranger's ``?bcc=`` stays a part of the address."""
    return f"mailto:{quote(email, safe='@')}"


def lasted(seconds: int) -> str:
    """How long somebody waits: ``2:13``, ``1 h 12 min``, ``3 days``."""
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}:{seconds % _MINUTE:02}"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    days = seconds // _DAY
    return "1 day" if days == 1 else f"{days} days"


def ending_of(key: str) -> Ending | None:
    """The outcome that a digit means, as in a text."""
    return ENDING_OF.get(key)
