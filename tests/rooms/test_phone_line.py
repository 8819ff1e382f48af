"""The Twilio line against a real HTTP server that answers from a script."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from service.errors import LineError
from service.phone import urls
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.line import (
    Accepted,
    Busy,
    CallOrder,
    Line,
    NotFound,
    Rejected,
    TextOrder,
    Unknown,
)
from service.phone.twilio import TwilioLine
from service.rules.calls import CallTold
from service.rules.lead import CallId, PageId

ACCOUNT = "AC" + "0" * 32
SID = "SM" + "1" * 32
CALL_SID = "CA" + "2" * 32
RECORDING_SID = "RE" + "4" * 32
PAGE = PageId("page-1")
THEIRS = CallId("c4ll-0001")
PUBLIC_URL = "https://sales.example.com"
SINCE = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
READ_TIMEOUT_S = 0.3

TEXT = TextOrder(
    page_id=PAGE,
    to="+12125550101",
    from_="+15005550006",
    body="12:04 LEAD Dana, Austin: roof quote. website. 1 take 2 pass",
    callback_url=urls.text_status_url(PUBLIC_URL, PAGE),
    validity_s=90,
)
CALL = CallOrder(
    page_id=PAGE,
    to="+12125550101",
    from_="+15005550006",
    twiml_url=urls.page_twiml_url(PUBLIC_URL, PAGE),
    callback_url=urls.call_status_url(PUBLIC_URL, PAGE),
    ring_s=18,
)


@dataclass(frozen=True)
class Answer:
    status: int
    body: str = ""
    retry_after: str | None = None


@dataclass(frozen=True)
class Silence:
    """Reads the request and never answers."""


@dataclass(frozen=True)
class HangUp:
    """Reads the request and closes the connection."""


@dataclass(frozen=True)
class Seen:
    """A request as it came over the wire."""

    method: str
    path: str
    query: dict[str, list[str]]
    form: dict[str, list[str]]
    peer: int


@dataclass
class Carrier:
    """Answers from its script, in turn; the last answer is repeated."""

    url: str = ""
    script: list[Answer | Silence | HangUp] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def next_answer(self) -> Answer | Silence | HangUp:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def will(self, *script: Answer | Silence | HangUp) -> None:
        self.script[:] = script


def handler_for(carrier: Carrier) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.take()

        def do_GET(self) -> None:
            self.take()

        def do_DELETE(self) -> None:
            self.take()

        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked = urlsplit(self.path)
            query, form = (parse_qs(each, keep_blank_values=True) for each in (asked.query, body))
            peer = self.client_address[1]
            carrier.seen.append(Seen(self.command, asked.path, query, form, peer))
            match carrier.next_answer():
                case Answer(status, text, retry_after):
                    self.answer(status, text, retry_after)
                case Silence():
                    carrier.closing.wait()
                    self.close_connection = True
                case HangUp():
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)

        def answer(self, status: int, text: str, retry_after: str | None) -> None:
            self.send_response(status)
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """The tests look at what was seen."""

    return Handler


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    carrier = Carrier()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(carrier))
    server.daemon_threads = True
    server.block_on_close = False
    carrier.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield carrier
    carrier.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def line(carrier: Carrier) -> Line:
    return TwilioLine(ACCOUNT, "token", carrier.url, 1.0, READ_TIMEOUT_S)


def made(sid: str = SID, status: str = "queued") -> Answer:
    return Answer(201, json.dumps({"sid": sid, "status": status}))


def refused(code: int, status: int = 400) -> Answer:
    return Answer(status, json.dumps({"code": code, "message": "no", "status": status}))


def one(values: list[str]) -> str:
    (value,) = values
    return value


def test_a_text_is_sent_as_twilio_documents_it(carrier: Carrier, line: Line) -> None:
    carrier.will(made())
    assert line.send_text(TEXT) == Accepted(SID, "queued")
    (seen,) = carrier.seen
    assert (seen.method, seen.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert seen.form == {
        "To": ["+12125550101"],
        "From": ["+15005550006"],
        "Body": [TEXT.body],
        "ValidityPeriod": ["90"],
        "StatusCallback": [
            "https://sales.example.com/twilio/texts/page-1/status"
            "#rc=3&rp=ct,rt,5xx&ct=2000&rt=4000&tt=15000"
        ],
    }


def test_a_messaging_service_sends_under_its_own_name(carrier: Carrier, line: Line) -> None:
    carrier.will(made())
    service = "MG" + "a" * 32
    line.send_text(TextOrder(PAGE, TEXT.to, service, "hi", TEXT.callback_url, 90))
    (seen,) = carrier.seen
    assert one(seen.form["MessagingServiceSid"]) == service
    assert "From" not in seen.form


@pytest.mark.parametrize(
    ("validity_s", "asked"), [(-3, "6"), (5, "6"), (60, "60"), (90_000, "36000")]
)
def test_validity_stays_within_what_twilio_takes(
    carrier: Carrier, line: Line, validity_s: int, asked: str
) -> None:
    carrier.will(made())
    line.send_text(TextOrder(PAGE, TEXT.to, TEXT.from_, "hi", TEXT.callback_url, validity_s))
    assert one(carrier.seen[0].form["ValidityPeriod"]) == asked


@pytest.mark.parametrize(("ring_s", "asked"), [(18, "13"), (40, "35"), (6, "5"), (900, "600")])
def test_a_call_rings_as_long_as_a_person_hears(
    carrier: Carrier, line: Line, ring_s: int, asked: str
) -> None:
    """Twilio adds five seconds of its own."""
    carrier.will(made(CALL_SID))
    order = CallOrder(PAGE, CALL.to, CALL.from_, CALL.twiml_url, CALL.callback_url, ring_s)
    assert line.place_call(order) == Accepted(CALL_SID, "queued")
    form = carrier.seen[0].form
    assert form["Timeout"] == [asked]
    assert form["StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]
    assert one(form["Url"]).startswith(f"{PUBLIC_URL}/twilio/pages/page-1/say#rc=3")
    assert one(form["StatusCallback"]).startswith(f"{PUBLIC_URL}/twilio/calls/page-1/status#rc=3")


@pytest.mark.parametrize(
    ("told", "queue_s"),
    [("0", 0.0), ("3500", 3.5), (None, None), ("-1", None), ("soon", None), ("9" * 12, None)],
)
def test_how_long_a_call_waits_at_the_carrier(
    carrier: Carrier, line: Line, told: str | None, queue_s: float | None
) -> None:
    carrier.will(Answer(201, json.dumps({"sid": CALL_SID, "status": "queued", "queue_time": told})))
    assert line.place_call(CALL) == Accepted(CALL_SID, "queued", queue_s)


@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [
        (21211, 400, Rejected(21211, "bad_number", True, "number")),
        (21610, 400, Rejected(21610, "opted_out", True, "number")),
        (21614, 400, Rejected(21614, "cannot_text", True, "number")),
        (21408, 403, Rejected(21408, "not_permitted", True, "config")),
        (21606, 400, Rejected(21606, "not_permitted", True, "config")),
        (21611, 400, Rejected(21611, "overloaded", False, "carrier")),
        (21617, 400, Rejected(21617, "other", False, "content")),
        (20003, 401, Rejected(20003, "not_permitted", False, "config")),
        (99999, 400, Rejected(99999, "other", False, "carrier")),
    ],
)
def test_a_refusal_is_final_and_says_whose_it_is(
    carrier: Carrier, line: Line, code: int, status: int, outcome: Rejected
) -> None:
    carrier.will(refused(code, status))
    assert line.send_text(TEXT) == outcome
    assert len(carrier.seen) == 1


def test_a_problem_document_is_a_refusal_too(carrier: Carrier, line: Line) -> None:
    """Twilio's newer error shape is another exception, of no common kind with the older."""
    problem = {"type": "about:blank", "title": "no", "status": 400, "code": 21211}
    carrier.will(Answer(400, json.dumps(problem)))
    assert line.send_text(TEXT) == Rejected(21211, "bad_number", True, "number")


