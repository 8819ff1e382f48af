"""Callbacks that never come, come twice or in the wrong order: the call comes to the same."""

import pytest

from tests.story.house import House
from tests.story.leads import Lead
from tests.story.phones import Phone
from tests.story.wire import answered_twice, was_told

pytestmark = pytest.mark.story

HELD_S = 11
ASKED_BY_TEXT_S = 21
ASKED_AFTER_S = 121
TALK = 45
WHISPER_KEY_DONE_DIGIT = 4


def _talks(office: House, pressing: str = "1,3") -> tuple[Lead, Phone]:
    """Ann takes her, and they talk."""
    office.ann.picks_up(pressing=pressing)
    dana = office.lead("Dana Fox", ask="Solar for a barn")
    her = office.phone_of(dana).picks_up().talks(TALK)
    office.ann.expects_text("LEAD Dana Fox").replies("1").expects_text("is yours")
    office.ann.gets_a_call().is_connected_with(her).ends()
    her.expects_ring().is_answered_by_itself().ends()
    return dana, her


def test_without_a_verdict_the_carrier_is_asked_who_answered(office: House) -> None:
    office.carrier.will("callbacks", "lose", kind="leg")
    office.carrier.will("callbacks", "lose", kind="detection")
    dana, _ = _talks(office, pressing="1")
    office.is_quiet()
    assert not dana.events("attempted")
    office.clock.moves(HELD_S)
    dana.came_to("contacted")
    office.clock.moves(ASKED_BY_TEXT_S)
    office.ann.expects_text("How did it go with Dana Fox?")


def test_without_any_word_of_the_call_the_poll_finds_its_end(office: House) -> None:
    for kind in ("leg", "detection", "call"):
        office.carrier.will("callbacks", "lose", kind=kind)
    office.carrier.will("documents", "lose", kind="dial")
    dana, _ = _talks(office, pressing="1")
    office.ann.hears_that_it_broke()
    office.is_quiet()
    assert not dana.events("attempted")
    office.clock.moves(ASKED_AFTER_S)
    dana.timeline_shows("dialled", "attempted")
    (attempted,) = dana.events("attempted")
    assert attempted["ended"] == "answered", attempted
    assert attempted["answered_by"] == "human", attempted
    assert attempted["asks"], attempted
    assert not dana.events("contacted"), "nobody proved that the two were connected"
    office.clock.moves(ASKED_BY_TEXT_S)
    office.ann.expects_text("How did it go with Dana Fox?").replies("3")
    office.ann.expects_text("Logged")
    (contacted,) = dana.timeline_shows("attempted", "contacted", "outcome").events("contacted")
    assert contacted["evidence"] == "B", "her word, beside a human whom the carrier heard"


def test_a_recording_that_nobody_told_of_is_found(office: House) -> None:
    office.carrier.will("callbacks", "lose", kind="recording")
    for phone in (office.ann, office.bob):
        phone.rings_unheard()
    her = office.somebody().leaves_a_message(12)
    call = her.calls_us().waits()
    for phone in (office.ann, office.bob):
        phone.expects_ring()
    call.is_recorded().ends()
    dana = office.lead_of(her)
    was_told(office, "/recorded")
    office.clock.moves(HELD_S)
    dana.timeline_shows("call_missed", "voicemail_received")
    office.ann.expects_text("VOICEMAIL")
    office.ann.finds_texts("MISSED CALL")


def test_whatever_is_told_or_asked_twice_counts_once_and_is_answered_alike(
    office: House,
) -> None:
    office.carrier.will("documents", "duplicate")
    office.carrier.will("callbacks", "duplicate", kind="leg")
    office.carrier.will("callbacks", "duplicate", kind="detection")
    office.carrier.will("callbacks", "duplicate", kind="call")
    dana, _ = _talks(office)
    dana.timeline_shows("attempted", "contacted", "outcome")
    twice = answered_twice(office, "/twilio/")
    assert len(twice) >= WHISPER_KEY_DONE_DIGIT, twice
    assert all(first == second for first, second in twice), twice
    kinds = [event["event"] for event in dana.events()]
    for once in ("rang", "dialled", "attempted", "contacted", "outcome"):
        assert kinds.count(once) == 1, kinds


def test_callbacks_in_the_wrong_order_tell_the_same(office: House) -> None:
    office.carrier.will("callbacks", "reorder", kind="leg")
    dana, _ = _talks(office)
    dana.came_to("contacted").timeline_shows("attempted", "contacted", "outcome")
