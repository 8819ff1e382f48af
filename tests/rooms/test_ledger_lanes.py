"""Whose call goes first: lanes, calls to one phone one after the other, and what goes only once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import text

from service.ledger import leads, outbox, outbox_calls, outbox_taking, watch
from service.ledger.engine import Ledger
from service.ledger.outbox_rows import (
    LANE_BRIDGE,
    LANE_HANG_UP,
    LANE_HUNT,
    LANE_OWED,
    LANE_REPEAT,
    Order,
    OutboxKind,
)
from service.rules.lead import CallId, LeadId, PageId
from service.rules.timeline import Channel
from tests.rooms.ledger_world import NOON, Beside, a_page, at, fresh_id, order, store, write

ANNS = "+12125550101"
BOBS = "+12125550102"
FINAL, IN_PROGRESS, RINGING = 4, 3, 2

LINE_KINDS: tuple[OutboxKind, ...] = ("bridge_call", "hunt_call", "hang_up")


def a_ring(lead_id: LeadId, kind: OutboxKind = "bridge_call", **changes: Any) -> Order:
    """A call to Ann, about a lead."""
    page = a_page(lead_id, kind=kind, channel=Channel.CALL, call_id=CallId(fresh_id("call")))
    changes.setdefault("lane", {"bridge_call": LANE_BRIDGE, "hunt_call": LANE_HUNT}.get(kind, 4))
    return _with(page, **changes)


def _with(page: Order, **changes: Any) -> Order:
    values = {name: getattr(page, name) for name in Order.__dataclass_fields__}
    return Order(**{**values, **changes})


def picks(ledger: Ledger) -> PageId | None:
    """The row that a sender takes next, and takes; None when there is none to be had."""
    with ledger.transaction() as conn:
        picked = outbox_taking.pick_next(conn)
        if picked is None:
            return None
        assert outbox_taking.mark_taken(conn, picked.row.id, "worker-1", 30, NOON)
        return picked.row.id


def test_a_call_is_read_back_as_it_was_ordered(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    ring = a_ring(lead_id, seq=2)
    order(fresh_ledger, ring)
    with fresh_ledger.transaction() as conn:
        row = outbox.row(conn, ring.id)
    assert row is not None
    for name in Order.__dataclass_fields__:
        assert getattr(row, name) == getattr(ring, name), name


def test_lanes_come_in_their_order_and_within_one_the_oldest(fresh_ledger: Ledger) -> None:
    def ordered(**changes: Any) -> PageId:
        return order(fresh_ledger, a_page(store(fresh_ledger), 2, **changes))

    repeat = ordered(lane=LANE_REPEAT, to_number="+12125550103")
    plain = [ordered(), ordered(to_number=BOBS)]
    owing = ordered(
        lane=LANE_OWED, kind="page_call", channel=Channel.CALL, to_number="+12125550104"
    )
    hunt = order(fresh_ledger, a_ring(store(fresh_ledger), "hunt_call", to_number="+12125550105"))
    bridges = [
        order(fresh_ledger, a_ring(store(fresh_ledger), to_number=number))
        for number in ("+12125550106", "+12125550107")
    ]
    end = a_ring(store(fresh_ledger), "hang_up", lane=LANE_HANG_UP)
    order(fresh_ledger, end)
    expected = [end.id, *bridges, hunt, owing, *plain, repeat]
    assert [picks(fresh_ledger) for _ in expected] == expected
    assert picks(fresh_ledger) is None


def test_the_index_of_lanes_serves_the_pick(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        conn.execute(text("set local enable_seqscan = off"))
        conn.execute(text("set local enable_sort = off"))
        plan = conn.execute(
            text(
                "explain select id from outbox o where o.state = 'ordered'"
                " order by o.lane, o.ordered_clock limit 1"
            )
        ).scalars()
        assert "outbox_lane" in " ".join(plan)


@pytest.mark.parametrize("kind", LINE_KINDS)
def test_a_sender_of_the_version_before_picks_no_ring(
    fresh_ledger: Ledger, kind: OutboxKind
) -> None:
    """It asks the rows for `text` and `call`, and would ring somebody's phone."""
    order(fresh_ledger, a_ring(store(fresh_ledger), kind))
    asked = text("select count(*) from outbox where channel = any('{text,call}')")
    with fresh_ledger.transaction() as conn:
        assert conn.execute(asked).scalar_one() == 0
        assert outbox_taking.pick_next(conn, [Channel.TEXT]) is None
        assert outbox_taking.pick_next(conn, [Channel.CALL]) is not None


