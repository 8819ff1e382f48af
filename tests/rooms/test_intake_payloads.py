"""Whole payloads, as sources send them, against the lead that each must become."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import SourceError
from service.intake.arrival import Arrival
from service.intake.fields import RANKS
from service.intake.json_source import NESTED_DEEP_MAX, arrival_from_json
from service.intake.reading import (
    ASK_LONGEST,
    EXTRA_KEY_LONGEST,
    EXTRA_MAX,
    EXTRA_VALUE_LONGEST,
    NAME_LONGEST,
)
from service.intake.values import TEXT_LONGEST
from service.rules.lead import Lead

PAYLOADS = sorted((Path(__file__).parent / "payloads").glob("*.json"))


def sent(payload: object, region: str = "US") -> Arrival:
    return arrival_from_json(json.dumps(payload).encode(), region)


def refused(body: bytes | dict[str, Any]) -> SourceError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(SourceError) as caught:
        arrival_from_json(raw, "US")
    return caught.value


def as_expected(arrival: Arrival) -> dict[str, Any]:
    """An arrival in the shape of a payload file's `expect`: what is empty is left out."""
    lead = {name: getattr(arrival.lead, name) for name in Lead.__slots__}
    lead["extra"] = dict(arrival.lead.extra)
    lead["pages_viewed"] = list(arrival.lead.pages_viewed)
    at = arrival.submitted_at
    about = {"external_id": arrival.external_id, "submitted_at": at and at.isoformat()}
    return {name: value for name, value in {**lead, **about, "test": arrival.test}.items() if value}


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: str(path.stem))
def test_a_payload_becomes_its_lead(path: Path) -> None:
    case = json.loads(path.read_text())
    body = case["raw"] if "raw" in case else json.dumps(case["body"])
    arrival = arrival_from_json(body.encode(), case["region"])
    expect = {name: value for name, value in case["expect"].items() if value}
    assert as_expected(arrival) == expect, case["about"]


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"name": {"first": "Dana"}}, "name", "object"),
        ({"phone": ["2125550101", "2125550102"]}, "phone", "list of 2"),
        ({"Phone Number": True}, "Phone Number", "true or false"),
        ({"lead": {"email": {"home": "d@example.com"}}}, "lead.email", "object"),
        ({"name": "D", "message": {"text": "hi"}}, "message", "object"),
        ({"name": "D", "submittedAt": "yesterday"}, "submittedAt", "instant"),
        ({"name": "D", "submitted_at": [1, 2]}, "submitted_at", "instant"),
        ({"name": "D", "submitted_at": 12}, "submitted_at", "instant"),
        ({"name": "D", "submitted_at": "0001-01-01T00:00:00+23:59"}, "submitted_at", "instant"),
        ({}, "phone", "nothing says who"),
        ({"name": None, "phone": " ", "email": "", "ask": [], "budget": "5k"}, "phone", "nothing"),
        ({"name": "\u0000\u202e"}, "phone", "nothing says who"),
    ],
)
def test_a_wrong_kind_is_the_sources_error(body: dict[str, Any], field: str, says: str) -> None:
    error = refused(body)
    assert error.field == field
    assert says in str(error)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"[]", "JSON object"),
        (b'"Dana"', "JSON object"),
        (b'{"name":\n "Dana",}', "line 2 column"),
        (b"name=Dana&phone=2125550101", "line 1 column 1"),
        (b'{"name": "a\nb"}', "line 1 column 12"),
        (b'{"name": "D\xff"}', "byte 11"),
        ('{"name": "Dana"}'.encode("utf-16"), "byte 0"),
        (b'{"name": "D", "n": NaN}', "NaN"),
        (b'{"name": "D", "n": -Infinity}', "-Infinity"),
        (b'{"phone": ' + b"1" * 5_000 + b"}", "too many digits"),
        (b'{"a":' * 100_000, "nested"),
        (b'{"name": "D", "a": ' + b"[" * 40 + b"]" * 40 + b"}", "nested"),
    ],
)
def test_bytes_that_are_no_json_object_are_refused_in_words(raw: bytes, says: str) -> None:
    error = refused(raw)
    assert says in str(error)
    assert error.field is None


def test_an_error_never_repeats_what_a_person_wrote() -> None:
    error = refused({"name": "Dana Reyes", "submitted_at": "call 212 555 0101"})
    assert "555" not in str(error)
    assert "Dana" not in str(error)


def test_a_byte_order_mark_is_no_error() -> None:
    assert arrival_from_json(b'\xef\xbb\xbf{"name": "Dana"}', "US").lead.name == "Dana"


