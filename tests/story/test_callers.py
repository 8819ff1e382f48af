"""Leads who call or write to us: who is rung for them, who has them then, and what is missed."""

import pytest

from tests.story.house import House
from tests.story.leads import Lead
from tests.story.phones import Phone
from tests.story.teams import LINE

pytestmark = pytest.mark.story

A_MOMENT = 35


def _nobody_picks_up(office: House) -> None:
    for phone in (office.ann, office.bob):
        phone.rings_unheard()


def _everybody_was_rung(office: House) -> None:
    for phone in (office.ann, office.bob):
        phone.expects_ring()


def _whoever_was_rung(office: House) -> None:
    """A caller who hangs up soon may be quicker than the phones."""
    for phone in (office.ann, office.bob):
        phone.finds_rings()


def test_a_new_caller_is_taken_by_the_second_rep(office: House) -> None:
    office.ann.has_a_mailbox()
    office.bob.picks_up(after=30, pressing="1")
    her = office.somebody().talks(A_MOMENT)
    call = her.calls_us().waits()
    taken = office.bob.gets_a_call("new caller", "Press 1").is_connected_with(her)
    office.ann.expects_ring()
    call.is_connected_with(office.bob).ends()
    taken.ends()
    dana = office.lead_of(her)
    dana.is_claimed_by("bob").came_to("contacted")
    dana.timeline_shows("arrived", "called_in", "connected", "attempted", "contacted")
    office.ann.hears_nothing()


def test_a_caller_who_gives_up_is_paged_at_once(office: House) -> None:
    _nobody_picks_up(office)
    her = office.somebody().hangs_up_after(30)
    her.calls_us().waits().ends()
    dana = office.lead_of(her)
    (missed,) = dana.timeline_shows("called_in", "call_missed").events("call_missed")
    assert not missed["short"]
    assert 15 < missed["seconds"] <= 30
    office.ann.expects_text("MISSED CALL")
    _whoever_was_rung(office)
    dana.owes("call_back")
    dana.is_waiting()


def test_a_caller_who_hangs_up_after_a_ring_is_told_apart(office: House) -> None:
    _nobody_picks_up(office)
    her = office.somebody().hangs_up_after(5)
    her.calls_us().waits().ends()
    (missed,) = office.lead_of(her).timeline_shows("call_missed").events("call_missed")
    assert missed["short"]
    office.ann.expects_text("MISSED CALL")
    _whoever_was_rung(office)


def test_a_missed_caller_leaves_a_message_that_is_paged_with_its_first_words(
    office: House,
) -> None:
    _nobody_picks_up(office)
    her = office.somebody().leaves_a_message(12, "It is about the barn roof.")
    call = her.calls_us().waits()
    _everybody_was_rung(office)
    call.hears("leave a message").is_recorded().ends()
    dana = office.lead_of(her)
    dana.timeline_shows("called_in", "call_missed", "voicemail_received")
    (message,) = dana.events("voicemail_received")
    assert message["seconds"] == pytest.approx(12, abs=1)
    office.ann.expects_text("VOICEMAIL")
    dana.owes("voicemail")


def _hers(office: House) -> tuple[Lead, Phone]:
    """A lead that Ann has, with whom she has talked."""
    office.ann.picks_up(pressing="1,3")
    dana = office.lead("Dana Fox", ask="Solar for a barn")
    her = office.phone_of(dana)
    her.picks_up().talks(A_MOMENT)
    office.ann.expects_text("LEAD Dana Fox").replies("1").expects_text("is yours")
    call = office.ann.gets_a_call().is_connected_with(her)
    her.expects_ring()
    call.hears("Logged").ends()
    dana.came_to("contacted")
    office.clock.moves(60)
    return dana, her


def test_a_known_lead_who_calls_back_reaches_who_has_it(office: House) -> None:
    dana, her = _hers(office)
    office.ann.picks_up(pressing="1,3")
    call = her.calls_us().waits()
    taken = office.ann.gets_a_call("On the line: Dana Fox").is_connected_with(her)
    call.ends()
    taken.ends()
    dana.is_claimed_by("ann").came_to("contacted")
    office.bob.hears_nothing()


def test_a_known_lead_who_writes_is_read_by_who_has_it(office: House) -> None:
    dana, her = _hers(office)
    her.texts_itself("Could you come on Tuesday?", LINE)
    office.ann.expects_text("Dana Fox wrote", "Could you come on Tuesday?")
    dana.timeline_shows("contacted", "lead_replied")


def test_a_text_from_an_unknown_number_is_a_lead(office: House) -> None:
    her = office.somebody().texts_itself("Do you do barns?", LINE)
    office.ann.expects_text("LEAD", "Do you do barns?")
    office.lead_of(her).is_waiting()


def test_a_caller_who_withholds_the_number_is_a_lead_too(office: House) -> None:
    _nobody_picks_up(office)
    her = office.somebody().leaves_a_message(8)
    call = her.calls_us(shown_as="anonymous").waits()
    _everybody_was_rung(office)
    call.hears("leave a message").is_recorded().ends()
    office.ann.expects_text("VOICEMAIL")
    (opened,) = office.open_leads()
    assert opened.phone == ""
