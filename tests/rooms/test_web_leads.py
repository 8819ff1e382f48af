"""Leads handed in as JSON: stored once, acknowledged only then, refused in plain words."""

import threading
import time
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.rooms.conftest import NewDatabase
from tests.rooms.sandbox_world import PATIENCE_S
from tests.rooms.web_world import (
    PORTAL_KEY,
    PUBLIC_URL,
    TEAM,
    Door,
    a_house,
    a_person,
    refused,
    waiting_jobs,
)


@pytest.fixture(scope="module")
def door(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database()) as opened:
        yield opened


def kept_unreadable(door: Door) -> int:
    return int(door.scalar("select count(*) from unreadable"))


def stored(door: Door) -> int:
    return int(door.scalar("select count(*) from lead"))


def test_a_lead_is_stored_and_on_the_queue_before_it_is_acknowledged(door: Door) -> None:
    waiting = waiting_jobs(door.house.redis)
    answer = door.hands_in()
    assert answer.status_code == 202
    told = answer.json()
    assert told["duplicate"] is False
    assert told["status_url"] == f"{PUBLIC_URL}/leads/{told['lead_id']}"
    assert [event.kind for event in door.timeline(told["lead_id"])] == ["arrived"]
    assert waiting_jobs(door.house.redis) == waiting + 1


def test_the_same_idempotency_key_is_the_same_lead(door: Door) -> None:
    first = door.hands_in(a_person(), Idempotency_Key="one-request")
    again = door.hands_in(a_person(), Idempotency_Key="one-request")
    assert again.status_code == 202
    assert again.json() == first.json() | {"duplicate": True}


def test_the_same_external_id_is_the_same_lead(door: Door) -> None:
    first = door.hands_in(a_person(external_id="submission-7"))
    again = door.hands_in(a_person(external_id="submission-7"))
    assert again.json() == first.json() | {"duplicate": True}


@pytest.mark.parametrize("key", ["", "two words", "k" * 256, "clé"])
def test_an_idempotency_key_that_is_none_is_refused(door: Door, key: str) -> None:
    kept = kept_unreadable(door)
    answer = door.hands_in(Idempotency_Key=key)
    assert refused(answer, 422, "unreadable")["field"] == "Idempotency-Key"
    assert kept_unreadable(door) == kept + 1


def test_the_longest_idempotency_key_is_taken(door: Door) -> None:
    assert door.hands_in(Idempotency_Key="k" * 255).status_code == 202


@pytest.mark.parametrize("source", ["nobody", "form", "main-line", "%00", "a" * 3000, "..;x"])
def test_what_is_no_json_source_is_not_there(door: Door, source: str) -> None:
    refused(door.hands_in(source=source), 404, "unknown-source")


@pytest.mark.parametrize("key", [None, "\xe9", "wrong", PORTAL_KEY])
def test_without_the_sources_key_nothing_is_taken_or_kept(door: Door, key: str | None) -> None:
    before = stored(door), kept_unreadable(door)
    for body in (None, b"{broken"):
        answer = door.hands_in(body, key=key)
        refused(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert (stored(door), kept_unreadable(door)) == before


def test_a_source_whose_key_is_not_set_is_closed_and_the_operator_told_once(door: Door) -> None:
    with capture_logs() as logs:
        for key in ('""', "None", "env:A_KEY_THAT_NOBODY_SET"):
            answer = door.hands_in(source="unset", key=key)
            assert "A_KEY" not in refused(answer, 401, "unauthorized")["detail"]
    errors = [line for line in logs if line["log_level"] == "error"]
    assert len(errors) == 1
    assert "A_KEY_THAT_NOBODY_SET" in errors[0]["because"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", None),
        (b"{", None),
        (b"\xff\xfe\x00", None),
        (b"[1, 2]", None),
        (b'"a lead"', None),
        (b"{" + b'"a":{' * 200 + b"}" * 201, None),
        (b'{"name": {"deep": 1}, "phone": true}', "phone"),
        (b'{"submitted_at": "yesterday", "phone": "+12125550123"}', "submitted_at"),
        (b"{}", None),
    ],
)
def test_what_cannot_be_read_is_kept_and_the_field_named(
    door: Door, body: bytes, field: str | None
) -> None:
    before, leads = kept_unreadable(door), stored(door)
    told = refused(door.hands_in(body), 422, "unreadable")
    if field is not None:
        assert field in (told["field"], "phone")
    assert kept_unreadable(door) == before + 1
    assert stored(door) == leads
    held = door.scalar("select body from unreadable order by id desc limit 1")
    assert bytes(held) == body


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]
)
def test_only_json_is_understood(door: Door, content_type: str) -> None:
    answer = door.hands_in(Content_Type=content_type)
    refused(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"]
)
def test_json_by_any_of_its_names_is(door: Door, content_type: str) -> None:
    assert door.hands_in(Content_Type=content_type).status_code == 202


