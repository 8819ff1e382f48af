"""A caller waits in their queue: what they hear, when they have waited long enough, and how they
leave it.

Ringing is heard until somebody takes the call. At the policy's limit, or when nobody is left who
could take it, the caller is asked for a message instead; who hangs up is called back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from service.desk.calls import endings
from service.desk.calls.caller import Caller, Stage, hear_once, on_caller
from service.desk.calls.dialling import floor_of
from service.desk.calls.voicemail import take_message
from service.desk.desk import Desk
from service.errors import LeadBusy
from service.phone import urls, voice_calls
from service.phone.caller_callbacks import CallerLeft
from service.phone.ringing import CYCLE_S
from service.rules import spoken
from service.rules.calls import VERDICT_WITHIN
from service.rules.connecting import lines_up, nobody_left
from service.rules.lead import CallId

# What of the wait is left is heard as silence when it is shorter than a round of ringing.
ROUND_MIN_S = 1

log = structlog.get_logger("caller")


def wait(desk: Desk, call_id: CallId, sid: str) -> str:
    """What a waiting caller hears next; asked again and again. Raises LedgerUnavailable."""
    ringing = voice_calls.ring_tone(urls.ringing_url(desk.links.public_url), CYCLE_S)
    try:
        return on_caller(desk, call_id, partial(_waits_on, sid=sid), voice_calls.leave())
    except LeadBusy:
        return ringing


def _waits_on(caller: Caller, *, sid: str) -> str:
    row = caller.row
    if row.lead_sid != sid:
        log.warning("caller", call=row.id, outcome="ignored", because="another call's wait")
        return voice_calls.leave()
    if row.stage == Stage.TAKEN:
        return _ringing(caller, CYCLE_S)  # the two are being connected
    if not caller.waits:
        return voice_calls.leave()
    left_s = (_ends_at(caller) - caller.now).total_seconds()
    if left_s <= 0 or _nobody_left(caller):
        # From here on nobody can take the call: the caller is on the way out of the queue.
        caller.leaves_queue()
        return voice_calls.leave()
    return _ringing(caller, min(max(round(left_s), ROUND_MIN_S), CYCLE_S))


def _ringing(caller: Caller, seconds: int) -> str:
    return voice_calls.ring_tone(urls.ringing_url(caller.desk.links.public_url), seconds)


def _ends_at(caller: Caller) -> datetime:
    return caller.row.began_at + timedelta(seconds=caller.policy.calls.inbound_ring_s)


def _nobody_left(caller: Caller) -> bool:
    standing, now = caller.held.standing, caller.now
    line = next((line for line in lines_up(standing, now) if line.call_id == caller.row.id), None)
    if line is None:
        return True
    floor = floor_of(caller.desk, caller.conn, caller.held, now)
    return nobody_left(standing, caller.policy, floor, line, now)


def left(desk: Desk, told: CallerLeft) -> str:
    """A caller is no longer in the queue; how their call goes on. Raises LeadBusy,
    LedgerUnavailable: then nothing was written."""
    acts = partial(_left, told=told)
    return hear_once(desk, told.call_id, told.dedupe_key, acts, voice_calls.hang_up())


def _left(caller: Caller, *, told: CallerLeft) -> str:
    if caller.row.lead_sid != told.sid:
        log.warning("caller", call=caller.row.id, outcome="ignored", because="another call's end")
        return voice_calls.hang_up()
    if told.connected or (told.result == "bridging-in-process" and caller.row.rep_id):
        _is_over(caller)
    elif told.result == "hangup" or told.call_over:
        endings.missed(caller, caller.now, told.waited_s, hung_up=True)
    elif not caller.settled:
        # Whatever took them out of the queue: a caller who is still there is never dropped.
        rang = replace(caller.row.told, rang_s=told.waited_s)
        caller.saves(told=rang)
        team = caller.desk.present.crew().team.name
        return take_message(caller, spoken.leave_message(team))
    return voice_calls.hang_up()


def _is_over(caller: Caller) -> None:
    """Two have talked and no longer do. For how long is the other leg's word, which may come
    after this; if it does not, the clock's."""
    if not caller.settled:
        # They met after all, whatever was told before of the rep's leg.
        over_at = caller.row.over_at or caller.now
        stage = Stage.TAKEN if caller.row.rep_id else caller.row.stage
        caller.asks_in(VERDICT_WITHIN, over_at=over_at, stage=stage)
