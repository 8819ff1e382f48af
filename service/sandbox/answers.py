"""The carrier's JSON: resources and errors in the shapes that Twilio publishes.

Shapes only; nothing here changes a text or a call.
"""

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from fastapi.responses import JSONResponse

from service.sandbox.records import Call, Message, Recording

API_VERSION = "2010-04-01"

Body = dict[str, object]

WORDS = {
    20001: "Invalid parameter",
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    20503: "Service Unavailable",
    21201: "No 'To' number is specified",
    21205: "Url parameter is required",
    21210: "'From' phone number not verified or not owned by your account",
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid 'From' Phone Number",
    21214: "'To' phone number cannot be reached",
    21215: "Account not authorized to call this number. Please enable international permissions",
    21216: "Account not allowed to call this number",
    21217: "Phone number does not appear to be valid",
    21220: "Call is not in-progress. Cannot redirect.",
    21266: "'To' and 'From' number cannot be the same",
    21408: "Permission to send an SMS has not been enabled for the region of the 'To' number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number provided is not a valid message-capable Twilio phone number",
    21609: "The 'StatusCallback' URL is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "Message cannot be sent with the current combination of 'To' and 'From' parameters",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    30003: "Unreachable destination handset",
    30008: "Unknown error",
    30036: "Validity period expired",
    30409: "The message is not in a state that can be canceled",
}
STATUS_OF_CODE = {
    20003: 401,
    20404: 404,
    20429: 429,
    20500: 500,
    20503: 503,
    30409: 409,
}
CODE_OF_STATUS = {401: 20003, 404: 20404, 429: 20429, 500: 20500, 503: 20503}


class ApiRefusal(Exception):
    """The API says no. `code` is the carrier's; the HTTP status follows from it unless given."""

    def __init__(self, code: int, status: int | None = None, why: str = "") -> None:
        super().__init__(why or WORDS.get(code, "Error"))
        self.code = code
        self.status = status or STATUS_OF_CODE.get(code, 400)


def refusal_body(code: int, status: int, why: str = "") -> dict[str, object]:
    return {
        "code": code,
        "message": why or WORDS.get(code, f"Error {code}"),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


def refused(refusal: ApiRefusal) -> JSONResponse:
    return JSONResponse(refusal_body(refusal.code, refusal.status, str(refusal)), refusal.status)


def _date(at: datetime | None) -> str | None:
    return format_datetime(at) if at else None


def message_body(account: str, message: Message) -> dict[str, object]:
    uri = f"/{API_VERSION}/Accounts/{account}/Messages/{message.sid}.json"
    code = message.error_code
    return {
        "account_sid": account,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": _date(message.created),
        "date_sent": _date(message.sent),
        "date_updated": _date(message.updated),
        "direction": message.direction,
        "error_code": code,
        "error_message": WORDS.get(code, f"Error {code}") if code else None,
        "from": message.from_ or None,
        "messaging_service_sid": message.service_sid or None,
        "num_media": "0",
        "num_segments": str(message.segments if message.from_ else 0),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": uri.replace(".json", "/Media.json")},
        "tags": None,
        "to": message.to,
        "uri": uri,
    }


def call_body(account: str, call: Call) -> dict[str, object]:
    uri = f"/{API_VERSION}/Accounts/{account}/Calls/{call.sid}.json"
    return {
        "account_sid": account,
        "annotation": None,
        "answered_by": call.answered_by or None,
        "api_version": API_VERSION,
        "caller_name": None,
        "date_created": _date(call.told_at(call.created)),
        "date_updated": _date(call.told_at(call.ended or call.started or call.created)),
        "direction": call.direction,
        "duration": str(call.duration_s()) if call.over else None,
        "end_time": _date(call.told_at(call.ended) if call.ended else None),
        "forwarded_from": None,
        "from": call.caller,
        "from_formatted": call.caller,
        "group_sid": None,
        "parent_call_sid": call.parent_sid or None,
        "phone_number_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": str(call.queued_ms),
        "sid": call.sid,
        "start_time": _date(call.told_at(call.started) if call.started else None),
        "status": "queued" if call.status == "initiated" else call.status,
        "stir_verstat": None,
        "subresource_uris": {"recordings": uri.replace(".json", "/Recordings.json")},
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": None,
        "uri": uri,
    }


def recording_body(account: str, recording: Recording, call: Call | None, own_url: str) -> Body:
    """`call` is what was recorded, if the carrier still remembers it."""
    uri = f"/{API_VERSION}/Accounts/{account}/Recordings/{recording.sid}.json"
    started = call.told_at(recording.started) if call else recording.started
    done = recording.status in ("completed", "absent")
    return {
        "account_sid": account,
        "api_version": API_VERSION,
        "call_sid": recording.call_sid,
        "channels": recording.order.channels,
        "conference_sid": None,
        "date_created": _date(recording.created),
        "date_updated": _date(recording.ended or recording.created),
        "duration": str(recording.duration_s) if done else None,
        "encryption_details": None,
        "error_code": None,
        "media_url": own_url + uri.removesuffix(".json"),
        "price": None,
        "price_unit": "USD",
        "sid": recording.sid,
        "source": recording.order.source,
        "start_time": _date(started),
        "status": recording.status,
        "subresource_uris": {},
        "track": recording.order.track,
        "uri": uri,
    }


def listing(
    path: str,
    name: str,
    rows: Sequence[dict[str, object]],
    page: int,
    size: int,
    query: str,
) -> dict[str, object]:
    """One page of a list, as Twilio pages them. `query` is the filters, already encoded."""
    start = page * size
    shown = list(rows[start : start + size])

    def link(number: int) -> str:
        return f"{path}?{query}PageSize={size}&Page={number}"

    return {
        name: shown,
        "page": page,
        "page_size": size,
        "start": start,
        "end": start + max(0, len(shown) - 1),
        "uri": link(page),
        "first_page_uri": link(0),
        "next_page_uri": link(page + 1) if start + size < len(rows) else None,
        "previous_page_uri": link(page - 1) if page else None,
    }
