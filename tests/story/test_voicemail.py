"""A message on our voicemail: heard on our own page, climbed about until somebody calls back."""

import httpx
import pytest

from tests.story.house import House
from tests.story.leads import Lead
from tests.story.phones import Phone

pytestmark = pytest.mark.story

RIGHT_AFTER_5_MINUTES_S = 301


def _message(office: House) -> tuple[Lead, Phone]:
    """Somebody called, nobody was free, and the voicemail has her words."""
    for phone in (office.ann, office.bob):
        phone.rings_unheard()
    her = office.somebody().leaves_a_message(12, "It is about the barn roof.")
    call = her.calls_us().waits()
    for phone in (office.ann, office.bob):
        phone.expects_ring()
    call.is_recorded().ends()
    dana = office.lead_of(her)
    dana.timeline_shows("voicemail_received")
    return dana, her


def test_an_unanswered_voicemail_climbs_to_the_manager_until_somebody_calls_back(
    office: House,
) -> None:
    dana, her = _message(office)
    office.ann.expects_text("VOICEMAIL")
    office.clock.moves(RIGHT_AFTER_5_MINUTES_S)
    page = office.mia.expects_text("VOICEMAIL")
    for phone in (office.ann, office.bob):
        phone.expects_text("VOICEMAIL")
    dana.owes("voicemail")
    office.mia.picks_up(pressing="1,3")
    her.picks_up().talks(35)
    page.replies("1").expects_text("is yours")
    call = office.mia.gets_a_call("Voicemail").is_connected_with(her)
    her.expects_ring()
    call.hears("Logged").ends()
    dana.came_to("contacted").has_met("voicemail")


def test_it_is_heard_on_our_page_and_never_by_the_carriers_address(office: House) -> None:
    dana, _ = _message(office)
    text = office.ann.expects_text("VOICEMAIL", "12 s")
    carriers = str(office.carrier.http.base_url)
    assert carriers not in text.body
    page = httpx.get(text.link, trust_env=False).text
    assert carriers not in page
    assert "Recordings/RE" not in page
    start = page.index("<audio")
    source = page[page.index('src="', start) + 5 :].partition('"')[0]
    sound = httpx.get(httpx.URL(text.link).join(source), trust_env=False)
    assert sound.status_code == 200
    assert sound.headers["content-type"].startswith("audio/")
    assert sound.content[:4] in (b"RIFF", b"ID3\x03", b"ID3\x04")
    dana.is_waiting()
