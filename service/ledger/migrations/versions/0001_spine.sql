-- Revision 0001, frozen: every table, index, function and trigger of the spine.
-- Statements are parted by a line that holds two dashes only.

CREATE TABLE policy_version (
  version INTEGER GENERATED ALWAYS AS IDENTITY,
  digest TEXT NOT NULL,
  body JSONB NOT NULL,
  made_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT policy_version_pkey PRIMARY KEY (version),
  CONSTRAINT policy_version_digest_key UNIQUE (digest)
)
--
CREATE TABLE team_copy (
  id SMALLINT NOT NULL,
  generation INTEGER NOT NULL,
  digest TEXT NOT NULL,
  body JSONB NOT NULL,
  loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT team_copy_pkey PRIMARY KEY (id),
  CONSTRAINT team_copy_one_team CHECK (id = 1)
)
--
CREATE TABLE turn (
  route TEXT NOT NULL,
  served DOUBLE PRECISION DEFAULT 0 NOT NULL,
  finish JSONB DEFAULT '{}' NOT NULL,
  CONSTRAINT turn_pkey PRIMARY KEY (route)
)
--
CREATE TABLE deaf (
  phone TEXT NOT NULL,
  channel TEXT NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  reason TEXT NOT NULL,
  code INTEGER,
  CONSTRAINT deaf_pkey PRIMARY KEY (phone, channel),
  CONSTRAINT deaf_channel_known CHECK (channel in ('text', 'call'))
)
--
CREATE TABLE unreadable (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  source TEXT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  body BYTEA NOT NULL,
  error TEXT NOT NULL,
  CONSTRAINT unreadable_pkey PRIMARY KEY (id)
)
--
CREATE TABLE count_delta (
  source_key TEXT NOT NULL,
  metric TEXT NOT NULL,
  labels TEXT NOT NULL,
  n DOUBLE PRECISION NOT NULL,
  folded_clock TIMESTAMP WITH TIME ZONE,
  CONSTRAINT count_delta_pkey PRIMARY KEY (source_key)
)
--
CREATE INDEX count_delta_folded ON count_delta (folded_clock) WHERE folded_clock IS NOT NULL
--
CREATE INDEX count_delta_unfolded ON count_delta (metric, labels) WHERE folded_clock IS NULL
--
CREATE TABLE count_total (
  metric TEXT NOT NULL,
  labels TEXT NOT NULL,
  n DOUBLE PRECISION NOT NULL,
  CONSTRAINT count_total_pkey PRIMARY KEY (metric, labels)
)
--
CREATE TABLE beat (
  name TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  detail JSONB DEFAULT '{}' NOT NULL,
  CONSTRAINT beat_pkey PRIMARY KEY (name)
)
--
CREATE TABLE pace (
  sender TEXT NOT NULL,
  kind TEXT NOT NULL,
  next_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pace_pkey PRIMARY KEY (sender, kind)
)
--
CREATE TABLE token (
  id INTEGER GENERATED ALWAYS AS IDENTITY,
  hash TEXT NOT NULL,
  role TEXT NOT NULL,
  made_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT token_pkey PRIMARY KEY (id),
  CONSTRAINT token_role_known CHECK (role in ('manager', 'api', 'metrics')),
  CONSTRAINT token_hash_key UNIQUE (hash)
)
--
CREATE TABLE lead (
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  arrived_at TIMESTAMP WITH TIME ZONE NOT NULL,
  t0 TIMESTAMP WITH TIME ZONE NOT NULL,
  route INTEGER,
  policy_version INTEGER NOT NULL,
  state TEXT NOT NULL,
  owner TEXT,
  rung INTEGER,
  attempts INTEGER DEFAULT 0 NOT NULL,
  first_attempt_at TIMESTAMP WITH TIME ZONE,
  first_contact_at TIMESTAMP WITH TIME ZONE,
  claimed_at TIMESTAMP WITH TIME ZONE,
  paged_at TIMESTAMP WITH TIME ZONE,
  last_seq INTEGER NOT NULL,
  last_recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  look_again_at TIMESTAMP WITH TIME ZONE,
  woken_at TIMESTAMP WITH TIME ZONE,
  judge_at TIMESTAMP WITH TIME ZONE,
  test BOOLEAN DEFAULT false NOT NULL,
  CONSTRAINT lead_pkey PRIMARY KEY (id),
  CONSTRAINT lead_id_unguessable CHECK (id ~ '^[A-Za-z0-9_-]{24,64}$'),
  CONSTRAINT lead_state_known CHECK (state in ('waiting', 'claimed', 'talking', 'chasing',
    'following', 'settled', 'excluded')),
  CONSTRAINT lead_never_forgotten CHECK (state in ('settled', 'excluded')
    or look_again_at is not null),
  CONSTRAINT lead_owner_claimed CHECK (owner is null or claimed_at is not null),
  CONSTRAINT lead_attempts_counted CHECK (attempts >= 0),
  CONSTRAINT lead_t0_believable CHECK (t0 <= arrived_at + interval '60 seconds'),
  CONSTRAINT lead_seq_from_one CHECK (last_seq >= 1),
  CONSTRAINT lead_policy_version_fkey FOREIGN KEY(policy_version) REFERENCES policy_version
    (version)
)
--
CREATE INDEX lead_forgotten ON lead (id) WHERE look_again_at is null and not (state in
    ('settled', 'excluded'))
