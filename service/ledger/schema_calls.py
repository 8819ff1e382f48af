"""The tables of the phone: calls with leads, who is on one, what a lead left behind.

`triggers` says what may change after it was stored. No query is in here.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)

from service.ledger.columns import instant, json_value, lead_id, metadata, one_of, words
from service.ledger.triggers import attach_to_call

CALL_DIRECTIONS = ("out", "through", "key", "in")
RECORDING_KINDS = ("voicemail", "call")

# What the carrier told of a call with a lead, until it is settled: its facts are in the timeline.
call = Table(
    "call",
    metadata,
    Column("id", Text, primary_key=True),
    lead_id(),
    words("rep_id", null=True),
    words("direction"),
    words("from_number"),
    # The lead's own number: erasure takes it away.
    words("to_number", null=True),
    words("rep_sid", null=True),
    words("lead_sid", null=True),
    instant("began_at"),
    instant("dialled_at", null=True),
    instant("over_at", null=True),
    json_value("told"),
    words("stage", null=True),
    instant("ask_at", null=True),
    Column("asked", SmallInteger, nullable=False, server_default=text("0")),
    instant("settled_at", null=True),
    # Ids stand in URLs and nobody may guess one.
    CheckConstraint("id ~ '^[A-Za-z0-9_-]{24,64}$'", name="id_unguessable"),
    CheckConstraint(one_of("direction", CALL_DIRECTIONS), name="direction_known"),
    # Whom we connect is known from the start; a caller's rep is known once one took them.
    CheckConstraint("direction = 'in' or rep_id is not null", name="rep_known"),
    CheckConstraint("asked >= 0", name="asked_counted"),
    # A call whose end nobody tells would keep its rep engaged for ever: it always has an instant
    # at which the carrier is asked.
    CheckConstraint("settled_at is not null or ask_at is not null", name="never_forgotten"),
)
# A leg that reaches a lead is one call's: what the carrier says of it counts there alone. A rep's
# leg may be connected again.
Index(
    "call_lead_sid",
    call.c.lead_sid,
    unique=True,
    postgresql_where=call.c.lead_sid.is_not(None),
)
Index("call_rep_sid", call.c.rep_sid, postgresql_where=call.c.rep_sid.is_not(None))
Index("call_lead_id", call.c.lead_id)
Index("call_ask_at", call.c.ask_at, postgresql_where=call.c.settled_at.is_(None))

# Who is on a call, or was until just now: one row to a rep who ever was.
engaged = Table(
    "engaged",
    metadata,
    Column("rep_id", Text, primary_key=True),
    words("call_id"),
    instant("since"),
    instant("until", null=True),
)

# What was recorded, by the carrier's id: it is kept there, and played by us.
recording = Table(
    "recording",
    metadata,
    Column("sid", Text, primary_key=True),
    Column("call_id", Text, ForeignKey("call.id"), nullable=False),
    lead_id(),
    words("kind"),
    Column("seconds", Integer, nullable=False),
    instant("at"),
    words("transcript", null=True),
    instant("delete_at", null=True),
    instant("deleted_at", null=True),
    CheckConstraint(one_of("kind", RECORDING_KINDS), name="kind_known"),
    CheckConstraint("seconds >= 0", name="seconds_counted"),
)
Index("recording_call_id", recording.c.call_id)
Index("recording_lead_id", recording.c.lead_id)
Index(
    "recording_delete_at",
    recording.c.delete_at,
    postgresql_where=recording.c.deleted_at.is_(None),
)

# A lead's own words, by the carrier's id; the timeline names the id only.
message = Table(
    "message",
    metadata,
    Column("sid", Text, primary_key=True),
    lead_id(),
    instant("at"),
    words("body"),
)
Index("message_lead_id", message.c.lead_id)

attach_to_call(call)
