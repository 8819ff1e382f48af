"""`/r/{token}` over HTTP: what a browser, a link preview and a stranger get of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import httpx
import pytest

from service.desk.attend import attend
from service.desk.record import hold, numbered, record
from service.rules.call_facts import Attempted, Dialled
from service.rules.folding import fold
from service.rules.lead import CallId, LeadId, RepId
from service.rules.replies import ENDING_OF, ENDING_WORDS
from service.rules.standing import State
from service.web.rep_page import PER_LINK_BURST, WRONG_BURST
from service.web.rep_words import CLOSES, GOES_ON, LATER, lasted, mailto, spaced
from tests.rooms.conftest import NewDatabase
from tests.rooms.web_world import ANN, BOB, MAIN_LINE, Door, a_house, front_door, settings

PHONE, EMAIL = "+16465550142", "dana@reyes.example"  # of one lead: who asks again is no new one
HOSTILE = '<script>alert("1")</script>'


@pytest.fixture(scope="module")
def running(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database()) as door:
        yield door


@pytest.fixture(scope="module")
def connected(new_database: NewDatabase) -> Iterator[Door]:
    """The door of a team whose reps are put through."""
    with a_house(new_database(), bridges=True) as door:
        yield door


@pytest.fixture
def door(running: Door) -> Door:
    running.house.redis.flushdb()  # what earlier tests used up of the limits
    return running


class Paged:
    """A lead for which somebody was paged, and that person's page."""

    def __init__(self, door: Door, **person: object) -> None:
        self.door = door
        self.lead_id = door.new_lead(**person)
        attend(door.house.desk, LeadId(self.lead_id))
        self.token = self.link_of(ANN)

    def link_of(self, phone: str) -> str:
        body = self.door.scalar(
            "select body from outbox where lead_id = :id and to_number = :to"
            " and kind = 'page_text'",
            id=self.lead_id,
            to=phone,
        )
        return str(body).rpartition("/r/")[2]

    @property
    def path(self) -> str:
        return f"/r/{self.token}"

    def opens(self, query: str = "") -> str:
        answer = self.door.http.get(self.path + query)
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    def presses(self, do: str, page: str | None = None, **headers: str) -> httpx.Response:
        """Press a button of the page as it is now, or as it was."""
        fields = {**form_of(page or self.opens()), "do": do}
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.door.http.post(self.path, data=fields, headers=sent)

    def owner(self) -> str | None:
        return fold(self.door.timeline(self.lead_id)).owner


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the first form on a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', page)[:2])


def private(person: str) -> bool:
    return PHONE in person or "646-555-0142" in person or EMAIL in person


# Getting


def test_a_preview_reads_nothing_of_the_lead_and_changes_nothing(door: Door) -> None:
    paged = Paged(door, name="Dana Reyes")
    before = door.timeline(paged.lead_id)
    for method in ("GET", "HEAD", "GET"):
        answer = door.http.request(method, paged.path, headers={"User-Agent": "WhatsApp/2.23"})
        assert answer.status_code == 200
        assert answer.headers["x-robots-tag"].startswith("noindex")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
    head = door.http.get(paged.path).text.partition("</head>")[0]
    assert "<title>A lead waits</title>" in head
    assert "Dana" not in head and '<meta name="robots" content="noindex' in head
    assert door.timeline(paged.lead_id) == before


def test_before_a_claim_there_is_who_asks_and_no_way_to_reach_them(door: Door) -> None:
    paged = Paged(
        door,
        name="Dana Reyes",
        phone=PHONE,
        email=EMAIL,
        city="Austin",
        ask=f"Solar. Call (646) 555-0142 or {EMAIL}",
        pages_viewed=["https://example.com/?phone=6465550142"],
    )
    page = paged.opens()
    for shown in ("Dana Reyes", "Austin", "Solar. Call (number)", "(e-mail)", "website", "Waiting"):
        assert shown in page, shown
    assert not private(page)
    assert "tel:" not in page and "mailto:" not in page and "0142" not in page


def test_a_strangers_words_stay_words(door: Door) -> None:
    paged = Paged(door, name=HOSTILE, ask=HOSTILE, **{'"><img src=x>': HOSTILE})
    for _ in range(2):
        raw = door.http.get(paged.path).text
        assert "<script>alert" not in raw and "<img" not in raw
        paged.presses("Claim")


