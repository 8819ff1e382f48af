"""Goal: a phone's words mean one thing or nothing, and answer the question that was meant.

Method: tables, the expected meaning last in each row; every digit with every letter; and a search
over all small sets of questions that no bare reply ever guesses.
"""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules.lead import LeadId
from service.rules.replies import (
    BODY_MAX,
    ENDING_OF,
    ENDING_WORDS,
    HELP_WORDS,
    LETTERS,
    START_WORDS,
    STOP_WORDS,
    WHEN_MAX,
    Ambiguous,
    Answer,
    Answered,
    Duty,
    DutyWord,
    HelpAsked,
    Matched,
    More,
    NothingOpen,
    OpenQuestion,
    OutcomeReply,
    Pass,
    QuestionKind,
    Reply,
    Start,
    Stop,
    Take,
    Unknown,
    match,
    next_letter,
    read_reply,
)
from service.rules.timeline import Ending

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def said(reply: Reply) -> str:
    """A reply in a few words, so that a table can be read across."""
    match_ = {
        Take: "take",
        Pass: "pass",
        More: "more",
        HelpAsked: "help",
        Unknown: "unknown",
    }
    parts = [match_.get(type(reply), "")]
    if isinstance(reply, OutcomeReply):
        parts = [reply.ending, f"({reply.when})" if reply.when else ""]
    if isinstance(reply, Duty):
        parts = [reply.kind, str(reply.minutes or "")]
    if isinstance(reply, Stop | Start):
        parts = [type(reply).__name__.lower(), reply.word]
    if isinstance(reply, Start) and reply.also_take:
        parts.append("and take")
    if isinstance(reply, Take | Pass) and reply.worded:
        parts.append("worded")
    if isinstance(reply, Take | Pass | More | OutcomeReply) and reply.letter:
        parts.append(reply.letter)
    return " ".join(part for part in parts if part)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("1", "take"),
        (" 1 ", "take"),
        ("1.", "take"),
        ("'1'", "take"),
        ('"1"', "take"),
        ("\u201c1\u201d", "take"),
        ("1!", "take"),
        ("1)", "take"),
        ("\n1\n", "take"),
        ("\uff11", "take"),  # full width
        ("1\ufe0f\u20e3", "take"),  # the keycap emoji
        ("1 please", "take"),
        ("1 take", "take"),
        ("ok 1", "unknown"),
        ("1B", "take B"),
        ("1b", "take B"),
        ("1 b", "take B"),
        ("1-b", "take B"),
        ("1b.", "take B"),
        ("B1", "take B"),
        ("b 1", "take B"),
        ("1B take", "take B"),
        ("1I", "unknown"),
        ("11", "unknown"),
        ("1 2", "unknown"),
        ("12", "unknown"),
        ("1.5", "unknown"),
        ("1 pass", "unknown"),
        ("1 minute", "unknown"),
        ("1take", "unknown"),
        ("1B take 2B pass", "unknown"),
        ("take", "take worded"),
        ("Take it", "take worded"),
        ("TAKE.", "take worded"),
        ("claim", "take worded"),
        ("ok", "take worded"),
        ("OK thanks", "take worded"),
        ("call", "take worded"),
        ("yes please", "take worded"),
        ("yes, take it", "take worded"),
        ("I'll take it", "take worded"),
        ("I\u2019ll take this", "take worded"),
        ("take b", "take worded B"),
        ("can't take it", "unknown"),
        ("don't call", "unknown"),
        ("took it", "unknown"),
        ("please", "unknown"),
        ("B", "unknown"),
        ("2", "pass"),
        ("2b", "pass B"),
        ("2 pass", "pass"),
        ("2 minutes", "unknown"),
        ("no", "pass worded"),
        ("No.", "pass worded"),
        ("no thanks", "pass worded"),
        ("pass", "pass worded"),
        ("pass b", "pass worded B"),
        ("no answer", "unknown"),
        ("no, take it", "unknown"),
        ("ok pass", "unknown"),
        ("3", "talked"),
        ("4", "voicemail"),
        ("5", "no_answer"),
        ("5 no answer", "no_answer"),
        ("5b no answer", "no_answer B"),
        ("6", "wrong_number"),
        ("7 booked", "booked"),
        ("7 thanks", "booked"),
        ("9", "not_interested"),
        ("0", "not_a_lead"),
        ("0B", "not_a_lead B"),
        ("O", "unknown"),
        ("3 pm", "unknown"),
        ("4 voicemails", "unknown"),
        ("5 mins", "unknown"),
        ("7 no", "unknown"),
        ("8", "call_later"),
        ("8 please", "call_later"),
        ("8 fri 4pm", "call_later (fri 4pm)"),
        ("8 Fri 4PM.", "call_later (Fri 4PM)"),
        ("8, fri  4:30pm", "call_later (fri 4:30pm)"),
        ("8: fri 4pm", "call_later (fri 4pm)"),
        ("8b fri 4pm", "call_later (fri 4pm) B"),
        ("8 b fri 4pm", "call_later (fri 4pm) B"),
        ("8 later", "call_later"),
        ("8 call later fri 4pm", "call_later (fri 4pm)"),
        ("8 4pm", "call_later (4pm)"),
        ("8 this friday", "call_later (this friday)"),
        ("8:30", "unknown"),
        ("8.5", "unknown"),
        ("8-10", "unknown"),
        ("8am", "unknown"),
        ("8 pm", "unknown"),
        ("8 a.m.", "unknown"),
        ("8 minutes", "unknown"),
        ("84pm", "unknown"),
        ("MORE", "more"),
        ("more?", "more"),
        ("more b", "more B"),
        ("more please", "more"),
        ("in", "in"),
        ("Out.", "out"),
        ("WHO?", "who"),
        ("pause", "pause"),
        ("pause 30", "pause 30"),
        ("Pause 30 min", "pause 30"),
        ("pause 30min", "pause 30"),
        ("pause 0", "unknown"),
        ("pause 721", "unknown"),
        ("pause for lunch", "unknown"),
        ("in a minute", "unknown"),
        ("out of office", "unknown"),
        ("who is this", "unknown"),
        ("stop", "stop STOP"),
        ("Stop.", "stop STOP"),
        ("stop texting me", "unknown"),
        ("stop all", "unknown"),
        ("cancel b", "unknown"),
        ("yes", "start YES and take"),
        ("YES!", "start YES and take"),
        ("start", "start START and take"),
        ("unstop", "start UNSTOP"),
        ("help", "help"),
        ("info", "help"),
        ("help me", "unknown"),
        ("", "unknown"),
        ("   ", "unknown"),
        ("\U0001f44d", "unknown"),
        ("Liked \u201c12:04 LEAD Dana Fox. 1 take 2 pass\u201d", "unknown"),
        ("x" * 5000, "unknown"),
    ],
)
def test_what_a_text_means(body: str, expected: str) -> None:
    assert said(read_reply(body)) == expected


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        *((word, Stop) for word in sorted(STOP_WORDS)),
        *((word, Start) for word in sorted(START_WORDS)),
        *((word, HelpAsked) for word in sorted(HELP_WORDS)),
    ],
)
def test_the_carriers_words_are_its_own_only_when_they_are_the_whole_message(
    word: str, kind: type[Reply]
) -> None:
    for body in (word, word.lower(), f" {word.title()} ", f"{word}."):
        assert isinstance(read_reply(body), kind)
    assert not isinstance(read_reply(f"{word} it now"), kind)


