"""Many leads, two workers and two sweeps at once: each page goes out once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.story.house import House

pytestmark = pytest.mark.story

NAMES = [f"Lead N{number:02d}" for number in range(60)]
AT_ONCE = 6


def test_sixty_leads_and_a_second_sweep(house: House) -> None:
    with house.also_runs("sweep"):
        with ThreadPoolExecutor(AT_ONCE) as websites:
            list(websites.map(house.lead, NAMES))
        house.ann.expects_leads(NAMES)
        house.clock.moves(121)
        house.bob.expects_leads(NAMES)
        house.ann.expects_leads(NAMES)
        house.is_quiet()
    wanted = [("ann", "text"), ("ann", "text"), ("bob", "text")]
    for lead in house.leads:
        assert sorted(lead.was_paged()) == wanted
        sent = Counter(event["page_id"] for event in lead.events("page_sent"))
        assert sorted(sent.values()) == [1, 1, 1]
    bodies = Counter(each["body"] for each in house.carrier.was_asked_for("LEAD"))
    assert set(bodies.values()) == {1}
