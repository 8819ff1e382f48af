"""Leads stored and read back, and the locks that keep two hands from one lead."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, exc, text

from service.ledger import counts, leads, listing, locks, look, people, persons
from service.ledger.counts import Delta, Total
from service.ledger.engine import Ledger
from service.ledger.lead_rows import StandingRow
from service.rules.lead import Lead, LeadId, PageId, RepId, identity_keys
from service.rules.timeline import By, Channel, Claimed, PageFailed
from tests.rooms.ledger_world import (
    ANN,
    NOON,
    WEBSITE,
    Beside,
    a_policy,
    arrived,
    at,
    await_blocked,
    fact_at,
    fresh_id,
    meet,
    new_lead,
    paged,
    store,
    write,
)

Hold = Callable[[Connection, Sequence[str]], None]

DANA = Lead(
    name="Dana Réyes",
    phone="+12125550177",
    phone_as_given="(212) 555-0177",
    email="dana@example.com",
    ask='Solar for a barn; "quickly", 100% please',
    company="Réyes & Co",
    city="Austin",
    state="TX",
    language="es",
    pages_viewed=("/pricing", "/barns"),
    extra=(("utm_source", "search"), ("budget", "10k")),
)


def test_a_lead_and_its_person_are_read_back_as_they_were_stored(ledger: Ledger) -> None:
    with ledger.transaction() as conn:
        new = new_lead(conn, DANA, route=1, t0=at(-5), judge_at=at(86_400), test=True)
        leads.insert_lead(conn, new, [arrived()])
    with ledger.transaction() as conn:
        view = leads.read_lead(conn, new.id)
        assert leads.person_of(conn, new.id) == DANA
    assert view is not None
    assert view.person == DANA
    row = view.row
    assert (row.id, row.source, row.arrived_at, row.t0) == (new.id, WEBSITE, NOON, at(-5))
    assert (row.route, row.state, row.attempts, row.last_seq) == (1, "waiting", 0, 1)
    assert (row.look_again_at, row.judge_at, row.test) == (NOON, at(86_400), True)
    assert (row.owner, row.rung, row.claimed_at, row.first_contact_at) == (None,) * 4
    assert row.woken_at is not None


def test_what_is_known_of_a_person_may_grow_and_be_erased(ledger: Ledger) -> None:
    lead_id = store(ledger)
    with ledger.transaction() as conn:
        assert persons.save_person(conn, lead_id, DANA)
        assert leads.person_of(conn, lead_id) == DANA
        conn.execute(text("delete from person where lead_id = :id"), {"id": lead_id})
        assert leads.person_of(conn, lead_id) is None
        assert not persons.save_person(conn, lead_id, DANA), "what was erased stays erased"
        view = leads.read_lead(conn, lead_id)
        assert leads.timeline_of(conn, lead_id) == (arrived(),)
    assert view is not None
    assert view.person is None


def test_a_timeline_is_read_back_as_it_was_written(ledger: Ledger) -> None:
    lead_id = store(ledger)
    later = [
        paged(2, "page-1", at(0.25)),
        fact_at(3, PageFailed(PageId("page-1"), ANN, Channel.TEXT, "21610", 21610), at(1)),
        fact_at(4, Claimed(RepId("bob"), By.LINK), at(2.000001)),
    ]
    with ledger.transaction() as conn:
        write(conn, lead_id, events=later[:1])
        write(conn, lead_id, events=later[1:])
        write(conn, lead_id)
    with ledger.transaction() as conn:
        seen = look.begin(conn, lead_id)
        assert leads.timeline_of(conn, lead_id) == (arrived(), *later)
    assert seen is not None
    assert seen.timeline == (arrived(), *later)


def test_a_look_begins_with_all_that_it_must_know(ledger: Ledger) -> None:
    lead_id = store(ledger, DANA)
    with ledger.transaction() as conn:
        people.make_deaf(conn, "+12125550988", Channel.TEXT, NOON, "stop", 21610)
        seen = look.begin(conn, lead_id)
        assert look.begin(conn, fresh_id()) is None
        conn.execute(text("delete from person where lead_id = :id"), {"id": lead_id})
        erased = look.begin(conn, lead_id)
    assert seen is not None
    assert seen.row.id == lead_id
    assert (seen.timeline, seen.person) == ((arrived(),), DANA)
    assert seen.deaf == {("+12125550988", Channel.TEXT)}
    assert erased is not None
    assert erased.person is None


def test_the_standing_is_repeated_on_the_row(ledger: Ledger) -> None:
    lead_id = store(ledger)
    standing = StandingRow("claimed", "ann", 2, 1, at(9), at(10), at(5), at(1))
    with ledger.transaction() as conn:
        write(
            conn,
            lead_id,
            standing=standing,
            look_again_at=at(180),
            last_seq=6,
            last_recorded_at=at(10),
        )
        row = leads.lock_lead(conn, lead_id)
    assert row is not None
    held = (row.state, row.owner, row.rung, row.attempts, row.first_attempt_at)
    assert held == ("claimed", "ann", 2, 1, at(9))
    assert (row.first_contact_at, row.claimed_at, row.paged_at) == (at(10), at(5), at(1))
    assert (row.look_again_at, row.last_seq, row.last_recorded_at) == (at(180), 6, at(10))
    assert row.woken_at is None


def test_a_lead_whose_wake_follows_is_left_to_it(ledger: Ledger) -> None:
    lead_id = store(ledger, woken=False)
    with ledger.transaction() as conn:
        write(conn, lead_id, woken=True)
        row = leads.lock_lead(conn, lead_id)
    assert row is not None
    assert row.woken_at is not None


def test_what_a_look_counts_counts_once(fresh_ledger: Ledger) -> None:
    one, two = store(fresh_ledger), store(fresh_ledger)
    with fresh_ledger.transaction() as conn:
        for lead_id in (one, one, two):
            write(conn, lead_id, deltas=[Delta(f"{lead_id}:2", "claims_total", {})])
        assert counts.totals(conn) == [Total("claims_total", {}, 2)]


def test_a_settled_lead_needs_no_look(ledger: Ledger) -> None:
    lead_id = store(ledger)
    with ledger.transaction() as conn:
        write(conn, lead_id, standing=StandingRow("settled"), look_again_at=None)


def test_an_open_lead_cannot_be_left_without_a_look(ledger: Ledger) -> None:
    lead_id = store(ledger)
    with pytest.raises(exc.IntegrityError, match="never_forgotten"), ledger.transaction() as conn:
        write(conn, lead_id, standing=StandingRow("chasing"), look_again_at=None)


def test_a_redelivery_is_known_by_any_of_its_keys(ledger: Ledger) -> None:
    lead_id = store(ledger, delivery_keys=("id:77", "idem:abc"))
    with ledger.transaction() as conn:
        assert leads.delivered_before(conn, WEBSITE, ["id:77"]) == lead_id
        assert leads.delivered_before(conn, WEBSITE, ["id:new", "idem:abc"]) == lead_id
        assert leads.delivered_before(conn, "elsewhere", ["id:77"]) is None
        assert leads.delivered_before(conn, WEBSITE, []) is None


def test_a_person_is_known_by_phone_or_email_newest_lead_first(ledger: Ledger) -> None:
    dana = Lead(phone="+12125550001", email="d@example.com")
    older = store(ledger, dana)
    newer = store(ledger, Lead(email="d@example.com"), arrived_at=at(60), t0=at(60))
    store(ledger, Lead(phone="+12125550002"))
    with ledger.transaction() as conn:
        known = leads.leads_of_person(conn, identity_keys(dana))
        assert leads.leads_of_person(conn, identity_keys(dana), limit=1) == known[:1]
        assert leads.leads_of_person(conn, []) == []
    assert [each.id for each in known] == [newer, older]
    assert known[0] == leads.KnownLead(newer, at(60), "waiting", None, False)


def test_who_asked_again_is_known_by_the_new_keys_too(ledger: Ledger) -> None:
    lead_id = store(ledger, Lead(phone="+12125550003"))
    keys = ["email:new@example.com", "phone:+12125550003"]
    with ledger.transaction() as conn:
        leads.note_asked(
            conn, lead_id, WEBSITE, identity_keys=keys, delivery_keys=["id:again"], at=at(5)
        )
        assert [k.id for k in leads.leads_of_person(conn, keys[:1])] == [lead_id]
        assert leads.delivered_before(conn, WEBSITE, ["id:again"]) == lead_id


def test_two_edges_that_store_one_person_take_turns(fresh_ledger: Ledger) -> None:
    """The second sees what the first stored, because it waited for a key in common."""
    dana = Lead(phone="+12125550004", email="two@example.com")
    held, told = threading.Event(), threading.Event()

    def first() -> LeadId:
        with fresh_ledger.transaction() as conn:
            leads.hold_identity(conn, ["email:two@example.com", "phone:+12125550004"])
            held.set()
            meet(told)
            new = new_lead(conn, dana)
            leads.insert_lead(conn, new, [arrived()])
        return new.id

    def second() -> list[LeadId]:
        meet(held)
        with fresh_ledger.transaction() as conn:
            leads.hold_identity(conn, ["phone:+12125550004"])
            return [known.id for known in leads.leads_of_person(conn, identity_keys(dana))]

    with fresh_ledger.transaction() as conn:
        a_policy(conn)
    one, two = Beside(first), Beside(second)
    await_blocked(fresh_ledger)
    told.set()
    assert two.ended() == [one.ended()]


ORDERED_LOCKS = [
    (leads.hold_identity, "hashtextextended(key, 0)", "hashtextextended(:key, 0)"),
    (locks.hold_phones, "hashtext(key)", "726, hashtext(:key)"),
]


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
@pytest.mark.parametrize(("hold", "rank", "name"), ORDERED_LOCKS, ids=["identity keys", "phones"])
def test_keys_are_held_in_one_order_however_they_are_given(
    fresh_ledger: Ledger, hold: Hold, rank: str, name: str, turned: bool
) -> None:
    """So two who want the same keys never cross: each waits at the last with the first in hand."""
    with fresh_ledger.transaction() as conn:
        in_order = text(f"select key from unnest(array['+1', '+2']) as key order by {rank}")
        first, last = conn.execute(in_order).scalars()

    def hold_both() -> None:
        with fresh_ledger.transaction() as conn:
            hold(conn, [last, first] if turned else [first, last])

    with fresh_ledger.transaction() as holder, fresh_ledger.transaction() as other:
        hold(holder, [last])
        waiting = Beside(hold_both)
        await_blocked(fresh_ledger)
        free = text(f"select pg_try_advisory_xact_lock({name})")
        assert not other.execute(free, {"key": first}).scalar_one()
    waiting.ended()


def test_a_look_that_waited_sees_what_the_holder_appended(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    held, told = threading.Event(), threading.Event()

    def holder() -> None:
        with fresh_ledger.transaction() as conn:
            leads.lock_lead(conn, lead_id)
            held.set()
            meet(told)
            write(conn, lead_id, events=[paged(2, "page-2")])

    def looker() -> int:
        meet(held)
        with fresh_ledger.transaction() as conn:
            seen = look.begin(conn, lead_id)
        assert seen is not None
        return len(seen.timeline)

    one, two = Beside(holder), Beside(looker)
    await_blocked(fresh_ledger)
    told.set()
    one.ended()
    assert two.ended() == 2


def test_a_receipt_may_point_at_a_lead_that_is_held(ledger: Ledger) -> None:
    lead_id = store(ledger)
    with ledger.transaction() as holder, ledger.transaction() as other:
        leads.lock_lead(holder, lead_id)
        leads.note_asked(
            other, lead_id, WEBSITE, identity_keys=[], delivery_keys=["id:held"], at=NOON
        )


def test_leads_are_listed_newest_first_a_page_at_a_time(fresh_ledger: Ledger) -> None:
    # Three arrive at one instant: the cursor must not lose or repeat any of them.
    whens = [NOON, NOON, NOON, at(1), at(2)]
    stored = [store(fresh_ledger, arrived_at=when, t0=when) for when in whens]
    newest_first = [stored[4], stored[3], *sorted(stored[:3])]
    seen: list[LeadId] = []
    cursor = None
    for _ in range(3):
        with fresh_ledger.transaction() as conn:
            page = listing.list_leads(conn, None, 2, cursor)
        seen += [view.row.id for view in page.leads]
        cursor = page.cursor
    assert seen == newest_first
    assert cursor is None


def test_leads_are_listed_open_or_closed(fresh_ledger: Ledger) -> None:
    is_open, closed = store(fresh_ledger), store(fresh_ledger, state="settled")
    with fresh_ledger.transaction() as conn:
        for state_open, expected in ((True, [is_open]), (False, [closed])):
            page = listing.list_leads(conn, state_open)
            assert [view.row.id for view in page.leads] == expected


@pytest.mark.parametrize("cursor", ["x", "!!!", "MjAyNg", "MjAyNi0wMS0wMXxh"])
def test_a_cursor_that_is_none_of_ours_is_refused(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"), ledger.transaction() as conn:
        listing.list_leads(conn, cursor=cursor)


def test_instants_come_back_aware_whatever_zone_they_went_in_with(ledger: Ledger) -> None:
    eastern = NOON.astimezone(tz=datetime.now().astimezone().tzinfo)
    lead_id = store(ledger, arrived_at=eastern, t0=eastern - timedelta(seconds=1))
    with ledger.transaction() as conn:
        row = leads.lock_lead(conn, lead_id)
    assert row is not None
    assert (row.arrived_at, row.arrived_at.utcoffset()) == (NOON, UTC.utcoffset(None))


def test_a_lead_to_which_very_much_happened_is_still_read_whole_and_written(
    fresh_ledger: Ledger,
) -> None:
    lead_id = store(fresh_ledger)
    with fresh_ledger.transaction() as conn:
        conn.execute(
            text("""insert into event (lead_id, seq, kind, at, recorded_at, because, actor, fields)
                select :id, seq, 'asked_again', :at, :at, 'again', 'test',
                  jsonb_build_object('source', 'website') from generate_series(2, 6000) seq"""),
            {"id": lead_id, "at": NOON},
        )
        conn.execute(text("update lead set last_seq = 6000 where id = :id"), {"id": lead_id})
    with fresh_ledger.transaction() as conn:
        write(conn, lead_id, events=[fact_at(6001, Claimed(ANN, By.TEXT))])
        seen = look.begin(conn, lead_id)
        assert leads.timeline_of(conn, lead_id)[-1].seq == 6001
    assert seen is not None
    assert (len(seen.timeline), seen.row.last_seq) == (6001, 6001)