def test_the_carriers_words_are_those_the_contract_names() -> None:
    stop = "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT"
    assert " ".join(sorted(STOP_WORDS)) == " ".join(sorted(stop.split()))
    assert sorted(START_WORDS) == ["START", "UNSTOP", "YES"]
    assert sorted(HELP_WORDS) == ["HELP", "INFO"]


def test_no_digit_has_two_meanings_with_or_without_any_letter() -> None:
    meanings = [said(read_reply(digit)) for digit in "0123456789"]
    assert len(set(meanings)) == 10
    for digit, letter in product("0123456789", LETTERS):
        plain = said(read_reply(digit))
        for body in (f"{digit}{letter}", f"{digit} {letter.lower()}", f"{letter}{digit}"):
            assert said(read_reply(body)) == f"{plain} {letter}"


def test_every_ending_has_one_digit_and_its_words_may_be_repeated() -> None:
    assert set(ENDING_OF.values()) == set(Ending)
    assert set(ENDING_WORDS) == set(ENDING_OF)
    for digit, ending in ENDING_OF.items():
        assert read_reply(f"{digit} {ENDING_WORDS[digit]}") == OutcomeReply(ending)


@given(st.text(max_size=60) | st.text("0128 ab.takeyspno:'-", max_size=12))
def test_any_text_means_something_and_case_and_quotes_never_matter(body: str) -> None:
    reply = read_reply(body)
    if not isinstance(reply, Unknown | OutcomeReply):
        assert read_reply(body.upper()) == reply
        assert read_reply(f' "{body}". ') == reply
    if isinstance(reply, Take | Pass | More):
        assert reply.letter is None or reply.letter in LETTERS


