"""Every table of the ledger; its constraints carry the rules that no code may break.

This file says what may be stored, `triggers` what may change afterwards. It holds no query.
`migrations` must build exactly this; a test compares the two.

Instants named `*_clock`, `woken_at`, `lease_until`, `first_seen` and those of `beat` and `pace`
are read from PostgreSQL's own clock; every other instant is business time given by the caller.
"""

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from service.ledger.triggers import attach

LEAD_STATES = (
    "waiting",
    "claimed",
    "talking",
    "chasing",
    "following",
    "settled",
    "excluded",
)
CLOSED_STATES = ("settled", "excluded")
OUTBOX_STATES = ("ordered", "taken", "sent", "failed", "unsure", "withdrawn", "expired")
OUTBOX_KINDS = ("page_text", "page_call", "note_text", "answer_text")
ROLES = ("manager", "api", "metrics")

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} in ({listed})"


def _instant(name: str, *, null: bool = False) -> Column[object]:
    return Column(name, TIMESTAMP(timezone=True), nullable=null)


def _clock(name: str) -> Column[object]:
    """An instant that PostgreSQL itself stamps, so that no test's clock moves it."""
    return Column(
        name,
        TIMESTAMP(timezone=True),
        nullable=False,
        server_default=text("clock_timestamp()"),
    )


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _lead_id(*, null: bool = False) -> Column[str]:
    return Column("lead_id", Text, ForeignKey("lead.id"), nullable=null)


def _json(name: str, empty: str = "{}") -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default=text(f"'{empty}'"))


# What was promised, kept for as long as one lead is pinned to it.
policy_version = Table(
    "policy_version",
    metadata,
    Column("version", Integer, Identity(always=True), primary_key=True),
    # One version per content: pinning the same policy twice is one promise.
    Column("digest", Text, nullable=False, unique=True),
    Column("body", JSONB, nullable=False),
    _instant("made_at"),
)

# A lead's row is the one lock, and a copy of its standing for queries. The timeline is the truth.
lead = Table(
    "lead",
    metadata,
    Column("id", Text, primary_key=True),
    _text("source"),
    _instant("arrived_at"),
    _instant("t0"),
    Column("route", Integer),
    # A lead is pinned to a policy that exists.
    Column("policy_version", Integer, ForeignKey("policy_version.version"), nullable=False),
    _text("state"),
    _text("owner", null=True),
    Column("rung", Integer),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _instant("first_attempt_at", null=True),
    _instant("first_contact_at", null=True),
    _instant("claimed_at", null=True),
    _instant("paged_at", null=True),
    Column("last_seq", Integer, nullable=False),
    _instant("last_recorded_at"),
    _instant("look_again_at", null=True),
    _instant("woken_at", null=True),
    _instant("judge_at", null=True),
    Column("test", Boolean, nullable=False, server_default=text("false")),
    # Ids stand in URLs and nobody may guess one.
    CheckConstraint("id ~ '^[A-Za-z0-9_-]{24,64}$'", name="id_unguessable"),
    CheckConstraint(_one_of("state", LEAD_STATES), name="state_known"),
    # Law 3, never forgotten: an open lead always has an instant at which we look again.
    CheckConstraint(
        f"{_one_of('state', CLOSED_STATES)} or look_again_at is not null",
        name="never_forgotten",
    ),
    # Whoever is said to have a lead took it at some instant.
    CheckConstraint("owner is null or claimed_at is not null", name="owner_claimed"),
    CheckConstraint("attempts >= 0", name="attempts_counted"),
    # The figures' window: a lead's wait never begins more than a minute after it reached us.
    CheckConstraint("t0 <= arrived_at + interval '60 seconds'", name="t0_believable"),
    CheckConstraint("last_seq >= 1", name="seq_from_one"),
)
Index(
    "lead_look_again_at",
    lead.c.look_again_at,
    postgresql_where=lead.c.look_again_at.is_not(None),
)
Index("lead_judge_at", lead.c.judge_at, postgresql_where=lead.c.judge_at.is_not(None))
Index("lead_newest", lead.c.arrived_at.desc(), lead.c.id)

