"""From a verdict's actions to rows of the outbox: which words, to which number, good until when.

Called by ``attend`` alone, inside its transaction; it holds the phones it asks. The words
themselves are ``rules.wording``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.links import Links
from service.desk.present import Crew
from service.desk.record import Held
from service.ledger import questions
from service.ledger.lead_rows import LeadRow
from service.ledger.look import Opened
from service.ledger.outbox_rows import Order, OutboxKind
from service.ledger.questions import Letter
from service.rules import notices, spoken, wording
from service.rules.decide import Action, Page, Tell
from service.rules.floor import Person
from service.rules.hours import clock_text
from service.rules.lead import ERASED, Lead, PageId, RepId
from service.rules.policy import Policy
from service.rules.timeline import (
    AskedAgain,
    Channel,
    Event,
    Note,
    Outcome,
    Paged,
    Timeline,
    Told,
)

_PAGE_KINDS: dict[Channel, OutboxKind] = {
    Channel.TEXT: "page_text",
    Channel.CALL: "page_call",
    Channel.EMAIL: "page_email",
}


@dataclass(frozen=True, slots=True)
class _Words:
    """What is needed to word the messages of one look."""

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


@dataclass(frozen=True, slots=True)
class Worded:
    """Messages ready to be ordered, and the questions they open."""

    orders: tuple[Order, ...] = ()
    opened: tuple[Opened, ...] = ()


def _mute(crew: Crew, known: Held, rep: RepId) -> bool:
    return crew.team.texts_off or (crew.people[rep].phone, Channel.TEXT) in known.deaf


def word_messages(
    desk: Desk,
    conn: Connection,
    known: Held,
    actions: Sequence[Action],
    events: Sequence[Event],
    policy: Policy,
    now: datetime,
) -> Worded:
    """The messages of these actions. People who have left get none, nor does a note go to a phone
    that texts do not reach, or while the team's texts are off: the call itself said it."""
    crew = desk.present.crew()
    sending = [
        (action, event, crew.people[action.rep])
        for action, event in zip(actions, events, strict=True)
        if isinstance(action, Page | Tell)
        and action.rep in crew.people
        and not (isinstance(action, Tell) and _mute(crew, known, action.rep))
        and _address(action, crew.people[action.rep])
    ]
    if not sending:
        return Worded()
    asking = {person.phone: event for action, event, person in sending if _asks(action)}
    letters = questions.letters_for(conn, known.id, list(asking), now)
    words = _Words(known.person or ERASED, known, crew, policy, now, letters, desk.links)
    orders = tuple(_order(words, action, event, person) for action, event, person in sending)
    return Worded(
        orders=orders,
        opened=tuple(
            Opened(order.to_number, letter, order.rep_id, order.id)
            for order in orders
            if order.to_number in asking
            and order.rep_id is not None
            and order.seq == asking[order.to_number].seq
            and (letter := letters[order.to_number].letter) is not None
        ),
    )


def _asks(action: Page | Tell) -> bool:
    """Whether a message leaves a question open on a phone: a page does (but an e-mail, which is
    answered by its link), so do a lead of one's own and one that was taken back, which may be
    taken again."""
    if isinstance(action, Page):
        return action.channel is not Channel.EMAIL
    return action.note in (Note.YOURS, Note.TAKEN_BACK)


def _order(words: _Words, action: Page | Tell, event: Event, person: Person) -> Order:
    fact = event.fact
    assert isinstance(fact, Paged | Told)
    if isinstance(action, Page):
        channel = action.channel
        body = _page_body(words, channel, person, fact.page_id)
        kind: OutboxKind = _PAGE_KINDS[channel]
    else:
        channel, kind = Channel.TEXT, "note_text"
        body = _note_body(words, action, person)
    return Order(
        id=fact.page_id,
        lead_id=words.held.id,
        seq=event.seq,
        kind=kind,
        channel=channel,
        rep_id=person.id,
        to_number=_address(action, person),
        body=body,
        not_after=action.not_after,
        ordered_at=words.now,
    )


def _address(action: Page | Tell, person: Person) -> str:
    """Where a message goes; empty for an e-mail to somebody who has no address by now."""
    by_mail = isinstance(action, Page) and action.channel is Channel.EMAIL
    return (person.email or "") if by_mail else person.phone


def _page_body(words: _Words, channel: Channel, person: Person, page_id: PageId) -> str:
    source = words.crew.source_name(words.held.row.source)
    if channel is Channel.EMAIL:
        return notices.page_mail(
            clock=clock_text(words.crew.zone_of(person.id), words.held.row.arrived_at),
            lead=words.lead,
            source_name=source,
            link=words.links.link_for(page_id),
        )
    if channel is Channel.CALL:
        return spoken.spoken_page(lead=words.lead, source_name=source)
    return page_text(
        words.crew,
        words.held.row,
        words.lead,
        words.held.timeline,
        rep=person.id,
        letter=words.letter_of(person),
        asks=words.asks(person),
        link=words.links.link_for(page_id),
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
) -> str:
    """The text that pages this rep for this lead."""
    return wording.page_text(
        clock=clock_text(crew.zone_of(rep), row.arrived_at),
        lead=lead,
        source_name=crew.source_name(row.source),
        letter=letter,
        again=any(isinstance(event.fact, AskedAgain) for event in timeline),
        link=link,
        asks=asks,
    )


def _note_body(words: _Words, tell: Tell, person: Person) -> str:
    lead = words.lead
    after_s = words.policy.calls.take_back_after_s
    letter = words.letter_of(person)
    match tell.note:
        case Note.YOURS:
            return wording.yours(
                lead, first_name=person.first_name, letter=letter, within_s=after_s
            )
        case Note.TAKEN:
            return wording.taken(_owner_name(words, tell), lead)
        case Note.PASSED_ON:
            return wording.passed_on(lead)
        case Note.TAKEN_BACK:
            return wording.taken_back(lead, after_s=after_s, letter=letter)
        case Note.CLOSED:
            return wording.closed(lead)
        case Note.LOGGED:
            said = _fact_told(words, tell)
            assert isinstance(said, Outcome)
            return wording.logged(lead, said.outcome, said.reason)


def _fact_told(words: _Words, tell: Tell) -> object:
    return next(event.fact for event in words.held.timeline if event.seq == tell.re)


def _owner_name(words: _Words, tell: Tell) -> str:
    owner = getattr(_fact_told(words, tell), "owner", None)
    person = words.crew.people.get(RepId(owner)) if owner else None
    return person.name if person else "Somebody"
