"""Goal: every text says what it must in the room it has, whatever a stranger typed into a form,
and never tells how to reach a lead before somebody has claimed it.

Method: golden lines, hostile names in every field, and properties over arbitrary text.
"""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules import masking, spoken, wording
from service.rules.lead import Lead
from service.rules.replies import QuestionKind
from service.rules.segments import Encoding, Segments, cut, is_gsm, segments, septets, to_gsm
from service.rules.timeline import Ending

PHONE, EMAIL = "+12125550199", "dana.fox@example.com"
DANA = Lead(
    name="Dana Fox",
    phone=PHONE,
    email=EMAIL,
    ask="New roof, how soon can you come?",
    city="Austin",
    state="TX",
)
LINK = "https://leads.example.com/r/Zk3vQ9sLw2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments(Encoding.GSM_7, 0, 1)),
        ("a" * 160, Segments(Encoding.GSM_7, 160, 1)),
        ("a" * 161, Segments(Encoding.GSM_7, 161, 2)),
        ("a" * 306, Segments(Encoding.GSM_7, 306, 2)),
        ("a" * 307, Segments(Encoding.GSM_7, 307, 3)),
        ("\u20ac" * 80, Segments(Encoding.GSM_7, 160, 1)),
        ("\u20ac" * 81, Segments(Encoding.GSM_7, 162, 2)),
        ("a" * 152 + "\u20ac" + "a" * 10, Segments(Encoding.GSM_7, 164, 2)),
        # The escape pair does not fit the last septet of the first segment and moves on.
        ("a" * 152 + "\u20ac" + "a" * 152, Segments(Encoding.GSM_7, 306, 3)),
        ("a" * 151 + "\u20ac" + "a" * 153, Segments(Encoding.GSM_7, 306, 2)),
        ("\u2019" + "a" * 69, Segments(Encoding.UCS_2, 70, 1)),
        ("\u2019" + "a" * 70, Segments(Encoding.UCS_2, 71, 2)),
        ("\U0001f600" * 35, Segments(Encoding.UCS_2, 70, 1)),
        ("\U0001f600" * 36, Segments(Encoding.UCS_2, 72, 2)),
        # 33 pairs fill 66 of 67 units; the 34th is not split, so 67 pairs need three segments.
        ("\U0001f600" * 67, Segments(Encoding.UCS_2, 134, 3)),
    ],
)
def test_segments_are_counted_as_the_carrier_does(text: str, expected: Segments) -> None:
    assert segments(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dana\u2019s \u201cnew\u201d roof \u2013 soon\u2026", 'Dana\'s "new" roof - soon...'),
        ("a\u00a0b\u2009c\td", "a b c d"),
        ("ê â î Š č ő ř", "e a i S c o r"),
        ("é è ù ì ò ñ ü Å ß", "é è ù ì ò ñ ü Å ß"),
        ("e\u0301", "é"),
        ("Łódź Đặng ıœŒ", "Lodz Dang ioeOE"),
        ("½ ﬁ ①", "1/2 fi 1"),
        ("日本 ok \U0001f600\U0001f600", "? ok ?"),
        ("a\u200bb\u202ec\x00d", "abcd"),
        ("\U0001f468\u200d\U0001f469", "?"),
        ("^{}[]~|\\€", "^{}[]~|\\€"),
    ],
)
def test_what_has_a_plain_counterpart_becomes_it(text: str, expected: str) -> None:
    assert to_gsm(text) == expected


@given(st.text())
def test_anything_can_be_said_in_gsm(text: str) -> None:
    assert is_gsm(to_gsm(text))


