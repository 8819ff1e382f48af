"""A caller of whom the carrier tells nothing any more: it is asked, and believed.

A callback that was lost must not leave a missed call unheard, a message unplayed, or a lead on the
line for ever. Asking changes nothing at the carrier; after a few answers that say nothing the call
is taken to be over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from service.desk.calls import endings, voicemail
from service.desk.calls.caller import Caller, Stage, on_caller
from service.desk.calls.engagement import FREE_AFTER, frees
from service.desk.desk import Desk
from service.ledger.calls import CallRow
from service.phone.callbacks import CallStatus
from service.phone.caller_callbacks import RecordingTold
from service.phone.line import Line, NotFound, Unknown
from service.rules.calls import CALL_MAX, SECONDS_MAX
from service.rules.lead import PageId

# A call that is up is asked about again after so long.
UP_AGAIN = timedelta(seconds=15)
# One that is held by a rep lasts longer, and its end is told twice: by either leg.
HELD_AGAIN = timedelta(minutes=2)
# An answer that says nothing is asked for again after so long, so many times.
UNCLEAR_AGAIN = timedelta(seconds=10)
ASKED_MAX = 12

log = structlog.get_logger("caller")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the carrier says of a caller. ``over`` None: it does not say. ``seconds``: the whole
    call's. ``recording``: the newest one of the caller alone; ``pending``: one is not ready yet."""

    over: bool | None
    seconds: int | None = None
    recording: RecordingTold | None = None
    pending: bool = False


def ask(desk: Desk, line: Line, row: CallRow) -> None:
    """Ask the carrier about an inbound call that is due, and write down what it says. Raises
    LeadBusy, LedgerUnavailable: then it is still due."""
    known = _asked(line, row)
    on_caller(desk, row.id, partial(_heard, known=known), None)


def _asked(line: Line, row: CallRow) -> _Known:
    """No lead is held while the carrier is asked."""
    if row.lead_sid is None:
        return _Known(over=True)
    told = line.look_up_call(PageId(row.id), row.lead_sid)
    match told:
        case CallStatus():
            known = _Known(over=told.final, seconds=told.duration_s)
        case NotFound():
            known = _Known(over=True)
        case Unknown():
            known = _Known(over=None)
    if row.stage != Stage.VOICEMAIL or known.over is False:
        return known
    found = line.recordings_of(row.id, row.lead_sid)
    if isinstance(found, Unknown):
        return replace(known, over=None)
    told_of = () if isinstance(found, NotFound) else found
    mine = [each for each in told_of if each.kind == "voicemail"]
    ready = [each for each in mine if each.status == "completed"]
    pending = any(each.status in ("in-progress", "processing", "paused") for each in mine)
    return replace(known, recording=ready[-1] if ready else None, pending=pending)


def _heard(caller: Caller, *, known: _Known) -> None:
    if caller.settled:
        return
    asked = caller.row.asked + 1
    unclear = known.over is None or known.pending
    if unclear and asked < ASKED_MAX and not _too_old(caller):
        caller.asks_in(UNCLEAR_AGAIN, asked=asked)
    elif known.over is False and not _too_old(caller):
        held = caller.row.stage == Stage.TAKEN and caller.row.over_at is None
        # That it is up is an answer: only those that say nothing are counted.
        caller.asks_in(HELD_AGAIN if held else UP_AGAIN, asked=0)
    else:
        log.info("caller", call=caller.row.id, outcome="over", because="the carrier was asked")
        _ends(caller, known)


def _too_old(caller: Caller) -> bool:
    return caller.now >= caller.row.began_at + CALL_MAX


def _ends(caller: Caller, known: _Known) -> None:
    """The call is over: what it came to, as far as anybody can tell."""
    row, over_at = caller.row, _over_at(caller, known)
    _frees(caller)
    if row.stage == Stage.TAKEN:
        endings.held(caller, _held_s(caller, known), over_at)
        return
    if row.stage == Stage.VOICEMAIL:
        found = known.recording
        sid, status = (found.recording_sid, found.status) if found else (None, None)
        voicemail.settle(caller, sid, status, found.seconds if found else None)
        return
    endings.missed(caller, over_at, known.seconds, hung_up=True)


def _frees(caller: Caller) -> None:
    """Who took the caller is on this call no longer, if nobody told that of their own leg."""
    rep = caller.row.rep_id
    if rep and frees(caller.conn, rep, caller.row.id, caller.now + FREE_AFTER, caller.now):
        caller.freed = rep


def _over_at(caller: Caller, known: _Known) -> datetime:
    """When the call ended: as told, by its length, or now."""
    if caller.row.over_at is not None:
        return caller.row.over_at
    if known.seconds is None:
        return caller.now
    return min(caller.row.began_at + timedelta(seconds=known.seconds), caller.now)


def _held_s(caller: Caller, known: _Known) -> float | None:
    """How long a rep held the caller: until the end that a callback or the carrier's own length of
    the call proves. Nothing else proves it."""
    began_at = caller.row.dialled_at
    proved = caller.row.over_at is not None or known.seconds is not None
    if began_at is None or not proved:
        return None
    return min(max((_over_at(caller, known) - began_at).total_seconds(), 0.0), SECONDS_MAX)