@pytest.mark.parametrize("kind", LINE_KINDS)
def test_what_goes_at_most_once_is_not_ordered_again(ledger: Ledger, kind: OutboxKind) -> None:
    ring = a_ring(store(ledger), kind)
    order(ledger, ring)
    with ledger.transaction() as conn:
        outbox_taking.mark_taken(conn, ring.id, "worker-1", 30, NOON)
        assert outbox.settle_unsure(conn, ring.id)
        assert outbox.order_again(conn, ring.id, at(5)) is None


def test_a_repeat_comes_last(ledger: Ledger) -> None:
    page = a_page(store(ledger), 2, kind="page_call", channel=Channel.CALL, lane=LANE_OWED)
    order(ledger, page)
    with ledger.transaction() as conn:
        outbox_taking.mark_taken(conn, page.id, "worker-1", 30, NOON)
        outbox.settle_unsure(conn, page.id)
        again = outbox.order_again(conn, page.id, at(5))
        assert again is not None
        row = outbox.row(conn, again)
    assert row is not None
    assert row.lane == LANE_REPEAT


def ringing(ledger: Ledger, kind: OutboxKind = "page_call", **changes: Any) -> PageId:
    """A call of a lead of its own that is on its way to Ann."""
    ring = a_ring(store(ledger), kind, **changes)
    order(ledger, ring)
    with ledger.transaction() as conn:
        outbox_taking.mark_taken(conn, ring.id, "worker-1", 30, NOON)
    return ring.id


def test_calls_to_one_phone_go_one_after_the_other(fresh_ledger: Ledger) -> None:
    first = ringing(fresh_ledger)
    bridge = order(fresh_ledger, a_ring(store(fresh_ledger)))
    to_bob = order(fresh_ledger, a_ring(store(fresh_ledger), "hunt_call", to_number=BOBS))
    assert picks(fresh_ledger) == to_bob, "Ann's bridge waits, though its lane is before"
    assert picks(fresh_ledger) is None
    with fresh_ledger.transaction() as conn:
        outbox.settle_sent(conn, first, "CA1", "queued", at(1), 0)
    assert picks(fresh_ledger) is None
    with fresh_ledger.transaction() as conn:
        outbox.raise_status(conn, first, "in-progress", IN_PROGRESS, "CA1", None)
    assert picks(fresh_ledger) is None
    with fresh_ledger.transaction() as conn:
        outbox.raise_status(conn, first, "completed", FINAL, "CA1", None)
    assert picks(fresh_ledger) == bridge


def test_a_call_whose_end_is_never_told_holds_nobody_up_for_long(fresh_ledger: Ledger) -> None:
    first = ringing(fresh_ledger)
    bridge = order(fresh_ledger, a_ring(store(fresh_ledger)))
    back = text(
        "update outbox set taken_clock = taken_clock - make_interval(secs => :s) where id = :id"
    )
    with fresh_ledger.transaction() as conn:
        outbox.settle_sent(conn, first, "CA1", "queued", at(1), 0)
        conn.execute(back, {"s": 110, "id": first})
    assert picks(fresh_ledger) is None
    with fresh_ledger.transaction() as conn:
        conn.execute(back, {"s": 11, "id": first})
    assert picks(fresh_ledger) == bridge


def test_nor_when_business_time_has_moved_on_since(fresh_ledger: Ledger) -> None:
    first = ringing(fresh_ledger)
    with fresh_ledger.transaction() as conn:
        outbox.settle_sent(conn, first, "CA1", "queued", at(1), 0)
    order(fresh_ledger, a_ring(store(fresh_ledger), ordered_at=at(120)))
    later = order(fresh_ledger, a_ring(store(fresh_ledger), ordered_at=at(121)))
    assert picks(fresh_ledger) == later


def test_a_call_that_came_to_nothing_holds_nobody_up(fresh_ledger: Ledger) -> None:
    refused = ringing(fresh_ledger)
    bridge = order(fresh_ledger, a_ring(store(fresh_ledger)))
    with fresh_ledger.transaction() as conn:
        outbox.settle_failed(conn, refused, 21211)
    assert picks(fresh_ledger) == bridge


def test_texts_and_what_ends_a_call_do_not_wait_for_it(fresh_ledger: Ledger) -> None:
    ringing(fresh_ledger)
    end = order(fresh_ledger, a_ring(store(fresh_ledger), "hang_up", lane=LANE_HANG_UP))
    page = order(fresh_ledger, a_page(store(fresh_ledger), 2))
    assert [picks(fresh_ledger), picks(fresh_ledger)] == [end, page]


