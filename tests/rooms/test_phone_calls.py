"""What Twilio posts of calls with leads, read into facts; and that nonsense proves nothing."""

import wave
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest

from service.errors import SourceError
from service.phone import call_callbacks as calls
from service.phone import caller_callbacks as callers
from service.phone import ringing, urls
from service.phone.form import Form, read_form
from service.rules.call_facts import Contacted, Ended, NoAnswer, ShortAnswer
from service.rules.calls import SECONDS_MAX, AnsweredBy, CallTold, came_to
from service.rules.lead import CallId, PageId, RepId

CALL = CallId("c4ll-0001")
REP_SID, LEAD_SID, RECORDING_SID = "CA" + "2" * 32, "CA" + "3" * 32, "RE" + "4" * 32
LEAD, OURS = "+12125550177", "+15005550006"

# As captured from Twilio's documentation, blanks and unknown fields included.
USUAL = {
    "AccountSid": "AC" + "0" * 32,
    "ApiVersion": "2010-04-01",
    "CallSid": REP_SID,
    "CallStatus": "in-progress",
    "From": OURS,
    "To": LEAD,
    "FromZip": "",
    "SomethingNew": "1",
}
LEG = {
    **USUAL,
    "CallSid": LEAD_SID,
    "ParentCallSid": REP_SID,
    "CallStatus": "completed",
    "SequenceNumber": "3",
    "CallDuration": "47",
    "Duration": "1",
    "Timestamp": "Mon, 02 Mar 2026 17:04:00 +0000",
    "CallbackSource": "call-progress-events",
}
DIAL = {
    **USUAL,
    "DialCallStatus": "completed",
    "DialCallSid": LEAD_SID,
    "DialCallDuration": "47",
    "DialBridged": "true",
}
AMD = {
    "CallSid": LEAD_SID,
    "AnsweredBy": "machine_end_beep",
    "MachineDetectionDuration": "13250",
}
LEFT = {**USUAL, "QueueResult": "leave", "QueueTime": "40", "QueueSid": "QU" + "5" * 32}
TAKEN = {**USUAL, "RecordingUrl": "https://api.example.com/RE4", "RecordingDuration": "12"}
RECORDED = {
    "CallSid": REP_SID,
    "RecordingSid": RECORDING_SID,
    "RecordingStatus": "completed",
    "RecordingDuration": "12",
    "RecordingSource": "RecordVerb",
    "RecordingStartTime": "Mon, 02 Mar 2026 17:04:00 +0000",
}
WORDS = {
    **USUAL,
    "RecordingSid": RECORDING_SID,
    "TranscriptionSid": "TR" + "6" * 32,
    "TranscriptionStatus": "completed",
    "TranscriptionText": " Dana here,\nthe roof leaks. ",
}


def form(fields: dict[str, str], **changes: str) -> Form:
    return read_form(urlencode({**fields, **changes}).encode())


def keyed(call_id: str, posted: Form) -> calls.Keyed:
    return calls.keyed("bridge", call_id, posted)


def inbound(_: str, posted: Form) -> callers.InboundCall:
    return callers.inbound_call(posted)


def test_a_leg_that_was_answered() -> None:
    fact = calls.leg_status(CALL, form(LEG))
    at = datetime(2026, 3, 2, 17, 4, tzinfo=UTC)
    assert fact == calls.LegStatus(CALL, LEAD_SID, REP_SID, "completed", 3, 47.0, None, at)
    assert (fact.final, fact.told) == (True, CallTold(ended=Ended.ANSWERED, leg_s=47.0))
    assert fact.dedupe_key == f"leg:{LEAD_SID}:3"


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("initiated", None),
        ("ringing", None),
        ("in-progress", None),
        ("completed", Ended.ANSWERED),
        ("busy", Ended.BUSY),
        ("no-answer", Ended.NO_ANSWER),
        ("failed", Ended.FAILED),
        ("canceled", Ended.ABANDONED),
    ],
)
def test_how_a_leg_ended(status: str, ended: Ended | None) -> None:
    """Both ways of learning it say the same."""
    leg = calls.leg_status(CALL, form(LEG, CallStatus=status))
    assert (leg.told.ended, leg.final, leg.doubts) == (ended, ended is not None, ())
    assert leg.told.leg_s == (47.0 if ended is Ended.ANSWERED else None)
    if ended is not None:
        done = calls.dial_done(CALL, form(DIAL, DialCallStatus=status))
        assert (done.told.ended, done.doubts) == (ended, ())


