"""Requests from the carrier to our product: signed, with Twilio's timeouts and retries.

Carries status callbacks in the background and asks for TwiML in the foreground. Knows nothing of
what the parameters mean.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag, urlencode, urlsplit, urlunsplit

import aiohttp
from twilio.request_validator import (  # type: ignore[import-untyped]  # it ships no types
    RequestValidator,
)
from yarl import URL

from service.sandbox.config import CarrierConfig
from service.sandbox.exchange import Bell, Errands
from service.sandbox.faults import CallbackKind, FaultBook
from service.sandbox.signals import Fetch

CONCURRENT_MAX = 64  # requests under way to our product; more would only queue there
PENDING_MAX = 20_000  # callbacks waiting for their turn; beyond it they are lost, as at a carrier
DELIVERIES_MAX = 5_000
SHOWN_ANSWER_CHARS_MAX = 4_096  # of an answer, in the log of deliveries
ANSWER_CHARS_MAX = 64 * 1024  # TwiML's own limit
REORDER_HOLD_S = 10.0  # a callback held for a successor that never comes goes anyway
RETRY_PAUSE_S = 0.1
LOST = "lost by a fault rule"
IDLE_S = 4.0  # below the 5 s after which uvicorn, by default, drops an idle connection


@dataclass(frozen=True, slots=True)
class Overrides:
    """Connection overrides of one URL, in seconds, with Twilio's defaults."""

    connect_s: float = 5.0
    read_s: float = 15.0
    total_s: float = 15.0
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})

    def retries_on(self, failure: str) -> bool:
        return bool(failure) and ("all" in self.policy or failure in self.policy)


def _within(given: dict[str, list[str]], key: str, low: int, high: int, default: int) -> int:
    """A number of the fragment; what is absent, no number or out of range leaves the default."""
    raw = given.get(key, [""])[-1]
    if not raw.isascii() or not raw.isdigit():
        return default
    return int(raw) if low <= int(raw) <= high else default


