"""The front door over a real ledger and a real queue, and the hands of whoever knocks at it.

Nobody works behind it: no worker, no sweep. What they would do, a test does by a verb of the desk.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI
from redis import Redis
from sqlalchemy import text
from twilio.request_validator import (  # type: ignore[import-untyped]  # it ships no types
    RequestValidator,
)

from service.config import Settings
from service.desk.present import load_team
from service.embedded import Servers
from service.ledger import leads, tokens
from service.ledger.tokens import Role
from service.rules.timeline import Event
from service.team.file import parse_team
from service.team.team import Team
from service.web.access import hash_token, new_token
from service.web.app import create_app
from service.wiring import House, build
from tests.rooms.sandbox_world import free_port, serving

PUBLIC_URL = "https://leads.example.com"
WEBSITE_KEY, PORTAL_KEY = "website-key-of-the-tests", "portal-key-of-the-tests"
ANN, BOB, MIA = "+12125550101", "+12125550102", "+12125550109"
PAGES_FROM, MAIN_LINE = "+15005550006", "+15005550007"

TEAM = f"""
team: Sunrise Solar
timezone: America/New_York
carrier: {{pages_from: "{PAGES_FROM}", leads_from: "{MAIN_LINE}", calls_per_second: 1000}}
hours: {{mon-sun: "00:00-24:00"}}
reps:
  - {{id: ann, name: Ann Lee, phone: "{ANN}"}}
  - {{id: bob, name: Bob Ray, phone: "{BOB}"}}
managers:
  - {{id: mia, name: Mia Fox, phone: "{MIA}", last_resort: true}}
shifts:
  - {{days: mon-sun, from: "00:00", to: "24:00", reps: [ann, bob]}}
sources:
  - {{id: website, kind: json, key: {WEBSITE_KEY}}}
  - {{id: portal, kind: json, key: {PORTAL_KEY}, per_minute: 2}}
  - {{id: unset, kind: json, key: "env:A_KEY_THAT_NOBODY_SET"}}
  - {{id: form, kind: form, key: public-form, origins: ["https://www.example.com"]}}
  - {{id: main-line, kind: call, number: "{MAIN_LINE}"}}
turn: in-order
"""


@dataclass
class Door:
    """A house with its front door, and a caller who may be anybody."""

    house: House
    app: FastAPI
    http: httpx.Client

    # Leads

    def hands_in(
        self,
        body: object = None,
        *,
        source: str = "website",
        key: str | None = WEBSITE_KEY,
        **headers: str,
    ) -> httpx.Response:
        """Post a lead as a source would; bytes go as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body or a_person())
        sent = {"Content-Type": "application/json"}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        return self.http.post(f"/leads/{source}", content=content, headers=raw)

    def new_lead(self, **person: object) -> str:
        """A lead that was handed in; its id."""
        answer = self.hands_in(a_person(**person))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["lead_id"])

    def tells(
        self, lead_id: str, body: object, key: str | None = "told-once", token: str = ""
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body)
        headers = bearer(token or self.token("api")) | ({"Idempotency-Key": key} if key else {})
        return self.http.post(f"/leads/{lead_id}/events", content=content, headers=headers)

    def reads(self, path: str, role: Role = "api", **params: object) -> httpx.Response:
        given = {name: str(value) for name, value in params.items()}
        return self.http.get(path, params=given, headers=bearer(self.token(role)))

    def token(self, role: Role) -> str:
        token = new_token()
        with self.house.ledger.transaction() as conn:
            tokens.add_token(conn, hash_token(token), role)
        return token

    # Twilio

    def twilio(
        self, path: str, fields: dict[str, str], *, token: str | None = None
    ) -> httpx.Response:
        """Post as Twilio would, signed over the public URL with the account's first token."""
        signer = RequestValidator(token or self.house.account.auth_tokens[0])
        signature = signer.compute_signature(f"{PUBLIC_URL}{path}", fields)
        return self.unsigned(path, fields, {"X-Twilio-Signature": signature})

    def unsigned(
        self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None
    ) -> httpx.Response:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(fields).encode()
        return self.http.post(path, content=body, headers=kind | (headers or {}))

    # What is behind the door

    def timeline(self, lead_id: str) -> tuple[Event, ...]:
        with self.house.ledger.snapshot() as conn:
            return leads.timeline_of(conn, lead_id)  # type: ignore[arg-type]  # a plain id

    def scalar(self, sql: str, **values: object) -> Any:
        """A figure the product has no query for; for tests alone."""
        with self.house.ledger.transaction() as conn:
            return conn.execute(text(sql), values).scalar()

    def loads(self, team: str) -> None:
        load_team(self.house.ledger, team_of(team), now())


def team_of(text: str, *, bridges: bool = False) -> Team:
    """A team; ``bridges``: whoever takes a lead is connected, in daytime alone. So most tests,
    which live by the machine's clock, do without."""
    team = parse_team(text, "team.yaml", (2026, 2027))
    calls = replace(team.policy.calls, bridge=bridges)
    return replace(team, policy=replace(team.policy, calls=calls))


def refused(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The answer's problem document, which must be whole and give nothing away."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["type"] == f"/problems/{kind}"
    assert told["status"] == status
    assert told["title"]
    for secret in ("Traceback", "sqlalchemy", "psycopg", WEBSITE_KEY, 'File "'):
        assert secret not in answer.text
    return told


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


_numbers = iter(range(10_000_000))


def a_person(**changes: object) -> dict[str, object]:
    """Somebody new, as a website sends them."""
    number = next(_numbers)
    plain = {"name": "Dana Reyes", "phone": f"+1646{5550000 + number:07}", "ask": "Solar, a barn"}
    return plain | changes


def now() -> datetime:
    return datetime.now(UTC)


def settings(home: Path, database_url: str, redis_url: str, **more: Any) -> Settings:
    given: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "public_url": PUBLIC_URL,
        "data_dir": home,
        "secret_key": "0123456789abcdef0123456789abcdef",
    }
    return Settings(**{**given, **more})


@contextmanager
def a_queue(home: Path) -> Iterator[str]:
    """A real Valkey for as long as the block lasts; its address."""
    with Servers(home / "queue", with_postgres=False, durable=False) as servers:
        assert servers.redis_url is not None
        yield servers.redis_url


@contextmanager
def a_house(database_url: str, team: str | None = TEAM, *, bridges: bool = False) -> Iterator[Door]:
    """A front door with a queue of its own."""
    home = Path(tempfile.mkdtemp(prefix="speedtolead-web-"))
    try:
        with (
            a_queue(home) as redis_url,
            front_door(settings(home, database_url, redis_url), team, bridges=bridges) as door,
        ):
            yield door
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def front_door(made: Settings, team: str | None = TEAM, *, bridges: bool = False) -> Iterator[Door]:
    """A front door on a real port, with this team loaded; without one when ``team`` is None."""
    house = build(made, "tests", connections=4)
    app = create_app(house)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    try:
        if team is not None:
            load_team(house.ledger, team_of(team, bridges=bridges), now())
        with (
            serving(app, port),
            httpx.Client(base_url=base, timeout=30, trust_env=False) as http,
        ):
            yield Door(house, app, http)
    finally:
        house.ledger.dispose()
        house.redis.connection_pool.disconnect()


def waiting_jobs(redis: Redis) -> int:
    """How many wakes are on the queue."""
    found = redis.llen("rq:queue:leads")
    assert isinstance(found, int)
    return found
