"""The stand-in carrier's recordings: messages of callers, recorded bridges, the API, the media."""

from collections.abc import Iterator
from io import BytesIO
from wave import open as open_wave

import httpx
import pytest
from twilio.base.exceptions import (  # type: ignore[import-untyped]  # it ships no types
    TwilioRestException,
)

from tests.rooms.sandbox_world import ANN, OTHER, OURS, SID, TOKEN, World, sandbox_world

LEAD = "+12125550177"
TAKES = (
    '<Record action="/voice/message" maxLength="60" timeout="4" finishOnKey="#"'
    ' recordingStatusCallback="/cb/recording" recordingStatusCallbackEvent="in-progress completed'
    ' absent" transcribe="true" transcribeCallback="/cb/words"/><Say>We heard nothing.</Say>'
)


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with sandbox_world() as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.http.post("/sandbox/api/reset").raise_for_status()
    running.ours.forget()
    running.says("/twilio/voice", "<Say>Leave a message.</Say>", TAKES)
    running.says("/voice/message", "<Say>Thank you.</Say>")
    return running


def test_a_message_its_words_its_media_and_its_deletion(world: World) -> None:
    world.hand(LEAD).sets(message_s=12, message_text="Dana here, the roof leaks.").dials(OTHER)
    told = world.ours.expect("/voice/message")[0].params
    assert (told["RecordingDuration"], told["Digits"]) == ("12", "hangup")
    assert told["CallStatus"] == "completed"
    started, done = (h.params for h in world.ours.expect("/cb/recording", 2))
    assert {started["RecordingStatus"], done["RecordingStatus"]} == {"in-progress", "completed"}
    kept = world.twilio.recordings(told["RecordingSid"]).fetch()
    assert (kept.status, kept.duration, kept.source) == ("completed", "12", "RecordVerb")
    assert kept.call_sid == told["CallSid"] and kept.media_url == told["RecordingUrl"]
    words = world.ours.expect("/cb/words")[0].params
    assert words["TranscriptionText"] == "Dana here, the roof leaks."
    assert (words["TranscriptionStatus"], words["RecordingSid"]) == ("completed", kept.sid)
    (listed,) = world.twilio.recordings.list(call_sid=told["CallSid"])
    (of_call,) = world.twilio.calls(told["CallSid"]).recordings.list()
    assert listed.sid == of_call.sid == kept.sid
    _check_media(told["RecordingUrl"])
    assert world.twilio.recordings(kept.sid).delete()
    with pytest.raises(TwilioRestException) as gone:
        world.twilio.recordings(kept.sid).fetch()
    assert gone.value.code == 20404
    world.keeps_to_the_documents()


def _check_media(url: str) -> None:
    account = (SID, TOKEN)
    assert httpx.get(url, trust_env=False).status_code == 401
    for ending, kind in (("", "audio/x-wav"), (".wav", "audio/x-wav"), (".mp3", "audio/mpeg")):
        media = httpx.get(url + ending, auth=account, trust_env=False)
        assert (media.status_code, media.headers["content-type"]) == (200, kind)
    sound = httpx.get(url, auth=account, trust_env=False)
    with open_wave(BytesIO(sound.content)) as wave:
        assert wave.getframerate() == 8_000 and wave.getnframes() == 2_000


@pytest.mark.parametrize(
    ("settings", "digits", "seconds"),
    [
        ({"message_s": 7, "message_ends": "key"}, "#", "7"),
        ({"message_s": 7, "message_ends": "silence"}, "", "7"),
        ({"message_s": 500}, "", "60"),
    ],
)
def test_how_a_message_ends(
    world: World, settings: dict[str, object], digits: str, seconds: str
) -> None:
    lead = world.hand(LEAD).sets(**settings)
    lead.dials(OTHER)
    told = world.ours.expect("/voice/message")[0].params
    assert (told["Digits"], told["RecordingDuration"]) == (digits, seconds)
    assert told["CallStatus"] == "in-progress"
    lead.expects("call_recording")
    assert lead.expects("call_said")["body"] == "Thank you."


def test_who_says_nothing_goes_on_and_the_recording_is_absent(world: World) -> None:
    lead = world.hand(LEAD).sets(message_s=0)
    lead.dials(OTHER)
    lead.expects("call_recording")
    assert lead.expects("call_said")["body"] == "We heard nothing."
    heard = {h.params["RecordingStatus"] for h in world.ours.expect("/cb/recording", 2)}
    assert heard == {"in-progress", "absent"}
    assert [h for h in world.ours.heard if h.path == "/voice/message"] == []


def test_a_person_at_the_page_speaks_until_a_key(world: World) -> None:
    lead = world.hand(LEAD)
    call = lead.dials(OTHER)
    lead.expects("call_recording")
    lead.presses(call["sid"], "5#")
    assert world.ours.expect("/voice/message")[0].params["Digits"] == "#"


def test_both_sides_of_a_bridge(world: World) -> None:
    dial = (
        '<Dial action="/voice/over" record="record-from-answer-dual"'
        f' recordingStatusCallback="/cb/recording"><Number>{LEAD}</Number></Dial>'
    )
    world.hand(ANN).sets(calls="answer", talk_s=20)
    world.hand(LEAD).sets(calls="answer")
    parent = world.twilio.calls.create(to=ANN, from_=OURS, url=world.says("/voice/bridge", dial))
    told = world.ours.expect("/voice/over")[0].params
    assert told["RecordingDuration"] == "20"
    done = world.ours.expect("/cb/recording")[0].params
    assert (done["RecordingSource"], done["RecordingChannels"]) == ("DialVerb", "2")
    assert done["CallSid"] == parent.sid and done["RecordingUrl"] == told["RecordingUrl"]


def test_recordings_that_the_api_starts(world: World) -> None:
    ann = world.hand().sets(calls="answer", answer_after_s=1)
    call = world.twilio.calls.create(
        to=ANN,
        from_=OURS,
        url=world.says("/voice/page", '<Pause length="600"/>'),
        status_callback=world.ours.url("/cb"),
        record=True,
        recording_status_callback=world.ours.url("/cb/recording"),
    )
    ann.expects("call_answered")
    made = world.twilio.calls(call.sid).recordings.create(recording_channels="dual")
    assert (made.status, made.source) == ("in-progress", "StartCallRecordingAPI")
    assert world.twilio.calls(call.sid).recordings(made.sid).update("stopped").status == "completed"
    ann.does("hangup", call.sid)
    done = world.ours.expect("/cb/recording")[0].params
    assert done["RecordingSource"] == "OutboundAPI"
    assert world.ours.expect("/cb")[0].params["RecordingSid"] == done["RecordingSid"]
    with pytest.raises(TwilioRestException) as refused:
        world.twilio.calls(call.sid).recordings.create()
    assert refused.value.code == 21220


def test_recording_callbacks_go_wrong_on_demand(world: World) -> None:
    world.fault("callbacks", "lose", kind="recording", event="completed")
    world.fault("callbacks", "duplicate", kind="transcription")
    world.hand(LEAD).sets(message_s=9).dials(OTHER)
    world.ours.expect("/cb/words", 2)
    heard = [h.params["RecordingStatus"] for h in world.ours.expect("/cb/recording")]
    assert heard == ["in-progress"]
