"""What an adversary of our calls found: callbacks that come late, lack something, or name a call
that is not theirs. None may lose a call, take one for another, or be an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from service.desk.calls import calling_in
from service.desk.calls.told import hear_dial_done, hear_leg, hear_verdict
from service.ledger.engine import Ledger
from service.phone.call_callbacks import DialDone, LegStatus, Verdict
from service.phone.caller_callbacks import InboundCall
from service.rules.standing import State
from tests.rooms.bridge_world import BEEP, HUMAN, AskedLine, Bridge, ringing, rung
from tests.rooms.callers_world import MAIN_LINE, STRANGER, Phones
from tests.rooms.desk_world import ANN, BOB, World, heard


@pytest.fixture
def world(fresh_ledger: Ledger) -> Iterator[World]:
    yield World(fresh_ledger, bridges=True)


@pytest.fixture
def dialled(world: World) -> Bridge:
    """Ann took Dana, was rung, and has pressed 1."""
    bridge = rung(world)
    assert "<Dial" in bridge.presses("1")
    return bridge


def dialled_by_bob(world: World) -> Bridge:
    """Another lead, whom Bob took and dials."""
    lead = world.asks("Eve Hill")
    world.pages(lead)
    world.clock.moves(120)
    world.pages(lead)
    world.texts(BOB, "1")
    bridge = ringing(world, lead)
    assert "<Dial" in bridge.presses("1")
    return bridge


# Told of a leg that is not the call's


def test_a_verdict_does_not_say_which_leg_is_the_leads(world: World, dialled: Bridge) -> None:
    hear_verdict(world.desk, Verdict(dialled.id, dialled.rep_sid, BEEP, 2.0))
    assert dialled.row.told.answered_by is None
    hear_verdict(world.desk, Verdict(dialled.id, "CA-of-nobody", HUMAN, 2.0))
    assert dialled.row.lead_sid is None
    dialled.leg("ringing", after_s=1)
    world.clock.moves(200)
    dialled.leg("completed", 180, after_s=199)
    dialled.done("completed", 180)
    assert dialled.last("contacted")["evidence"] == "A"


def test_what_names_another_calls_leg_is_ignored_and_hides_nothing(
    world: World, dialled: Bridge
) -> None:
    dialled.leg("ringing", after_s=0)
    other = dialled_by_bob(world)
    theirs = LegStatus(other.id, dialled.lead_sid, other.rep_sid, "completed", 90, 60.0)
    hear_leg(world.desk, theirs)
    hear_verdict(world.desk, Verdict(other.id, dialled.lead_sid, HUMAN, 2.0))
    ended = DialDone(other.id, other.rep_sid, "completed", dialled.lead_sid, 60.0, True, 60.0)
    assert heard(hear_dial_done(world.desk, ended)).startswith("How did it go?")
    not_theirs = DialDone(other.id, dialled.rep_sid, "completed", None, 60.0, True, 60.0)
    assert heard(hear_dial_done(world.desk, not_theirs)) == "Hangup"
    assert (other.row.lead_sid, other.row.told.ended) == (None, None)
    # The same words, of the call that they are about.
    world.clock.moves(70)
    hear_leg(world.desk, replace(theirs, call_id=dialled.id, parent_sid=dialled.rep_sid))
    hear_verdict(world.desk, Verdict(dialled.id, dialled.lead_sid, HUMAN, 2.0))
    dialled.done("completed", 60)
    assert dialled.last("contacted")["evidence"] == "A"


def test_a_call_that_names_a_leg_of_ours_is_no_new_caller(fresh_ledger: Ledger) -> None:
    phones = Phones(fresh_ledger)
    made = rung(phones)
    made.presses("1")
    made.leg("ringing", after_s=0)
    call = InboundCall(made.lead_sid, STRANGER, MAIN_LINE, "ringing")
    assert heard(calling_in.answer(phones.desk, call)) == "Hangup"
    assert made.row.lead_sid == made.lead_sid


def test_the_end_of_the_dialling_corrects_which_leg_it_was(world: World, dialled: Bridge) -> None:
    own, dialled.lead_sid = dialled.lead_sid, "CA-of-nobody"
    dialled.leg("completed", 5)
    dialled.lead_sid = own
    world.clock.moves(60)
    dialled.done("completed", 45)
    assert dialled.row.lead_sid == own
    assert dialled.row.told.leg_s == 45.0
    dialled.leg("completed", 45)
    dialled.verdict(HUMAN)
    assert dialled.last("attempted")["bridged_s"] == 45.0


def test_of_several_dialled_on_one_call_the_carrier_is_asked_about_its_own(
    world: World, dialled: Bridge
) -> None:
    dialled.leg("ringing", after_s=0)
    other = dialled_by_bob(world)
    world.clock.moves(120)
    listed = (dialled.leg_status("completed", 100), other.leg_status("busy"))
    other.asks(AskedLine(listed[:1], own="in-progress"))
    assert other.row.told.ended is None
    world.clock.moves(60)
    other.asks(AskedLine(listed))
    assert "no_answer" in world.kinds(other.lead)


# Told late


def test_a_leg_told_late_waits_for_the_end_of_the_dialling(world: World, dialled: Bridge) -> None:
    dialled.leg("ringing", after_s=1)
    dialled.verdict(HUMAN)
    world.clock.moves(220)
    dialled.leg("completed", 200, after_s=207)
    assert world.facts(dialled.lead, "attempted") == []
    assert dialled.row.ask_at == world.clock.now() + timedelta(seconds=10)
    dialled.done("completed", 200)
    assert [fact["evidence"] for fact in world.facts(dialled.lead, "contacted")] == ["A"]


def test_an_end_told_late_waits_for_the_verdict_and_then_asks_for_it(
    world: World, dialled: Bridge
) -> None:
    dialled.leg("ringing", after_s=1)
    world.clock.moves(60)
    dialled.leg("completed", 40, after_s=45)
    dialled.done("completed", 40)
    world.clock.moves(9)
    line = AskedLine((replace(dialled.leg_status("completed", 40), answered_by=HUMAN),))
    assert dialled.asks(line) == 0
    world.clock.moves(11)
    dialled.leg("completed", 40)  # once more, and late: nobody but who asks ends the hold
    assert world.facts(dialled.lead, "attempted") == []
    assert dialled.asks(line) == 1
    assert [fact["evidence"] for fact in world.facts(dialled.lead, "contacted")] == ["A"]


def test_an_end_that_is_told_while_the_carrier_is_asked_is_still_held(
    world: World, dialled: Bridge
) -> None:
    world.clock.moves(119)
    asks_at = dialled.row.ask_at
    assert asks_at is not None

    class Telling(AskedLine):
        def look_up_legs(self, call_id, rep_sid):  # type: ignore[no-untyped-def]  # as in its base
            dialled.leg("completed", 90)
            return super().look_up_legs(call_id, rep_sid)

    world.clock.at = asks_at
    assert dialled.asks(Telling((dialled.leg_status("completed", 90),))) == 1
    assert world.facts(dialled.lead, "attempted") == []
    assert dialled.row.ask_at == world.clock.now() + timedelta(seconds=10)
    dialled.verdict(BEEP, 20.0)
    dialled.done("completed", 90)
    assert "voicemail_left" in world.kinds(dialled.lead)


# Told in part


def test_a_bridge_without_a_length_is_as_long_as_its_leg(world: World, dialled: Bridge) -> None:
    dialled.leg("ringing", after_s=0)
    world.clock.moves(160)
    dialled.verdict(HUMAN)
    done = DialDone(dialled.id, dialled.rep_sid, "completed", None, None, True, None, False)
    hear_dial_done(world.desk, done)
    assert world.facts(dialled.lead, "attempted") == []
    dialled.leg("completed", 150, after_s=159)
    assert world.facts(dialled.lead, "attempted")[0]["bridged_s"] == 150.0
    (event,) = [each for each in world.timeline(dialled.lead) if each.kind == "contacted"]
    dialled_at = dialled.row.dialled_at
    assert dialled_at is not None
    assert event.at <= dialled_at + timedelta(seconds=10)


def test_a_word_about_a_bridge_of_unknown_length_is_about_that_call(
    world: World, dialled: Bridge
) -> None:
    dialled.verdict(HUMAN)
    world.clock.moves(160)
    hear_dial_done(
        world.desk,
        DialDone(dialled.id, dialled.rep_sid, "completed", dialled.lead_sid, None, True),
    )
    world.clock.moves(10)
    dialled.asks(AskedLine((dialled.leg_status("completed"),)))
    world.texts(ANN, "3")
    assert len(world.facts(dialled.lead, "attempted")) == 1
    assert dialled.last("outcome")["call_id"] == dialled.id


@pytest.mark.parametrize("asked", [False, True])
def test_no_answer_by_the_carrier_proves_the_full_ring(
    world: World, dialled: Bridge, asked: bool
) -> None:
    world.clock.moves(119)
    dialled.leg("ringing")  # late, and without the carrier's own instant
    world.clock.moves(1)
    if asked:
        dialled.asks(AskedLine((dialled.leg_status("no-answer"),)))
    else:
        dialled.leg("no-answer")
        dialled.done("no-answer")
    assert "no_answer" in world.kinds(dialled.lead)
    assert world.standing(dialled.lead).attempts == 1


def test_the_carriers_own_two_instants_say_how_long_it_rang(world: World, dialled: Bridge) -> None:
    world.clock.moves(40)
    dialled.leg("ringing", after_s=2)
    dialled.leg("no-answer", after_s=12)
    assert "abandoned" in world.kinds(dialled.lead)
    assert world.standing(dialled.lead).state is State.CLAIMED


# Ended by us


def test_a_call_we_hung_up_does_not_hold_back_the_next_to_that_phone(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(45)
    (call,) = world.pages(lead)
    assert call.row.kind == "page_call"
    world.clock.moves(10)
    world.texts(ANN, "1")  # the carrier accepts our hang-up, and its last status is lost
    connects = ringing(world, lead)
    with world.ledger.transaction() as conn:
        ended = conn.execute(
            text("select carrier_status, carrier_rank from outbox where id = :id"),
            {"id": call.row.id},
        ).one()
    assert tuple(ended) == ("canceled", 4)
    known = world.kinds(lead)
    world.call_status(call, "completed")
    assert world.kinds(lead) == known
    assert "<Dial" in connects.presses("1")
