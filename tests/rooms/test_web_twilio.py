"""What Twilio posts: nothing unsigned is read, everything signed is answered as Twilio expects."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from service.desk.attend import attend
from service.desk.dispatch import take_next
from service.ledger import inbound, leads, outbox
from service.ledger.outbox import OutboxRow
from service.rules.lead import LeadId
from tests.rooms.conftest import NewDatabase
from tests.rooms.web_world import (
    ANN,
    BOB,
    MAIN_LINE,
    PAGES_FROM,
    PUBLIC_URL,
    Door,
    a_house,
    refused,
)

CALLER = "+17185550142"


@pytest.fixture(scope="module")
def door(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database()) as opened:
        yield opened


def page_of(door: Door, lead_id: str) -> OutboxRow:
    """The newest message ordered for a lead."""
    page_id = door.scalar(
        "select id from outbox where lead_id = :id order by ordered_at desc, seq desc limit 1",
        id=lead_id,
    )
    with door.house.ledger.snapshot() as conn:
        row = outbox.row(conn, page_id)
    assert row is not None
    return row


def paged(door: Door, **person: object) -> tuple[str, OutboxRow]:
    """A lead of whom Ann was told by text: the lead's id, and the page."""
    lead_id = door.new_lead(**person)
    attend(door.house.desk, LeadId(lead_id))
    return lead_id, page_of(door, lead_id)


def kinds(door: Door, lead_id: str) -> list[str]:
    return [event.kind for event in door.timeline(lead_id)]


def spoken(document: str) -> str:
    return " ".join(say.text or "" for say in ElementTree.fromstring(document).iter("Say"))


def is_on_its_way(door: Door) -> None:
    """Every message that waits is in a sender's hands: only then does it ask anything."""
    door.scalar("delete from pace where kind = 'new-lead' returning 1")
    while take_next(door.house.desk, door.house.settings.public_url, "tests"):
        door.scalar("delete from pace where kind = 'new-lead' returning 1")


def text_from(phone: str, body: str, sid: str) -> dict[str, str]:
    return {"MessageSid": sid, "From": phone, "To": PAGES_FROM, "Body": body, "FromZip": ""}


PATHS = [
    "/twilio/sms",
    "/twilio/voice",
    "/twilio/texts/page-1/status",
    "/twilio/calls/page-1/status",
    "/twilio/pages/page-1/say",
    "/twilio/pages/page-1/key",
]


# Signatures


@pytest.mark.parametrize("path", PATHS)
def test_what_is_not_signed_is_not_read(door: Door, path: str) -> None:
    fields = text_from(ANN, "1", "SM-unsigned") | {"CallSid": "CA1", "MessageStatus": "sent"}
    before = door.scalar("select count(*) from unreadable")
    refused(door.unsigned(path, fields), 403, "forbidden")
    refused(door.unsigned(path, fields, {"X-Twilio-Signature": "x" * 28}), 403, "forbidden")
    refused(door.unsigned(path, fields, {"X-Twilio-Signature": "x" * 9000}), 403, "forbidden")
    refused(door.twilio(path, fields, token="another-token"), 403, "forbidden")
    assert door.scalar("select count(*) from unreadable") == before


@pytest.mark.parametrize("path", PATHS)
def test_a_get_is_not_answered(door: Door, path: str) -> None:
    refused(door.http.get(path), 405, "method-not-allowed")


def test_a_field_changed_on_the_way_is_not_signed(door: Door) -> None:
    sent = door.twilio("/twilio/sms", text_from(ANN, "1", "SM-a"))
    signature = sent.request.headers["X-Twilio-Signature"]
    changed = text_from(ANN, "2", "SM-a")
    answer = door.unsigned("/twilio/sms", changed, {"X-Twilio-Signature": signature})
    refused(answer, 403, "forbidden")


def test_a_megabyte_is_not_read(door: Door) -> None:
    answer = door.unsigned("/twilio/sms", {"Body": "x" * 1_000_000})
    refused(answer, 413, "too-large")


# Texts