def test_an_unknown_text_is_kept_and_bounded() -> None:
    assert read_reply("Who's  Dana?") == Unknown("Who's Dana?")
    unknown = read_reply("1" * (BODY_MAX + 1))
    assert isinstance(unknown, Unknown) and len(unknown.text) == BODY_MAX


PAGE, OUTCOME = QuestionKind.PAGE, QuestionKind.OUTCOME


def question(written: str) -> OpenQuestion:
    """``A page 60``: asked 60 s ago; ``A page 60/20``: and closed 20 s ago. ``A had 60``: of a lead
    that they had before."""
    letter, kind, times = written.split()
    opened, _, closed = times.partition("/")
    return OpenQuestion(
        letter,
        LeadId(letter),
        QuestionKind("page" if kind == "had" else kind),
        NOON - timedelta(seconds=float(opened)),
        NOON - timedelta(seconds=float(closed)) if closed else None,
        had=kind == "had",
    )


def found(matched: Matched) -> str:
    if isinstance(matched, Answered):
        closed = " closed" if matched.question.closed_at else ""
        return f"answers {matched.question.letter}{closed}"
    if isinstance(matched, Ambiguous):
        return f"which of {' '.join(q.letter or '?' for q in matched.questions)}"
    return f"nothing, was {matched.latest_closed.letter if matched.latest_closed else 'nothing'}"