def test_two_senders_never_ring_one_phone_at_once(fresh_ledger: Ledger) -> None:
    """Each sees the phone free, for neither has committed: one has its turn, the other leaves."""
    rings = [order(fresh_ledger, a_ring(store(fresh_ledger))) for _ in range(2)]
    with fresh_ledger.transaction() as one, fresh_ledger.transaction() as two:
        picked = outbox_taking.pick_next(one)
        assert picked is not None
        assert picked.row.id == rings[0]
        assert outbox_taking.pick_next(two) is None
        outbox_taking.mark_taken(one, rings[0], "worker-1", 30, NOON)
        assert outbox_taking.pick_next(two) is None


def test_nor_when_the_first_ones_lead_is_held(fresh_ledger: Ledger) -> None:
    """The turn that was asked for ahead is another phone's: the one that is rung has its own."""
    held = store(fresh_ledger)
    order(fresh_ledger, a_ring(held, to_number=BOBS))
    to_ann = [order(fresh_ledger, a_ring(store(fresh_ledger))) for _ in range(2)]
    with fresh_ledger.transaction() as attend:
        leads.lock_lead(attend, held)
        with fresh_ledger.transaction() as one, fresh_ledger.transaction() as two:
            picked = outbox_taking.pick_next(one)
            assert picked is not None
            assert picked.row.id == to_ann[0]
            assert outbox_taking.pick_next(two) is None


def test_many_senders_ring_each_phone_once(fresh_ledger: Ledger) -> None:
    phones = [f"+1212555{n:04d}" for n in range(6)]
    for phone in phones * 3:
        order(fresh_ledger, a_ring(store(fresh_ledger), to_number=phone))
    gate = threading.Barrier(3, timeout=20)
    mine: list[PageId] = []

    def take_all() -> None:
        gate.wait()
        for _ in range(40):
            taken = picks(fresh_ledger)
            if taken is not None:
                mine.append(taken)

    for sender in [Beside(take_all) for _ in range(3)]:
        sender.ended()
    with fresh_ledger.transaction() as conn:
        numbers = [row.to_number for page_id in mine if (row := outbox.row(conn, page_id))]
    assert sorted(numbers) == phones


def test_a_call_is_never_taken_as_it_is_ordered(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    ring = a_ring(lead_id, from_number="+15005550006")
    with fresh_ledger.transaction() as conn:
        write(conn, lead_id, orders=[ring], taken_by="worker-1", lease_s=30)
        row = outbox.row(conn, ring.id)
    assert row is not None
    assert row.state == "ordered"


def test_what_still_rings_is_known_until_it_is_picked_up_or_ended(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    page, bridge = a_ring(lead_id, "page_call", seq=2), a_ring(lead_id, seq=3, to_number=BOBS)
    for ring in (page, bridge, a_page(lead_id, 4)):
        order(fresh_ledger, ring)
    with fresh_ledger.transaction() as conn:
        assert outbox_calls.still_ringing(conn, lead_id) == [], "nothing of it has gone out"
        for sid, ring in (("CA1", page), ("CA2", bridge)):
            outbox_taking.mark_taken(conn, ring.id, "worker-1", 30, NOON)
            outbox.raise_status(conn, ring.id, "ringing", RINGING, sid, None)
        rows = outbox_calls.still_ringing(conn, lead_id)
        assert [(row.id, row.carrier_sid) for row in rows] == [(page.id, "CA1"), (bridge.id, "CA2")]
        outbox.raise_status(conn, bridge.id, "in-progress", IN_PROGRESS, "CA2", None)
        assert [row.id for row in outbox_calls.still_ringing(conn, lead_id)] == [page.id]
        end = a_ring(lead_id, "hang_up", id=outbox_calls.hang_up_id(page.id), lane=LANE_HANG_UP)
        outbox.order(conn, [end])
        assert outbox_calls.still_ringing(conn, lead_id) == []


def test_a_bridge_that_stays_silent_is_asked_about_like_any_call(fresh_ledger: Ledger) -> None:
    bridge = ringing(fresh_ledger, "bridge_call")
    with fresh_ledger.transaction() as conn:
        outbox.settle_sent(conn, bridge, "CA1", "queued", at(1), 0)
        ages = [at(60) - NOON]
        found = watch.silent(conn, Channel.CALL, ages, at(0), at(90))
        assert [row.id for row in found] == [bridge]
        assert watch.silent(conn, Channel.TEXT, ages, at(0), at(90)) == []
        assert outbox.sids_to(conn, ANNS, Channel.CALL) == {"CA1"}
