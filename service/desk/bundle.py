"""Several leads in one text: a phone is sent at most one text about new leads in five seconds, and
what waits meanwhile goes out together.

One row, the head, is the message that is sent; the others are taken with it and carried by it.
Whatever the carrier says of the head is said of each of them, and settled lead by lead. Leads are
locked here only if nobody holds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.orders import page_text
from service.desk.wanted import asked_for
from service.ledger import bundles, outbox_taking
from service.ledger.bundles import Told
from service.ledger.outbox_links import CARRIED_MAX
from service.ledger.outbox_rows import OutboxRow, Picked
from service.rules.hours import clock_text
from service.rules.lead import ERASED, LeadId
from service.rules.wording import Waiting, bundle_text

# As many as the page behind the text's link shows.
BUNDLE_MAX = CARRIED_MAX


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes out in one text, the head first, with the words that are sent as its body.
    ``late`` pages waited too long for it."""

    rows: tuple[OutboxRow, ...]
    late: tuple[Picked, ...] = ()


def gather(desk: Desk, conn: Connection, head: Picked, now: datetime) -> Bundle:
    """What else waits for the phone of this page, which is about to be taken, and the words for
    all of it. What nobody wants any more is withdrawn. The caller holds the phone's slot."""
    row = head.row
    company = outbox_taking.pick_company(conn, row, BUNDLE_MAX - 1)
    if not company and row.again_of is None:
        return Bundle((row,))
    told = bundles.told_of(conn, row.to_number, [_lead_of(each) for each in (head, *company)])
    going, late = [head], []
    for each in company:
        if each.row.not_after <= now:
            late.append(each)
        elif asked_for(each.row, told[_lead_of(each)].timeline, now):
            going.append(each)
        else:
            outbox_taking.mark_withdrawn(conn, each.row.id)
    body = _words(desk, going, told)
    rows = (replace(row, body=body), *(replace(each.row, carried_by=row.id) for each in going[1:]))
    return Bundle(rows, tuple(late))


def _lead_of(picked: Picked) -> LeadId:
    assert picked.lead is not None
    return picked.lead.id


def _words(desk: Desk, going: Sequence[Picked], told: Mapping[LeadId, Told]) -> str:
    """A page alone keeps its words; but a repeat, whose first text was perhaps about others too,
    gets its own."""
    row, lead = going[0].row, going[0].lead
    assert row.rep_id is not None
    assert lead is not None
    crew, link = desk.present.crew(), desk.links.link_for(row.page_id)
    if len(going) > 1:
        oldest = min(each.lead.arrived_at for each in going if each.lead)
        return bundle_text(
            clock=clock_text(crew.zone_of(row.rep_id), oldest),
            # In the order in which they were asked for: a repeat is taken later, not told later.
            waiting=[
                _waiting(told[_lead_of(each)])
                for each in sorted(going, key=lambda each: each.row.ordered_clock)
            ],
            link=link,
        )
    if row.again_of is None:
        return row.body
    own = told[lead.id]
    return page_text(
        crew,
        lead,
        own.person or ERASED,
        own.timeline,
        rep=row.rep_id,
        letter=own.letter,
        asks=own.letter is not None,
        link=link,
    )


def _waiting(told: Told) -> Waiting:
    return Waiting(told.person or ERASED, told.letter)
