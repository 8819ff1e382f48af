"""The same request twice is one lead and one page, however it comes twice."""

import threading

import httpx
import pytest

from tests.story.house import House
from tests.story.leads import Lead, fresh_phone

pytestmark = pytest.mark.story


def _same_lead(house: House, first: Lead, answer: httpx.Response) -> None:
    """The answer names the first lead, and Ann was paged once for it."""
    assert answer.status_code == 202, answer.text
    assert answer.json()["lead_id"] == first.id
    assert answer.json()["duplicate"] is True
    house.ann.expects_text("Dana")
    house.stays_silent()
    assert first.was_paged() == [("ann", "text")]


def test_a_redelivery_by_the_sources_own_id(house: House) -> None:
    body = {"name": "Dana Fox", "phone": fresh_phone(), "id": f"ext-{fresh_phone()}"}
    dana = house.knows(house.is_offered(body))
    _same_lead(house, dana, house.is_offered(body))


def test_a_redelivery_by_its_idempotency_key(house: House) -> None:
    key = f"key-{fresh_phone()}"
    dana = house.knows(house.is_offered({"name": "Dana Fox", "email": "d@example.com"}, key=key))
    other = {"name": "Dana Fox", "phone": fresh_phone()}
    _same_lead(house, dana, house.is_offered(other, key=key))


def test_a_button_pressed_twice(house: House) -> None:
    body = {"name": "Dana Fox", "phone": fresh_phone()}
    dana = house.knows(house.is_offered(body))
    _same_lead(house, dana, house.is_offered(body))


def test_five_deliveries_at_the_same_instant(house: House) -> None:
    body = {"name": "Dana Fox", "phone": fresh_phone(), "id": f"ext-{fresh_phone()}"}
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(house.is_offered(body))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [202] * 5
    assert sorted(answer.json()["duplicate"] for answer in answers) == [False, *[True] * 4]
    (dana,) = {answer.json()["lead_id"]: house.knows(answer) for answer in answers}.values()
    house.ann.expects_text("Dana")
    house.stays_silent()
    assert dana.was_paged() == [("ann", "text")]


def test_a_person_who_asks_again_after_closing_is_paged_again(house: House) -> None:
    body = {"name": "Dana Fox", "phone": fresh_phone(), "ask": "A roof"}
    dana = house.knows(house.is_offered(body))
    house.ann.expects_text("Dana")
    dana.is_settled()
    house.is_offered({**body, "ask": "And a cellar"})
    house.ann.expects_text("AGAIN", "Dana")
    dana.timeline_shows("settled", "asked_again", "reopened", "paged")