def test_a_reply_claims_and_a_replay_changes_nothing(door: Door) -> None:
    lead_id, page = paged(door)
    assert page.to_number == ANN
    is_on_its_way(door)
    for _ in range(2):
        answer = door.twilio("/twilio/sms", text_from(ANN, "1", f"SM-{lead_id}"))
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/xml")
        assert len(ElementTree.fromstring(answer.text)) == 0, "our answers go out by themselves"
    assert kinds(door, lead_id).count("claimed") == 1


def test_a_stranger_who_texts_is_kept_for_a_person(door: Door) -> None:
    answer = door.twilio("/twilio/sms", text_from(CALLER, "who are you?", "SM-stranger"))
    assert answer.status_code == 200
    with door.house.ledger.snapshot() as conn:
        newest = inbound.unreadable(conn, limit=1)[0]
    assert (newest.source, newest.body) == ("text", b"who are you?")


# Receipts


def test_a_receipt_finds_its_page(door: Door) -> None:
    lead_id, page = paged(door)
    for status in ("sent", "delivered", "delivered", "sent"):
        fields = {"MessageSid": "SM1", "MessageStatus": status}
        answer = door.twilio(f"/twilio/texts/{page.id}/status", fields)
        assert (answer.status_code, answer.content) == (204, b"")
    assert kinds(door, lead_id)[-2:] == ["page_sent", "page_delivered"]


def test_a_receipt_of_a_page_nobody_knows_is_taken_in_silence(door: Door) -> None:
    fields = {"MessageSid": "SM1", "MessageStatus": "sent"}
    assert door.twilio("/twilio/texts/nobody-knows-it/status", fields).status_code == 204
    fields = {"CallSid": "CA1", "CallStatus": "completed"}
    assert door.twilio("/twilio/calls/nobody-knows-it/status", fields).status_code == 204


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/twilio/sms", {"Body": "no sender"}, 200),
        ("/twilio/voice", {"From": CALLER}, 200),
        ("/twilio/texts/page-1/status", {"MessageSid": "SM1"}, 204),
        ("/twilio/calls/page-1/status", {"CallSid": "CA1", "CallStatus": "?!"}, 204),
        ("/twilio/pages/page-1/say", {"Digits": "1"}, 200),
        ("/twilio/pages/page-1/key", {"CallSid": "CA1", "Digits": "one"}, 200),
        ("/twilio/pages/%00/say", {"CallSid": "CA1"}, 200),
        ("/twilio/pages/" + "x" * 500 + "/key", {"CallSid": "CA1", "Digits": "1"}, 200),
    ],
)
def test_signed_nonsense_is_answered_and_kept(
    door: Door, path: str, fields: dict[str, str], status: int
) -> None:
    before = door.scalar("select count(*) from unreadable")
    assert door.twilio(path, fields).status_code == status
    assert door.scalar("select count(*) from unreadable") == before + 1


# Calls that page


def rung(door: Door) -> tuple[str, OutboxRow]:
    """A lead that Ann is called about, after she left the text alone."""
    lead_id, _ = paged(door)
    door.scalar(
        "update outbox set kind = 'page_call', channel = 'call', body = :said"
        " where lead_id = :id returning 1",
        id=lead_id,
        said="New lead: Dana. Press 1 to take it, 2 to pass.",
    )
    return lead_id, page_of(door, lead_id)


def test_a_rep_who_picks_up_hears_the_page_and_takes_it_by_key(door: Door) -> None:
    lead_id, page = rung(door)
    document = door.twilio(f"/twilio/pages/{page.id}/say", {"CallSid": "CA7"}).text
    assert spoken(document).count("New lead: Dana") == 2
    (action, again) = (g.attrib["action"] for g in ElementTree.fromstring(document).iter("Gather"))
    assert action == again
    assert action.startswith(f"{PUBLIC_URL}/twilio/pages/{page.id}/key")
    answers = [
        door.twilio(f"/twilio/pages/{page.id}/key", {"CallSid": "CA7", "Digits": "1"}).text
        for _ in range(2)
    ]
    assert answers[0] == answers[1], "a replay gets the same words"
    assert "yours" in spoken(answers[0])
    assert kinds(door, lead_id).count("claimed") == 1


