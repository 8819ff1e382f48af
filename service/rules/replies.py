"""A phone's words, and which question they answer.

A wrong guess here claims a lead that nobody will call, so this reads a small vocabulary exactly
and calls everything else unknown. It decides nothing: whether a claim succeeds is the desk's
affair, and whose text it was is known before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from service.rules.lead import LeadId, tidy
from service.rules.timeline import Ending

# The most a carrier delivers as one message; a longer body is not an answer to anything.
BODY_MAX = 1600
# "fri 4pm", "tomorrow after lunch": an agreed time, not a story.
WHEN_MAX = 60
# Longer than a working day is not a pause but OUT.
PAUSE_MAX_MIN = 12 * 60

# A page may land while a thumb is typing: what is younger was not what the rep answered.
TYPING = timedelta(seconds=3)
# A letter is not given to another question, and a late answer is understood, for this long.
LETTER_KEPT = timedelta(minutes=30)

# Without I and O, which a thumb cannot tell from 1 and 0.
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"

# Twilio acts on these by itself when they are the whole message, and still tells us.
STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
HELP_WORDS = frozenset({"HELP", "INFO"})
CLAIMING_STARTS = frozenset({"START", "YES"})

TAKE_WORDS = frozenset({"YES", "OK", "TAKE", "CLAIM", "CALL"})
PASS_WORDS = frozenset({"NO", "PASS"})
POLITE_WORDS = frozenset({"I", "ILL", "IT", "THIS", "PLEASE", "PLS", "THANKS", "THX"})

ENDING_OF = {
    "3": Ending.TALKED,
    "4": Ending.VOICEMAIL,
    "5": Ending.NO_ANSWER,
    "6": Ending.WRONG_NUMBER,
    "7": Ending.BOOKED,
    "8": Ending.CALL_LATER,
    "9": Ending.NOT_INTERESTED,
    "0": Ending.NOT_A_LEAD,
}
# What each digit is called where we ask for it; an answer may repeat it ("5 no answer").
ENDING_WORDS = {
    "3": "talked",
    "4": "voicemail",
    "5": "no answer",
    "6": "wrong number",
    "7": "booked",
    "8": "later",
    "9": "not interested",
    "0": "not a lead",
}


class DutyWord(StrEnum):
    """What a rep says about duty."""

    IN = "in"
    OUT = "out"
    PAUSE = "pause"
    WHO = "who"


class QuestionKind(StrEnum):
    """What we asked a phone: will you take this lead, how did your call end, or will you make the
    call that is owed (to which how it ended is an answer too)."""

    PAGE = "page"
    OUTCOME = "outcome"
    OWED = "owed"


@dataclass(frozen=True, slots=True)
class Take:
    """``worded``: said in words, not by digit, and so believed only about the last text."""

    letter: str | None = None
    worded: bool = False


@dataclass(frozen=True, slots=True)
class Pass:
    letter: str | None = None
    worded: bool = False


@dataclass(frozen=True, slots=True)
class OutcomeReply:
    """``when`` is what followed an 8, as written: ``fri 4pm``."""

    ending: Ending
    letter: str | None = None
    when: str | None = None


@dataclass(frozen=True, slots=True)
class More:
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """``minutes`` is for a pause only; None when the rep named none."""

    kind: DutyWord
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    word: str


@dataclass(frozen=True, slots=True)
class Start:
    """Texts may go again; ``also_take``: and the one open page is claimed."""

    word: str
    also_take: bool


@dataclass(frozen=True, slots=True)
class HelpAsked:
    pass


@dataclass(frozen=True, slots=True)
class Unknown:
    text: str


Reply = Take | Pass | OutcomeReply | More | Duty | Stop | Start | HelpAsked | Unknown
# The replies that answer a question of ours.
Answer = Take | Pass | OutcomeReply | More | Start


def read_reply(body: str) -> Reply:
    """What a text means. Case, spaces, quotes and full stops do not matter."""
    if len(body) > BODY_MAX:
        return Unknown(tidy(body, BODY_MAX))
    text = _bare(body)
    words = text.upper().replace("'", "").split()
    return (
        _keyword(words)
        or _numbered(text)
        or _duty(words)
        or _worded(words)
        or Unknown(tidy(body, BODY_MAX))
    )


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question to one phone about one lead, open or lately closed (``closed_at``). ``had``: the
    rep once had this lead or called it, whoever has it by now."""

    letter: str | None
    lead_id: LeadId
    kind: QuestionKind
    opened_at: datetime
    closed_at: datetime | None = None
    had: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """The reply is about this question. Picked by letter, it may be closed: say who has it."""

    question: OpenQuestion


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The reply changes nothing; these open questions are listed with their letters."""

    questions: tuple[OpenQuestion, ...]


@dataclass(frozen=True, slots=True)
class NothingOpen:
    """No open question is meant. ``latest_closed``, within 30 min, is what a late reply was about:
    a late 1 is told who has it, or still claims."""

    latest_closed: OpenQuestion | None


Matched = Answered | Ambiguous | NothingOpen


def match(
    reply: Answer,
    questions: Sequence[OpenQuestion],
    received_at: datetime,
    last_text_page: LeadId | None,
    was_stopped: bool = False,
) -> Matched:
    """Which question a reply answers, judged by what was open when it was typed.

    ``last_text_page`` is the lead of the page that was the last text we sent this phone, None if
    the last text was something else. ``was_stopped``: the phone had opted out until this reply,
    so its last text says nothing, and a start word claims its one open page, never a closed one.
    """
    found = _match(reply, questions, received_at, last_text_page, was_stopped)
    if not isinstance(reply, OutcomeReply) or found != NothingOpen(None):
        return found
    # A call that outlasted its claim: the lead was taken back, perhaps somebody else has it.
    had = [replace(each, kind=QuestionKind.OUTCOME) for each in questions if each.had]
    return _match(reply, had, received_at, last_text_page)


def _match(
    reply: Answer,
    questions: Sequence[OpenQuestion],
    received_at: datetime,
    last_text_page: LeadId | None,
    was_stopped: bool = False,
) -> Matched:
    asked = [q for q in questions if q.opened_at <= received_at]
    letter = None if isinstance(reply, Start) else reply.letter
    if letter is not None:
        return _by_letter(reply, letter, asked, received_at)
    fitting = [q for q in asked if _fits(reply, q)]
    if isinstance(reply, More):
        named = [q for q in fitting if q.lead_id == last_text_page and q.closed_at is None]
        fitting = named or fitting
    found = _by_time(fitting, received_at)
    if isinstance(found, NothingOpen) and (own := _own(reply, asked, found)) is not None:
        return own
    if isinstance(reply, Start) and was_stopped:
        return NothingOpen(None) if isinstance(found, NothingOpen) else found
    if isinstance(reply, Start) or (isinstance(reply, Take | Pass) and reply.worded):
        return _by_last_text(found, fitting, last_text_page)
    return found


def free_letter(used: Collection[str]) -> str | None:
    """The first letter that is not in use on a phone; None when all are."""
    return next((letter for letter in LETTERS if letter not in used), None)


def next_letter(questions: Sequence[OpenQuestion], at: datetime) -> str | None:
    """The first letter that a new question to this phone may carry; None when all are in use."""
    used = {q.letter for q in questions if q.closed_at is None or at - q.closed_at < LETTER_KEPT}
    return free_letter({letter for letter in used if letter is not None})


def _bare(body: str) -> str:
    """The body without marks that carry no meaning, its white space single. A keycap emoji is its
    digit. Colons and inner full stops stay: ``8 4:30pm``."""
    plain = unicodedata.normalize("NFKC", body)
    seen = "".join(c for c in plain if unicodedata.category(c) not in {"Cf", "Mn", "Me"})
    straight = re.sub("[\u2018\u2019`]", "'", seen)
    loose = re.sub(r'["\u201c\u201d\u201e\u00ab\u00bb!?,;()#*]', " ", straight)
    words = (word.strip(".'") for word in loose.split())
    return " ".join(word for word in words if word)


def _keyword(words: list[str]) -> Reply | None:
    """The carrier's own words, only when they are the whole message."""
    if len(words) != 1:
        return None
    (word,) = words
    if word in STOP_WORDS:
        return Stop(word)
    if word in START_WORDS:
        return Start(word, also_take=word in CLAIMING_STARTS)
    return HelpAsked() if word in HELP_WORDS else None


