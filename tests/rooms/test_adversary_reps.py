"""What reps were told, and what their phones did, that was not so: each once a fault."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from service.desk.hear_key import hear_key as page_key
from service.desk.present import load_team
from service.ledger.engine import Ledger
from service.phone.callbacks import KeyPressed
from service.team.file import parse_team
from tests.rooms.bridge_world import Bridge, ring_sid, rung
from tests.rooms.callers_world import DANA, TEAM_WITH_LINE, Phones, new_sid
from tests.rooms.desk_world import ANN, MIA, TEAM, World, heard


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    return World(fresh_ledger, bridges=True)


@pytest.fixture
def phones(fresh_ledger: Ledger) -> Phones:
    return Phones(fresh_ledger)


def test_no_number_is_spoken_where_numbers_are_private(fresh_ledger: Ledger) -> None:
    phones = Phones(fresh_ledger, team=TEAM_WITH_LINE + "texts: off\n")
    lead = phones.asks(phone=DANA)
    (page,) = phones.pages(lead)
    phones.picks_up(page, "CA1")
    phones.is_called(DANA).rings()  # she calls us while Ann listens to the page
    document = page_key(phones.desk, KeyPressed(page.row.id, "CA1", "1")) or ""
    assert "0, 1, 4, 2" not in document
    assert "is yours. They are on the line just now." in document


def test_the_third_attempt_rings_too_short_for_a_voicemail(world: World) -> None:
    bridge = rung(world, phone=DANA)
    rang = []
    for _ in range(3):
        rang += re.findall(r'timeout="(\d+)"', bridge.presses("1"))
        bridge.leg("ringing", after_s=0)
        world.clock.moves(41)
        bridge.leg("no-answer", after_s=41)
        bridge.done("no-answer")
        bridge.rep_leg("completed")
        world.pages(bridge.lead)
        world.clock.moves(1000)
        world.texts(ANN, "1")
        (ring,) = [each for each in world.pages(bridge.lead) if each.row.kind == "bridge_call"]
        bridge = Bridge(world, bridge.lead, ring, ring_sid(world, ring), new_sid("CA"))
    assert rang == ["35", "35", "20"]  # the carrier rings five seconds longer


def test_who_is_told_that_their_phone_rings_at_eight_keeps_the_lead(world: World) -> None:
    world.clock.at = datetime(2026, 3, 5, 0, 59, 50, tzinfo=UTC)  # 19:59:50 in New York
    bridge = rung(world, phone=DANA)
    world.clock.moves(15)
    assert "Your phone rings at 08:00" in heard(bridge.presses("1"))
    notes = [each.row.body for each in world.pages(bridge.lead)]
    world.clock.moves(180)
    world.pages(bridge.lead)
    assert not any("Missed you" in note for note in notes)
    assert world.standing(bridge.lead).owner == "ann"
    world.clock.at = datetime(2026, 3, 5, 13, 0, 1, tzinfo=UTC)
    kinds = [each.row.kind for each in world.pages(bridge.lead)]
    assert kinds == ["bridge_call"]
    world.clock.moves(181)
    world.pages(bridge.lead)
    assert world.standing(bridge.lead).owner is None


def test_who_takes_a_lead_on_the_line_is_told_that_it_is(phones: Phones) -> None:
    lead = phones.asks(phone=DANA)
    phones.pages(lead)
    phones.clock.moves(300)
    phones.pages(lead)
    assert "mia" not in phones.is_called(DANA).rings()
    phones.texts(MIA, "1")
    notes = [each.row.body for each in phones.pages(lead) if each.row.kind == "note_text"]
    assert any("is yours, Mia. They are on the line just now." in note for note in notes)
    assert not any("Your phone rings now" in note for note in notes)


def test_a_digit_texted_right_after_an_inbound_call_is_understood(phones: Phones) -> None:
    caller = phones.is_called()
    legs = caller.rings()
    legs["ann"].presses("1")
    phones.clock.moves(50)
    caller.left("bridged", 4)
    legs["ann"].ends(45, hung_up=True)
    phones.clock.moves(5)
    phones.texts(ANN, "3")
    assert "outcome" in caller.kinds()


def test_who_left_the_team_is_connected_with_nobody(fresh_ledger: Ledger) -> None:
    world = World(fresh_ledger, bridges=True)
    bridge = rung(world, phone=DANA)
    without = re.sub(r"\n *- \{id: ann,[^\n]*", "", TEAM).replace("[ann, ", "[")
    assert "id: ann" not in without
    load_team(fresh_ledger, parse_team(without, "team.yaml", (2026, 2027)), world.clock.now())
    world.looks(bridge.lead)  # which reads the team
    assert "Dana" not in bridge.whispers()
    document = bridge.presses("1")
    assert "You are not on the team any more" in document
    assert "<Dial" not in document
    assert not world.facts(bridge.lead, "dialled")
