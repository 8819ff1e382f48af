"""Looks: due by business time, late by the database's clock, and never forgotten."""

import threading
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from service.ledger import leads, looks, outbox_taking
from service.ledger.engine import Ledger
from service.rules.lead import LeadId
from tests.rooms.ledger_world import NOON, Beside, a_page, at, fresh_id, order, store


def waiting(ledger: Ledger, look_again_at: float, *, woken: bool = False) -> LeadId:
    """A lead that wants a look so many seconds after noon."""
    return store(ledger, look_again_at=at(look_again_at), woken=woken)


def woken_ago(ledger: Ledger, lead_id: LeadId, seconds: float) -> None:
    """Have the lead's wake lie so far back by the database's clock."""
    with ledger.transaction() as conn:
        conn.execute(
            text("""update lead set woken_at = clock_timestamp() - make_interval(secs => :s)
                where id = :id"""),
            {"s": seconds, "id": lead_id},
        )


def leased(conn: Connection, now: datetime, limit: int = looks.LOOKS_MAX) -> list[LeadId]:
    """Whom a sweep would wake now, in order."""
    return [due.lead_id for due in looks.lease_due(conn, now, limit)]


def test_a_look_is_due_at_its_instant_and_not_before(fresh_ledger: Ledger) -> None:
    later, sooner = waiting(fresh_ledger, 20), waiting(fresh_ledger, 10)
    with fresh_ledger.transaction() as conn:
        assert looks.next_look_at(conn) == at(10)
        assert looks.looks_overdue(conn, at(60)) == (2, at(10))
        assert looks.looks_overdue(conn, at(0)) == (0, None)
        assert leased(conn, at(9.999)) == []
        assert leased(conn, at(10)) == [sooner]
        assert looks.next_look_at(conn) == at(20)
        assert leased(conn, at(20)) == [later]


def test_the_look_that_is_due_longest_is_leased_first(fresh_ledger: Ledger) -> None:
    later, sooner = waiting(fresh_ledger, 20), waiting(fresh_ledger, 10)
    with fresh_ledger.transaction() as conn:
        assert leased(conn, at(60), limit=1) == [sooner]
        assert leased(conn, at(60), limit=1) == [later]


def test_of_leads_due_at_one_instant_the_longest_waiting_comes_first(fresh_ledger: Ledger) -> None:
    waits_since = (50, 10, 40, 20, 30)
    stored = {
        s: store(fresh_ledger, look_again_at=at(100), t0=at(s), woken=False) for s in waits_since
    }
    in_order = [stored[since] for since in sorted(stored)]
    with fresh_ledger.transaction() as conn:
        first = leased(conn, at(100), limit=2)
        assert first + leased(conn, at(100)) == in_order
    for lead_id in in_order:
        woken_ago(fresh_ledger, lead_id, 60)
    with fresh_ledger.transaction() as conn:
        assert looks.overdue_wakes(conn, at(100)) == in_order


def test_a_leased_look_is_not_leased_again(fresh_ledger: Ledger) -> None:
    later, sooner = waiting(fresh_ledger, 20), waiting(fresh_ledger, 10)
    with fresh_ledger.transaction() as conn:
        assert leased(conn, at(60)) == [sooner, later]
        assert leased(conn, at(60)) == []
        assert looks.next_look_at(conn) is None, "both are on their way"
        assert looks.looks_overdue(conn, at(60))[0] == 2, "and still not looked at"


def test_at_an_opening_who_asked_again_comes_first_then_who_waits_longest(
    fresh_ledger: Ledger,
) -> None:
    patient = store(fresh_ledger, t0=at(-60), look_again_at=at(10), woken=False)
    late = store(fresh_ledger, t0=at(-20), look_again_at=at(10), woken=False)
    asked_twice = store(fresh_ledger, t0=at(-10), look_again_at=at(10), woken=False)
    with fresh_ledger.transaction() as conn:
        conn.execute(text("update lead set asked = 1 where id = :id"), {"id": asked_twice})
        assert leased(conn, at(10)) == [asked_twice, patient, late]


def test_a_lead_that_is_being_looked_at_is_not_leased(fresh_ledger: Ledger) -> None:
    held, free = waiting(fresh_ledger, 0), waiting(fresh_ledger, 0)
    with fresh_ledger.transaction() as look, fresh_ledger.transaction() as sweep:
        leads.lock_lead(look, held)
        assert leased(sweep, NOON) == [free]


def test_two_sweeps_never_wake_one_lead_twice(fresh_ledger: Ledger) -> None:
    due = {waiting(fresh_ledger, 0) for _ in range(20)}
    gate = threading.Barrier(2, timeout=20)

    def sweep() -> list[LeadId]:
        gate.wait()
        woken: list[LeadId] = []
        for _ in range(20):
            with fresh_ledger.transaction() as conn:
                woken += leased(conn, NOON, limit=3)
        return woken

    sweeps = [Beside(sweep) for _ in range(2)]
    woken = [lead_id for each in sweeps for lead_id in each.ended()]
    assert len(woken) == len(due)
    assert set(woken) == due


