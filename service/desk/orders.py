"""From a verdict's actions to rows of the outbox: which words, to which number, good until when.

Called by ``attend`` alone, inside its transaction; it holds the phones it asks. The words
themselves are ``wordings``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.present import Crew
from service.desk.record import Held
from service.desk.wordings import Words, note_body, page_body, ring_body
from service.desk.wordings import page_text as page_text
from service.ledger import questions
from service.ledger.look import Opened
from service.ledger.outbox_rows import (
    LANE_BRIDGE,
    LANE_HUNT,
    LANE_OWED,
    LANE_PLAIN,
    LANE_REPEAT,
    Order,
    OutboxKind,
)
from service.rules.actions import Action, Page, Ring, Sending, Tell
from service.rules.call_facts import Purpose, Rang
from service.rules.floor import Person
from service.rules.lead import ERASED, RepId
from service.rules.policy import Policy
from service.rules.standing import Standing
from service.rules.timeline import Audience, Channel, Event, Note, Paged, Told

_PAGE_KINDS: dict[Channel, OutboxKind] = {
    Channel.TEXT: "page_text",
    Channel.CALL: "page_call",
    Channel.EMAIL: "page_email",
}

# The notes that leave a question open on a phone: a lead of one's own may be rung, given back or
# told the end of, and one that was taken back may be taken again.
_ASKING = frozenset(
    {
        *(Note.YOURS, Note.RINGING, Note.HELD, Note.LAWFUL_LATER),
        *(Note.MISSED_RING, Note.ASK, Note.REPLIED, Note.TAKEN_BACK),
    }
)


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
        if isinstance(action, Sending)
        and action.rep in crew.people
        and not (isinstance(action, Tell) and _mute(crew, known, action.rep))
        and _address(action, crew.people[action.rep])
    ]
    if not sending:
        return Worded()
    asking = {person.phone: event for action, event, person in sending if _asks(action)}
    letters = questions.letters_for(conn, known.id, list(asking), now)
    lead = known.person or ERASED
    words = Words(conn, lead, known, crew, policy, now, letters, desk.links)
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


def _asks(action: Sending) -> bool:
    """Whether a message leaves a question open on a phone. An e-mail is answered by its link, a
    ring by its key."""
    match action:
        case Page():
            return action.channel is not Channel.EMAIL
        case Tell():
            return action.note in _ASKING
        case Ring():
            return False


def _order(words: Words, action: Sending, event: Event, person: Person) -> Order:
    if isinstance(action, Ring):
        return _ring(words, action, event, person)
    fact = event.fact
    assert isinstance(fact, Paged | Told)
    lane = LANE_PLAIN
    if isinstance(action, Page):
        channel, kind = action.channel, _PAGE_KINDS[action.channel]
        body = page_body(words, action, person, fact.page_id)
        lane = _lane(words.held.standing, action, event)
    else:
        channel, kind = Channel.TEXT, "note_text"
        body = note_body(words, action, person)
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
        lane=lane,
    )


def _ring(words: Words, ring: Ring, event: Event, person: Person) -> Order:
    """A call that connects a rep; its body is kept for the record, and is not what they hear."""
    fact = event.fact
    assert isinstance(fact, Rang)
    inbound = ring.purpose is Purpose.INBOUND
    return Order(
        id=fact.leg,
        lead_id=words.held.id,
        seq=event.seq,
        kind="hunt_call" if inbound else "bridge_call",
        channel=Channel.CALL,
        rep_id=person.id,
        to_number=person.phone,
        body=ring_body(words, ring),
        not_after=ring.not_after,
        ordered_at=words.now,
        lane=LANE_HUNT if inbound else LANE_BRIDGE,
        call_id=fact.call_id,
    )


def _lane(standing: Standing, page: Page, event: Event) -> int:
    """Whose turn comes first where one call at a time may be placed: what is owed before a new
    page, and that before one more round of the last rung."""
    if page.channel is not Channel.CALL:
        return LANE_PLAIN
    if page.audience is Audience.OWNER:
        return LANE_OWED
    before = any(
        each.rung == page.rung and each.rep == page.rep and each.at < event.at and not each.trouble
        for each in standing.pages
    )
    return LANE_REPEAT if before else LANE_PLAIN


def _address(action: Sending, person: Person) -> str:
    """Where a message goes; empty for an e-mail to somebody who has no address by now."""
    by_mail = isinstance(action, Page) and action.channel is Channel.EMAIL
    return (person.email or "") if by_mail else person.phone
