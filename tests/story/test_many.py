"""Many leads, two workers and two sweeps at once: each page goes out once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.story.house import House
from tests.story.phones import Phone

pytestmark = pytest.mark.story

NAMES = [f"Lead N{number:02d}" for number in range(60)]
AT_ONCE = 6


def test_sixty_leads_and_a_second_sweep(house: House) -> None:
    with house.also_runs("sweep"):
        with ThreadPoolExecutor(AT_ONCE) as websites:
            list(websites.map(house.lead, NAMES))
        _gets_each_once(house.ann)
        house.clock.moves(121)
        _gets_each_once(house.bob)
        _gets_each_once(house.ann)
        house.is_quiet()
        asked = house.carrier.was_asked_for("LEAD")
    sent = Counter((each["to"], name) for each in asked for name in NAMES if name in each["body"])
    wanted = {(house.ann.number, name): 2 for name in NAMES}
    assert sent == wanted | {(house.bob.number, name): 1 for name in NAMES}


def _gets_each_once(phone: Phone) -> None:
    for name in NAMES:
        phone.expects_text(name)
