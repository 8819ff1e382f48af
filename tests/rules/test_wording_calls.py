"""Goal: what is said and texted about calls fits its room, says which keys do what, and tells no
number of a lead's, whatever the lead is called and wherever they wrote it.
"""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import spoken, wording
from service.rules import wording_calls as texts
from service.rules.call_facts import Owing
from service.rules.causes import Cause
from service.rules.lead import CALLED_US, Lead
from service.rules.replies import ENDING_WORDS, OutcomeReply, Pass, QuestionKind, Take, read_reply
from service.rules.segments import Encoding, segments
from service.rules.timeline import Ending
from tests.rules.test_wording import DANA, HOSTILE, LINK, PHONE, told_how_to_reach

SECOND = Cause(Owing.SECOND_CALL, call="2nd")
VOICEMAIL = Cause(Owing.VOICEMAIL, 23.4)
MISSED = Cause(Owing.CALL_BACK, 31.0)
CAUSES = (SECOND, VOICEMAIL, MISSED, Cause(Owing.FURTHER_CALL, call="agreed"))
WISHFUL = replace(
    DANA,
    preferred_channel="text",
    preferred_time="mornings",
    language="es-MX",
    decision_maker="yes",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            texts.ringing(DANA, first_name="Ann"),
            "Dana Fox is yours, Ann. Your phone rings now, press 1 to be connected.",
        ),
        (
            texts.ringing(DANA, first_name="Ann", number=PHONE),
            "Dana Fox is yours, Ann. Your phone rings now, press 1 to be connected."
            " Their number: +1 212 555 0199.",
        ),
        (
            texts.held(DANA, first_name="Ann"),
            "Dana Fox is yours, Ann. Your phone rings when you have hung up.",
        ),
        (
            texts.lawful_later(DANA, first_name="Ann", clock="08:00"),
            "Dana Fox is yours, Ann. They may be called from 08:00 on, your phone rings then.",
        ),
        (
            texts.call_through(DANA, first_name="Ann", team_number="+15005550007"),
            "Dana Fox is yours, Ann. Call +1 500 555 0007 to be connected.",
        ),
        (texts.missed_ring(DANA), "Dana Fox: Missed you. 1 ring again, 2 pass."),
        (
            texts.missed_ring(DANA, rang=False),
            "Dana Fox: We could not ring you. 1 ring again, 2 pass.",
        ),
        (
            texts.yours_on_the_line(DANA, first_name="Ann"),
            "Dana Fox is yours, Ann. They are on the line just now.",
        ),
        (
            texts.ringing(Lead(phone=PHONE), first_name="Ann"),
            "Somebody is yours, Ann. Your phone rings now, press 1 to be connected.",
        ),
        (
            texts.replied(DANA, "call me after 5", private=True, rings=True),
            "Dana Fox wrote: call me after 5. 1 ring me.",
        ),
        (
            texts.replied(Lead(), "hi", private=True, rings=True, source_name="Main line"),
            "Somebody (Main line) wrote: hi. 1 ring me.",
        ),
        (
            spoken.whisper(Lead(phone=PHONE, ask=CALLED_US), "Main line"),
            "Somebody called us, by way of Main line. Press 1 to be connected, 2 to pass.",
        ),
        (
            spoken.spoken_yours(DANA, text_follows=False, private=True, on_the_line=True),
            "Dana Fox is yours. They are on the line just now. Goodbye.",
        ),
        (texts.missed_ring(DANA, letter="B"), "Dana Fox: Missed you. 1B ring again, 2B pass."),
        (
            texts.ask(DANA),
            "How did it go with Dana Fox? 3 talked 4 voicemail 5 no answer 6 wrong number"
            " 7 booked 8 later 9 not interested 0 not a lead",
        ),
        (
            texts.replied(DANA, "Tomorrow 10 is fine.", private=True, rings=True),
            "Dana Fox wrote: Tomorrow 10 is fine. 1 ring me.",
        ),
        (
            texts.replied(DANA, "On 646 555 0142 please", private=True, rings=False),
            "Dana Fox wrote: On (number) please",
        ),
        (
            texts.replied(DANA, "On 646 555 0142 please", private=False, rings=False),
            "Dana Fox wrote: On 646 555 0142 please",
        ),
        (
            texts.replied(DANA, "\U0001f44d", private=True, rings=True, letter="B"),
            "Dana Fox wrote without words. 1B ring me.",
        ),
        (
            texts.owed(DANA, SECOND, clock="10:15", by="10:30", rings=True, link=LINK),
            f"10:15 2ND CALL to Dana Fox is due by 10:30. 1 ring me 2 pass {LINK}",
        ),
        (
            texts.owed(DANA, SECOND, clock="10:15", by="10:30", rings=False, letter="C"),
            "10:15 2ND CALL to Dana Fox is due by 10:30. 1C number 2C pass",
        ),
        (
            texts.owed(
                DANA, VOICEMAIL, clock="10:15", by="10:30", rings=True, said="It's Dana. Call me."
            ),
            "10:15 VOICEMAIL 23 s from Dana Fox: It's Dana. Call me. Call back by 10:30."
            " 1 ring me 2 pass",
        ),
        (
            texts.owed(DANA, MISSED, clock="10:15", by="10:30", rings=True, asks=False, link=LINK),
            f"10:15 MISSED CALL from Dana Fox. Call back by 10:30. Answer here: {LINK}",
        ),
        (
            wording.page_text(
                clock="10:15", lead=DANA, source_name="website", cause=VOICEMAIL, said="It's me"
            ),
            "10:15 LEAD VOICEMAIL 23 s Dana Fox, Austin, TX: It's me. website. 1 take 2 pass",
        ),
        (
            wording.page_text(clock="10:15", lead=DANA, source_name="website", cause=MISSED),
            "10:15 LEAD MISSED CALL Dana Fox, Austin, TX: New roof, how soon can you come? website."
            " 1 take 2 pass",
        ),
        (
            wording.taken_back(DANA, after_s=180, why="owed"),
            "The call owed to Dana Fox was not made in time, passing it on."
            " Reply 1 to take it again.",
        ),
        (
            wording.taken_back(DANA, after_s=180, why="off_duty", letter="B"),
            "A call to Dana Fox is owed and you are not on duty, passing it on."
            " Reply 1B to take it again.",
        ),
        (
            wording.question_list([("A", DANA, QuestionKind.OWED)]),
            "Which one? Dana Fox: 1A call 2A pass.",
        ),
        # Said
        (
            spoken.whisper(WISHFUL, "website", recorded=True),
            "Dana Fox from Austin, TX asks: New roof, how soon can you come, by way of website."
            " Prefers text, mornings. Speaks Spanish. Decides: yes. This call is recorded."
            " Press 1 to be connected, 2 to pass.",
        ),
        (
            spoken.whisper(DANA, "website", owed="second call", said="Call me back."),
            "Second call: Dana Fox from Austin, TX says: Call me back, by way of website."
            " Press 1 to be connected, 2 to pass.",
        ),
        (
            spoken.spoken_page(lead=DANA, source_name="website", connects=True, cause=MISSED),
            "Missed call: Dana Fox from Austin, TX asks: New roof, how soon can you come, by way of"
            " website. Press 1 to take it and be connected, 2 to pass.",
        ),
        (
            spoken.spoken_owed(DANA, SECOND, by="10:30", connects=True),
            "2nd call owed: Dana Fox is to be called by 10:30. Press 1 to be connected, 2 to pass.",
        ),
        (
            spoken.caller_whisper(DANA, known=True),
            "On the line: Dana Fox asks: New roof, how soon can you come."
            " Press 1 to take the call, 2 to pass.",
        ),
        (
            spoken.caller_whisper(DANA, known=False),
            "A new caller is on the line. Press 1 to take the call, 2 to pass.",
        ),
        (
            spoken.spoken_yours(DANA, text_follows=False, private=True),
            "Dana Fox is yours. Call this number back to be connected. Goodbye.",
        ),
        (
            spoken.through_menu([DANA]),
            "Press 1 to be connected with Dana Fox, 9 to go on as a caller.",
        ),
        (
            spoken.through_menu([DANA, Lead(name="Bo Li")]),
            "Press 1 for Dana Fox, 2 for Bo Li, or 9 to go on as a caller.",
        ),
        (spoken.taken_by("Bob Ray"), "Bob Ray has it already. Goodbye."),
        (spoken.outcome_heard(Ending.NO_ANSWER), "Logged: no answer. Goodbye."),
    ],
)
def test_what_is_said_of_calls(text: str, expected: str) -> None:
    assert text == expected


