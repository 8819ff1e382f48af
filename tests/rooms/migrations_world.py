"""Ledgers of an earlier revision and what was stored in them; migrations that are broken off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import ModuleType
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text

from service.ledger.engine import driver_url
from service.ledger.migrations import environment

MIGRATING = "speedtolead migrate"

Rows = dict[str, list[dict[str, Any]]]


def revisions() -> dict[str, ModuleType]:
    """Every revision's module, oldest first."""
    scripts = ScriptDirectory.from_config(environment()).walk_revisions()
    return {each.revision: each.module for each in reversed(list(scripts))}


@contextmanager
def connection(url: str, **options: Any) -> Iterator[Connection]:
    """A session of its own, gone with the block."""
    engine = create_engine(driver_url(url), poolclass=NullPool, **options)
    with engine.connect() as conn:
        yield conn


def bring_to(url: str, revision: str) -> str:
    """Bring a ledger to this revision, which need not be the newest; its address."""
    with connection(url) as conn:
        config = environment()
        config.attributes["connection"] = conn
        command.upgrade(config, revision)
    return url


def value(url: str, question: str, **values: Any) -> Any:
    """One value out of the ledger."""
    with connection(url) as conn:
        return conn.execute(text(question), values).scalar()


def asks_for_its_lock(url: str) -> str | None:
    """Since when the migration waits for a lock; None while it does not."""
    since: str | None = value(
        url,
        "select query_start::text from pg_stat_activity where application_name = :name"
        " and wait_event_type = 'Lock' and datname = current_database()",
        name=MIGRATING,
    )
    return since


def rows(url: str) -> Rows:
    """Everything that is stored, by table, each row as JSON values."""
    with connection(url) as conn:
        tables = conn.execute(
            text("""
            select relname from pg_class where relkind = 'r' and relname <> 'alembic_version'
            and relnamespace = 'public'::regnamespace order by relname""")
        ).scalars()
        asked = "select to_jsonb({0}) from {0} order by to_jsonb({0})::text"
        return {
            table: list(conn.execute(text(asked.format(table))).scalars()) for table in list(tables)
        }


LEADS = 70
"""Ten of each state."""


def fill(url: str) -> str:
    """What a version at revision 0001 had stored: leads and messages in every state, and a row in
    each table; its address."""
    with connection(url) as conn, conn.begin():
        for statement in _STORED.split(";\n"):
            if statement.strip():
                conn.exec_driver_sql(statement.replace("%", "%%"), ())
    return url


_STORED = f"""
insert into policy_version (digest, body, made_at)
values ('digest', '{{"team": "Sunrise Solar"}}', '2026-03-04 12:00+00');
insert into lead (id, source, arrived_at, t0, policy_version, state, owner, claimed_at, rung,
  attempts, paged_at, last_seq, last_recorded_at, look_again_at)
select lpad('lead-' || n, 30, '0'), 'website', at, at, 1, state,
  case when state in ('claimed', 'talking') then 'ann' end,
  case when state in ('claimed', 'talking') then at end, 0, n % 3, at, 2, at,
  case when state not in ('settled', 'excluded') then at end
from (
  select n, '2026-03-04 12:00+00'::timestamptz + make_interval(secs => n) as at,
    (array['waiting', 'claimed', 'talking', 'chasing', 'following', 'settled', 'excluded'])
      [1 + n % 7] as state
  from generate_series(1, {LEADS}) as n
) as each;
insert into person (lead_id, name, phone, ask, extra)
select id, 'Dana ' || id, '+12125550177', 'Solar for 100% of a barn', '[["roof", "flat"]]'
from lead;
insert into event (lead_id, seq, kind, at, recorded_at, because, actor, fields)
select id, 1, 'arrived', arrived_at, arrived_at, 'a test says so', 'test',
  jsonb_build_object('source', 'website', 't0', t0, 'late_or_skewed', false, 'has_phone', true)
from lead;
insert into event (lead_id, seq, kind, at, recorded_at, because, actor, fields)
select id, 2, 'paged', arrived_at, arrived_at, 'rung 1', 'attend', jsonb_build_object(
  'rep', 'ann', 'rung', 0, 'channel', 'text', 'page_id', 'page-' || id, 'audience', 'on-duty',
  'climb', arrived_at)
from lead;
insert into delivery select 'website', 'id:' || id, id, arrived_at from lead;
insert into identity select 'phone:' || id, id, arrived_at from lead;
insert into outbox (id, lead_id, seq, kind, channel, rep_id, to_number, body, not_after, state,
  ordered_at, taken_clock, taken_by, lease_until, carrier_sid, carrier_status, carrier_rank, code,
  sent_at)
select 'page-' || id, id, 2, kind, case when kind = 'page_call' then 'call' else 'text' end,
  'ann', '+12125550101', '12:04 LEAD Dana', at + interval '10 minutes', state, at,
  case when taken then at end, case when taken then 'worker-1' end, case when taken then at end,
  case when state = 'sent' then 'SM' || id end, case when state = 'sent' then 'delivered' end,
  case when state = 'sent' then 4 end, case when state = 'failed' then 30003 end,
  case when state = 'sent' then at end
from (
  select id, arrived_at as at, state, kind,
    state not in ('ordered', 'withdrawn', 'expired') as taken
  from (
    select id, arrived_at,
      (array['ordered', 'taken', 'sent', 'failed', 'unsure', 'withdrawn', 'expired'])
        [1 + row_number() over (order by id) % 7] as state,
      (array['page_text', 'page_call', 'note_text', 'answer_text'])
        [1 + row_number() over (order by id) % 4] as kind
    from lead
  ) as numbered
) as each;
insert into outbox (id, lead_id, seq, kind, channel, rep_id, to_number, body, not_after, state,
  ordered_at, tries, again_of)
select id || '.2', lead_id, seq, kind, channel, rep_id, to_number, body, not_after, 'ordered',
  ordered_at, 2, id
from outbox where state = 'unsure';
insert into question select '+1212' || id, 'A', id, 'ann', arrived_at, null, 'page' from lead;
insert into last_text select '+1212' || id, 'page', id, arrived_at from lead;
insert into inbound select 'text:' || id, 'text', arrived_at, 'words', id from lead;
insert into audit_finding (lead_id, detail) select id, 'late' from lead limit 1;
insert into team_copy values (1, 1, 'digest', '{{}}', now());
insert into turn (route, served) values ('', 3);
insert into deaf values ('+12125550109', 'text', now(), 'stop', 21610);
insert into unreadable (source, received_at, body, error) values ('website', now(), '\\x00', 'odd');
insert into count_delta values ('a', 'leads_total', '{{}}', 1, null);
insert into count_total values ('leads_total', '{{}}', 7);
insert into beat (name) values ('sweep');
insert into pace values ('+15005550006', 'call', now());
insert into token (hash, role) values ('hash', 'api')
"""


class BrokenOff(Exception):
    """The migration's process is gone."""


@contextmanager
def ends_at_change(number: int) -> Iterator[Callable[[], bool]]:
    """A migration's session ends by force before its so-manyth change of the ledger.

    Yields what tells whether it came so far.
    """
    changes, reached = count(1), threading.Event()

    def look(conn: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        driver: Any = conn.connection.dbapi_connection
        if driver.info.parameter_status("application_name") != MIGRATING:
            return
        if statement.split(None, 1)[0].lower() in ("select", "set", "show"):
            return
        if next(changes) == number:
            reached.set()
            driver.close()
            raise BrokenOff(statement)

    event.listen(Engine, "before_cursor_execute", look)
    try:
        yield reached.is_set
    finally:
        event.remove(Engine, "before_cursor_execute", look)