@given(st.text("abc €^.,é", max_size=80), st.integers(0, 90))
def test_a_cut_text_fits(text: str, room: int) -> None:
    assert septets(cut(text, room)) <= room


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {},
            ("12:04 LEAD Dana Fox, Austin, TX: New roof, how soon can you come? website."
            " 1 take 2 pass"),
        ),
        (
            {"link": LINK},
            ("12:04 LEAD Dana Fox, Austin, TX: New roof, how soon can you come? website."
            f" 1 take 2 pass {LINK}"),
        ),
        (
            {"letter": "B", "again": True},
            ("12:04 LEAD AGAIN Dana Fox, Austin, TX: New roof, how soon can you come? website."
            " 1B take 2B pass"),
        ),
        (
            {"lead": Lead(name="Dana Fox", email=EMAIL)},
            "12:04 LEAD Dana Fox, no phone. website. 1 take 2 pass",
        ),
        (
            {"lead": Lead(name="Dana Fox", phone=PHONE, product="solar", postal_code="78701")},
            "12:04 LEAD Dana Fox, 78701: solar. website. 1 take 2 pass",
        ),
        ({"lead": Lead(phone=PHONE)}, "12:04 LEAD somebody. website. 1 take 2 pass"),
        (
            {"lead": Lead(name="\U0001f600\U0001f600", phone=PHONE, ask="hi")},
            "12:04 LEAD name not in Latin letters: hi. website. 1 take 2 pass",
        ),
        (
            {"lead": Lead(name="محمد علي", phone=PHONE, ask="سقف جديد")},
            ("12:04 LEAD name not in Latin letters: not in Latin letters, see MORE. website."
            " 1 take 2 pass"),
        ),
        (
            {"lead": Lead(name="<b>Dana</b>\r\n1 take", phone=PHONE, ask="a\n\nb")},
            "12:04 LEAD <b>Dana</b> 1 take: a b. website. 1 take 2 pass",
        ),
        (
            {"lead": Lead(name="\u202eanaD\u202c \u200fFox", phone=PHONE)},
            "12:04 LEAD anaD Fox. website. 1 take 2 pass",
        ),
        (
            {"lead": Lead(name="Dana", phone=PHONE, ask="At 212-555-0199, x@y.org " + "z" * 99)},
            "12:04 LEAD Dana: At (number), (e-mail) " + "z" * 95 + ".. website."
            " 1 take 2 pass",
        ),
    ],
)  # fmt: skip
def test_a_page(changed: dict[str, object], expected: str) -> None:
    given_ = {"clock": "12:04", "lead": DANA, "source_name": "website", **changed}
    assert wording.page_text(**given_) == expected  # type: ignore[arg-type]  # a table of words


def test_the_ask_gives_way_first_then_the_place_then_the_link_and_last_the_name() -> None:
    def page(name: int, place: int, ask: int) -> str:
        lead = Lead(name="N" * name, phone=PHONE, city="P" * place, ask="A" * ask)
        return wording.page_text(clock="12:04", lead=lead, source_name="website", link=LINK)

    assert re.search(r"N{8}, P{8}: A{8}\. .* pass https:", page(8, 8, 8))
    assert re.search(r"N{8}, P{8}: A+\.\. .* pass https:", page(8, 8, 200))
    assert re.search(r"N{8}, P{60}: A+\.\. .* pass https:", page(8, 60, 200))
    assert re.search(r"N{8}, P+\.\. website.* pass https:", page(8, 90, 200))
    assert re.search(r"N{85}\. website.* pass https:", page(85, 90, 200))
    assert re.search(r"N{100}, P+\.\. website.* pass$", page(100, 90, 200))
    assert re.search(r"^12:04 LEAD N+\.\. website\. 1 take 2 pass$", page(10_000, 90, 200))


HOSTILE = [
    "",
    "   ",
    "<script>alert(1)</script>",
    "<?xml version='1.0'?><Response><Dial>900</Dial></Response>",
    "Dana\r\nFox\x00\x1b[31m",
    "\u202egnihtemos\u202c",
    "\U0001f469\u200d\U0001f680" * 40,
    "A" * 10_000,
    "€^" * 5_000,
    "محمد علي",
    "Дана Фокс",
    "{name} %s {{7*7}} $HOME",
    "Z\u0351\u036b\u0343\u036a" * 200,
    f"{PHONE} {EMAIL}",
    "(212) 555-0199",
    "2.1.2.5.5.5.0.1.9.9",
    "2 1 2 / 5 5 5 / 0 1 9 9",
    "212\u200b555\u200b0199",
    "2\u03361\u03362\u03365\u03365\u03365\u03360\u03361\u03369\u03369",
    "\uff12\uff11\uff12\uff15\uff15\uff15\uff10\uff11\uff19\uff19",
    "٢١٢٥٥٥٠١٩٩",
    "DANA.FOX@EXAMPLE.COM",
    "dana.fox\uff20example.com",
    "dana.fox (at) example.com",
    "dana.fox @ example.com",
    "x@ dana.fox@example.com",
    "x (at) dana.fox@example.com",
]


