"""What a call to a lead came to, read from the carrier's facts. DEFINITIONS.md, "Instants".

One table, drawn into ``docs/calls.md``: carrier fact -> event -> evidence -> is somebody asked.
A machine that answered is never contact; a duration alone is never contact; a person's word may
downgrade what the carrier proved, and never go past it. Nothing here knows a carrier's wire.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from service.rules.call_facts import (
    Abandoned,
    Attempted,
    Contacted,
    Ended,
    NoAnswer,
    ShortAnswer,
    VoicemailLeft,
)
from service.rules.lead import CallId, RepId
from service.rules.timeline import Ending, Fact

PROVED, KEYED, WORD = "A", "B", "C"

# Who rings a lead for less has abandoned the call. DEFINITIONS.md, `first_attempt_at`.
RANG_MIN_S = 15.0
# After a message's end (its beep, or its last word) a voicemail was left if the rep stayed so long.
STAYED_MIN_S = 5.0
# A human for so long was talked to: nobody needs to say so. DEFINITIONS.md, "Evidence grade".
TALKED_MIN_S = 120.0
# The verdict of who answered may come after the call's end; then the carrier is asked.
VERDICT_WITHIN = timedelta(seconds=10)
# The rep's digit may be pressed on the line; after so long it is asked for by text.
ASK_AFTER = timedelta(seconds=20)
# An answer that nobody gave by then is taken as none: the next call is owed.
ANSWER_WITHIN = timedelta(minutes=5)
# An inbound call unanswered for less is shown apart. DEFINITIONS.md, "Who counts".
SHORT_WAIT_S = 15.0
# The longest that a call may last (the carrier's own limit for a dialled leg, 4 h): one whose end
# nobody told is over by then.
CALL_MAX = timedelta(hours=4, minutes=15)
# What a carrier may claim of a call's length; anything else is nonsense and is not believed.
SECONDS_MAX = CALL_MAX.total_seconds()
# A caller whom nobody took has left by then: they wait for a minute, and a message lasts minutes.
CALLER_MAX = timedelta(minutes=15)


class AnsweredBy(StrEnum):
    """Who the carrier says picked up."""

    HUMAN = "human"
    MACHINE = "machine"  # and no more is known of its message
    BEEP = "machine_beep"  # its message ended, with a beep
    MESSAGE_END = "machine_message_end"  # its message ended, without one
    FAX = "fax"
    UNKNOWN = "unknown"


MACHINES = frozenset({AnsweredBy.MACHINE, AnsweredBy.BEEP, AnsweredBy.MESSAGE_END})


@dataclass(frozen=True, slots=True)
class CallTold:
    """What the carrier told of the lead's leg so far; None: nothing yet. Seconds are the carrier's.

    ``ended``: how the leg ended. ``rang_s``: how long it rang. ``leg_s``: from its answer to its
    end. ``bridged``/``bridged_s``: whether, and for how long, rep and lead heard each other.
    ``answered_by``: its verdict; ``detected_s``: when it came, counted from the answer.
    """

    ended: Ended | None = None
    rang_s: float | None = None
    leg_s: float | None = None
    bridged: bool | None = None
    bridged_s: float | None = None
    answered_by: AnsweredBy | None = None
    detected_s: float | None = None

    def with_news(self, news: CallTold) -> CallTold:
        """Both together. What was told first stays, but an unknown ending gives way, and so does
        an unknown listener."""
        known = {
            name: getattr(self, name) if getattr(self, name) is not None else getattr(news, name)
            for name in CallTold.__dataclass_fields__
        }
        if self.ended is Ended.UNKNOWN and news.ended is not None:
            known["ended"] = news.ended
        if self.answered_by is AnsweredBy.UNKNOWN and news.answered_by is not None:
            known["answered_by"] = news.answered_by
        return CallTold(**known)


@dataclass(frozen=True, slots=True)
class CameTo:
    """What a call came to: ``facts`` for the timeline, in order; ``asks``: the carrier leaves open
    how it went, so that the rep is asked; ``open``: what it came to is not among the facts yet."""

    facts: tuple[Fact, ...]
    asks: bool = False
    open: bool = False


def is_ripe(told: CallTold, *, waited: bool) -> bool:
    """Whether all that matters is told of a call that is over. ``waited``: for as long as is worth
    it (VERDICT_WITHIN, from when we learned that it was over), so that no more is to come."""
    if told.ended is None:
        return False
    unanswered = _ended(told, RANG_MIN_S) is not Ended.ANSWERED
    length = _bridge_s(told) if told.bridged else 0.0
    heard = told.answered_by is not None and told.bridged is not None and length is not None
    return unanswered or heard or waited


def came_to(
    told: CallTold,
    call_id: CallId,
    rep: RepId | None,
    contact_after_s: float,
    *,
    ring_lead_s: float,
) -> CameTo:
    """What a call that we dialled came to, by the carrier's word alone.

    ``contact_after_s``, ``ring_lead_s`` as in the policy: how long a bridge is before it is
    contact, and how long a lead is rung where the carrier does not say how long it rang.
    """
    ended = _ended(told, ring_lead_s)
    bridged_s = listened_s(told)
    tried = Attempted(
        rep,
        PROVED,
        call_id,
        answered_by=told.answered_by.value if told.answered_by else None,
        bridged_s=bridged_s if ended is Ended.ANSWERED else None,
        ended=ended.value,
    )
    match ended:
        case Ended.BUSY | Ended.NO_ANSWER:
            return CameTo((tried, NoAnswer(PROVED, rep, call_id)))
        case Ended.ABANDONED:
            return CameTo((tried, Abandoned(PROVED, rep, call_id)))
        case Ended.FAILED:
            return _asking(tried, NoAnswer(PROVED, rep, call_id))
        case Ended.UNKNOWN:
            return _asking(tried, Abandoned(PROVED, rep, call_id))
        case Ended.ANSWERED:
            return _answered(told, tried, call_id, rep, bridged_s, contact_after_s)


def _ended(told: CallTold, ring_lead_s: float) -> Ended:
    """How the leg ended, with a ring too short to be heard told apart. Whoever was bridged had
    answered, though nobody told how it ended."""
    ended = told.ended or Ended.UNKNOWN
    if ended is Ended.UNKNOWN and told.bridged:
        return Ended.ANSWERED
    if ended not in (Ended.NO_ANSWER, Ended.ABANDONED):
        return ended
    rang_s = _believed(told.rang_s)
    if rang_s is None:
        rang_s = ring_lead_s if ended is Ended.NO_ANSWER else 0.0
    return Ended.NO_ANSWER if rang_s >= RANG_MIN_S else Ended.ABANDONED


def listened_s(told: CallTold) -> float:
    """How long somebody, or something, was on the line with the rep, in seconds. Where nobody told
    of a bridge it is the leg's whole length, which proves nothing by itself."""
    if told.bridged is None:
        return _believed(told.leg_s) or 0.0
    return _bridge_s(told) or 0.0 if told.bridged else 0.0