def test_a_refusal_without_a_body_goes_by_its_status(carrier: Carrier, line: Line) -> None:
    carrier.will(Answer(401, "<html>"))
    assert line.send_text(TEXT) == Rejected(401, "not_permitted", False, "config")


def test_a_rate_limit_is_waited_out(carrier: Carrier, line: Line) -> None:
    carrier.will(refused(20429, 429), refused(20429, 429), made())
    assert line.send_text(TEXT) == Accepted(SID, "queued")
    assert len(carrier.seen) == 3
    assert len({seen.peer for seen in carrier.seen}) == 1


def test_a_rate_limit_that_stays_is_handed_back(carrier: Carrier, line: Line) -> None:
    carrier.will(refused(20429, 429))
    assert line.send_text(TEXT) == Busy(1.0, "rate_limited")
    assert len(carrier.seen) == 5


def test_retry_after_is_respected_within_the_budget(carrier: Carrier, line: Line) -> None:
    """Two seconds fit into three once, not twice."""
    carrier.will(Answer(429, "{}", retry_after="2"))
    assert line.send_text(TEXT) == Busy(2.0, "rate_limited")
    assert len(carrier.seen) == 2


def test_a_long_retry_after_is_handed_back_at_once(carrier: Carrier, line: Line) -> None:
    carrier.will(Answer(429, "{}", retry_after="30"))
    assert line.send_text(TEXT) == Busy(30.0, "rate_limited")
    assert len(carrier.seen) == 1