@pytest.mark.parametrize(
    ("reply", "questions", "expected"),
    [
        # A bare digit and one, several or no questions.
        (Take(), ["A page 60"], "answers A"),
        (Pass(), ["A page 60"], "answers A"),
        (Take(), ["A page 60", "B page 50"], "which of A B"),
        (Pass(), ["A page 60", "B page 50"], "which of A B"),
        (Take(), [], "nothing, was nothing"),
        # A digit fits only its own kind of question.
        (Take(), ["A page 60", "B outcome 50"], "answers A"),
        (OutcomeReply(Ending.TALKED), ["A page 60", "B outcome 50"], "answers B"),
        (OutcomeReply(Ending.TALKED), ["A outcome 60", "B outcome 50"], "which of A B"),
        (OutcomeReply(Ending.TALKED), ["A page 60"], "nothing, was nothing"),
        # With no page open, 1 and 2 are about the one lead the rep has: said again, or given back.
        (Take(), ["A outcome 60"], "answers A"),
        (Pass(), ["A outcome 60"], "answers A"),
        (Pass(worded=True), ["A outcome 60"], "nothing, was nothing"),
        (Take(), ["A outcome 60", "B outcome 50"], "which of A B"),
        (Pass(), ["A outcome 60", "B outcome 50"], "which of A B"),
        (Take(worded=True), ["A outcome 60", "B outcome 50"], "nothing, was nothing"),
        # A call that is owed takes a key, and how it went.
        (Take(), ["A owed 60"], "answers A"),
        (Pass(), ["A owed 60", "B outcome 50"], "answers A"),
        (Take(), ["A owed 60", "B page 50"], "which of A B"),
        (OutcomeReply(Ending.TALKED), ["A owed 60", "B page 50"], "answers A"),
        (OutcomeReply(Ending.TALKED), ["A owed 60", "B outcome 50"], "which of A B"),
        # A call that outlasted its claim: what became of it is told by who had the lead.
        (OutcomeReply(Ending.TALKED), ["A had 60"], "answers A"),
        (OutcomeReply(Ending.TALKED), ["A had 60/20"], "nothing, was A"),
        (OutcomeReply(Ending.TALKED), ["A had 60", "B outcome 50"], "answers B"),
        (OutcomeReply(Ending.TALKED), ["A had 60", "B had 50"], "which of A B"),
        (Take(), ["A had 60"], "answers A"),
        (Take(), ["A outcome 60", "B page 90/20"], "nothing, was B"),
        (Pass(), ["A outcome 60", "B page 90/20"], "answers A"),
        # What came while a thumb was typing is set aside, unless it is all there is.
        (Take(), ["A page 60", "B page 2.9"], "answers A"),
        (Take(), ["A page 60", "B page 3"], "which of A B"),
        (Take(), ["B page 2.9"], "answers B"),
        (Take(), ["A page 2", "B page 1"], "which of A B"),
        (Take(), ["A page -1"], "nothing, was nothing"),  # asked after the reply came in
        (Take(), ["A page 60", "B page -1"], "answers A"),
        # A question that closed while a thumb was typing was still the one meant.
        (Take(), ["A page 60/1", "B page 2"], "nothing, was A"),
        (Take(), ["A page 60/3", "B page 2"], "answers B"),
        (Take(), ["A page 60/1", "B page 50"], "which of B"),
        (Take(), ["A page 60/2", "B page 50/1"], "nothing, was B"),
        (Take(), ["A page 60/-5"], "nothing, was A"),  # closed before we read the reply
        # Late: the latest that closed, for 30 minutes.
        (Take(), ["A page 900/60"], "nothing, was A"),
        (Take(), ["A page 900/60", "B page 800/90"], "nothing, was A"),
        (Take(), ["A page 9000/1799"], "nothing, was A"),
        (Take(), ["A page 9000/1800"], "nothing, was nothing"),
        (Take(), ["A outcome 900/60"], "nothing, was nothing"),
        # A letter picks its question, a lately closed one too.
        (Take("B"), ["A page 60", "B page 50"], "answers B"),
        (Take("B"), ["A page 60", "B page 1"], "answers B"),
        (Take("B"), ["A page 60", "B page 50/20"], "answers B closed"),
        (Take("B"), ["A page 60", "B page 5000/1800"], "nothing, was nothing"),
        (Take("C"), ["A page 60", "B page 50"], "nothing, was nothing"),
        (Take("B"), ["B page 5000/1200", "B page 50"], "answers B"),
        (Take("B"), ["B outcome 50"], "answers B"),
        (OutcomeReply(Ending.TALKED, "B"), ["B page 90/60", "B outcome 60"], "answers B"),
        # MORE is about either kind, and about the last text if that was a page.
        (More(), ["A outcome 60"], "answers A"),
        (More(), ["A page 60", "B page 50"], "which of A B"),
        (More("B"), ["A page 60", "B page 50"], "answers B"),
    ],
)  # fmt: skip
def test_which_question_a_reply_answers(reply: Answer, questions: list[str], expected: str) -> None:
    assert found(match(reply, [question(q) for q in questions], NOON, None)) == expected


@pytest.mark.parametrize(
    ("reply", "questions", "last_text_page", "was_stopped", "expected"),
    [
        (Take(worded=True), ["A page 60"], "A", False, "answers A"),
        (Take(worded=True), ["A page 60"], None, False, "which of A"),
        (Take(worded=True), ["A page 60"], "B", False, "which of A"),
        (Take(worded=True), ["A page 60", "B page 50"], "B", False, "which of A B"),
        (Take(worded=True), ["A page 60", "B page 1"], "A", False, "which of A B"),
        (Take("B", worded=True), ["A page 60", "B page 50"], None, False, "answers B"),
        (Take(worded=True), ["A page 60/20"], "A", False, "nothing, was A"),
        (Take(worded=True), ["A page 60/20"], None, False, "nothing, was nothing"),
        (Pass(worded=True), ["A page 60/20"], None, False, "nothing, was nothing"),
        (Start("YES", True), ["A page 60/20"], "A", False, "nothing, was A"),
        (Start("YES", True), ["A page 60/20"], "A", True, "nothing, was nothing"),
        (Take(worded=True), ["A page 60", "C outcome 9"], "A", False, "answers A"),
        (Pass(worded=True), ["A page 60"], "A", False, "answers A"),
        (Pass(worded=True), ["A page 60"], None, False, "which of A"),
        (Take(), ["A page 60"], None, False, "answers A"),
        (Start("YES", True), ["A page 60"], "A", False, "answers A"),
        (Start("YES", True), ["A page 60"], None, False, "which of A"),
        (Start("YES", True), ["A page 60"], None, True, "answers A"),
        (Start("START", True), ["A page 60", "B page 50"], None, True, "which of A B"),
        (Start("START", True), [], None, True, "nothing, was nothing"),
        (More(), ["A page 60", "B page 50"], "B", False, "answers B"),
    ],
)
def test_words_are_believed_only_about_the_last_text(
    reply: Answer,
    questions: list[str],
    last_text_page: LeadId | None,
    was_stopped: bool,
    expected: str,
) -> None:
    asked = [question(q) for q in questions]
    assert found(match(reply, asked, NOON, last_text_page, was_stopped)) == expected


