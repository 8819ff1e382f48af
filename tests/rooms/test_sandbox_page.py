"""The phones page without a script: forms, escaping, the lead's form, and who is let in."""

import json
from collections.abc import Iterator

import pytest

from service.sandbox.screens import MODES
from tests.rooms.sandbox_world import ANN, OTHER, OURS, World, sandbox_world

DANA = "+12125550155"
HOSTILE = '<script>alert("1")</script>&"\''


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with sandbox_world() as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.http.post("/sandbox/api/reset").raise_for_status()
    running.ours.forget()
    return running


def page(world: World, query: str = "") -> str:
    answer = world.http.get(f"/sandbox{query}")
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    return answer.text


def test_texts_are_shown_escaped_and_links_can_be_opened(world: World) -> None:
    body = f"{HOSTILE} http://127.0.0.1:8000/r/abc"
    world.twilio.messages.create(to=ANN, from_=OURS, body=body)
    world.hand().expects("text_in_to_phone")
    html = page(world)
    assert "alert(" in html and "<script>alert" not in html
    assert '<a href="http://127.0.0.1:8000/r/abc"' in html


def test_a_reply_by_form(world: World) -> None:
    done = world.http.post(f"/sandbox/phones/{ANN}/texts", data={"quick": "1"})
    assert (done.status_code, done.headers["location"]) == (303, "/sandbox")
    assert world.ours.expect("/twilio/sms")[0].params["Body"] == "1"


def test_a_call_by_form(world: World) -> None:
    ann = world.hand()
    asks = f'<Gather numDigits="1" timeout="100" action="{world.ours.url("/voice/key")}">'
    twiml = f"<Response>{asks}<Say>Press 1</Say></Gather></Response>"
    call = world.twilio.calls.create(to=ANN, from_=OURS, twiml=twiml)
    ann.expects("call_ringing")
    assert "Answer the call" in page(world)
    world.http.post(f"/sandbox/calls/{call.sid}/answer")
    ann.expects("call_said")
    html = page(world)
    assert "Press 1" in html and 'aria-label="Key star"' in html
    world.http.post(f"/sandbox/calls/{call.sid}/hangup")
    assert ann.expects("call_ended")["body"] == "completed"
    late = world.http.post(f"/sandbox/calls/{call.sid}/answer")
    assert "trouble=" in late.headers["location"]


def test_two_phones_that_are_connected(world: World) -> None:
    """Each shows that it is, and the number that the other calls from: never whose it is."""
    ann, dana = world.hand(), world.hand(DANA).sets(calls="voicemail", voicemail_after_s=0)
    dials = f'<Dial callerId="{OTHER}"><Number>{DANA}</Number></Dial>'
    twiml = f"<Response><Play>{world.ours.url('/ring.wav')}</Play>{dials}</Response>"
    call = world.twilio.calls.create(to=ANN, from_=OURS, twiml=twiml)
    ann.expects("call_ringing")
    world.http.post(f"/sandbox/calls/{call.sid}/answer")
    ann.expects("call_connected")
    html = page(world)
    annes = html[html.index("Phone of Ann") : html.index("Phone of Bob")]
    assert "Connected, you hear each other" in annes and "[connected]" in annes
    assert DANA not in annes and "ring.wav" not in annes
    danas = html[html.index(f"Phone of {DANA}") :]
    assert "The voicemail answers" in danas and "The voicemail picked up" in danas
    assert "Keypad" not in danas and "Call the team" in danas
    world.http.post(f"/sandbox/calls/{call.sid}/hangup")
    dana.expects("call_ended")


def test_a_newcomer_calls_waits_and_leaves_a_message(world: World) -> None:
    waits = world.says("/wait", "<Pause length='600'/>")
    queued = f'<Enqueue waitUrl="{waits}">a-private-name</Enqueue>'
    world.says("/twilio/voice", queued)
    done = world.http.post("/sandbox/lead/call", data={"name": "Dana Cole", "phone": DANA})
    assert done.headers["location"] == "/sandbox"
    dana = world.hand(DANA)
    call = dana.expects("call_queued")
    assert call["to"] == OTHER
    html = page(world)
    assert "Waiting for somebody to answer" in html and "a-private-name" not in html
    assert "Phone of Dana Cole" in html
    recorded = f"<Record action='{world.ours.url('/done')}'/>"
    world.twilio.calls(call["sid"]).update(twiml=f"<Response>{recorded}</Response>")
    dana.expects("call_recording")
    assert "Speak now, then hang up" in page(world)
    dana.presses(call["sid"], "#")
    assert world.ours.expect("/done")[0].params["Digits"] == "#"


def test_a_phone_to_call_from_has_a_number(world: World) -> None:
    done = world.http.post("/sandbox/lead/call", data={"name": "Dana", "phone": "555 0155"})
    assert "trouble=" in done.headers["location"]


@pytest.mark.parametrize("mode", MODES)
def test_every_way_to_behave_can_be_chosen(world: World, mode: str) -> None:
    world.http.post(f"/sandbox/phones/{ANN}/mode", data={"mode": mode})
    assert f'<option value="{mode}" selected>' in page(world)


def test_the_settings_menu(world: World) -> None:
    world.http.post(f"/sandbox/phones/{ANN}/mode", data={"mode": "off"})
    phones = world.http.get("/sandbox/api/phones").json()["phones"]
    (ann,) = [p for p in phones if p["number"] == ANN]
    assert (ann["settings"]["texts"], ann["settings"]["calls"]) == (
        "undelivered",
        "no-answer",
    )
    assert '<option value="off" selected>' in page(world)


def test_being_the_lead(world: World) -> None:
    lead = {
        "name": HOSTILE,
        "phone": DANA,
        "email": "",
        "place": "Troy",
        "ask": "roof",
    }
    world.ours.answers["/leads/website"] = [(202, json.dumps({"lead_id": "L-7"}))]
    timeline = [
        {
            "seq": 1,
            "at": "2026-01-01T12:00:00+00:00",
            "event": "arrived",
            "source": "web",
        }
    ]
    view = {"standing": {"state": "waiting", "owner": None}, "timeline": timeline}
    world.ours.answers["/leads/L-7"] = [(200, json.dumps(view))]
    done = world.http.post("/sandbox/lead", data=lead)
    assert done.headers["location"] == "/sandbox?lead=L-7"
    html = page(world, "?lead=L-7")
    assert "arrived" in html and "waiting" in html and "<script>alert" not in html


def test_a_front_door_that_refuses_is_shown(world: World) -> None:
    world.ours.answers["/leads/website"] = [(422, json.dumps({"detail": "phone is not a number"}))]
    done = world.http.post("/sandbox/lead", data={"name": "x", "phone": "y"})
    html = page(world, done.headers["location"].removeprefix("/sandbox"))
    assert "phone is not a number" in html


def test_another_site_cannot_act(world: World) -> None:
    text = f"/sandbox/phones/{ANN}/texts"
    for site in ("cross-site", "same-site"):  # another port of this machine is the same site
        cross = {"Sec-Fetch-Site": site}
        assert world.http.post(text, data={"quick": "1"}, headers=cross).status_code == 403
    assert world.http.get("/sandbox/static/phones.js").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8001", "[evil", ""])
def test_the_phones_have_no_other_name(world: World, host: str) -> None:
    for path in ("/sandbox", "/sandbox/api/phones"):
        assert world.http.get(path, headers={"Host": host}).status_code == 403
    assert world.http.get("/sandbox", headers={"Host": "localhost:8001"}).status_code == 200
