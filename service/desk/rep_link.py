"""What a rep's link opens: the leads that its text was about, as they stand for this rep now.

Reading only: a phone that shows a preview of a link opens it too, and must change nothing.
``hear_link`` does what is pressed on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from service.desk import numbers
from service.desk.calls.dialling import zones_of
from service.desk.desk import Desk
from service.desk.link_cards import Card, Known, Message, Way, card_of
from service.desk.links import LINK_GOOD, key_of
from service.desk.present import Crew
from service.ledger import leads, outbox_links, recordings
from service.ledger.outbox_links import LinkedPage
from service.rules.floor import Floor, Person
from service.rules.folding import fold
from service.rules.lawful import dial_from
from service.rules.lead import Lead
from service.rules.policy import Policy

# A lead that left more messages than these is listened to on the newest.
VOICEMAILS_SHOWN = 10


class DeadLink(StrEnum):
    """Why a link opens nothing. For the log: whoever holds it is told the same of each."""

    UNKNOWN = "unknown"  # made up, tampered with, or of another secret key
    EXPIRED = "expired"
    LEFT = "left the team"


@dataclass(frozen=True, slots=True)
class Found:
    """A link that is good: whose it is, and the pages that went out in its text, one a lead."""

    rep: Person
    pages: tuple[LinkedPage, ...]


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """What its page shows, read at ``now``; who has waited longest comes first."""

    rep: Person
    cards: tuple[Card, ...]
    now: datetime


def open_link(desk: Desk, token: str) -> OpenedLink | DeadLink:
    """What the link shows now. Raises LedgerUnavailable."""
    with desk.ledger.snapshot() as conn:
        now = desk.clock.now()
        found = find(desk, conn, token, now)
        if isinstance(found, DeadLink):
            return found
        cards = [_card(desk, conn, found.rep, page, now) for page in found.pages]
    there = [card for card in cards if card is not None]
    return OpenedLink(found.rep, tuple(sorted(there, key=lambda card: card.since)), now)


def find(desk: Desk, conn: Connection, token: str, now: datetime) -> Found | DeadLink:
    """Whose link this is, and which pages it opens."""
    page = _page_of(desk, conn, token)
    if page is None:
        return DeadLink.UNKNOWN
    if now - page.ordered_at >= LINK_GOOD:
        return DeadLink.EXPIRED
    rep = desk.present.crew().people.get(page.rep_id)
    if rep is None:
        return DeadLink.LEFT
    # A lead that was paged twice in one text is one lead; its newest page stands for it.
    newest = {each.lead_id: each for each in outbox_links.pages_with(conn, page)}
    return Found(rep, tuple(newest.values()))


def _page_of(desk: Desk, conn: Connection, token: str) -> LinkedPage | None:
    key = key_of(token)
    if key is None:
        return None
    candidates = outbox_links.pages_keyed(conn, key)
    return next((page for page in candidates if desk.links.signed(token, page.id)), None)


def _card(
    desk: Desk, conn: Connection, rep: Person, page: LinkedPage, now: datetime
) -> Card | None:
    view = leads.read_lead(conn, page.lead_id)
    if view is None:
        return None
    timeline, crew = leads.timeline_of(conn, page.lead_id), desk.present.crew()
    policy = desk.present.policy(conn, view.row.policy_version)
    zones = _zones(view.person, crew)
    known = Known(
        person=view.person,
        timeline=timeline,
        standing=fold(timeline),
        policy=policy,
        floor=Floor(people=crew.people, on_duty=(), dial_zones=zones),
        source_name=crew.source_name(view.row.source),
        way=_way(view.person, crew, policy, now),
        voicemails=_voicemails(conn, page),
    )
    return card_of(desk.links.token_for(page.id), rep.id, known, now)


def _zones(lead: Lead | None, crew: Crew) -> tuple[str, ...] | None:
    """Where the lead's number may be; None: we cannot dial it."""
    if lead is None or not lead.phone or not crew.team.carrier.leads_call_from:
        return None
    return zones_of(lead.phone, crew.team.timezone)


def _way(lead: Lead | None, crew: Crew, policy: Policy, now: datetime) -> Way:
    if lead is None or not numbers.connects(crew, policy, lead, now):
        return Way()
    lawful_at = dial_from(_zones(lead, crew) or (), now)
    return Way(
        connects=True,
        private=numbers.is_private(crew, policy, lead, now),
        number=crew.team.carrier.leads_call_from,
        lawful_at=lawful_at if lawful_at is not None and lawful_at > now else None,
    )


def _voicemails(conn: Connection, page: LinkedPage) -> tuple[Message, ...]:
    """What the lead left and the carrier still keeps, newest first."""
    return tuple(
        Message(each.sid, each.seconds, each.at, each.transcript or "")
        for each in recordings.of_lead(conn, page.lead_id)[:VOICEMAILS_SHOWN]
        if each.kind == "voicemail" and each.deleted_at is None
    )
