"""Messages that are about no page: answers to a phone, and what managers are told.

Ordered in the caller's transaction, so that each is sent once or not at all. The words are
``rules``'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection

from service.desk.desk import Desk, new_page_id
from service.ledger import health, outbox
from service.ledger.outbox_rows import Order
from service.rules.floor import Person
from service.rules.lead import LeadId, RepId
from service.rules.timeline import Channel

# An answer that comes ten minutes late answers nothing any more.
ANSWER_USEFUL = timedelta(minutes=10)
# A mail server may be away for a while, and a manager reads it when they sit down.
MAIL_USEFUL = timedelta(hours=1)
# A trouble that comes and goes is told again after this, so that a hundred e-mails of one bad
# afternoon do not hide the first.
NOTICE_AGAIN_AFTER = timedelta(minutes=10)


def answer(
    conn: Connection,
    person: Person,
    body: str,
    now: datetime,
    lead_id: LeadId | None = None,
) -> None:
    """Order a text to a phone that asks nothing."""
    outbox.order(conn, [_order(person, Channel.TEXT, person.phone, body, now, lead_id)])


def text_managers(
    desk: Desk, conn: Connection, body: str, now: datetime, about: RepId | None = None
) -> None:
    """Text every manager but the one it is ``about``; nobody while the team's texts are off."""
    if desk.present.crew().team.texts_off:
        return
    for manager in _managers(desk, about):
        answer(conn, manager, body, now)


def mail_managers(
    desk: Desk, conn: Connection, body: str, now: datetime, about: RepId | None = None
) -> None:
    """E-mail every manager who has an address, if there is a mail server. The first line of
    ``body`` is the subject."""
    if not desk.present.mail:
        return
    rows = [
        _order(manager, Channel.EMAIL, manager.email, body, now)
        for manager in _managers(desk, about)
        if manager.email
    ]
    if rows:
        outbox.order(conn, rows)


def last_said(conn: Connection, name: str) -> Mapping[str, Any]:
    """What was kept of the last notices of this name (`health.beat`); empty when nothing was."""
    return next((each.detail for each in health.beats(conn) if each.name == name), {})


def is_soon(sent: object, now: datetime) -> bool:
    """Whether a notice that was sent at this instant (as kept; None: never) is so fresh that
    another one of its kind would be noise."""
    if not isinstance(sent, str):
        return False
    sent_at = datetime.fromisoformat(sent)
    return sent_at <= now < sent_at + NOTICE_AGAIN_AFTER


def _order(
    person: Person,
    channel: Literal[Channel.TEXT, Channel.EMAIL],
    to: str,
    body: str,
    now: datetime,
    lead_id: LeadId | None = None,
) -> Order:
    """A message that asks nothing, for as long as its channel makes it useful."""
    texted = channel is Channel.TEXT
    return Order(
        id=new_page_id(),
        lead_id=lead_id,
        seq=None,
        kind="answer_text" if texted else "notice_email",
        channel=channel,
        rep_id=person.id,
        to_number=to,
        body=body,
        not_after=now + (ANSWER_USEFUL if texted else MAIL_USEFUL),
        ordered_at=now,
    )


def _managers(desk: Desk, but: RepId | None) -> Iterator[Person]:
    """By phone: a text holds what its phone was last sent, and two notices must not cross."""
    people = desk.present.crew().people.values()
    return (
        person
        for person in sorted(people, key=lambda each: each.phone)
        if person.manager and person.id != but
    )
