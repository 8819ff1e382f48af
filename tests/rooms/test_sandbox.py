"""The stand-in carrier's texts: the official client must not be able to tell it from Twilio."""

from collections.abc import Iterator

import pytest
import requests
from twilio.base.exceptions import (  # type: ignore[import-untyped]  # it ships no types
    TwilioException,
    TwilioRestException,
)
from twilio.rest import Client  # type: ignore[import-untyped]  # it ships no types

from tests.rooms.sandbox_world import (
    ANN,
    BOB,
    OTHER,
    OURS,
    SID,
    TOKEN,
    World,
    sandbox_world,
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


def statuses(world: World, path: str, count: int) -> list[str]:
    return [h.params["MessageStatus"] for h in world.ours.expect(path, count)]


def test_a_text_arrives_and_its_receipts_are_signed(world: World) -> None:
    sent = world.twilio.messages.create(
        to=ANN,
        from_=OURS,
        body="12:04 LEAD Dana",
        status_callback=world.ours.url("/cb/7?a=b%20c"),
    )
    assert (sent.status, sent.direction, sent.num_segments) == (
        "queued",
        "outbound-api",
        "1",
    )
    item = world.hand().expects("text_in_to_phone")
    assert (item["body"], item["from"], item["sid"]) == (
        "12:04 LEAD Dana",
        OURS,
        sent.sid,
    )
    assert statuses(world, "/cb/7", 2) == ["sent", "delivered"]
    assert all(h.signed and h.params["MessageSid"] == sent.sid for h in world.ours.heard)
    kept = world.twilio.messages(sent.sid).fetch()
    assert kept.status == "delivered" and kept.date_sent.tzinfo is not None


def test_messages_can_be_listed_redacted_and_deleted(world: World) -> None:
    for body in ("one", "two", "three"):
        world.twilio.messages.create(to=ANN, from_=OURS, body=body)
    world.twilio.messages.create(to=BOB, from_=OURS, body="other")
    found = world.twilio.messages.list(to=ANN, page_size=2)
    assert [m.body for m in found] == ["three", "two", "one"]
    message = world.twilio.messages(found[0].sid)
    assert message.update(body="").body == ""
    assert message.delete()
    with pytest.raises(TwilioRestException) as gone:
        message.fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)


def test_a_messaging_service_picks_a_sender(world: World) -> None:
    sent = world.twilio.messages.create(
        to=ANN,
        messaging_service_sid="MG" + "a" * 32,
        body="hi",
        status_callback=world.ours.url("/cb/s"),
    )
    assert (sent.status, sent.from_, sent.num_segments) == ("accepted", None, "0")
    assert statuses(world, "/cb/s", 3) == ["queued", "sent", "delivered"]
    assert world.twilio.messages(sent.sid).fetch().from_ == OURS