def test_a_wrong_key_has_the_page_said_again_and_not_for_ever(door: Door) -> None:
    lead_id, page = rung(door)
    path = f"/twilio/pages/{page.id}/key"
    said = []
    while path:
        document = door.twilio(path, {"CallSid": "CA8", "Digits": "9"}).text
        said.append(spoken(document))
        gathers = list(ElementTree.fromstring(document).iter("Gather"))
        path = gathers[0].attrib["action"].removeprefix(PUBLIC_URL).split("#")[0] if gathers else ""
        assert len(said) < 10, "it never ends"
    assert [bool(words) for words in said] == [True, True, False]
    assert said[0].startswith("Press 1 to take the lead, or 2 to pass. New lead: Dana")
    assert "claimed" not in kinds(door, lead_id)


def test_who_picks_up_too_late_hears_who_has_it(door: Door) -> None:
    lead_id, page = rung(door)
    door.twilio("/twilio/sms", text_from(BOB, "1", f"SM-{lead_id}"))
    door.tells(lead_id, {"event": "attempted", "rep": "bob"}, "bob-called")
    document = door.twilio(f"/twilio/pages/{page.id}/say", {"CallSid": "CA9"}).text
    assert "Bob" in spoken(document)
    assert not list(ElementTree.fromstring(document).iter("Gather"))


# Callers


def test_a_caller_is_a_lead_once(door: Door) -> None:
    fields = {"CallSid": "CA-in-1", "From": CALLER, "To": MAIN_LINE, "CallStatus": "ringing"}
    first, again = door.twilio("/twilio/voice", fields), door.twilio("/twilio/voice", fields)
    assert first.text == again.text
    assert [verb.tag for verb in ElementTree.fromstring(first.text)] == ["Enqueue"]
    found = door.reads("/leads", state="all", limit=200).json()["leads"]
    (lead,) = [lead for lead in found if lead["phone"] == CALLER]
    assert (lead["source"], lead["ask"]) == ("main-line", "Called us")


def test_a_caller_without_a_number_is_a_lead_too(door: Door) -> None:
    fields = {"CallSid": "CA-in-2", "From": "anonymous", "To": MAIN_LINE}
    before = door.scalar("select count(*) from lead")
    assert door.twilio("/twilio/voice", fields).status_code == 200
    assert door.scalar("select count(*) from lead") == before + 1


def test_a_rep_who_calls_is_no_lead(door: Door) -> None:
    before = door.scalar("select count(*) from lead")
    answer = door.twilio("/twilio/voice", {"CallSid": "CA-in-3", "From": ANN, "To": MAIN_LINE})
    assert "9 to go on as a caller" in spoken(answer.text)
    assert door.scalar("select count(*) from lead") == before


def test_a_call_to_no_sources_number_is_kept_for_a_person(door: Door) -> None:
    fields = {"CallSid": "CA-in-4", "From": "+17185550188", "To": PAGES_FROM}
    assert "Sunrise Solar" in spoken(door.twilio("/twilio/voice", fields).text)
    with door.house.ledger.snapshot() as conn:
        newest = inbound.unreadable(conn, limit=1)[0]
    assert newest.source == "call"
    assert b"CA-in-4" in newest.body


def test_a_receipt_for_a_lead_that_is_held_is_sent_again(door: Door) -> None:
    """503, which our callback URLs ask Twilio to repeat."""
    lead_id, page = paged(door)
    path, fields = f"/twilio/texts/{page.id}/status", {"MessageSid": "SM2", "MessageStatus": "sent"}
    with door.house.ledger.transaction() as conn:
        leads.lock_lead(conn, LeadId(lead_id))
        answer = door.twilio(path, fields)
    refused(answer, 503, "lead-busy")
    assert int(answer.headers["retry-after"]) >= 1
    assert door.twilio(path, fields).status_code == 204
    assert kinds(door, lead_id)[-1] == "page_sent"