def test_a_wake_that_was_lost_is_overdue_after_two_seconds(fresh_ledger: Ledger) -> None:
    lost = waiting(fresh_ledger, 0, woken=True)
    waiting(fresh_ledger, 0, woken=True)  # woken just now
    waiting(fresh_ledger, 0)  # for the sweep to wake first
    not_due = waiting(fresh_ledger, 60, woken=True)
    for lead_id in (lost, not_due):
        woken_ago(fresh_ledger, lead_id, 5)
    with fresh_ledger.transaction() as conn:
        assert looks.overdue_wakes(conn, NOON) == [lost]


def test_asking_for_a_look_never_puts_one_off(fresh_ledger: Ledger) -> None:
    lead_id = waiting(fresh_ledger, 45, woken=True)
    with fresh_ledger.transaction() as conn:
        assert looks.ask_look(conn, lead_id, at(60))
        assert looks.next_look_at(conn) == at(45)
        assert looks.ask_look(conn, lead_id, at(30))
        assert looks.next_look_at(conn) == at(30)
        assert not looks.ask_look(conn, fresh_id(), at(30))


def test_a_changed_floor_has_every_open_lead_looked_at_in_helpings(fresh_ledger: Ledger) -> None:
    ahead = sorted(waiting(fresh_ledger, 60) for _ in range(3))
    already_due = waiting(fresh_ledger, -5)
    settled = store(fresh_ledger, state="settled", look_again_at=None)
    followed = store(fresh_ledger, state="following", look_again_at=at(60))
    with fresh_ledger.transaction() as conn:
        first = looks.ask_looks_of_open(conn, NOON, limit=2)
        rest = looks.ask_looks_of_open(conn, NOON, after=first[-1], limit=2)
        assert looks.ask_looks_of_open(conn, NOON, after=rest[-1], limit=2) == []
        due = leased(conn, NOON)
    assert (first, rest) == (ahead[:2], ahead[2:])
    assert set(due) == {*ahead, already_due}
    assert not {settled, followed} & set(due)


def test_the_audit_finds_an_open_lead_whose_look_is_overdue(fresh_ledger: Ledger) -> None:
    late = waiting(fresh_ledger, 0)
    waiting(fresh_ledger, 31)
    with fresh_ledger.transaction() as conn:
        assert looks.forgotten(conn, at(29), 30) == []
        (found,) = looks.forgotten(conn, at(30), 30)
    assert (found.lead_id, found.page_id, found.why) == (late, None, "look overdue")
    assert found.since == NOON


def test_the_audit_does_not_trust_the_constraint(fresh_ledger: Ledger) -> None:
    lead_id = waiting(fresh_ledger, 0)
    with fresh_ledger.transaction() as conn:
        conn.execute(text("alter table lead drop constraint lead_never_forgotten"))
        conn.execute(text("update lead set look_again_at = null"))
        (found,) = looks.forgotten(conn, NOON, 30)
    assert (found.lead_id, found.why, found.since) == (lead_id, "no look planned", None)


def test_the_audit_finds_messages_that_are_stuck(fresh_ledger: Ledger) -> None:
    lead_id = waiting(fresh_ledger, 600)
    ordered = order(fresh_ledger, a_page(lead_id, 2))
    taken = order(fresh_ledger, a_page(lead_id, 3))
    order(fresh_ledger, a_page(lead_id, 4))
    with fresh_ledger.transaction() as conn:
        outbox_taking.mark_taken(conn, taken, "worker-1", -60, NOON)
        conn.execute(
            text(
                "update outbox set ordered_clock = ordered_clock - interval '60 s' where id = :id"
            ),
            {"id": ordered},
        )
        found = looks.forgotten(conn, NOON, 30)
    assert {(each.page_id, each.why) for each in found} == {
        (ordered, "ordered, never taken"),
        (taken, "taken, never settled"),
    }


def test_a_finding_is_news_once_and_again_after_its_repair(fresh_ledger: Ledger) -> None:
    lead_id = waiting(fresh_ledger, 0)
    with fresh_ledger.transaction() as conn:
        assert looks.note_finding(conn, lead_id, "look overdue")
        assert not looks.note_finding(conn, lead_id, "look overdue")
        assert looks.open_findings(conn) == 1
        assert looks.findings(conn) == [lead_id]
        looks.mark_repaired(conn, lead_id)
        assert looks.open_findings(conn) == 0
        assert looks.findings(conn) == []
        assert looks.note_finding(conn, lead_id, "look overdue")
        assert looks.open_findings(conn) == 1


def test_moving_business_time_moves_no_wake(fresh_ledger: Ledger) -> None:
    """A test's clock jumps a day ahead: the wake sent a moment ago is not thereby lost."""
    waiting(fresh_ledger, 0, woken=True)
    with fresh_ledger.transaction() as conn:
        assert looks.overdue_wakes(conn, NOON + timedelta(days=1)) == []
