"""Several leads in one text, a breaker, pages by e-mail, links, and who asked more than once."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KINDS = "'page_text', 'page_call', 'page_email', 'note_text', 'answer_text', 'notice_email'"

STATEMENTS = (
    "alter table lead add column asked integer default 0 not null",
    "alter table outbox add column carried_by text",
    "alter table outbox add constraint outbox_carried_by_fkey"
    " foreign key (carried_by) references outbox(id)",
    "alter table outbox drop constraint outbox_kind_known",
    f"alter table outbox add constraint outbox_kind_known check (kind in ({_KINDS}))",
    "alter table outbox drop constraint outbox_channel_known",
    "alter table outbox add constraint outbox_channel_known"
    " check (channel in ('text', 'call', 'email'))",
    "create index outbox_link on outbox (left(id, 8))",
    "create index outbox_carried_by on outbox (carried_by) where carried_by is not null",
    "create index outbox_rep_sent on outbox (rep_id, sent_at desc) where kind = 'page_text'",
    """create table breaker (
  channel text not null,
  failures integer default 0 not null,
  last_failed_at timestamptz,
  open_until timestamptz,
  opened integer default 0 not null,
  why text,
  constraint breaker_pkey primary key (channel),
  constraint breaker_channel_known check (channel in ('text', 'call')),
  constraint breaker_counted check (failures >= 0 and opened >= 0)
)""",
)


def upgrade() -> None:
    """Only what processes of the version before do not notice."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Not offered: a newer version may have stored what the older one cannot read."""
    raise NotImplementedError("go back by restoring the backup made before the upgrade")
