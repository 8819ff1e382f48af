"""Leads handed in by a web page's form: stored before they are answered, bots none the wiser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from structlog.testing import capture_logs

from service.ledger import inbound
from service.team.file import parse_team
from service.team.problem import TeamFileError
from service.team.written import team_from_dict, team_to_dict
from service.web.doors import KEPT_AT_ONCE
from service.web.form_sent import FILES_MAX_BYTES
from service.web.limits import BODY_MAX_BYTES
from tests.rooms.conftest import NewDatabase
from tests.rooms.test_intake_forms import parts
from tests.rooms.web_world import (
    PUBLIC_URL,
    TEAM,
    Door,
    a_house,
    a_person,
    front_door,
    refused,
    settings,
)

SITE, KEY = "https://www.example.com", "public-form"
THANKS, ELSEWHERE = f"{SITE}/thanks?x=1#top", "https://calendly.com/sunrise/visit"

SOURCES = f"""
  - {{id: open-form, kind: form, key: {KEY}, per_minute: 6000}}
  - {{id: small-form, kind: form, key: {KEY}, per_minute: 2}}
  - {{id: patient-form, kind: form, key: {KEY}, min_fill: 0s}}
  - id: led-form
    kind: form
    key: {KEY}
    origins: ["{SITE}", "http://localhost:8080"]
    redirects: ["{ELSEWHERE}"]
turn: in-order
"""

BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Origin": SITE,
}
SCRIPT = {"Accept": "application/json", "Origin": SITE}
ANSWERED = {"date", "content-length"}
"""Headers that may differ between two answers that are the same."""


@dataclass
class Page:
    """A web page with a form on it, and whoever fills it in."""

    door: Door
    source: str = "form"
    headers: dict[str, str] = field(default_factory=lambda: dict(BROWSER))

    def sends(self, *fields: tuple[str, str], key: str | None = KEY, **more: Any) -> httpx.Response:
        pairs = [*fields] + ([("key", key)] if key is not None else [])
        return self.posts(urlencode(pairs).encode(), "application/x-www-form-urlencoded", **more)

    def posts(self, body: bytes, kind: str, query: str = "", **headers: str) -> httpx.Response:
        given = self.headers | {name.replace("_", "-"): v for name, v in headers.items()}
        sent = {name: v for name, v in given.items() if v} | (
            {"Content-Type": kind} if kind else {}
        )
        raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        return self.door.http.post(f"/forms/{self.source}{query}", content=body, headers=raw)


@pytest.fixture(scope="module")
def door(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database(), TEAM.replace("turn: in-order", SOURCES.strip("\n"))) as opened:
        yield opened


@pytest.fixture
def page(door: Door) -> Page:
    return Page(door)


def somebody(**changes: object) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in a_person(**changes).items()]


def leads(door: Door) -> int:
    return int(door.scalar("select count(*) from lead"))


def kept(door: Door, source: str = "form") -> int:
    """How many of a source's forms are kept for a person."""
    return int(door.scalar("select count(*) from unreadable where source = :source", source=source))


def bots(door: Door, source: str, reason: str) -> float:
    name = f'speedtolead_form_bots_total{{reason="{reason}",source="{source}"}}'
    found = [each for each in door.http.get("/metrics").text.splitlines() if name in each]
    return float(found[0].split()[-1])


