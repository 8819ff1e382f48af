"""What stands before several front doors: a proxy with one address, as an operator has one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import httpx

from tests.story.patience import until

WITHIN_S = 30.0
_OF_THE_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class Balancer:
    """Hands each request to the next door in turn. Doors come and go while requests do."""

    def __init__(self) -> None:
        self._doors: tuple[str, ...] = ()
        self._turn = count()
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()
        # A connection for each request: none is idle in a door that closes.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(timeout=WITHIN_S, trust_env=False, limits=limits)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def opens(self, door: str) -> None:
        """From now on this door, a base address, has its share."""
        self._doors = (*self._doors, door)

    def closes(self, door: str) -> None:
        """Returns when nothing goes there any more, and all that did was answered."""
        with self._lock:
            self._doors = tuple(each for each in self._doors if each != door)
        until(lambda: not self._under_way[door], f"{door} has answered everything")

    def hand_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> _Answer:
        """What a door answers."""
        with self._lock:
            doors = self._doors
            door = doors[next(self._turn) % len(doors)]
            self._under_way[door] += 1
        try:
            answer = self._http.request(method, door + path, headers=headers, content=body)
        finally:
            with self._lock:
                self._under_way[door] -= 1
        return answer.status_code, list(answer.headers.multi_items()), answer.content

    @contextmanager
    def at_its_place(self) -> Iterator[Balancer]:
        """It answers until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._http.close()


_Answer = tuple[int, list[tuple[str, str]], bytes]


def _handler(balancer: Balancer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = _passed_on(list(self.headers.items()))
            headers.append(("Accept-Encoding", "identity"))  # what comes back is passed on as it is
            status, given, answer = balancer.hand_on(self.command, self.path, dict(headers), body)
            self.send_response_only(status)
            for name, words in _passed_on(given):
                self.send_header(name, words)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _hand_on  # noqa: N815  http.server's names

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler


def _passed_on(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    dropped = _OF_THE_CONNECTION | {"accept-encoding"}
    return [(name, words) for name, words in headers if name.lower() not in dropped]
