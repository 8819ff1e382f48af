"""The line, as Twilio: orders become requests of its official client, answers become values.

Each thread has its own client with its own kept connection: nothing is shared, so nothing waits,
and ``warm`` opens exactly the connection that this thread will send on. Use it from long-lived
threads. Create it after a fork, never before. It decides nothing and resends nothing but 429.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import requests
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # no types
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError

from service.errors import LineError
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.codes import failure
from service.phone.connection import (
    RATE_LIMITED,
    TWILIO_API_URL,
    AccountClient,
    WarmHttp,
    retry_after_s,
)
from service.phone.line import (
    Accepted,
    Busy,
    CallOrder,
    NotFound,
    Rejected,
    SendOutcome,
    TextOrder,
    Unknown,
    Why,
)
from service.phone.urls import with_retries
from service.rules.lead import PageId

# Twilio takes 1 to 36 000 s and recommends more than 5: a shorter one may expire on its own way.
VALIDITY_MIN_S = 6
VALIDITY_MAX_S = 36_000
# Twilio lets a phone ring 5 s longer than it is told, and takes 5 to 600 s.
RING_BUFFER_S = 5
RING_MIN_S = 5
RING_MAX_S = 600
CALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
# What was busy is worth another try after this, when Twilio does not say; and never later than
# the other, because by then the next rung is a better idea.
BUSY_PAUSE_S = 1.0
BUSY_PAUSE_MAX_S = 60.0
# Newest first, so the first page of a list holds far more than one phone gets between two looks.
FOUND_MAX = 50
# Twilio's dates have whole seconds, and its clock is not ours.
CLOCK_SLACK = timedelta(seconds=60)
_GONE = 404
_CALL_ENDED = 21220  # the call is not in progress: nothing to hang up

# Everything that asking may raise: Twilio's refusals; the network; an answer of another shape.
_FAILURES = (
    TwilioException,
    requests.RequestException,
    HTTPError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
)


class TwilioLine:
    """``Line`` for one Twilio account; ``api_url`` points all of it at a stand-in instead."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        api_url: str = TWILIO_API_URL,
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
    ) -> None:
        if not account_sid or not auth_token:
            raise ValueError("a Twilio account needs its id and its auth token")
        self._account = (account_sid, auth_token, api_url.rstrip("/"))
        self._timeouts_s = (connect_timeout_s, read_timeout_s)
        self._own = threading.local()

    def warm(self) -> None:
        """Open this thread's connection, and see that the account is ours.

        Raises LineError, retryable unless the credentials were refused. A stand-in need not know
        how to describe an account: any other answer has warmed the connection.
        """
        try:
            self._client().api.accounts(self._account[0]).fetch()
        except _FAILURES as broken:
            status, code = _status_of(broken), _code_of(broken)
            if status in (401, 403):
                message = "Twilio refused the account id and auth token"
                raise LineError(message, retryable=False, code=code) from broken
            if status is None:
                message = f"Twilio could not be reached ({_why(broken)})"
                raise LineError(message, retryable=True) from broken

    def send_text(self, order: TextOrder) -> SendOutcome:
        fields = _text_fields(order)
        return self._ask(lambda client: client.messages.create(**fields))

    def place_call(self, order: CallOrder) -> SendOutcome:
        fields = _call_fields(order)
        return self._ask(lambda client: client.calls.create(**fields))

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        """``completed`` ends a call in any state; ``canceled`` would spare one just answered."""
        outcome = self._ask(lambda client: client.calls(call_sid).update(status="completed"))
        match outcome:
            case Rejected(code=code) if code in (_CALL_ENDED, 20404, _GONE):
                return NotFound()
            case _:
                return outcome

    def look_up_text(self, page_id: PageId, sid: str) -> TextStatus | NotFound | Unknown:
        try:
            text = self._client().messages(sid).fetch()
        except _FAILURES as broken:
            return _not_seen(broken)
        return TextStatus(page_id, sid, str(text.status), text.error_code)

    def look_up_call(self, page_id: PageId, sid: str) -> CallStatus | NotFound | Unknown:
        try:
            call = self._client().calls(sid).fetch()
        except _FAILURES as broken:
            return _not_seen(broken)
        return CallStatus(
            page_id,
            sid,
            str(call.status),
            duration_s=_seconds(call.duration),
            answered_by=call.answered_by,
        )

    def find_sent(
        self,
        order: TextOrder | CallOrder,
        since: datetime,
        known_sids: frozenset[str] = frozenset(),
    ) -> Accepted | NotFound | Unknown:
        """See ``Line``. Limits: Twilio keeps no id of ours, so a text is known by its receiver,
        sender and words (a trial account puts its own before ours), a call by receiver and sender
        alone; the newest that fits and is not in ``known_sids`` is taken. No date is asked for in
        the list: Twilio filters by ``DateSent`` and ``StartTime``, which what still waits in its
        queue does not have.
        """
        try:
            listed = self._list_to(order)
        except _FAILURES as broken:
            return Unknown(_why(broken))
        for sent in listed:
            fresh = sent.date_created is None or sent.date_created >= since - CLOCK_SLACK
            if fresh and sent.sid not in known_sids and _is_like(sent, order):
                return Accepted(sent.sid, str(sent.status))
        return NotFound()

    def _list_to(self, order: TextOrder | CallOrder) -> list[Any]:
        """What went to the order's receiver lately, newest first."""
        client, page = self._client(), {"limit": FOUND_MAX, "page_size": FOUND_MAX}
        if isinstance(order, TextOrder):
            return list(client.messages.list(to=order.to, **page))
        # Of a call the client keeps the sender out of reach, so Twilio must pick.
        return list(client.calls.list(to=order.to, from_=order.from_, **page))

    def _client(self) -> Any:
        client = getattr(self._own, "client", None)
        if client is None:
            # A proxy named in the machine's environment is for the way out, not for a stand-in.
            http = WarmHttp(*self._timeouts_s, proxies=self._account[2].startswith("https://"))
            client = self._own.client = AccountClient(*self._account, http)
        return client

    def _ask(self, request: Callable[[Any], Any]) -> SendOutcome:
        """Make one request that does something, and say what became of it."""
        client = self._client()
        try:
            made = request(client)
        except _FAILURES as broken:
            return _outcome(broken, client.http_client.retry_after)
        if not made.sid:
            return Unknown("unreadable")
        return Accepted(made.sid, str(made.status))


