"""Messages: ordered once, taken by one, settled once; two threads never take the same row."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from service.ledger import health, leads, outbox, outbox_taking
from service.ledger.engine import Ledger
from service.ledger.outbox import OutboxState
from service.rules.lead import PageId
from service.rules.timeline import Channel
from tests.rooms.ledger_world import NOON, Beside, a_page, at, order, store, write


def taken(ledger: Ledger, page_id: PageId, lease_s: float = 30) -> PageId:
    """A page that somebody has taken."""
    with ledger.transaction() as conn:
        assert outbox_taking.mark_taken(conn, page_id, "worker-1", lease_s, NOON)
    return page_id


def state_of(ledger: Ledger, page_id: PageId) -> OutboxState:
    with ledger.transaction() as conn:
        row = outbox.row(conn, page_id)
    assert row is not None
    return row.state


def test_a_page_is_read_back_as_it_was_ordered(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    page = a_page(lead_id, 2, channel=Channel.CALL, kind="page_call")
    order(fresh_ledger, page)
    with fresh_ledger.transaction() as conn:
        row = outbox.row(conn, page.id)
        assert outbox.ordered_pages(conn, lead_id) == [row]
    assert row is not None
    for name in outbox.Order.__dataclass_fields__:
        assert getattr(row, name) == getattr(page, name), name
    assert (row.state, row.tries, row.page_id, row.taken_by) == ("ordered", 1, page.id, None)


def test_a_look_orders_its_pages_as_ordered_or_as_taken(fresh_ledger: Ledger) -> None:
    """Only a page that names its sender is taken as it is ordered, and only for a taker."""
    lead_id = store(fresh_ledger)
    for_later = a_page(lead_id, 2, from_number="+15005550006", to_number="+12125550102")
    mine = a_page(lead_id, 3, from_number="+15005550006")
    anyones = a_page(lead_id, 4)
    with fresh_ledger.transaction() as conn:
        write(conn, lead_id, orders=[for_later])
        write(conn, lead_id, orders=[mine, anyones], taken_by="worker-1", lease_s=30)
        assert [row.id for row in outbox.ordered_pages(conn, lead_id)] == [for_later.id, anyones.id]
        row = outbox.row(conn, mine.id)
    assert row is not None
    assert (row.state, row.taken_by, row.from_number) == ("taken", "worker-1", "+15005550006")
    assert row.taken_clock is not None
    assert row.lease_until is not None
    assert row.lease_until - row.taken_clock >= timedelta(seconds=30)
    for name in outbox.Order.__dataclass_fields__:
        assert getattr(row, name) == getattr(mine, name), name


def test_the_oldest_ordered_row_is_picked_with_its_lead(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    first = order(fresh_ledger, a_page(lead_id, 2))
    order(fresh_ledger, a_page(lead_id, 3))
    with fresh_ledger.transaction() as conn:
        picked = outbox_taking.pick_next(conn)
        assert picked is not None
        assert picked.lead is not None
        assert (picked.row.id, picked.lead.id) == (first, lead_id)
        assert outbox_taking.mark_taken(conn, first, "worker-1", 30, NOON, "+15005550006")
        assert not outbox_taking.mark_taken(conn, first, "worker-2", 30, NOON)
        row = outbox.row(conn, first)
    assert row is not None
    assert (row.state, row.taken_by, row.from_number) == ("taken", "worker-1", "+15005550006")
    assert row.taken_clock is not None
    assert row.lease_until is not None
    assert row.lease_until - row.taken_clock >= timedelta(seconds=30)


def test_nothing_ordered_is_nothing_picked(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        assert outbox_taking.pick_next(conn) is None


def test_a_row_without_a_lead_is_picked_too(fresh_ledger: Ledger) -> None:
    page_id = order(fresh_ledger, a_page(None, kind="answer_text"))
    with fresh_ledger.transaction() as conn, fresh_ledger.transaction() as other:
        picked = outbox_taking.pick_next(conn)
        assert picked is not None
        assert (picked.row.id, picked.lead) == (page_id, None)
        assert outbox_taking.pick_next(other) is None


def test_a_taker_may_ask_for_one_channel_only(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    order(fresh_ledger, a_page(lead_id, 2))
    call = order(fresh_ledger, a_page(lead_id, 3, channel=Channel.CALL, kind="page_call"))
    answer = order(fresh_ledger, a_page(None, kind="answer_text"))
    with fresh_ledger.transaction() as conn:
        picked = outbox_taking.pick_next(conn, [Channel.CALL])
        assert picked is not None
        assert picked.row.id == call
        outbox_taking.mark_withdrawn(conn, call)
        assert outbox_taking.pick_next(conn, [Channel.CALL]) is None
        assert state_of(fresh_ledger, answer) == "ordered"


def test_picking_never_waits_for_a_held_lead(fresh_ledger: Ledger) -> None:
    """A look that holds the lead may yet withdraw its page; another lead's page goes first."""
    held, free = store(fresh_ledger), store(fresh_ledger)
    order(fresh_ledger, a_page(held, 2))
    later = order(fresh_ledger, a_page(free, 2))
    with fresh_ledger.transaction() as look, fresh_ledger.transaction() as taker:
        leads.lock_lead(look, held)
        picked = outbox_taking.pick_next(taker)
        assert picked is not None
        assert picked.row.id == later
        # And the look is not kept waiting by the row that was passed over.
        assert len(outbox.ordered_pages(look, held)) == 1
        withdrawn = outbox.withdraw(look, held, [outbox.ordered_pages(look, held)[0].id])
        assert len(withdrawn) == 1


