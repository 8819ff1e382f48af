"""A rep pressed a button on their page: claim, pass, or how it ended.

The answer is the page itself, as it then stands: nothing is texted but that a lead is theirs.
Pressing twice, or sending the form again, is pressing once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from service.desk.calls.settling import before_word
from service.desk.claiming import claim
from service.desk.desk import Desk
from service.desk.record import Held, hold, numbered, persistently, record
from service.desk.rep_link import DeadLink, find
from service.ledger import inbound
from service.ledger.outbox_links import LinkedPage
from service.rules import answers
from service.rules.agreed import agreed_at
from service.rules.call_facts import RingAsked
from service.rules.floor import Person
from service.rules.lead import LeadId
from service.rules.timeline import By, Ending, Fact


class Button(StrEnum):
    """What may be pressed besides an outcome. Who has the lead and claims it is rung."""

    CLAIM = "Claim"
    PASS = "Pass"


@dataclass(frozen=True, slots=True)
class Pressed:
    """One press. ``token`` is the link's, ``card`` that of the lead it was pressed for, ``nonce``
    the rendered form's; ``when`` a time that was agreed, with "later"."""

    token: str
    card: str
    nonce: str
    what: Button | Ending
    when: str | None = None


def hear_link(desk: Desk, pressed: Pressed) -> DeadLink | None:
    """Do what was pressed; the page then shows what came of it. A link that is not good does
    nothing and is told. Raises LeadBusy, LedgerUnavailable."""
    return persistently(lambda: _hear(desk, pressed))


def _hear(desk: Desk, pressed: Pressed) -> DeadLink | None:
    touched: LeadId | None = None
    with desk.ledger.transaction() as conn:
        found = find(desk, conn, pressed.token, desk.clock.now())
        if isinstance(found, DeadLink):
            return found
        page = next((p for p in found.pages if desk.links.signed(pressed.card, p.id)), None)
        if page is None:
            return DeadLink.UNKNOWN
        touched = _press(desk, conn, found.rep, page, pressed)
    if touched is not None:
        desk.wake([touched])
    return None


def _press(
    desk: Desk, conn: Connection, rep: Person, page: LinkedPage, pressed: Pressed
) -> LeadId | None:
    """Record what it means for the lead, under its lock; the lead, if it was touched."""
    held = hold(conn, page.lead_id)
    name = f"link:{page.id}:{pressed.nonce}"
    # Asked under the lead's lock: two deliveries of one press are one press.
    if held is None or inbound.seen(conn, name) is not None:
        return None
    now = desk.now_for(held.row.last_recorded_at)
    if isinstance(pressed.what, Ending):
        held = before_word(desk, conn, held, rep.id, now)
    facts = _facts(desk, conn, held, rep, pressed, now)
    if held.person is None:
        facts = ()  # whoever was erased is nobody's to call
    rings = any(isinstance(fact, RingAsked) for fact in facts)
    because = f"pressed {'Ring me' if rings else _label(pressed.what)} on the page"
    events = numbered(held, facts, at=now, now=now, because=because, actor=f"rep:{rep.id}")
    record(conn, held, events)
    inbound.remember(conn, name, "link", held.id, None, now)
    return held.id if facts else None


def _facts(
    desk: Desk, conn: Connection, held: Held, rep: Person, pressed: Pressed, now: datetime
) -> tuple[Fact, ...]:
    match pressed.what:
        case Button.CLAIM:
            return claim(desk, conn, held, rep.id, By.LINK, now).facts
        case Button.PASS:
            return answers.decline(held.standing, rep.id, By.LINK)
        case Ending() as ending:
            zone = desk.present.crew().zone_of(rep.id)
            policy = desk.present.policy(conn, held.row.policy_version)
            return answers.outcome(
                held.standing,
                rep.id,
                ending,
                By.LINK,
                pressed.when,
                at=now,
                call_at=agreed_at(pressed.when, zone, now) if pressed.when else None,
                contact_after_s=policy.calls.contact_after_s,
            )


def _label(what: Button | Ending) -> str:
    return what.value.replace("_", " ")