def test_two_questions_about_one_lead_are_one() -> None:
    text = OpenQuestion("A", LeadId("A"), PAGE, NOON - timedelta(seconds=60))
    again = OpenQuestion("A", LeadId("A"), PAGE, NOON - timedelta(seconds=10))
    assert match(Take(), [text, again], NOON, None) == Answered(again)


def test_a_bare_digit_never_guesses() -> None:
    """Every set of up to three questions: answered only if it is the one open fitting question of
    those that were open when typing began, or of all when none was."""
    states = [
        f"{kind} {times}"
        for kind in ("page", "outcome", "owed")
        for times in ("60", "2", "60/1", "60/20", "2/1", "-1")
    ]
    for count in (1, 2, 3):
        for chosen in product(states, repeat=count):
            asked = [
                question(f"{letter} {state}") for letter, state in zip("ABC", chosen, strict=False)
            ]
            for reply, kind in ((Take(), PAGE), (OutcomeReply(Ending.TALKED), OUTCOME)):
                matched = match(reply, asked, NOON, None)
                fits = (kind, QuestionKind.OWED)
                pages = [q for q in asked if q.kind in fits and q.opened_at <= NOON]
                old = [q for q in pages if q.opened_at <= NOON - timedelta(seconds=3)]
                old = [
                    q for q in old if not q.closed_at or q.closed_at > NOON - timedelta(seconds=3)
                ]
                meant = old or [q for q in pages if not q.closed_at]
                if isinstance(matched, Answered):
                    mine = [q for q in asked if q.kind is OUTCOME and q.opened_at <= NOON]
                    mine = [q for q in mine if not q.closed_at]
                    assert matched.question in ([*meant] or mine)
                    assert len(meant or mine) == 1 and not matched.question.closed_at
                if isinstance(matched, Ambiguous):
                    assert matched.questions and not any(q.closed_at for q in matched.questions)
                if len(meant) == 1 and not meant[0].closed_at:
                    assert matched == Answered(meant[0])


def test_a_letter_is_not_given_again_within_half_an_hour_of_closing() -> None:
    assert next_letter([], NOON) == "A"
    assert next_letter([question("A page 60")], NOON) == "B"
    assert next_letter([question("A page 60"), question("B page 5000/1799")], NOON) == "C"
    assert next_letter([question("A page 5000/1800"), question("B page 60")], NOON) == "A"
    assert next_letter([question(f"{letter} page 60") for letter in LETTERS], NOON) is None
    assert "I" not in LETTERS and "O" not in LETTERS
    assert Duty(DutyWord.WHO).minutes is None
    assert NothingOpen(None).latest_closed is None


@pytest.mark.parametrize(
    ("body", "when"),
    [
        ("8 fri\x004pm", "fri4pm"),
        ("8 fri \x00 4pm", "fri 4pm"),
        ("8 fri \ud83d4pm", "fri 4pm"),
        ("8 \x00", None),
        ("8 " + "x" * 100, "x" * WHEN_MAX),
    ],
)
def test_an_agreed_time_is_one_short_line_of_visible_characters(
    body: str, when: str | None
) -> None:
    assert read_reply(body) == OutcomeReply(Ending.CALL_LATER, when=when)


def test_what_is_not_understood_is_kept_visible_and_bounded() -> None:
    assert read_reply("what\x00 now\x07") == Unknown("what now")