def test_the_page_needs_nothing_from_elsewhere(door: Door) -> None:
    page = Paged(door).opens()
    linked = re.findall(r'(?:src|href|action)="([^"]*)"', page)
    assert linked
    assert not [each for each in linked if each.startswith(("http", "//"))]
    assert "<style" not in page and " style=" not in page and not re.search(r"\son\w+=", page)
    for name in ("rep.css", "rep.js", "icon.svg"):
        assert door.http.get(f"/static/{name}").status_code == 200


# Pressing


def test_a_claim_shows_how_to_reach_them_and_by_when(door: Door) -> None:
    paged = Paged(door, name="Dana Reyes", phone="+16465550143", email="dana@3.example")
    done = paged.presses("Claim")
    assert (done.status_code, done.headers["location"]) == (303, paged.token)
    page = paged.opens()
    for shown in (
        'href="tel:+16465550143"',
        "+1 646-555-0143",
        "dana@3.example",
        "or it is passed on",
    ):
        assert shown in page, shown
    assert "Ring me" not in page
    assert paged.owner() == "ann"


def test_who_is_put_through_sees_our_number_and_never_theirs(connected: Door) -> None:
    person = {"name": "Dana Reyes", "phone": "+16465550143", "email": "dana@3.example"}
    paged = Paged(connected, **person, ask="Solar. Ring (646) 555-0143", note="+1 646 555 0143")
    paged.presses("Claim")
    page = paged.opens()
    for shown in (
        f'href="tel:{MAIN_LINE}"',
        "it connects you",
        'value="Claim">Ring me',
        "Solar. Ring (number)",
        "dana@3.example",
        "or it is passed on",
        "Log an outcome",
    ):
        assert shown in page, shown
    assert "0143" not in page and "I called" not in page and "How did your call" not in page
    paged.presses("Claim")
    asked = [event for event in connected.timeline(paged.lead_id) if event.kind == "ring_asked"]
    assert [event.because for event in asked] == ["pressed Ring me on the page"]


def test_a_call_that_leaves_it_open_is_asked_about_with_the_digits_of_a_text(
    connected: Door,
) -> None:
    paged = Paged(connected, name="Dana Reyes", phone="+16465550144")
    paged.presses("Claim")
    rep, call = RepId("ann"), CallId("call-of-the-page-000000000")
    tried = Attempted(rep, "A", call, answered_by="unknown", bridged_s=45.0, ended="answered")
    with connected.house.ledger.transaction() as conn:
        held = hold(conn, LeadId(paged.lead_id))
        assert held is not None
        at = held.row.last_recorded_at
        facts = (Dialled(call, rep), replace(tried, asks=True))
        record(conn, held, numbered(held, facts, at=at, now=at, because="told", actor="carrier"))
    before = connected.timeline(paged.lead_id)
    page = paged.opens()
    assert "How did your call at" in page and "Log an outcome" not in page
    for key, word in ENDING_WORDS.items():
        assert f'value="{key}"><span class="key">{key}</span> <span class="word">{word}<' in page
    assert connected.timeline(paged.lead_id) == before
    paged.presses("3", page)
    page = paged.opens()
    assert "How did your call at" not in page and "talked for 0:45" in page
    kinds = [event.kind for event in connected.timeline(paged.lead_id)]
    assert kinds[-2:] == ["contacted", "outcome"]


def test_saying_that_one_called_asks_how_it_ended_and_records_nothing(door: Door) -> None:
    paged = Paged(door)
    paged.presses("Claim")
    before = door.timeline(paged.lead_id)
    page = paged.opens(f"?ended={paged.token}")
    for key, word in ENDING_WORDS.items():
        assert f'value="{key}"><span class="key">{key}</span> <span class="word">{word}<' in page
    assert door.timeline(paged.lead_id) == before


def test_only_who_has_the_lead_is_asked_how_it_ended(door: Door) -> None:
    paged = Paged(door)
    assert "How did it end" not in paged.opens(f"?ended={paged.token}")


def test_an_outcome_is_logged_and_shown(door: Door) -> None:
    paged = Paged(door)
    paged.presses("Claim")
    paged.presses("5")
    assert "no answer</b>" in paged.opens()
    paged.presses("7")
    page = paged.opens()
    assert "This lead is closed" in page and "<b>booked</b>" in page
    assert "Claim" not in page and "tel:" not in page


