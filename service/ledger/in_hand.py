"""The open leads that one rep has in hand, for the rep who calls us to be connected."""

from sqlalchemy import Connection, text

from service.rules.lead import LeadId, RepId

_HELD_BY = text("""
select id from lead where owner = :rep and state not in ('settled', 'excluded') and not test
order by last_recorded_at desc, id limit :limit
""")


def held_by(conn: Connection, rep: RepId, limit: int) -> list[LeadId]:
    """The rep's open leads, last touched first, unlocked."""
    found = conn.execute(_HELD_BY, {"rep": rep, "limit": limit}).scalars()
    return [LeadId(lead_id) for lead_id in found]
