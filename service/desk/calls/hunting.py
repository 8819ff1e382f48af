"""A rep who was rung for a waiting caller: the whisper, the key that takes the call, and its end.

Several may be rung at once; the first key has the caller, whoever presses later hears who that is.
A voicemail that picked up presses none. Whom to ring is the rules' affair, and ``attend``'s.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog

from service.desk.calls import endings
from service.desk.calls.bridge import CONNECT_KEY, PASS_KEY, WRONG_KEYS_MAX, notes_answer
from service.desk.calls.caller import CARRIER, Caller, Stage, hear_once, on_caller
from service.desk.calls.engagement import FREE_AFTER, frees
from service.desk.desk import Desk
from service.desk.wordings import said_of
from service.ledger import engaged
from service.phone import urls, voice, voice_calls
from service.phone.call_callbacks import DialDone, Keyed
from service.rules import spoken
from service.rules.call_facts import CalledIn, Connected, Ended, RingFailed
from service.rules.calls import ASK_AFTER
from service.rules.causes import cause_of
from service.rules.lead import ERASED, CallId, PageId, RepId
from service.rules.standing import Ring
from service.rules.timeline import By, Claimed, Fact

# A caller who is held is asked about so often, in case that nobody tells of the call's end.
HELD_ASKED_EVERY = timedelta(minutes=2)
# A caller who was taken and never met is asked about so soon: they have hung up, or still wait.
LOST_ASKED_AFTER = timedelta(seconds=10)
# How long the outcome is waited for on the line; after that it is asked for by text.
OUTCOME_WAIT_S = 10

log = structlog.get_logger("caller")


def say(desk: Desk, call_id: CallId, leg: PageId, rep_sid: str, wrong_keys: int = 0) -> str:
    """The document for a rep who picked up: who is on the line, or who has them already. Raises
    LeadBusy, LedgerUnavailable."""
    gone = voice.say_and_hang_up(spoken.caller_gone())
    acts = partial(_said, leg=leg, rep_sid=rep_sid, wrong_keys=wrong_keys)
    return on_caller(desk, call_id, acts, gone)


def _said(caller: Caller, *, leg: PageId, rep_sid: str, wrong_keys: int) -> str:
    ring = _ring_of(caller, leg)
    if ring is None:
        return voice.say_and_hang_up(spoken.caller_gone())
    notes_answer(caller.conn, leg, rep_sid)
    if not caller.waits:
        return voice.say_and_hang_up(_too_late(caller, ring.rep))
    key_url = urls.hunt_key_url(caller.desk.links.public_url, caller.row.id, leg)
    words = _whispered(caller)
    if wrong_keys == 0:
        return voice_calls.whisper(words, key_url)
    again = f"{spoken.press_to_take_call()} {words}"
    return voice_calls.whisper(again, f"{key_url}?wrong={wrong_keys}")


def _ring_of(caller: Caller, leg: PageId) -> Ring | None:
    """The ring that this leg is; None: no such leg rang for this caller."""
    rings = (each for each in caller.held.standing.rings if each.call_id == caller.row.id)
    found = next((each for each in rings if each.leg == leg), None)
    if found is None:
        log.warning("caller", call=caller.row.id, outcome="ignored", because="no such leg")
    return found


def _whispered(caller: Caller) -> str:
    """Who is on the line: somebody on file, or a new caller."""
    lead, held = caller.held.person or ERASED, caller.held
    known = bool(lead.name) or not _opened_by(caller)
    cause = cause_of(held.standing, held.timeline)
    return spoken.caller_whisper(
        lead,
        known=known,
        recorded=caller.policy.calls.record,
        owed=spoken.cause_words(cause) if cause else "",
        said=said_of(caller.conn, held.id, cause),
    )


def _opened_by(caller: Caller) -> bool:
    """Whether it is this very call that opened the lead, which is then known by nothing else."""
    first = next((e.fact for e in caller.held.timeline[1:]), None)
    return isinstance(first, CalledIn) and first.call_id == caller.row.id


def _too_late(caller: Caller, rep: RepId) -> str:
    owner = caller.row.rep_id
    if owner is None or owner == rep:
        return spoken.caller_gone()
    person = caller.desk.present.crew().people.get(owner)
    return spoken.taken_by(person.name if person else "Somebody")


def hear_key(desk: Desk, leg: PageId, key: Keyed, wrong_keys: int = 0) -> str:
    """Act on the key of a rep who was rung for a caller; the document that follows. A replay gets
    the same. Raises LeadBusy, LedgerUnavailable."""
    if key.digit not in (CONNECT_KEY, PASS_KEY):
        if wrong_keys + 1 >= WRONG_KEYS_MAX:
            return voice_calls.hang_up()
        return say(desk, key.call_id, leg, key.sid, wrong_keys + 1)
    acts = partial(_keyed, leg=leg, key=key)
    gone = voice.say_and_hang_up(spoken.caller_gone())
    return hear_once(desk, key.call_id, f"key:{leg}:{key.dedupe_key}", acts, gone)


def _keyed(caller: Caller, *, leg: PageId, key: Keyed) -> str:
    ring = _ring_of(caller, leg)
    if ring is None:
        return voice.say_and_hang_up(spoken.caller_gone())
    notes_answer(caller.conn, leg, key.sid)
    if not caller.waits:
        _fails(caller, ring, "taken" if caller.row.rep_id else "late", f"pressed {key.digit}")
        return voice.say_and_hang_up(_too_late(caller, ring.rep))
    if key.digit == PASS_KEY:
        _fails(caller, ring, "declined", "pressed 2")
        return voice.say_and_hang_up(spoken.spoken_passed())
    return _takes(caller, ring, key.sid)


def _fails(caller: Caller, ring: Ring, reason: str, because: str) -> None:
    if ring.failed_at is None:
        failed = RingFailed(ring.rep, caller.row.id, ring.leg, reason)
        caller.records([(failed, caller.now)], because, CARRIER)


def _takes(caller: Caller, ring: Ring, rep_sid: str) -> str:
    """The first key has the caller. The lead is theirs if nobody has it; else it stays its owner's,
    and only the call is theirs."""
    standing, rep, now = caller.held.standing, ring.rep, caller.now
    facts: list[Fact] = [] if standing.owner else [Claimed(rep, By.KEY)]
    facts.append(Connected(caller.row.id, rep))
    actor = f"rep:{rep}"
    caller.records([(fact, now) for fact in facts], "pressed 1 to take the call", actor)
    caller.asks_in(HELD_ASKED_EVERY, rep_id=rep, rep_sid=rep_sid, dialled_at=now, stage=Stage.TAKEN)
    engaged.engage(caller.conn, rep, caller.row.id, now)
    url, record = caller.desk.links.public_url, caller.policy.calls.record
    return voice_calls.connect_caller(
        caller.row.id,
        urls.hunt_done_url(url, caller.row.id, ring.leg),
        record=record,
        recording_url=urls.recording_url(url, caller.row.id) if record else None,
    )


def done(desk: Desk, leg: PageId, told: DialDone) -> str:
    """The rep and the caller no longer talk, or never did; how the rep's call goes on. Raises
    LeadBusy, LedgerUnavailable."""
    acts = partial(_done, leg=leg, told=told)
    return hear_once(desk, told.call_id, f"{told.dedupe_key}:{leg}", acts, voice_calls.hang_up())


def _done(caller: Caller, *, leg: PageId, told: DialDone) -> str:
    ring, row = _ring_of(caller, leg), caller.row
    if ring is None or row.rep_id != ring.rep or row.rep_sid != told.rep_sid:
        log.warning("caller", call=row.id, outcome="ignored", because="the end of another leg")
        return voice_calls.hang_up()
    held_s = _held_s(told)
    if held_s is None and not told.bridged:
        _lost(caller)
        _frees(caller)
        return voice.say_and_hang_up(spoken.caller_gone())
    asks = endings.held(caller, held_s, row.over_at or caller.now)
    if asks and not told.call_over:
        # They may be rung again once they have said it, or have not.
        _frees(caller, asking=True)
        url = urls.outcome_key_url(caller.desk.links.public_url, row.id)
        return voice_calls.ask_digit(spoken.ask_outcome(), url, OUTCOME_WAIT_S)
    _frees(caller)
    return voice_calls.hang_up()


def _held_s(told: DialDone) -> float | None:
    """How long the two had each other; None: they never met, or nobody told. Where it is not told
    whether they met, a length of the caller's leg is proof: it counts from their meeting."""
    if told.bridged is None and told.told.ended is Ended.ANSWERED:
        return told.leg_s or None
    return told.bridged_s


def _lost(caller: Caller) -> None:
    """The two never met: the caller hung up a moment before. If they are still there after all,
    the wait document sends them on to leave a message."""
    if not caller.settled and caller.row.over_at is None:
        caller.asks_in(LOST_ASKED_AFTER, stage=Stage.LOST)


def _frees(caller: Caller, *, asking: bool = False) -> None:
    rep = caller.row.rep_id
    assert rep is not None, "the leg was found by its rep"
    until = caller.now + (ASK_AFTER if asking else FREE_AFTER)
    if frees(caller.conn, rep, caller.row.id, until, caller.now):
        caller.freed = rep
