"""What a lead wrote to us, by the carrier's id: the timeline names the id, the words are here."""

from datetime import datetime

from sqlalchemy import Connection, text

from service.rules.lead import LeadId

_KEEP = text("""
insert into message (sid, lead_id, at, body) values (:sid, :lead_id, :at, :body)
on conflict (sid) do nothing
""")
_MESSAGE = text("select body from message where sid = :sid")


def keep(conn: Connection, sid: str, lead_id: LeadId, at: datetime, body: str) -> bool:
    """Keep a lead's words, received at ``at``; False when they were kept before."""
    values = {"sid": sid, "lead_id": lead_id, "at": at, "body": body}
    return conn.execute(_KEEP, values).rowcount == 1


def message(conn: Connection, sid: str) -> str | None:
    """A lead's words; None when unknown or erased."""
    found: str | None = conn.execute(_MESSAGE, {"sid": sid}).scalar()
    return found