--
CREATE INDEX lead_newest ON lead (arrived_at DESC, id)
--
CREATE INDEX lead_judge_at ON lead (judge_at) WHERE judge_at IS NOT NULL
--
CREATE INDEX lead_look_again_at ON lead (look_again_at) WHERE look_again_at IS NOT NULL
--
CREATE TABLE person (
  lead_id TEXT NOT NULL,
  name TEXT NOT NULL,
  phone TEXT,
  phone_as_given TEXT,
  email TEXT,
  ask TEXT NOT NULL,
  company TEXT,
  city TEXT,
  state TEXT,
  postal_code TEXT,
  country TEXT,
  language TEXT,
  product TEXT,
  referrer TEXT,
  landing_page TEXT,
  decision_maker TEXT,
  preferred_channel TEXT,
  preferred_time TEXT,
  pages_viewed JSONB DEFAULT '[]' NOT NULL,
  extra JSONB DEFAULT '[]' NOT NULL,
  CONSTRAINT person_pkey PRIMARY KEY (lead_id),
  CONSTRAINT person_lead_id_fkey FOREIGN KEY(lead_id) REFERENCES lead (id)
)
--
CREATE TABLE event (
  lead_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  because TEXT NOT NULL,
  actor TEXT NOT NULL,
  fields JSONB DEFAULT '{}' NOT NULL,
  CONSTRAINT event_pkey PRIMARY KEY (lead_id, seq),
  CONSTRAINT event_seq_from_one CHECK (seq >= 1),
  CONSTRAINT event_lead_id_fkey FOREIGN KEY(lead_id) REFERENCES lead (id)
)
--
create function event_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the timeline is append-only: % refused', tg_op using errcode = 'check_violation';
end $$
--
create trigger event_append_only before update or delete on event
for each row execute function event_is_append_only()
--
create trigger event_never_truncated before truncate on event
for each statement execute function event_is_append_only()
--
CREATE TABLE delivery (
  source TEXT NOT NULL,
  key TEXT NOT NULL,
  lead_id TEXT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT delivery_pkey PRIMARY KEY (source, key),
  CONSTRAINT delivery_key_named CHECK (key like 'id:%' or key like 'idem:%'),
  CONSTRAINT delivery_lead_id_fkey FOREIGN KEY(lead_id) REFERENCES lead (id)
)
--
CREATE TABLE identity (
  key TEXT NOT NULL,
  lead_id TEXT NOT NULL,
  arrived_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT identity_pkey PRIMARY KEY (key, lead_id),
  CONSTRAINT identity_lead_id_fkey FOREIGN KEY(lead_id) REFERENCES lead (id)
)
--
CREATE INDEX identity_newest ON identity (key, arrived_at DESC)
--
CREATE INDEX identity_lead_id ON identity (lead_id)
--
CREATE TABLE outbox (
  id TEXT NOT NULL,
  lead_id TEXT,
  seq INTEGER,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  rep_id TEXT,
  to_number TEXT NOT NULL,
  from_number TEXT,
  body TEXT NOT NULL,
  not_after TIMESTAMP WITH TIME ZONE NOT NULL,
  state TEXT DEFAULT 'ordered' NOT NULL,
  ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ordered_clock TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  taken_clock TIMESTAMP WITH TIME ZONE,
  taken_by TEXT,
  lease_until TIMESTAMP WITH TIME ZONE,
  tries SMALLINT DEFAULT 1 NOT NULL,
  carrier_sid TEXT,
  carrier_status TEXT,
  carrier_rank SMALLINT,
  code INTEGER,
  again_of TEXT,
  sent_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT outbox_pkey PRIMARY KEY (id),
  CONSTRAINT outbox_lead_id_seq_tries_key UNIQUE (lead_id, seq, tries),
  CONSTRAINT outbox_kind_known CHECK (kind in ('page_text', 'page_call', 'note_text',
    'answer_text')),
  CONSTRAINT outbox_channel_known CHECK (channel in ('text', 'call')),
  CONSTRAINT outbox_state_known CHECK (state in ('ordered', 'taken', 'sent', 'failed',
    'unsure', 'withdrawn', 'expired')),
  CONSTRAINT outbox_two_tries CHECK (tries in (1, 2) and (again_of is null) = (tries = 1) and
    (again_of is null or id = again_of || '.2')),
  CONSTRAINT outbox_no_third_try CHECK (again_of is null or again_of not like '%.2'),
  CONSTRAINT outbox_taken_before_sent CHECK (state in ('ordered', 'withdrawn', 'expired') =
    (taken_clock is null)),
  CONSTRAINT outbox_taken_has_lease CHECK ((taken_clock is null) = (lease_until is null)),
  CONSTRAINT outbox_sent_has_instant CHECK ((state = 'sent') = (sent_at is not null)),
  CONSTRAINT outbox_lead_id_fkey FOREIGN KEY(lead_id) REFERENCES lead (id),
  CONSTRAINT outbox_again_of_fkey FOREIGN KEY(again_of) REFERENCES outbox (id)
)
--
CREATE INDEX outbox_sent_at ON outbox (sent_at) WHERE state = 'sent'
--
CREATE INDEX outbox_unsure ON outbox (taken_clock) WHERE state = 'unsure'
--
CREATE INDEX outbox_ordered ON outbox (ordered_clock) WHERE state = 'ordered'
--
CREATE INDEX outbox_taken ON outbox (lease_until) WHERE state = 'taken'
--
CREATE INDEX outbox_carrier_sid ON outbox (carrier_sid)
--
create function outbox_goes_one_way() returns trigger language plpgsql as $$
begin
  if new.state <> old.state and (old.state, new.state) not in (
    ('ordered', 'taken'), ('ordered', 'withdrawn'), ('ordered', 'expired'),
    ('taken', 'sent'), ('taken', 'failed'), ('taken', 'unsure'),
    ('unsure', 'sent'), ('unsure', 'failed')
  ) then
    raise exception 'outbox % may not go from % to %', old.id, old.state, new.state
      using errcode = 'check_violation';
  end if;
  if coalesce(new.carrier_rank, -1) < coalesce(old.carrier_rank, -1) then
    raise exception 'the carrier status of outbox % may not go down', old.id
      using errcode = 'check_violation';
  end if;
  return new;