def told_how_to_reach(text: str) -> bool:
    """The lead's number in any grouping, its address, or anything set like an address."""
    tight = re.sub(r"\s", "", text.lower())
    number = "2125550199" in re.sub(r"\D", "", text)
    return number or "fox@exa" in tight or re.search(r"\w@|@\w", text) is not None


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_stranger_types_before_a_claim_nobody_is_told_how_to_reach_them(
    hostile: str,
) -> None:
    lead = Lead(
        name=hostile, phone=PHONE, email=EMAIL, ask=f"x {hostile} y", city=hostile,
        company=hostile, extra=(("note", hostile),),
    )  # fmt: skip
    texts = [
        wording.page_text(clock="12:04", lead=lead, source_name=hostile, link=LINK),
        spoken.spoken_page(lead=lead, source_name=hostile),
        wording.taken("Ann Lee", lead),
        wording.closed(lead),
        wording.passed_on(lead),
        wording.taken_back(lead, after_s=180, letter="B"),
        wording.logged(lead, Ending.CALL_LATER, hostile),
        wording.question_list([("A", lead, QuestionKind.PAGE)]),
        spoken.spoken_yours(lead, text_follows=True),
    ]
    for text in texts:
        assert is_gsm(text) and "\n" not in text and "\r" not in text
        assert not told_how_to_reach(text)
    assert all(segments(text).count == 1 for text in texts[2:8])
    for text in wording.more(lead, claimed=False):
        assert not told_how_to_reach(text) and segments(text).count <= 2
    reach = wording.yours(lead, first_name=hostile, letter="B", within_s=180)
    assert "+1 212 555 0199" in reach and segments(reach).count <= 2


NUMBERS = st.sampled_from(
    ["+12125550199", "2125550199", "(212) 555-0199", "212.555.0199", "1 212 555 0199",
     "212/555/0199", "+1-212-555-0199", "212_555_0199", "212  555  0199",
     EMAIL, EMAIL.upper(), f"mailto:{EMAIL}"]
)  # fmt: skip
WORDS = st.text(st.characters(exclude_categories=["Nd", "No", "Nl"]), max_size=200)


@settings(max_examples=400, deadline=None)
@given(
    name=WORDS, ask=WORDS, city=WORDS, secret=NUMBERS,
    clock=st.sampled_from(["12:04", "Mon 09:00"]),
    source=st.text(max_size=40), letter=st.sampled_from([None, "B"]), again=st.booleans(),
    link=st.sampled_from([None, LINK, "https://example.com/" + "x" * 200]),
)  # fmt: skip
def test_a_page_is_one_segment_with_its_digits_and_without_a_way_to_reach_the_lead(
    name: str, ask: str, city: str, secret: str, clock: str, source: str,
    letter: str | None, again: bool, link: str | None,
) -> None:  # fmt: skip
    lead = Lead(
        name=f"{name} {secret}", phone=PHONE, email=EMAIL,
        ask=f"{secret} {ask}", city=f"{city} {secret}",
    )  # fmt: skip
    text = wording.page_text(
        clock=clock, lead=lead, source_name=source, letter=letter, again=again, link=link
    )
    mark = letter or ""
    unasked = wording.page_text(
        clock=clock, lead=lead, source_name=source, again=again, link=link, asks=False
    )
    assert segments(unasked).encoding is Encoding.GSM_7 and segments(unasked).count == 1
    assert link != LINK or unasked.endswith(f" Answer here: {LINK}")
    assert not told_how_to_reach(unasked)
    assert segments(text).encoding is Encoding.GSM_7 and segments(text).count == 1
    assert f" 1{mark} take 2{mark} pass" in text
    assert text.startswith(f"{clock} LEAD ")
    assert not told_how_to_reach(text)
    assert len(spoken.spoken_page(lead=lead, source_name=source)) <= spoken.SPOKEN_MAX
    assert not told_how_to_reach(spoken.spoken_page(lead=lead, source_name=source))
    assert not any(told_how_to_reach(part) for part in wording.more(lead, claimed=False))


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        ("see http://evil.example/x?y now", "see (link) now"),
        ("HTTPS://EVIL.EXAMPLE", "(link)"),
        ("www.evil.example/a and evil.example", "(link) and evil. example"),
        ("tel:+12125550142 sms:55512", "tel:(number) sms:55512"),
        ("javascript://x", "(link)"),
        ("Roof leaks.Please come", "Roof leaks. Please come"),
        ("call 646 555 0142 or +44 20 7946 0958", "call (number) or (number)"),
        ("by 2026-05-01 or 05/01/2026 at 10:30", "by 2026-05-01 or 05/01/2026 at 10:30"),
        ("budget $1,250,000, 3.5 kW, 78701", "budget $1,250,000, 3.5 kW, 78701"),
        ("mail me@home.example, ok", "mail (e-mail) ok"),
        ("meet @ 5", "meet @ 5"),
    ],
)
def test_what_a_phone_would_dial_mail_or_open_becomes_a_word(ask: str, expected: str) -> None:
    assert masking.shown(ask, Lead(phone=PHONE)) == expected


