"""The words of the messages that a look orders: what is told of a lead, to whom, and which of its
numbers. The sentences themselves are ``rules.wording``'s and ``rules.spoken``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.desk import numbers
from service.desk.calls.dialling import dial_zones
from service.desk.links import Links
from service.desk.present import Crew
from service.desk.record import Held
from service.ledger import messages, recordings
from service.ledger.lead_rows import LeadRow
from service.ledger.questions import Letter
from service.rules import notices, spoken, wording, wording_calls
from service.rules.actions import Page, Ring, Tell
from service.rules.call_facts import NEVER_RANG, LeadReplied, Owing, Purpose
from service.rules.causes import Cause, cause_of, cause_of_debt, known_caller, stirred_at
from service.rules.connecting import Prospect, lines_up
from service.rules.floor import Person
from service.rules.folding import fold
from service.rules.hours import clock_text, day_text
from service.rules.lawful import dial_from
from service.rules.lead import ERASED, Lead, LeadId, PageId, RepId
from service.rules.owed import unpaid
from service.rules.policy import Policy
from service.rules.standing import Standing
from service.rules.timeline import (
    AskedAgain,
    Audience,
    Channel,
    Note,
    Outcome,
    TakenBack,
    Timeline,
)


@dataclass(frozen=True, slots=True)
class Words:
    """What is needed to word the messages of one look."""

    conn: Connection
    lead: Lead
    held: Held
    crew: Crew
    policy: Policy
    now: datetime
    letters: dict[str, Letter]
    links: Links

    def letter_of(self, person: Person) -> str | None:
        """The letter to show on a phone: one question alone needs none."""
        letter = self.letters.get(person.phone)
        return letter.letter if letter and letter.others_open else None

    def asks(self, person: Person) -> bool:
        """Whether a reply by text would find the lead: every letter of the phone may be in use."""
        letter = self.letters.get(person.phone)
        return letter is not None and letter.letter is not None

    @property
    def source(self) -> str:
        return self.crew.source_name(self.held.row.source)

    @property
    def connects(self) -> bool:
        return numbers.connects(self.crew, self.policy, self.lead, self.now)

    @property
    def private(self) -> bool:
        return numbers.is_private(self.crew, self.policy, self.lead, self.now)


# Pages


def page_body(words: Words, page: Page, person: Person, page_id: PageId) -> str:
    """What a page says, on its channel."""
    zone, cause = words.crew.zone_of(person.id), cause_of(words.held.standing, words.held.timeline)
    if page.channel is Channel.EMAIL:
        return notices.page_mail(
            clock=clock_text(zone, stirred_at(cause, words.held.row.arrived_at)),
            lead=words.lead,
            source_name=words.source,
            link=words.links.link_for(page_id),
        )
    if page.audience is Audience.OWNER:
        return _owed_body(words, page.channel, person, page_id)
    if page.channel is Channel.CALL:
        return spoken.spoken_page(
            lead=words.lead,
            source_name=words.source,
            connects=words.connects,
            cause=cause,
            said=said_of(words.conn, words.held.id, cause),
        )
    return page_text(
        words.crew,
        words.held.row,
        words.lead,
        words.held.timeline,
        rep=person.id,
        letter=words.letter_of(person),
        asks=words.asks(person),
        link=words.links.link_for(page_id),
        standing=words.held.standing,
        said=said_of(words.conn, words.held.id, cause),
    )


def page_text(
    crew: Crew,
    row: LeadRow,
    lead: Lead,
    timeline: Timeline,
    *,
    rep: RepId,
    letter: str | None,
    asks: bool,
    link: str,
    standing: Standing | None = None,
    said: str = "",
) -> str:
    """The text that pages this rep for this lead: who has it is asked for the call that is owed.
    ``said``: the first words of a voicemail."""
    seen = standing or fold(timeline)
    if seen.owner == rep and seen.reminders and unpaid(seen):
        at = seen.reminders[-1].at
        cause, by = _owed_by(seen, timeline, crew.zone_of(rep), at)
        return wording_calls.owed(
            lead,
            cause,
            clock=clock_text(crew.zone_of(rep), at),
            by=by,
            rings=numbers.connects(crew, crew.team.policy, lead, at),
            letter=letter,
            link=link,
            said=said,
            asks=asks,
        )
    stirs = cause_of(seen, timeline)
    return wording.page_text(
        clock=clock_text(crew.zone_of(rep), stirred_at(stirs, row.arrived_at)),
        lead=lead,
        source_name=crew.source_name(row.source),
        letter=letter,
        again=any(isinstance(event.fact, AskedAgain) for event in timeline),
        link=link,
        asks=asks,
        cause=stirs,
        said=said,
    )


def _owed_body(words: Words, channel: Channel, person: Person, page_id: PageId) -> str:
    """To a lead's owner, about the call that is owed."""
    standing, timeline = words.held.standing, words.held.timeline
    zone = words.crew.zone_of(person.id)
    cause, by = _owed_by(standing, timeline, zone, words.now)
    said = said_of(words.conn, words.held.id, cause)
    if channel is Channel.CALL:
        return spoken.spoken_owed(words.lead, cause, by=by, connects=words.connects, said=said)
    return wording_calls.owed(
        words.lead,
        cause,
        clock=clock_text(zone, words.now),
        by=by,
        rings=words.connects,
        letter=words.letter_of(person),
        link=words.links.link_for(page_id),
        said=said,
        asks=words.asks(person),
    )


