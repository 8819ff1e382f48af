"""What may change after it was stored: triggers, because a constraint sees one version only.

`schema` attaches them to its tables; the migrations hold their own frozen copy.
"""

from sqlalchemy import DDL, Table
from sqlalchemy import event as listeners

# A timeline is what happened: it is never rewritten, whatever the code believes.
EVENT_FUNCTION = """
create function event_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the timeline is append-only: % refused', tg_op using errcode = 'check_violation';
end $$
"""

EVENT_ROWS_TRIGGER = """
create trigger event_append_only before update or delete on event
for each row execute function event_is_append_only()
"""

EVENT_TABLE_TRIGGER = """
create trigger event_never_truncated before truncate on event
for each statement execute function event_is_append_only()
"""

# The life of one outgoing message goes one way: a row that was taken is never ordered again, and
# an end is final, except that `unsure` may turn out to be sent or failed. A carrier's status
# never goes down, in whatever order its callbacks come.
OUTBOX_FUNCTION = """
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
"""

OUTBOX_TRIGGER = """
create trigger outbox_one_way before update of state, carrier_rank on outbox
for each row execute function outbox_goes_one_way()
"""

# What a call came to is told to the timeline once, however often the carrier tells it.
CALL_FUNCTION = """
create function call_is_settled_once() returns trigger language plpgsql as $$
begin
  if old.settled_at is not null and new.settled_at is distinct from old.settled_at then
    raise exception 'call % was settled before', old.id using errcode = 'check_violation';
  end if;
  return new;
end $$
"""

CALL_TRIGGER = """
create trigger call_settled_once before update of settled_at on call
for each row execute function call_is_settled_once()
"""


def attach(event: Table, outbox: Table) -> None:
    """Have `metadata.create_all` create the triggers right after their tables."""
    _create_after(event, (EVENT_FUNCTION, EVENT_ROWS_TRIGGER, EVENT_TABLE_TRIGGER))
    _create_after(outbox, (OUTBOX_FUNCTION, OUTBOX_TRIGGER))


def attach_to_call(call: Table) -> None:
    """The same, of the table of calls."""
    _create_after(call, (CALL_FUNCTION, CALL_TRIGGER))


def _create_after(table: Table, statements: tuple[str, ...]) -> None:
    for statement in statements:
        # DDL() fills in %-placeholders; doubling keeps those of plpgsql's raise.
        ddl = DDL(statement.strip().replace("%", "%%"))  # type: ignore[no-untyped-call]  # theirs
        listeners.listen(table, "after_create", ddl)
