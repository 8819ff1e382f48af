"""A caller leaves a message: when it is one, when only a missed call, and where it is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.desk.calls import voicemail
from service.ledger import recordings
from service.ledger.engine import Ledger
from service.phone.caller_callbacks import RecordingTold
from service.phone.line import Accepted, NotFound, Unknown
from service.rules.call_facts import Owing
from service.rules.lead import CallId
from tests.rooms.callers_world import (
    ONLY_AT_NIGHT,
    STRANGER,
    Caller,
    Phones,
    ToldLine,
    new_sid,
    said,
    told_status,
    verbs,
)


@pytest.fixture
def world(fresh_ledger: Ledger) -> Phones:
    return Phones(fresh_ledger)


def asked_for_a_message(world: Phones, from_: str = "+12125550142") -> Caller:
    """A caller whom nobody took, and who hears the tone by now."""
    caller = world.is_called(from_)
    world.clock.moves(40)
    assert verbs(caller.waits()) == ["Leave"]
    document = caller.left("leave", 40)
    assert verbs(document) == ["Say", "Record", "Hangup"]
    assert caller.left("leave", 40) == document
    world.clock.moves(20)
    return caller


def message(caller: Caller, seconds: float = 9, status: str = "completed") -> RecordingTold:
    return RecordingTold(caller.id, new_sid("RE"), status, seconds, "RecordVerb", caller.sid)


def test_a_message_is_stored_once_and_is_owed_a_call(world: Phones) -> None:
    caller = asked_for_a_message(world)
    world.looks(caller.lead)
    assert "paged" not in caller.kinds()  # they are still speaking
    assert "call you back" in said(caller.stops_speaking(9, hung_up=False))
    assert "voicemail_received" not in caller.kinds()
    sid = caller.recording(9)
    assert caller.kinds()[-2:] == ["call_missed", "voicemail_received"]
    assert caller.facts("voicemail_received")[0]["seconds"] == 9
    missed = caller.facts("call_missed")[0]
    assert (missed["seconds"], missed["short"]) == (40, False)
    assert caller.standing.asked_back is not None
    assert caller.standing.asked_back[0] is Owing.VOICEMAIL
    kept = caller.recordings()[0]
    assert (kept.sid, kept.kind, kept.seconds) == (sid, "voicemail", 9)
    assert kept.delete_at == kept.at + timedelta(days=30)
    caller.recording(9, sid=sid)
    assert caller.kinds().count("voicemail_received") == 1
    world.looks(caller.lead)
    assert "paged" in caller.kinds()
    assert "api.twilio" not in str(caller.document)


def test_the_recording_may_be_told_before_the_end_of_speaking(world: Phones) -> None:
    caller = asked_for_a_message(world)
    caller.recording(12)
    caller.stops_speaking(12)
    assert caller.kinds().count("voicemail_received") == 1
    assert caller.row.settled_at is not None


@pytest.mark.parametrize(("status", "seconds"), [("absent", None), ("completed", 0), ("failed", 3)])
def test_an_empty_recording_is_a_missed_call_only(
    world: Phones, status: str, seconds: float | None
) -> None:
    caller = asked_for_a_message(world)
    caller.stops_speaking(0)
    caller.recording(seconds, status)
    assert caller.kinds()[-1] == "call_missed"
    assert caller.standing.asked_back is not None
    assert caller.standing.asked_back[0] is Owing.CALL_BACK


def test_a_callback_that_never_comes_is_asked_for(world: Phones) -> None:
    caller = asked_for_a_message(world)
    caller.stops_speaking(9)
    gone = told_status("completed", 70)
    caller.overdue(ToldLine(gone, recorded=(message(caller, status="processing"),)))
    caller.overdue(ToldLine(Unknown("timeout")))
    assert caller.row.settled_at is None
    assert caller.row.asked == 2
    found = message(caller)
    caller.overdue(ToldLine(gone, recorded=(found,)))
    assert caller.kinds()[-2:] == ["call_missed", "voicemail_received"]
    # The callback comes after all.
    caller.recording(9, sid=found.recording_sid)
    assert caller.kinds().count("voicemail_received") == 1


def test_who_hangs_up_in_the_greeting_is_told_by_nobody_and_found(world: Phones) -> None:
    caller = asked_for_a_message(world)
    caller.overdue(ToldLine(told_status("in-progress")))
    assert caller.row.settled_at is None
    caller.overdue(ToldLine(told_status("completed", 44)))
    assert caller.kinds()[-1] == "call_missed"
    # A message that turns up later is one all the same.
    caller.recording(7)
    assert caller.kinds()[-1] == "voicemail_received"
    assert caller.kinds().count("call_missed") == 1


def test_a_carrier_that_never_answers_is_not_asked_for_ever(world: Phones) -> None:
    caller = asked_for_a_message(world)
    for _ in range(12):
        caller.overdue(ToldLine(Unknown("timeout")))
    assert caller.kinds()[-1] == "call_missed"
    assert caller.row.settled_at is not None


def test_what_is_no_message_of_this_call_changes_nothing(world: Phones) -> None:
    caller, other = asked_for_a_message(world), asked_for_a_message(world, STRANGER)
    before = caller.kinds()
    caller.recording(9, call_sid=other.sid)
    caller.recording(9, "in-progress")
    caller.recording(9, call_id=CallId("none-of-our-calls-at-all"))
    assert caller.kinds() == before
    waiting = world.is_called("+12125550188")
    waiting.recording(9)  # nobody asked them for a message
    waiting.stops_speaking(9)
    assert waiting.kinds() == ["arrived", "called_in"]
    assert not waiting.transcript(waiting.recording(9, call_sid=other.sid), "Hello")


def test_the_words_are_kept_when_they_come(world: Phones) -> None:
    caller, other = asked_for_a_message(world), asked_for_a_message(world, STRANGER)
    sid = caller.recording(9)
    assert not caller.transcript(sid, None)
    assert not other.transcript(sid, "Somebody else's words")
    assert caller.transcript(sid, "Hello, this is Dana. Please call me.")
    assert caller.recordings()[0].transcript == "Hello, this is Dana. Please call me."


def test_words_that_come_before_their_recording_are_kept_and_prove_nothing(world: Phones) -> None:
    caller = asked_for_a_message(world)
    caller.stops_speaking(9)
    sid = new_sid("RE")
    assert caller.transcript(sid, "Please call me about the roof")
    assert "voicemail_received" not in caller.kinds()
    caller.recording(9, sid=sid)
    (kept,) = caller.recordings()
    assert (kept.seconds, kept.transcript) == (9, "Please call me about the roof")
    assert caller.kinds()[-1] == "voicemail_received"


def test_a_recording_of_which_nobody_says_what_it_is_is_believed_of_the_callers_own_call(
    world: Phones,
) -> None:
    caller, other = asked_for_a_message(world), asked_for_a_message(world, STRANGER)
    for named in (None, other.sid):
        told = RecordingTold(caller.id, new_sid("RE"), "completed", 9, None, named)
        voicemail.hear_recording(world.desk, told)
    assert "voicemail_received" not in caller.kinds()
    told = RecordingTold(caller.id, new_sid("RE"), "completed", 9, None, caller.sid)
    voicemail.hear_recording(world.desk, told)
    assert caller.kinds()[-1] == "voicemail_received"


def test_a_recorded_talk_is_kept_too_and_tells_nothing(world: Phones) -> None:
    caller = world.is_called()
    caller.rings()["ann"].presses("1")
    before = caller.kinds()
    caller.recording(60, source="DialVerb")
    caller.recording(60, source="DialVerb", call_sid="CAstrange")
    assert [(each.kind, each.seconds) for each in caller.recordings()] == [("call", 60)]
    assert caller.kinds() == before


def test_at_night_a_caller_leaves_a_message(fresh_ledger: Ledger) -> None:
    caller = Phones(fresh_ledger, team=ONLY_AT_NIGHT).is_called()
    caller.recording(20)
    assert caller.facts("call_missed")[0]["short"] is False
    assert caller.kinds()[-1] == "voicemail_received"


def test_recordings_are_deleted_at_the_carrier_when_their_time_is_up(world: Phones) -> None:
    caller = asked_for_a_message(world)
    sid = caller.recording(9)
    line = ToldLine()
    assert voicemail.delete_due(world.desk, line) == 0
    world.clock.moves(31 * 86_400)
    line.deletes = Unknown("timeout")
    assert voicemail.delete_due(world.desk, line) == 0
    line.deletes = Accepted(sid, "deleted")
    assert voicemail.delete_due(world.desk, line) == 1
    assert line.deleted == [sid, sid]
    with world.ledger.transaction() as conn:
        kept = recordings.recording(conn, sid)
    assert kept is not None
    assert kept.deleted_at is not None
    line.deletes = NotFound()
    assert voicemail.delete_due(world.desk, line) == 0
