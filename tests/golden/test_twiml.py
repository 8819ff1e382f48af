"""Every document that we answer a call with: word for word, and as Twilio documents it.

The words are in ``twiml/*.xml``. The grammar is the stand-in carrier's, which is Twilio's
documentation as tables: verbs, attributes, nesting, enumerations, lengths.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.phone import urls, voice, voice_calls
from service.rules.lead import CallId, PageId
from service.sandbox.grammar import Place
from service.sandbox.strictness import wrong_document

KEPT = Path(__file__).parent / "twiml"
PUBLIC = "https://sales.example.com"
CALL, PAGE = CallId("c4ll-c4ll-c4ll-c4ll-c4ll-0001"), PageId("page-1")
LEAD, OURS = "+12125550177", "+15005550006"

KEY = urls.page_key_url(PUBLIC, PAGE)
BRIDGE_KEY = urls.bridge_key_url(PUBLIC, CALL)
HUNT_KEY = urls.hunt_key_url(PUBLIC, CALL, PAGE)
OUTCOME = urls.outcome_key_url(PUBLIC, CALL)
THROUGH = urls.through_key_url(PUBLIC, "CA" + "2" * 32)
DONE = urls.dial_done_url(PUBLIC, CALL)
HUNT_DONE = urls.hunt_done_url(PUBLIC, CALL, PAGE)
LEG, VERDICT = urls.leg_status_url(PUBLIC, CALL), urls.leg_verdict_url(PUBLIC, CALL)
LEG_SAY = urls.leg_say_url(PUBLIC, CALL)
LEFT, WAIT = urls.left_url(PUBLIC, CALL), urls.wait_url(PUBLIC, CALL)
RECORDED, RECORDING = urls.recorded_url(PUBLIC, CALL), urls.recording_url(PUBLIC, CALL)
TRANSCRIPT, RINGING = urls.transcript_url(PUBLIC, CALL), urls.ringing_url(PUBLIC)

# name -> where Twilio asks for it, and the document
DOCUMENTS: dict[str, tuple[Place, str]] = {
    "say_page": ("call", voice.say_page("New lead: Dana & Co. Press 1 to take it.", KEY)),
    "after_key": ("call", voice.after_key("Ann Lee has it.")),
    "say_and_hang_up": ("call", voice.say_and_hang_up("Nobody can answer now.")),
    "empty": ("call", voice.empty()),
    "empty_messaging": ("text", voice.empty_messaging()),
    "whisper": ("call", voice_calls.whisper("Dana Fox asks for a roof. Press 1.", BRIDGE_KEY)),
    "whisper_of_a_hunt": ("call", voice_calls.whisper("A caller waits. Press 1.", HUNT_KEY)),
    "menu": ("call", voice_calls.menu("1 for Dana Fox, 9 to go on as a caller.", THROUGH)),
    "ask_digit": ("call", voice_calls.ask_digit("How did it go? 3 talked.", OUTCOME, 8)),
    "dial_lead": ("call", voice_calls.dial_lead(LEAD, OURS, 30, DONE, LEG, VERDICT)),
    "dial_lead_recorded": (
        "call",
        voice_calls.dial_lead(
            *(LEAD, OURS, 30, DONE, LEG, VERDICT),
            record=True,
            leg_say_url=LEG_SAY,
            recording_url=RECORDING,
            spoken="This call is recorded.",
        ),
    ),
    "announce": ("whisper", voice_calls.announce("This call is recorded.")),
    "hold_on": (
        "whisper",
        voice_calls.hold_on("One moment please, this is Sunrise Solar.", f"{LEG_SAY}?round=1"),
    ),
    "go_on": ("whisper", voice_calls.go_on()),
    "announce_to_a_caller": ("dequeue", voice_calls.announce("Here is Ann Lee.")),
    "enqueue": ("call", voice_calls.enqueue(CALL, LEFT, WAIT)),
    "enqueue_after_words": ("call", voice_calls.enqueue(CALL, LEFT, WAIT, "One moment, please.")),
    "ring_tone": ("wait", voice_calls.ring_tone(RINGING, 15)),
    "ring_tone_for_a_moment": ("wait", voice_calls.ring_tone(RINGING, 3)),
    "leave": ("wait", voice_calls.leave()),
    "connect_caller": ("call", voice_calls.connect_caller(CALL, HUNT_DONE)),
    "connect_caller_recorded": (
        "call",
        voice_calls.connect_caller(
            CALL, HUNT_DONE, say_url=LEG_SAY, record=True, recording_url=RECORDING, spoken="Here."
        ),
    ),
    "take_message": (
        "call",
        voice_calls.take_message("Please leave a message.", RECORDED, RECORDING, None, 300),
    ),
    "take_message_in_words": (
        "call",
        voice_calls.take_message("Please leave a message.", RECORDED, RECORDING, TRANSCRIPT, 300),
    ),
    "hang_up": ("call", voice_calls.hang_up()),
}

# What makes no document of its own.
PARTS = {"sayable"}


def in_lines(document: str) -> str:
    root = ElementTree.fromstring(document)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def wrong(document: str, place: Place) -> str:
    return wrong_document(tuple(ElementTree.fromstring(document)), place, inline=False)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_is_word_for_word_what_it_was(name: str) -> None:
    assert in_lines(DOCUMENTS[name][1]) == (KEPT / f"{name}.xml").read_text()


def test_no_document_is_kept_that_nobody_answers() -> None:
    assert {path.stem for path in KEPT.glob("*.xml")} == set(DOCUMENTS)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_is_as_documented(name: str) -> None:
    place, document = DOCUMENTS[name]
    assert document.startswith('<?xml version="1.0" encoding="UTF-8"?><Response')
    assert wrong(document, place) == ""


@pytest.mark.parametrize("module", [voice, voice_calls])
def test_no_builder_is_left_out(module: ModuleType) -> None:
    builders = {
        name
        for name, found in inspect.getmembers(module, inspect.isfunction)
        if found.__module__ == module.__name__
        and inspect.signature(found).return_annotation is str
        and not name.startswith("_")
    }
    assert builders
    assert builders - PARTS <= set(DOCUMENTS)


WORDS = st.text(max_size=60) | st.just("x" * 9_000)
NUMBERS = st.integers(-(10**9), 10**9)
ANY: list[tuple[Place, Callable[[str, int], str]]] = [
    ("call", lambda words, _: voice.say_page(words, KEY)),
    ("call", lambda words, _: voice.say_and_hang_up(words)),
    ("call", lambda words, number: voice_calls.ask_digit(words, OUTCOME, number)),
    ("whisper", lambda words, _: voice_calls.announce(words)),
    ("whisper", lambda words, _: voice_calls.hold_on(words, LEG_SAY)),
    ("call", lambda words, _: voice_calls.enqueue(CALL, LEFT, WAIT, words)),
    ("wait", lambda _, number: voice_calls.ring_tone(RINGING, number)),
    ("call", lambda words, _: voice_calls.connect_caller(CALL, HUNT_DONE, spoken=words)),
    (
        "call",
        lambda words, number: voice_calls.dial_lead(
            LEAD, OURS, number, DONE, LEG, VERDICT, spoken=words
        ),
    ),
    (
        "call",
        lambda words, number: voice_calls.take_message(words, RECORDED, RECORDING, None, number),
    ),
    (
        "call",
        lambda words, number: voice_calls.take_message(
            words, RECORDED, RECORDING, TRANSCRIPT, number
        ),
    ),
]


@given(words=WORDS, number=NUMBERS)
def test_no_words_and_no_numbers_make_a_document_that_is_refused(words: str, number: int) -> None:
    """A lead chose some of the words, a team file the numbers."""
    for place, build in ANY:
        document = build(words, number)
        assert wrong(document, place) == ""
        assert build(words, number) == document


def test_a_lead_is_rung_as_long_as_a_person_hears() -> None:
    """Twilio adds five seconds of its own."""
    assert 'timeout="25"' in DOCUMENTS["dial_lead"][1]


def test_nothing_is_recorded_that_nobody_would_learn_of() -> None:
    silent = voice_calls.dial_lead(LEAD, OURS, 30, DONE, LEG, VERDICT, record=True)
    assert silent == DOCUMENTS["dial_lead"][1]


def test_a_ring_lasts_as_long_as_it_was_asked_for() -> None:
    """In rounds of six seconds, and silence for the rest."""
    (play, pause) = ElementTree.fromstring(voice_calls.ring_tone(RINGING, 15))
    assert (play.text, play.get("loop"), pause.get("length")) == (RINGING, "2", "3")
