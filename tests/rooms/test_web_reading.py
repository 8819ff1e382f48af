"""Leads read back, and facts told from outside: who may, in which shape, how often it counts."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from starlette.requests import Request

from service.errors import NotAllowed
from service.ledger import tokens
from service.web.access import ROLE_KEPT_S, Access, hash_token
from tests.rooms.conftest import NewDatabase
from tests.rooms.web_world import Door, a_house, bearer, now, refused


@pytest.fixture(scope="module")
def door(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database()) as opened:
        yield opened


# Reading one


def test_a_lead_is_shown_with_its_standing_and_timeline(door: Door) -> None:
    lead_id = door.new_lead(name="Dana Reyes", city="Austin", state="TX", shoe_size="42")
    shown = door.reads(f"/leads/{lead_id}", "manager").json()
    assert shown["lead"]["id"] == lead_id
    assert shown["lead"]["source"] == "website"
    assert (shown["lead"]["name"], shown["lead"]["city"]) == ("Dana Reyes", "Austin")
    assert shown["lead"]["extra"] == {"shoe_size": "42"}
    standing = shown["standing"]
    assert standing["state"] == "waiting"
    assert standing["owner"] is None
    assert (standing["rung"], standing["attempts"], standing["owed"]) == (0, 0, [])
    assert standing["first_attempt_at"] is None
    assert standing["first_contact_at"] is None
    assert standing["look_again_at"] == shown["lead"]["arrived_at"]
    assert standing["policy_version"] == 1
    (arrived,) = shown["timeline"]
    assert (arrived["seq"], arrived["event"], arrived["actor"]) == (1, "arrived", "source:website")
    assert datetime.fromisoformat(arrived["at"]).tzinfo is not None
    assert arrived["because"]
    assert arrived["source"] == "website"


def test_an_erased_person_leaves_the_shape(door: Door) -> None:
    lead_id = door.new_lead(name="Dana Reyes")
    door.scalar("delete from person where lead_id = :id returning 1", id=lead_id)
    shown = door.reads(f"/leads/{lead_id}").json()
    assert shown["lead"]["erased"] is True
    assert (shown["lead"]["name"], shown["lead"]["phone"]) == ("", None)
    assert shown["timeline"][0]["event"] == "arrived"


@pytest.mark.parametrize("lead_id", ["A" * 24, "short", "%00" * 24, "x" * 500, "'; drop--"])
def test_a_lead_that_is_not_there(door: Door, lead_id: str) -> None:
    refused(door.reads(f"/leads/{lead_id}"), 404, "not-found")


# Who may


@pytest.mark.parametrize("path", ["/leads", "/leads/" + "A" * 24])
def test_reading_needs_a_token_of_the_right_role(door: Door, path: str) -> None:
    for headers in ({}, bearer("stl_unknown"), bearer("x" * 5000), {"Authorization": "Basic x"}):
        refused(door.http.get(path, headers=headers), 401, "unauthorized")
    refused(door.reads(path, "metrics"), 403, "forbidden")


def test_telling_needs_the_api_role(door: Door) -> None:
    lead_id = door.new_lead()
    told = {"event": "attempted"}
    refused(door.tells(lead_id, told, token=door.token("manager")), 403, "forbidden")
    refused(door.tells(lead_id, told, token="stl_unknown"), 401, "unauthorized")
    assert len(door.timeline(lead_id)) == 1


def test_a_revoked_token_is_shut_out_once_it_is_no_longer_kept(door: Door) -> None:
    moment = 0.0
    access = Access(door.house.ledger, monotonic=lambda: moment)
    token = door.token("api")
    shown = [(b"authorization", f"Bearer {token}".encode())]
    request = Request({"type": "http", "headers": shown})
    assert access.check(request, "api") == "api"
    with door.house.ledger.transaction() as conn:
        tokens.revoke(conn, hash_token(token))
    assert access.check(request, "api") == "api", "kept for a moment"
    moment = ROLE_KEPT_S
    with pytest.raises(NotAllowed):
        access.check(request, "api")


def test_a_token_is_stored_as_its_hash_only(door: Door) -> None:
    token = door.token("api")
    assert token.startswith("stl_")
    assert len(token) == len("stl_") + 43
    assert door.scalar("select count(*) from token where hash = :t", t=token) == 0
    assert door.scalar("select count(*) from token where hash = :t", t=hash_token(token)) == 1


# Lists


def test_leads_are_listed_newest_first_page_by_page(new_database: NewDatabase) -> None:
    with a_house(new_database()) as alone:
        made = [alone.new_lead() for _ in range(5)]
        alone.tells(made[0], {"event": "outcome", "outcome": "booked"})
        seen: list[str] = []
        cursor = ""
        while True:
            page = alone.reads("/leads", limit=2, cursor=cursor, state="all").json()
            seen += [lead["id"] for lead in page["leads"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == made[::-1]
        assert [lead["id"] for lead in alone.reads("/leads").json()["leads"]] == made[:0:-1]
        (closed,) = alone.reads("/leads", state="closed").json()["leads"]
        assert (closed["id"], closed["standing"]["state"]) == (made[0], "settled")


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"state": "lost"}, "state"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "x" * 300}, "cursor"),
        ({"cursor": "é" * 10}, "cursor"),
    ],
)
def test_a_list_that_cannot_be_asked_for(door: Door, params: dict[str, object], field: str) -> None:
    assert refused(door.reads("/leads", "api", **params), 422, "unreadable")["field"] == field


# Facts from outside


def test_a_fact_is_recorded_once_per_key(door: Door) -> None:
    lead_id = door.new_lead()
    told = {"event": "contacted", "rep": "ann", "call_id": "crm-77", "number": "(212) 555-0100"}
    first, again = door.tells(lead_id, told), door.tells(lead_id, told)
    assert (first.status_code, first.json()["recorded"]) == (202, True)
    assert again.json() == {"recorded": False, "outcome": "known"}
    kinds = [event["event"] for event in door.reads(f"/leads/{lead_id}").json()["timeline"]]
    assert kinds == ["arrived", "attempted", "contacted"]
    attempted = door.reads(f"/leads/{lead_id}").json()["timeline"][1]
    assert (attempted["evidence"], attempted["rep"]) == ("C", "ann")
    assert attempted["number"] == "+12125550100"


def test_a_fact_keeps_the_instant_it_is_told_with_within_the_leads_life(door: Door) -> None:
    lead_id = door.new_lead()
    arrived = door.timeline(lead_id)[0].at
    between = arrived + timedelta(microseconds=1)
    for key, told in (
        ("between", between),
        ("ahead", now() + timedelta(days=1)),
        ("before", arrived - timedelta(days=1)),
    ):
        door.tells(lead_id, {"event": "attempted", "at": told.isoformat()}, key)
    at = [event.at for event in door.timeline(lead_id) if event.kind == "attempted"]
    assert at[0] == between
    assert arrived < at[1] <= now()
    assert at[2] == arrived


def test_a_closed_lead_takes_no_outcome(door: Door) -> None:
    lead_id = door.new_lead()
    assert door.tells(lead_id, {"event": "opted_out", "reason": "asked\x00"}, "a").json()[
        "recorded"
    ]
    refused(door.tells(lead_id, {"event": "opted_out"}, "b"), 409, "conflict")


def test_a_fact_about_nobody(door: Door) -> None:
    refused(door.tells("A" * 24, {"event": "attempted"}), 404, "not-found")
    refused(door.tells("nonsense", {"event": "attempted"}), 404, "not-found")


@pytest.mark.parametrize("key", [None, "two words", "k" * 256])
def test_a_fact_needs_a_key(door: Door, key: str | None) -> None:
    lead_id = door.new_lead()
    told = refused(door.tells(lead_id, {"event": "attempted"}, key), 422, "unreadable")
    assert told["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"event": "smiled"}, "event"),
        ({}, "event"),
        ({"event": "attempted", "rep": "nobody"}, "rep"),
        ({"event": "attempted", "rep": 7}, "rep"),
        ({"event": "outcome"}, "outcome"),
        ({"event": "outcome", "outcome": "great"}, "outcome"),
        ({"event": "attempted", "at": "noon"}, "at"),
        ({"event": "attempted", "at": "2026-03-04T12:00:00"}, "at"),
        ({"event": "attempted", "at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"event": "attempted", "number": "call me"}, "number"),
        ({"event": "attempted", "call_id": "x" * 500}, "call_id"),
        ({"event": "attempted", "colour": "red"}, "colour"),
        (b"{broken", None),
        (b"", None),
        (b'"text"', None),
        (b"\xff", None),
    ],
)
def test_a_fact_that_cannot_be_read(door: Door, told: object, field: str | None) -> None:
    lead_id = door.new_lead()
    answer = door.tells(lead_id, told, "unreadable")
    assert refused(answer, 422, "unreadable").get("field") == field
    assert len(door.timeline(lead_id)) == 1


def test_a_fact_of_a_megabyte_is_refused(door: Door) -> None:
    lead_id = door.new_lead()
    refused(door.tells(lead_id, {"event": "attempted", "reason": "x" * 10**6}), 413, "too-large")
