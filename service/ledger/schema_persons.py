"""The tables of persons: their words and numbers, and how one is known again.

No query is in here.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, PrimaryKeyConstraint, Table, Text

from service.ledger.columns import instant, json_value, lead_id, metadata, words

# A person's words and numbers, apart from the timeline: erasure deletes the row here.
person = Table(
    "person",
    metadata,
    Column("lead_id", Text, ForeignKey("lead.id"), primary_key=True),
    words("name"),
    words("phone", null=True),
    words("phone_as_given", null=True),
    words("email", null=True),
    words("ask"),
    *(
        words(name, null=True)
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
    json_value("pages_viewed", "[]"),
    json_value("extra", "[]"),
)

# What a source sent before: the same delivery again is a no-op.
delivery = Table(
    "delivery",
    metadata,
    words("source"),
    words("key"),
    lead_id(),
    instant("received_at"),
    PrimaryKeyConstraint("source", "key"),
    CheckConstraint("key like 'id:%' or key like 'idem:%'", name="key_named"),
)

# Under which phone or e-mail a person asked; how two requests are known to be one person's.
identity = Table(
    "identity",
    metadata,
    words("key"),
    lead_id(),
    instant("arrived_at"),
    PrimaryKeyConstraint("key", "lead_id"),
)
Index("identity_newest", identity.c.key, identity.c.arrived_at.desc())
Index("identity_lead_id", identity.c.lead_id)
