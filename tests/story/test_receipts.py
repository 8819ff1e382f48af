"""Receipts as they come on a bad day: forty at once for one page, in any order."""

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import pytest

from service.phone.urls import TEXT_STATUS_PATH
from tests.story.house import House
from tests.story.teams import ANN
from tests.story.wire import tells

pytestmark = pytest.mark.story

AT_ONCE = 40
STATUSES = ("queued", "sent", "delivered", "sending", "delivered", "sent")


def test_forty_receipts_at_once_for_one_lead_are_one_fact_each(house: House) -> None:
    house.carrier.will("callbacks", "lose", to=ANN)
    dana = house.lead("Dana Fox")
    page = house.ann.expects_text("Dana")
    house.is_quiet()
    (paged,) = dana.events("paged")
    statuses = list(islice(cycle(STATUSES), AT_ONCE))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda each: _receipt(house, paged["page_id"], each), statuses))
    assert answers == [204] * AT_ONCE
    dana.timeline_shows("paged", "page_sent")
    kinds = [event["event"] for event in dana.events()]
    assert kinds.count("page_sent") == 1
    assert kinds.count("page_delivered") == 1
    page.replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")


def _receipt(house: House, page_id: str, status: str) -> int:
    """One receipt as the carrier signs it; how it was answered."""
    (asked,) = house.carrier.was_asked_for("Dana", to=ANN)
    path = TEXT_STATUS_PATH.format(page_id=page_id)
    return tells(house, path, MessageSid=asked["sid"], MessageStatus=status).status_code