def test_a_retry_after_that_cannot_be_read_is_none(carrier: Carrier, line: Line) -> None:
    carrier.will(Answer(429, "{}", retry_after="soon"), made())
    assert line.send_text(TEXT) == Accepted(SID, "queued")


@pytest.mark.parametrize("answer", [Answer(500), Answer(502), Answer(503, "{}", "1")])
def test_a_server_error_is_never_resent(carrier: Carrier, line: Line, answer: Answer) -> None:
    """Not even when it asks to be tried again: it may have been sent."""
    carrier.will(answer, made())
    assert line.send_text(TEXT) == Unknown("server_error")
    assert len(carrier.seen) == 1


def test_an_answer_that_stays_away_is_unknown_and_never_resent(carrier: Carrier) -> None:
    carrier.will(Silence())
    line = TwilioLine(ACCOUNT, "token", carrier.url, 1.0, READ_TIMEOUT_S)
    assert line.send_text(TEXT) == Unknown("timeout")
    assert len(carrier.seen) == 1


def test_a_connection_that_breaks_off_is_unknown_and_never_resent(
    carrier: Carrier, line: Line
) -> None:
    carrier.will(HangUp())
    assert line.send_text(TEXT) == Unknown("connection")
    assert len(carrier.seen) == 1


@pytest.mark.parametrize("body", ["", "not json", "[]", "{}", '{"sid": null}'])
def test_a_success_that_cannot_be_read_is_unknown(carrier: Carrier, line: Line, body: str) -> None:
    carrier.will(Answer(201, body))
    assert line.send_text(TEXT) == Unknown("unreadable")


def test_no_connection_means_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    line = TwilioLine(ACCOUNT, "token", f"http://127.0.0.1:{port}")
    assert line.send_text(TEXT) == Busy(1.0, "connection")
    with pytest.raises(LineError) as caught:
        line.warm()
    assert caught.value.retryable


def test_a_warm_connection_is_the_one_sent_on(carrier: Carrier, line: Line) -> None:
    carrier.will(Answer(404, "{}"), made())
    line.warm()
    line.send_text(TEXT)
    line.send_text(TEXT)
    assert [seen.method for seen in carrier.seen] == ["GET", "POST", "POST"]
    assert len({seen.peer for seen in carrier.seen}) == 1


def test_a_connection_that_the_carrier_closed_meanwhile_is_replaced(
    carrier: Carrier, line: Line
) -> None:
    """Nothing was sent on the dead one, so nothing is unknown."""
    carrier.will(made(), HangUp(), made())
    line.send_text(TEXT)
    line.send_text(TEXT)
    assert line.send_text(TEXT) == Accepted(SID, "queued")


