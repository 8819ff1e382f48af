"""A carrier that repeats itself and confuses the order, forty receipts at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from service.desk.attend import attend
from service.desk.dispatch import take_next
from service.desk.settling import settle
from service.desk.taking import Taking
from service.phone.line import Accepted
from service.rules.lead import LeadId, PageId
from tests.rooms.conftest import NewDatabase
from tests.rooms.web_world import PUBLIC_URL, Door, a_house

AT_ONCE = 40
STATUSES = ("queued", "sending", "sent", "delivered", "sent", "delivered", "queued", "delivered")


@pytest.fixture(scope="module")
def door(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database()) as opened:
        yield opened


def a_page(door: Door, *, settled: bool) -> tuple[str, PageId]:
    """A lead and the text by which Ann was paged."""
    lead_id = door.new_lead()
    desk = door.house.desk
    attend(desk, LeadId(lead_id))
    door.scalar("delete from pace where kind = 'new-lead' returning 1")
    taking = take_next(desk, PUBLIC_URL, "tests")
    assert isinstance(taking, Taking)
    if settled:
        settle(desk, taking.row, Accepted("SM1", "queued"), taking.carried)
    return lead_id, taking.row.id


def all_at_once(door: Door, page_id: PageId, statuses: list[str]) -> Counter[int]:
    """Post all of them from as many threads; how often each status code came back."""

    def post(status: str) -> int:
        code = {"ErrorCode": "30003"} if status in ("failed", "undelivered") else {}
        fields = {"MessageSid": "SM1", "MessageStatus": status, **code}
        return door.twilio(f"/twilio/texts/{page_id}/status", fields).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(post, statuses))


def kinds(door: Door, lead_id: str) -> list[str]:
    return [event.kind for event in door.timeline(lead_id)]


def many(*statuses: str) -> list[str]:
    return list(islice((each for _ in range(AT_ONCE) for each in statuses), AT_ONCE))


@pytest.mark.parametrize("settled", [True, False], ids=["settled", "before our own answer"])
def test_forty_receipts_in_any_order_are_one_delivery(door: Door, settled: bool) -> None:
    lead_id, page_id = a_page(door, settled=settled)
    assert all_at_once(door, page_id, many(*STATUSES)) == {204: AT_ONCE}
    found = Counter(kinds(door, lead_id))
    assert found == {"arrived": 1, "paged": 1, "page_sent": 1, "page_delivered": 1}


def test_of_two_ends_the_first_stays(door: Door) -> None:
    lead_id, page_id = a_page(door, settled=True)
    answers = all_at_once(door, page_id, many("delivered", "undelivered", "failed", "sent"))
    assert answers == {204: AT_ONCE}
    found = Counter(kinds(door, lead_id))
    assert found["page_delivered"] + found["page_failed"] == 1
    assert found["page_sent"] == 1
