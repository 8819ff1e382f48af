"""How much, how slowly and how often somebody may send: bounds on what strangers can cost us.

A lead is worth more than a limit: when Redis cannot count, everything passes. This file must not
decide who is who; ask it only about sources that exist and callers whose key was checked, or an
outsider could use up a source's share.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from redis import ConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from starlette.requests import ClientDisconnect, Request

from service.web.problems import Declined, Kind

BODY_MAX_BYTES = 64 * 1024
"""A lead's ask is cut at 5,000 characters; the longest payload of the field's sources is some 20 KB
(a form with its definition and every answer)."""

BODY_WITHIN_S = 10.0
"""A body of this size takes a bad mobile line two seconds; longer is a fault or an attack."""

REDIS_WITHIN_S = 0.1
"""A local Redis answers in a millisecond. The lead's page is due within a second or two, and
nothing that only counts may take a tenth of that."""

REDIS_REST_S = 5.0
"""After Redis failed it is left alone this long, so that only one lead in 5 s pays the wait."""

WARN_EVERY_S = 60.0

_DIGITS_MAX = 18
"""A Content-Length of more digits is no length at all, and not worth turning into a number."""

_TAKE = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local per_second, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(kept[1]) or burst
local passed = math.max(0, at - (tonumber(kept[2]) or at))
tokens = math.min(burst, tokens + passed * per_second)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = (1 - tokens) / per_second end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens),
                            'at', string.format('%.6f', at))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / per_second * 1000) + 1000)
return string.format('%.3f', wait)
"""
"""One script, so that two processes cannot spend one token; Redis's own clock, so that theirs need
not agree. The key is forgotten once the bucket would be full again."""

log = structlog.get_logger("web.limits")


async def read_body(
    request: Request, max_bytes: int = BODY_MAX_BYTES, within_s: float = BODY_WITHIN_S
) -> bytes:
    """The whole body, if it is at most `max_bytes` and has come within `within_s` seconds.

    Raises Declined: too large (by its Content-Length, before reading, or by what came), too slow,
    or broken off by the sender.
    """
    body = bytearray()
    await read_through(request, body.extend, max_bytes, within_s)
    return bytes(body)


async def read_through(
    request: Request, take: Callable[[bytes], None], max_bytes: int, within_s: float
) -> None:
    """Hand the body to `take` as it comes, chunk by chunk, for one that is not to be held whole.

    Raises Declined as `read_body` does, and what `take` raises.
    """
    _refuse_announced(request, max_bytes)
    try:
        async with asyncio.timeout(within_s):
            await _counted(request, take, max_bytes)
    except TimeoutError:
        detail = f"The body did not arrive whole within {within_s:g} s."
        raise Declined(Kind.TOO_SLOW, detail) from None
    except ClientDisconnect:
        raise Declined(Kind.BAD_REQUEST, "The connection ended before the body did.") from None


def _refuse_announced(request: Request, max_bytes: int) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit():
        _refuse_over(max_bytes, int(announced[:_DIGITS_MAX]))


async def _counted(request: Request, take: Callable[[bytes], None], max_bytes: int) -> None:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        _refuse_over(max_bytes, size)
        take(chunk)


def _refuse_over(max_bytes: int, size: int) -> None:
    if size > max_bytes:
        raise Declined(Kind.TOO_LARGE, f"A body may have at most {max_bytes} bytes.")


class RateLimit:
    """A token bucket per source, shared by all processes through Redis.

    `per_minute` requests a minute in the long run and `burst` at once. Calls block for up to
    0.1 s: from async code, call it in a thread.
    """

    def __init__(
        self,
        redis: Redis,
        per_minute: float,
        burst: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError for limits that would let nothing pass."""
        if per_minute <= 0 or burst < 1:
            raise ValueError(f"a limit must let something pass: {per_minute=}, {burst=}")
        self._redis = _impatient(redis)
        self._take = self._redis.register_script(_TAKE)
        self._per_second = per_minute / 60
        self._burst = burst
        self._monotonic = monotonic
        self._rests_until = float("-inf")
        self._warned_at = float("-inf")

    def allow(self, source: str) -> float:
        """Seconds to wait before `source` may send again; 0 means that this one may pass now.

        Never raises: with Redis away, slow or full, it answers 0.
        """
        if self._monotonic() < self._rests_until:
            return 0.0
        try:
            wait = self._take(
                keys=[f"speedtolead:rate:{source}"], args=[self._per_second, self._burst]
            )
            return float(wait)
        except (RedisError, OSError) as error:
            self._let_pass(error)
            return 0.0

    def _let_pass(self, error: Exception) -> None:
        now = self._monotonic()
        self._rests_until = now + REDIS_REST_S
        if now - self._warned_at >= WARN_EVERY_S:
            self._warned_at = now
            log.warning("rate_limit.off", because=type(error).__name__)

    def close(self) -> None:
        """Give the connections back. The client it was made from is not touched."""
        self._redis.connection_pool.disconnect()


def _impatient(redis: Redis) -> Redis:
    """The same server over connections of our own, that neither wait nor try again."""
    pool = redis.connection_pool
    settings: dict[str, Any] = {
        **pool.connection_kwargs,
        "socket_timeout": REDIS_WITHIN_S,
        "socket_connect_timeout": REDIS_WITHIN_S,
        "retry": Retry(NoBackoff(), 0),
    }
    return Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **settings))
