"""The line and our documents against the stand-in carrier: a rep and a lead meet, over HTTP.

What the carrier then posts is read by the same code as in the product, and what is asked of it
afterwards says the same.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from service.phone import call_callbacks as calls
from service.phone import caller_callbacks as callers
from service.phone import urls, voice_calls
from service.phone.form import Form
from service.phone.line import Accepted, CallOrder, Line, NotFound, Sound
from service.phone.twilio import TwilioLine
from service.rules.call_facts import Ended
from service.rules.calls import AnsweredBy, CallTold
from service.rules.lead import CallId, PageId
from tests.rooms.sandbox_world import ANN, OTHER, OURS, SID, TOKEN, World, sandbox_world

CALL, PAGE = CallId("c4ll-0001"), PageId("page-1")
LEAD = "+12125550177"
# The public URL of a test is our receiver's; a path is asked for without it.
HERE = ""
Fact = TypeVar("Fact")


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with sandbox_world(calls_per_second=100.0) as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.http.post("/sandbox/api/reset").raise_for_status()
    running.ours.forget()
    running.ours.answers = {
        urls.bridge_say_url(HERE, CALL): [(200, whisper(running))],
        urls.bridge_key_url(HERE, CALL): [(200, dials(running))],
        urls.dial_done_url(HERE, CALL): [(200, voice_calls.hang_up())],
    }
    return running


@pytest.fixture
def line(running: World) -> Line:
    return TwilioLine(SID, TOKEN, running.base)


def public(world: World) -> str:
    return world.ours.url("")


def whisper(world: World) -> str:
    return voice_calls.whisper("Dana Fox. Press 1.", urls.bridge_key_url(public(world), CALL))


def dials(world: World, **more: Any) -> str:
    here = public(world)
    return voice_calls.dial_lead(
        *(LEAD, OURS, 25, urls.dial_done_url(here, CALL)),
        *(urls.leg_status_url(here, CALL), urls.leg_verdict_url(here, CALL)),
        **more,
    )


def rings_ann(world: World, line: Line, **settings: object) -> Accepted:
    """Ann picks up by herself and presses 1."""
    world.hand(ANN).sets(calls="answer", answer_after_s=1, keys="1", **settings)
    here = public(world)
    outcome = line.place_call(
        CallOrder(
            page_id=PAGE,
            to=ANN,
            from_=OURS,
            twiml_url=urls.bridge_say_url(here, CALL),
            callback_url=urls.call_status_url(here, PAGE),
            ring_s=20,
        )
    )
    assert isinstance(outcome, Accepted)
    return outcome


def heard(world: World, path: str, read: Callable[[str, Form], Fact], count: int = 1) -> list[Fact]:
    """What was posted there, as facts."""
    posted = world.ours.expect(path, count)
    assert all(each.signed for each in posted)
    return [read(CALL, Form(tuple(each.params.items()))) for each in posted]


def test_a_rep_and_a_lead_meet(world: World, line: Line) -> None:
    world.hand(LEAD).sets(calls="answer", answer_after_s=4)
    rung = rings_ann(world, line, talk_s=45)
    assert rung.queue_s is not None
    (done,) = heard(world, urls.dial_done_url(HERE, CALL), calls.dial_done)
    (verdict,) = heard(world, urls.leg_verdict_url(HERE, CALL), calls.verdict)
    steps = heard(world, urls.leg_status_url(HERE, CALL), calls.leg_status, 4)
    assert (done.rep_sid, done.bridged, done.bridged_s) == (rung.sid, True, 45.0)
    assert (verdict.by, verdict.sid) == (AnsweredBy.HUMAN, done.leg_sid)
    last = max(steps, key=lambda step: step.sequence or 0)
    assert (last.status, last.parent_sid, last.duration_s) == ("completed", rung.sid, 45.0)
    assert not any((done.doubts, verdict.doubts, *(step.doubts for step in steps)))
    legs = line.look_up_legs(CALL, rung.sid)
    assert isinstance(legs, tuple)
    (leg,) = legs
    assert (leg.sid, leg.told) == (done.leg_sid, last.told)
    assert leg.told == CallTold(Ended.ANSWERED, leg_s=45.0, answered_by=AnsweredBy.HUMAN)
    world.keeps_to_the_documents()


@pytest.mark.parametrize(
    ("settings", "ended"),
    [
        ({"calls": "busy"}, Ended.BUSY),
        ({"calls": "no-answer"}, Ended.NO_ANSWER),
        ({"calls": "failed"}, Ended.FAILED),
    ],
)
def test_a_lead_who_does_not_answer(
    world: World, line: Line, settings: dict[str, object], ended: Ended
) -> None:
    world.hand(LEAD).sets(**settings)
    rung = rings_ann(world, line)
    (done,) = heard(world, urls.dial_done_url(HERE, CALL), calls.dial_done)
    assert done.told == CallTold(ended=ended, bridged=False)
    legs = line.look_up_legs(CALL, rung.sid)
    assert isinstance(legs, tuple)
    assert [leg.told for leg in legs] == [CallTold(ended=ended)]
    world.keeps_to_the_documents()


def test_a_call_that_is_recorded_and_forgotten(world: World, line: Line) -> None:
    """The lead is told first; the sound is ours to fetch and to have deleted."""
    here = public(world)
    recorded = dials(
        world,
        record=True,
        leg_say_url=urls.leg_say_url(here, CALL),
        recording_url=urls.recording_url(here, CALL),
        spoken="This call is recorded.",
    )
    world.ours.answers[urls.bridge_key_url(HERE, CALL)] = [(200, recorded)]
    told_first = voice_calls.announce("This call is recorded.")
    world.ours.answers[urls.leg_say_url(HERE, CALL)] = [(200, told_first)]
    world.hand(LEAD).sets(calls="answer", answer_after_s=1)
    rung = rings_ann(world, line, talk_s=20)
    (told,) = heard(world, urls.recording_url(HERE, CALL), callers.recording_told)
    assert (told.status, told.kind, told.call_sid) == ("completed", "call", rung.sid)
    assert told.seconds is not None and told.seconds >= 20.0
    listed = line.recordings_of(CALL, rung.sid)
    assert isinstance(listed, tuple)
    (kept,) = listed
    assert (kept.recording_sid, kept.seconds) == (told.recording_sid, told.seconds)
    assert kept.dedupe_key == told.dedupe_key
    assert line.delete_recording(kept.recording_sid) == Accepted(kept.recording_sid, "deleted")
    assert line.delete_recording(kept.recording_sid) == NotFound()
    assert line.fetch_recording(kept.recording_sid) == NotFound()
    world.keeps_to_the_documents()


def test_a_caller_waits_and_leaves_a_message(world: World, line: Line) -> None:
    here = public(world)
    world.ours.answers |= {
        urls.INBOUND_CALL_PATH: [
            (
                200,
                voice_calls.enqueue(CALL, urls.left_url(here, CALL), urls.wait_url(here, CALL)),
            )
        ],
        urls.wait_url(HERE, CALL): [
            (200, voice_calls.ring_tone(urls.ringing_url(here), 6)),
            (200, voice_calls.leave()),
        ],
        urls.left_url(HERE, CALL): [
            (
                200,
                voice_calls.take_message(
                    "Please leave a message.",
                    urls.recorded_url(here, CALL),
                    urls.recording_url(here, CALL),
                    urls.transcript_url(here, CALL),
                    300,
                ),
            )
        ],
        urls.recorded_url(HERE, CALL): [(200, voice_calls.hang_up())],
    }
    dana = world.hand(LEAD).sets(message_s=12, message_text="Dana here.")
    dana.dials(OTHER)
    (left,) = heard(world, urls.left_url(HERE, CALL), callers.caller_left)
    (taken,) = heard(world, urls.recorded_url(HERE, CALL), callers.message_taken)
    (told,) = heard(world, urls.recording_url(HERE, CALL), callers.recording_told)
    (words,) = heard(world, urls.transcript_url(HERE, CALL), callers.transcript_told)
    called = callers.inbound_call(
        Form(tuple(world.ours.expect(urls.INBOUND_CALL_PATH)[0].params.items()))
    )
    assert (called.number, called.to) == (LEAD, OTHER)
    assert (left.result, left.sid, left.connected) == ("leave", called.sid, False)
    assert (taken.seconds, taken.hung_up) == (12.0, True)
    assert (told.kind, told.seconds, told.status) == ("voicemail", 12.0, "completed")
    assert (words.text, words.recording_sid) == ("Dana here.", told.recording_sid)
    sound = line.fetch_recording(told.recording_sid)
    assert isinstance(sound, Sound)
    played = b"".join(sound.pieces)
    assert (sound.media_type, len(played)) == ("audio/mpeg", sound.length)
    world.keeps_to_the_documents()


def test_a_rep_takes_a_caller(world: World, line: Line) -> None:
    here = public(world)
    world.ours.answers |= {
        urls.INBOUND_CALL_PATH: [
            (
                200,
                voice_calls.enqueue(CALL, urls.left_url(here, CALL), urls.wait_url(here, CALL)),
            )
        ],
        urls.wait_url(HERE, CALL): [(200, voice_calls.ring_tone(urls.ringing_url(here), 6))],
        urls.left_url(HERE, CALL): [(200, voice_calls.hang_up())],
        urls.bridge_key_url(HERE, CALL): [
            (200, voice_calls.connect_caller(CALL, urls.hunt_done_url(here, CALL, PAGE)))
        ],
        urls.hunt_done_url(HERE, CALL, PAGE): [(200, voice_calls.hang_up())],
    }
    world.hand(LEAD).dials(OTHER)
    world.ours.expect(urls.wait_url(HERE, CALL))
    rung = rings_ann(world, line, talk_s=40)
    (done,) = heard(world, urls.hunt_done_url(HERE, CALL, PAGE), calls.dial_done)
    (left,) = heard(world, urls.left_url(HERE, CALL), callers.caller_left)
    assert (done.rep_sid, done.bridged, done.bridged_s) == (rung.sid, True, 40.0)
    assert (left.connected, left.sid, left.doubts) == (True, done.leg_sid, ())
    world.keeps_to_the_documents()


def test_nothing_was_dialled_on_a_call_that_nobody_keyed(world: World, line: Line) -> None:
    assert line.look_up_legs(CALL, "CA" + "9" * 32) == ()
    assert line.recordings_of(CALL, "CA" + "9" * 32) == NotFound()