def _owed_by(
    standing: Standing, timeline: Timeline, zone: str, otherwise: datetime
) -> tuple[Cause, str]:
    """Which call its owner is asked for, and by when, on their own clock."""
    debts = unpaid(standing)
    if not debts:
        return Cause(Owing.SECOND_CALL), clock_text(zone, otherwise)
    return cause_of_debt(standing, debts[0], timeline), clock_text(zone, debts[0].due_at)


def said_of(conn: Connection, lead_id: LeadId, cause: Cause | None) -> str:
    """What a lead said on the voicemail that a page is about, as far as it is in words by now."""
    if cause is None or cause.kind is not Owing.VOICEMAIL:
        return ""
    heard = (each for each in recordings.of_lead(conn, lead_id) if each.kind == "voicemail")
    newest = next((each for each in heard if each.call_id == cause.call_id), None)
    return (newest.transcript or "") if newest else ""


# Rings


def ring_body(words: Words, ring: Ring) -> str:
    """What a rep who is rung would hear as things are; what they do hear is worded when they pick
    up."""
    standing, recorded = words.held.standing, words.policy.calls.record
    if ring.purpose is Purpose.INBOUND:
        known = known_caller(words.held.timeline)
        return spoken.caller_whisper(words.lead, known=known, recorded=recorded)
    cause = cause_of(standing, words.held.timeline)
    return spoken.whisper(
        words.lead,
        words.source,
        recorded=recorded,
        owed=spoken.cause_words(cause) if cause else "",
        said=said_of(words.conn, words.held.id, cause),
    )


# Notes


def note_body(words: Words, tell: Tell, person: Person) -> str:
    """What a note says to a rep."""
    lead, letter = words.lead, words.letter_of(person)
    match tell.note:
        case Note.YOURS | Note.RINGING | Note.HELD | Note.LAWFUL_LATER:
            return _yours(words, tell.note, person)
        case Note.MISSED_RING:
            rang = getattr(_fact_told(words, tell), "reason", None) not in NEVER_RANG
            return wording_calls.missed_ring(lead, letter=letter, rang=rang)
        case Note.ASK:
            return wording_calls.ask(lead, letter=letter)
        case Note.REPLIED:
            return _replied(words, tell, person)
        case Note.TAKEN:
            return wording.taken(_owner_name(words, tell), lead)
        case Note.PASSED_ON:
            return wording.passed_on(lead)
        case Note.TAKEN_BACK:
            taken = _fact_told(words, tell)
            assert isinstance(taken, TakenBack)
            after_s = words.policy.calls.take_back_after_s
            return wording.taken_back(lead, after_s=after_s, letter=letter, why=taken.why)
        case Note.CLOSED:
            return wording.closed(lead)
        case Note.LOGGED:
            return _logged(words, tell, person)