def test_a_dial_that_bridged() -> None:
    fact = calls.dial_done(CALL, form(DIAL))
    assert fact == calls.DialDone(CALL, REP_SID, "completed", LEAD_SID, 47.0, True, 47.0)
    assert fact.told == CallTold(Ended.ANSWERED, leg_s=47.0, bridged=True, bridged_s=47.0)
    assert calls.dial_done(CALL, form(DIAL, CallStatus="completed")).call_over


@pytest.mark.parametrize("bridged", ["false", "", "perhaps"])
def test_completed_is_not_bridged(bridged: str) -> None:
    """Twilio says completed of a leg that hung up before anyone heard anyone; where it does not
    say whether they did, only the rep can."""
    fact = calls.dial_done(CALL, form(DIAL, DialBridged=bridged))
    assert (fact.bridged, fact.bridged_s) == (False if bridged == "false" else None, None)
    told = fact.told.with_news(CallTold(answered_by=AnsweredBy.HUMAN))
    came = came_to(told, CALL, RepId("ann"), 30.0, ring_lead_s=25)
    assert [type(each) for each in came.facts[1:]] == ([ShortAnswer] if bridged == "false" else [])
    assert came.asks


@pytest.mark.parametrize(
    ("word", "by"),
    [
        ("human", AnsweredBy.HUMAN),
        ("machine_start", AnsweredBy.MACHINE),
        ("machine_end_beep", AnsweredBy.BEEP),
        ("machine_end_silence", AnsweredBy.MESSAGE_END),
        ("machine_end_other", AnsweredBy.MESSAGE_END),
        ("fax", AnsweredBy.FAX),
        ("unknown", AnsweredBy.UNKNOWN),
    ],
)
def test_who_answered(word: str, by: AnsweredBy) -> None:
    fact = calls.verdict(CALL, form(AMD, AnsweredBy=word))
    assert fact == calls.Verdict(CALL, LEAD_SID, by, 13.25)
    assert fact.told == CallTold(answered_by=by, detected_s=13.25)
    assert calls.leg_status(CALL, form(LEG, AnsweredBy=word)).told.answered_by is by


def test_a_verdict_that_is_not_known_proves_nothing() -> None:
    fact = calls.verdict(CALL, form(AMD, AnsweredBy="machine_of_a_new_kind"))
    assert (fact.by, fact.told) == (None, CallTold())
    assert fact.doubts == ("AnsweredBy is machine_of_a_new_kind, which is not known",)


@pytest.mark.parametrize("digit", [*"0123456789*#"])
def test_every_key_of_a_phone_is_heard(digit: str) -> None:
    fact = calls.keyed("outcome", CALL, form(USUAL, Digits=digit))
    assert fact == calls.Keyed("outcome", CALL, REP_SID, digit)
    assert fact.dedupe_key == f"outcome:{REP_SID}:{CALL}:{digit}"
    assert fact.dedupe_key != calls.keyed("bridge", CALL, form(USUAL, Digits=digit)).dedupe_key


@pytest.mark.parametrize(
    ("digits", "doubted"),
    [("", False), ("11", True), ("A", True), ("w", True), ("-1", True), ("1 ", True), ("١", True)],
)
def test_no_other_key_is(digits: str, doubted: bool) -> None:
    fact = calls.keyed("bridge", CALL, form(USUAL, Digits=digits))
    assert (fact.digit, bool(fact.doubts)) == (None, doubted)


def test_a_caller() -> None:
    fact = callers.inbound_call(form(USUAL, From=LEAD, To=OURS, CallStatus="ringing"))
    assert fact == callers.InboundCall(REP_SID, LEAD, OURS, "ringing")
    assert fact.number == LEAD


WITHHELD = ["", "anonymous", "Restricted", "unknown", "+266696687", "+7378742833", "+86282452253"]


@pytest.mark.parametrize("withheld", [*WITHHELD, "sip:dana@example.com", "12125550177", "a\x00b"])
def test_a_caller_who_cannot_be_called_back_is_one_too(withheld: str) -> None:
    fact = callers.inbound_call(form(USUAL, From=withheld, To=OURS))
    assert (fact.number, fact.to, bool(fact.doubts)) == (None, OURS, "\x00" in withheld)


def test_a_caller_left_the_queue() -> None:
    fact = callers.caller_left(CALL, form(LEFT))
    assert fact == callers.CallerLeft(CALL, REP_SID, "leave", 40.0)
    taken = callers.caller_left(CALL, form(LEFT, QueueResult="bridged", CallStatus="completed"))
    assert (taken.connected, taken.call_over) == (True, True)


