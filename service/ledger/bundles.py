"""What a text about several leads must know of each, read in one statement.

The caller holds the leads. It decides nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, text

from service.ledger.lead_rows import PERSON_COLUMNS, person_from
from service.ledger.look import TIMELINE_JSON, timeline_from
from service.rules.lead import Lead, LeadId
from service.rules.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Told:
    """A lead that a phone is to be told of. ``person`` is None once erased; ``letter`` is the open
    question's on that phone, None when it got none."""

    lead_id: LeadId
    timeline: Timeline
    person: Lead | None
    letter: str | None


_TOLD = text(f"""
select i.id, (select {TIMELINE_JSON} from event e where e.lead_id = i.id), q.letter, p.lead_id,
  {PERSON_COLUMNS}
from unnest(cast(:ids as text[])) as i (id)
left join person p on p.lead_id = i.id
left join question q on q.lead_id = i.id and q.phone = :phone and q.closed_at is null
""")


def told_of(conn: Connection, phone: str, lead_ids: Collection[LeadId]) -> dict[LeadId, Told]:
    """These leads, as a text to this phone needs them."""
    rows = conn.execute(_TOLD, {"ids": sorted(set(lead_ids)), "phone": phone})
    return {
        LeadId(lead_id): Told(
            lead_id=LeadId(lead_id),
            timeline=timeline_from(events),
            person=person_from(person) if held is not None else None,
            letter=letter,
        )
        for lead_id, events, letter, held, *person in rows
    }
