"""Whole forms, as their makers send them, against the lead that each must become."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import SourceError
from service.intake.form_body import (
    FIELDS_MAX,
    HEAD_MAX_BYTES,
    Form,
    MultipartReading,
    boundary_of,
    read_urlencoded,
)
from service.intake.form_source import Bot, arrival_from_form, bot_reason
from service.intake.sources import check_public_key
from tests.rooms.test_intake_payloads import as_expected

FORMS = sorted((Path(__file__).parent / "payloads" / "forms").glob("*.json"))


def form(*pairs: tuple[str, str]) -> Form:
    return Form(pairs)


def parts(*fields: tuple[str, str], boundary: str = "b") -> bytes:
    """A multipart body; a name that holds a quote may say more about its part."""
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    )
    return f"{body}--{boundary}--\r\n".encode()


def read_parts(body: bytes, chunk: int = 7) -> Form:
    reading = MultipartReading(b"b")
    for start in range(0, len(body), chunk):
        reading.feed(body[start : start + chunk])
    return reading.form()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: str(path.stem))
def test_a_form_becomes_its_lead(path: Path) -> None:
    case = json.loads(path.read_text())
    sent = Form(tuple((name, value) for name, value in case["pairs"]), tuple(case.get("files", ())))
    assert as_expected(arrival_from_form(sent, case["region"])) == case["expect"], case["about"]


@pytest.mark.parametrize(
    ("pairs", "field", "reads"),
    [
        ([("tel", "2125550199")], "phone", "+12125550199"),
        ([("Mobile #", "2125550199")], "phone", "+12125550199"),
        ([("phone-2", "2125550199")], "phone", "+12125550199"),
        ([("Your Cell (required)", "2125550199")], "phone", "+12125550199"),
        ([("input_9", "2026-03-04"), ("name", "D")], "phone", None),
        ([("input_9", "10001-1234"), ("name", "D")], "phone", None),
        ([("May we phone you?", "yes please do"), ("name", "D")], "phone_as_given", None),
        ([("item_meta[6]", "dana@example.com")], "email", "dana@example.com"),
        ([("Email me news", "on"), ("name", "D")], "email", None),
        ([("text-1", "Dana Fox"), ("phone", "1")], "name", "Dana Fox"),
        ([("text-1", "Roof repair"), ("name", "Dana Fox")], "name", "Dana Fox"),
        ([("Company Name", "Fox Farm"), ("name", "D")], "company", "Fox Farm"),
        ([("Form Name", "Quote"), ("phone", "1")], "name", ""),
        ([("textarea-4", "Two vans"), ("name", "D")], "ask", "Two vans"),
        ([("subject", "Vans"), ("message", "Two")], "ask", "Two"),
        ([("action", "send it all now"), ("_wpnonce", "a b c d e"), ("name", "D")], "ask", ""),
        ([("g-recaptcha-response", "one two three four"), ("name", "D")], "ask", ""),
        ([("utm_term", "solar panels near me"), ("name", "D")], "ask", ""),
        ([("address[city]", "Austin"), ("name", "D")], "city", "Austin"),
        ([("location[name]", "Austin office"), ("phone", "1")], "name", ""),
    ],
)
def test_a_name_is_read_for_what_it_means(
    pairs: list[tuple[str, str]], field: str, reads: str | None
) -> None:
    assert getattr(arrival_from_form(form(*pairs), "US").lead, field) == reads


def test_only_an_id_of_this_one_request_is_its_id() -> None:
    named = arrival_from_form(form(("name", "D"), ("submission_id", "s-1"), ("id", "7")), "US")
    assert named.external_id == "s-1"
    constant = [("id", "7"), ("entry_id", "7"), ("form_id", "7"), ("uuid", "7"), ("name", "D")]
    assert arrival_from_form(form(*constant), "US").external_id is None


def test_when_a_form_says_it_was_sent() -> None:
    for stated, believed in (("2026-03-04T15:02:11Z", True), ("yesterday", False)):
        at = arrival_from_form(form(("name", "D"), ("submitted_at", stated)), "US").submitted_at
        assert (at is not None) is believed


@pytest.mark.parametrize("pairs", [[], [("colour", "blue")], [("key", "k"), ("website", "x")]])
def test_a_form_with_nothing_usable_is_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(SourceError, match="nothing says who asks"):
        arrival_from_form(form(*pairs), "US")


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ([], None),
        ([("Website", "https://fox.example")], None),
        ([("form_fields[website]", "https://fox.example")], None),
        ([("website", "https://spam.example")], Bot.HONEYPOT),
        ([("website", "x"), ("fill_ms", "0")], Bot.HONEYPOT),
        ([("fill_ms", "0")], Bot.TOO_FAST),
        ([("fill_ms", "1999")], Bot.TOO_FAST),
        ([("fill_ms", "2000")], None),
        ([("fill_ms", "999999999999")], None),
        ([("fill_ms", "-5")], None),
        ([("fill_ms", "NaN")], None),
        ([("fill_ms", "1" * 400)], None),
        ([("fill_ms", "١٢")], None),
    ],
)
def test_who_filled_it_in(pairs: list[tuple[str, str]], reason: Bot | None) -> None:
    assert bot_reason(form(*pairs), 2) is reason
    assert bot_reason(form(*[each for each in pairs if each[0] != "website"]), 0) is None


@pytest.mark.parametrize(
    ("given", "key", "same"),
    [("k", "k", True), (" k\n", "k", True), ("K", "k", False), ("", "", False), (None, "k", False)],
)
def test_the_public_key(given: str | None, key: str, same: bool) -> None:
    assert check_public_key(given, key) is same


# Bodies


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        (b"", []),
        (b"&&&=&a&=b", [("", "b")]),
        (b"a=1&a=2&b=+%20+", [("a", "1"), ("a", "2")]),
        (b"n%61me=Dana+Fox%0D%0A&x=a%3Db%26c", [("name", "Dana Fox"), ("x", "a=b&c")]),
        (b"a=%", [("a", "%")]),
        (b"a=%zz", [("a", "%zz")]),
        ("n=Mu\xf1oz".encode(), [("n", "Mu\xf1oz")]),
        (b"n=Mu%F1oz", [("n", "Mu\xf1oz")]),
        (b"n=%81%00", [("n", "\ufffd\x00")]),
    ],
)
def test_any_bytes_are_a_urlencoded_form(body: bytes, pairs: list[tuple[str, str]]) -> None:
    assert list(read_urlencoded(body).pairs) == pairs


def test_more_fields_than_a_form_has_are_refused() -> None:
    full = "&".join(f"f{n}=1" for n in range(FIELDS_MAX))
    assert len(read_urlencoded(full.encode()).pairs) == FIELDS_MAX
    assert len(read_urlencoded(f"{full}&blank=".encode()).pairs) == FIELDS_MAX
    with pytest.raises(SourceError, match="more than"):
        read_urlencoded(f"{full}&one=more".encode())
    with pytest.raises(SourceError, match="more than"):
        read_parts(parts(*((f"f{n}", "1") for n in range(FIELDS_MAX + 1))), 65_536)


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
def test_a_multipart_form_is_read_in_any_chunks(chunk: int) -> None:
    body = parts(
        ("name", "Dana Fox"),
        ('cv"; filename="cv.pdf', "%PDF\r\n--c\r\n" * 50),
        ('photo"; filename="', ""),
        ("ask", "Zwei\r\nZeilen ß"),
        ("blank", "  "),
    )
    read = read_parts(body, chunk)
    assert read.pairs == (("name", "Dana Fox"), ("ask", "Zwei\r\nZeilen ß"))
    assert read.files == ("cv.pdf",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--c\r\n\r\n--c--",
        b"name=Dana",
        parts(("name", "Dana"))[:-9],
        parts(("name", "Dana"), boundary="other"),
        b"--b\r\nContent-Disposition: form-data; name\xff\r\n\r\nx\r\n--b",
        b"--b\r\n" + b"A" * 100_000,
    ],
)
def test_a_multipart_form_that_is_not_whole_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError, match="multipart"):
        read_parts(body, 4096)


def test_what_was_read_before_it_broke_is_there_and_its_beginning_too() -> None:
    reading = MultipartReading(b"b")
    reading.feed(parts(("key", "k"), ("name", "Dana"), ("ask", "x" * 40_000))[:-9])
    assert reading.pairs_so_far.get("key") == "k"
    assert len(reading.head) == HEAD_MAX_BYTES
    with pytest.raises(SourceError):
        reading.form()


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=b", b"b"),
        ('multipart/form-data; charset=utf-8; boundary="a b"', b"a b"),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
    ],
)
def test_what_parts_a_body(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


def test_a_boundary_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(SourceError):
        MultipartReading(b"b" * 10_000)


TEXTS = st.text(max_size=60)


@given(
    st.lists(st.tuples(TEXTS | st.sampled_from(["name", "phone[a][b]", "fields[x][value]"]), TEXTS))
)
@settings(max_examples=100, deadline=None)
def test_any_form_is_a_lead_or_a_source_error(pairs: list[tuple[str, str]]) -> None:
    try:
        lead = arrival_from_form(Form(tuple(pairs)), "US").lead
    except SourceError:
        return
    assert lead.name or lead.phone_as_given or lead.ask or lead.email or lead.extra


@given(st.binary(max_size=400), st.integers(1, 50))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_multipart_form_or_a_source_error(body: bytes, chunk: int) -> None:
    read_urlencoded(body)
    try:
        read_parts(b"--b\r\n" + body, chunk)
    except SourceError:
        return