def _text_fields(order: TextOrder) -> dict[str, object]:
    sender = "messaging_service_sid" if _is_service(order.from_) else "from_"
    return {
        "to": order.to,
        sender: order.from_,
        "body": order.body,
        "status_callback": with_retries(order.callback_url),
        "validity_period": min(max(order.validity_s, VALIDITY_MIN_S), VALIDITY_MAX_S),
    }


def _call_fields(order: CallOrder) -> dict[str, object]:
    return {
        "to": order.to,
        "from_": order.from_,
        "url": with_retries(order.twiml_url),
        "status_callback": with_retries(order.callback_url),
        "status_callback_event": CALL_EVENTS,
        "timeout": min(max(order.ring_s - RING_BUFFER_S, RING_MIN_S), RING_MAX_S),
    }


def _is_service(sender: str) -> bool:
    return sender.startswith("MG")


def _is_like(sent: Any, order: TextOrder | CallOrder) -> bool:
    """Whether something that Twilio lists for the order's receiver may be the order."""
    # A stand-in may leave the direction out; what goes to the order's receiver is hardly inbound.
    if sent.direction not in ("outbound-api", None):
        return False
    if isinstance(order, CallOrder):
        return True
    by = sent.messaging_service_sid if _is_service(order.from_) else sent.from_
    return by == order.from_ and (sent.body or "").endswith(order.body)


def _seconds(written: str | None) -> int | None:
    return int(written) if written and written.isdecimal() else None


def _outcome(broken: Exception, retry_after: str | None) -> SendOutcome:
    """What became of a request that raised: the only question is whether it was carried out."""
    status = _status_of(broken)
    if status == RATE_LIMITED:
        pause_s = retry_after_s(retry_after) or BUSY_PAUSE_S
        return Busy(min(pause_s, BUSY_PAUSE_MAX_S), "rate_limited")
    if status is not None and 400 <= status < 500:
        code = _code_of(broken)
        meant = failure(code)
        return Rejected(code, meant.reason, meant.ends_channel, meant.blame)
    if _never_left(broken):
        return Busy(BUSY_PAUSE_S, "connection")
    return Unknown(_why(broken))


def _not_seen(broken: Exception) -> NotFound | Unknown:
    return NotFound() if _status_of(broken) == _GONE else Unknown(_why(broken))


def _why(broken: Exception) -> Why:
    status = _status_of(broken)
    if status is not None:
        if status == RATE_LIMITED:
            return "rate_limited"
        return "server_error" if status >= 500 else "refused"
    if isinstance(broken, requests.Timeout):
        return "timeout"
    if isinstance(broken, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return "connection"
    return "unreadable"


def _never_left(broken: Exception) -> bool:
    """No connection was made, so nobody can have read the request."""
    if isinstance(broken, requests.ConnectTimeout):
        return True
    cause = broken.args[0] if broken.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, ConnectTimeoutError)


def _status_of(broken: Exception) -> int | None:
    """The HTTP status behind an exception of the client's; None when there was no answer.

    Of a list that fails the client keeps the response only, as the exception's last argument.
    """
    status = getattr(broken, "status", None)
    if status is None and isinstance(broken, TwilioException) and broken.args:
        status = getattr(broken.args[-1], "status_code", None)
    return status if isinstance(status, int) else None


def _code_of(broken: Exception) -> int | None:
    code = getattr(broken, "code", None)
    return code if isinstance(code, int) else None