def test_later_takes_the_time_that_was_agreed(door: Door) -> None:
    paged = Paged(door)
    paged.presses("Claim")
    form = form_of(paged.opens(f"?ended={paged.token}"))
    when = "fri\n4pm " + "x" * 500
    done = door.http.post(paged.path, data={**form, "do": "8", "when": when})
    assert done.status_code == 303
    (said,) = [e.fact for e in door.timeline(paged.lead_id) if e.kind == "outcome"]
    assert getattr(said, "reason", "").startswith("fri 4pm xx")
    assert len(getattr(said, "reason", "")) <= 60
    assert "<b>later, fri 4pm xx" in paged.opens()


def test_the_same_form_twice_is_pressed_once(door: Door) -> None:
    paged = Paged(door)
    paged.presses("Claim")
    page = paged.opens()
    for _ in range(3):
        assert paged.presses("5", page).status_code == 303
    assert fold(door.timeline(paged.lead_id)).attempts == 1


def test_a_pass_says_so_and_leaves_a_way_back(door: Door) -> None:
    paged = Paged(door)
    paged.presses("Pass")
    page = paged.opens()
    assert "You passed" in page and "Claim it after all" in page
    paged.presses("Claim", page)
    assert paged.owner() == "ann"


def test_who_was_slower_is_told_who_has_it(door: Door) -> None:
    paged = Paged(door, name="Dana Reyes", phone="+16465550144", email="dana@4.example")
    paged.presses("Pass")
    attend(door.house.desk, LeadId(paged.lead_id))
    anns, paged.token = paged.token, paged.link_of(BOB)
    paged.presses("Claim")
    paged.token = anns
    late = paged.opens()
    assert "Bob Ray has this lead" in late
    assert (
        "Dana" not in late and "0144" not in late and "dana@" not in late and "<button" not in late
    )


def test_a_text_of_several_leads_has_a_card_for_each(door: Door) -> None:
    first, second = Paged(door, name="Dana One"), Paged(door, name="Eve Two")
    door.scalar(
        "update outbox set carried_by = (select id from outbox where lead_id = :first"
        " and kind = 'page_text') where lead_id = :second and kind = 'page_text' returning 1",
        first=first.lead_id,
        second=second.lead_id,
    )
    page = first.opens()
    assert "2 leads" in page and page.index("Dana One") < page.index("Eve Two")
    forms = page.split("<form")[1:]
    done = door.http.post(first.path, data={**form_of(forms[1]), "do": "Claim"})
    assert done.headers["location"] == f"{first.token}#{second.token}"
    assert (first.owner(), second.owner()) == (None, "ann")
    assert first.opens().count("tel:") == 1
    asked = first.opens(f"?ended={second.token}")
    assert "Your call to Eve Two" in asked and "Dana One" not in asked


# Links that are not good


def dead(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert "no longer good" in answer.text and "WHO" in answer.text and "manager" in answer.text
    return answer.text


def test_unknown_and_forged_links_get_the_same_page(door: Door) -> None:
    paged = Paged(door)
    forged = paged.token[:-1] + ("a" if paged.token[-1] != "a" else "b")
    pages = {dead(door.http.get(f"/r/{token}"), 404) for token in (forged, "A" * 16, "x")}
    done = door.http.post(f"/r/{forged}", data={**form_of(paged.opens()), "do": "Claim"})
    assert {*pages, dead(done, 404)} == pages
    assert len(pages) == 1
    assert paged.owner() is None


def test_an_old_link_gets_the_same_words(door: Door) -> None:
    paged = Paged(door)
    page = paged.opens()
    door.scalar(
        "update outbox set ordered_at = ordered_at - interval '8 days' where lead_id = :id"
        " returning 1",
        id=paged.lead_id,
    )
    gone = dead(door.http.get(paged.path), 410)
    assert gone == dead(door.http.get("/r/" + "A" * 16), 404)
    dead(paged.presses("Claim", page), 410)
    assert paged.owner() is None


# Strangers


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://[evil", "Host": "[evil"},
        {"Origin": "evil", "Host": "[evil"},
        {"Origin": "", "Host": "[evil"},
    ],
)
def test_another_site_cannot_press(door: Door, headers: dict[str, str]) -> None:
    paged = Paged(door)
    assert paged.presses("Claim", **headers).status_code == 403
    assert paged.owner() is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "same-origin", "Origin": "null"},
        {"Origin": "https://leads.example.com"},
        {"Origin": "null"},
    ],
)
def test_our_own_page_can(door: Door, headers: dict[str, str]) -> None:
    paged = Paged(door)
    assert paged.presses("Claim", **headers).status_code == 303
    assert paged.owner() == "ann"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "Claim"},
        {"do": "Claim", "nonce": "x"},
        {"do": "erase", "nonce": "12345678"},
        {"do": "1", "nonce": "12345678"},
        {f"f{n}": "x" for n in range(50)},
    ],
)
def test_a_form_that_is_not_ours_does_nothing(door: Door, fields: dict[str, str]) -> None:
    paged = Paged(door)
    answer = door.http.post(paged.path, data={"card": paged.token, **fields})
    assert answer.status_code == 400
    assert "not understood" in answer.text
    assert paged.owner() is None


