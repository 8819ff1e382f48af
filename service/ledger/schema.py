"""Every table of the ledger; its constraints carry the rules that no code may break.

Those of leads are in `schema_leads`, of persons in `schema_persons`, of the phone in
`schema_calls`; all are shown here too.
`triggers` says what may change after it was stored. No query is in here. `migrations` must build
exactly this; a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from service.ledger.columns import (
    clock_stamp,
    instant,
    json_value,
    lead_id,
    metadata,
    one_of,
    words,
)
from service.ledger.schema_calls import call, engaged, message, recording
from service.ledger.schema_leads import audit_finding, event, lead, outbox, policy_version
from service.ledger.schema_persons import delivery, identity, person

__all__ = [
    "audit_finding",
    "beat",
    "breaker",
    "call",
    "count_delta",
    "count_total",
    "deaf",
    "delivery",
    "engaged",
    "event",
    "floor_change",
    "identity",
    "inbound",
    "last_text",
    "lead",
    "message",
    "metadata",
    "outbox",
    "pace",
    "person",
    "policy_version",
    "question",
    "recording",
    "team_copy",
    "token",
    "turn",
    "unreadable",
]

ROLES = ("manager", "api", "metrics")

# Which lead a letter means on one phone.
question = Table(
    "question",
    metadata,
    words("phone"),
    words("letter"),
    lead_id(),
    words("rep_id"),
    instant("opened_at"),
    instant("closed_at", null=True),
    words("last_page_id"),
    # One lead is one question to a phone, however often it is asked.
    PrimaryKeyConstraint("phone", "lead_id"),
    CheckConstraint("letter ~ '^[A-Z]$'", name="letter_typable"),
)
# A letter means one open lead at a time on one phone.
Index(
    "question_letter_open",
    question.c.phone,
    question.c.letter,
    unique=True,
    postgresql_where=question.c.closed_at.is_(None),
)
Index("question_lead_id", question.c.lead_id)

# What we last sent a phone: words claim only if that was its one open page.
last_text = Table(
    "last_text",
    metadata,
    Column("phone", Text, primary_key=True),
    words("page_id"),
    lead_id(null=True),
    instant("at"),
)

team_copy = Table(
    "team_copy",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    words("digest"),
    Column("body", JSONB, nullable=False),
    instant("loaded_at"),
    # There is one team.
    CheckConstraint("id = 1", name="one_team"),
)

# How far the turn has come on a route; '' is everyone.
turn = Table(
    "turn",
    metadata,
    Column("route", Text, primary_key=True),
    Column("served", Double, nullable=False, server_default=text("0")),
    json_value("finish"),
)

# Phones that a channel cannot reach: opted out, or dead.
deaf = Table(
    "deaf",
    metadata,
    words("phone"),
    words("channel"),
    instant("since"),
    words("reason"),
    Column("code", Integer),
    PrimaryKeyConstraint("phone", "channel"),
    CheckConstraint(one_of("channel", ("text", "call")), name="channel_known"),
)

# The floor changed and open leads are yet to be told of it; absent while all were.
floor_change = Table(
    "floor_change",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    clock_stamp("marked_clock"),
    CheckConstraint("id = 1", name="one_mark"),
)

# A channel on which the carrier fails again and again: until when pages go by other means.
breaker = Table(
    "breaker",
    metadata,
    Column("channel", Text, primary_key=True),
    # Failures in a row, by messages and not by tries.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    instant("last_failed_at", null=True),
    instant("open_until", null=True),
    # How often it opened in a row: each time for longer.
    Column("opened", Integer, nullable=False, server_default=text("0")),
    words("why", null=True),
    CheckConstraint(one_of("channel", ("text", "call")), name="channel_known"),
    CheckConstraint("failures >= 0 and opened >= 0", name="counted"),
)

# What the carrier told us, by its own id, and what we answered: a replay gets the same answer.
inbound = Table(
    "inbound",
    metadata,
    Column("dedupe_key", Text, primary_key=True),
    words("kind"),
    instant("received_at"),
    words("answer", null=True),
    lead_id(null=True),
)

# What could not be read, kept for a person.
unreadable = Table(
    "unreadable",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("source"),
    instant("received_at"),
    Column("body", LargeBinary, nullable=False),
    words("error"),
)

# One fact counts once: the source key is the fact's own name, kept after folding for replays.
count_delta = Table(
    "count_delta",
    metadata,
    Column("source_key", Text, primary_key=True),
    words("metric"),
    words("labels"),
    Column("n", Double, nullable=False),
    instant("folded_clock", null=True),
)
Index(
    "count_delta_unfolded",
    count_delta.c.metric,
    count_delta.c.labels,
    postgresql_where=count_delta.c.folded_clock.is_(None),
)
Index(
    "count_delta_folded",
    count_delta.c.folded_clock,
    postgresql_where=count_delta.c.folded_clock.is_not(None),
)

count_total = Table(
    "count_total",
    metadata,
    words("metric"),
    words("labels"),
    Column("n", Double, nullable=False),
    PrimaryKeyConstraint("metric", "labels"),
)

beat = Table(
    "beat",
    metadata,
    Column("name", Text, primary_key=True),
    clock_stamp("at"),
    json_value("detail"),
)

# When a sender may send its next message of a kind.
pace = Table(
    "pace",
    metadata,
    words("sender"),
    words("kind"),
    instant("next_at"),
    PrimaryKeyConstraint("sender", "kind"),
)

token = Table(
    "token",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    # A hash means one token; the token itself is stored nowhere.
    Column("hash", Text, nullable=False, unique=True),
    words("role"),
    clock_stamp("made_at"),
    instant("revoked_at", null=True),
    CheckConstraint(one_of("role", ROLES), name="role_known"),
)
