"""The stand-in carrier's calls: ringing, answering, TwiML with keys, and how each call ends."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import (  # type: ignore[import-untyped]  # it ships no types
    TwilioRestException,
)

from tests.rooms.sandbox_world import ANN, OTHER, OURS, World, sandbox_world

EVENTS = ["initiated", "ringing", "answered", "completed"]
ASK = (
    '<Response><Gather numDigits="1" timeout="40" action="key?lead=7">'
    "<Say>New lead. Press 1 to take it.</Say></Gather><Say>Nobody there.</Say><Hangup/></Response>"
)


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with sandbox_world() as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.http.post("/sandbox/api/reset").raise_for_status()
    running.ours.forget()
    return running


def place(world: World, **more: object) -> Any:
    asked: dict[str, object] = {
        "url": world.ours.url("/voice/page"),
        "status_callback": world.ours.url("/cb"),
        "status_callback_event": EVENTS,
        "timeout": 20,
        **more,
    }
    return world.twilio.calls.create(to=ANN, from_=OURS, **asked)


def reports(world: World, count: int) -> list[str]:
    heard = world.ours.expect("/cb", count)
    assert all(h.signed for h in heard)
    ordered = sorted(heard, key=lambda h: int(h.params["SequenceNumber"]))
    return [h.params["CallStatus"] for h in ordered]


def test_answer_and_press_one(world: World) -> None:
    ann = world.hand()
    world.ours.answers["/voice/page"] = [(200, ASK)]
    done = "<Response><Say>It is yours.</Say><Hangup/></Response>"
    world.ours.answers["/voice/key"] = [(200, done)]
    call = place(world)
    assert ann.expects("call_ringing")["sid"] == call.sid
    ann.does("answer", call.sid)
    assert ann.expects("call_gather")["detail"]["digits"] == 1
    assert ann.expects("call_said")["body"] == "New lead. Press 1 to take it."
    ann.presses(call.sid, "1")
    assert ann.expects("call_said")["body"] == "It is yours."
    assert ann.expects("call_ended")["body"] == "completed"
    key = world.ours.expect("/voice/key")[0]
    assert (key.path, key.params["Digits"], key.signed) == (
        "/voice/key?lead=7",
        "1",
        True,
    )
    assert key.params["CallStatus"] == "in-progress"
    assert reports(world, 4) == ["initiated", "ringing", "in-progress", "completed"]
    kept = world.twilio.calls(call.sid).fetch()
    assert (kept.status, kept.direction) == ("completed", "outbound-api")
    assert kept.end_time is not None and int(kept.duration) >= 1


def test_no_key_goes_on_with_the_next_verb(world: World) -> None:
    ann = world.hand()
    world.ours.answers["/voice/page"] = [(200, ASK.replace('timeout="40"', 'timeout="1"'))]
    call = place(world)
    ann.expects("call_ringing")
    ann.does("answer", call.sid)
    ann.expects("call_said")
    assert ann.expects("call_said")["body"] == "Nobody there."
    assert [h.path for h in world.ours.heard if "key" in h.path] == []


def test_gather_until_the_finishing_key_and_an_empty_result(world: World) -> None:
    ann = world.hand()
    twiml = (
        '<Response><Gather timeout="40" action="/voice/key" actionOnEmptyResult="true"/></Response>'
    )
    world.ours.answers["/voice/page"] = [(200, twiml)]
    again = (
        '<Response><Gather timeout="1" action="/voice/last" actionOnEmptyResult="true"/></Response>'
    )
    world.ours.answers["/voice/key"] = [(200, again)]
    call = place(world)
    ann.expects("call_ringing")
    ann.does("answer", call.sid)
    ann.expects("call_gather")
    ann.presses(call.sid, "42#")
    assert world.ours.expect("/voice/key")[0].params["Digits"] == "42"
    assert world.ours.expect("/voice/last")[0].params["Digits"] == ""
    assert ann.expects("call_ended")["body"] == "completed"


@pytest.mark.parametrize(
    ("mode", "act", "ends"),
    [
        ("ring", "decline", "busy"),
        ("busy", None, "busy"),
        ("failed", None, "failed"),
        ("no-answer", None, "no-answer"),
        ("ring", None, "no-answer"),
    ],
)
def test_unanswered(world: World, mode: str, act: str | None, ends: str) -> None:
    ann = world.hand().sets(calls=mode)
    call = place(world, timeout=5, status_callback_event=["completed"])
    if act:
        ann.expects("call_ringing")
        ann.does(act, call.sid)
    assert ann.expects("call_ended")["body"] == ends
    report = world.ours.expect("/cb")[0].params
    assert (report["CallStatus"], report["SequenceNumber"]) == (ends, "0")
    assert report["CallDuration"] == "0" and report["SipResponseCode"] in (
        "404",
        "486",
        "487",
    )


def test_voicemail_answers_as_a_machine_and_presses_nothing(world: World) -> None:
    ann = world.hand().sets(calls="voicemail", voicemail_after_s=1)
    world.ours.answers["/voice/page"] = [(200, ASK.replace('timeout="40"', 'timeout="1"'))]
    call = place(world, machine_detection="Enable")
    assert ann.expects("call_answered")["detail"]["by"] == "machine"
    assert ann.expects("call_ended")["body"] == "completed"
    assert world.ours.expect("/voice/page")[0].params["AnsweredBy"] == "machine_start"
    assert world.twilio.calls(call.sid).fetch().answered_by == "machine_start"


def test_a_short_ring_never_reaches_the_voicemail(world: World) -> None:
    ann = world.hand().sets(calls="voicemail", voicemail_after_s=25)
    place(world, timeout=13)
    assert ann.expects("call_ended")["body"] == "no-answer"


def test_the_api_cancels_redirects_and_hangs_up(world: World) -> None:
    ann = world.hand()
    ringing = place(world, timeout=600)
    ann.expects("call_ringing")
    world.twilio.calls(ringing.sid).update(status="canceled")
    assert ann.expects("call_ended")["body"] == "canceled"
    with pytest.raises(TwilioRestException) as refused:
        world.twilio.calls(ringing.sid).update(twiml="<Response/>")
    assert refused.value.code == 21220
    world.ours.answers["/voice/page"] = [(200, ASK)]
    live = place(world)
    ann.expects("call_ringing")
    ann.does("answer", live.sid)
    ann.expects("call_gather")
    moved = '<Response><Say>Moved.</Say><Pause length="600"/></Response>'
    world.twilio.calls(live.sid).update(twiml=moved)
    ann.expects("call_said")
    assert ann.expects("call_said")["body"] == "Moved."
    world.twilio.calls(live.sid).update(status="completed")
    assert ann.expects("call_ended")["body"] == "completed"


def test_the_person_hangs_up(world: World) -> None:
    ann = world.hand()
    world.ours.answers["/voice/page"] = [(200, ASK)]
    call = place(world)
    ann.expects("call_ringing")
    ann.does("answer", call.sid)
    ann.expects("call_gather")
    ann.does("hangup", call.sid)
    assert ann.expects("call_ended")["body"] == "completed"
    with pytest.raises(httpx.HTTPStatusError):
        ann.presses(call.sid, "1")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, "<Response><Fax/></Response>"), "<Fax>"),
        ((200, "<Response>"), "cannot be read"),
        ((500, ""), "HTTP 500"),
        ((200, "<Response><Redirect/></Response>"), "documents"),
    ],
)
def test_broken_twiml_ends_the_call_with_its_reason(
    world: World, answer: tuple[int, str], error: str
) -> None:
    ann = world.hand()
    world.ours.answers["/voice/page"] = [answer]
    call = place(world)
    ann.expects("call_ringing")
    ann.does("answer", call.sid)
    assert error in ann.expects("call_error")["body"]
    assert ann.expects("call_ended")["body"] == "completed"
    assert error in world.http.get(f"/sandbox/api/calls/{call.sid}").json()["error"]


def test_a_call_from_a_phone(world: World) -> None:
    ann = world.hand()
    world.ours.answers["/twilio/voice"] = [(200, ASK.replace('"key?lead=7"', '"/voice/key"'))]
    call = ann.dials(OTHER)
    ann.expects("call_gather")
    heard = world.ours.expect("/twilio/voice")[0]
    assert heard.signed and heard.params["Direction"] == "inbound"
    assert (heard.params["CallStatus"], heard.params["To"]) == ("ringing", OTHER)
    ann.presses(call["sid"], "2")
    assert world.ours.expect("/voice/key")[0].params["Digits"] == "2"
    assert ann.expects("call_ended")["body"] == "completed"


def test_a_rejected_call_from_a_phone(world: World) -> None:
    ann = world.hand()
    world.ours.answers["/twilio/voice"] = [(200, '<Response><Reject reason="busy"/></Response>')]
    ann.dials()
    assert ann.expects("call_ended")["body"] == "busy"


@pytest.mark.parametrize(
    ("to", "sender", "code"),
    [
        ("+15005550001", OURS, 21217),
        ("+15005550002", OURS, 21214),
        ("+15005550003", OURS, 21215),
        ("+15005550004", OURS, 21216),
        (ANN, "+12125550199", 21210),
    ],
)
def test_refused_calls(world: World, to: str, sender: str, code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        world.twilio.calls.create(to=to, from_=sender, twiml="<Response/>")
    assert refused.value.code == code