def the_page(answer: httpx.Response, status: int = 200) -> str:
    """The answer as a page for a person, which must be small and run nothing."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text
    assert len(answer.text) < 2_000
    assert re.search(r'<html lang="[a-z]{2}">', answer.text)
    return answer.text


# Taken


def test_a_form_is_stored_before_its_sender_is_thanked(page: Page) -> None:
    before = leads(page.door)
    told = the_page(page.sends(*somebody(name="Zelda Quux", ask="Xylophones")))
    assert leads(page.door) == before + 1
    assert "Sunrise Solar has your request and will call you soon" in told
    assert f'href="{SITE}"' in told
    for said in ("Zelda", "Quux", "Xylophones", "+1646"):
        assert said not in told


def test_a_multipart_form_is_stored_and_its_files_are_named(page: Page) -> None:
    number = dict(somebody())["phone"]
    fields = [("name", "Dana"), ("phone", number), ("key", KEY)]
    photo = ('photo"; filename="roof.jpg', "\r\n--x" * 200_000)
    body = parts(*fields[:1], photo, *fields[1:])
    the_page(page.posts(body, "multipart/form-data; boundary=b"))
    lead = page.door.scalar("select id from lead order by arrived_at desc limit 1")
    read = page.door.reads(f"/leads/{lead}").json()["lead"]
    assert (read["phone"], read["extra"]) == (number, {"file": "roof.jpg"})


def test_the_key_may_stand_in_the_address(page: Page) -> None:
    answer = page.sends(*somebody(), key=None, query=f"?key={KEY}")
    the_page(answer)


def test_a_double_tap_is_one_lead(page: Page) -> None:
    person, before = somebody(), leads(page.door)
    assert [page.sends(*person).status_code for _ in range(3)] == [200] * 3
    assert leads(page.door) == before + 1


def test_the_same_submission_is_the_same_lead(page: Page) -> None:
    page.headers = SCRIPT
    first = page.sends(*somebody(submission_id="sub-77")).json()
    again = page.sends(*somebody(submission_id="sub-77")).json()
    assert again == first


def test_a_script_gets_json_and_may_read_it(page: Page) -> None:
    page.headers = SCRIPT
    answer = page.sends(*somebody(), ("redirect", THANKS))
    assert answer.status_code == 202
    told = answer.json()
    assert told["status_url"] == f"{PUBLIC_URL}/leads/{told['lead_id']}"
    assert [each.kind for each in page.door.timeline(told["lead_id"])] == ["arrived"]
    assert answer.headers["access-control-allow-origin"] == SITE
    assert answer.headers["vary"] == "Origin"


def test_a_script_is_not_told_whether_somebody_has_asked_before(page: Page) -> None:
    page.headers, person = SCRIPT, somebody()
    assert page.sends(*person).json()["duplicate"] is None
    assert page.sends(*person).json()["duplicate"] is None


@pytest.mark.parametrize(
    ("accepted", "language", "says"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es", "Gracias"),
        ("pl, de;q=0.4, en;q=0.3", "de", "Vielen Dank"),
        ("en;q=0.1,fr", "fr", "Merci"),
        ("pt-BR", "pt", "Obrigado"),
        ("pl", "en", "Thank you"),
        ("de;q=0, *", "en", "Thank you"),
        ("de;q=x;;=,,;q", "en", "Thank you"),
        ("x" * 5000, "en", "Thank you"),
    ],
)
def test_the_page_speaks_the_browsers_language(
    page: Page, accepted: str, language: str, says: str
) -> None:
    told = the_page(page.sends(*somebody(), Accept_Language=accepted))
    assert f'<html lang="{language}">' in told
    assert f"<h1>{says}</h1>" in told


# Where to afterwards


@pytest.mark.parametrize("wish", [THANKS, SITE, "HTTPS://WWW.Example.com/x", f"{SITE}:443/%0d%0a"])
def test_a_form_leads_on_to_its_own_site(page: Page, wish: str) -> None:
    answer = page.sends(*somebody(), ("redirect", wish))
    assert (answer.status_code, answer.headers["location"]) == (303, wish)


def test_its_answer_may_stand_in_the_frame_that_the_form_stood_in(page: Page) -> None:
    refused_too = page.door.http.post("/forms/form", headers=BROWSER, data={"name": "Dana"})
    for answer in (page.sends(*somebody()), refused_too):
        assert answer.headers["content-type"].startswith("text/html")
        assert "x-frame-options" not in answer.headers
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors" not in policy
        assert "default-src 'self'" in policy and "form-action 'none'" in policy


def test_a_form_leads_on_where_the_team_file_says(page: Page) -> None:
    page.source = "led-form"
    answer = page.sends(*somebody(), ("redirect", ELSEWHERE))
    assert (answer.status_code, answer.headers["location"]) == (303, ELSEWHERE)
    the_page(page.sends(*somebody(), ("redirect", f"{ELSEWHERE}?to=https://evil.example")))


@pytest.mark.parametrize(
    "wish",
    [
        "https://evil.example/",
        "//evil.example/",
        "/thanks",
        "thanks",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://www.example.com/",
        "https://www.example.com:8443/",
        "https://www.example.com.evil.example/",
        "https://www.example.com@evil.example/",
        "https://user:pw@www.example.com/",
        "https://www.example.com\\@evil.example/",
        "https:\\\\evil.example",
        "https:evil.example",
        "https:///www.example.com/",
        "https:/www.example.com/",
        "https://[www.example.com]/",
        "https://www.example.com:99999/",
        "https://www.example.com:/\r\nSet-Cookie: a=b",
        "https://www.example.com/\r\nLocation: https://evil.example",
        "https://www.example.com/\x00",
        "https://www.example.com /",
        "https://www.\u0435xample.com/",
        "https://www.example.com/" + "x" * 2_000,
    ],
)
def test_a_form_leads_nowhere_else(page: Page, wish: str) -> None:
    answer = page.sends(*somebody(), ("redirect", wish))
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    the_page(answer)


def test_with_any_site_allowed_a_form_still_leads_nowhere(page: Page) -> None:
    page.source = "open-form"
    assert "location" not in page.sends(*somebody(), ("redirect", THANKS)).headers


# Whose site


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"Origin": SITE}, True),
        ({"Origin": "HTTPS://www.EXAMPLE.com:443"}, True),
        ({"Origin": "", "Referer": f"{SITE}/quote?x=1"}, True),
        ({"Origin": "", "Referer": ""}, True),
        ({"Origin": SITE, "Referer": "https://evil.example/"}, True),
        ({"Origin": "null"}, False),
        ({"Origin": "null", "Referer": f"{SITE}/"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://evil.example", "Referer": f"{SITE}/"}, False),
        ({"Origin": "http://www.example.com"}, False),
        ({"Origin": "https://example.com"}, False),
        ({"Origin": f"{SITE}.evil.example"}, False),
        ({"Origin": f"{SITE}@evil.example"}, False),
        ({"Origin": "", "Referer": "https://evil.example/?https://www.example.com"}, False),
        ({"Origin": "", "Referer": "about:blank"}, False),
        ({"Origin": "\xff"}, False),
    ],
)
def test_only_the_sources_sites_may_post(page: Page, headers: dict[str, str], let_in: bool) -> None:
    before = leads(page.door)
    answer = page.sends(*somebody(), **headers)
    assert answer.status_code == (200 if let_in else 403), answer.text
    assert leads(page.door) == before + let_in
    if not let_in:
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", ["https://any.example", "null", ""])
def test_without_a_list_any_site_may_post(page: Page, origin: str) -> None:
    page.source = "open-form"
    answer = page.sends(*somebody(), Origin=origin)
    assert answer.status_code == 200
    expected = origin if origin.startswith("http") else None
    assert answer.headers.get("access-control-allow-origin") == expected


def test_a_refused_site_is_in_the_log(page: Page) -> None:
    with capture_logs() as logs:
        page.sends(*somebody(), Origin="https://shop.example.com")
    (line,) = [each for each in logs if each["outcome"] == "refused"]
    assert "https://shop.example.com" in line["because"]


def test_a_pages_script_may_ask_first(page: Page) -> None:
    asked = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
    answer = page.door.http.options("/forms/form", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SITE
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "content-type" in answer.headers["access-control-allow-headers"]
    stranger = page.door.http.options(
        "/forms/form", headers=asked | {"Origin": "https://e.example"}
    )
    refused(stranger, 403, "forbidden")
    assert "access-control-allow-origin" not in stranger.headers
    refused(page.door.http.options("/forms/nobody", headers=asked), 404, "unknown-source")


# Programs

TRAPS = [
    ("honeypot", [("website", "https://spam.example")]),
    ("too_fast", [("fill_ms", "120")]),
]


@pytest.mark.parametrize(("reason", "trap"), TRAPS)
@pytest.mark.parametrize("more", [[], [("redirect", THANKS)]], ids=["page", "redirect"])
def test_a_program_gets_the_answer_a_person_gets(
    page: Page, reason: str, trap: list[tuple[str, str]], more: list[tuple[str, str]]
) -> None:
    person, counted = page.sends(*somebody(), *more), bots(page.door, "form", reason)
    stored, rows = leads(page.door), kept(page.door)
    program = page.sends(*somebody(ask="Buy pills"), *trap, *more)
    assert program.status_code == person.status_code
    assert program.text == person.text
    assert _comparable(program) == _comparable(person)
    assert leads(page.door) == stored
    assert bots(page.door, "form", reason) == counted + 1
    assert kept(page.door) == rows + 1


@pytest.mark.parametrize(("reason", "trap"), TRAPS)
def test_a_programs_json_looks_like_a_persons(
    page: Page, reason: str, trap: list[tuple[str, str]]
) -> None:
    page.headers = SCRIPT
    person, program = page.sends(*somebody()), page.sends(*somebody(), *trap)
    assert _comparable(program) == _comparable(person)
    assert program.status_code == person.status_code == 202
    shapes = [{k: len(str(v)) for k, v in each.json().items()} for each in (person, program)]
    assert shapes[0] == shapes[1], reason


def _comparable(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(k, v) for k, v in answer.headers.multi_items() if k not in ANSWERED]


def test_what_a_program_sent_can_be_read_by_a_person(page: Page) -> None:
    page.sends(("name", "Dana"), ("ask", "Not a bot at all"), ("website", "me.example"))
    with page.door.house.ledger.snapshot() as conn:
        row = inbound.unreadable(conn)[0]
    assert (row.source, row.error) == ("form", "taken for a program's: honeypot")
    assert ("ask", "Not a bot at all") in parse_qsl(row.body.decode())
    assert KEY not in row.body.decode()


def test_the_fill_time_may_be_turned_off(page: Page) -> None:
    page.source, before = "patient-form", leads(page.door)
    page.sends(*somebody(), ("fill_ms", "1"))
    assert leads(page.door) == before + 1


def test_programs_use_up_no_persons_share_and_fill_no_disk(page: Page) -> None:
    page.source = "small-form"
    page.headers = {"Accept": "application/json"}
    trap = ("website", "x")
    assert [page.sends(trap).status_code for _ in range(3)] == [202, 202, 429]
    assert page.sends(*somebody()).status_code == 202
    page.source = "open-form"
    for _ in range(KEPT_AT_ONCE + 40):
        assert page.sends(trap).status_code == 202
    assert KEPT_AT_ONCE <= kept(page.door, "open-form") < KEPT_AT_ONCE + 40
    assert bots(page.door, "open-form", "honeypot") == KEPT_AT_ONCE + 40


# Refused


def test_what_is_no_form_source_is_not_there(page: Page) -> None:
    page.headers = {}
    for source in ("nobody", "website", "main-line", "%00", "a" * 3000):
        page.source = source
        refused(page.sends(*somebody()), 404, "unknown-source")


def test_without_the_key_nothing_is_taken_or_kept(page: Page) -> None:
    page.headers, before = {}, (leads(page.door), kept(page.door))
    for key in (None, "", "wrong", KEY.upper(), f"{KEY} x", "\u00e9"):
        refused(page.sends(*somebody(), key=key), 401, "unauthorized")
        refused(page.sends(("website", "x"), key=key), 401, "unauthorized")
    refused(page.sends(key=None, query="?key=wrong"), 401, "unauthorized")
    assert (leads(page.door), kept(page.door)) == before


BROKEN: dict[str, tuple[bytes, str, int, str]] = {
    "plain text": (b"name=Dana", "text/plain", 415, "unsupported-media-type"),
    "JSON": (b'{"name": "Dana"}', "application/json", 415, "unsupported-media-type"),
    "no type at all": (b"name=Dana", "", 415, "unsupported-media-type"),
    "an empty form": (b"", "application/x-www-form-urlencoded", 422, "unreadable"),
    "nothing usable": (b"colour=blue", "application/x-www-form-urlencoded", 422, "unreadable"),
    "nulls": (b"name=%00&\x00=\x00", "application/x-www-form-urlencoded", 422, "unreadable"),
    "5,000 fields": (
        b"&".join(b"f%d=1" % n for n in range(5_000)),
        "application/x-www-form-urlencoded",
        422,
        "unreadable",
    ),
    "5,000 parts": (
        parts(*((f"f{n}", "1") for n in range(5_000))),
        "multipart/form-data; boundary=b",
        422,
        "unreadable",
    ),
    "another boundary": (
        parts(("name", "Dana")),
        "multipart/form-data; boundary=other",
        422,
        "unreadable",
    ),
    "no boundary": (parts(("name", "Dana")), "multipart/form-data", 422, "unreadable"),
    "a long boundary": (b"", f"multipart/form-data; boundary={'b' * 3000}", 422, "unreadable"),
    "no end": (parts(("name", "Dana"))[:-8], "multipart/form-data; boundary=b", 422, "unreadable"),
    "too much text": (
        b"ask=" + b"x" * BODY_MAX_BYTES,
        "application/x-www-form-urlencoded",
        413,
        "too-large",
    ),
    "too much text in parts": (
        parts(("ask", "x" * (BODY_MAX_BYTES + 1))),
        "multipart/form-data; boundary=b",
        413,
        "too-large",
    ),
    "10 MB": (
        b"ask=" + b"x" * 10_000_000,
        "application/x-www-form-urlencoded",
        413,
        "too-large",
    ),
    "10 MB of files": (
        parts(('f"; filename="f', "x" * (FILES_MAX_BYTES + 1))),
        "multipart/form-data; boundary=b",
        413,
        "too-large",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_taken_is_said_to_a_program_and_to_a_person(page: Page, case: str) -> None:
    body, kind, status, name = BROKEN[case]
    rows, before = kept(page.door), leads(page.door)
    for headers in ({"Accept": "*/*"}, {"Accept": "application/json, text/html;q=0.9"}):
        page.headers = headers
        refused(page.posts(body, kind, query=f"?key={KEY}"), status, name)
    page.headers = BROWSER
    answer = page.posts(body, kind, query=f"?key={KEY}")
    told = the_page(answer, status)
    assert "Your request was not sent" in told
    assert str(status) in told
    assert answer.headers["access-control-allow-origin"] == SITE
    assert leads(page.door) == before
    assert kept(page.door) == rows + (3 if status == 422 else 0)


HOSTILE: dict[str, list[tuple[str, str]]] = {
    "nested brackets": [("a[" * 90, "x"), ("a[b]" * 40, "y"), ("]" * 180, "z")],
    "markup": [("<script>alert(1)</script>", "<img src=x onerror=alert(1)>")],
    "lines in names": [("X: 1\r\nSet-Cookie: a=b", "x\r\n\r\n")],
    "files that climb": [("file", "../../../etc/passwd")],
    "SQL": [("ask", "'); drop table lead; --")],
    "a prototype": [("__proto__[x]", "1"), ("constructor[prototype][x]", "1")],
    "itself": [("lead[lead][lead][lead][lead][lead][lead]", "x")],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_form_is_a_lead_and_nothing_of_it_comes_back(page: Page, case: str) -> None:
    before = leads(page.door)
    answer = page.sends(*somebody(), *HOSTILE[case])
    told = the_page(answer)
    assert leads(page.door) == before + 1
    assert "alert(1)" not in told
    assert "set-cookie" not in answer.headers


def test_letters_of_another_encoding_are_read(page: Page) -> None:
    number = dict(somebody())["phone"].removeprefix("+")
    body = b"name=Mu%F1oz&phone=%2B" + number.encode() + b"&key=" + KEY.encode()
    the_page(page.posts(body, "application/x-www-form-urlencoded"))
    lead = page.door.scalar("select id from lead order by arrived_at desc limit 1")
    assert page.door.reads(f"/leads/{lead}").json()["lead"]["name"] == "Mu\xf1oz"


def test_too_many_are_told_when_to_come_back(page: Page) -> None:
    page.source = "small-form"
    answers = [page.sends(*somebody()) for _ in range(4)]
    told = the_page(answers[-1], 429)
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "in a few seconds" in told


def test_whoever_opens_a_forms_address_gets_a_page(page: Page) -> None:
    the_page(page.door.http.get("/forms/form", headers=BROWSER), 405)
    refused(page.door.http.get("/forms/form"), 405, "method-not-allowed")


def test_without_a_team_nothing_is_taken_and_the_visitor_is_asked_to_send_again(
    new_database: NewDatabase,
) -> None:
    with a_house(new_database(), team=None) as empty:
        page = Page(empty)
        answer = page.sends(*somebody())
        told = the_page(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1
        assert "send it again in a few seconds" in told
        page.headers = {}
        refused(page.sends(*somebody()), 503, "ledger-unavailable")
        empty.loads(TEAM)
        assert page.sends(*somebody()).status_code == 200


def test_with_the_ledger_away_the_visitor_is_asked_to_send_again(
    tmp_path: Path,
) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    made = settings(tmp_path, nowhere, "redis://127.0.0.1:1")
    with front_door(made, team=None) as house:
        answer = Page(house).sends(*somebody())
    told = the_page(answer, 503)
    assert int(answer.headers["retry-after"]) >= 1
    assert "127.0.0.1" not in told


# The team file


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{id: f, kind: json, key: k, redirects: [https://a.example/]}", "a json source has none"),
        ("{id: f, kind: json, key: k, min_fill: 2s}", "a json source has none"),
        ("{id: f, kind: form, key: k, min_fill: 61s}", "a duration from 0s to 1m"),
        ("{id: f, kind: form, key: k, min_fill: soon}", "a duration"),
        ("{id: f, kind: form, key: k, redirects: [/thanks]}", "a page's whole address"),
        ("{id: f, kind: form, key: k, redirects: [//a.example/]}", "a page's whole address"),
        ("{id: f, kind: form, key: k, redirects: ['javascript:x']}", "a page's whole address"),
        ("{id: f, kind: form, key: k, redirects: ['https://a@b.example/']}", "a page's whole"),
        ("{id: f, kind: form, key: k, redirects: ['https://a.example/a b']}", "a page's whole"),
        ("{id: f, kind: form, key: k, redirects: ['https://a.example\\b']}", "a page's whole"),
    ],
)
def test_what_a_form_source_may_not_say(source: str, problem: str) -> None:
    with pytest.raises(TeamFileError, match=re.escape(problem)):
        parse_team(TEAM.replace("sources:", f"sources:\n  - {source}"), "t", (2026,))


def test_what_a_form_source_says_is_kept() -> None:
    said = (
        "{id: f, kind: form, key: k, min_fill: 0s, origins: ['https://A.example:443', "
        "'http://b.example:8080'], redirects: ['https://c.example/thanks?x=1']}"
    )
    team = parse_team(TEAM.replace("sources:", f"sources:\n  - {said}"), "t", (2026,))
    source = team.sources[0]
    assert source.origins == ("https://a.example", "http://b.example:8080")
    assert (source.redirects, source.min_fill_s) == (("https://c.example/thanks?x=1",), 0)
    assert team_from_dict(team_to_dict(team)).sources[0] == source
    plain = next(each for each in team.sources if each.id == "form")
    assert (plain.redirects, plain.min_fill_s) == ((), 2)
