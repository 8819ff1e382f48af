"""What a call can come to, as one table: what the carrier told, which events follow with which
evidence, whether the rep is asked, and what is owed next.

`test_calls` lives through every row; `write_docs` draws the same rows into ``docs/calls.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.rules.call_facts import Ended
from service.rules.calls import AnsweredBy, CallTold
from service.rules.timeline import Ending

HUMAN, MACHINE, BEEP, NO_BEEP, FAX, UNSURE = (
    AnsweredBy.HUMAN,
    AnsweredBy.MACHINE,
    AnsweredBy.BEEP,
    AnsweredBy.MESSAGE_END,
    AnsweredBy.FAX,
    AnsweredBy.UNKNOWN,
)

SECOND, LATER, NOTHING, STILL = (
    "second call",
    "second call, after 5 min",
    "nothing",
    "the first call still",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One way in which the first call to a lead ends. ``events`` are written as
    ``event evidence``; ``owed`` is what is owed when nobody says anything more."""

    fact: str
    told: CallTold
    events: tuple[str, ...]
    asks: bool
    owed: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a rep's digit adds to such a call, and what is owed then."""

    fact: str
    told: CallTold
    digit: Ending
    events: tuple[str, ...]
    owed: str


def answered(
    bridged_s: float | None,
    by: AnsweredBy | None,
    *,
    bridged: bool | None = True,
    leg_s: float | None = None,
    detected_s: float | None = None,
) -> CallTold:
    return CallTold(Ended.ANSWERED, 8.0, leg_s, bridged, bridged_s, by, detected_s)


def rang(seconds: float | None, ended: Ended) -> CallTold:
    return CallTold(ended, rang_s=seconds)


def voicemail(stayed_s: float, by: AnsweredBy = BEEP, **more: float | bool | None) -> CallTold:
    """Its message ended 12 s after the answer, and the call so long after that."""
    told: dict[str, float | bool | None] = {
        "leg_s": 12.0 + stayed_s,
        "detected_s": 12.0,
        "bridged": True,
    }
    told |= more
    return CallTold(
        Ended.ANSWERED,
        8.0,
        bridged_s=12.0 + stayed_s,
        answered_by=by,
        **told,  # type: ignore[arg-type]  # by keyword
    )


TALKED, VOICEMAIL, NO_ANSWER = Ending.TALKED, Ending.VOICEMAIL, Ending.NO_ANSWER
CALL_LATER, WRONG_NUMBER = Ending.CALL_LATER, Ending.WRONG_NUMBER
NOT_INTERESTED = Ending.NOT_INTERESTED
RANG_OUT, GAVE_UP = Ended.NO_ANSWER, Ended.ABANDONED
BUSY, FAILED = CallTold(Ended.BUSY), CallTold(Ended.FAILED)
LOST = CallTold(Ended.UNKNOWN)

UNHEARD = ("attempted A", "no_answer A")
VOID = ("attempted A", "abandoned A")
SHORT = ("attempted A", "short_answer A")
REACHED = ("attempted A", "contacted A")
OPEN = ("attempted A",)
LEFT = (*UNHEARD, "voicemail_left A")
LEFT_B, LEFT_C, CONTACT_B = ("voicemail_left B",), ("voicemail_left C",), ("contacted B",)
NO_ANSWER_LEFT_B = ("no_answer B", "voicemail_left B")
OWN_CALL, OWN_CONTACT = ("attempted C", "no_answer C"), ("attempted C", "contacted C")

UNTOLD_200 = answered(None, HUMAN, bridged=None, leg_s=200)
UNTOLD_20 = answered(None, HUMAN, bridged=None, leg_s=20)
LENGTH_LOST, LEG_20 = answered(None, HUMAN), answered(None, HUMAN, leg_s=20)
LEG_200 = answered(None, HUMAN, leg_s=200)
END_LOST = CallTold(Ended.UNKNOWN, bridged=True, bridged_s=95, answered_by=HUMAN)

