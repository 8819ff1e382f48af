"""A rep takes a lead, is rung and connected; what the call came to is read from the carrier."""

from datetime import timedelta

import pytest

from tests.story.at_once import at_once
from tests.story.house import House
from tests.story.leads import Lead
from tests.story.phones import Phone
from tests.story.wire import was_told

pytestmark = pytest.mark.story

VOICE_RUNG = timedelta(seconds=45)
ALL_REPS_RUNG = timedelta(seconds=120)
RING_AGAIN_S = 21
FREE_AGAIN_S = 6
ASKED_BY_TEXT_S = 21
A_MOMENT = 35  # longer than it takes to count as contact
RANG_OUT_S = 60


def _lead(office: House, name: str = "Dana Fox") -> tuple[Lead, Phone]:
    """Somebody asks, and her own phone."""
    lead = office.lead(name, ask="Solar for a barn")
    return lead, office.phone_of(lead)


def _takes(office: House, name: str = "Dana Fox") -> None:
    """Ann takes her by text, and is told that her own phone rings."""
    yours = office.ann.expects_text(f"LEAD {name}").replies("1").expects_text(f"{name} is yours")
    assert "rings now" in yours.item["body"], yours


def _by_claim(office: House, lead: Lead) -> tuple[Phone, Phone]:
    """Whoever has it, and who else wanted it."""
    winner = lead.events("claimed")[0]["rep"]
    return office.phones[winner], office.phones["bob" if winner == "ann" else "ann"]


def test_a_human_for_45_s_is_contact_and_one_digit_on_the_line_says_the_rest(
    office: House,
) -> None:
    office.ann.picks_up(pressing="1,3")
    dana, her = _lead(office)
    her.picks_up().talks(45)
    _takes(office)
    call = office.ann.gets_a_call("Dana Fox", "barn", "Press 1").is_connected_with(her)
    her.expects_ring().is_answered_by_itself().is_connected_with(office.ann).ends()
    call.hears("How did it go?").hears("Logged: talked").ends()
    dana.is_claimed_by("ann").came_to("contacted")
    dana.timeline_shows("claimed", "rang", "dialled", "attempted", "contacted", "outcome")
    (attempted,) = dana.events("attempted")
    assert attempted["answered_by"] == "human"
    assert 40 < attempted["bridged_s"] < 60
    office.clock.moves(ASKED_BY_TEXT_S)
    office.stays_silent()


def test_who_hangs_up_first_after_45_s_is_asked_by_text(office: House) -> None:
    office.ann.picks_up(pressing="1").talks(45)
    dana, her = _lead(office)
    her.picks_up()
    _takes(office)
    office.ann.gets_a_call().is_connected_with(her).ends()
    her.expects_ring().is_answered_by_itself().ends()
    dana.came_to("contacted")
    office.stays_silent()
    office.clock.moves(ASKED_BY_TEXT_S)
    office.ann.expects_text("How did it go with Dana Fox?", "3 talked").replies("7")
    office.ann.expects_text("Logged", "booked")
    dana.timeline_shows("contacted", "outcome", "settled")


def test_after_150_s_with_a_human_nobody_is_asked_anything(office: House) -> None:
    office.ann.picks_up(pressing="1")
    dana, her = _lead(office)
    her.picks_up().talks(150)
    _takes(office)
    call = office.ann.gets_a_call().is_connected_with(her)
    her.expects_ring()
    call.ends()
    dana.came_to("contacted").asks_nobody()
    office.clock.moves(ASKED_BY_TEXT_S)
    office.stays_silent()


def test_a_voicemail_with_a_beep_and_12_s_more_is_a_message_left(office: House) -> None:
    office.ann.picks_up(pressing="1").talks(10 + 1 + 12)
    dana, her = _lead(office)
    her.has_a_mailbox(greeting=10)
    _takes(office)
    office.ann.gets_a_call().is_connected_with(her).ends()
    her.expects_ring()
    dana.came_to("no_answer", "voicemail_left").asks_nobody()
    assert 5 <= dana.events("voicemail_left")[0]["seconds"] < 20
    dana.owes("second_call")


def test_nobody_answers(office: House) -> None:
    office.ann.picks_up(pressing="1")
    dana, her = _lead(office)
    her.rings_unheard()
    _takes(office)
    call = office.ann.gets_a_call()
    her.expects_ring()
    was_told(office, "/legs/", CallStatus="ringing")
    office.clock.moves(RANG_OUT_S)
    call.hears("could not be reached").ends()
    dana.came_to("no_answer").asks_nobody()
    assert dana.events("attempted")[0]["ended"] == "no_answer"
    dana.owes("second_call")


