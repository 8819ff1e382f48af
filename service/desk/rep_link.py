"""What a rep's link opens: the leads that its text was about, as they stand for this rep now.

Reading only: a phone that shows a preview of a link opens it too, and must change nothing.
``hear_link`` does what is pressed on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.link_cards import Card, card_of
from service.desk.links import LINK_GOOD, key_of
from service.ledger import leads, outbox_links
from service.ledger.outbox_links import LinkedPage
from service.rules.floor import Person
from service.rules.standing import fold


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
        cards = [_card(desk, conn, found.rep, page) for page in found.pages]
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


def _card(desk: Desk, conn: Connection, rep: Person, page: LinkedPage) -> Card | None:
    view = leads.read_lead(conn, page.lead_id)
    if view is None:
        return None
    timeline = leads.timeline_of(conn, page.lead_id)
    return card_of(
        desk.links.token_for(page.id),
        rep.id,
        view.person,
        timeline,
        fold(timeline),
        desk.present.policy(conn, view.row.policy_version),
        desk.present.crew().source_name(view.row.source),
    )