def test_what_is_refused_before_the_page_is_still_a_page(door: Door) -> None:
    paged = Paged(door)
    asked = {
        413: door.http.post(paged.path, content=b"x" * 5000),
        404: door.http.get(paged.path + "/"),
        405: door.http.request("PUT", paged.path),
    }
    for status, answer in asked.items():
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert answer.headers["x-robots-tag"].startswith("noindex")
        assert '"type"' not in answer.text
    assert "no longer good" in asked[404].text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(door: Door, method: str) -> None:
    answer = door.http.request(method, Paged(door).path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_guessing_is_slowed_and_shuts_nobody_else_out(door: Door) -> None:
    paged = Paged(door)
    answers = [door.http.get(f"/r/{n:016}").status_code for n in range(WRONG_BURST + 1)]
    assert answers == [404] * WRONG_BURST + [429]
    assert paged.opens()


def test_a_link_that_is_played_with_has_to_wait(door: Door) -> None:
    paged = Paged(door)
    for _ in range(PER_LINK_BURST):
        paged.opens()
    answer = door.http.get(paged.path)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (429, "text/html")
    assert int(answer.headers["retry-after"]) >= 1


def test_with_the_ledger_away_a_rep_reads_what_to_do(tmp_path: Path) -> None:
    made = settings(tmp_path, "postgresql://nobody@127.0.0.1:1/none", "redis://127.0.0.1:1")
    form = {"card": "A" * 16, "nonce": "n" * 12, "do": "Claim"}
    with front_door(made, team=None) as door:
        answers = [door.http.get("/r/" + "A" * 16), door.http.post("/r/" + "A" * 16, data=form)]
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["content-type"].startswith("text/html")
        assert "reply <b>1</b>" in answer.text and "127.0.0.1" not in answer.text


# Words


def test_the_buttons_are_the_digits_of_a_text() -> None:
    assert sorted((*GOES_ON, LATER, *CLOSES)) == sorted(ENDING_OF)


def test_what_is_said_to_close_a_lead_closes_it(door: Door) -> None:
    for key in (*GOES_ON, *CLOSES):
        paged = Paged(door)
        paged.presses("Claim")
        paged.presses(key)
        state = fold(door.timeline(paged.lead_id)).state
        assert (state in (State.SETTLED, State.EXCLUDED)) == (key in CLOSES), key


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (133, "2:13"), (3599, "59:59"), (3600, "1 h 0 min"), (90_000, "1 day")],
)
def test_how_long_somebody_waits(seconds: int, shown: str) -> None:
    assert lasted(seconds) == shown


def test_a_strangers_address_is_no_letter_of_theirs(door: Door) -> None:
    paged = Paged(door, phone=None, email="dana?bcc=eve@evil.example")
    paged.presses("Claim")
    page = paged.opens()
    assert 'href="mailto:dana%3Fbcc%3Deve@evil.example"' in page
    assert mailto("dana+solar@reyes.example") == "mailto:dana%2Bsolar@reyes.example"


def test_a_number_is_shown_as_people_read_it() -> None:
    assert spaced("+442079460123") == "+44 20 7946 0123"
    assert spaced("no number") == "no number"
