"""Several leads in one text, a breaker, pages by e-mail, links, and who asked more than once."""

from service.ledger.migrations.steps import (
    Brief,
    Gentle,
    NewIndex,
    new_reference,
    replaced_check,
    take,
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KINDS = "'page_text', 'page_call', 'page_email', 'note_text', 'answer_text', 'notice_email'"

STEPS = (
    Brief("alter table lead add column if not exists asked integer default 0 not null"),
    Brief("alter table outbox add column if not exists carried_by text"),
    *new_reference("outbox", "outbox_carried_by_fkey", "carried_by", "outbox(id)"),
    *replaced_check("outbox", "outbox_kind_known", f"kind in ({_KINDS})"),
    *replaced_check("outbox", "outbox_channel_known", "channel in ('text', 'call', 'email')"),
    NewIndex("outbox_link", "outbox (left(id, 8))"),
    NewIndex("outbox_carried_by", "outbox (carried_by) where carried_by is not null"),
    NewIndex("outbox_rep_sent", "outbox (rep_id, sent_at desc) where kind = 'page_text'"),
    Gentle("""create table if not exists breaker (
  channel text not null,
  failures integer default 0 not null,
  last_failed_at timestamptz,
  open_until timestamptz,
  opened integer default 0 not null,
  why text,
  constraint breaker_pkey primary key (channel),
  constraint breaker_channel_known check (channel in ('text', 'call')),
  constraint breaker_counted check (failures >= 0 and opened >= 0)
)"""),
    Gentle("""create table if not exists floor_change (
  id smallint not null,
  marked_clock timestamptz default clock_timestamp() not null,
  constraint floor_change_pkey primary key (id),
  constraint floor_change_one_mark check (id = 1)
)"""),
)


def upgrade() -> None:
    """Only what processes of the version before do not notice."""
    take(STEPS)


def downgrade() -> None:
    """Not offered: a newer version may have stored what the older one cannot read."""
    # Returning would have Alembic note a ledger at 0001 whose tables are those of 0002.
    raise NotImplementedError("go back by restoring the backup made before the upgrade")
