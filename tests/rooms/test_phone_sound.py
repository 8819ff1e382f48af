"""The sound of a recording, fetched from a real HTTP server that answers as it is told."""

import socket
import threading
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from service.errors import LineError
from service.phone import sound as sounds
from service.phone.line import Line, NotFound, Sound, Unknown
from service.phone.twilio import TwilioLine

ACCOUNT = "AC" + "0" * 32
SID = "RE" + "4" * 32
MP3 = {"Content-Type": "audio/mpeg"}
SOUND = bytes(range(256)) * 1_000


@dataclass
class Store:
    """Where recordings are; answers every request alike. ``cut``: and breaks off after so much."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(MP3))
    body: bytes = SOUND
    cut: int | None = None
    seen: list[tuple[str, str | None, str | None]] = field(default_factory=list)


def handler_for(store: Store) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = (self.headers.get("Authorization"), self.headers.get("Range"))
            store.seen.append((self.path, *asked))
            self.send_response(store.status)
            for name, value in {"Content-Length": str(len(store.body)), **store.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(store.body[: store.cut])
            if store.cut is not None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:
            """The tests look at what was seen."""

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever has heard enough hangs up on us."""


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    server = Server(("127.0.0.1", 0), handler_for(store))
    store.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield store
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def line(store: Store) -> Line:
    return TwilioLine(ACCOUNT, "the-token", f"http://127.0.0.1:{store.port}", 1.0, 1.0)


def test_a_recording_is_fetched_with_the_accounts_credentials(store: Store, line: Line) -> None:
    found = line.fetch_recording(SID)
    assert isinstance(found, Sound)
    assert (found.media_type, found.length, found.content_range) == ("audio/mpeg", len(SOUND), None)
    assert b"".join(found.pieces) == SOUND
    ((path, authorization, byte_range),) = store.seen
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{SID}.mp3"
    assert b64decode((authorization or "").removeprefix("Basic ")).decode() == (
        f"{ACCOUNT}:the-token"
    )
    assert byte_range is None


def test_a_part_of_it_may_be_asked_for(store: Store, line: Line) -> None:
    """As a phone's player does."""
    store.status, store.body = 206, SOUND[:100]
    store.headers["Content-Range"] = f"bytes 0-99/{len(SOUND)}"
    found = line.fetch_recording(SID, "bytes=0-99")
    assert isinstance(found, Sound)
    assert found.content_range == f"bytes 0-99/{len(SOUND)}"
    assert b"".join(found.pieces) == SOUND[:100]
    assert store.seen[0][2] == "bytes=0-99"


@pytest.mark.parametrize("strange", ["", "lines=1-2", "bytes=0-1,5-9", "bytes=0-1\r\nX: y"])
def test_no_other_header_of_a_strangers_goes_to_the_carrier(
    store: Store, line: Line, strange: str
) -> None:
    assert isinstance(line.fetch_recording(SID, strange), Sound)
    assert store.seen[0][2] is None


@pytest.mark.parametrize("strange", ["", "../../Calls", "RE4", SID + "/..", "CA" + "2" * 32])
def test_what_is_no_recordings_name_is_not_asked_for(
    store: Store, line: Line, strange: str
) -> None:
    assert line.fetch_recording(strange) == NotFound()
    assert store.seen == []


@pytest.mark.parametrize(
    ("status", "headers", "seen"),
    [
        (404, MP3, NotFound()),
        (410, MP3, NotFound()),
        (401, MP3, Unknown("refused")),
        (416, MP3, Unknown("refused")),
        (503, MP3, Unknown("server_error")),
        (200, {"Content-Type": "text/html"}, Unknown("unreadable")),
        (200, {}, Unknown("unreadable")),
        (200, {**MP3, "Content-Length": str(sounds.BYTES_MAX + 1)}, Unknown("unreadable")),
    ],
)
def test_what_cannot_be_played(
    store: Store, line: Line, status: int, headers: dict[str, str], seen: object
) -> None:
    store.status, store.headers = status, headers
    assert line.fetch_recording(SID) == seen


def test_a_recording_that_breaks_off_is_not_taken_for_all_of_it(store: Store, line: Line) -> None:
    store.cut = 1_000
    found = line.fetch_recording(SID)
    assert isinstance(found, Sound)
    with pytest.raises(LineError) as broken:
        b"".join(found.pieces)
    assert broken.value.retryable


def test_a_store_that_sends_us_round_in_circles_is_left(store: Store, line: Line) -> None:
    store.status, store.headers["Location"] = 302, f"http://127.0.0.1:{store.port}/again"
    assert isinstance(line.fetch_recording(SID), Unknown)
    assert len(store.seen) == 1 + sounds.REDIRECTS_MAX


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    line = TwilioLine(ACCOUNT, "the-token", f"http://127.0.0.1:{port}", 1.0, 1.0)
    assert line.fetch_recording(SID) == Unknown("connection")