_DIGIT_FIRST = re.compile(
    rf"([0-9])[\s-]?([{LETTERS}])?(?![0-9A-Z])[:-]?(?:\s(.*))?", re.IGNORECASE
)
_LETTER_FIRST = re.compile(rf"([{LETTERS}])\s?([0-9])(?![0-9A-Z])", re.IGNORECASE)


def _numbered(text: str) -> Reply | None:
    """A reply by digit, with or without a letter."""
    if swapped := _LETTER_FIRST.fullmatch(text):
        return _meaning(swapped[2], swapped[1].upper(), "")
    if found := _DIGIT_FIRST.fullmatch(text):
        return _meaning(found[1], found[2].upper() if found[2] else None, found[3] or "")
    return None


def _meaning(digit: str, letter: str | None, rest: str) -> Reply | None:
    """What a digit says, if what follows it agrees; only an 8 may be followed by free words."""
    words = [w for w in rest.upper().replace("'", "").split() if w not in POLITE_WORDS]
    if digit == "1":
        return Take(letter) if set(words) <= TAKE_WORDS else None
    if digit == "2":
        return Pass(letter) if set(words) <= PASS_WORDS else None
    ending = ENDING_OF[digit]
    if digit == "8":
        when = re.sub(r"^(call\b ?)?(later\b ?)?", "", rest, flags=re.IGNORECASE) if words else ""
        if _is_amount(when):
            return None
        return OutcomeReply(ending, letter, tidy(when, WHEN_MAX) or None)
    agrees = not words or words == ENDING_WORDS[digit].upper().split()
    return OutcomeReply(ending, letter) if agrees else None


