"""A person's words and numbers after the lead was stored: merged when they ask again."""

from __future__ import annotations

import json

from sqlalchemy import Connection, text

from service.rules.lead import Lead, LeadId

_COLUMNS = tuple(Lead.__dataclass_fields__)
_SAVE = text(f"""
update person as p set ({", ".join(_COLUMNS)}) =
  (select {", ".join(f"n.{name}" for name in _COLUMNS)}
   from jsonb_populate_record(null::person, cast(:person as jsonb)) n)
where p.lead_id = :lead_id
""")


def save_person(conn: Connection, lead_id: LeadId, lead: Lead) -> bool:
    """Replace what is known of the lead's person; False once it was erased. Hold the lead."""
    person = json.dumps({name: getattr(lead, name) for name in _COLUMNS})
    return conn.execute(_SAVE, {"lead_id": lead_id, "person": person}).rowcount == 1
