"""A stand-in carrier on a real port, our side of the wire as a tiny receiver, and a person's hands.

The receiver checks every signature with the official validator and answers what a test told it to.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, cast
from urllib.parse import parse_qsl

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp
from twilio.request_validator import (  # type: ignore[import-untyped]  # it ships no types
    RequestValidator,
)
from twilio.rest import Client  # type: ignore[import-untyped]  # it ships no types

from service.sandbox.app import CarrierConfig, Handset, create_app
from service.sandbox.faults import DeliberateCut

SID, TOKEN = "AC" + "5" * 32, "a-token-of-the-tests"
ANN, BOB, MIA = "+12125550101", "+12125550102", "+12125550109"
OURS, OTHER = "+15005550006", "+15005550007"
PATIENCE_S = 5.0  # no wait of a test may last longer
SCALE = 0.02  # a Gather's usual 5 s are 0.1 s


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return cast(int, probe.getsockname()[1])


@contextmanager
def serving(app: ASGIApp, port: int) -> Iterator[None]:
    """Run `app` by uvicorn in a thread until the block ends."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1
    )
    config.load()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    gate, until = threading.Event(), time.monotonic() + PATIENCE_S
    while not server.started and time.monotonic() < until:
        gate.wait(0.01)
    assert server.started, "the server did not start"
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


@dataclass(frozen=True)
class Heard:
    """One request that reached our side."""

    path: str
    params: dict[str, str]
    token: str
    signed: bool


@dataclass
class Receiver:
    """Our side of the wire. `answers` maps a path to a list of answers; the last one stays."""

    port: int
    heard: list[Heard] = field(default_factory=list)
    answers: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.add_api_route("/{path:path}", self._take, methods=["GET", "POST"])
        return app

    async def _take(self, request: Request) -> Response:
        raw = (await request.body()).decode()
        params = dict(parse_qsl(raw, keep_blank_values=True))
        path = request.url.path
        asked = path + (f"?{request.url.query}" if request.url.query else "")
        signature = request.headers.get("x-twilio-signature", "")
        signed = RequestValidator(TOKEN).validate(self.url(asked), params, signature)
        token = request.headers.get("i-twilio-idempotency-token", "")
        with self._news:
            self.heard.append(Heard(asked, params, token, signed))
            told = self.answers.get(path, [(200, "<Response/>")])
            status, body = told.pop(0) if len(told) > 1 else told[0]
            self._news.notify_all()
        return Response(body, status, media_type="text/xml")

    def expect(self, path: str, count: int = 1) -> list[Heard]:
        """The requests to `path`, once there are `count`; fails if they do not come."""

        def matching() -> list[Heard]:
            return [h for h in self.heard if h.path.split("?")[0] == path]

        with self._news:
            there = self._news.wait_for(lambda: len(matching()) >= count, PATIENCE_S)
            assert there, f"{path}: wanted {count}, heard {self.heard}"
            return matching()

    def forget(self) -> None:
        self.heard.clear()
        self.answers.clear()


