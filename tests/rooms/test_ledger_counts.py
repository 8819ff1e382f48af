"""Counting once, replays, heartbeats, slots and tokens."""

import threading

import pytest
from sqlalchemy import exc, text

from service.errors import LedgerUnavailable
from service.ledger import counts, health, inbound, outbox, outbox_taking, pace, tokens
from service.ledger.counts import Delta, Total
from service.ledger.engine import Ledger
from tests.rooms.ledger_world import NOON, Beside, a_page, at, await_blocked, meet, order, store

PAGES = "pages_sent_total"
BY_TEXT = {"channel": "text"}


def count_all(ledger: Ledger) -> dict[str, float]:
    with ledger.transaction() as conn:
        return {total.metric: total.n for total in counts.totals(conn)}


def test_a_fact_told_twice_counts_once(fresh_ledger: Ledger) -> None:
    for _ in range(2):
        with fresh_ledger.transaction() as conn:
            counts.count(conn, [Delta("lead-1:2", PAGES, BY_TEXT)])
            counts.count(conn, [])
    assert count_all(fresh_ledger) == {PAGES: 1}


def test_a_fact_told_again_after_folding_still_counts_once(fresh_ledger: Ledger) -> None:
    for _ in range(3):
        with fresh_ledger.transaction() as conn:
            counts.count(conn, [Delta("lead-1:2", PAGES, BY_TEXT)])
        with fresh_ledger.transaction() as conn:
            counts.fold(conn)
    assert count_all(fresh_ledger) == {PAGES: 1}


def test_folding_changes_no_total(fresh_ledger: Ledger) -> None:
    deltas = [Delta(f"lead-{n}:2", PAGES, {"channel": "text"}) for n in range(7)]
    latency = [Delta(f"lead-{n}:s", "x_sum", {}, 0.25) for n in range(4)]
    with fresh_ledger.transaction() as conn:
        counts.count(conn, deltas + latency)
    folded = []
    for _ in range(5):
        assert count_all(fresh_ledger) == {PAGES: 7, "x_sum": 1.0}
        with fresh_ledger.transaction() as conn:
            folded.append(counts.fold(conn, limit=3))
    assert folded == [3, 3, 3, 2, 0]