def test_a_busy_line(office: House) -> None:
    office.ann.picks_up(pressing="1")
    dana, her = _lead(office)
    her.is_busy()
    _takes(office)
    office.ann.gets_a_call().hears("could not be reached").ends()
    dana.came_to("no_answer").asks_nobody()
    assert dana.events("attempted")[0]["ended"] == "busy"
    dana.owes("second_call")


def test_the_reps_own_voicemail_never_takes_a_lead_and_the_take_back_decides(
    office: House,
) -> None:
    office.ann.has_a_mailbox()
    dana, her = _lead(office)
    _takes(office)
    office.ann.gets_a_call("Dana Fox").ends()
    office.ann.expects_text("Missed you", "1 ring again", "2 pass")
    office.clock.moves(RING_AGAIN_S)
    office.ann.gets_a_call("Dana Fox").ends()
    office.stays_silent()
    office.clock.moves(181)
    office.ann.expects_text("No call logged for Dana Fox")
    office.bob.expects_text("Dana Fox")
    assert [each["reason"] for each in dana.events("ring_failed")] == ["no_key", "no_key"]
    assert not dana.events("dialled")
    her.hears_nothing()


def test_who_hangs_up_in_the_whisper_is_rung_again_by_1(office: House) -> None:
    office.ann.picks_up().hangs_up_after(2)
    dana, her = _lead(office)
    her.picks_up().talks(A_MOMENT)
    _takes(office)
    office.ann.gets_a_call().ends()
    missed = office.ann.expects_text("Missed you", "1 ring again")
    office.ann.rings().picks_up(pressing="1,3")
    missed.replies("1")
    call = office.ann.gets_a_call("Dana Fox").is_connected_with(her)
    her.expects_ring()
    call.hears("Logged: talked").ends()
    dana.came_to("contacted")


def test_of_two_who_claim_at_once_one_is_connected(office: House) -> None:
    for phone in (office.ann, office.bob):
        phone.picks_up(pressing="1,3")
    dana, her = _lead(office)
    her.picks_up().talks(A_MOMENT)
    office.ann.expects_text("Dana")
    office.clock.comes_to(dana.arrived_at + ALL_REPS_RUNG)
    page = office.bob.expects_text("Dana")
    office.ann.expects_text("Dana")
    at_once(lambda: page.replies("1"), lambda: office.ann.texts_itself("1"))
    dana.timeline_shows("claimed", "claim_lost")
    winner, loser = _by_claim(office, dana)
    winner.expects_text("Dana Fox is yours")
    loser.expects_text("has Dana Fox")
    call = winner.gets_a_call("Dana Fox").is_connected_with(her)
    her.expects_ring()
    call.hears("Logged: talked").ends()
    dana.came_to("contacted")
    assert len(dana.events("rang")) == 1


def test_a_claim_made_on_the_phone_rings_when_the_call_is_over(office: House) -> None:
    office.ann.picks_up(pressing="1").is_(call_waiting=False)
    _, her = _lead(office)
    her.picks_up()
    _takes(office)
    first = office.ann.gets_a_call().is_connected_with(her)
    her.expects_ring()
    office.phones_have_rested()
    eve, hers = _lead(office, "Eve Early")
    hers.picks_up().talks(A_MOMENT)
    page = office.ann.expects_text("LEAD Eve Early").replies("1")
    page.expects_text("Eve Early is yours", "when you have hung up")
    office.stays_silent()
    first.hangs_up()
    office.stays_silent()
    office.ann.picks_up(pressing="1,3")
    office.clock.moves(FREE_AGAIN_S)
    second = office.ann.gets_a_call("Eve Early").is_connected_with(hers)
    hers.expects_ring()
    second.hears("Logged: talked").ends()
    eve.came_to("contacted")
    office.clock.moves(ASKED_BY_TEXT_S)
    office.ann.expects_text("How did it go with Dana Fox?")


def test_key_1_on_a_page_by_voice_takes_the_lead_and_dials_it(office: House) -> None:
    office.ann.picks_up(pressing="1,3")
    dana, her = _lead(office)
    her.picks_up().talks(A_MOMENT)
    office.ann.expects_text("LEAD Dana Fox")
    office.clock.comes_to(dana.arrived_at + VOICE_RUNG)
    call = office.ann.gets_a_call("Dana Fox", "be connected").is_connected_with(her)
    her.expects_ring()
    call.hears("Logged: talked").ends()
    dana.is_claimed_by("ann").came_to("contacted")
    office.stays_silent()