def test_threads_share_the_line_and_no_connection(carrier: Carrier, line: Line) -> None:
    carrier.will(made())
    outcomes: list[object] = []

    def send_often() -> None:
        outcomes.extend(line.send_text(TEXT) for _ in range(10))

    threads = [threading.Thread(target=send_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Accepted(SID, "queued")] * 40
    assert len({seen.peer for seen in carrier.seen}) == 4


def test_refused_credentials_are_known_when_warming(carrier: Carrier, line: Line) -> None:
    carrier.will(refused(20003, 401))
    with pytest.raises(LineError) as caught:
        line.warm()
    assert (caught.value.retryable, caught.value.code) == (False, 20003)


def test_the_environment_does_not_send_us_elsewhere(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "ashburn")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    carrier.will(made())
    line = TwilioLine(ACCOUNT, "token", carrier.url + "/carrier/")
    assert line.send_text(TEXT) == Accepted(SID, "queued")
    assert carrier.seen[0].path.startswith("/carrier/2010-04-01/")


def test_the_client_logs_no_number(
    carrier: Carrier, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    carrier.will(Answer(200, json.dumps({"messages": []})))
    with caplog.at_level(logging.INFO):
        line.find_sent(TEXT, SINCE)
    assert "2125550101" not in caplog.text


@pytest.mark.parametrize("missing", ["", None])
def test_an_account_needs_its_credentials(missing: str | None) -> None:
    with pytest.raises(ValueError, match="auth token"):
        TwilioLine(ACCOUNT, missing or "")


def test_hanging_up(carrier: Carrier, line: Line) -> None:
    carrier.will(Answer(200, json.dumps({"sid": CALL_SID, "status": "canceled"})))
    assert line.hang_up(CALL_SID) == Accepted(CALL_SID, "canceled")
    assert carrier.seen[0].form == {"Status": ["canceled"]}  # who has picked up is spared


@pytest.mark.parametrize("answer", [refused(21220), refused(20404, 404)])
def test_hanging_up_what_has_ended(carrier: Carrier, line: Line, answer: Answer) -> None:
    carrier.will(answer)
    assert line.hang_up(CALL_SID) == NotFound()


def test_looking_up_a_text(carrier: Carrier, line: Line) -> None:
    carrier.will(Answer(200, json.dumps({"sid": SID, "status": "failed", "error_code": 30036})))
    assert line.look_up_text(PAGE, SID) == TextStatus(PAGE, SID, "failed", 30036)


def test_looking_up_a_call(carrier: Carrier, line: Line) -> None:
    body = {"sid": CALL_SID, "status": "completed", "duration": "12", "answered_by": "human"}
    carrier.will(Answer(200, json.dumps(body)))
    assert line.look_up_call(PAGE, CALL_SID) == CallStatus(
        PAGE, CALL_SID, "completed", duration_s=12, answered_by="human"
    )


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (refused(20404, 404), NotFound()),
        (refused(20003, 401), Unknown("refused")),
        (Answer(500), Unknown("server_error")),
        (Silence(), Unknown("timeout")),
    ],
)
def test_looking_up_what_cannot_be_seen(
    carrier: Carrier, line: Line, answer: Answer | Silence, seen: object
) -> None:
    carrier.will(answer)
    assert line.look_up_text(PAGE, SID) == seen
    assert line.look_up_call(PAGE, CALL_SID) == seen
    assert line.look_up_legs(THEIRS, CALL_SID) == seen
    assert line.recordings_of(THEIRS, CALL_SID) == seen
    assert line.fetch_recording(RECORDING_SID) == seen


def test_a_leg_with_nonsense_in_it_is_listed_without(carrier: Carrier, line: Line) -> None:
    leg = {"sid": SID, "status": "exploded", "duration": "-7", "answered_by": "a ghost"}
    carrier.will(Answer(200, json.dumps({"calls": [leg], "next_page_uri": None})))
    legs = line.look_up_legs(THEIRS, CALL_SID)
    assert isinstance(legs, tuple)
    assert legs[0].told == CallTold()
    assert len(legs[0].doubts) == 3
    assert carrier.seen[0].query == {"ParentCallSid": [CALL_SID], "PageSize": ["20"]}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(204), Accepted(RECORDING_SID, "deleted")),
        (refused(20404, 404), NotFound()),
        (refused(20003, 401), Rejected(20003, "not_permitted", False, "config")),
        (refused(20429, 429), Busy(1.0, "rate_limited")),
        (Answer(500), Unknown("server_error")),
        (Silence(), Unknown("timeout")),
    ],
)
def test_deleting_a_recording(
    carrier: Carrier, line: Line, answer: Answer | Silence, outcome: object
) -> None:
    carrier.will(answer)
    assert line.delete_recording(RECORDING_SID) == outcome
    (path,) = {seen.path for seen in carrier.seen}
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING_SID}.json"


