"""The connection to Twilio: what is resent, how long anything may take, where requests go.

Twilio has no idempotency key: a request sent twice is a text sent twice. The one answer that is
safe to repeat is 429, which Twilio never processed. Nothing else is resent here, and this file
knows neither texts nor calls.
"""

import random
import time
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]  # no types
from twilio.rest import Client  # type: ignore[import-untyped]  # no types
from urllib3 import BaseHTTPResponse, Retry
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import InvalidHeader, MaxRetryError, ResponseError

TWILIO_API_URL = "https://api.twilio.com"

RATE_LIMITED = 429
# 0.1, 0.2, 0.4, 0.8 s: Twilio's advice for 20429, as far as a page can wait.
RETRIES_MAX = 4
FIRST_PAUSE_S = 0.1
JITTER = 0.1
# A page should be accepted within 2 s; beyond this it is better handed back (Busy) than held.
PAUSES_TOTAL_S = 3.0


class OnlyRateLimits(Retry):
    """Resends after 429 and after nothing else, within one budget of waiting per request.

    Plain ``Retry(total=n, status_forcelist=[429], allowed_methods=None)`` would also resend a
    POST after a read timeout, and after any 503 or 413 that comes with ``Retry-After``.
    """

    def __init__(self, *args: Any, left_s: float = PAUSES_TOTAL_S, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left_s = left_s
        self.pause_s = 0.0

    @classmethod
    def bounded(cls) -> Self:
        return cls(
            total=None,  # a total would bring those 503s and 413s back
            connect=0,
            read=False,  # False raises the error itself; 0 would hide a timeout in another
            redirect=0,
            status=RETRIES_MAX,
            other=0,
            status_forcelist={RATE_LIMITED},
            allowed_methods=None,
            raise_on_status=False,  # the client turns the last 429 into its own exception
        )

    def new(self, **kw: Any) -> Self:
        kw.setdefault("left_s", self.left_s)
        return super().new(**kw)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """One try less. Raises MaxRetryError when tries or the budget are used up."""
        rest = super().increment(method, url, response, error, _pool, _stacktrace)
        if response is None:
            return rest
        rest.pause_s = retry_after_s(response.headers.get("Retry-After")) or rest._backoff_s()
        if rest.pause_s > rest.left_s:
            reason = ResponseError("the carrier asks for a longer wait than a page can afford")
            raise MaxRetryError(_pool, url or "", reason)  # type: ignore[arg-type]  # None is fine
        rest.left_s -= rest.pause_s
        return rest

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        time.sleep(self.pause_s)

    def _backoff_s(self) -> float:
        pause_s: float = FIRST_PAUSE_S * 2 ** (len(self.history) - 1)
        return pause_s * random.uniform(1 - JITTER, 1 + JITTER)


class WarmHttp(TwilioHttpClient):  # type: ignore[misc]  # the base has no types
    """Twilio's HTTP client with timeouts, our retries, one kept connection, and no log.

    For one thread. The client's own log prints the query of every list request: phone numbers.
    """

    def __init__(self, connect_timeout_s: float, read_timeout_s: float, proxies: bool) -> None:
        super().__init__()
        # Its constructor takes no tuple, but hands this on to requests, which does.
        self.timeout = (connect_timeout_s, read_timeout_s)
        self.retry_after: str | None = None
        adapter = HTTPAdapter(pool_maxsize=1, max_retries=OnlyRateLimits.bounded())
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)  # a stand-in's
        self.session.trust_env = proxies

    def request(self, *args: Any, **kwargs: Any) -> Any:
        response = super().request(*args, **kwargs)
        self.retry_after = response.headers.get("Retry-After")
        return response

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Says nothing; see the class."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Says nothing; see the class."""


class AccountClient(Client):  # type: ignore[misc]  # the base has no types
    """Twilio's client for one account, pointed at ``api_url`` with every one of its products."""

    def __init__(self, account_sid: str, auth_token: str, api_url: str, http: WarmHttp) -> None:
        super().__init__(account_sid, auth_token, http_client=http)
        self._elsewhere = None if api_url == TWILIO_API_URL else urlsplit(api_url)

    def get_hostname(self, uri: str) -> str:
        """Where a request goes; a region or edge found in the environment does not count."""
        if self._elsewhere is None:
            return uri
        asked = urlsplit(uri)
        path = self._elsewhere.path.rstrip("/") + asked.path
        there = (self._elsewhere.scheme, self._elsewhere.netloc, path, asked.query, "")
        return urlunsplit(there)


def retry_after_s(header: str | None) -> float | None:
    """Seconds that a ``Retry-After`` asks for; None if there is none, or none to be made out."""
    if header is None:
        return None
    try:
        return Retry().parse_retry_after(header)
    except (InvalidHeader, ValueError, OverflowError):
        return None