def _bridge_s(told: CallTold) -> float | None:
    """How long a bridge was: as told, else as long as the leg. None: neither is told."""
    bridged_s = _believed(told.bridged_s)
    return _believed(told.leg_s) if bridged_s is None else bridged_s


def _answered(
    told: CallTold,
    tried: Attempted,
    call_id: CallId,
    rep: RepId | None,
    bridged_s: float,
    contact_after_s: float,
) -> CameTo:
    if told.answered_by in MACHINES:
        return _machine(told, tried, call_id, rep)
    if bridged_s < contact_after_s:
        return _asking(tried, ShortAnswer(PROVED, rep, call_id))
    if told.answered_by is not AnsweredBy.HUMAN or told.bridged is None:
        # Whether a human or a machine listened for so long, or anybody heard the rep, only the rep
        # can say.
        return CameTo((replace(tried, asks=True),), asks=True, open=True)
    contacted = Contacted(PROVED, rep, call_id)
    return CameTo((tried, contacted)) if bridged_s >= TALKED_MIN_S else _asking(tried, contacted)


def _machine(told: CallTold, tried: Attempted, call_id: CallId, rep: RepId | None) -> CameTo:
    """A machine answered: no contact. Whether a message was left shows by how long the rep stayed
    after its own message had ended."""
    unheard = NoAnswer(PROVED, rep, call_id)
    if told.bridged is False:
        return CameTo((tried, unheard))  # the rep had hung up before it picked up
    leg_s, detected_s = _believed(told.leg_s), _believed(told.detected_s)
    if leg_s is None or detected_s is None or told.answered_by is AnsweredBy.MACHINE:
        return _asking(tried, unheard)
    stayed_s = leg_s - detected_s
    if stayed_s < STAYED_MIN_S:
        return CameTo((tried, unheard))
    if told.answered_by is AnsweredBy.BEEP:
        return CameTo((tried, unheard, VoicemailLeft(PROVED, rep, call_id, stayed_s)))
    return _asking(tried, unheard)


def _asking(tried: Attempted, result: Fact) -> CameTo:
    return CameTo((replace(tried, asks=True), result), asks=True)


def _believed(told: float | None) -> float | None:
    """A duration that can be believed; nonsense is as good as untold."""
    return told if told is not None and 0.0 <= told <= SECONDS_MAX else None


def held_by(
    call_id: CallId, rep: RepId, held_s: float | None, contact_after_s: float
) -> tuple[Fact, ...]:
    """What an inbound call came to that a rep took by key: the caller is human, and the carrier
    proves how long it was held."""
    seconds = _believed(held_s) or 0.0
    tried = Attempted(
        rep, PROVED, call_id, answered_by=AnsweredBy.HUMAN, bridged_s=seconds, ended=Ended.ANSWERED
    )
    if seconds < contact_after_s:
        return (replace(tried, asks=True), ShortAnswer(PROVED, rep, call_id))
    # As of a call that we dialled: only a longer one needs no word of the rep's.
    return (replace(tried, asks=seconds < TALKED_MIN_S), Contacted(PROVED, rep, call_id))


def said_of(
    call_id: str,
    rep: RepId | None,
    ending: Ending,
    answered_by: str | None,
    bridged_s: float,
    contact_after_s: float,
    *,
    still_open: bool,
    asked: bool,
) -> tuple[Fact, ...]:
    """What a person's word adds to a call that the carrier proved, beside the outcome itself.

    ``asked``: the carrier left open how it went; ``still_open``: also what it came to. A word never
    makes contact of a machine, nor of a bridge too short; it grades B where it was asked for and
    the carrier knows that somebody, or something, listened.
    """
    talked = ending in (Ending.TALKED, Ending.BOOKED, Ending.NOT_INTERESTED, Ending.CALL_LATER)
    facts: list[Fact] = []
    if still_open:
        if talked and bridged_s >= contact_after_s:
            facts.append(Contacted(KEYED, rep, call_id))
        elif ending is Ending.VOICEMAIL or ending is Ending.NO_ANSWER:
            facts.append(NoAnswer(KEYED, rep, call_id))
        else:
            facts.append(ShortAnswer(KEYED, rep, call_id))
    if ending is Ending.VOICEMAIL:
        heard = asked and bridged_s > 0.0 and answered_by != AnsweredBy.HUMAN
        facts.append(VoicemailLeft(KEYED if heard else WORD, rep, call_id))
    return tuple(facts)