def test_one_leads_pages_are_taken_one_after_the_other(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    order(fresh_ledger, a_page(lead_id, 2))
    order(fresh_ledger, a_page(lead_id, 3))
    with fresh_ledger.transaction() as one, fresh_ledger.transaction() as two:
        assert outbox_taking.pick_next(one) is not None
        assert outbox_taking.pick_next(two) is None


def test_two_takers_never_take_the_same_row(fresh_ledger: Ledger) -> None:
    pages = {order(fresh_ledger, a_page(store(fresh_ledger), 2)) for _ in range(30)}
    gate = threading.Barrier(3, timeout=20)

    def take_all() -> list[PageId]:
        mine: list[PageId] = []
        gate.wait()
        while True:
            with fresh_ledger.transaction() as conn:
                picked = outbox_taking.pick_next(conn)
                if picked is None:
                    if not health.outbox_unfinished(conn)["ordered"]:
                        return mine
                    continue
                assert outbox_taking.mark_taken(conn, picked.row.id, "taker", 30, NOON)
            mine.append(picked.row.id)

    takers = [Beside(take_all) for _ in range(3)]
    all_taken = [page_id for taker in takers for page_id in taker.ended()]
    assert len(all_taken) == len(pages)
    assert set(all_taken) == pages


def test_a_withdrawn_page_is_not_picked_and_a_taken_one_not_withdrawn(
    fresh_ledger: Ledger,
) -> None:
    lead_id = store(fresh_ledger)
    on_its_way = taken(fresh_ledger, order(fresh_ledger, a_page(lead_id, 2)))
    waiting = order(fresh_ledger, a_page(lead_id, 3))
    elsewhere = order(fresh_ledger, a_page(store(fresh_ledger), 2))
    with fresh_ledger.transaction() as conn:
        gone = outbox.withdraw(conn, lead_id, [on_its_way, waiting, elsewhere])
        assert outbox.withdraw(conn, lead_id, []) == []
    assert gone == [waiting]
    assert state_of(fresh_ledger, on_its_way) == "taken"
    assert state_of(fresh_ledger, elsewhere) == "ordered"


def test_a_picked_row_that_is_pointless_or_late_ends_untaken(ledger: Ledger) -> None:
    pointless, late = order(ledger, a_page(None)), order(ledger, a_page(None))
    with ledger.transaction() as conn:
        assert outbox_taking.mark_withdrawn(conn, pointless)
        assert outbox_taking.mark_expired(conn, late)
        assert not outbox_taking.mark_expired(conn, pointless)
    assert (state_of(ledger, pointless), state_of(ledger, late)) == ("withdrawn", "expired")


def test_a_row_is_settled_once(ledger: Ledger) -> None:
    page_id = taken(ledger, order(ledger, a_page(None)))
    with ledger.transaction() as conn:
        assert outbox.settle_sent(conn, page_id, "SM1", "queued", at(1), 1)
        assert not outbox.settle_failed(conn, page_id, 30007)
        assert not outbox.settle_unsure(conn, page_id)
        row = outbox.row(conn, page_id)
    assert row is not None
    assert (row.carrier_sid, row.state, row.sent_at, row.code) == ("SM1", "sent", at(1), None)


def test_the_carriers_ids_of_what_a_phone_was_sent_are_known(ledger: Ledger) -> None:
    page_id = taken(ledger, order(ledger, a_page(None, to_number="+12125550999")))
    with ledger.transaction() as conn:
        outbox.settle_sent(conn, page_id, "SM10", "queued", at(1))
        assert outbox.sids_to(conn, "+12125550999", Channel.TEXT) == {"SM10"}
        assert outbox.sids_to(conn, "+12125550999", Channel.CALL) == frozenset()


def test_an_unsure_row_may_turn_out_to_be_sent_or_failed(ledger: Ledger) -> None:
    first = taken(ledger, order(ledger, a_page(None)))
    second = taken(ledger, order(ledger, a_page(None)))
    with ledger.transaction() as conn:
        assert outbox.settle_unsure(conn, first)
        assert outbox.settle_unsure(conn, second)
        assert outbox.settle_sent(conn, first, "SM2", "sent", at(2))
        assert outbox.settle_failed(conn, second, 21610)
    assert (state_of(ledger, first), state_of(ledger, second)) == ("sent", "failed")


def test_an_unsure_page_is_repeated_once_under_a_name_that_tells_which(ledger: Ledger) -> None:
    lead_id = store(ledger)
    page_id = taken(ledger, order(ledger, a_page(lead_id, 2)))
    with ledger.transaction() as conn:
        assert outbox.order_again(conn, page_id, at(5)) is None, "nobody is unsure of it yet"
        outbox.settle_unsure(conn, page_id)
        again = outbox.order_again(conn, page_id, at(5))
        assert again == f"{page_id}.2"
        assert outbox.order_again(conn, page_id, at(6)) is None
        row = outbox.row(conn, again)
    assert row is not None
    assert (row.page_id, row.tries, row.state, row.ordered_at) == (page_id, 2, "ordered", at(5))
    taken(ledger, again)
    with ledger.transaction() as conn:
        outbox.settle_unsure(conn, again)
        assert outbox.order_again(conn, again, at(9)) is None, "two tries at most"


def test_withdrawing_a_page_withdraws_its_repeat(ledger: Ledger) -> None:
    lead_id = store(ledger)
    page_id = taken(ledger, order(ledger, a_page(lead_id, 2)))
    with ledger.transaction() as conn:
        outbox.settle_unsure(conn, page_id)
        again = outbox.order_again(conn, page_id, at(5))
        assert outbox.withdraw(conn, lead_id, [page_id]) == [again]


def test_a_lease_that_ran_out_is_found_by_the_databases_clock(fresh_ledger: Ledger) -> None:
    lapsed = taken(fresh_ledger, order(fresh_ledger, a_page(None)), lease_s=-1)
    taken(fresh_ledger, order(fresh_ledger, a_page(None)), lease_s=30)
    with fresh_ledger.transaction() as conn:
        assert [row.id for row in outbox_taking.lapsed_leases(conn)] == [lapsed]


@pytest.mark.parametrize(
    ("told", "status", "rank"),
    [
        ([("queued", 1), ("sent", 3), ("delivered", 5)], "delivered", 5),
        ([("delivered", 5), ("sent", 3)], "delivered", 5),
        ([("sent", 3), ("sent", 3)], "sent", 3),
    ],
)
def test_a_carriers_status_only_rises(
    ledger: Ledger, told: list[tuple[str, int]], status: str, rank: int
) -> None:
    page_id = taken(ledger, order(ledger, a_page(None)))
    with ledger.transaction() as conn:
        rose = [outbox.raise_status(conn, page_id, s, r, "SM3", None) for s, r in told]
        row = outbox.row(conn, page_id)
    assert row is not None
    assert (row.carrier_status, row.carrier_rank, row.carrier_sid) == (status, rank, "SM3")
    highest = -1
    for (_, each), did in zip(told, rose, strict=True):
        assert did == (each > highest)
        highest = max(highest, each)


def test_a_callback_that_overtook_the_answer_is_not_undone_by_it(ledger: Ledger) -> None:
    page_id = taken(ledger, order(ledger, a_page(None)))
    with ledger.transaction() as conn:
        outbox.raise_status(conn, page_id, "delivered", 5, "SM4", None)
        assert outbox.settle_sent(conn, page_id, "SM4", "queued", at(1), 1)
        row = outbox.row(conn, page_id)
    assert row is not None
    assert (row.state, row.carrier_status, row.carrier_rank) == ("sent", "delivered", 5)


def test_ordering_goes_by_the_databases_clock_not_by_business_time(fresh_ledger: Ledger) -> None:
    """A test's clock may stand or jump; who ordered first is still taken first."""
    first = order(fresh_ledger, a_page(None, ordered_at=at(100)))
    order(fresh_ledger, a_page(None, ordered_at=NOON))
    with fresh_ledger.transaction() as conn:
        conn.execute(text("set local enable_seqscan = off"))
        picked = outbox_taking.pick_next(conn)
    assert picked is not None
    assert picked.row.id == first