def _is_amount(when: str) -> bool:
    """Whether an 8 was a number of something ("8 pm", "8 minutes") and not the key for later."""
    first = when.upper().replace(".", "").replace("'", "").split(" ", 1)[0]
    return first in {
        "AM",
        "PM",
        "MIN",
        "MINS",
        "MINUTE",
        "MINUTES",
        "HR",
        "HRS",
        "HOURS",
        "OCLOCK",
    }


def _duty(words: list[str]) -> Reply | None:
    if len(words) == 1 and words[0] in {"IN", "OUT", "WHO", "PAUSE"}:
        return Duty(DutyWord(words[0].lower()))
    if (
        len(words) in (2, 3)
        and words[0] == "PAUSE"
        and set(words[2:]) <= {"MIN", "MINS", "MINUTES"}
    ):
        number = re.fullmatch(r"([0-9]{1,3})(MIN)?", words[1])
        if number and 1 <= int(number[1]) <= PAUSE_MAX_MIN:
            return Duty(DutyWord.PAUSE, int(number[1]))
    return None


def _worded(words: list[str]) -> Reply | None:
    """Take, pass or MORE in words: one meaning, politeness around it, perhaps a letter last."""
    letter = words[-1] if len(words) > 1 and words[-1] in LETTERS else None
    said = {word for word in (words[:-1] if letter else words) if word not in POLITE_WORDS}
    if not said:
        return None
    if said <= TAKE_WORDS:
        return Take(letter, worded=True)
    if said <= PASS_WORDS:
        return Pass(letter, worded=True)
    return More(letter) if said == {"MORE"} else None


def _fits(reply: Answer, question: OpenQuestion) -> bool:
    if isinstance(reply, More) or question.kind is QuestionKind.OWED:
        return True
    wanted = QuestionKind.OUTCOME if isinstance(reply, OutcomeReply) else QuestionKind.PAGE
    return question.kind is wanted


def _by_letter(
    reply: Answer, letter: str, asked: list[OpenQuestion], received_at: datetime
) -> Matched:
    """A letter names its question whatever is asked of it: an open one before a closed one, one
    that the reply fits before one that it does not, the newest before older ones."""
    named = [q for q in asked if q.letter == letter and _kept(q, received_at)]
    if not named:
        return NothingOpen(None)
    return Answered(max(named, key=lambda q: (q.closed_at is None, _fits(reply, q), q.opened_at)))


def _by_time(fitting: list[OpenQuestion], received_at: datetime) -> Matched:
    """A bare reply is about what was open when its typing began, else about what came since."""
    typed_at = received_at - TYPING
    older = [q for q in fitting if q.opened_at <= typed_at and not _closed_by(q, typed_at)]
    meant = older or [q for q in fitting if q.closed_at is None]
    still = tuple(q for q in meant if q.closed_at is None)
    if still and len({q.lead_id for q in meant}) > 1:
        return Ambiguous(still)
    if still:
        return Answered(max(still, key=lambda q: q.opened_at))
    closed = meant or [q for q in fitting if _kept(q, received_at)]
    return NothingOpen(max(closed, key=_closing, default=None))


def _own(reply: Answer, asked: list[OpenQuestion], found: NothingOpen) -> Matched | None:
    """The lead the rep has, when a digit fits no page: a 1 rings them for it, or says again that
    they have it, a 2 gives it back; of several, it changes nothing. A late 1 about a page that
    closed goes before; words say neither."""
    if not isinstance(reply, Take | Pass) or reply.worded:
        return None
    mine = [q for q in asked if q.kind is QuestionKind.OUTCOME and q.closed_at is None]
    if not mine or (isinstance(reply, Take) and found.latest_closed is not None):
        return None
    if len(mine) == 1:
        return Answered(mine[0])
    return Ambiguous(tuple(replace(each, kind=QuestionKind.OWED) for each in mine))


def _by_last_text(
    found: Matched, fitting: list[OpenQuestion], last_text_page: LeadId | None
) -> Matched:
    """Words are believed only about the one open page, and only right after its text; said after
    any other text ("ok" to "Ann has it") they are not a late answer to a closed page either."""
    if isinstance(found, NothingOpen):
        was = found.latest_closed
        return found if was and was.lead_id == last_text_page else NothingOpen(None)
    still = tuple(q for q in fitting if q.closed_at is None)
    alone = len({q.lead_id for q in still}) == 1
    meant = isinstance(found, Answered) and found.question.lead_id == last_text_page
    return found if alone and meant else Ambiguous(still)


def _closed_by(question: OpenQuestion, at: datetime) -> bool:
    return question.closed_at is not None and question.closed_at <= at


def _kept(question: OpenQuestion, at: datetime) -> bool:
    return question.closed_at is None or at - question.closed_at < LETTER_KEPT


def _closing(question: OpenQuestion) -> datetime:
    return question.closed_at or question.opened_at