def test_the_keys_that_a_text_names_are_those_that_are_read() -> None:
    asked = texts.ask(DANA, letter="B")
    for key, word in ENDING_WORDS.items():
        assert f"{key}B {word}" in asked and f"{key} {word}" in spoken.ask_outcome()
        assert isinstance(read_reply(f"{key}B {word}"), OutcomeReply)
    owed = texts.owed(DANA, SECOND, clock="10:15", by="10:30", rings=True, letter="B")
    one, two = re.findall(r"\b[12]B\b", owed)
    assert (read_reply(one), read_reply(two)) == (Take("B"), Pass("B"))


def test_who_is_put_through_reads_the_whole_request_but_no_number() -> None:
    lead = replace(DANA, ask="Ring 212 555 0199 or 646 555 0142, or see www.dana.example")
    (more,) = wording.more(lead, claimed=True, private=True)
    assert more == (
        "Dana Fox. Austin, TX. e-mail dana.fox@example.com. Ring (number) or (number), or see"
        " (link)."
    )


def every_text(lead: Lead, said: str, link: str | None, letter: str | None) -> list[str]:
    """Every text about calls that tells no number, each to be one segment."""
    return [
        texts.ringing(lead, first_name="Ann"),
        texts.held(lead, first_name="Ann"),
        texts.lawful_later(lead, first_name="Ann", clock="Mon 08:00"),
        texts.call_through(lead, first_name="Ann", team_number="+15005550007"),
        texts.missed_ring(lead, letter=letter),
        texts.on_the_line(lead),
        texts.ringing_again(lead),
        texts.ask(lead, letter=letter),
        *(wording.taken_back(lead, after_s=90, letter=letter, why=w) for w in ("owed", "off_duty")),
        *(
            texts.owed(
                lead, cause, clock="10:15", by="Mon 10:30", rings=rings, letter=letter, link=link,
                said=said, asks=asks,
            )
            for cause in CAUSES
            for rings, asks in ((True, True), (False, True), (True, False))
        ),
        *(
            wording.page_text(
                clock="10:15", lead=lead, source_name=lead.name, letter=letter, link=link,
                cause=cause, said=said,
            )
            for cause in CAUSES
        ),
    ]  # fmt: skip