ROWS = (
    # Nobody answered.
    Row("busy", BUSY, UNHEARD, False, SECOND),
    Row("no answer after 40 s of ringing", rang(40, RANG_OUT), UNHEARD, False, SECOND),
    Row("no answer, rang 15 s", rang(15, RANG_OUT), UNHEARD, False, SECOND),
    Row("no answer, rang 14.9 s", rang(14.9, RANG_OUT), VOID, False, STILL),
    Row("no answer, nobody told how long", rang(None, RANG_OUT), UNHEARD, False, SECOND),
    Row("no answer, a ring of -3 s is told", rang(-3, RANG_OUT), UNHEARD, False, SECOND),
    Row("rep hangs up after 6 s of ringing", rang(6, GAVE_UP), VOID, False, STILL),
    Row("rep hangs up after 14.9 s of ringing", rang(14.9, GAVE_UP), VOID, False, STILL),
    Row("rep hangs up after 15 s of ringing", rang(15, GAVE_UP), UNHEARD, False, SECOND),
    Row("rep hangs up, nobody told when", rang(None, GAVE_UP), VOID, False, STILL),
    Row("rep hangs up, a ring of a year is told", rang(3.2e7, GAVE_UP), VOID, False, STILL),
    Row("the number could not be rung", FAILED, UNHEARD, True, SECOND),
    Row("nobody ever told how it ended", LOST, VOID, True, STILL),
    Row("nobody told anything", CallTold(), VOID, True, STILL),
    # Somebody answered.
    Row("human, bridged 200 s", answered(200, HUMAN), REACHED, False, NOTHING),
    Row("human, bridged 120 s", answered(120, HUMAN), REACHED, False, NOTHING),
    Row("human, bridged 119 s", answered(119, HUMAN), REACHED, True, NOTHING),
    Row("human, bridged 30 s", answered(30, HUMAN), REACHED, True, NOTHING),
    Row("human, bridged 29.9 s", answered(29.9, HUMAN), SHORT, True, LATER),
    Row("human, bridged 0 s", answered(0, HUMAN), SHORT, True, LATER),
    Row("human, and never bridged", answered(None, HUMAN, bridged=False), SHORT, True, LATER),
    Row("human, not bridged, 95 s told", answered(95, HUMAN, bridged=False), SHORT, True, LATER),
    Row("human, nobody told of a bridge", answered(None, HUMAN, bridged=None), SHORT, True, LATER),
    Row("human, a leg of 200 s, no bridge told", UNTOLD_200, OPEN, True, LATER),
    Row("human, a leg of 20 s, no bridge told", UNTOLD_20, SHORT, True, LATER),
    Row("human, -5 s are told", answered(-5, HUMAN), SHORT, True, LATER),
    Row("human, a year is told", answered(3.2e7, HUMAN), SHORT, True, LATER),
    Row("human, no number is told", answered(float("nan"), HUMAN), SHORT, True, LATER),
    Row("human, bridged, a leg of 200 s", LEG_200, REACHED, False, NOTHING),
    Row("human, bridged, a leg of 20 s", LEG_20, SHORT, True, LATER),
    Row("human, bridged, no length told", LENGTH_LOST, SHORT, True, LATER),
    Row("human, bridged 95 s, its end is lost", END_LOST, REACHED, True, NOTHING),
    Row("no verdict, bridged 10 s", answered(10, None), SHORT, True, LATER),
    Row("no verdict, bridged 200 s", answered(200, None), OPEN, True, LATER),
    Row("verdict unknown, bridged 200 s", answered(200, UNSURE), OPEN, True, LATER),
    Row("verdict unknown, bridged 10 s", answered(10, UNSURE), SHORT, True, LATER),
    Row("fax, bridged 200 s", answered(200, FAX), OPEN, True, LATER),
    # A machine did.
    Row("machine, beep, the rep stays 5 s", voicemail(5), LEFT, False, SECOND),
    Row("machine, beep, the rep stays 4.9 s", voicemail(4.9), UNHEARD, False, SECOND),
    Row("machine, beep, 200 s in all", voicemail(188), LEFT, False, SECOND),
    Row("machine, no beep, the rep stays 9 s", voicemail(9, NO_BEEP), UNHEARD, True, SECOND),
    Row("machine, no beep, the rep stays 3 s", voicemail(3, NO_BEEP), UNHEARD, False, SECOND),
    Row("machine, its message unheard", voicemail(9, MACHINE), UNHEARD, True, SECOND),
    Row("machine, beep, the leg untold", voicemail(9, leg_s=None), UNHEARD, True, SECOND),
    Row("machine, beep, untold when", voicemail(9, detected_s=None), UNHEARD, True, SECOND),
    Row("machine, beep heard after -12 s", voicemail(9, detected_s=-12.0), UNHEARD, True, SECOND),
    Row("machine, beep, a leg of a year is told", voicemail(9, leg_s=3.2e7), UNHEARD, True, SECOND),
    Row("machine, beep heard after the end", voicemail(9, detected_s=40.0), UNHEARD, False, SECOND),
    Row("machine, and never bridged", voicemail(9, bridged=False), UNHEARD, False, SECOND),
)  # fmt: skip