def split_overrides(url: str) -> tuple[str, Overrides]:
    """The URL to request and sign, and what its `#ct=..&rt=..&tt=..&rc=..&rp=..` asks for."""
    target, fragment = urldefrag(url)
    if not fragment:
        return target, Overrides()
    given = parse_qs(fragment)
    policy = frozenset(p for p in given.get("rp", ["ct"])[-1].split(",") if p)
    return target, Overrides(
        connect_s=_within(given, "ct", 100, 10_000, 5_000) / 1000,
        read_s=_within(given, "rt", 100, 15_000, 15_000) / 1000,
        total_s=_within(given, "tt", 100, 15_000, 15_000) / 1000,
        retries=_within(given, "rc", 0, 5, 1),
        policy=policy,
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """What our product answered. No `status`: it did not. `failure` is ct, rt, 4xx or 5xx."""

    status: int | None
    text: str = ""
    failure: str = ""
    error: str = ""
    content_type: str = ""

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Telling:
    """One callback. `subject` is whom it is about, `to` whose phone; fault rules go by the rest."""

    url: str
    params: Mapping[str, str]
    subject: str
    to: str
    kind: CallbackKind
    event: str
    method: str = "POST"


class Courier:
    """Sends signed requests over one shared client. Open it inside the running loop."""

    def __init__(self, config: CarrierConfig, faults: FaultBook, errands: Errands) -> None:
        self._validator = RequestValidator(config.auth_token)
        self._faults = faults
        self._errands = errands
        self._turns = asyncio.Semaphore(CONCURRENT_MAX)
        self._gone: dict[str, Bell] = {}
        self._n = 0
        self.deliveries: deque[dict[str, object]] = deque(maxlen=DELIVERIES_MAX)
        self.bell = Bell()
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the shared client; it belongs to the running loop."""
        # measured: httpx takes 1.5 to 5 ms of processor a request here, aiohttp 0.15
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    def forget(self) -> None:
        self.deliveries.clear()

    def call_back(self, told: Telling) -> None:
        """Make a callback in the background, under the rules for callbacks."""
        if told.url and len(self._errands) < PENDING_MAX:
            self._errands.start(self._call_back(told))

    async def _call_back(self, told: Telling) -> None:
        named = (told.to, told.event, told.kind)
        if self._faults.use("callbacks", "lose", *named):
            self._record(told.url, told.params, 0, Reply(None, error=LOST), "")
            return
        if rule := self._faults.use("callbacks", "delay", *named):
            await asyncio.sleep(rule.seconds)
        if self._faults.use("callbacks", "reorder", *named):
            await self._after_the_next(told.subject)
        twice = self._faults.use("callbacks", "duplicate", *named)
        for _ in range(2 if twice else 1):
            await self.ask(told.url, told.params, told.method)
        if waiting := self._gone.pop(told.subject, None):
            waiting.ring()

    async def ask_for_document(self, step: Fetch, params: Mapping[str, str], to: str) -> Reply:
        """Ask for TwiML under the rules for documents. Asked twice, both requests bear one token,
        and the first answer counts; the log of deliveries has both."""
        named = (to, "", step.kind)
        if self._faults.use("documents", "lose", *named):
            lost = Reply(None, failure="ct", error=LOST)
            self._record(step.url, params, 0, lost, "")
            return lost
        if rule := self._faults.use("documents", "delay", *named):
            await asyncio.sleep(rule.seconds)
        token = str(uuid.uuid4())
        reply = await self.ask(step.url, params, step.method, token)
        if self._faults.use("documents", "duplicate", *named):
            await self.ask(step.url, params, step.method, token)
        return reply

    async def _after_the_next(self, subject: str) -> None:
        bell = self._gone.setdefault(subject, Bell())
        await bell.wait(REORDER_HOLD_S)

    async def ask(
        self, url: str, params: Mapping[str, str], method: str = "POST", token: str = ""
    ) -> Reply:
        """Request `url` with retries as its fragment says; always returns, never raises."""
        target, how = split_overrides(url)
        token = token or str(uuid.uuid4())
        last = Reply(None)
        async with self._turns:  # the time runs from here: our own queue is not their slowness
            try:
                async with asyncio.timeout(how.total_s):
                    for attempt in range(how.retries + 1):
                        last = await self._once(target, how, params, method, token)
                        self._record(target, params, attempt, last, token)
                        if not how.retries_on(last.failure):
                            break
                        await asyncio.sleep(RETRY_PAUSE_S)
            except TimeoutError:
                last = Reply(None, failure="rt", error=f"no answer within {how.total_s} s in all")
                self._record(target, params, how.retries, last, token)
        return last

    async def _once(
        self,
        url: str,
        how: Overrides,
        params: Mapping[str, str],
        method: str,
        token: str,
    ) -> Reply:
        if method == "GET":
            parts = urlsplit(url)
            query = "&".join(q for q in (parts.query, urlencode(params)) if q)
            url, params = urlunsplit(parts._replace(query=query)), {}
        headers = {
            "X-Twilio-Signature": self._signature(url, params),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        if params:
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=how.connect_s, sock_read=how.read_s
        )
        assert self._http is not None, "the courier was not opened"
        try:
            async with self._http.request(
                method,
                URL(url, encoded=True),  # as signed, byte for byte
                data=urlencode(params).encode() if params else None,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                text, status = await answer.text(errors="replace"), answer.status
                content_type = answer.content_type
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Reply(None, failure="ct", error=repr(error))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return Reply(None, failure="rt", error=repr(error))
        family = f"{status // 100}xx" if status >= 400 else ""
        return Reply(status, text[:ANSWER_CHARS_MAX], family, "", content_type)

    def _signature(self, url: str, params: Mapping[str, str]) -> str:
        signature: str = self._validator.compute_signature(url, dict(params))
        return signature

    def _record(
        self, url: str, params: Mapping[str, str], attempt: int, reply: Reply, token: str
    ) -> None:
        self._n += 1
        self.deliveries.append(
            {
                "n": self._n,
                "url": url,
                "params": dict(params),
                "attempt": attempt,
                "status": reply.status,
                "error": reply.error,
                "answer": reply.text[:SHOWN_ANSWER_CHARS_MAX],
                "token": token,
            }
        )
        self.bell.ring()
