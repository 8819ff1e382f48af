"""The bench's carrier: it notes when each message's request came in, and accepts it.

As cheap as it can be made, because it runs on the cores that are measured: no signature is
checked, nobody's phone is played. Not the stand-in carrier of `service.sandbox`, which is both.
Run by itself: `python -m tests.bench.carrier PORT`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlencode, urlsplit

import uvicorn
from starlette.types import Receive, Scope, Send
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # no types

from tests.bench.traffic import Door, Pool, Sample

ACCOUNT_SID = "AC" + "b" * 32
AUTH_TOKEN = "the-token-of-the-bench"

TELL_TRIES_MAX = 4
"""The product asks for three retries in its callback URLs, also after a 5xx."""
TELL_AGAIN_S = 1.0
REFUSED = 400
SAID_MAX = 200
LISTED_MAX = 50
"""As many as Twilio's own first page of a list."""


class Carrier:
    """Accepts messages and calls after `delay_s`; tells what came, and when."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.receipts = False
        self._arrived: list[tuple[int, str, str, str]] = []
        self._made: list[dict[str, Any]] = []
        self._validator = RequestValidator(AUTH_TOKEN)
        self._pools: dict[int, Pool] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. The instant counts from here, when its headers have been read."""
        if scope["type"] != "http":
            return
        came_ns = time.monotonic_ns()
        path, query = scope["path"], scope["query_string"].decode()
        answer: Any
        if scope["method"] == "POST" and path.endswith(("/Messages.json", "/Calls.json")):
            form = dict(parse_qsl((await _body(receive)).decode(), keep_blank_values=True))
            status, answer = await self._accept(came_ns, path, form)
        elif path == "/bench/arrivals":
            status, answer = 200, self._arrived
        elif path == "/bench/reset":
            asked = {key: values[0] for key, values in parse_qs(query).items()}
            self.delay_s = float(asked.get("delay_s", "0"))
            self.receipts = asked.get("receipts") == "1"
            self._arrived, self._made = [], []
            status, answer = 200, {}
        elif path.endswith("/Messages.json"):
            status, answer = 200, {"messages": self._listed(query), "page_size": LISTED_MAX}
        else:
            status, answer = 200, {"sid": ACCOUNT_SID, "status": "active"}
        await _answer(send, status, answer)

    async def _accept(
        self, came_ns: int, path: str, form: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        kind = "text" if path.endswith("/Messages.json") else "call"
        told_at = urlsplit(form.get("StatusCallback", "")).path
        self._arrived.append((came_ns, form.get("To", ""), form.get("Body", kind), told_at))
        made = {
            "sid": f"{'SM' if kind == 'text' else 'CA'}{len(self._arrived):032x}",
            "status": "queued",
            "direction": "outbound-api",
            "to": form.get("To"),
            "from": form.get("From"),
            "body": form.get("Body"),
            "date_created": formatdate(usegmt=True),
        }
        self._made.append(made)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        callback = form.get("StatusCallback")
        if self.receipts and kind == "text" and callback:
            task = asyncio.create_task(self._tell(urlsplit(callback)._replace(fragment=""), made))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        return 201, made

    async def _tell(self, callback: SplitResult, made: dict[str, Any]) -> None:
        """The two receipts that follow a text: the network has it, the handset has it."""
        port = callback.port or 80
        pool = self._pools.setdefault(port, Pool(port))
        for status in ("sent", "delivered"):
            form = {
                "MessageSid": made["sid"],
                "MessageStatus": status,
                "To": made["to"],
                "From": made["from"],
                "AccountSid": ACCOUNT_SID,
            }
            signature = self._validator.compute_signature(callback.geturl(), form)
            wire = _receipt(callback, urlencode(form), signature)
            for _ in range(TELL_TRIES_MAX):
                receipt = Sample(Door(port, callback.path), made["sid"], made["to"])
                try:
                    await pool.send(receipt, wire)
                except (OSError, asyncio.IncompleteReadError) as lost:
                    sys.stderr.write(f"receipt lost: {lost!r}\n")
                if 0 < receipt.status < REFUSED:
                    break
                said = receipt.body.decode(errors="replace")[:SAID_MAX]
                sys.stderr.write(f"receipt {status} answered {receipt.status} {said}\n")
                await asyncio.sleep(TELL_AGAIN_S)

    def _listed(self, query: str) -> list[dict[str, Any]]:
        to = parse_qs(query).get("To", [None])[0]
        return [made for made in reversed(self._made) if made["to"] == to][:LISTED_MAX]


def _receipt(callback: SplitResult, body: str, signature: str) -> bytes:
    head = (
        f"POST {callback.path} HTTP/1.1\r\nHost: {callback.netloc}\r\n"
        f"X-Twilio-Signature: {signature}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _answer(send: Send, status: int, answer: Any) -> None:
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        Carrier(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
    )
