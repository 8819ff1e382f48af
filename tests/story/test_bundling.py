"""Several leads at once for one rep: they share a text, and each is answered by its letter."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.story.house import House
from tests.story.phones import Phone

pytestmark = pytest.mark.story

FORTY = [f"Lead N{number:02d}" for number in range(40)]
AT_ONCE = 6
BETWEEN_TEXTS_S = 4.0
"""Five seconds, less what a request may take on its way out."""
WORKERS = ("worker-1", "worker-2")


def test_a_rep_answers_three_leads_with_one_thumb(house: House) -> None:
    dana, eli, fay = (house.lead(name) for name in ("Dana Fox", "Eli Moss", "Fay Hill"))
    first = house.ann.expects_text("LEAD Dana Fox").is_one_tidy_text()
    both = house.ann.expects_text("2 LEADS wait", "Eli Moss", "Fay Hill").is_one_tidy_text()
    house.clock.moves(5)  # no thumb is on its way any more
    listed = first.replies("1").expects_text("Which one?", "Dana Fox", "Eli Moss", "Fay Hill")
    for lead in (dana, eli, fay):
        lead.is_waiting()
    answers = {"Dana Fox": listed.body.split("Dana Fox: 1")[1][0]}
    answers |= {name: both.letter_of(name) for name in ("Eli Moss", "Fay Hill")}
    for name, letter in answers.items():
        both.replies(f"1{letter}").expects_text(f"{name} is yours")
    for lead in (dana, eli, fay):
        lead.is_claimed_by("ann")
        assert lead.was_paged() == [("ann", "text")]
    house.stays_silent()


def test_the_link_of_a_shared_text_opens_all_of_it(house: House) -> None:
    for name in ("Dana Fox", "Eli Moss", "Fay Hill"):
        house.lead(name)
    house.ann.expects_text("Dana Fox")
    both = house.ann.expects_text("2 LEADS wait")
    assert both.tells_of(["Dana Fox", "Eli Moss", "Fay Hill"]) == {"Eli Moss", "Fay Hill"}


def test_forty_leads_in_two_seconds_for_one_rep(house: House) -> None:
    with ThreadPoolExecutor(AT_ONCE) as websites:
        list(websites.map(house.lead, FORTY))
    texts = house.ann.expects_leads(FORTY)
    assert len(texts) < len(FORTY) / 4
    assert _shortest_rest(house, house.ann) > BETWEEN_TEXTS_S
    house.is_quiet()
    for lead in house.leads:
        assert lead.was_paged() == [("ann", "text")]
        lead.timeline_shows("paged", "page_sent", "page_delivered")


def test_workers_killed_with_a_shared_text_in_their_hands(house: House) -> None:
    """The carrier had not taken it: it goes out again, with all its leads, once."""
    house.lead("Zoe First")
    house.ann.expects_text("Zoe First")
    house.carrier.will("messages", "hang", seconds=3, times=1)
    eli, fay = house.lead("Eli Moss"), house.lead("Fay Hill")
    house.carrier.is_being_asked_for("LEADS wait", "Eli Moss")
    house.kills(*WORKERS)
    again = house.ann.expects_text("Eli Moss")
    for lead, name in ((eli, "Eli Moss"), (fay, "Fay Hill")):
        text = house.ann.expects_text(name) if name not in again.body else again
        text.replies(f"1{text.letter_of(name)}").expects_text(f"{name} is yours")
        lead.is_claimed_by("ann")
    house.is_quiet()
    for name in ("Eli Moss", "Fay Hill"):
        assert len(house.carrier.was_asked_for("LEAD", name)) == 2


def test_workers_killed_while_the_carrier_answers_for_a_shared_text(house: House) -> None:
    """The carrier has it: nobody is told twice, and each lead knows that it was sent."""
    house.lead("Zoe First")
    house.ann.expects_text("Zoe First")
    house.carrier.will("messages", "delay", seconds=2, times=1)
    eli, fay = house.lead("Eli Moss"), house.lead("Fay Hill")
    house.carrier.is_being_asked_for("LEADS wait", "Eli Moss")
    house.kills(*WORKERS)
    house.ann.expects_text("Eli Moss", "Fay Hill")
    for lead in (eli, fay):
        lead.timeline_shows("paged", "page_sent", "page_delivered")
    house.is_quiet()
    assert len(house.carrier.was_asked_for("Eli Moss")) == 1


def _shortest_rest(house: House, phone: Phone) -> float:
    """The shortest time between two texts about new leads that we asked the carrier for."""
    asked = sorted(
        float(each["epoch"]) for each in house.carrier.was_asked_for(" LEAD", to=phone.number)
    )
    return min(later - earlier for earlier, later in pairwise(asked))
