"""A rep calls a number of the team's: a key takes what waits, or connects with a lead they have."""

import pytest

from tests.story.house import House

pytestmark = pytest.mark.story

A_MOMENT = 35


def test_an_open_page_is_taken_and_connected_by_key(office: House) -> None:
    dana = office.lead("Dana Fox", ask="Solar for a barn")
    her = office.phone_of(dana).picks_up().talks(A_MOMENT)
    office.ann.expects_text("LEAD Dana Fox")
    office.ann.is_(keys="1,3")
    call = office.ann.calls_us().hears("Dana Fox", "barn")
    call.is_connected_with(her)
    her.expects_ring()
    call.hears("Logged: talked").ends()
    (claimed,) = dana.is_claimed_by("ann").events("claimed")
    assert claimed["by"] == "call-through"
    dana.came_to("contacted")
    office.stays_silent()


def test_a_lead_that_she_has_is_connected_by_key_and_its_number_never_spoken(
    office: House,
) -> None:
    office.ann.picks_up().hangs_up_after(2)
    dana = office.lead("Dana Fox", ask="Solar for a barn")
    her = office.phone_of(dana).picks_up().talks(A_MOMENT)
    office.ann.expects_text("LEAD Dana Fox").replies("1").expects_text("is yours")
    office.ann.gets_a_call().ends()
    office.ann.expects_text("Missed you")
    office.ann.rings().is_(keys="1,3")
    call = office.ann.calls_us().hears("Dana Fox")
    call.is_connected_with(her)
    her.expects_ring()
    call.hears("Logged: talked").ends()
    dana.came_to("contacted")
    said = office.carrier.get(f"calls/{call.sid}")["lines"]
    assert not any(dana.phone[-4:] in line for line in said if "[connected" not in line), said


def test_without_a_key_a_forged_number_learns_nothing_and_dials_nobody(office: House) -> None:
    dana = office.lead("Dana Fox", ask="Solar for a barn")
    office.ann.expects_text("LEAD Dana Fox")
    call = office.somebody().calls_us(shown_as=office.ann.number).ends()
    said = [line for each in office.carrier.get("phones")["phones"] for line in _lines(each)]
    assert call is not None
    assert not any(dana.phone[-4:] in line for line in said), said
    dana.is_waiting()


def test_when_nothing_waits_9_goes_on_as_a_caller(office: House) -> None:
    office.ann.is_(keys="9")
    office.bob.picks_up(pressing="1,3")
    call = office.ann.calls_us().hears("Nothing is waiting", "9").waits()
    taken = office.bob.gets_a_call().is_connected_with(office.ann)
    call.hangs_up()
    taken.hears("How did it go").ends()
    assert [each["rep"] for each in office.lead_of(office.ann).events("rang")] == ["bob"]
    office.is_quiet()


def _lines(phone: dict[str, list[dict[str, list[str]]]]) -> list[str]:
    return [line for call in phone["calls"] for line in call["lines"]]
