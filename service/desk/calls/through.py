"""Call-through: somebody calls a number of ours from the phone of a person on the team.

They are asked which lead they want: first those they were paged for and that wait, then those they
have, last touched first, one after the other. A caller's number can be forged, so a key is always
needed, no number of a lead is ever said, and of a lead no more than its name and what it asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

import structlog
from sqlalchemy import Connection

from service.desk.calls import welcome
from service.desk.calls.bridge import (
    CONNECT_KEY,
    PASS_KEY,
    WRONG_KEYS_MAX,
    RepLeg,
    connect,
    in_the_way,
    taken_meanwhile,
)
from service.desk.calls.once import Heard, News, once
from service.desk.desk import Desk, new_page_id
from service.desk.record import Held, numbered, record
from service.ledger import in_hand, inbound, leads, questions
from service.phone import urls, voice, voice_calls
from service.phone.call_callbacks import Keyed
from service.phone.caller_callbacks import InboundCall
from service.rules import answers, spoken
from service.rules.floor import Person
from service.rules.lead import ERASED, CallId, Lead, LeadId
from service.rules.standing import State
from service.rules.timeline import By, Fact

# A menu that goes on is hung up on.
OFFERS_MAX = 4
NEXT_KEY, CALLER_KEY = "*", "9"

log = structlog.get_logger("through")


@dataclass(frozen=True, slots=True)
class Offer:
    """Which lead the rep was asked about when they pressed a key, as we wrote it into the URL:
    the ``place`` of it among those that are offered; no lead: nothing was waiting."""

    lead_id: LeadId | None = None
    place: int = 0
    wrong_keys: int = 0


def answer(desk: Desk, call: InboundCall, person: Person) -> str:
    """What a colleague hears who calls us. A replay gets the same. Raises LedgerUnavailable."""
    return _remembered(desk, call.dedupe_key, partial(_offered, desk, person, call.sid, 0))


def hear_key(desk: Desk, call: InboundCall, key: Keyed, offer: Offer) -> str:
    """Act on the key of a colleague who called us; what they hear then. A replay gets the same.
    Raises LeadBusy, LedgerUnavailable."""
    person = desk.present.crew().by_phone.get(call.number or "")
    if person is None or key.sid != call.sid:
        log.warning("through", outcome="ignored", because="a key on nobody's call")
        return voice_calls.hang_up()
    name = f"key:{key.dedupe_key}:{offer.lead_id}:{offer.place}:{offer.wrong_keys}"
    if key.digit == CALLER_KEY:
        return welcome.caller(desk, call, f"{call.dedupe_key}:as-caller", person.id)
    if key.digit == NEXT_KEY:
        following = partial(_offered, desk, person, call.sid, offer.place + 1)
        return _remembered(desk, name, following)
    if key.digit in (CONNECT_KEY, PASS_KEY) and offer.lead_id is not None:
        return _chosen(desk, call, person, key.digit, offer, name)
    if offer.wrong_keys + 1 >= WRONG_KEYS_MAX:
        return voice_calls.hang_up()
    wrong_keys = offer.wrong_keys + 1
    again = partial(_offered, desk, person, call.sid, offer.place, wrong_keys=wrong_keys)
    return _remembered(desk, name, again)


def _remembered(desk: Desk, name: str, said: Callable[[Connection], str]) -> str:
    """Words that change nothing, and are the same for every delivery of what asked for them."""
    with desk.ledger.transaction() as conn:
        before = inbound.seen(conn, name)
        if before is None:
            document = said(conn)
            if inbound.remember(conn, name, "through", None, document, desk.clock.now()):
                return document
            before = inbound.seen(conn, name)
    return (before.answer if before else None) or voice_calls.hang_up()


# Which lead is offered


def _offered(
    desk: Desk,
    person: Person,
    sid: str,
    place: int,
    conn: Connection,
    *,
    wrong_keys: int = 0,
) -> str:
    """The lead at this place among those offered, with its keys; or that nothing is waiting."""
    offered = _candidates(desk, conn, person)
    key_url = urls.through_key_url(desk.links.public_url, sid)
    if place >= len(offered):
        words = spoken.nothing_waiting()
        return voice_calls.menu(words, f"{key_url}?place={place}&wrong={wrong_keys}")
    lead = leads.person_of(conn, offered[place]) or ERASED
    words = _about(lead, more=place + 1 < len(offered))
    asked = f"?lead={offered[place]}&place={place}&wrong={wrong_keys}"
    return voice_calls.menu(words, key_url + asked)


def _candidates(desk: Desk, conn: Connection, person: Person) -> list[LeadId]:
    """The leads to offer: those that wait and this phone was paged for, the newest page first;
    then those that they have, last touched first."""
    asked = questions.questions_of(conn, person.phone)
    newest = sorted(asked, key=lambda each: each.opened_at, reverse=True)
    waits = (each.lead_id for each in newest if _waits(conn, each.lead_id))
    waiting = list(islice(waits, OFFERS_MAX))
    mine = in_hand.held_by(conn, person.id, OFFERS_MAX)
    return list(dict.fromkeys([*waiting, *mine]))[:OFFERS_MAX]


def _waits(conn: Connection, lead_id: LeadId) -> bool:
    view = leads.read_lead(conn, lead_id)
    return view is not None and view.row.state == State.WAITING


def _about(lead: Lead, *, more: bool) -> str:
    """A lead as whoever holds this phone may hear of it: its name, and what it asked."""
    known = Lead(name=lead.name, ask=lead.ask, phone=lead.phone, email=lead.email)
    further = " Star for the next one." if more else ""
    return f"{spoken.whisper(known, '')}{further} 9 to go on as a caller."


# What a key does


def _chosen(
    desk: Desk, call: InboundCall, person: Person, digit: str, offer: Offer, name: str
) -> str:
    lead_id = offer.lead_id
    nothing = voice.say_and_hang_up(spoken.spoken_closed())

    def acts(conn: Connection, held: Held, now: datetime) -> Heard:
        # The address is signed, and still: no key reaches a lead that this phone was not offered.
        if held.id not in _candidates(desk, conn, person) and held.standing.owner != person.id:
            way = taken_meanwhile(desk, held.standing, person.id, now)
            return Heard(voice.say_and_hang_up(way.words) if way else nothing)
        if digit == PASS_KEY:
            return _passes(desk, conn, held, person, call.sid, offer, now)
        return _connects(desk, conn, held, person, call.sid, now)

    document = once(desk, News(name, "through"), lambda _conn: lead_id, acts, nothing)
    return document or nothing


def _connects(
    desk: Desk, conn: Connection, held: Held, person: Person, sid: str, now: datetime
) -> Heard:
    """Dial the lead on this very call; it is theirs then, if nobody has it."""
    claim = answers.claim(held.standing, person.id, By.CALL_THROUGH, rings=True)
    way = in_the_way(desk, held, person.id, now)
    if way is None:
        leg = RepLeg(person.id, sid, CallId(new_page_id()), "through")
        first = () if held.standing.owner == person.id else claim
        return Heard(connect(desk, conn, held, leg, now, first=first), stirred=True)
    # A lead that may not be dialled now is theirs all the same, and rings them when it may.
    _record(conn, held, claim, person, now, "pressed 1 on a call to us")
    return Heard(voice.say_and_hang_up(way.words), stirred=bool(claim))


def _passes(
    desk: Desk,
    conn: Connection,
    held: Held,
    person: Person,
    sid: str,
    offer: Offer,
    now: datetime,
) -> Heard:
    """Passed on; the next lead is offered, which is at the same place by now."""
    said = answers.decline(held.standing, person.id, By.CALL_THROUGH)
    _record(conn, held, said, person, now, "pressed 2 on a call to us")
    return Heard(_offered(desk, person, sid, offer.place, conn), stirred=bool(said))


def _record(
    conn: Connection,
    held: Held,
    facts: tuple[Fact, ...],
    person: Person,
    now: datetime,
    because: str,
) -> None:
    actor = f"rep:{person.id}"
    record(conn, held, numbered(held, facts, at=now, now=now, because=because, actor=actor))
