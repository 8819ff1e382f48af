"""The tables of leads: their rows, timelines and messages; constraints carry the rules.

`triggers` says what may change after it was stored. No query is in here.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
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
OUTBOX_KINDS = (
    "page_text",
    "page_call",
    "page_email",
    "note_text",
    "answer_text",
    "notice_email",
    "bridge_call",
    "hunt_call",
    "hang_up",
)
# What goes to the carrier at most once. A channel of its own keeps it from the senders of the
# version before, who ask for the channels that they know.
LINE_KINDS = ("bridge_call", "hunt_call", "hang_up")
# What rings a phone.
CALL_KINDS = ("page_call", "bridge_call", "hunt_call")
OUTBOX_CHANNELS = ("text", "call", "email", "line")
LANE_LAST = 5

# What was promised, kept for as long as one lead is pinned to it.
policy_version = Table(
    "policy_version",
    metadata,
    Column("version", Integer, Identity(always=True), primary_key=True),
    # One version per content: pinning the same policy twice is one promise.
    Column("digest", Text, nullable=False, unique=True),
    Column("body", JSONB, nullable=False),
    instant("made_at"),
)

# A lead's row is the one lock, and a copy of its standing for queries. The timeline is the truth.
lead = Table(
    "lead",
    metadata,
    Column("id", Text, primary_key=True),
    words("source"),
    instant("arrived_at"),
    instant("t0"),
    Column("route", Integer),
    # A lead is pinned to a policy that exists.
    Column("policy_version", Integer, ForeignKey("policy_version.version"), nullable=False),
    words("state"),
    words("owner", null=True),
    Column("rung", Integer),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    instant("first_attempt_at", null=True),
    instant("first_contact_at", null=True),
    instant("claimed_at", null=True),
    instant("paged_at", null=True),
    Column("last_seq", Integer, nullable=False),
    instant("last_recorded_at"),
    instant("look_again_at", null=True),
    instant("woken_at", null=True),
    instant("judge_at", null=True),
    Column("test", Boolean, nullable=False, server_default=text("false")),
    # How often they asked again: of leads that wait for one opening, these come first.
    Column("asked", Integer, nullable=False, server_default=text("0")),
    # Which calls are owed: a copy of the open debts.
    json_value("owed", "[]"),
    # Ids stand in URLs and nobody may guess one.
    CheckConstraint("id ~ '^[A-Za-z0-9_-]{24,64}$'", name="id_unguessable"),
    CheckConstraint(one_of("state", LEAD_STATES), name="state_known"),
    # Law 3, never forgotten: an open lead always has an instant at which we look again.
    CheckConstraint(
        f"{one_of('state', CLOSED_STATES)} or look_again_at is not null",
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
# Empty for ever, by the constraint above; with it the audit asks without reading every lead.
Index(
    "lead_forgotten",
    lead.c.id,
    postgresql_where=text(
        f"look_again_at is null and not ({one_of('state', CLOSED_STATES)})",
    ),
)
Index("lead_judge_at", lead.c.judge_at, postgresql_where=lead.c.judge_at.is_not(None))
# Which leads a rep has in hand: asked while they are on the line.
Index(
    "lead_owner",
    lead.c.owner,
    postgresql_where=text(f"not ({one_of('state', CLOSED_STATES)})"),
)
Index("lead_newest", lead.c.arrived_at.desc(), lead.c.id)

# What happened. Append-only: `triggers` refuses update, delete and truncate.
event = Table(
    "event",
    metadata,
    lead_id(),
    Column("seq", Integer, nullable=False),
    words("kind"),
    instant("at"),
    instant("recorded_at"),
    words("because"),
    words("actor"),
    json_value("fields"),
    # The backstop of the one lock: no two events of a lead take one place.
    PrimaryKeyConstraint("lead_id", "seq"),
    CheckConstraint("seq >= 1", name="seq_from_one"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    lead_id(null=True),
    Column("seq", Integer),
    words("kind"),
    words("channel"),
    words("rep_id", null=True),
    words("to_number"),
    words("from_number", null=True),
    words("body"),
    instant("not_after"),
    Column("state", Text, nullable=False, server_default=text("'ordered'")),
    instant("ordered_at"),
    clock_stamp("ordered_clock"),
    instant("taken_clock", null=True),
    words("taken_by", null=True),
    instant("lease_until", null=True),
    Column("tries", SmallInteger, nullable=False, server_default=text("1")),
    words("carrier_sid", null=True),
    words("carrier_status", null=True),
    Column("carrier_rank", SmallInteger),
    Column("code", Integer),
    Column("again_of", Text, ForeignKey("outbox.id")),
    instant("sent_at", null=True),
    # The row whose message told of this page too: several waiting leads share one text.
    Column("carried_by", Text, ForeignKey("outbox.id")),
    # The call that a row rings for, or ends.
    words("call_id", null=True),
    # Whose turn comes first where one at a time may go; 0 is the first.
    Column("lane", SmallInteger, nullable=False, server_default=text("4")),
    # A row belongs to the event that ordered it: one decision, one message per try.
    UniqueConstraint("lead_id", "seq", "tries"),
    CheckConstraint(one_of("kind", OUTBOX_KINDS), name="kind_known"),
    CheckConstraint(one_of("channel", OUTBOX_CHANNELS), name="channel_known"),
    CheckConstraint(one_of("state", OUTBOX_STATES), name="state_known"),
    # Two tries at most: a repeat is named after the row it repeats, so there is only ever one,
    # and it is not repeated itself.
    CheckConstraint(
        "tries in (1, 2) and (again_of is null) = (tries = 1)"
        " and (again_of is null or id = again_of || '.2')",
        name="two_tries",
    ),
    CheckConstraint("again_of is null or again_of not like '%.2'", name="no_third_try"),
    # A bridge's calls go at most once: a phone that may have rung is not rung again.
    CheckConstraint(f"tries = 1 or not ({one_of('kind', LINE_KINDS)})", name="line_once"),
    CheckConstraint(f"(channel = 'line') = ({one_of('kind', LINE_KINDS)})", name="line_apart"),
    CheckConstraint(f"lane between 0 and {LANE_LAST}", name="lane_known"),
    # Nothing goes out that nobody took, and what was taken has a lease that can run out.
    CheckConstraint(
        f"{one_of('state', ('ordered', 'withdrawn', 'expired'))} = (taken_clock is null)",
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
Index(
    "outbox_lane",
    outbox.c.lane,
    outbox.c.ordered_clock,
    postgresql_where=outbox.c.state == "ordered",
)
# Calls to one phone go one after the other.
Index(
    "outbox_calls_to",
    outbox.c.to_number,
    outbox.c.taken_clock,
    postgresql_where=text(one_of("kind", CALL_KINDS)),
)
Index("outbox_taken", outbox.c.lease_until, postgresql_where=outbox.c.state == "taken")
Index("outbox_unsure", outbox.c.taken_clock, postgresql_where=outbox.c.state == "unsure")
Index("outbox_sent_at", outbox.c.sent_at, postgresql_where=outbox.c.state == "sent")
Index("outbox_carrier_sid", outbox.c.carrier_sid)
# A rep's link names its page by the first eight characters of the page's id.
Index("outbox_link", func.left(outbox.c.id, 8))
Index("outbox_carried_by", outbox.c.carried_by, postgresql_where=outbox.c.carried_by.is_not(None))
# What a rep was lately sent: whether they can be reached.
Index(
    "outbox_rep_sent",
    outbox.c.rep_id,
    outbox.c.sent_at.desc(),
    postgresql_where=outbox.c.kind == "page_text",
)

audit_finding = Table(
    "audit_finding",
    metadata,
    Column("lead_id", Text, ForeignKey("lead.id"), primary_key=True),
    clock_stamp("first_seen"),
    Column("repaired", Boolean, nullable=False, server_default=text("false")),
    words("detail"),
)

attach(event, outbox)
