"""Somebody calls: their lead, the queue, the reps who are rung, and what the call came to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.desk.calls import hunting, waiting
from service.ledger import calls, engaged
from service.ledger.engine import Ledger
from service.phone.call_callbacks import DialDone
from service.phone.caller_callbacks import CallerLeft
from service.rules.lead import CallId, RepId
from service.rules.standing import State
from tests.rooms.callers_world import (
    DANA,
    MAIN_LINE,
    ONLY_AT_NIGHT,
    STRANGER,
    Phones,
    ToldLine,
    new_sid,
    said,
    told_status,
    verbs,
)
from tests.rooms.desk_world import ANN


@pytest.fixture
def world(fresh_ledger: Ledger) -> Phones:
    return Phones(fresh_ledger)


def on_call(world: Phones) -> dict[str, bool]:
    """Who is on a call (True), or has hung up."""
    with world.ledger.transaction() as conn:
        return {rep: until is None for rep, until in engaged.engaged(conn).items()}


def test_a_caller_is_a_lead_and_waits_in_a_queue(world: Phones) -> None:
    caller = world.is_called()
    assert verbs(caller.document) == ["Enqueue"]
    assert caller.kinds() == ["arrived", "called_in"]
    row = caller.row
    assert (row.direction, row.stage, row.to_number, row.from_number) == (
        *("in", "ringing"),
        *(DANA, MAIN_LINE),
    )
    # The webhook once more: the same document, and no second call.
    assert caller.calls_again() == caller.document
    assert caller.kinds() == ["arrived", "called_in"]
    assert world.woken.count(caller.lead) >= 1


def test_a_caller_without_a_number_is_a_lead_too(world: Phones) -> None:
    withheld = ("anonymous", "Restricted", "unknown", "", "+266696687", "sip:dana@example.com")
    callers = [world.is_called(from_) for from_ in (*withheld, "anonymous")]
    assert len({caller.lead for caller in callers}) == len(callers)
    for caller in callers:
        assert verbs(caller.document) == ["Enqueue"]
        assert not caller.standing.has_phone
        assert caller.row.to_number is None


def test_whoever_asked_a_minute_ago_is_the_same_lead_and_rings_all_the_same(world: Phones) -> None:
    asked = world.asks(phone=DANA)
    world.clock.moves(60)
    caller = world.is_called()
    assert caller.lead == asked.lead_id
    assert verbs(caller.document) == ["Enqueue"]
    assert set(caller.rings()) == {"ann", "bob"}


def test_a_settled_lead_that_calls_soon_is_open_again(world: Phones) -> None:
    asked = world.asks(phone=DANA)
    taking = world.pages(asked)[0]
    world.texts(ANN, "1")
    world.texts(ANN, "9")
    assert world.standing(asked).state is State.SETTLED
    world.clock.moves(3600)
    caller = world.is_called()
    assert caller.lead == asked.lead_id
    assert caller.kinds()[-2:] == ["reopened", "called_in"]
    assert taking.row.lead_id == caller.lead


def test_the_first_key_has_the_caller(world: Phones) -> None:
    caller = world.is_called()
    legs = caller.rings()
    assert set(legs) == {"ann", "bob"}
    assert "Press 1 to take the call" in said(legs["ann"].picks_up())
    assert DANA.removeprefix("+") not in legs["ann"].picks_up()
    taken = legs["ann"].presses("1")
    assert verbs(taken) == ["Dial"]
    assert legs["ann"].presses("1") == taken
    assert caller.kinds()[-2:] == ["claimed", "connected"]
    assert caller.standing.state is State.TALKING
    assert on_call(world) == {"ann": True}
    # Whoever is later hears who has them.
    assert "Ann Lee has it" in said(legs["bob"].picks_up())
    assert "Ann Lee has it" in said(legs["bob"].presses("1"))
    assert caller.facts("ring_failed")[-1]["reason"] == "taken"
    assert caller.waits()  # still there, until the two are connected
    assert verbs(caller.waits()) == ["Play"]


def test_of_two_keys_at_one_instant_one_has_the_caller(world: Phones) -> None:
    caller = world.is_called()
    legs = caller.rings().values()
    with ThreadPoolExecutor(2) as hands:
        documents = list(hands.map(lambda leg: leg.presses("1"), legs))
    assert sorted(verbs(each) for each in documents) == [["Dial"], ["Say", "Hangup"]]
    assert caller.kinds().count("connected") == 1


def test_two_deliveries_at_one_instant_are_one_call(world: Phones) -> None:
    sid = new_sid("CA")
    with ThreadPoolExecutor(3) as wires:
        callers = list(wires.map(lambda _: world.is_called(sid=sid), range(3)))
    assert len({each.document for each in callers}) == 1
    assert callers[0].kinds() == ["arrived", "called_in"]


def test_a_held_call_is_attempt_and_contact_in_one(world: Phones) -> None:
    caller = world.is_called()
    world.clock.moves(4)
    leg = caller.rings()["ann"]
    connected_at = world.clock.now()
    leg.presses("1")
    world.clock.moves(200)
    assert verbs(leg.ends(195.0)) == ["Hangup"]
    assert caller.kinds()[-2:] == ["attempted", "contacted"]
    attempted = caller.facts("attempted")[0]
    assert (attempted["evidence"], attempted["bridged_s"]) == ("A", 195.0)
    assert caller.standing.first_contact_at == connected_at
    assert caller.row.settled_at is not None
    assert on_call(world) == {"ann": False}
    caller.left("bridged", 4)
    leg.ends(195.0)
    assert caller.kinds().count("attempted") == 1


def test_a_call_held_too_short_asks_how_it_went(world: Phones) -> None:
    caller = world.is_called()
    leg = caller.rings()["ann"]
    leg.presses("1")
    world.clock.moves(12)
    assert verbs(leg.ends(10.0)) == ["Gather", "Hangup"]
    assert caller.kinds()[-2:] == ["attempted", "short_answer"]


def test_the_clock_tells_how_long_when_the_carrier_does_not(world: Phones) -> None:
    caller = world.is_called()
    leg = caller.rings()["ann"]
    leg.presses("1")
    world.clock.moves(90)
    caller.left("bridged", 5)
    assert caller.kinds()[-1] == "connected"
    world.clock.moves(10)
    caller.overdue(ToldLine(told_status("completed", 95)))
    assert caller.facts("attempted")[0]["bridged_s"] == 90.0
    assert caller.kinds()[-1] == "contacted"


def test_the_owner_is_rung_alone_and_stays_the_owner(world: Phones) -> None:
    asked = world.asks(phone=DANA)
    world.pages(asked)
    world.texts(ANN, "1")
    world.clock.moves(20)
    caller = world.is_called()
    assert set(caller.rings()) == {"ann"}
    world.clock.moves(15)
    legs = caller.rings()
    assert set(legs) == {"bob"}
    legs["bob"].presses("1")
    assert caller.standing.owner == "ann"
    assert caller.facts("connected")[0]["rep"] == "bob"
    assert caller.kinds().count("claimed") == 1


def test_who_passes_or_presses_nonsense_takes_nobody(world: Phones) -> None:
    caller = world.is_called()
    legs = caller.rings()
    assert "Passed" in said(legs["ann"].presses("2"))
    assert caller.facts("ring_failed")[0]["reason"] == "declined"
    assert verbs(legs["bob"].presses("7")) == ["Gather", "Gather", "Hangup"]
    assert verbs(legs["bob"].presses(None, wrong_keys=2)) == ["Hangup"]
    assert "connected" not in caller.kinds()


def test_the_caller_hangs_up_before_anybody_takes_them(world: Phones) -> None:
    caller = world.is_called()
    legs = caller.rings()
    world.clock.moves(20)
    caller.left("hangup", 20)
    missed = caller.facts("call_missed")[0]
    assert (missed["seconds"], missed["short"]) == (20.0, False)
    assert "hung up" in said(legs["ann"].presses("1"))
    assert "connected" not in caller.kinds()
    # Paged at once, with nobody on the line any more.
    world.looks(caller.lead)
    assert caller.kinds()[-1] == "paged"


def test_an_impatient_caller_is_told_apart(world: Phones) -> None:
    caller = world.is_called()
    world.clock.moves(6)
    caller.left("hangup", 6)
    assert caller.facts("call_missed")[0]["short"] is True


def test_the_caller_hangs_up_as_the_key_is_pressed(world: Phones) -> None:
    caller = world.is_called()
    leg = caller.rings()["ann"]
    leg.presses("1")
    assert "hung up" in said(leg.ends(None))
    assert on_call(world) == {"ann": False}
    caller.left("hangup", 12)
    assert caller.kinds()[-1] == "call_missed"
    assert "contacted" not in caller.kinds()
    assert caller.standing.state is State.CLAIMED
    assert caller.standing.owner == "ann"


def test_a_caller_who_was_never_met_and_still_waits_may_leave_a_message(world: Phones) -> None:
    caller = world.is_called()
    leg = caller.rings()["ann"]
    leg.presses("1")
    leg.ends(None)
    assert verbs(caller.waits()) == ["Leave"]
    assert "Record" in verbs(caller.left("leave", 15))


def test_the_wait_ends_at_the_limit_and_when_nobody_is_left(world: Phones) -> None:
    caller = world.is_called()
    legs = caller.rings()
    assert verbs(caller.waits()) == ["Play"]
    world.clock.moves(37)
    assert verbs(caller.waits()) == ["Pause"]  # three seconds are left
    world.clock.moves(3)
    assert verbs(caller.waits()) == ["Leave"]
    # From then on nobody takes the call any more.
    assert "hung up" in said(legs["ann"].presses("1"))


def test_nobody_waits_for_reps_who_have_all_passed(world: Phones) -> None:
    caller = world.is_called()
    for leg in caller.rings().values():
        leg.presses("2")
    assert verbs(caller.waits()) == ["Leave"]
    # Somebody else who calls while all of them are out is asked for a message at once.
    for rep in ("ann", "bob"):
        with world.ledger.transaction() as conn:
            engaged.engage(conn, RepId(rep), caller.id, world.clock.now())
    assert "Record" in verbs(world.is_called(STRANGER).document)


def test_at_night_a_message_is_asked_for_at_once(fresh_ledger: Ledger) -> None:
    caller = Phones(fresh_ledger, team=ONLY_AT_NIGHT).is_called()
    assert verbs(caller.document) == ["Say", "Record", "Hangup"]
    assert "closed" in said(caller.document)
    assert caller.row.stage == "voicemail"
    assert caller.rings() == {}


def test_a_number_that_is_no_source_takes_no_lead(world: Phones) -> None:
    caller = world.is_called(to="+15005550006")
    assert "not answered" in said(caller.document)
    assert caller.calls_again() == caller.document
    with world.ledger.transaction() as conn:
        assert calls.call_by_sid(conn, caller.sid) is None


def test_what_is_about_another_call_changes_nothing(world: Phones) -> None:
    caller, other = world.is_called(), world.is_called(STRANGER)
    leg = other.rings()["ann"]
    before = caller.kinds()
    assert verbs(caller.left("hangup", 5, sid=other.sid)) == ["Hangup"]
    assert verbs(other.waits()) == ["Play"]
    assert verbs(leg.ends(500.0)) == ["Hangup"]  # nobody pressed a key on it
    leg.caller = caller
    assert "hung up" in said(leg.presses("1"))
    assert "hung up" in said(leg.picks_up())
    assert caller.kinds() == before
    assert other.kinds()[-1] == "rang"
    nobody = CallId("none-of-our-calls-at-all")
    assert verbs(waiting.wait(world.desk, nobody, caller.sid)) == ["Leave"]
    assert verbs(waiting.left(world.desk, CallerLeft(nobody, caller.sid, "leave"))) == ["Hangup"]


def test_a_caller_of_whom_nothing_is_told_is_asked_about(world: Phones) -> None:
    caller = world.is_called()
    caller.rings()
    world.clock.moves(70)
    caller.overdue(ToldLine(told_status("in-progress")))
    assert caller.row.settled_at is None
    caller.overdue(ToldLine(told_status("completed", 55)))
    missed = caller.facts("call_missed")[0]
    assert (missed["seconds"], missed["short"]) == (55, False)
    caller.overdue(ToldLine(told_status("completed", 55)))
    assert caller.kinds().count("call_missed") == 1


def test_a_held_call_whose_length_nobody_knows_is_no_contact(world: Phones) -> None:
    caller = world.is_called()
    caller.rings()["ann"].presses("1")
    world.clock.moves(600)
    caller.overdue(ToldLine())
    assert caller.kinds()[-2:] == ["attempted", "short_answer"]
    assert caller.facts("attempted")[0]["asks"] is True


def test_two_who_met_were_never_lost_whatever_was_told_first(world: Phones) -> None:
    caller = world.is_called()
    leg = caller.rings()["ann"]
    leg.presses("1")
    world.clock.moves(60)
    leg.ends(None)  # nobody told that they were bridged
    caller.left("bridged", 4)
    world.clock.moves(10)
    caller.overdue(ToldLine(told_status("completed", 64)))
    assert caller.kinds()[-1] == "contacted"
    assert caller.facts("call_missed") == []


def test_a_length_without_a_word_on_the_bridge_proves_that_they_met(world: Phones) -> None:
    caller = world.is_called()
    leg = caller.rings()["ann"]
    leg.presses("1")
    world.clock.moves(60)
    told = DialDone(caller.id, leg.sid, "completed", leg_s=50.0)
    hunting.done(world.desk, leg.row.id, told)
    assert caller.facts("attempted")[0]["bridged_s"] == 50.0
    assert caller.kinds()[-1] == "contacted"


def test_who_took_a_caller_is_free_again_when_nobody_tells_of_the_end(world: Phones) -> None:
    caller = world.is_called()
    caller.rings()["ann"].presses("1")
    world.clock.moves(4000)
    caller.overdue(ToldLine(told_status("completed", 3000)))
    assert on_call(world) == {"ann": False}