def test_a_message() -> None:
    assert callers.message_taken(CALL, form(TAKEN, Digits="#")) == callers.MessageTaken(
        CALL, REP_SID, 12.0
    )
    assert callers.message_taken(CALL, form(TAKEN, Digits="hangup")).hung_up
    assert callers.message_taken(CALL, form(TAKEN, CallStatus="completed")).hung_up


def test_a_recording() -> None:
    fact = callers.recording_told(CALL, form(RECORDED))
    at = datetime(2026, 3, 2, 17, 4, tzinfo=UTC)
    assert fact == callers.RecordingTold(
        CALL, RECORDING_SID, "completed", 12.0, "RecordVerb", REP_SID, at
    )
    assert fact.kind == "voicemail"
    assert callers.recording_told(CALL, form(RECORDED, RecordingSource="DialVerb")).kind == "call"
    assert callers.recording_told(CALL, form(RECORDED, RecordingSource="New")).kind is None


@pytest.mark.parametrize("status", ["in-progress", "absent", "failed"])
def test_a_recording_that_is_not_there_has_no_length(status: str) -> None:
    fact = callers.recording_told(CALL, form(RECORDED, RecordingStatus=status))
    assert (fact.status, fact.seconds, fact.doubts) == (status, None, ())


def test_a_message_in_words() -> None:
    fact = callers.transcript_told(CALL, form(WORDS))
    assert fact.text == "Dana here, the roof leaks."
    assert "roof" not in repr(fact)
    assert callers.transcript_told(CALL, form(WORDS, TranscriptionStatus="failed")).text is None
    endless = callers.transcript_told(CALL, form(WORDS, TranscriptionText="x" * 9_000))
    assert len(endless.text or "") == callers.TRANSCRIPT_LENGTH_MAX


ABSURD = ["-1", "999999", "15300.1", "1e3", "soon", "NaN", "9" * 40, "４７"]
LENGTHS: list[tuple[Callable[[str, Form], Any], dict[str, str], str, str]] = [
    (calls.leg_status, LEG, "CallDuration", "duration_s"),
    (calls.dial_done, DIAL, "DialCallDuration", "bridged_s"),
    (callers.caller_left, LEFT, "QueueTime", "waited_s"),
    (callers.message_taken, TAKEN, "RecordingDuration", "seconds"),
    (callers.recording_told, RECORDED, "RecordingDuration", "seconds"),
]


@pytest.mark.parametrize("absurd", ABSURD)
@pytest.mark.parametrize(("read", "fields", "name", "attribute"), LENGTHS)
def test_an_absurd_length_is_not_believed(
    read: Callable[[str, Form], Any], fields: dict[str, str], name: str, attribute: str, absurd: str
) -> None:
    fact = read(CALL, form(fields, **{name: absurd}))
    assert getattr(fact, attribute) is None
    assert len(fact.doubts) == 1
    assert fact.doubts[0].startswith(f"{name} is ")


def test_an_absurd_call_is_no_contact() -> None:
    """A machine's word on a number that cannot be: nothing is proved by it."""
    told = calls.dial_done(CALL, form(DIAL, DialCallDuration="999999")).told
    human = told.with_news(calls.verdict(CALL, form(AMD, AnsweredBy="human")).told)
    assert not any(
        isinstance(each, Contacted)
        for each in came_to(human, CALL, RepId("ann"), 30.0, ring_lead_s=25).facts
    )


def test_the_longest_call_is_believed() -> None:
    longest = f"{SECONDS_MAX:.0f}"
    assert calls.leg_status(CALL, form(LEG, CallDuration=longest)).duration_s == SECONDS_MAX
    late = calls.verdict(CALL, form(AMD, MachineDetectionDuration="99999999"))
    assert (late.by, late.detected_s, len(late.doubts)) == (AnsweredBy.BEEP, None, 1)
    told = CallTold(Ended.ANSWERED, leg_s=47.0, bridged=True, bridged_s=47.0).with_news(late.told)
    facts = came_to(told, CALL, RepId("ann"), 30.0, ring_lead_s=25).facts
    assert [type(each) for each in facts[1:]] == [NoAnswer]  # no message of ours is proved


UNKNOWN: list[tuple[Callable[[str, Form], Any], dict[str, str], str, str]] = [
    (calls.leg_status, LEG, "CallStatus", "status"),
    (calls.leg_status, LEG, "AnsweredBy", "answered_by"),
    (calls.leg_status, LEG, "Timestamp", "at"),
    (calls.leg_status, LEG, "ParentCallSid", "parent_sid"),
    (calls.dial_done, DIAL, "DialCallStatus", "status"),
    (calls.dial_done, DIAL, "DialBridged", "bridged"),
    (calls.dial_done, DIAL, "DialCallSid", "leg_sid"),
    (callers.caller_left, LEFT, "QueueResult", "result"),
    (callers.recording_told, RECORDED, "RecordingStatus", "status"),
    (callers.recording_told, RECORDED, "RecordingSource", "source"),
    (callers.transcript_told, WORDS, "TranscriptionStatus", "status"),
    (inbound, USUAL, "CallStatus", "status"),
]


