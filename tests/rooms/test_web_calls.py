"""What Twilio posts of a call that connects, through the front door: signed, read, and answered as
Twilio expects. What it means is tested with the desk (`test_bridge`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from xml.etree import ElementTree

import pytest

from service.desk.attend import attend
from service.desk.calls.dialling import zones_of
from service.desk.record import hold, numbered, record
from service.ledger import inbound
from service.rules import answers
from service.rules.lawful import dial_from
from service.rules.lead import LeadId, RepId
from service.rules.timeline import By
from tests.rooms.conftest import NewDatabase
from tests.rooms.web_world import PUBLIC_URL, Door, a_house, now, refused

# In one of these it is day at any hour, and will be for the length of a test.
SOMEWHERE = ("+16465550100", "+442079460100", "+81355550100")
_numbers = count(1)


@pytest.fixture(scope="module")
def door(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database(), bridges=True) as opened:
        yield opened


def by_day() -> str:
    """The number of somebody who may be called now."""
    for number in SOMEWHERE:
        zones = zones_of(number, "UTC")
        if all(dial_from(zones, at) == at for at in (now(), now() + timedelta(minutes=10))):
            return number[:-4] + f"{next(_numbers):04}"
    raise AssertionError("it is night everywhere")


@dataclass
class Call:
    """A call on its way, and what Twilio posts of it."""

    door: Door
    lead_id: str
    id: str
    rep_sid: str
    lead_sid: str

    def posts(self, path: str, **fields: str) -> str:
        """As of the rep's own call; the document that is answered."""
        answer = self.door.twilio(path.format(id=self.id), {"CallSid": self.rep_sid, **fields})
        assert answer.status_code == 200, answer.text
        return answer.text

    def tells(self, path: str, **fields: str) -> None:
        """As of the lead's leg; nothing is answered."""
        own = {"CallSid": self.lead_sid, "ParentCallSid": self.rep_sid}
        answer = self.door.twilio(path.format(id=self.id), own | fields)
        assert answer.status_code == 204, answer.text

    def kinds(self) -> list[str]:
        return [event.kind for event in self.door.timeline(self.lead_id)]


def claims(door: Door, lead_id: LeadId) -> None:
    """Ann takes it on her page."""
    desk = door.house.desk
    with desk.ledger.transaction() as conn:
        held = hold(conn, lead_id)
        assert held is not None
        facts = answers.claim(held.standing, RepId("ann"), By.LINK)
        at = desk.now_for(held.row.last_recorded_at)
        record(conn, held, numbered(held, facts, at=at, now=at, because="test", actor="rep:ann"))


def rung(door: Door) -> Call:
    """Ann took a lead, and a call that connects her is ordered. Whatever she was on is over."""
    number = next(_numbers)
    door.scalar("delete from engaged returning rep_id")
    lead_id = door.new_lead(phone=by_day())
    attend(door.house.desk, LeadId(lead_id))
    claims(door, LeadId(lead_id))
    attend(door.house.desk, LeadId(lead_id))
    call_id = door.scalar(
        "select id from outbox where lead_id = :id and kind = 'bridge_call'", id=lead_id
    )
    assert call_id is not None, "she is rung"
    return Call(door, lead_id, call_id, f"CArep{number}", f"CAlead{number}")


SAY, KEY = "/twilio/bridges/{id}/say", "/twilio/bridges/{id}/key"
DONE, OUTCOME = "/twilio/calls/{id}/done", "/twilio/calls/{id}/outcome"
LEG, VERDICT, ANNOUNCE = (
    f"/twilio/legs/{{id}}/{each}" for each in ("status", "answered-by", "say")
)


def verbs(document: str) -> list[str]:
    return [verb.tag for verb in ElementTree.fromstring(document)]


def test_a_call_is_connected_read_and_its_outcome_pressed(door: Door) -> None:
    call = rung(door)
    assert "Dana" in call.posts(SAY)
    dialled = call.posts(KEY, Digits="1")
    assert verbs(dialled) == ["Dial"]
    assert call.posts(KEY, Digits="1") == dialled
    for order, status in enumerate(("initiated", "ringing", "in-progress")):
        call.tells(LEG, CallStatus=status, SequenceNumber=str(order))
    call.tells(VERDICT, AnsweredBy="human", MachineDetectionDuration="2500")
    length = {"DialCallDuration": "45", "DialBridged": "true", "DialCallSid": call.lead_sid}
    asks = call.posts(DONE, DialCallStatus="completed", CallStatus="in-progress", **length)
    assert verbs(asks) == ["Gather", "Hangup"]
    call.tells(LEG, CallStatus="completed", SequenceNumber="3", CallDuration="45")
    action = ElementTree.fromstring(asks)[0].attrib["action"]
    assert action.startswith(f"{PUBLIC_URL}{OUTCOME.format(id=call.id)}")
    assert "wrong=1" in call.posts(OUTCOME, Digits="2")
    assert verbs(call.posts(f"{OUTCOME}?wrong=1", Digits="2")) == ["Hangup"]
    assert "Logged: booked" in call.posts(OUTCOME, Digits="7")
    kinds = call.kinds()
    assert [kinds.count(each) for each in ("dialled", "attempted", "contacted", "outcome")] == [
        1,
        1,
        1,
        1,
    ]