# A person's words and numbers, apart from the timeline: erasure deletes the row here.
person = Table(
    "person",
    metadata,
    Column("lead_id", Text, ForeignKey("lead.id"), primary_key=True),
    _text("name"),
    _text("phone", null=True),
    _text("phone_as_given", null=True),
    _text("email", null=True),
    _text("ask"),
    *(
        _text(name, null=True)
        for name in (
            "company",
            "city",
            "state",
            "postal_code",
            "country",
            "language",
            "product",
            "referrer",
            "landing_page",
            "decision_maker",
            "preferred_channel",
            "preferred_time",
        )
    ),
    _json("pages_viewed", "[]"),
    _json("extra", "[]"),
)

# What happened. Append-only: `triggers` refuses update, delete and truncate.
event = Table(
    "event",
    metadata,
    _lead_id(),
    Column("seq", Integer, nullable=False),
    _text("kind"),
    _instant("at"),
    _instant("recorded_at"),
    _text("because"),
    _text("actor"),
    _json("fields"),
    # The backstop of the one lock: no two events of a lead take one place.
    PrimaryKeyConstraint("lead_id", "seq"),
    CheckConstraint("seq >= 1", name="seq_from_one"),
)

# What a source sent before: the same delivery again is a no-op.
delivery = Table(
    "delivery",
    metadata,
    _text("source"),
    _text("key"),
    _lead_id(),
    _instant("received_at"),
    PrimaryKeyConstraint("source", "key"),
    CheckConstraint("key like 'id:%' or key like 'idem:%'", name="key_named"),
)

# Under which phone or e-mail a person asked; how two requests are known to be one person's.
identity = Table(
    "identity",
    metadata,
    _text("key"),
    _lead_id(),
    _instant("arrived_at"),
    PrimaryKeyConstraint("key", "lead_id"),
)
Index("identity_newest", identity.c.key, identity.c.arrived_at.desc())
Index("identity_lead_id", identity.c.lead_id)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    _lead_id(null=True),
    Column("seq", Integer),
    _text("kind"),
    _text("channel"),
    _text("rep_id", null=True),
    _text("to_number"),
    _text("from_number", null=True),
    _text("body"),
    _instant("not_after"),
    Column("state", Text, nullable=False, server_default=text("'ordered'")),
    _instant("ordered_at"),
    _clock("ordered_clock"),
    _instant("taken_clock", null=True),
    _text("taken_by", null=True),
    _instant("lease_until", null=True),
    Column("tries", SmallInteger, nullable=False, server_default=text("1")),
    _text("carrier_sid", null=True),
    _text("carrier_status", null=True),
    Column("carrier_rank", SmallInteger),
    Column("code", Integer),
    Column("again_of", Text, ForeignKey("outbox.id")),
    _instant("sent_at", null=True),
    # A row belongs to the event that ordered it: one decision, one message per try.
    UniqueConstraint("lead_id", "seq", "tries"),
    CheckConstraint(_one_of("kind", OUTBOX_KINDS), name="kind_known"),
    CheckConstraint(_one_of("channel", ("text", "call")), name="channel_known"),
    CheckConstraint(_one_of("state", OUTBOX_STATES), name="state_known"),
    # Two tries at most: a repeat is named after the row it repeats, so there is only ever one,
    # and it is not repeated itself.
    CheckConstraint(
        "tries in (1, 2) and (again_of is null) = (tries = 1)"
        " and (again_of is null or id = again_of || '.2')",
        name="two_tries",
    ),
    CheckConstraint("again_of is null or again_of not like '%.2'", name="no_third_try"),
    # Nothing goes out that nobody took, and what was taken has a lease that can run out.
    CheckConstraint(
        f"{_one_of('state', ('ordered', 'withdrawn', 'expired'))} = (taken_clock is null)",
        name="taken_before_sent",
    ),
    CheckConstraint("(taken_clock is null) = (lease_until is null)", name="taken_has_lease"),
    CheckConstraint("(state = 'sent') = (sent_at is not null)", name="sent_has_instant"),
)
Index(
    "outbox_ordered",
    outbox.c.ordered_clock,
    postgresql_where=outbox.c.state == "ordered",
)
Index("outbox_taken", outbox.c.lease_until, postgresql_where=outbox.c.state == "taken")
Index("outbox_unsure", outbox.c.taken_clock, postgresql_where=outbox.c.state == "unsure")
Index("outbox_sent_at", outbox.c.sent_at, postgresql_where=outbox.c.state == "sent")
Index("outbox_carrier_sid", outbox.c.carrier_sid)

