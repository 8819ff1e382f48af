"""What Twilio posts, read into facts; and that disorder among them changes nothing."""

from collections.abc import Callable
from itertools import permutations, product
from urllib.parse import urlencode

import pytest

from service.errors import SourceError
from service.phone.callbacks import (
    CALL_FINAL,
    TEXT_FINAL,
    TEXT_RANKS,
    CallStatus,
    InboundText,
    KeyPressed,
    TextStatus,
    call_sid,
    call_status,
    inbound_text,
    key_pressed,
    moves_on,
    text_status,
)
from service.phone.codes import FAILURES, Failure, call_failure, failure
from service.phone.form import FORM_BYTES_MAX, FORM_FIELDS_MAX, Form, read_form
from service.rules.lead import PageId

PAGE = PageId("page-1")
SID = "SM" + "1" * 32
CALL_SID = "CA" + "2" * 32

# As captured from Twilio's documentation: legacy names beside new ones, blanks included.
RECEIPT = {
    "MessageSid": SID,
    "SmsSid": SID,
    "MessageStatus": "undelivered",
    "SmsStatus": "undelivered",
    "ErrorCode": "30003",
    "AccountSid": "AC" + "0" * 32,
    "From": "+15005550006",
    "To": "+12125550101",
    "RawDlrDoneDate": "2603021704",
    "ApiVersion": "2010-04-01",
    "SomethingNew": "",
}
STEP = {
    "CallSid": CALL_SID,
    "CallStatus": "completed",
    "SequenceNumber": "3",
    "CallDuration": "12",
    "Duration": "1",
    "AnsweredBy": "human",
    "Timestamp": "Mon, 02 Mar 2026 17:04:00 +0000",
    "CallbackSource": "call-progress-events",
}
TEXT_IN = {
    "MessageSid": SID,
    "From": "+12125550101",
    "To": "+15005550006",
    "Body": " 1 ",
    "NumMedia": "0",
    "FromZip": "",
}


def form(fields: dict[str, str]) -> Form:
    return read_form(urlencode(fields).encode())


def test_a_receipt_becomes_a_fact() -> None:
    fact = text_status("page-1", form(RECEIPT))
    assert fact == TextStatus(PAGE, SID, "undelivered", 30003)
    assert (fact.rank, fact.final, fact.reached) == (4, True, False)
    assert fact.dedupe_key == f"{SID}:undelivered"


def test_a_receipt_in_the_older_words_is_read() -> None:
    old = {"SmsSid": SID, "SmsStatus": "delivered"}
    assert text_status("page-1", form(old)) == TextStatus(PAGE, SID, "delivered")


def test_a_status_of_the_future_is_kept_and_changes_nothing() -> None:
    fact = text_status("page-1", form({**RECEIPT, "MessageStatus": "teleported"}))
    assert (fact.status, fact.final) == ("teleported", False)
    assert not moves_on(TextStatus(PAGE, SID, "accepted"), fact)


def test_a_code_that_cannot_be_read_does_not_cost_us_the_receipt() -> None:
    fact = text_status("page-1", form({**RECEIPT, "ErrorCode": "lots"}))
    assert fact == TextStatus(PAGE, SID, "undelivered", None)


def test_a_step_of_a_call_becomes_a_fact() -> None:
    fact = call_status("page-1", form(STEP))
    assert fact == CallStatus(PAGE, CALL_SID, "completed", 3, 12, "human")
    assert (fact.final, fact.dedupe_key) == (True, f"{CALL_SID}:3")


def test_what_we_asked_ourselves_has_a_key_of_its_own() -> None:
    assert CallStatus(PAGE, CALL_SID, "completed").dedupe_key == f"{CALL_SID}:completed"


def test_a_text_to_us_keeps_its_words_as_they_are() -> None:
    fact = inbound_text(form(TEXT_IN))
    assert fact == InboundText(SID, "+12125550101", "+15005550006", " 1 ")
    assert fact.dedupe_key == SID


@pytest.mark.parametrize(
    ("sent", "meant"), [("STOP", "STOP"), ("start", "START"), ("", None), ("SHRUG", None)]
)
def test_an_opt_out_that_twilio_recognised(sent: str, meant: str | None) -> None:
    assert inbound_text(form({**TEXT_IN, "OptOutType": sent})).opt_out_type == meant


def test_pictures_are_counted() -> None:
    assert inbound_text(form({**TEXT_IN, "NumMedia": "2"})).media_count == 2


def test_a_key_becomes_a_fact() -> None:
    fact = key_pressed("page-1", form({"CallSid": CALL_SID, "Digits": "1"}))
    assert fact == KeyPressed(PAGE, CALL_SID, "1")
    assert fact.dedupe_key != KeyPressed(PAGE, CALL_SID, "2").dedupe_key


def test_no_key_is_no_digits() -> None:
    assert key_pressed("page-1", form({"CallSid": CALL_SID})).digits == ""


def receipt(fields: dict[str, str]) -> object:
    return text_status("page-1", form(fields))


def step(fields: dict[str, str]) -> object:
    return call_status("page-1", form(fields))


