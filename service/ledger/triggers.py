"""What may change after it was stored: two triggers, because a constraint sees one version only.

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


def attach(event: Table, outbox: Table) -> None:
    """Have `metadata.create_all` create the triggers right after their tables."""
    for table, statements in (
        (event, (EVENT_FUNCTION, EVENT_ROWS_TRIGGER, EVENT_TABLE_TRIGGER)),
        (outbox, (OUTBOX_FUNCTION, OUTBOX_TRIGGER)),
    ):
        for statement in statements:
            # DDL() fills in %-placeholders; doubling keeps those of plpgsql's raise.
            ddl = DDL(statement.strip().replace("%", "%%"))  # type: ignore[no-untyped-call]  # theirs
            listeners.listen(table, "after_create", ddl)