# Which lead a letter means on one phone.
question = Table(
    "question",
    metadata,
    _text("phone"),
    _text("letter"),
    _lead_id(),
    _text("rep_id"),
    _instant("opened_at"),
    _instant("closed_at", null=True),
    _text("last_page_id"),
    # One lead is one question to a phone, however often it is asked.
    PrimaryKeyConstraint("phone", "lead_id"),
    CheckConstraint("letter ~ '^[A-Z]{1,2}$'", name="letter_typable"),
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
    _text("page_id"),
    _lead_id(null=True),
    _instant("at"),
)

team_copy = Table(
    "team_copy",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    _text("digest"),
    Column("body", JSONB, nullable=False),
    _instant("loaded_at"),
    # There is one team.
    CheckConstraint("id = 1", name="one_team"),
)

# How far the turn has come on a route; '' is everyone.
turn = Table(
    "turn",
    metadata,
    Column("route", Text, primary_key=True),
    Column("served", Double, nullable=False, server_default=text("0")),
    _json("finish"),
)

# Phones that a channel cannot reach: opted out, or dead.
deaf = Table(
    "deaf",
    metadata,
    _text("phone"),
    _text("channel"),
    _instant("since"),
    _text("reason"),
    Column("code", Integer),
    PrimaryKeyConstraint("phone", "channel"),
    CheckConstraint(_one_of("channel", ("text", "call")), name="channel_known"),
)

# What the carrier told us, by its own id, and what we answered: a replay gets the same answer.
inbound = Table(
    "inbound",
    metadata,
    Column("dedupe_key", Text, primary_key=True),
    _text("kind"),
    _instant("received_at"),
    _text("answer", null=True),
    _lead_id(null=True),
)

# What could not be read, kept for a person.
unreadable = Table(
    "unreadable",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _text("source"),
    _instant("received_at"),
    Column("body", LargeBinary, nullable=False),
    _text("error"),
)

# One fact counts once: the source key is the fact's own name, kept after folding for replays.
count_delta = Table(
    "count_delta",
    metadata,
    Column("source_key", Text, primary_key=True),
    _text("metric"),
    _text("labels"),
    Column("n", Double, nullable=False),
    _instant("folded_clock", null=True),
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
    _text("metric"),
    _text("labels"),
    Column("n", Double, nullable=False),
    PrimaryKeyConstraint("metric", "labels"),
)

beat = Table(
    "beat",
    metadata,
    Column("name", Text, primary_key=True),
    _clock("at"),
    _json("detail"),
)

# When a sender may send its next message of a kind.
pace = Table(
    "pace",
    metadata,
    _text("sender"),
    _text("kind"),
    _instant("next_at"),
    PrimaryKeyConstraint("sender", "kind"),
)

token = Table(
    "token",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    # A hash means one token; the token itself is stored nowhere.
    Column("hash", Text, nullable=False, unique=True),
    _text("role"),
    _clock("made_at"),
    _instant("revoked_at", null=True),
    CheckConstraint(_one_of("role", ROLES), name="role_known"),
)

audit_finding = Table(
    "audit_finding",
    metadata,
    Column("lead_id", Text, ForeignKey("lead.id"), primary_key=True),
    _clock("first_seen"),
    Column("repaired", Boolean, nullable=False, server_default=text("false")),
    _text("detail"),
)

attach(event, outbox)