def text_in(fields: dict[str, str]) -> object:
    return inbound_text(form(fields))


def key(fields: dict[str, str]) -> object:
    return key_pressed("page-1", form(fields))


@pytest.mark.parametrize(
    ("read", "fields", "wrong"),
    [
        (receipt, {}, "MessageSid"),
        (receipt, {**RECEIPT, "MessageSid": "../../etc"}, "MessageSid"),
        (receipt, {**RECEIPT, "MessageSid": "x" * 65}, "MessageSid"),
        (receipt, {"MessageSid": SID}, "MessageStatus"),
        (receipt, {**RECEIPT, "MessageStatus": "sent\n"}, "MessageStatus"),
        (receipt, {**RECEIPT, "MessageStatus": "s" * 33}, "MessageStatus"),
        (step, {"CallStatus": "busy"}, "CallSid"),
        (step, {"CallSid": CALL_SID}, "CallStatus"),
        (text_in, {**TEXT_IN, "From": ""}, "From"),
        (text_in, {**TEXT_IN, "To": "\x00"}, "To"),
        (text_in, {**TEXT_IN, "From": "1" * 256}, "From"),
        (key, {"CallSid": CALL_SID, "Digits": "one"}, "Digits"),
        (key, {"Digits": "1"}, "CallSid"),
    ],
)
def test_what_cannot_be_read_is_named(
    read: Callable[[dict[str, str]], object], fields: dict[str, str], wrong: str
) -> None:
    with pytest.raises(SourceError) as caught:
        read(fields)
    assert caught.value.field == wrong


def test_a_path_that_names_no_page_is_refused() -> None:
    with pytest.raises(SourceError) as caught:
        text_status("a b", form(RECEIPT))
    assert caught.value.field == "page_id"


def test_the_call_that_asks_for_its_words() -> None:
    assert call_sid(form(STEP)) == CALL_SID


def test_a_form_keeps_blanks_and_doubles() -> None:
    read = read_form(b"a=&b=1&b=2&a=x%20y&c=%2B1")
    assert list(read) == ["a", "b", "b", "a", "c"]
    assert (read.getlist("a"), read.getlist("b")) == (["", "x y"], ["1", "2"])
    assert (read.get("c"), read.get("d")) == ("+1", None)


@pytest.mark.parametrize(
    "body",
    [
        b"a" * (FORM_BYTES_MAX + 1),
        b"&".join([b"a=1"] * (FORM_FIELDS_MAX + 1)),
        b"a=%ff",
        b"a=\xff",
    ],
)
def test_a_form_too_large_or_unreadable_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError):
        read_form(body)


def folded(statuses: tuple[str, ...]) -> list[TextStatus]:
    """Every fact that moved the page on, in the order in which they came."""
    kept: list[TextStatus] = []
    for status in statuses:
        fact = TextStatus(PAGE, SID, status)
        if moves_on(kept[-1] if kept else None, fact):
            kept.append(fact)
    return kept


@pytest.mark.parametrize("end", sorted(TEXT_FINAL))
def test_receipts_in_any_order_and_twice_come_to_the_same_end(end: str) -> None:
    for order in permutations(["queued", "sent", end, end, "mystery"]):
        kept = folded(order)
        assert kept[-1].status == end
        assert [fact.rank for fact in kept] == sorted({fact.rank for fact in kept})


def test_the_first_end_stays() -> None:
    """Except that what was delivered may then be read."""
    for first, second in product(TEXT_FINAL - {"read"}, repeat=2):
        assert folded((first, second))[-1].status == first
    assert folded(("delivered", "read"))[-1].status == "read"


def test_every_final_status_has_a_rank() -> None:
    assert set(TEXT_RANKS) >= TEXT_FINAL
    assert all(CallStatus(PAGE, CALL_SID, status).rank == 4 for status in CALL_FINAL)


def test_every_reason_is_used_and_none_is_invented() -> None:
    reasons = {each.reason for each in FAILURES.values()}
    assert reasons == {
        "opted_out",
        "bad_number",
        "cannot_text",
        "unreachable",
        "blocked",
        "not_permitted",
        "overloaded",
        "expired",
        "other",
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (30003, Failure("unreachable", False, "number")),
        (30007, Failure("blocked", True, "content")),
        (30034, Failure("not_permitted", True, "config")),
        (30036, Failure("expired", False, "carrier")),
        (31337, Failure("other", False, "carrier")),
        (None, Failure("other", False, "carrier")),
    ],
)
def test_a_number_becomes_a_reason(code: int | None, expected: Failure) -> None:
    assert failure(code) == expected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("ringing", None, None),
        ("completed", None, None),
        ("canceled", None, None),
        ("no-answer", None, Failure("unreachable", False, "number")),
        ("failed", None, Failure("unreachable", False, "carrier")),
        ("failed", 21215, Failure("not_permitted", True, "config")),
        ("failed", 31337, Failure("unreachable", False, "carrier")),
    ],
)
def test_how_a_call_ended_becomes_a_reason(
    status: str, code: int | None, expected: Failure | None
) -> None:
    assert call_failure(status, code) == expected