def every_line(lead: Lead, said: str) -> list[str]:
    """Everything a voice says of a lead that tells no number."""
    return [
        spoken.whisper(lead, lead.name, recorded=True, owed="second call", said=said),
        spoken.spoken_owed(lead, VOICEMAIL, by="Mon 10:30", connects=True, said=said),
        *(spoken.spoken_page(lead=lead, source_name="x", cause=c, said=said) for c in CAUSES),
        *(spoken.caller_whisper(lead, known=known, recorded=True) for known in (True, False)),
        spoken.spoken_yours(lead, text_follows=False, private=True),
        spoken.connecting(lead),
        spoken.lead_unreachable(lead),
        spoken.through_menu([lead] * 6),
    ]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_stranger_wrote_or_said_no_number_is_told(hostile: str) -> None:
    lead = Lead(
        name=hostile, phone=PHONE, email="dana.fox@example.com", ask=hostile, city=hostile,
        language=hostile, preferred_channel=hostile, preferred_time=hostile, decision_maker=hostile,
    )  # fmt: skip
    for text in every_text(lead, hostile, LINK, "B"):
        assert segments(text).encoding is Encoding.GSM_7 and segments(text).count == 1, text
        assert not told_how_to_reach(text) and "\n" not in text
    for line in every_line(lead, hostile):
        assert not told_how_to_reach(line), line
        assert len(line) <= spoken.SPOKEN_MAX and "\n" not in line and "<" not in line
    wrote = texts.replied(lead, hostile, private=True, rings=True, letter="B")
    assert segments(wrote).count <= 2 and wrote.endswith(" 1B ring me.")
    assert "2125550199" not in re.sub(r"\D", "", wrote)
    more = "".join(wording.more(lead, claimed=True, private=True))
    assert "2125550199" not in re.sub(r"\D", "", more)


@settings(max_examples=200, deadline=None)
@given(
    name=st.text(max_size=80), said=st.text(max_size=200),
    link=st.sampled_from([None, LINK, "https://example.com/" + "x" * 200]),
    letter=st.sampled_from([None, "B"]),
)  # fmt: skip
def test_a_text_about_a_call_is_one_segment(
    name: str, said: str, link: str | None, letter: str | None
) -> None:
    lead = Lead(name=name, phone=PHONE, ask=said)
    for text in every_text(lead, said, link if link == LINK else None, letter):
        assert segments(text).encoding is Encoding.GSM_7 and segments(text).count == 1, text
    for cause in CAUSES:
        far = texts.owed(
            lead, cause, clock="10:15", by="10:30", rings=True, letter=letter, link=link, said=said
        )
        assert segments(far).count == 1
        assert f"1{letter or ''} ring me 2{letter or ''} pass" in far
    assert segments(texts.replied(lead, said, private=True, rings=True)).count <= 2
    assert all(len(line) <= spoken.SPOKEN_MAX for line in every_line(lead, said))
