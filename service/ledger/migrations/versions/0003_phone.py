"""Calls with leads, who is on one, recordings, a lead's own words, lanes, and calls owed."""

from service.ledger.migrations.steps import (
    Brief,
    Gentle,
    NewIndex,
    new_reference,
    replaced_check,
    take,
)

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_LINE = "'bridge_call', 'hunt_call', 'hang_up'"
_KINDS = f"""'page_text', 'page_call', 'page_email', 'note_text', 'answer_text', 'notice_email',
  {_LINE}"""

_CALL = (
    Gentle("""create table if not exists call (
  id text not null,
  lead_id text not null,
  rep_id text,
  direction text not null,
  from_number text not null,
  to_number text,
  rep_sid text,
  lead_sid text,
  began_at timestamptz not null,
  dialled_at timestamptz,
  over_at timestamptz,
  told jsonb default '{}' not null,
  stage text,
  ask_at timestamptz,
  asked smallint default 0 not null,
  settled_at timestamptz,
  constraint call_pkey primary key (id),
  constraint call_id_unguessable check (id ~ '^[A-Za-z0-9_-]{24,64}$'),
  constraint call_direction_known check (direction in ('out', 'through', 'key', 'in')),
  constraint call_rep_known check (direction = 'in' or rep_id is not null),
  constraint call_asked_counted check (asked >= 0),
  constraint call_never_forgotten check (settled_at is not null or ask_at is not null)
)"""),
    *new_reference("call", "call_lead_id_fkey", "lead_id", "lead(id)"),
    NewIndex("call_lead_sid", "call (lead_sid) where lead_sid is not null", unique=True),
    NewIndex("call_rep_sid", "call (rep_sid) where rep_sid is not null"),
    NewIndex("call_lead_id", "call (lead_id)"),
    NewIndex("call_ask_at", "call (ask_at) where settled_at is null"),
    Gentle("""create or replace function call_is_settled_once() returns trigger
language plpgsql as $$
begin
  if old.settled_at is not null and new.settled_at is distinct from old.settled_at then
    raise exception 'call % was settled before', old.id using errcode = 'check_violation';
  end if;
  return new;
end $$"""),
    Brief("""create or replace trigger call_settled_once before update of settled_at on call
for each row execute function call_is_settled_once()"""),
)

_LEFT_BEHIND = (
    Gentle("""create table if not exists engaged (
  rep_id text not null,
  call_id text not null,
  since timestamptz not null,
  until timestamptz,
  constraint engaged_pkey primary key (rep_id)
)"""),
    Gentle("""create table if not exists recording (
  sid text not null,
  call_id text not null,
  lead_id text not null,
  kind text not null,
  seconds integer not null,
  at timestamptz not null,
  transcript text,
  delete_at timestamptz,
  deleted_at timestamptz,
  constraint recording_pkey primary key (sid),
  constraint recording_kind_known check (kind in ('voicemail', 'call')),
  constraint recording_seconds_counted check (seconds >= 0)
)"""),
    *new_reference("recording", "recording_call_id_fkey", "call_id", "call(id)"),
    *new_reference("recording", "recording_lead_id_fkey", "lead_id", "lead(id)"),
    NewIndex("recording_call_id", "recording (call_id)"),
    NewIndex("recording_lead_id", "recording (lead_id)"),
    NewIndex("recording_delete_at", "recording (delete_at) where deleted_at is null"),
    Gentle("""create table if not exists message (
  sid text not null,
  lead_id text not null,
  at timestamptz not null,
  body text not null,
  constraint message_pkey primary key (sid)
)"""),
    *new_reference("message", "message_lead_id_fkey", "lead_id", "lead(id)"),
    NewIndex("message_lead_id", "message (lead_id)"),
)

STEPS = (
    Brief("alter table lead add column if not exists owed jsonb default '[]' not null"),
    NewIndex("lead_owner", "lead (owner) where not (state in ('settled', 'excluded'))"),
    Brief("""alter table outbox add column if not exists call_id text,
  add column if not exists lane smallint default 4 not null"""),
    *replaced_check("outbox", "outbox_kind_known", f"kind in ({_KINDS})"),
    *replaced_check(
        "outbox", "outbox_channel_known", "channel in ('text', 'call', 'email', 'line')"
    ),
    *replaced_check("outbox", "outbox_line_once", f"tries = 1 or not (kind in ({_LINE}))"),
    *replaced_check("outbox", "outbox_line_apart", f"(channel = 'line') = (kind in ({_LINE}))"),
    *replaced_check("outbox", "outbox_lane_known", "lane between 0 and 5"),
    NewIndex("outbox_lane", "outbox (lane, ordered_clock) where state = 'ordered'"),
    NewIndex(
        "outbox_calls_to",
        "outbox (to_number, taken_clock) where kind in ('page_call', 'bridge_call', 'hunt_call')",
    ),
    *_CALL,
    *_LEFT_BEHIND,
)


def upgrade() -> None:
    """Only what processes of the version before do not notice."""
    take(STEPS)


def downgrade() -> None:
    """Not offered: a newer version may have stored what the older one cannot read."""
    # Returning would have Alembic note a ledger at 0002 whose tables are those of 0003.
    raise NotImplementedError("go back by restoring the backup made before the upgrade")