def test_a_body_of_a_megabyte_is_refused(door: Door) -> None:
    answer = door.hands_in(a_person(ask="x" * 1_000_000))
    assert "65536" in refused(answer, 413, "too-large")["detail"]
    refused(door.hands_in(a_person(ask="x" * 1_000_000), key="wrong"), 401, "unauthorized")


@pytest.mark.parametrize(
    "name",
    [
        "'; drop table lead; --",
        "<script>alert(1)</script>",
        "Dana\x00\u202eReyes",
        "\ud83d\ude00" * 400,
        "a" * 50_000,
        "${jndi:ldap://x}",
    ],
)
def test_hostile_names_are_a_leads_name_and_nothing_else(door: Door, name: str) -> None:
    lead_id = door.new_lead(name=name)
    answer = door.reads(f"/leads/{lead_id}")
    assert answer.headers["content-type"] == "application/json"
    shown = answer.json()["lead"]["name"]
    assert "\x00" not in shown
    assert "\u202e" not in shown
    assert len(shown) <= 200


def test_a_number_without_a_country_is_of_the_teams_own(door: Door) -> None:
    lead_id = door.new_lead(phone="(718) 555-0142")
    assert door.reads(f"/leads/{lead_id}").json()["lead"]["phone"] == "+17185550142"


def test_more_than_its_share_is_refused_with_when_to_come_again(door: Door) -> None:
    answers = [door.hands_in(source="portal", key=PORTAL_KEY) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    refused(answers[-1], 429, "too-many")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 30
    assert door.hands_in().status_code == 202, "other sources are not touched by it"


def test_a_new_source_in_the_team_file_is_open_within_moments(door: Door) -> None:
    landing = "  - {id: landing, kind: json, key: landing-key-of-the-tests}\nturn:"
    refused(door.hands_in(source="landing", key="landing-key-of-the-tests"), 404, "unknown-source")
    door.loads(TEAM.replace("turn:", landing))
    until = time.monotonic() + PATIENCE_S
    while door.hands_in(source="landing", key="landing-key-of-the-tests").status_code != 202:
        assert time.monotonic() < until, "it never opened"
        threading.Event().wait(0.05)
    assert door.hands_in().status_code == 202, "the others stay open"


def test_a_wrong_method_and_a_slash_too_much_are_said_plainly(door: Door) -> None:
    answer = door.http.put("/leads/website")
    refused(answer, 405, "method-not-allowed")
    refused(door.http.post("/leads/website/"), 404, "not-found")
    refused(door.http.get("/no/such/place"), 404, "not-found")


def test_without_a_team_nothing_is_taken_and_the_source_sends_again(
    new_database: NewDatabase,
) -> None:
    with a_house(new_database(), team=None) as empty:
        answer = empty.hands_in()
        refused(answer, 503, "ledger-unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        empty.loads(TEAM)
        assert empty.hands_in().status_code == 202