def test_labels_in_any_order_are_one_series(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        counts.count(conn, [Delta("a", "m", {"x": "1", "y": "2"})])
        counts.fold(conn)
        counts.count(conn, [Delta("b", "m", {"y": "2", "x": "1"}, 2)])
        assert counts.totals(conn) == [Total("m", {"x": "1", "y": "2"}, 3)]


def test_two_who_tell_one_fact_at_once_count_once(fresh_ledger: Ledger) -> None:
    gate = threading.Barrier(4, timeout=20)

    def tell() -> None:
        gate.wait()
        for number in range(25):
            with fresh_ledger.transaction() as conn:
                counts.count(conn, [Delta(f"fact-{number}", PAGES, BY_TEXT)])
            with fresh_ledger.transaction() as conn:
                counts.fold(conn)

    for each in [Beside(tell) for _ in range(4)]:
        each.ended()
    assert count_all(fresh_ledger) == {PAGES: 25}


def test_one_folds_at_a_time(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        counts.count(conn, [Delta("a", "m", {}), Delta("b", "m", {})])
    with fresh_ledger.transaction() as one, fresh_ledger.transaction() as two:
        assert counts.fold(one, limit=1) == 1
        assert counts.fold(two, limit=1) == 0


def test_a_scrape_sees_one_instant(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        counts.count(conn, [Delta("a", "m", {})])
    with fresh_ledger.snapshot() as scrape:
        before = counts.totals(scrape)
        with fresh_ledger.transaction() as conn:
            counts.count(conn, [Delta("b", "m", {})])
            counts.fold(conn)
        assert counts.totals(scrape) == before


def test_a_snapshot_changes_nothing(fresh_ledger: Ledger) -> None:
    with pytest.raises(LedgerUnavailable, match="25006"), fresh_ledger.snapshot() as conn:
        health.beat(conn, "sweep")
    with fresh_ledger.transaction() as conn:
        health.beat(conn, "sweep")  # the same connection, back to what it was
        assert conn.execute(text("show transaction_isolation")).scalar_one() == "read committed"


def test_the_keys_of_folded_facts_are_dropped_after_their_keeping(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        counts.count(conn, [Delta("old", "m", {}), Delta("new", "m", {})])
        counts.fold(conn)
        conn.execute(
            text("""update count_delta set folded_clock = folded_clock - interval '9 days'
                where source_key = 'old'""")
        )
        counts.fold(conn)
        kept = conn.execute(text("select source_key from count_delta")).scalars().all()
        assert kept == ["new"]
        assert counts.totals(conn) == [Total("m", {}, 2)]


def test_a_replay_gets_the_answer_of_the_first_time(ledger: Ledger) -> None:
    lead_id = store(ledger)
    with ledger.transaction() as conn:
        assert inbound.seen(conn, "SM9") is None
        assert inbound.remember(conn, "SM9", "sms", lead_id, "<Response/>", NOON)
        assert not inbound.remember(conn, "SM9", "sms", None, "else", at(1))
        seen = inbound.seen(conn, "SM9")
    assert seen == inbound.Answer("sms", NOON, "<Response/>", lead_id)


def test_of_two_replays_at_once_one_is_the_first(fresh_ledger: Ledger) -> None:
    held, told = threading.Event(), threading.Event()

    def first() -> bool:
        with fresh_ledger.transaction() as conn:
            kept = inbound.remember(conn, "SM8", "sms", None, "one", NOON)
            held.set()
            meet(told)
        return kept

    def second() -> tuple[bool, inbound.Answer | None]:
        meet(held)
        with fresh_ledger.transaction() as conn:
            kept = inbound.remember(conn, "SM8", "sms", None, "two", NOON)
            return kept, inbound.seen(conn, "SM8")

    one, two = Beside(first), Beside(second)
    await_blocked(fresh_ledger)
    told.set()
    assert one.ended() is True
    assert two.ended() == (False, inbound.Answer("sms", NOON, "one", None))


def test_what_cannot_be_read_is_kept_as_it_came(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        first = inbound.keep_unreadable(conn, "website", NOON, b"\xff\x00{", "not JSON")
        second = inbound.keep_unreadable(
            conn, "website", at(1), b"x" * (inbound.UNREADABLE_MAX_BYTES + 1), "too long"
        )
        kept = inbound.unreadable(conn)
        assert inbound.unreadable(conn, before=second) == kept[1:]
    assert [each.id for each in kept] == [second, first]
    assert kept[1] == inbound.Unreadable(first, "website", NOON, b"\xff\x00{", "not JSON")
    assert len(kept[0].body) == inbound.UNREADABLE_MAX_BYTES


def test_a_heartbeats_age_is_told_by_the_database(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        health.beat(conn, "sweep", {"round": 1})
        health.beat(conn, "sweep", {"round": 2})
        health.beat(conn, "worker:1")
        sweep, worker = health.beats(conn)
        assert (sweep.name, sweep.detail, worker.name) == ("sweep", {"round": 2}, "worker:1")
        assert 0 <= sweep.age_s < 60
        conn.execute(text("update beat set at = at - interval '25 hours' where name = 'sweep'"))
        assert health.drop_old_beats(conn) == 1
        assert [beat.name for beat in health.beats(conn)] == ["worker:1"]


def test_open_leads_are_counted_without_tests_and_the_contacted(fresh_ledger: Ledger) -> None:
    store(fresh_ledger, arrived_at=at(5), t0=at(5))
    store(fresh_ledger)
    store(fresh_ledger, arrived_at=at(-60), t0=at(-60), test=True)
    store(fresh_ledger, arrived_at=at(-90), t0=at(-90), state="settled", look_again_at=None)
    talked = store(fresh_ledger, arrived_at=at(-99), t0=at(-99), state="talking")
    with fresh_ledger.transaction() as conn:
        conn.execute(
            text("update lead set first_contact_at = :at where id = :id"),
            {"at": NOON, "id": talked},
        )
        assert health.open_leads(conn) == [
            health.OpenLeads("website", "talking", 1),
            health.OpenLeads("website", "waiting", 2),
        ]
        assert health.oldest_uncontacted(conn) == {"website": NOON}


def test_unfinished_messages_are_counted_by_state(fresh_ledger: Ledger) -> None:
    pages = [order(fresh_ledger, a_page(None)) for _ in range(4)]
    with fresh_ledger.transaction() as conn:
        for page_id in pages[:2]:
            outbox_taking.mark_taken(conn, page_id, "worker-1", 30, NOON)
        outbox.settle_unsure(conn, pages[0])
        assert health.outbox_unfinished(conn) == {"ordered": 2, "taken": 1, "unsure": 1}


def test_slots_follow_one_another(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        waits = [pace.take_slot(conn, "+1500", "text", 10, 25) for _ in range(4)]
        other = pace.take_slot(conn, "+1500", "call", 10, 25)
    assert [round(wait, -1) if wait is not None else None for wait in waits] == [0, 10, 20, None]
    assert other is not None
    assert round(other) == 0


def test_a_token_is_known_by_its_hash_until_it_is_revoked(ledger: Ledger) -> None:
    with ledger.transaction() as conn:
        number = tokens.add_token(conn, "hash-1", "api")
        tokens.add_token(conn, "hash-2", "metrics")
        assert tokens.token_role(conn, "hash-1") == "api"
        assert tokens.token_role(conn, "hash-3") is None
        assert tokens.revoke_by_id(conn, number)
        assert tokens.token_role(conn, "hash-1") is None
        assert tokens.revoke(conn, "hash-2")
        assert not tokens.revoke(conn, "hash-2")
        assert tokens.token_role(conn, "hash-2") is None


def test_a_hash_means_one_token(ledger: Ledger) -> None:
    with ledger.transaction() as conn:
        tokens.add_token(conn, "hash-9", "api")
    with pytest.raises(exc.IntegrityError), ledger.transaction() as conn:
        tokens.add_token(conn, "hash-9", "manager")
