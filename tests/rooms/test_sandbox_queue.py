"""The stand-in carrier's queues: who waits, who takes them, and what each of the two is told."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.rooms.sandbox_world import ANN, BOB, OTHER, OURS, World, sandbox_world

LEAD, SECOND = "+12125550177", "+12125550178"
WAITS = '<Enqueue action="/voice/left" waitUrl="/voice/wait">inbound-7</Enqueue>'
TAKES = '<Dial action="/voice/over" timeout="5"><Queue url="/voice/soon">inbound-7</Queue></Dial>'


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with sandbox_world() as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.http.post("/sandbox/api/reset").raise_for_status()
    running.ours.forget()
    running.says("/twilio/voice", WAITS)
    running.says("/voice/wait", "<Say>You are next.</Say>")
    running.says("/voice/soon", "<Say>This call is recorded.</Say>")
    running.says("/voice/left", "<Say>Goodbye.</Say>")
    running.says("/voice/over", "<Hangup/>")
    return running


def rep_takes(world: World, number: str = ANN) -> Any:
    world.hand(number).sets(calls="answer", answer_after_s=1)
    return world.twilio.calls.create(to=number, from_=OURS, url=world.says("/voice/take", TAKES))


def left(world: World) -> dict[str, str]:
    return world.ours.expect("/voice/left")[0].params


def test_a_caller_waits_is_taken_and_talks(world: World) -> None:
    lead = world.hand(LEAD)
    call = lead.dials(OTHER)
    first, second = (h.params for h in world.ours.expect("/voice/wait", 2)[:2])
    assert (first["QueuePosition"], first["CurrentQueueSize"]) == ("1", "1")
    assert first["QueueSid"] == second["QueueSid"] and first["QueueSid"].startswith("QU")
    assert int(second["QueueTime"]) >= 1
    world.hand(ANN).sets(talk_s=30)
    taker = rep_takes(world)
    assert lead.expects("call_connected")["detail"] == {"with": ANN}
    soon = world.ours.expect("/voice/soon")[0].params
    assert (soon["CallSid"], soon["DequeingCallSid"]) == (call["sid"], taker.sid)
    told, mine = left(world), world.ours.expect("/voice/over")[0].params
    assert (told["QueueResult"], told["CallStatus"]) == ("bridged", "in-progress")
    assert told["QueueTime"] == soon["QueueTime"]  # the talk is no part of the wait
    assert (mine["DialCallStatus"], mine["DialBridged"]) == ("completed", "true")
    assert (mine["DialCallSid"], mine["DialCallDuration"]) == (call["sid"], "30")
    assert lead.expects("call_ended")["body"] == "completed"
    world.keeps_to_the_documents()


def test_the_longest_wait_is_taken_first(world: World) -> None:
    first = world.hand(LEAD).dials(OTHER)
    world.ours.expect("/voice/wait")
    world.hand(SECOND).dials(OTHER)
    world.hand(SECOND).expects("call_queued")
    rep_takes(world)
    assert world.ours.expect("/voice/soon")[0].params["CallSid"] == first["sid"]
    world.hand(LEAD).expects("call_connected")
    rep_takes(world, BOB)
    world.hand(SECOND).expects("call_connected")


def test_a_caller_leaves_by_the_wait_document(world: World) -> None:
    ask = '<Gather numDigits="1" action="/voice/out" timeout="60"><Say>9 to leave.</Say></Gather>'
    world.says("/voice/wait", ask)
    world.says("/voice/out", "<Leave/>")
    lead = world.hand(LEAD).sets(keys="9")
    lead.dials(OTHER)
    assert left(world)["QueueResult"] == "leave"
    assert lead.expects("call_ended")["body"] == "completed"
    world.keeps_to_the_documents()


def test_a_caller_hangs_up_in_the_queue(world: World) -> None:
    world.hand(LEAD).sets(hang_up_after_s=15).dials(OTHER)
    told = left(world)
    assert (told["QueueResult"], told["CallStatus"]) == ("hangup", "completed")
    rep_takes(world)
    mine = world.ours.expect("/voice/over")[0].params
    assert (mine["DialCallStatus"], mine["DialBridged"]) == ("no-answer", "false")


def test_a_caller_is_moved_out_of_the_queue(world: World) -> None:
    lead = world.hand(LEAD)
    call = lead.dials(OTHER)
    world.ours.expect("/voice/wait")
    world.twilio.calls(call["sid"]).update(twiml="<Response><Say>Leave a message.</Say></Response>")
    assert left(world)["QueueResult"] == "redirected"
    assert lead.expects("call_ended")["body"] == "completed"
    lines = world.call(call["sid"])["lines"]
    assert "Leave a message." in lines and "Goodbye." not in lines


def test_a_broken_wait_document_is_an_error_of_the_queue(world: World) -> None:
    world.says("/voice/wait", "<Dial>+12125550101</Dial>")
    world.hand(LEAD).dials(OTHER)
    assert left(world)["QueueResult"] == "error"
    assert world.violations() == ["<Dial> cannot stand in a document of this kind (wait)"]


def test_a_rep_waits_for_the_next_caller_or_finds_no_queue(world: World) -> None:
    rep_takes(world)
    assert world.ours.expect("/voice/over")[0].params["DialCallStatus"] == "failed"
    world.hand(LEAD).sets(hang_up_after_s=15).dials(OTHER)
    left(world)
    world.says("/voice/take", TAKES.replace('"5"', '"600"'))
    world.hand(BOB).sets(calls="answer", answer_after_s=1)
    world.twilio.calls.create(to=BOB, from_=OURS, url=world.ours.url("/voice/take"))
    world.ours.expect("/voice/take", 2)
    second = world.hand(SECOND).dials(OTHER)
    assert world.hand(SECOND).expects("call_connected")["sid"] == second["sid"]


def test_the_taker_hangs_up_before_they_are_connected(world: World) -> None:
    world.says("/voice/soon", '<Pause length="300"/>')
    lead, ann = world.hand(LEAD), world.hand(ANN)
    lead.dials(OTHER)
    world.ours.expect("/voice/wait")
    taker = rep_takes(world)
    world.ours.expect("/voice/soon")
    ann.does("hangup", taker.sid)
    assert world.ours.expect("/voice/over")[0].params["DialBridged"] == "false"
    assert left(world)["QueueResult"] == "bridging-in-process"


def test_a_full_queue(world: World) -> None:
    full = WAITS.replace("<Enqueue", '<Enqueue maxQueueSize="1"')
    world.says("/twilio/voice", full)
    world.hand(LEAD).dials(OTHER)
    world.ours.expect("/voice/wait")
    world.hand(SECOND).dials(OTHER)
    assert left(world)["QueueResult"] == "queue-full"