def listed(**changes: object) -> dict[str, object]:
    """A text of ours as Twilio lists it."""
    return {
        "sid": SID,
        "status": "sent",
        "direction": "outbound-api",
        "from": TEXT.from_,
        "to": TEXT.to,
        "body": TEXT.body,
        "messaging_service_sid": None,
        "date_created": format_datetime(SINCE),
        "date_sent": None,
        **changes,
    }


def messages(*records: dict[str, object]) -> Answer:
    return Answer(200, json.dumps({"messages": list(records), "next_page_uri": None}))


LONG_AGO = format_datetime(SINCE - timedelta(hours=1))


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (listed(), Accepted(SID, "sent")),
        (listed(body=f"Sent from your Twilio trial account - {TEXT.body}"), Accepted(SID, "sent")),
        (listed(date_created=format_datetime(SINCE - timedelta(seconds=5))), Accepted(SID, "sent")),
        (listed(body="another page"), NotFound()),
        (listed(**{"from": "+15005550007"}), NotFound()),
        (listed(direction="inbound"), NotFound()),
        (listed(direction=None), Accepted(SID, "sent")),
        (listed(date_created=LONG_AGO), NotFound()),
    ],
)
def test_finding_a_text_whose_answer_was_lost(
    carrier: Carrier, line: Line, record: dict[str, object], found: object
) -> None:
    carrier.will(messages(record))
    assert line.find_sent(TEXT, SINCE) == found
    assert carrier.seen[0].query == {"To": [TEXT.to], "PageSize": ["50"]}


def test_finding_a_text_leaves_out_those_that_are_known(carrier: Carrier, line: Line) -> None:
    carrier.will(messages(listed(), listed(sid="SM" + "3" * 32)))
    assert line.find_sent(TEXT, SINCE, frozenset({SID})) == Accepted("SM" + "3" * 32, "sent")


def test_finding_a_text_sent_by_a_service(carrier: Carrier, line: Line) -> None:
    service = "MG" + "a" * 32
    carrier.will(messages(listed(messaging_service_sid=service)))
    order = TextOrder(PAGE, TEXT.to, service, TEXT.body, TEXT.callback_url, 90)
    assert line.find_sent(order, SINCE) == Accepted(SID, "sent")


def test_finding_a_call_whose_answer_was_lost(carrier: Carrier, line: Line) -> None:
    call = listed(sid=CALL_SID, status="ringing")
    carrier.will(Answer(200, json.dumps({"calls": [call], "next_page_uri": None})))
    assert line.find_sent(CALL, SINCE) == Accepted(CALL_SID, "ringing")
    asked = {"To": [CALL.to], "From": [CALL.from_], "PageSize": ["50"]}
    assert carrier.seen[0].query == asked


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(500), "server_error"),
        (Answer(401, "{}"), "refused"),
        (Answer(200, "[]"), "unreadable"),
        (HangUp(), "connection"),
    ],
)
def test_not_being_able_to_look_is_not_having_found_nothing(
    carrier: Carrier, line: Line, answer: Answer | HangUp, why: str
) -> None:
    carrier.will(answer)
    outcome = line.find_sent(TEXT, SINCE)
    assert isinstance(outcome, Unknown)
    assert outcome.why == why


@pytest.mark.parametrize("make_url", [urls.text_status_url, urls.page_key_url])
def test_an_id_cannot_leave_its_place_in_a_url(make_url: Callable[[str, PageId], str]) -> None:
    assert "/a%2F..%2Fb%3Fc%23d/" in make_url(PUBLIC_URL + "/", PageId("a/../b?c#d"))


def test_a_url_with_wishes_of_its_own_keeps_them() -> None:
    assert urls.with_retries("https://h/p#rc=1") == "https://h/p#rc=1"
