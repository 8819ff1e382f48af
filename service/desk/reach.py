"""Whom a channel reaches: a phone goes deaf when its owner or the carrier says so, and hears again
when something shows it.

Called by whoever hears of it, in their transaction, which holds the lead that it was about. True
means that the floor has moved: after the commit every open lead is to be looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.notices import mail_managers, text_managers
from service.ledger import people, reach
from service.ledger.outbox_rows import OutboxRow
from service.ledger.reach import OPTED_OUT, Heard
from service.phone.codes import DEAD_IF_TWICE, failure, says_dead
from service.rules import notices
from service.rules.floor import Person
from service.rules.timeline import Channel

CHANNELS = (Channel.TEXT, Channel.CALL)
# How far back a rep's last delivered page and last answer are looked for.
LATELY = timedelta(days=7)

log = structlog.get_logger("reach")


def opted_out(
    desk: Desk, conn: Connection, person: Person, now: datetime, code: int | None = None
) -> bool:
    """They want no more texts: a stop word, or the carrier's refusal because of one."""
    return _goes_deaf(desk, conn, person, Channel.TEXT, now, OPTED_OUT, code)


def opted_in(conn: Connection, person: Person) -> bool:
    """They want texts, whatever was wrong with them before; and calls are tried again too."""
    heard = [people.make_hearing(conn, person.phone, channel) for channel in CHANNELS]
    return any(heard)


def failed(desk: Desk, conn: Connection, row: OutboxRow, now: datetime, code: int | None) -> bool:
    """A message to a rep failed with this number of the carrier's: it may say that no other one
    to that phone would fare better."""
    person = desk.present.crew().people.get(row.rep_id) if row.rep_id else None
    if person is None or code is None or row.to_number != person.phone:
        return False
    why = failure(code).reason
    if why == OPTED_OUT:
        return opted_out(desk, conn, person, now, code)
    # Of a number that takes no texts only a text can tell.
    spoken = why == "cannot_text" and row.channel is not Channel.TEXT
    if not says_dead(code) or row.channel not in CHANNELS or spoken:
        return False
    if code in DEAD_IF_TWICE and not reach.failed_so_before(
        conn, person.id, row.to_number, row.id, code
    ):
        return False
    return _goes_deaf(desk, conn, person, row.channel, now, why, code)


def came_through(conn: Connection, phone: str, channel: Channel, now: datetime) -> bool:
    """A receipt, a text or a key shows that the number lives: it is dead no longer, though it may
    have opted out."""
    return reach.came_alive(conn, phone, channel, now)


def _goes_deaf(
    desk: Desk,
    conn: Connection,
    person: Person,
    channel: Channel,
    now: datetime,
    reason: str,
    code: int | None,
) -> bool:
    """Kept, and the managers are told once."""
    if not people.make_deaf(conn, person.phone, channel, now, reason, code):
        return False
    deaf = people.deaf_phones(conn)
    at_all = all((person.phone, each) in deaf for each in CHANNELS)
    told = notices.unreachable(person.name, channel, reason, at_all=at_all)
    text_managers(desk, conn, told, now, about=person.id)
    mail = notices.unreachable_mail(person.name, channel, reason, at_all=at_all)
    mail_managers(desk, conn, mail, now, about=person.id)
    log.warning("rep", rep=person.id, outcome=f"unreachable by {channel.value}", because=reason)
    return True


@dataclass(frozen=True, slots=True)
class Reach:
    """One rep's channel. ``since``, ``reason`` and ``code`` are None while it reaches them."""

    person: Person
    channel: Channel
    since: datetime | None
    reason: str | None
    code: int | None
    heard: Heard

    @property
    def reachable(self) -> bool:
        return self.since is None


def of_team(desk: Desk, conn: Connection, now: datetime) -> tuple[Reach, ...]:
    """How everybody of the team can be reached, in the order of the team file."""
    missed = {(each.phone, each.channel): each for each in reach.deaf(conn)}
    heard = reach.heard(conn, now - LATELY)
    found = []
    for person in desk.present.crew().people.values():
        for channel in CHANNELS:
            deaf = missed.get((person.phone, channel))
            found.append(
                Reach(
                    person=person,
                    channel=channel,
                    since=deaf.since if deaf else None,
                    reason=deaf.reason if deaf else None,
                    code=deaf.code if deaf else None,
                    heard=heard.get((person.id, channel), Heard()),
                )
            )
    return tuple(found)