end $$
--
create trigger outbox_one_way before update of state, carrier_rank on outbox
for each row execute function outbox_goes_one_way()
--
CREATE TABLE audit_finding (
  lead_id TEXT NOT NULL,
  first_seen TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  repaired BOOLEAN DEFAULT false NOT NULL,
  detail TEXT NOT NULL,
  CONSTRAINT audit_finding_pkey PRIMARY KEY (lead_id),
  CONSTRAINT audit_finding_lead_id_fkey FOREIGN KEY(lead_id) REFERENCES lead (id)
)
--
CREATE TABLE question (
  phone TEXT NOT NULL,
  letter TEXT NOT NULL,
  lead_id TEXT NOT NULL,
  rep_id TEXT NOT NULL,
  opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
  closed_at TIMESTAMP WITH TIME ZONE,
  last_page_id TEXT NOT NULL,
  CONSTRAINT question_pkey PRIMARY KEY (phone, lead_id),
  CONSTRAINT question_letter_typable CHECK (letter ~ '^[A-Z]$'),
  CONSTRAINT question_lead_id_fkey FOREIGN KEY(lead_id) REFERENCES lead (id)
)
--
CREATE UNIQUE INDEX question_letter_open ON question (phone, letter) WHERE closed_at IS NULL
--
CREATE INDEX question_lead_id ON question (lead_id)
--
CREATE TABLE last_text (
  phone TEXT NOT NULL,
  page_id TEXT NOT NULL,
  lead_id TEXT,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT last_text_pkey PRIMARY KEY (phone),
  CONSTRAINT last_text_lead_id_fkey FOREIGN KEY(lead_id) REFERENCES lead (id)
)
--
CREATE TABLE inbound (
  dedupe_key TEXT NOT NULL,
  kind TEXT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  answer TEXT,
  lead_id TEXT,
  CONSTRAINT inbound_pkey PRIMARY KEY (dedupe_key),
  CONSTRAINT inbound_lead_id_fkey FOREIGN KEY(lead_id) REFERENCES lead (id)
)