def test_an_absurd_length_and_an_unknown_word_prove_nothing(door: Door) -> None:
    call = rung(door)
    call.posts(KEY, Digits="1")
    call.tells(VERDICT, AnsweredBy="an angel", MachineDetectionDuration="-1")
    call.posts(DONE, DialCallStatus="completed", DialBridged="true", DialCallDuration="999999999")
    call.tells(LEG, CallStatus="completed", CallDuration="999999999")
    assert "contacted" not in call.kinds()


def test_nobody_is_told_anything_that_is_not_signed(door: Door) -> None:
    call = rung(door)
    for path in (SAY, KEY, DONE, OUTCOME, LEG, VERDICT, ANNOUNCE):
        fields = {"CallSid": call.rep_sid, "Digits": "1"}
        answer = door.twilio(path.format(id=call.id), fields, token="somebody else's token")
        refused(answer, 403, "forbidden")
        refused(door.unsigned(path.format(id=call.id), fields), 403, "forbidden")
    assert "dialled" not in call.kinds()


def test_what_makes_no_sense_is_kept_for_a_person_and_ends_the_call(door: Door) -> None:
    call = rung(door)
    for path in (SAY, KEY, DONE, OUTCOME, ANNOUNCE):
        answer = door.twilio(path.format(id=call.id), {"Digits": "1"})
        assert answer.status_code == 200
        assert verbs(answer.text) == ["Hangup"]
    for path in (LEG, VERDICT):
        assert door.twilio(path.format(id=call.id), {"Digits": "1"}).status_code == 204
    with door.house.ledger.snapshot() as conn:
        kept = inbound.unreadable(conn, limit=7)
    assert {each.error for each in kept} == {"CallSid: CallSid is missing"}
    assert "dialled" not in call.kinds()


def test_callbacks_of_a_call_that_is_none_of_ours_create_nothing(door: Door) -> None:
    calls = door.scalar("select count(*) from call")
    stranger = Call(door, "", "nobody-knows-this-call-of-mine", "CAx", "CAy")
    for path in (SAY, KEY, DONE, OUTCOME):
        assert "Hangup" in verbs(stranger.posts(path, Digits="1"))
    stranger.tells(LEG, CallStatus="completed", CallDuration="60")
    stranger.tells(VERDICT, AnsweredBy="human")
    assert door.scalar("select count(*) from call") == calls


def test_a_lead_is_told_that_the_call_is_recorded_once_it_is_known_who_they_are(door: Door) -> None:
    call = rung(door)
    call.posts(KEY, Digits="1")
    leg = {"CallSid": call.lead_sid, "ParentCallSid": call.rep_sid, "CallStatus": "in-progress"}
    held = call.posts(ANNOUNCE, **leg)
    assert verbs(held) == ["Say", "Pause", "Redirect"]
    again = ElementTree.fromstring(held).findtext("Redirect") or ""
    assert again.startswith(f"{PUBLIC_URL}{ANNOUNCE.format(id=call.id)}?round=1#")
    assert verbs(call.posts(f"{ANNOUNCE}?round=2", **leg)) == []
    call.tells(VERDICT, AnsweredBy="human", MachineDetectionDuration="2500")
    assert "This call is recorded." in call.posts(f"{ANNOUNCE}?round=1", **leg)


def test_what_names_another_calls_leg_is_answered_and_changes_nothing(door: Door) -> None:
    first, other = rung(door), rung(door)
    for call in (first, other):
        call.posts(KEY, Digits="1")
    first.tells(LEG, CallStatus="ringing", SequenceNumber="1")
    other.lead_sid = first.lead_sid
    other.tells(LEG, CallStatus="completed", SequenceNumber="3", CallDuration="90")
    other.tells(VERDICT, AnsweredBy="human", MachineDetectionDuration="2000")
    length = {"DialCallDuration": "90", "DialBridged": "true", "DialCallSid": first.lead_sid}
    other.posts(DONE, DialCallStatus="completed", CallStatus="in-progress", **length)
    assert "attempted" not in other.kinds()