@pytest.mark.parametrize("strange", ["something_new", "<Dial>", "call +12125550177"])
@pytest.mark.parametrize(("read", "fields", "name", "attribute"), UNKNOWN)
def test_an_unknown_word_is_none_and_says_so(
    read: Callable[[str, Form], Any],
    fields: dict[str, str],
    name: str,
    attribute: str,
    strange: str,
) -> None:
    """And what it says holds no person's number, and nothing that could break a log."""
    fact = read(CALL, form(fields, **{name: strange}))
    if attribute.endswith("_sid") and strange == "something_new":
        return  # it may be an id
    assert getattr(fact, attribute) is None
    assert len(fact.doubts) == 1
    assert name in fact.doubts[0]
    assert "+1212" not in fact.doubts[0]


NEEDED: list[tuple[Callable[[str, Form], Any], dict[str, str], str]] = [
    (calls.leg_status, LEG, "CallSid"),
    (calls.dial_done, DIAL, "CallSid"),
    (calls.verdict, AMD, "CallSid"),
    (keyed, USUAL, "CallSid"),
    (callers.caller_left, LEFT, "CallSid"),
    (callers.message_taken, TAKEN, "CallSid"),
    (callers.recording_told, RECORDED, "RecordingSid"),
    (callers.transcript_told, WORDS, "RecordingSid"),
    (inbound, USUAL, "CallSid"),
    (inbound, USUAL, "To"),
]


@pytest.mark.parametrize("given", ["", "a b", "x" * 300, "a\nb"])
@pytest.mark.parametrize(("read", "fields", "name"), NEEDED)
def test_what_names_nothing_is_refused(
    read: Callable[[str, Form], Any], fields: dict[str, str], name: str, given: str
) -> None:
    if name == "To" and given == "a b":
        return  # an address may hold a space
    with pytest.raises(SourceError) as refused:
        read(CALL, form(fields, **{name: given}))
    assert refused.value.field == name


@pytest.mark.parametrize("path", ["", "a/b", "../x", "x" * 65])
def test_a_path_that_names_no_call_is_refused(path: str) -> None:
    with pytest.raises(SourceError, match="names no call"):
        calls.verdict(path, form(AMD))


def test_every_delivery_of_a_fact_has_its_one_key() -> None:
    """And no two facts share one."""
    keys = [
        calls.leg_status(CALL, form(LEG)).dedupe_key,
        calls.leg_status(CALL, form(LEG, SequenceNumber="2")).dedupe_key,
        calls.leg_status(CALL, form(LEG, SequenceNumber="")).dedupe_key,
        calls.dial_done(CALL, form(DIAL)).dedupe_key,
        calls.verdict(CALL, form(AMD)).dedupe_key,
        keyed(CALL, form(USUAL, Digits="1")).dedupe_key,
        keyed(CALL, form(USUAL, Digits="2")).dedupe_key,
        callers.inbound_call(form(USUAL)).dedupe_key,
        callers.caller_left(CALL, form(LEFT)).dedupe_key,
        callers.message_taken(CALL, form(TAKEN)).dedupe_key,
        callers.recording_told(CALL, form(RECORDED)).dedupe_key,
        callers.recording_told(CALL, form(RECORDED, RecordingStatus="absent")).dedupe_key,
        callers.transcript_told(CALL, form(WORDS)).dedupe_key,
    ]
    assert len(set(keys)) == len(keys)
    again = calls.leg_status(CALL, form(LEG, SomethingElse="new"))
    assert again.dedupe_key == keys[0]


def test_a_round_of_ringing() -> None:
    with wave.open(BytesIO(ringing.ringing_wav())) as sound:
        shape = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
        frames = sound.readframes(sound.getnframes())
    assert shape == (1, 2, 8_000)
    assert len(frames) == 2 * 8_000 * ringing.CYCLE_S
    heard = 2 * 8_000 * ringing.ON_S
    assert any(frames[:heard])
    assert not any(frames[heard:])
    assert ringing.ringing_wav() is ringing.ringing_wav()


def test_an_id_cannot_leave_its_place_in_a_callers_url() -> None:
    url = urls.hunt_key_url("https://h/", CallId("../a"), PageId("b?c#d"))
    assert url == "https://h/twilio/callers/..%2Fa/legs/b%3Fc%23d/key"
