"""The second call after a first that nobody answered: asked for, made, missed, and never let go."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.story.clock import EVE
from tests.story.house import House
from tests.story.leads import Lead
from tests.story.phones import Phone
from tests.story.teams import CONNECTED, CONNECTED_BY_DAY

pytestmark = pytest.mark.story

A_MOMENT = 35
AT_ONCE = timedelta(seconds=1)
NEW_YORK = ZoneInfo("America/New_York")
IN_NEW_YORK = "+12123334455"


def _unanswered(office: House, **fields: str) -> tuple[Lead, Phone]:
    """Ann called her, and the line was busy."""
    office.ann.picks_up(pressing="1")
    dana = office.lead("Dana Fox", ask="Solar for a barn", **fields)
    her = office.phone_of(dana).is_busy()
    office.ann.expects_text("LEAD Dana Fox").replies("1").expects_text("is yours")
    office.ann.gets_a_call().ends()
    dana.came_to("no_answer")
    return dana, her


def _instant(debt: dict[str, str], name: str) -> datetime:
    return datetime.fromisoformat(debt[name])


def test_it_is_asked_for_before_its_promise_and_one_key_makes_it(office: House) -> None:
    dana, her = _unanswered(office)
    call_at = _instant(dana.owes("second_call"), "call_at")
    office.clock.comes_just_before(call_at)
    office.stays_silent()
    office.clock.comes_to(call_at + AT_ONCE)
    page = office.ann.expects_text("2ND CALL to Dana Fox is due by", "1 ring me", "2 pass")
    office.ann.picks_up(pressing="1,3")
    her.picks_up().talks(A_MOMENT)
    page.replies("1")
    call = office.ann.gets_a_call("2nd call owed", "Dana Fox").is_connected_with(her)
    her.expects_ring()
    call.hears("Logged: talked").ends()
    dana.has_met("second_call").came_to("contacted")
    office.stays_silent()


def test_missed_it_climbs_and_whoever_makes_it_makes_it_late(office: House) -> None:
    dana, her = _unanswered(office)
    debt = dana.owes("second_call")
    office.ann.rings_unheard()
    office.clock.comes_to(_instant(debt, "call_at") + AT_ONCE)
    office.ann.expects_text("2ND CALL to Dana Fox")
    office.clock.moves(301)
    office.ann.expects_ring()
    office.clock.comes_to(_instant(debt, "due_at") + AT_ONCE)
    dana.has_missed("second_call").timeline_shows("owed_missed", "taken_back")
    office.ann.expects_text("Dana Fox")
    office.bob.picks_up(pressing="1,3")
    her.picks_up().talks(A_MOMENT)
    page = office.bob.expects_text("2ND CALL", "Dana Fox")
    page.replies("1").expects_text("Dana Fox is yours")
    call = office.bob.gets_a_call("Dana Fox").is_connected_with(her)
    her.expects_ring()
    call.hears("Logged: talked").ends()
    dana.has_met("second_call", late=True).came_to("contacted")


def test_never_made_it_stays_owed_and_reaches_the_managers(office: House) -> None:
    dana, her = _unanswered(office)
    due_at = _instant(dana.owes("second_call"), "due_at")
    office.clock.comes_to(due_at + AT_ONCE)
    dana.has_missed("second_call").is_waiting()
    office.bob.expects_text("2ND CALL", "Dana Fox")
    office.clock.moves(301)
    office.mia.expects_text("2ND CALL", "Dana Fox")
    for phone in (office.ann, office.bob):
        phone.finds_texts("Dana Fox")
    dana.has_not_met("second_call")
    her.hears_nothing()


@pytest.fixture
def evening(office: House) -> Iterator[House]:
    """The office keeps hours, and it is five minutes before the end of the day."""
    office.changes_team(CONNECTED_BY_DAY)
    now = office.clock.now().astimezone(NEW_YORK)
    office.clock.comes_to(now.replace(hour=19, minute=55, second=0, microsecond=0))
    yield office
    office.changes_team(CONNECTED)


def test_owed_after_hours_it_waits_for_the_opening(evening: House) -> None:
    dana, her = _unanswered(evening, phone=IN_NEW_YORK)
    call_at = _instant(dana.owes("second_call"), "call_at")
    opening = evening.clock.now().astimezone(NEW_YORK) + timedelta(days=1)
    opening = opening.replace(hour=8, minute=0, second=0, microsecond=0)
    assert timedelta() <= call_at - opening < timedelta(minutes=15)
    evening.clock.comes_to(call_at - 2 * EVE)
    evening.stays_silent()
    evening.clock.comes_to(call_at + AT_ONCE)
    evening.ann.expects_text("2ND CALL to Dana Fox")
    assert not dana.events("owed_missed")
    her.hears_nothing()
