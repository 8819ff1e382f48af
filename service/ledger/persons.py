"""A person's words and numbers after the lead was stored: merged when they ask again."""

from __future__ import annotations

from sqlalchemy import Connection, text

from service.ledger.lead_rows import PERSON_FIELDS, person_json
from service.rules.lead import Lead, LeadId

_SAVE = text(f"""
update person as p set ({", ".join(PERSON_FIELDS)}) =
  (select {", ".join(f"n.{name}" for name in PERSON_FIELDS)}
   from jsonb_populate_record(null::person, cast(:person as jsonb)) n)
where p.lead_id = :lead_id
""")


def save_person(conn: Connection, lead_id: LeadId, lead: Lead) -> bool:
    """Replace what is known of the lead's person; False once it was erased. Hold the lead."""
    return conn.execute(_SAVE, {"lead_id": lead_id, "person": person_json(lead)}).rowcount == 1