class Hand:
    """A person with a phone: reads what arrives in order, writes, answers, presses keys."""

    def __init__(self, http: httpx.Client, number: str) -> None:
        self._http = http
        self.number = number
        self.after = 0

    def expects(self, kind: str) -> dict[str, Any]:
        """The next item of that kind, passing over others; fails if none comes in time."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = self._http.get(
                f"/sandbox/api/phones/{self.number}",
                params={"after": self.after, "wait": 2, "limit": 1},
            ).json()
            self.after = found["cursor"]
            for item in found["items"]:
                if item["kind"] == kind:
                    return cast(dict[str, Any], item)
        raise AssertionError(f"{self.number} never got {kind}")

    def writes(self, body: str, **more: str) -> dict[str, Any]:
        return self._post(f"phones/{self.number}/texts", {"body": body, **more})

    def sets(self, **settings: object) -> Self:
        self._post(f"phones/{self.number}/settings", settings)
        return self

    def dials(self, to: str = OTHER, **more: str) -> dict[str, Any]:
        return self._post(f"phones/{self.number}/call", {"to": to, **more})

    def does(self, act: str, sid: str) -> dict[str, Any]:
        return self._post(f"calls/{sid}/{act}", {})

    def presses(self, sid: str, digits: str) -> dict[str, Any]:
        return self._post(f"calls/{sid}/keys", {"digits": digits})

    def _post(self, path: str, body: object) -> dict[str, Any]:
        answer = self._http.post(f"/sandbox/api/{path}", json=body)
        answer.raise_for_status()
        return cast(dict[str, Any], answer.json())


@dataclass
class World:
    """The carrier, our receiver and the official client pointed at the carrier."""

    base: str
    ours: Receiver
    http: httpx.Client
    twilio: Any

    def hand(self, number: str = ANN) -> Hand:
        return Hand(self.http, number)

    def fault(self, where: str, do: str, **more: object) -> None:
        answer = self.http.post("/sandbox/api/faults", json=[{"where": where, "do": do, **more}])
        assert answer.status_code == 201, answer.text

    def says(self, path: str, *verbs: str) -> str:
        """From now on our side answers so to that path; returns its URL."""
        self.ours.answers[path] = [(200, f"<Response>{''.join(verbs)}</Response>")]
        return self.ours.url(path)

    def keeps_to_the_documents(self) -> None:
        """Nothing that Twilio does not document was asked or answered."""
        assert self.violations() == []

    def violations(self) -> list[str]:
        noted = self.http.get("/sandbox/api/violations").json()["violations"]
        return [each["what"] for each in noted]

    def call(self, sid: str) -> dict[str, Any]:
        return cast(dict[str, Any], self.http.get(f"/sandbox/api/calls/{sid}").json())

    def call_to(self, number: str) -> str:
        """Call that phone; what becomes of it, once that is settled."""
        asked = '<Response><Pause length="600"/></Response>'
        call = self.twilio.calls.create(to=number, from_=OURS, twiml=asked)
        settled = ("in-progress", "busy", "no-answer", "failed")
        return self.until_status(self.twilio.calls(call.sid).fetch, *settled)

    def until_status(self, fetch: Callable[[], Any], *wanted: str) -> str:
        """Ask until the resource has one of the statuses; bounded, paced by the item log."""
        after, until = 0, time.monotonic() + PATIENCE_S
        while True:
            status = str(fetch().status)
            if status in wanted or time.monotonic() > until:
                assert status in wanted, f"stayed {status}, wanted {wanted}"
                return status
            news = self.http.get(
                "/sandbox/api/deliveries", params={"after": after, "wait": 0.1}
            ).json()
            after = news["cursor"]


@contextmanager
def sandbox_world(calls_per_second: float = 1.0) -> Iterator[World]:
    """Everything above, running. The fault that cuts answers must not look like a server error."""
    import logging

    logging.getLogger("uvicorn.error").addFilter(DeliberateCut())
    port, ours = free_port(), Receiver(free_port())
    carrier = CarrierConfig(
        account_sid=SID,
        auth_token=TOKEN,
        sms_url=ours.url("/twilio/sms"),
        voice_url=ours.url("/twilio/voice"),
        voice_status_url=ours.url("/twilio/ended"),
        lead_url=ours.url("/leads/website"),
        lead_key="the-source-key",
        timeline_url=ours.url("/leads"),
        people=(
            Handset("Ann Lee", ANN),
            Handset("Bob Ray", BOB),
            Handset("Mia Fox", MIA, "manager"),
        ),
        seconds_scale=SCALE,
        calls_per_second=calls_per_second,
        network_s=0.01,
    )
    base = f"http://127.0.0.1:{port}"
    client = Client(SID, TOKEN)
    client.api.base_url = base
    with (
        serving(ours.app(), ours.port),
        serving(create_app(carrier), port),
        httpx.Client(base_url=base, timeout=30, trust_env=False) as http,
    ):
        yield World(base, ours, http, client)