def test_a_number_that_cannot_be_dialled_is_not_shown_either() -> None:
    lead = Lead(phone_as_given="555/0199/77", ask="ring 555/0199/77 or 555 01 99 77")
    assert masking.shown(lead.ask, lead) == "ring (number) or (number)"


def test_the_claimer_learns_how_to_reach_the_lead_and_the_digits_for_after() -> None:
    assert wording.yours(DANA, first_name="Ann") == (
        "Dana Fox is yours, Ann. Call +1 212 555 0199 now. After the call: 3 talked 4 voicemail "
        "5 no answer 6 wrong number 7 booked 8 later 9 not interested 0 not a lead"
    )
    lettered = wording.yours(DANA, first_name="Ann", letter="B", within_s=180)
    assert "Call +1 212 555 0199 within 3 min. After the call: 3B talked 4B voicemail" in lettered
    assert "+4915112345678 now" in wording.yours(Lead(phone="+4915112345678"), first_name="Ann")
    by_mail = wording.yours(Lead(name="Dana", email=EMAIL, phone_as_given="none"), first_name="Ann")
    assert by_mail.startswith(
        f"Dana is yours, Ann. No phone (phone given: none). E-mail {EMAIL} now."
    )
    for email in ("x" * 240 + "@example.com", "дана@example.com"):
        text = wording.yours(Lead(name="Dana", email=email), first_name="Ann", letter="B")
        assert "Reply MORE B for how to reach them now." in text and segments(text).count <= 2
    assert "no way to reach them" in wording.yours(Lead(), first_name="Ann")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (wording.taken("Ann Lee", DANA), "Ann Lee has Dana Fox."),
        (wording.taken("Ann Lee", Lead(city="Austin")), "Ann Lee has Lead from Austin."),
        (wording.closed(DANA), "Dana Fox is closed, nothing to do."),
        (wording.passed_on(DANA), "Passed. Dana Fox goes to somebody else."),
        (
            wording.taken_back(DANA, after_s=180),
            "No call logged for Dana Fox within 3 min, passing it on. Reply 1 to take it again.",
        ),
        (
            wording.taken_back(DANA, after_s=90, letter="C"),
            "No call logged for Dana Fox within 90 s, passing it on. Reply 1C to take it again.",
        ),
        (wording.logged(DANA, Ending.NO_ANSWER), "Logged: Dana Fox, no answer."),
        (
            wording.logged(DANA, Ending.CALL_LATER, "fri 4pm"),
            "Logged: Dana Fox, later, fri 4pm.",
        ),
        (
            wording.question_list(
                [("A", DANA, QuestionKind.PAGE), ("B", DANA, QuestionKind.OUTCOME)]
            ),
            "Which one? Dana Fox: 1A take 2A pass. Dana Fox: how it went, 3B to 9B, 0B.",
        ),
        (wording.nothing_open(), "Nothing is open for you now. WHO tells who is on duty."),
        (wording.who_is_on_duty(["Ann Lee", "Bob Ray"]), "On duty: Ann Lee, Bob Ray."),
        (wording.who_is_on_duty([]), "Nobody is on duty now."),
        (wording.not_yet("PAUSE"), "PAUSE does not work by text yet, ask your manager."),
        (wording.texts_on_again("Ann"), "Texts are on again, Ann."),
        (
            spoken.spoken_page(lead=DANA, source_name="website"),
            (
                "New lead: Dana Fox from Austin, TX asks: New roof, how soon can you come,"
                " by way of website. Press 1 to take it, 2 to pass."
            ),
        ),
        (
            spoken.spoken_page(lead=Lead(), source_name="website"),
            (
                "New lead: somebody, by way of website. They gave no phone number."
                " Press 1 to take it, 2 to pass."
            ),
        ),
        (
            spoken.spoken_yours(DANA, text_follows=True),
            "Dana Fox is yours. How to reach them comes by text now. Goodbye.",
        ),
        (
            spoken.spoken_yours(DANA, text_follows=False),
            (
                "Dana Fox is yours. Call plus 1, 2, 1, 2, 5, 5, 5, 0, 1, 9, 9."
                " Again: plus 1, 2, 1, 2, 5, 5, 5, 0, 1, 9, 9. Goodbye."
            ),
        ),
        (spoken.spoken_passed(), "Passed. Somebody else is asked. Goodbye."),
        (spoken.spoken_taken("Ann Lee"), "Ann Lee has this lead already. Goodbye."),
        (spoken.spoken_closed(), "This lead is closed, there is nothing to do. Goodbye."),
        (spoken.spoken_no_such_key(), "Press 1 to take the lead, or 2 to pass."),
    ],
)
def test_what_we_say(text: str, expected: str) -> None:
    assert text == expected


