"""The stand-in carrier refuses and notes what Twilio does not document."""

from collections.abc import Iterator

import pytest
from twilio.base.exceptions import (  # type: ignore[import-untyped]  # it ships no types
    TwilioRestException,
)

from tests.rooms.sandbox_world import ANN, OTHER, OURS, SID, TOKEN, World, sandbox_world

NUMBER = f"<Number>{ANN}</Number>"


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with sandbox_world() as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.http.post("/sandbox/api/reset").raise_for_status()
    running.ours.forget()
    return running


@pytest.mark.parametrize(
    ("given", "code", "why"),
    [
        ({"Colour": "red"}, 20001, "Colour is not documented"),
        ({"Timeout": "601"}, 20001, "Timeout must be 1 to 600"),
        ({"Timeout": "soon"}, 20001, "Timeout must be 1 to 600"),
        ({"MachineDetection": "enable"}, 20001, "MachineDetection must be one of"),
        ({"StatusCallbackEvent": "answered done"}, 20001, "StatusCallbackEvent must be of"),
        ({"Record": "yes"}, 20001, "Record must be true or false"),
        ({"StatusCallback": "http://my_host/x"}, 21609, "underscore"),
        ({"StatusCallback": "/relative"}, 21609, "absolute"),
        ({"StatusCallback": "http://h/x#rc=9"}, 21609, "override rc"),
        ({"Twiml": "x" * 4_001}, 21205, "has 4001 characters"),
    ],
)
def test_a_request_that_is_not_documented(
    world: World, given: dict[str, str], code: int, why: str
) -> None:
    form = {"To": ANN, "From": OURS, "Url": "http://127.0.0.1:9/x", **given}
    path = f"/2010-04-01/Accounts/{SID}/Calls.json"
    answer = world.http.post(path, data=form, auth=(SID, TOKEN))
    body = answer.json()
    assert (answer.status_code, body["code"], body["status"]) == (400, code, 400)
    assert why in body["message"] and why in world.violations()[0]
    assert world.twilio.calls.list() == []


def test_a_text_and_a_list_that_are_not_documented(world: World) -> None:
    with pytest.raises(TwilioRestException):
        world.twilio.messages.create(to=ANN, from_=OURS, body="x", validity_period=0)
    path = f"/2010-04-01/Accounts/{SID}/Calls.json"
    assert world.http.get(path, params={"Too": ANN}, auth=(SID, TOKEN)).status_code == 400
    assert len(world.violations()) == 2
    cursor = world.http.get("/sandbox/api/violations").json()["cursor"]
    later = world.http.get("/sandbox/api/violations", params={"after": cursor}).json()
    assert later["violations"] == []


@pytest.mark.parametrize(
    ("verbs", "why"),
    [
        ("<Sing/>", "<Sing> is not known"),
        ('<Say tone="low">x</Say>', "no attribute 'tone'"),
        ("<Say/>", "0 characters of text"),
        (f"<Say>{'x' * 4_097}</Say>", "4097 characters of text"),
        ('<Pause length="long"/>', "length must be 1 to"),
        ("<Gather><Dial>+12125550101</Dial></Gather>", "<Dial> cannot stand inside <Gather>"),
        ("<Dial/>", "dials nobody"),
        (f'<Dial timeout="4">{NUMBER}</Dial>', "timeout must be 5 to 600"),
        (f'<Dial record="yes">{NUMBER}</Dial>', "record must be one of"),
        (f'<Dial callerId="+12125550199">{NUMBER}</Dial>', "callerId"),
        (f"<Dial>{NUMBER * 11}</Dial>", "11 elements"),
        ("<Dial><Number>Ann</Number></Dial>", "must be a number like"),
        (f"<Dial><Queue>q</Queue>{NUMBER}</Dial>", "one <Queue>"),
        ('<Dial><Number statusCallbackEvent="over">+12125550101</Number></Dial>', "must be of"),
        (f"<Enqueue>{'q' * 65}</Enqueue>", "65 characters"),
        ('<Record transcribeCallback="/x"/>', "without transcribe"),
        ("<Leave/>", "cannot stand in a document of this kind (call)"),
    ],
)
def test_a_document_that_is_not_documented(world: World, verbs: str, why: str) -> None:
    world.says("/twilio/voice", verbs)
    caller = world.hand("+12125550177")
    caller.dials(OTHER)
    assert why in caller.expects("call_error")["body"]
    (noted,) = world.violations()
    assert why in noted


def test_each_place_has_its_verbs(world: World) -> None:
    world.says("/twilio/voice", f'<Dial><Number url="/voice/whisper">{ANN}</Number></Dial>')
    world.says("/voice/whisper", f"<Dial>{ANN}</Dial>")
    ann = world.hand(ANN).sets(calls="answer")
    world.hand("+12125550177").dials(OTHER)
    assert "(whisper)" in ann.expects("call_error")["body"]
    inline = '<Response><Gather action="key"/></Response>'
    ann.sets(calls="answer")
    world.twilio.calls.create(to=ANN, from_=OURS, twiml=inline)
    assert "absolute" in ann.expects("call_error")["body"]
    world.ours.answers["/twilio/sms"] = [(200, "<Response><Say>Hi</Say></Response>")]
    ann.writes("1")
    assert len(world.violations()) == 3


def test_what_is_documented_passes(world: World) -> None:
    world.says("/voice/soon", "<Say>Soon.</Say>")
    world.says(
        "/twilio/voice",
        '<Say voice="Polly.Joanna" language="en-US" loop="1">Hello <break strength="weak"/></Say>',
        "<Play>https://example.com/tone.mp3</Play>",
        '<Gather input="dtmf" numDigits="1" timeout="1" action="/x#rc=3&amp;rp=ct,rt,5xx"/>',
        '<Pause length="1"/><Redirect method="POST">/voice/soon</Redirect>',
    )
    caller = world.hand("+12125550177")
    caller.dials(OTHER)
    assert caller.expects("call_ended")["body"] == "completed"
    world.keeps_to_the_documents()
