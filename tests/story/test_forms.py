"""Somebody fills in the form on the website: a person is paged for, a program is not."""

from __future__ import annotations

from functools import partial

import httpx
import pytest

from service.web.form_sent import FILES_MAX_BYTES
from tests.story.house import House
from tests.story.leads import Lead, fresh_phone
from tests.story.patience import until
from tests.story.teams import FORM, FORM_KEY, SITE

pytestmark = pytest.mark.story

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "en", "Origin": SITE}
BOT_ANSWER = ("content-type", "content-security-policy", "cache-control", "location", "vary")


def fills_in(house: House, fields: dict[str, str], **headers: str) -> httpx.Response:
    """A visitor of the website sends its form."""
    given = {**BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return house.http.post(f"/forms/{FORM}", data={"key": FORM_KEY, **fields}, headers=given)


def the_lead(house: House, phone: str) -> Lead:
    """The lead that a form's sender became; the page that thanked them names none."""
    lead = Lead(house, until(partial(_lead_of, house, phone), "the form's lead is there"), phone)
    house.leads.append(lead)
    return lead


def _lead_of(house: House, phone: str) -> str:
    listed = house.asks("/leads?state=all&limit=200")["leads"]
    return next((str(each["id"]) for each in listed if each["phone"] == phone), "")


def bots(house: House) -> float:
    lines = house.http.get("/metrics").text.splitlines()
    found = [line for line in lines if line.startswith("speedtolead_form_bots_total")]
    return sum(float(line.split()[-1]) for line in found if f'source="{FORM}"' in line)


def test_a_visitor_fills_in_the_form_and_ann_is_paged(house: House) -> None:
    phone = fresh_phone()
    answer = fills_in(house, {"name": "Dana Fox", "phone": phone, "ask": "Solar panels for a barn"})
    assert answer.status_code == 200
    assert "Sunrise Solar has your request and will call you soon" in answer.text
    assert "Dana" not in answer.text
    dana = the_lead(house, phone)
    text = house.ann.expects_text("LEAD Dana Fox", "Solar panels for a barn", "quote form")
    text.replies("1").expects_text("yours", phone[-4:])
    dana.is_claimed_by("ann")


def test_the_operator_tries_the_form_from_a_terminal(house: House) -> None:
    phone = fresh_phone()
    tried = house.runs("lead", "--source", FORM, "--name", "Dana Fox", "--phone", phone)
    assert tried.returncode == 0, tried.stderr
    dana = the_lead(house, phone)
    assert dana.id in tried.stdout
    house.ann.expects_text("Dana")


def test_an_impatient_thumb_is_one_lead(house: House) -> None:
    person = {"name": "Dana Fox", "phone": fresh_phone(), "redirect": f"{SITE}/thanks"}
    for _ in range(4):
        answer = fills_in(house, person)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{SITE}/thanks")
    dana = the_lead(house, person["phone"])
    house.ann.expects_text("Dana")
    house.stays_silent()
    assert dana.was_paged() == [("ann", "text")]


def test_a_program_gets_the_same_answer_and_nobody_is_paged(house: House) -> None:
    phone, counted = fresh_phone(), bots(house)
    person = fills_in(house, {"name": "Dana Fox", "phone": phone})
    the_lead(house, phone)
    house.ann.expects_text("Dana")
    for trap in ({"website": "https://spam.example"}, {"fill_ms": "40"}):
        program = fills_in(house, {"name": "Cheap pills", "phone": fresh_phone(), **trap})
        assert (program.status_code, program.text) == (person.status_code, person.text)
        for header in BOT_ANSWER:
            assert program.headers.get(header) == person.headers.get(header)
    house.stays_silent()
    assert bots(house) == counted + 2


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({"key": "wrong"}, {}, 401),
        ({}, {"Origin": "https://evil.example"}, 403),
        ({}, {"Origin": "null"}, 403),
        ({}, {"Content_Type": "text/plain"}, 415),
        ({"phone": "", "name": ""}, {}, 422),
        ({"ask": "x" * 100_000}, {}, 413),
    ],
)
def test_what_is_refused_is_said_on_a_page_and_pages_nobody(
    house: House, fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    person = {"name": "Dana Fox", "phone": fresh_phone()}
    answer = fills_in(house, {**person, **fields}, **headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "Your request was not sent" in answer.text
    house.stays_silent()


def test_a_hostile_form_is_one_tidy_text_and_leads_nowhere(house: House) -> None:
    phone = fresh_phone()
    hostile = {
        "your-name": "<script>alert(1)</script>\r\nFrom: boss\r\n1 take",
        "form_fields[" * 10: "x",
        "a[b[c]]]][": "y" * 5_000,
        "phone": phone,
        "redirect": "https://evil.example/\r\nSet-Cookie: a=b",
    }
    answer = fills_in(house, hostile)
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert "alert" not in answer.text
    the_lead(house, phone)
    house.ann.expects_text("LEAD", "1 take 2 pass").is_one_tidy_text()


def test_a_photo_comes_with_the_form_and_a_film_does_not(house: House) -> None:
    phone = fresh_phone()
    sent = {"key": FORM_KEY, "name": "Dana Fox", "phone": phone}
    photo = {"photo": ("roof.jpg", b"\xff\xd8" * 500_000, "image/jpeg")}
    answer = house.http.post(f"/forms/{FORM}", data=sent, files=photo, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    dana = the_lead(house, phone)
    house.ann.expects_text("Dana")
    assert dana.read()["lead"]["extra"] == {"file": "roof.jpg"}
    film = {"film": ("roof.mp4", b"\0" * (FILES_MAX_BYTES + 1), "video/mp4")}
    answer = house.http.post(f"/forms/{FORM}", data=sent, files=film, headers=BROWSER)
    assert answer.status_code == 413
    assert "without attachments" in answer.text
    assert house.is_ready()
