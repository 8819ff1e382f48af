"""From a verdict's actions to rows of the outbox: which words, to which number, good until when.

Called by ``attend`` alone, inside its transaction. The words themselves are ``rules.wording``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.present import Crew
from service.desk.record import Held
from service.ledger import leads, outbox, questions
from service.ledger.outbox import Order
from service.ledger.questions import Asking
from service.rules import wording
from service.rules.decide import Action, Page, Tell
from service.rules.floor import Person
from service.rules.hours import clock_text
from service.rules.lead import Lead, RepId
from service.rules.policy import Policy
from service.rules.timeline import (
    AskedAgain,
    Channel,
    Event,
    Note,
    Outcome,
    Paged,
    Told,
)

ERASED = Lead(name="", ask="")


@dataclass(frozen=True, slots=True)
class _Words:
    """What is needed to word the messages of one look."""

    lead: Lead
    held: Held
    crew: Crew
    policy: Policy
    now: datetime
    letters: dict[str, str | None]

    def letter_of(self, person: Person) -> str | None:
        return self.letters.get(person.phone)


def order_messages(
    desk: Desk,
    conn: Connection,
    known: Held,
    actions: Sequence[Action],
    events: Sequence[Event],
    policy: Policy,
    now: datetime,
) -> int:
    """Order the messages of these actions; how many. People who have left get
    none, nor does a note while the team's texts are off: the call itself said it."""
    crew = desk.present.crew()
    sending = [
        (action, event, crew.people[action.rep])
        for action, event in zip(actions, events, strict=True)
        if isinstance(action, Page | Tell)
        and action.rep in crew.people
        and not (isinstance(action, Tell) and crew.team.texts_off)
    ]
    if not sending:
        return 0
    lead = leads.person_of(conn, known.id) or ERASED
    words = _Words(lead, known, crew, policy, now, _letters(conn, known, sending, now))
    orders = [_order(words, action, event, person) for action, event, person in sending]
    outbox.order(conn, orders)
    for order in orders:
        if order.channel is Channel.TEXT:
            asks = known.id if order.kind == "page_text" else None
            questions.note_last_text(conn, order.to_number, order.id, asks, now)
    return len(orders)


def _letters(
    conn: Connection,
    known: Held,
    sending: Sequence[tuple[Page | Tell, Event, Person]],
    now: datetime,
) -> dict[str, str | None]:
    """Open the questions that these pages ask; the letter to show on each phone, if any.

    A letter is shown when the phone has another question open: one alone needs none.
    """
    askings = [
        Asking(person.phone, person.id, event.fact.page_id)
        for action, event, person in sending
        if isinstance(event.fact, Paged | Told) and _asks(action)
    ]
    letters = questions.open_questions(conn, known.id, askings, now)
    shown: dict[str, str | None] = {}
    for phone, letter in letters.items():
        others = [
            q for q in questions.questions_of(conn, phone) if q.lead_id != known.id
        ]
        shown[phone] = letter if others else None
    return shown


def _asks(action: Page | Tell) -> bool:
    """Whether a message leaves a question open: a page does, so do a lead of one's own and one
    that was taken back, which may be taken again."""
    return isinstance(action, Page) or action.note in (Note.YOURS, Note.TAKEN_BACK)


def _order(words: _Words, action: Page | Tell, event: Event, person: Person) -> Order:
    fact = event.fact
    assert isinstance(fact, Paged | Told)
    if isinstance(action, Page):
        channel = action.channel
        body = _page_body(words, channel, person)
        kind: outbox.OutboxKind = (
            "page_text" if channel is Channel.TEXT else "page_call"
        )
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
        to_number=person.phone,
        body=body,
        not_after=action.not_after,
        ordered_at=words.now,
    )


def _page_body(words: _Words, channel: Channel, person: Person) -> str:
    source = words.crew.source_name(words.held.row.source)
    if channel is Channel.CALL:
        return wording.spoken_page(lead=words.lead, source_name=source)
    return wording.page_text(
        clock=clock_text(words.crew.zone_of(person.id), words.held.row.arrived_at),
        lead=words.lead,
        source_name=source,
        letter=words.letter_of(person),
        again=any(isinstance(event.fact, AskedAgain) for event in words.held.timeline),
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