HUMAN_60, HUMAN_12 = answered(60, HUMAN), answered(12, HUMAN)
UNSURE_60, NO_VERDICT_60 = answered(60, UNSURE), answered(60, None)
QUIET_VOICEMAIL = voicemail(9, NO_BEEP)

SAID = (
    # What the carrier left open is the rep's to say: grade B.
    Said("verdict unknown, bridged 60 s", UNSURE_60, TALKED, CONTACT_B, NOTHING),
    Said("fax, bridged 60 s", answered(60, FAX), TALKED, CONTACT_B, NOTHING),
    Said("no verdict, bridged 60 s", NO_VERDICT_60, TALKED, CONTACT_B, NOTHING),
    Said("human, a leg of 200 s, no bridge told", UNTOLD_200, TALKED, CONTACT_B, NOTHING),
    Said("no verdict, bridged 60 s", NO_VERDICT_60, NO_ANSWER, ("no_answer B",), SECOND),
    Said("no verdict, bridged 60 s", NO_VERDICT_60, VOICEMAIL, NO_ANSWER_LEFT_B, SECOND),
    Said("no verdict, bridged 60 s", NO_VERDICT_60, CALL_LATER, CONTACT_B, SECOND),
    Said("machine, no beep, the rep stays 9 s", QUIET_VOICEMAIL, VOICEMAIL, LEFT_B, SECOND),
    Said("machine, its message unheard", voicemail(9, MACHINE), VOICEMAIL, LEFT_B, SECOND),
    # A word takes back what the carrier took for contact.
    Said("human, bridged 60 s", HUMAN_60, VOICEMAIL, LEFT_C, SECOND),
    Said("human, bridged 60 s", HUMAN_60, NO_ANSWER, (), SECOND),
    Said("human, bridged 60 s", HUMAN_60, TALKED, (), NOTHING),
    Said("human, bridged 60 s", HUMAN_60, CALL_LATER, (), SECOND),
    # It makes no contact of what was too short, nor of a machine.
    Said("human, bridged 12 s", HUMAN_12, TALKED, (), NOTHING),
    Said("human, bridged 12 s", HUMAN_12, CALL_LATER, (), SECOND),
    Said("human, bridged, no length told", LENGTH_LOST, TALKED, (), NOTHING),
    Said("no verdict, bridged 12 s", answered(12, None), TALKED, (), NOTHING),
    Said("machine, no beep, the rep stays 9 s", QUIET_VOICEMAIL, TALKED, (), NOTHING),
    # Nor a voicemail of grade B where the carrier knows of none.
    Said("busy", BUSY, VOICEMAIL, LEFT_C, SECOND),
    Said("machine, beep, the rep stays 4.9 s", voicemail(4.9), VOICEMAIL, LEFT_C, SECOND),
    Said("rep hangs up after 6 s of ringing", rang(6, GAVE_UP), NO_ANSWER, (), STILL),
    # Where nobody was on the line, who talked called otherwise: grade C.
    Said("busy", BUSY, TALKED, OWN_CONTACT, NOTHING),
    Said("the number could not be rung", FAILED, TALKED, OWN_CONTACT, NOTHING),
    Said("nobody ever told how it ended", LOST, TALKED, OWN_CONTACT, NOTHING),
    Said("nobody ever told how it ended", LOST, NO_ANSWER, OWN_CALL, SECOND),
    # And what ends the lead ends it.
    Said("the number could not be rung", FAILED, WRONG_NUMBER, (), NOTHING),
    Said("human, bridged 12 s", HUMAN_12, NOT_INTERESTED, (), NOTHING),
)  # fmt: skip
