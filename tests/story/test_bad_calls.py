"""Nonsense and malice on a call's own addresses: refused or ignored, and never a wrong contact."""

import pytest

from tests.story.house import House
from tests.story.leads import Lead
from tests.story.wire import forges, tells, was_told

pytestmark = pytest.mark.story

NOBODYS = "AAAAAAAAAAAAAAAAAAAAAAAA"
SID = "CA" + "0" * 32
PATHS = {
    "/twilio/voice": {"CallSid": SID, "From": "+14155550100", "To": "+15005550007"},
    f"/twilio/bridges/{NOBODYS}/key": {"CallSid": SID, "Digits": "1"},
    f"/twilio/calls/{NOBODYS}/done": {"CallSid": SID, "DialCallStatus": "completed"},
    f"/twilio/legs/{NOBODYS}/status": {"CallSid": SID, "CallStatus": "completed"},
    f"/twilio/legs/{NOBODYS}/answered-by": {"CallSid": SID, "AnsweredBy": "human"},
    f"/twilio/callers/{NOBODYS}/left": {"CallSid": SID, "QueueResult": "hangup"},
    f"/twilio/recordings/{NOBODYS}": {"RecordingSid": "RE" + "0" * 32, "CallSid": SID},
}
ABSURD = ("999999999", "-5", "NaN", "1e9", "45 s", "")


@pytest.mark.parametrize("signature", ["", "bm9uc2Vuc2U="], ids=["unsigned", "wrongly signed"])
def test_what_the_carrier_did_not_sign_is_refused_everywhere(office: House, signature: str) -> None:
    for path, fields in PATHS.items():
        assert forges(office, path, signature, **fields).status_code == 403, path
    assert office.open_leads() == []


def test_what_is_told_of_a_call_that_nobody_knows_is_ignored(office: House) -> None:
    for path, fields in PATHS.items():
        if path != "/twilio/voice":
            answer = tells(office, path, **fields)
            assert answer.status_code < 300, f"{path}: {answer.status_code}"
    assert office.open_leads() == []
    office.stays_silent()


def _dialled(office: House) -> Lead:
    """Ann and Dana have talked, and nobody told us of the end."""
    for kind in ("leg", "detection"):
        office.carrier.will("callbacks", "lose", kind=kind)
    office.carrier.will("documents", "lose", kind="dial")
    office.ann.picks_up(pressing="1")
    dana = office.lead("Dana Fox", ask="Solar for a barn")
    her = office.phone_of(dana).has_a_mailbox()
    office.ann.talks(5)
    office.ann.expects_text("LEAD Dana Fox").replies("1").expects_text("is yours")
    office.ann.gets_a_call().is_connected_with(her).ends()
    her.expects_ring().is_answered_by_itself().ends()
    return dana


def test_absurd_durations_and_unknown_words_never_make_contact(office: House) -> None:
    dana = _dialled(office)
    call_id = dana.events("dialled")[0]["call_id"]
    (leg,) = [
        call
        for phone in office.carrier.get("phones")["phones"]
        for call in phone["calls"]
        if call["parent"]
    ]
    rep_sid = leg["parent"]
    for seconds in ABSURD:
        fields = {"CallSid": rep_sid, "DialCallSid": leg["sid"], "DialBridged": "perhaps"}
        fields |= {"DialCallStatus": "jolly", "DialCallDuration": seconds}
        assert tells(office, f"/twilio/calls/{call_id}/done", **fields).status_code == 200
        fields = {"CallSid": leg["sid"], "AnsweredBy": "a_ghost"}
        fields |= {"MachineDetectionDuration": seconds}
        assert tells(office, f"/twilio/legs/{call_id}/answered-by", **fields).status_code < 300
        fields = {"CallSid": leg["sid"], "CallStatus": "finished", "CallDuration": seconds}
        assert tells(office, f"/twilio/legs/{call_id}/status", **fields).status_code < 300
    office.clock.moves(121)
    dana.timeline_shows("dialled", "attempted")
    assert not dana.events("contacted")
    office.clock.moves(30)
    office.ann.finds_texts("How did it go")


def test_a_key_that_no_phone_has_dials_nobody(office: House) -> None:
    office.ann.picks_up(pressing="7")
    dana = office.lead("Dana Fox", ask="Solar for a barn")
    office.ann.expects_text("LEAD Dana Fox").replies("1").expects_text("is yours")
    call = office.ann.gets_a_call("Dana Fox").hears("Press 1 to be connected")
    path = f"/twilio/bridges/{dana.events('rang')[0]['call_id']}/key"
    for digits in ("99", "1234567890", "w", "%", "ANN", "1 1", ""):
        answer = tells(office, path, CallSid=call.sid, Digits=digits)
        assert answer.status_code < 500, digits
        assert "<Dial" not in answer.text, digits
    call.ends()
    office.ann.expects_text("Missed you")
    assert not dana.events("dialled")


def test_a_recording_that_is_missing_is_a_missed_call_and_no_message(office: House) -> None:
    for phone in (office.ann, office.bob):
        phone.rings_unheard()
    her = office.somebody().leaves_a_message(0)
    call = her.calls_us().waits()
    for phone in (office.ann, office.bob):
        phone.expects_ring()
    call.is_recorded().ends()
    dana = office.lead_of(her)
    dana.timeline_shows("called_in", "call_missed")
    office.ann.expects_text("MISSED CALL")
    office.is_quiet()
    assert not dana.events("voicemail_received")
    assert was_told(office, "/twilio/recordings/")["RecordingStatus"] == "absent"