@pytest.mark.parametrize(
    ("to", "sender", "body", "code"),
    [
        ("+15005550001", OURS, "x", 21211),
        ("+15005550002", OURS, "x", 21612),
        ("+15005550003", OURS, "x", 21408),
        ("+15005550004", OURS, "x", 21610),
        ("+15005550009", OURS, "x", 21614),
        ("5550101", OURS, "x", 21211),
        (ANN, "+15005550001", "x", 21212),
        (ANN, "+15005550008", "x", 21611),
        (ANN, "+12125550199", "x", 21606),
        (ANN, OURS, "", 21602),
        (ANN, OURS, "x" * 1601, 21617),
    ],
)
def test_refused_texts(world: World, to: str, sender: str, body: str, code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        world.twilio.messages.create(to=to, from_=sender, body=body)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert str(code) in refused.value.uri or refused.value.msg


def test_our_second_number_is_a_valid_sender(world: World) -> None:
    assert world.twilio.messages.create(to=ANN, from_=OTHER, body="x").sid.startswith("SM")


def test_wrong_credentials(world: World) -> None:
    stranger = Client(SID, "wrong")
    stranger.api.base_url = world.base
    with pytest.raises(TwilioRestException) as refused:
        stranger.messages.create(to=ANN, from_=OURS, body="x")
    assert (refused.value.status, refused.value.code) == (401, 20003)
    key = Client("SK" + "1" * 32, TOKEN, account_sid=SID)
    key.api.base_url = world.base
    assert key.api.accounts(SID).fetch().status == "active"
    numbers = key.incoming_phone_numbers.list()
    assert [n.phone_number for n in numbers] == [OURS, OTHER]


@pytest.mark.parametrize(
    ("mode", "ends", "code"),
    [
        ("undelivered", ["sent", "undelivered"], "30003"),
        ("failed", ["failed"], "30008"),
        ("sent-only", ["sent"], None),
    ],
)
def test_handset_settings(world: World, mode: str, ends: list[str], code: str | None) -> None:
    world.hand().sets(texts=mode)
    world.twilio.messages.create(
        to=ANN, from_=OURS, body="x", status_callback=world.ours.url("/cb")
    )
    assert statuses(world, "/cb", len(ends)) == ends
    assert world.ours.heard[-1].params.get("ErrorCode") == code


def test_the_validity_period_ends_a_queued_text(world: World) -> None:
    world.hand().sets(texts="queued-only")
    sent = world.twilio.messages.create(
        to=ANN,
        from_=OURS,
        body="x",
        validity_period=10,
        status_callback=world.ours.url("/cb"),
    )
    assert world.ours.expect("/cb")[0].params["ErrorCode"] == "30036"
    assert world.twilio.messages(sent.sid).fetch().error_code == 30036
    world.hand(BOB)
    world.fault("messages", "queue", to=BOB, seconds=0.05)
    late = world.twilio.messages.create(to=BOB, from_=OURS, body="x", validity_period=60)
    world.hand(BOB).expects("text_in_to_phone")
    assert world.until_status(world.twilio.messages(late.sid).fetch, "delivered")


def test_a_reply_reaches_our_webhook_and_its_answer_the_phone(world: World) -> None:
    ann = world.hand()
    world.twilio.messages.create(to=ANN, from_=OTHER, body="LEAD")
    ann.expects("text_in_to_phone")
    answer = "<Response><Message>Ann &amp; you have it</Message></Response>"
    world.ours.answers["/twilio/sms"] = [(200, answer)]
    result = ann.writes("1")
    assert (result["status"], result["twiml"], result["to"]) == (200, answer, OTHER)
    heard = world.ours.expect("/twilio/sms")[0]
    assert heard.signed and heard.params["FromZip"] == ""
    assert (heard.params["Body"], heard.params["From"], heard.params["To"]) == (
        "1",
        ANN,
        OTHER,
    )
    assert ann.expects("text_in_to_phone")["body"] == "Ann & you have it"
    assert world.twilio.messages.list(from_=ANN)[0].status == "received"


def test_stop_blocks_the_pair_and_start_opens_it(world: World) -> None:
    ann = world.hand()
    ann.writes(" Stop ", to=OURS)
    assert world.ours.expect("/twilio/sms")[0].params["Body"] == " Stop "
    with pytest.raises(TwilioRestException) as refused:
        world.twilio.messages.create(to=ANN, from_=OURS, body="x")
    assert refused.value.code == 21610
    assert world.twilio.messages.create(to=ANN, from_=OTHER, body="x").sid
    ann.writes("stop it please", to=OTHER)
    assert world.twilio.messages.create(to=ANN, from_=OTHER, body="x").sid
    ann.writes("YES", to=OURS)
    assert world.twilio.messages.create(to=ANN, from_=OURS, body="x").sid


def test_retries_follow_the_fragment_and_keep_their_token(world: World) -> None:
    world.ours.answers["/cb"] = [(503, ""), (503, ""), (200, "")]
    world.hand().sets(texts="failed", error_code=30007)
    callback = world.ours.url("/cb") + "#rc=3&rp=ct,rt,5xx&ct=2000&rt=4000&tt=15000"
    world.twilio.messages.create(to=ANN, from_=OURS, body="x", status_callback=callback)
    heard = world.ours.expect("/cb", 3)
    assert len({h.token for h in heard}) == 1 and all(h.signed for h in heard)
    assert heard[0].params["ErrorCode"] == "30007"


def test_without_a_fragment_a_503_is_not_retried(world: World) -> None:
    world.ours.answers["/cb"] = [(503, "")]
    world.twilio.messages.create(
        to=ANN, from_=OURS, body="x", status_callback=world.ours.url("/cb")
    )
    assert statuses(world, "/cb", 2) == ["sent", "delivered"]
    assert len({h.token for h in world.ours.heard}) == 2


def test_fault_answer_sends_nothing_and_is_used_up(world: World) -> None:
    world.fault("messages", "answer", status=429, retry_after=1, times=1)
    with pytest.raises(TwilioRestException) as refused:
        world.twilio.messages.create(to=ANN, from_=OURS, body="x")
    assert (refused.value.status, refused.value.code) == (429, 20429)
    assert world.twilio.messages.list() == []
    assert world.twilio.messages.create(to=ANN, from_=OURS, body="x").sid
    assert world.http.get("/sandbox/api/faults").json()["faults"][0]["used"] == 1
    world.http.delete("/sandbox/api/faults")
    assert world.http.get("/sandbox/api/faults").json()["faults"] == []


@pytest.mark.parametrize("status", [None, 500])
def test_fault_drop_after_sends_but_loses_the_answer(world: World, status: int | None) -> None:
    world.fault("messages", "drop-after", times=1, status=status)
    with pytest.raises((requests.RequestException, TwilioRestException)):
        world.twilio.messages.create(to=ANN, from_=OURS, body="once")
    item = world.hand().expects("text_in_to_phone")
    assert [m.sid for m in world.twilio.messages.list(to=ANN)] == [item["sid"]]
    log = world.http.get("/sandbox/api/requests").json()["requests"]
    assert log[0]["sid"] == item["sid"]


def test_fault_hang_does_nothing(world: World) -> None:
    world.fault("messages", "hang", seconds=0.05, times=1)
    with pytest.raises(requests.RequestException):
        world.twilio.messages.create(to=ANN, from_=OURS, body="x")
    assert world.twilio.messages.list() == []


def test_fault_lookups(world: World) -> None:
    world.fault("lookups", "answer", status=503, times=1)
    with pytest.raises(TwilioException):  # the client does not read error bodies of lists
        world.twilio.messages.list()
    assert world.twilio.messages.list() == []


def test_faults_on_the_text_itself(world: World) -> None:
    ann = world.hand()
    world.fault("messages", "lose", times=1)
    lost = world.twilio.messages.create(to=ANN, from_=OURS, body="lost")
    assert world.until_status(world.twilio.messages(lost.sid).fetch, "sent")
    world.fault("messages", "duplicate", times=1)
    world.twilio.messages.create(to=ANN, from_=OURS, body="twice")
    assert [ann.expects("text_in_to_phone")["body"] for _ in range(2)] == [
        "twice",
        "twice",
    ]
    world.fault("messages", "reorder", times=1)
    world.twilio.messages.create(to=ANN, from_=OURS, body="first")
    world.twilio.messages.create(to=ANN, from_=OURS, body="second")
    assert [ann.expects("text_in_to_phone")["body"] for _ in range(2)] == [
        "second",
        "first",
    ]


def test_faults_on_callbacks(world: World) -> None:
    def send(path: str) -> None:
        world.twilio.messages.create(
            to=ANN, from_=OURS, body="x", status_callback=world.ours.url(path)
        )

    world.fault("callbacks", "lose", event="sent", times=1)
    send("/lose")
    assert statuses(world, "/lose", 1) == ["delivered"]
    world.fault("callbacks", "duplicate", event="delivered", times=1)
    send("/twice")
    assert statuses(world, "/twice", 3) == ["sent", "delivered", "delivered"]
    world.fault("callbacks", "reorder", event="sent", times=1)
    send("/order")
    assert statuses(world, "/order", 2) == ["delivered", "sent"]
    world.fault("callbacks", "delay", event="sent", seconds=0.1, times=1)
    send("/late")
    assert statuses(world, "/late", 2) == ["delivered", "sent"]


def test_faults_on_inbound_texts(world: World) -> None:
    world.fault("inbound", "duplicate", times=1)
    world.hand().writes("1")
    first, again = world.ours.expect("/twilio/sms", 2)
    assert first.params == again.params and first.token != again.token


def test_a_senseless_fault_is_refused(world: World) -> None:
    rule = {"where": "callbacks", "do": "hang"}
    assert world.http.post("/sandbox/api/faults", json=[rule]).status_code == 422


def test_the_request_log_holds_what_arrived(world: World) -> None:
    start = world.http.get("/sandbox/api/requests").json()["cursor"]
    sent = world.twilio.messages.create(to=ANN, from_=OURS, body="logged")
    log = world.http.get(f"/sandbox/api/requests?after={start}&wait=2").json()
    (entry,) = log["requests"]
    assert (entry["kind"], entry["to"], entry["body"]) == ("messages", ANN, "logged")
    assert (entry["sid"], entry["status"]) == (sent.sid, 201)
    assert entry["monotonic_ns"] > 0 and log["cursor"] == entry["n"]


def test_a_long_poll_ends_empty_handed(world: World) -> None:
    found = world.http.get(f"/sandbox/api/phones/{BOB}?wait=0.05").json()
    assert found["items"] == []
    assert world.http.get("/sandbox/api/phones/bob").status_code == 404