def test_a_number_beyond_floats_is_only_a_value() -> None:
    arrival = arrival_from_json(b'{"name": "Dana", "n": 1e999}', "US")
    assert dict(arrival.lead.extra) == {"n": "inf"}


def test_nesting_up_to_the_bound_is_kept() -> None:
    deep = "[" * (NESTED_DEEP_MAX - 2) + "1, 2" + "]" * (NESTED_DEEP_MAX - 2)
    raw = f'{{"name": "Dana", "a": {deep}}}'
    assert dict(arrival_from_json(raw.encode(), "US").lead.extra) == {"a": deep}
    assert "nested" in str(refused(raw.replace("1", "[1]").encode()))


def test_what_is_too_long_is_cut_and_never_refused() -> None:
    long = "x" * 10_000
    lead = sent({"name": long, "ask": long, "company": long, "phone": long, "note": long}).lead
    assert len(lead.name) == NAME_LONGEST
    assert len(lead.ask) == ASK_LONGEST
    assert len(lead.company or "") == len(lead.phone_as_given or "") == TEXT_LONGEST
    assert [len(value) for _, value in lead.extra] == [EXTRA_VALUE_LONGEST]


def test_extra_is_bounded() -> None:
    lead = sent({"name": "Dana"} | {f"{i} {'k' * 200}": "v" for i in range(500)}).lead
    assert len(lead.extra) == EXTRA_MAX
    assert {len(key) for key, _ in lead.extra} == {EXTRA_KEY_LONGEST}


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ({"first": "Dana", "last": "Reyes"}, "Dana Reyes"),
        ({"last_name": "Reyes"}, "Reyes"),
        ({"name": "Dana", "last_name": "Reyes"}, "Dana Reyes"),
        ({"name": "dana reyes", "first_name": "Dana", "last_name": "Reyes"}, "dana reyes"),
        ({"name": "Contact form", "fname": "Dana", "lname": "Reyes"}, "Dana Reyes"),
        ({"name": 7}, "7"),
        ({"name": "", "full_name": "Dana Reyes"}, "Dana Reyes"),
    ],
)
def test_a_name_is_put_together(names: dict[str, Any], name: str) -> None:
    assert sent(names | {"phone": "2125550101"}).lead.name == name


@pytest.mark.parametrize("value", ["0", 0, "null", "undefined", "", " ", "{{id}}", None, "${id}"])
def test_an_id_that_every_lead_would_share_is_no_id(value: object) -> None:
    """Or the second lead would pass for a redelivery of the first, and be dropped."""
    assert sent({"name": "Dana", "id": value}).external_id is None


def test_ids_that_differ_never_become_one() -> None:
    longs = [sent({"name": "Dana", "id": "x" * 400 + end}).external_id for end in "ab"]
    marked = [sent({"name": "Dana", "id": f"x{mark}y"}).external_id for mark in ("", "\u0000", " ")]
    assert len({*longs, *marked}) == 5
    assert all(external_id and len(external_id) <= TEXT_LONGEST for external_id in longs + marked)


def test_the_clearest_id_wins() -> None:
    arrival = sent({"id": "1", "event_id": "2", "data": {"lead_id": "3", "uuid": "4", "name": "D"}})
    assert arrival.external_id == "3"


@pytest.mark.parametrize(
    ("value", "test"),
    [(True, True), ("Yes", True), (1, True), ("on", True), (False, False), ("0", False)],
)
def test_a_test_lead_says_so_in_many_ways(value: object, test: bool) -> None:
    arrival = sent({"name": "Dana", "is_test": value})
    assert arrival.test is test
    assert arrival.lead.extra == ()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["2125550101", "a@b.c", "2026-03-04T15:02:11Z", "\u0000", "yes", "es-MX"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=10)
            | st.sampled_from([*RANKS, "data", "contact", "fields", "address", "value", "values"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(JSON)
@settings(max_examples=400, deadline=None)
def test_any_json_is_an_arrival_or_the_sources_error(payload: object) -> None:
    try:
        arrival = arrival_from_json(json.dumps(payload).encode(), "US")
    except SourceError as error:
        str(error.field).encode()
    else:
        assert "\u0000" not in repr(as_expected(arrival)).replace("\\x00", "\u0000")
        json.dumps(as_expected(arrival), ensure_ascii=False).encode()  # no lone surrogates left


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8")))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_an_arrival_or_the_sources_error(body: bytes) -> None:
    try:
        arrival_from_json(body, "US")
    except SourceError as error:
        assert str(error)