def test_lists_and_help_stay_within_two_segments() -> None:
    long = Lead(name="Bartholomew Featherstonehaugh-Cholmondeley")
    many = [(letter, long, QuestionKind.OUTCOME) for letter in "ABCDEFGH"]
    assert wording.question_list(many).endswith("And 3 more.")
    texts = [
        wording.question_list(many),
        wording.who_is_on_duty(["Bartholomew Featherstonehaugh-Cholmondeley"] * 9),
        wording.help_text(),
        wording.not_understood(),
    ]
    assert all(is_gsm(text) and segments(text).count <= 2 for text in texts)


def test_we_never_ask_for_a_word_that_the_carrier_takes_for_itself() -> None:
    asked = " ".join([wording.help_text(), wording.nothing_open(), wording.question_list([])])
    assert not re.search(r"\b(yes|stop|cancel|end|quit|help|info|start)\b", asked, re.IGNORECASE)


def test_the_whole_request_in_further_texts() -> None:
    lead = Lead(
        name="Dana Fox", company="Fox Ltd", city="Austin", phone=PHONE, email=EMAIL,
        product="solar", language="es", preferred_time="mornings",
        ask="See http://evil.example/x. Ring 212 555 0199.", extra=(("roof", "flat"),),
    )  # fmt: skip
    assert wording.more(lead, claimed=False) == (
        (
            "Dana Fox. Fox Ltd. Austin. about solar. speaks es. best time mornings."
            " See (link) Ring (number). roof: flat."
        ),
    )
    (claimed,) = wording.more(lead, claimed=True)
    assert f"phone {PHONE}. e-mail {EMAIL}." in claimed and "evil" not in claimed


@pytest.mark.parametrize("ask", ["word " * 2000, "w" * 9000, "слово " * 900, "\U0001f600" * 900])
def test_a_long_request_is_told_in_at_most_four_texts_and_says_that_it_was_cut(ask: str) -> None:
    texts = wording.more(Lead(name="Дана" if "с" in ask else "Dana", ask=ask), claimed=False)
    assert len(texts) <= wording.MORE_TEXTS_MAX
    assert all(segments(text).count <= 2 for text in texts)
    if len(texts) > 1:
        assert texts[0].startswith(f"(1/{len(texts)}) ")
        assert texts[-1].endswith("(cut)")


def test_a_request_in_another_script_is_told_in_that_script() -> None:
    lead = Lead(name="محمد", ask="سقف جديد")
    assert wording.more(lead, claimed=False) == ("محمد. سقف جديد.",)
    assert wording.more(Lead(name="Dana \U0001f600", ask="hi"), claimed=False) == ("Dana. hi.",)