def _yours(words: Words, note: Note, person: Person) -> str:
    lead, name = words.lead, person.first_name
    number = lead.phone if words.policy.calls.show_number else None
    if note is Note.YOURS and words.connects and lines_up(words.held.standing, words.now):
        return wording_calls.yours_on_the_line(lead, first_name=name)
    match note:
        case Note.RINGING:
            return wording_calls.ringing(lead, first_name=name, number=number)
        case Note.HELD:
            return wording_calls.held(lead, first_name=name, number=number)
        case Note.LAWFUL_LATER:
            clock = _lawful_clock(words.crew, words.held, person, words.now)
            return wording_calls.lawful_later(lead, first_name=name, clock=clock, number=number)
        case _:
            return yours_text(
                words.crew,
                words.policy,
                lead,
                person,
                words.now,
                letter=words.letter_of(person),
                within_s=words.policy.calls.take_back_after_s,
            )


def yours_text(
    crew: Crew,
    policy: Policy,
    lead: Lead,
    person: Person,
    now: datetime,
    *,
    letter: str | None = None,
    within_s: int | None = None,
) -> str:
    """To a rep who has a lead and is not rung: how to reach it."""
    if numbers.is_private(crew, policy, lead, now):
        team_number = crew.team.carrier.leads_call_from
        return wording_calls.call_through(
            lead, first_name=person.first_name, team_number=team_number
        )
    return wording.yours(lead, first_name=person.first_name, letter=letter, within_s=within_s)


def not_yet_text(
    crew: Crew, held: Held, person: Person, expected: Prospect, now: datetime
) -> str | None:
    """To a rep who has a lead, asks to be rung and is not rung at once: when they will be."""
    lead = held.person or ERASED
    if expected is Prospect.HELD:
        return wording_calls.held(lead, first_name=person.first_name)
    if expected is Prospect.LATER:
        clock = _lawful_clock(crew, held, person, now)
        return wording_calls.lawful_later(lead, first_name=person.first_name, clock=clock)
    return None


def _lawful_clock(crew: Crew, held: Held, person: Person, now: datetime) -> str | None:
    """When the lead may be called, on the rep's own clock."""
    lawful_at = dial_from(dial_zones(held, crew) or (), now)
    return clock_text(crew.zone_of(person.id), lawful_at) if lawful_at else None


def _logged(words: Words, tell: Tell, person: Person) -> str:
    said = _fact_told(words, tell)
    assert isinstance(said, Outcome)
    when = said.reason
    if said.call_at is not None:
        when = day_text(words.crew.zone_of(person.id), said.call_at)
    return wording.logged(words.lead, said.outcome, when)


def _replied(words: Words, tell: Tell, person: Person) -> str:
    wrote = _fact_told(words, tell)
    assert isinstance(wrote, LeadReplied)
    body = messages.message(words.conn, wrote.message_id) or ""
    return wording_calls.replied(
        words.lead,
        body,
        private=words.private,
        rings=words.connects,
        letter=words.letter_of(person),
        source_name=words.source,
    )


def _fact_told(words: Words, tell: Tell) -> object:
    return next(event.fact for event in words.held.timeline if event.seq == tell.re)


def _owner_name(words: Words, tell: Tell) -> str:
    owner = getattr(_fact_told(words, tell), "owner", None)
    person = words.crew.people.get(RepId(owner)) if owner else None
    return person.name if person else "Somebody"
