"""A rep's word about a call that the carrier has not yet finished telling of is about that call,
and is no second one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.ledger.engine import Ledger
from service.rules.calls import AnsweredBy
from tests.rooms.bridge_world import Bridge, rung
from tests.rooms.desk_world import ANN, World


@pytest.fixture
def world(fresh_ledger: Ledger) -> Iterator[World]:
    yield World(fresh_ledger, bridges=True)


def test_a_text_before_the_verdict_is_about_the_call_just_made(world: World) -> None:
    call = _talked(world)
    world.texts(ANN, "3")
    assert len(world.facts(call.lead, "attempted")) == 1
    contacted = call.last("contacted")
    assert (contacted["evidence"], contacted["call_id"]) == ("B", call.id)
    call.verdict(AnsweredBy.HUMAN)  # it comes too late to change what was said
    assert len(world.facts(call.lead, "contacted")) == 1


def test_a_text_that_nobody_answered_downgrades_nothing_into_a_second_call(world: World) -> None:
    call = _talked(world)
    world.texts(ANN, "5")
    assert len(world.facts(call.lead, "attempted")) == 1
    assert call.last("no_answer")["evidence"] == "B"


def _talked(world: World) -> Bridge:
    """Ann was bridged for 45 s; whether a human listened is not told yet."""
    call = rung(world)
    call.whispers()
    call.presses("1")
    world.clock.moves(50)
    call.leg("completed", 45)
    call.done(bridged_s=45)
    assert world.facts(call.lead, "attempted") == []
    return call
