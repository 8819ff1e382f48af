"""How the team can be reached and how the carrier does: as `/reps`, `/metrics` and `/ready` say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.ledger import breaker, people
from service.rules.breaker import FAILURES_OPEN
from service.rules.timeline import Channel
from tests.rooms.conftest import NewDatabase
from tests.rooms.web_world import ANN, Door, a_house, now, refused


@pytest.fixture(scope="module")
def door(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database()) as opened:
        yield opened


def scraped(door: Door, sample: str) -> str:
    """What `/metrics` says of one sample."""
    lines = door.http.get("/metrics").text.splitlines()
    return next(line.rpartition(" ")[2] for line in lines if line.startswith(f"{sample} "))


def test_everybody_is_reachable_until_something_says_otherwise(door: Door) -> None:
    reps = door.reads("/reps").json()["reps"]
    assert [(each["id"], each["manager"]) for each in reps] == [
        ("ann", False),
        ("bob", False),
        ("mia", True),
    ]
    assert all(channel["reachable"] for each in reps for channel in each["channels"].values())
    assert reps[0]["on_duty"]
    assert ANN not in door.reads("/reps").text


def test_who_cannot_be_reached_is_shown_with_since_when_and_why(door: Door) -> None:
    since = now()
    with door.house.ledger.transaction() as conn:
        people.make_deaf(conn, ANN, Channel.TEXT, since, "cannot_text", 21614)
        people.make_deaf(conn, "+12125559999", Channel.CALL, since, "bad_number", 21217)
    ann = door.reads("/reps", "manager").json()["reps"][0]["channels"]
    assert ann["text"] == {
        "reachable": False,
        "since": since.isoformat(),
        "reason": "cannot_text",
        "code": 21614,
        "last_delivered_at": None,
        "last_answered_at": None,
    }
    assert ann["call"]["reachable"]
    assert scraped(door, 'speedtolead_reps_unreachable{channel="text"}') == "1.0"
    assert scraped(door, 'speedtolead_reps_unreachable{channel="call"}') == "0.0"


def test_reps_are_shown_to_managers_and_integrations_alone(door: Door) -> None:
    refused(door.http.get("/reps"), 401, "unauthorized")
    refused(door.reads("/reps", "metrics"), 403, "forbidden")


def test_an_open_breaker_is_shown_and_leaves_us_ready(door: Door) -> None:
    for name in ("sweep", "worker:1"):
        door.scalar(
            "insert into beat (name, at, detail) values (:name, clock_timestamp(), '{}') "
            "on conflict (name) do update set at = excluded.at returning 1",
            name=name,
        )
    assert door.http.get("/ready").json()["carrier"] == {"ok": True}
    with door.house.ledger.transaction() as conn:
        for _ in range(FAILURES_OPEN):
            breaker.note_failure(conn, Channel.TEXT, now(), "timeout")
    answer = door.http.get("/ready")
    assert (answer.status_code, answer.json()["degraded"]) == (200, ["carrier"])
    because = answer.json()["carrier"]["because"]
    assert because == "fails by text; pages go by other means"
    assert scraped(door, 'speedtolead_carrier_breaker_open{channel="text"}') == "1.0"
    assert scraped(door, 'speedtolead_carrier_breaker_open{channel="call"}') == "0.0"
    with door.house.ledger.transaction() as conn:
        assert breaker.note_success(conn, Channel.TEXT)
    assert door.http.get("/ready").json()["carrier"] == {"ok": True}


def test_what_never_happened_is_counted_as_nothing(door: Door) -> None:
    assert scraped(door, "speedtolead_pages_stuck") == "0.0"
    errors = 'speedtolead_carrier_errors_total{channel="text",code="30006"}'
    assert scraped(door, errors) == "0.0"
    assert scraped(door, 'speedtolead_carrier_breaker_opened_total{channel="call"}') == "0.0"
