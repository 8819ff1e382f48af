"""What became of a request to Twilio that raised: surely nothing, or nobody knows.

The one question is whether it was carried out. This file knows the ways in which Twilio's client
and the network fail, and neither texts nor calls.
"""

import requests
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # no types
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError

from service.errors import SourceError
from service.phone.codes import failure
from service.phone.connection import RATE_LIMITED, retry_after_s
from service.phone.line import Busy, NotFound, Rejected, SendOutcome, Unknown, Why

# What was busy is worth another try after this, when Twilio does not say; and never later than
# the other, because by then the next rung is a better idea.
BUSY_PAUSE_S = 1.0
BUSY_PAUSE_MAX_S = 60.0
GONE = 404

# Everything that asking may raise: Twilio's refusals; the network; an answer of another shape.
FAILURES = (
    SourceError,
    TwilioException,
    requests.RequestException,
    HTTPError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
)


def outcome_of(broken: Exception, retry_after: str | None) -> SendOutcome:
    """What became of a request that raised: the only question is whether it was carried out."""
    status = status_of(broken)
    if status == RATE_LIMITED:
        pause_s = retry_after_s(retry_after) or BUSY_PAUSE_S
        return Busy(min(pause_s, BUSY_PAUSE_MAX_S), "rate_limited")
    if status is not None and 400 <= status < 500:
        code = code_of(broken)
        meant = failure(code)
        return Rejected(code, meant.reason, meant.ends_channel, meant.blame)
    if _never_left(broken):
        return Busy(BUSY_PAUSE_S, "connection")
    return Unknown(why(broken))


def not_seen(broken: Exception) -> NotFound | Unknown:
    return NotFound() if status_of(broken) == GONE else Unknown(why(broken))


def why(broken: Exception) -> Why:
    status = status_of(broken)
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


def status_of(broken: Exception) -> int | None:
    """The HTTP status behind an exception of the client's; None when there was no answer.

    Of a list that fails the client keeps the response only, as the exception's last argument.
    """
    status = getattr(broken, "status", None)
    if status is None and isinstance(broken, TwilioException) and broken.args:
        status = getattr(broken.args[-1], "status_code", None)
    return status if isinstance(status, int) else None


def code_of(broken: Exception) -> int | None:
    code = getattr(broken, "code", None)
    return code if isinstance(code, int) else None
