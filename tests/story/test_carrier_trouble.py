"""The carrier is slow, full, forgetful or repeats itself: the rep hardly notices."""

from typing import Any

import pytest

from tests.story.house import House

pytestmark = pytest.mark.story


def test_too_many_requests_and_then_fine(house: House) -> None:
    house.carrier.will("messages", "answer", status=429, times=1)
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.is_quiet()
    dana.timeline_shows("paged", "page_sent")
    assert [each["status"] for each in house.carrier.was_asked_for("Dana")] == [429, 201]


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "answer", "status": 500},
        {"do": "drop-after"},
        {"do": "drop-after", "status": 500},
        {"do": "hang", "seconds": 1},
    ],
    ids=["refused with 500", "sent, answer lost", "sent, answered 500", "never answered"],
)
def test_in_doubt_a_page_goes_out_twice_at_most(house: House, fault: dict[str, Any]) -> None:
    house.carrier.will("messages", times=1, **fault)
    house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.is_quiet()
    assert house.ann.finds_texts("Dana") <= 1
    assert len(house.carrier.was_asked_for("Dana")) <= 2


@pytest.mark.parametrize("do", ["lose", "duplicate", "reorder", "delay"])
def test_receipts_may_come_as_they_like(house: House, do: str) -> None:
    house.carrier.will("callbacks", do, seconds=0.5)
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")
    house.is_quiet()
    assert len(dana.events("page_sent")) == 1
    assert len(dana.events("page_delivered")) <= 1


def test_a_reply_delivered_twice_is_one_reply(house: House) -> None:
    dana = house.lead("Dana Fox")
    page = house.ann.expects_text("Dana")
    house.carrier.will("inbound", "duplicate", times=1)
    page.replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")


def test_a_page_that_shows_twice_is_taken_once(house: House) -> None:
    house.carrier.will("messages", "duplicate", times=1)
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")


def test_a_call_refused_for_a_moment_is_placed_all_the_same(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.carrier.will("calls", "answer", status=429, times=1)
    house.clock.moves(46)
    house.ann.expects_call("Dana").presses("1").hears("is yours")
    house.ann.expects_text("is yours")
    dana.is_claimed_by("ann")
