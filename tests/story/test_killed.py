"""kill -9, at the worst instants: no lead is forgotten, and none is paged twice without need."""

import pytest

from tests.story.house import House

pytestmark = pytest.mark.story

WORKERS = ("worker-1", "worker-2")


def test_workers_killed_while_the_carrier_answers(house: House) -> None:
    house.carrier.will("messages", "delay", seconds=2, times=1)
    dana = house.lead("Dana Fox")
    house.carrier.is_being_asked_for("Dana")
    house.kills(*WORKERS)
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")
    house.is_quiet()
    assert len(house.carrier.was_asked_for("LEAD Dana")) == 1


def test_workers_killed_before_the_carrier_took_it(house: House) -> None:
    house.carrier.will("messages", "hang", seconds=3, times=1)
    dana = house.lead("Dana Fox")
    house.carrier.is_being_asked_for("Dana")
    house.kills(*WORKERS)
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")
    assert len(house.carrier.was_asked_for("LEAD Dana")) == 2


def test_workers_killed_before_they_looked(house: House) -> None:
    house.kills(*WORKERS)
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")
    assert len(house.carrier.was_asked_for("LEAD Dana")) == 1


def test_one_worker_killed_is_not_noticed(house: House) -> None:
    house.kills("worker-1")
    house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")


def test_the_front_door_killed_right_after_its_answer(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.kills("web")
    page = house.ann.expects_text("Dana")
    house.is_up_again()
    page.replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")


def test_the_sweep_killed_while_a_rung_falls_due(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.kills("sweep")
    house.clock.moves(46)
    house.ann.expects_call("Dana").presses("1").hears("is yours")
    house.ann.expects_text("is yours")
    dana.is_claimed_by("ann")
    assert dana.was_paged() == [("ann", "text"), ("ann", "call")]


def test_everything_killed_at_once(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.kills("web", "sweep", *WORKERS)
    page = house.ann.expects_text("Dana")
    house.is_up_again()
    page.replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")
    house.is_quiet()
    assert dana.was_paged() == [("ann", "text")]
