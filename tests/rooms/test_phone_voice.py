"""What is said on a call, word for word."""

from xml.etree import ElementTree

from service.phone import voice
from service.phone.urls import page_key_url
from service.rules.lead import PageId

KEY_URL = page_key_url("https://sales.example.com", PageId("page-1"))
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
GATHER = (
    '<Gather action="https://sales.example.com/twilio/pages/page-1/key'
    '#rc=3&amp;rp=ct,rt,5xx&amp;ct=2000&amp;rt=4000&amp;tt=15000" input="dtmf" method="POST" '
    'numDigits="1" timeout="6"><Say language="en-US">New lead: Dana &amp; Co. '
    "Press 1 to take it, 2 to pass.</Say></Gather>"
)
SPOKEN = "New lead: Dana & Co. Press 1 to take it, 2 to pass."


def test_a_page_is_said_twice_and_takes_a_key() -> None:
    assert voice.say_page(SPOKEN, KEY_URL) == (
        f"{HEAD}<Response>{GATHER}{GATHER}<Hangup /></Response>"
    )


def test_a_page_in_another_language() -> None:
    assert '<Say language="es-US">Hola</Say>' in voice.say_page("Hola", KEY_URL, "es-US")


def test_after_a_key() -> None:
    assert voice.after_key("It is yours.") == (
        f'{HEAD}<Response><Say language="en-US">It is yours.</Say><Hangup /></Response>'
    )


def test_nothing_to_say() -> None:
    assert voice.empty() == f"{HEAD}<Response />"
    assert voice.empty_messaging() == f"{HEAD}<Response />"


def test_words_that_no_document_could_hold_are_left_out() -> None:
    """A lead's name is a stranger's words."""
    hostile = "Dana\x00\x0b</Say><Dial>+1900</Dial>\ud800\uffff" + "x" * 9000
    document = ElementTree.fromstring(voice.say_and_hang_up(hostile))
    assert [child.tag for child in document] == ["Say", "Hangup"]
    assert len(document[0].text or "") == voice.SPOKEN_LENGTH_MAX
