"""Whether the service can do its work, said part by part; and the pages a newcomer opens."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from service.embedded import Servers
from service.errors import ConfigError
from service.ledger import health
from service.ledger.migrations import migrate
from service.web.access import from_this_machine
from service.web.app import create_app
from service.wiring import build
from tests.rooms.conftest import NewDatabase
from tests.rooms.web_world import Door, a_house, a_queue, front_door, refused, settings


@pytest.fixture(scope="module")
def door(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database()) as opened:
        yield opened


@pytest.fixture
def home() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="speedtolead-web-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def beats(door: Door, name: str, **detail: Any) -> None:
    with door.house.ledger.transaction() as conn:
        health.beat(conn, name, detail)


def grows_old(door: Door, name: str, seconds: float) -> None:
    door.scalar(
        "update beat set at = clock_timestamp() - make_interval(secs => :s) where name = :name"
        " returning 1",
        s=seconds,
        name=name,
    )


def failing(door: Door) -> list[str]:
    """Which parts are not in order; the status must say the same."""
    answer = door.http.get("/ready")
    told = answer.json()
    wrong = [name for name, part in told.items() if isinstance(part, dict) and not part["ok"]]
    needed = [name for name in wrong if name not in told["degraded"]]
    assert told["ready"] is (not needed)
    assert answer.status_code == (503 if needed else 200)
    return wrong


def test_live_asks_nobody(door: Door) -> None:
    assert door.http.get("/live").status_code == 200


def test_ready_names_who_is_silent(door: Door) -> None:
    assert failing(door) == ["sweep", "worker"]
    beats(door, "sweep")
    beats(door, "worker:1")
    beats(door, "worker:2")
    assert failing(door) == []
    grows_old(door, "worker:1", 21)
    assert failing(door) == [], "one worker is enough"
    grows_old(door, "worker:2", 21)
    grows_old(door, "sweep", 11)
    assert failing(door) == ["sweep", "worker"]


def test_ready_says_what_the_audit_found(door: Door) -> None:
    beats(door, "sweep")
    beats(door, "worker:1")
    beats(door, "audit", ok=True, stuck=0)
    assert failing(door) == []
    beats(door, "audit", ok=False, stuck=3)
    assert failing(door) == ["audit"]
    assert door.http.get("/ready").json()["audit"]["stuck"] == 3
    beats(door, "audit", ok=True, stuck=0)
    grows_old(door, "audit", 181)
    assert failing(door) == ["audit"]


def test_ready_wants_a_team(new_database: NewDatabase) -> None:
    with a_house(new_database(), team=None) as empty:
        assert failing(empty) == ["team", "sweep", "worker"]


def test_what_still_works_when_the_queue_and_then_the_ledger_are_gone(home: Path) -> None:
    with ExitStack() as all_servers:
        ledger = all_servers.enter_context(
            Servers(home / "ledger", with_valkey=False, durable=False)
        )
        queue = all_servers.enter_context(ExitStack())
        redis_url = queue.enter_context(a_queue(home))
        assert ledger.database_url is not None
        migrate(ledger.database_url)
        made = settings(home, ledger.database_url, redis_url)
        with front_door(made) as door:
            beats(door, "sweep")
            beats(door, "worker:1")
            token = door.token("api")
            assert door.hands_in().status_code == 202
            assert failing(door) == []
            queue.close()
            _works_without_a_queue(door)
            ledger.stop()
            _says_that_nothing_is_stored(door, token)


def _works_without_a_queue(door: Door) -> None:
    answer = door.hands_in()
    assert answer.status_code == 202
    assert door.scalar(
        "select look_again_at <= now() from lead where id = :id", id=answer.json()["lead_id"]
    ), "the sweep will find it"
    assert failing(door) == ["queue"]
    told = door.http.get("/ready").json()
    assert (told["ready"], told["degraded"]) == (True, ["queue"])
    scraped = door.http.get("/metrics").text
    assert "speedtolead_queue_jobs{" not in scraped
    assert "speedtolead_ledger_up 1.0" in scraped


def _says_that_nothing_is_stored(door: Door, token: str) -> None:
    for answer in (
        door.hands_in(),
        door.hands_in(b"{broken"),
        door.twilio("/twilio/sms", {"MessageSid": "SM1", "From": "+12125550101", "To": "+1500"}),
        door.twilio("/twilio/pages/page-1/say", {"CallSid": "CA1"}),
        door.http.get("/leads", headers={"Authorization": f"Bearer {token}"}),
    ):
        told = refused(answer, 503, "ledger-unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert str(door.house.settings.data_dir) not in told["detail"]
    assert set(failing(door)) == {
        "ledger", "queue", "team", "sweep", "worker", "audit", "carrier",
    }  # fmt: skip
    assert door.http.get("/live").status_code == 200
    scraped = door.http.get("/metrics")
    assert scraped.status_code == 200
    assert "speedtolead_ledger_up 0.0" in scraped.text
    assert "speedtolead_leads_received_total{" not in scraped.text


# Pages


def test_the_first_page_says_where_to_go(door: Door) -> None:
    answer = door.http.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for path in ("/sandbox", "/ready", "/metrics", "/docs"):
        assert f'href="{path}"' in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "<style" not in answer.text
    for path, kind in (("/static/page.css", "text/css"), ("/static/icon.svg", "image/svg+xml")):
        assert f'href="{path}"' in answer.text
        assert door.http.get(path).headers["content-type"].startswith(kind)


def test_the_way_to_the_phones(door: Door) -> None:
    answer = door.http.get("/sandbox")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{door.house.settings.sandbox_url}/sandbox"


def test_with_a_real_carrier_there_are_no_phones(new_database: NewDatabase, home: Path) -> None:
    with a_queue(home) as redis_url:
        real = {"twilio_account_sid": "AC" + "1" * 32, "twilio_auth_token": "one,two"}
        made = settings(home, new_database(), redis_url, **real)
        with front_door(made) as door:
            refused(door.http.get("/sandbox"), 404, "not-found")
            assert 'href="/sandbox"' not in door.http.get("/").text
            fields = {"MessageSid": "SM1", "From": "+12125550101", "To": "+1500", "Body": "1"}
            for token in ("one", "two"):  # while one is rotated, either signs
                assert door.twilio("/twilio/sms", fields, token=token).status_code == 200
            refused(door.twilio("/twilio/sms", fields, token="three"), 403, "forbidden")


def test_the_interface_is_documented_with_its_refusals(door: Door) -> None:
    document = door.http.get("/openapi.json").json()
    assert set(document["paths"]) >= {"/leads", "/leads/{id}", "/leads/{id}/events", "/twilio/sms"}
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in str(document)
    taking = document["paths"]["/leads/{id}"]["post"]["responses"]
    assert set(taking) == {"202", "401", "404", "408", "413", "415", "422", "429", "503"}
    for status, response in taking.items():
        kind = "application/json" if status == "202" else "application/problem+json"
        assert kind in response["content"]
    docs = door.http.get("/docs")
    assert docs.status_code == 200
    assert "cdn.jsdelivr.net" in docs.headers["content-security-policy"]


def test_a_public_url_that_cannot_be_signed_for_is_refused_at_the_start(home: Path) -> None:
    made = settings(home, "postgresql://nowhere/x", "redis://nowhere", public_url="http://[::1]:80")
    with pytest.raises(ConfigError, match="PUBLIC_URL"):
        create_app(build(made, "tests"))


# Who is this machine


@pytest.mark.parametrize(
    ("client", "headers", "ours"),
    [
        (("127.0.0.1", 1), {}, True),
        (("127.8.8.8", 1), {}, True),
        (("::1", 1), {}, True),
        (("::ffff:127.0.0.1", 1), {}, True),
        (("192.0.2.7", 1), {}, False),
        (("::ffff:192.0.2.7", 1), {}, False),
        (("localhost", 1), {}, False),
        (None, {}, False),
        (("127.0.0.1", 1), {"x-forwarded-for": "127.0.0.1"}, False),
        (("127.0.0.1", 1), {"x-forwarded-for": ""}, False),
        (("127.0.0.1", 1), {"forwarded": "for=127.0.0.1"}, False),
    ],
)
def test_only_this_machine_is_this_machine(
    client: tuple[str, int] | None, headers: dict[str, str], ours: bool
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    request = Request({"type": "http", "headers": raw, "client": client})
    assert from_this_machine(request) is ours
