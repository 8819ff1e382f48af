"""The line, as Twilio: orders become requests of its official client, answers become values.

Each thread has its own client with its own kept connection: nothing is shared, so nothing waits,
and ``warm`` opens exactly the connection that this thread will send on. Use it from long-lived
threads. Create it after a fork, never before. It decides nothing and resends nothing but 429.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from service.errors import LineError
from service.phone.broken import FAILURES, GONE, code_of, not_seen, outcome_of, status_of, why
from service.phone.call_callbacks import LegStatus, leg_status
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.caller_callbacks import RecordingTold, recording_told
from service.phone.connection import TWILIO_API_URL, AccountClient, WarmHttp
from service.phone.form import Form
from service.phone.line import (
    Accepted,
    CallOrder,
    NotFound,
    Rejected,
    SendOutcome,
    Sound,
    TextOrder,
    Unknown,
)
from service.phone.sound import SoundSource
from service.phone.urls import with_retries
from service.phone.voice_calls import ring_timeout
from service.rules.lead import CallId, PageId

# Twilio takes 1 to 36 000 s and recommends more than 5: a shorter one may expire on its own way.
VALIDITY_MIN_S = 6
VALIDITY_MAX_S = 36_000
CALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
# Newest first, so the first page of a list holds far more than one phone gets between two looks.
FOUND_MAX = 50
# Twilio's dates have whole seconds, and its clock is not ours.
CLOCK_SLACK = timedelta(seconds=60)
# A rep's call dials the lead once, and may again; a call is recorded once for each time.
LEGS_MAX = 20
QUEUE_MAX_MS = 24 * 3_600 * 1_000  # Twilio holds a call in its queue for a day at most
_CALL_ENDED = 21220  # the call is not in progress: nothing to hang up


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
        except FAILURES as broken:
            status, code = status_of(broken), code_of(broken)
            if status in (401, 403):
                message = "Twilio refused the account id and auth token"
                raise LineError(message, retryable=False, code=code) from broken
            if status is None:
                message = f"Twilio could not be reached ({why(broken)})"
                raise LineError(message, retryable=True) from broken

    def send_text(self, order: TextOrder) -> SendOutcome:
        fields = _text_fields(order)
        return self._ask(lambda client: client.messages.create(**fields))

    def place_call(self, order: CallOrder) -> SendOutcome:
        fields = _call_fields(order)
        return self._ask(lambda client: client.calls.create(**fields), queued=True)

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        """``canceled`` ends a call that is queued or rings, and spares one that was picked up in
        this very instant; ``completed`` would end that too."""
        outcome = self._ask(lambda client: client.calls(call_sid).update(status="canceled"))
        match outcome:
            case Rejected(code=code) if code in (_CALL_ENDED, 20404, GONE):
                return NotFound()
            case _:
                return outcome

    def look_up_text(self, page_id: PageId, sid: str) -> TextStatus | NotFound | Unknown:
        try:
            text = self._client().messages(sid).fetch()
        except FAILURES as broken:
            return not_seen(broken)
        return TextStatus(page_id, sid, str(text.status), text.error_code)

    def look_up_call(self, page_id: PageId, sid: str) -> CallStatus | NotFound | Unknown:
        try:
            call = self._client().calls(sid).fetch()
        except FAILURES as broken:
            return not_seen(broken)
        return CallStatus(
            page_id,
            sid,
            str(call.status),
            duration_s=_seconds(call.duration),
            answered_by=call.answered_by,
        )

    def look_up_legs(
        self, call_id: CallId, rep_sid: str
    ) -> tuple[LegStatus, ...] | NotFound | Unknown:
        page = {"limit": LEGS_MAX, "page_size": LEGS_MAX}
        try:
            legs = self._client().calls.list(parent_call_sid=rep_sid, **page)
            return tuple(_leg_of(call_id, rep_sid, leg) for leg in reversed(legs))
        except FAILURES as broken:
            return not_seen(broken)

    def recordings_of(
        self, call_id: CallId, call_sid: str
    ) -> tuple[RecordingTold, ...] | NotFound | Unknown:
        page = {"limit": LEGS_MAX, "page_size": LEGS_MAX}
        try:
            made = self._client().calls(call_sid).recordings.list(**page)
            return tuple(_recording_of(call_id, each) for each in reversed(made))
        except FAILURES as broken:
            return not_seen(broken)

    def fetch_recording(
        self, recording_sid: str, byte_range: str | None = None
    ) -> Sound | NotFound | Unknown:
        try:
            return SoundSource(*self._account, self._timeouts_s).fetch(recording_sid, byte_range)
        except FAILURES as broken:
            return not_seen(broken)

    def delete_recording(self, recording_sid: str) -> SendOutcome | NotFound:
        client = self._client()
        try:
            client.recordings(recording_sid).delete()
        except FAILURES as broken:
            outcome = outcome_of(broken, client.http_client.retry_after)
            gone = isinstance(outcome, Rejected) and status_of(broken) == GONE
            return NotFound() if gone else outcome
        return Accepted(recording_sid, "deleted")

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
        except FAILURES as broken:
            return Unknown(why(broken))
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

    def _ask(self, request: Callable[[Any], Any], queued: bool = False) -> SendOutcome:
        """Make one request that does something, and say what became of it; ``queued``: and how
        long it waits at Twilio."""
        client = self._client()
        try:
            made = request(client)
        except FAILURES as broken:
            return outcome_of(broken, client.http_client.retry_after)
        if not made.sid:
            return Unknown("unreadable")
        queue_s = _queue_s(made.queue_time) if queued else None
        return Accepted(made.sid, str(made.status), queue_s)


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
        "timeout": ring_timeout(order.ring_s),
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


def _queue_s(written: object) -> float | None:
    """Twilio's milliseconds as seconds; beyond a day it would have dropped the call."""
    told = str(written)
    return int(told) / 1000 if told.isdecimal() and int(told) <= QUEUE_MAX_MS else None


def _leg_of(call_id: CallId, rep_sid: str, leg: Any) -> LegStatus:
    """A leg that Twilio lists, read as its last receipt would be."""
    return leg_status(
        call_id,
        _as_form(
            CallSid=leg.sid,
            ParentCallSid=rep_sid,
            CallStatus=leg.status,
            CallDuration=leg.duration,
            AnsweredBy=leg.answered_by,
            Timestamp=leg.end_time and format_datetime(leg.end_time),
        ),
    )


def _recording_of(call_id: CallId, made: Any) -> RecordingTold:
    return recording_told(
        call_id,
        _as_form(
            RecordingSid=made.sid,
            CallSid=made.call_sid,
            RecordingStatus=made.status,
            RecordingDuration=made.duration,
            RecordingSource=made.source,
            RecordingStartTime=made.start_time and format_datetime(made.start_time),
        ),
    )


def _as_form(**fields: object) -> Form:
    """What a resource holds, as if it had been posted: it is believed no more than that."""
    return Form(tuple((name, str(value)) for name, value in fields.items() if value is not None))
