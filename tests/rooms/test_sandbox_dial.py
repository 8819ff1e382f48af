"""The stand-in carrier's <Dial>: legs, whispers, bridges, and what the action is told of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.rooms.sandbox_world import ANN, BOB, MIA, OURS, Heard, World, sandbox_world

LEAD = "+12125550177"
EVENTS = "initiated ringing answered completed"


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with sandbox_world() as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.http.post("/sandbox/api/reset").raise_for_status()
    running.ours.forget()
    return running


def dial(nouns: str, **more: str) -> str:
    attributes = {"action": "/voice/over", "timeout": "20", **more}
    written = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<Dial {written}>{nouns}</Dial>"


def leg(number: str = LEAD, **more: str) -> str:
    attributes = {"statusCallback": "/cb/leg", "statusCallbackEvent": EVENTS, **more}
    written = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<Number {written}>{number}</Number>"


def rep_dials(world: World, document: str, **settings: object) -> Any:
    """Our product calls Ann, who picks up by herself, and dials as the document says."""
    world.hand(ANN).sets(calls="answer", answer_after_s=1, **settings)
    world.says("/voice/over", "<Hangup/>")
    return world.twilio.calls.create(to=ANN, from_=OURS, url=world.says("/voice/bridge", document))


def action(world: World) -> dict[str, str]:
    heard = world.ours.expect("/voice/over")[0]
    assert heard.signed
    return heard.params


def steps(heard: list[Heard]) -> list[str]:
    ordered = sorted(heard, key=lambda h: int(h.params["SequenceNumber"]))
    assert [h.params["SequenceNumber"] for h in ordered] == [str(n) for n in range(len(ordered))]
    return [h.params["CallStatus"] for h in ordered]


def test_a_human_answers_and_the_rep_hangs_up_after_45_seconds(world: World) -> None:
    world.hand(LEAD).sets(calls="answer", answer_after_s=4)
    number = leg(
        machineDetection="DetectMessageEnd",
        machineDetectionTimeout="59",
        amdStatusCallback="/cb/amd",
    )
    parent = rep_dials(world, dial(number), talk_s=45)
    told = action(world)
    assert (told["DialCallStatus"], told["DialBridged"]) == ("completed", "true")
    assert (told["DialCallDuration"], told["CallStatus"]) == ("45", "completed")
    child = world.twilio.calls(told["DialCallSid"]).fetch()
    assert (child.direction, child.parent_call_sid) == ("outbound-dial", parent.sid)
    assert (child.status, child.duration, child.answered_by) == ("completed", "45", "human")
    assert (child.end_time - child.start_time).total_seconds() == pytest.approx(45, abs=1)
    (listed,) = world.twilio.calls.list(parent_call_sid=parent.sid)
    assert listed.sid == child.sid
    heard = world.ours.expect("/cb/leg", 4)
    assert steps(heard) == ["initiated", "ringing", "in-progress", "completed"]
    assert {h.params["ParentCallSid"] for h in heard} == {parent.sid}
    verdict = world.ours.expect("/cb/amd")[0].params
    assert verdict["CallSid"] == child.sid
    assert (verdict["AnsweredBy"], verdict["MachineDetectionDuration"]) == ("human", "2400")
    world.keeps_to_the_documents()


@pytest.mark.parametrize(
    ("settings", "said", "after_ms"),
    [
        ({"greeting_s": 12, "beep": True}, "machine_end_beep", "13000"),
        ({"greeting_s": 12, "beep": False}, "machine_end_silence", "13200"),
        ({"greeting_s": 80}, "unknown", "59000"),
        ({"detected_as": "human", "detected_after_s": 5}, "human", "5000"),
        ({"detected_as": "fax"}, "fax", "11000"),
    ],
)
def test_a_machine_is_detected_beside_the_bridge(
    world: World, settings: dict[str, object], said: str, after_ms: str
) -> None:
    world.hand(LEAD).sets(calls="voicemail", voicemail_after_s=5, **settings)
    number = leg(
        machineDetection="DetectMessageEnd",
        machineDetectionTimeout="59",
        amdStatusCallback="/cb/amd",
    )
    talk_s = int(after_ms) // 1000 + 2
    rep_dials(world, dial(number), talk_s=talk_s)
    verdict = world.ours.expect("/cb/amd")[0].params
    assert (verdict["AnsweredBy"], verdict["MachineDetectionDuration"]) == (said, after_ms)
    told = action(world)
    assert (told["DialBridged"], told["DialCallDuration"]) == (
        "true",
        f"{int(after_ms) // 1000 + 2}",
    )


def test_a_verdict_that_never_comes_and_one_cut_short(world: World) -> None:
    lead = world.hand(LEAD).sets(calls="voicemail", voicemail_after_s=1, detected_as="never")
    number = leg(machineDetection="DetectMessageEnd", amdStatusCallback="/cb/amd")
    rep_dials(world, dial(number), talk_s=8)
    sid = action(world)["DialCallSid"]
    assert world.twilio.calls(sid).fetch().answered_by is None
    lead.sets(detected_as=None, greeting_s=30)
    rep_dials(world, dial(number), talk_s=8)
    verdict = world.ours.expect("/cb/amd")[0].params
    assert (verdict["AnsweredBy"], verdict["MachineDetectionDuration"]) == ("unknown", "8000")


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"calls": "no-answer"}, "no-answer"),
        ({"calls": "busy"}, "busy"),
        ({"calls": "failed"}, "failed"),
        ({"calls": "reject", "answer_after_s": 2}, "busy"),
    ],
)
def test_the_lead_does_not_answer(world: World, settings: dict[str, object], status: str) -> None:
    world.hand(LEAD).sets(**settings)
    rep_dials(world, dial(leg(), timeout="5"))
    told = action(world)
    assert (told["DialCallStatus"], told["DialBridged"]) == (status, "false")
    assert told["CallStatus"] == "in-progress" and "DialCallDuration" not in told
    assert world.twilio.calls(told["DialCallSid"]).fetch().status == status


def test_the_lead_hangs_up_first_and_the_call_goes_on(world: World) -> None:
    world.hand(LEAD).sets(calls="answer", talk_s=7)
    parent = rep_dials(world, dial(leg()), keys="3")
    world.says("/voice/over", '<Gather numDigits="1" action="/voice/outcome" timeout="60"/>')
    told = action(world)
    assert (told["DialCallDuration"], told["CallStatus"]) == ("7", "in-progress")
    assert world.ours.expect("/voice/outcome")[0].params["Digits"] == "3"
    assert world.until_status(world.twilio.calls(parent.sid).fetch, "completed")


def test_the_caller_hangs_up_while_it_rings(world: World) -> None:
    lead = world.hand(LEAD)
    rep_dials(world, dial(leg()), hang_up_after_s=15)
    assert lead.expects("call_ended")["body"] == "canceled"
    told = action(world)
    assert (told["DialCallStatus"], told["DialBridged"]) == ("canceled", "false")
    assert told["CallStatus"] == "completed"


WHISPER = '<Gather numDigits="1" timeout="60" action="/voice/taken"><Say>Press 1</Say></Gather>'


def test_a_caller_rings_until_a_screened_rep_takes_the_call(world: World) -> None:
    ann = world.hand(ANN).sets(calls="answer", keys="1", keys_after_s=20, talk_s=20)
    number = leg(ANN, url="/voice/whisper")
    world.says("/twilio/voice", dial(number, answerOnBridge="true"))
    world.says("/voice/whisper", WHISPER, "<Hangup/>")
    world.says("/voice/taken")
    world.says("/voice/over", "<Hangup/>")
    call = world.hand(LEAD).dials(OURS)
    ann.expects("call_gather")
    assert world.call(call["sid"])["status"] == "ringing"  # nothing but ringing so far
    taken = world.ours.expect("/voice/taken")[0].params
    assert (taken["Digits"], taken["ParentCallSid"]) == ("1", call["sid"])
    assert ann.expects("call_connected")["detail"] == {"with": LEAD}
    told = action(world)
    assert (told["DialCallStatus"], told["DialBridged"]) == ("completed", "true")
    assert int(told["DialCallDuration"]) >= 20 and told["CallStatus"] == "in-progress"
    world.keeps_to_the_documents()


def test_a_mailbox_in_the_whisper_is_completed_and_not_bridged(world: World) -> None:
    world.hand(ANN).sets(calls="voicemail", voicemail_after_s=2, keys="1")
    world.says("/voice/whisper", WHISPER.replace("60", "1"), "<Hangup/>")
    world.says("/twilio/voice", dial(leg(ANN, url="/voice/whisper")))
    world.says("/voice/over", "<Hangup/>")
    world.hand(LEAD).dials(OURS)
    told = action(world)
    assert (told["DialCallStatus"], told["DialBridged"]) == ("completed", "false")


def test_the_first_of_several_wins_and_the_others_are_cancelled(world: World) -> None:
    world.hand(BOB).sets(calls="answer", answer_after_s=4, talk_s=3)
    world.hand(MIA).sets(calls="busy")
    world.says("/twilio/voice", dial(leg(ANN) + leg(BOB) + leg(MIA)))
    world.says("/voice/over", "<Hangup/>")
    ann = world.hand(ANN)
    world.hand(LEAD).dials(OURS)
    assert ann.expects("call_ended")["body"] == "canceled"
    told = action(world)
    assert (told["DialCallStatus"], told["DialCallDuration"]) == ("completed", "3")
    assert world.twilio.calls(told["DialCallSid"]).fetch().to == BOB


def test_one_after_the_other(world: World) -> None:
    world.hand(ANN).sets(calls="no-answer")
    world.hand(BOB).sets(calls="answer", talk_s=3)
    document = dial(leg(ANN) + leg(BOB), sequential="true", timeout="5")
    world.says("/twilio/voice", document)
    world.says("/voice/over", "<Hangup/>")
    world.hand(LEAD).dials(OURS)
    assert action(world)["DialCallDuration"] == "3"
    ends = {h.params["To"]: h.params["CallStatus"] for h in world.ours.expect("/cb/leg", 7)}
    assert set(ends) == {ANN, BOB}


def test_who_is_not_needed_is_not_dialled(world: World) -> None:
    world.hand(ANN).sets(calls="answer", talk_s=3)
    document = dial(leg(ANN) + leg(BOB), sequential="true")
    world.says("/twilio/voice", document)
    world.says("/voice/over", "<Hangup/>")
    call = world.hand(LEAD).dials(OURS)
    action(world)
    assert [each.to for each in world.twilio.calls.list(parent_call_sid=call["sid"])] == [ANN]


def test_a_withheld_number_and_the_end_of_an_inbound_call(world: World) -> None:
    world.says("/twilio/voice", "<Say>Hello.</Say>")
    call = world.hand(LEAD).dials(OURS, shown_as="anonymous")
    heard = world.ours.expect("/twilio/voice")[0].params
    assert (heard["From"], heard["Caller"]) == ("anonymous", "anonymous")
    ended = world.ours.expect("/twilio/ended")[0].params
    assert (ended["CallSid"], ended["CallStatus"]) == (call["sid"], "completed")


def test_a_limit_a_star_and_the_api_each_end_a_conversation(world: World) -> None:
    world.hand(LEAD).sets(calls="answer", answer_after_s=1)
    rep_dials(world, dial(leg(), timeLimit="9"))
    assert action(world)["DialCallDuration"] == "9"
    world.ours.forget()
    ann = world.hand()
    parent = rep_dials(world, dial(leg(), hangupOnStar="true"))
    ann.expects("call_connected")
    ann.expects("call_connected")
    ann.presses(parent.sid, "*")
    assert action(world)["CallStatus"] == "in-progress"
    world.ours.forget()
    rep_dials(world, dial(leg()))
    ann.expects("call_connected")
    (child,) = [c for c in world.twilio.calls.list(to=LEAD) if c.status == "in-progress"]
    world.twilio.calls(child.sid).update(status="completed")
    assert action(world)["DialCallSid"] == child.sid


def test_a_phone_on_a_call_is_busy_unless_it_has_call_waiting(world: World) -> None:
    world.hand(LEAD).sets(calls="answer", answer_after_s=1)
    ann = world.hand()
    rep_dials(world, dial(leg()))
    ann.expects("call_connected")
    assert world.call_to(ANN) == "busy"
    ann.sets(call_waiting=True)
    assert world.call_to(ANN) == "in-progress"


def test_detection_before_the_document_and_beside_it(world: World) -> None:
    world.hand().sets(calls="voicemail", voicemail_after_s=1, greeting_s=9)
    url = world.says("/voice/page", '<Pause length="30"/>')
    asked = {"to": ANN, "from_": OURS, "url": url, "machine_detection": "DetectMessageEnd"}
    world.hand().sets(call_waiting=True)
    world.twilio.calls.create(**asked)
    assert world.ours.expect("/voice/page")[0].params["AnsweredBy"] == "machine_end_beep"
    beside = world.twilio.calls.create(
        **asked,
        async_amd="true",
        async_amd_status_callback=world.ours.url("/cb/amd"),
        timeout=600,
    )
    verdict = world.ours.expect("/cb/amd")[0].params
    assert (verdict["CallSid"], verdict["MachineDetectionDuration"]) == (beside.sid, "10000")
    assert "AnsweredBy" not in world.ours.expect("/voice/page", 2)[1].params


def test_calls_of_the_api_wait_for_their_turn() -> None:
    with sandbox_world(calls_per_second=0.02) as world:
        placed = [
            world.twilio.calls.create(to=number, from_=OURS, twiml="<Response/>")
            for number in (ANN, BOB, MIA)
        ]
        waits = [int(call.queue_time) for call in placed]
        assert waits[0] == 0 and 0 < waits[1] <= 50_000 < waits[2] <= 100_000
        assert world.twilio.calls(placed[2].sid).fetch().queue_time == placed[2].queue_time
        assert world.hand(BOB).expects("call_ringing")["sid"] == placed[1].sid


def test_callbacks_of_legs_and_detection_get_lost_and_come_twice(world: World) -> None:
    world.fault("callbacks", "lose", kind="leg", event="completed")
    world.fault("callbacks", "duplicate", kind="detection")
    world.fault("documents", "duplicate", kind="dial")
    world.hand(LEAD).sets(calls="answer")
    number = leg(machineDetection="Enable", amdStatusCallback="/cb/amd")
    rep_dials(world, dial(number), talk_s=5)
    one, two = world.ours.expect("/voice/over", 2)
    assert one.params == two.params and one.token == two.token != ""
    assert len({h.token for h in world.ours.expect("/cb/amd", 2)}) == 2
    assert steps(world.ours.expect("/cb/leg", 3)) == ["initiated", "ringing", "in-progress"]


def test_callbacks_of_a_leg_overtake_each_other_and_come_late(world: World) -> None:
    world.fault("callbacks", "reorder", kind="leg", event="ringing")
    world.fault("callbacks", "delay", kind="leg", event="initiated", seconds=0.5)
    world.hand(LEAD).sets(calls="answer", answer_after_s=1)
    rep_dials(world, dial(leg()), talk_s=5)
    heard = world.ours.expect("/cb/leg", 4)
    assert [h.params["SequenceNumber"] for h in heard] != ["0", "1", "2", "3"]
    assert heard[-1].params["CallStatus"] == "initiated"
    assert steps(heard) == ["initiated", "ringing", "in-progress", "completed"]


def test_a_leg_can_be_moved_away_from_its_conversation(world: World) -> None:
    lead = world.hand(LEAD).sets(calls="answer")
    rep_dials(world, dial(leg()))
    child = lead.expects("call_connected")["sid"]
    world.twilio.calls(child).update(twiml="<Response><Say>Elsewhere.</Say></Response>")
    told = action(world)
    assert told["DialBridged"] == "true" and "DialCallSid" not in told
    assert lead.expects("call_said")["body"] == "Elsewhere."
    assert lead.expects("call_ended")["body"] == "completed"
