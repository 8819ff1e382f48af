"""Calls whose end nobody told: the carrier is asked, and they are settled by what it says.

Asked outside any transaction. A call that is still up is asked about again, ever more rarely; one
that nobody can say anything of is given up, so that no lead stays on the line for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from service.desk.calls import overdue
from service.desk.calls.engagement import FREE_AFTER, frees
from service.desk.calls.once import Heard, follow
from service.desk.calls.settling import has_ended, keep_or_settle, settle_call
from service.desk.calls.told import of_another, told_at, with_ring
from service.desk.desk import Desk
from service.desk.record import Held, hold, persistently
from service.errors import LeadBusy
from service.ledger import calls
from service.ledger.calls import CallRow
from service.phone.call_callbacks import LegStatus
from service.phone.callbacks import CallStatus
from service.phone.line import Line, NotFound, Unknown
from service.rules.call_facts import Ended
from service.rules.calls import CALL_MAX, CallTold
from service.rules.lead import CallId, PageId, RepId

# How long until a call is asked about again: twice as long each time, and never longer than this.
# A rep whose call ended without a word is engaged until then.
AGAIN_MIN = timedelta(seconds=10)
AGAIN_MAX = timedelta(minutes=10)
# A call that is over and of whose leg the carrier says nothing so often is given up: after some
# five minutes.
ANSWERS_AWAITED = 6
# The wait grows no further from here on; see AGAIN_MAX.
DOUBLINGS_MAX = 10
# A carrier that gave so many no answer in a row is left alone until the next turn.
UNANSWERED_MAX = 3

log = structlog.get_logger("call")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the carrier says of a call when it is asked. ``legs`` None: it gave no answer;
    ``rep_gone``: the rep's own call has ended."""

    legs: tuple[LegStatus, ...] | None
    rep_gone: bool


# Nobody pressed a key on it, so there is nothing to ask.
NEVER_KEYED = Seen(None, rep_gone=True)


def ask_due(desk: Desk, line: Line, may_go_on: Callable[[], bool]) -> int:
    """Ask about every call that is due; how many. Ends early when it may not go on: what is left
    stays due. Raises LedgerUnavailable."""
    with desk.ledger.transaction() as conn:
        due = calls.due_calls(conn, desk.clock.now())
    unanswered = 0
    for row in due:
        if unanswered == UNANSWERED_MAX or not may_go_on():
            break
        try:
            unanswered = 0 if _ask_one(desk, line, row) else unanswered + 1
        except LeadBusy as busy:
            log.info("call", call=row.id, outcome="not settled", because=str(busy))
    return len(due)


def _ask_one(desk: Desk, line: Line, row: CallRow) -> bool:
    """Ask about one call, and hear the answer; False when the carrier gave none."""
    if row.direction == "in":
        overdue.ask(desk, line, row)
        return True
    if row.dialled_at is None:
        hear_asked(desk, row.id, NEVER_KEYED)
        return True
    seen = _ask(line, row)
    hear_asked(desk, row.id, seen)
    return seen.legs is not None


def _ask(line: Line, row: CallRow) -> Seen:
    """The legs that were dialled on the rep's call, and whether that is over."""
    assert row.rep_sid is not None, "who was dialled for pressed a key on a call"
    found = line.look_up_legs(row.id, row.rep_sid)
    if isinstance(found, NotFound | Unknown):
        log.info("call", call=row.id, outcome="not looked up", because=str(found))
        return Seen(() if isinstance(found, NotFound) else None, isinstance(found, NotFound))
    if any(leg.sid == row.lead_sid for leg in found):
        return Seen(found, rep_gone=False)
    own = line.look_up_call(PageId(row.id), row.rep_sid)
    gone = isinstance(own, NotFound) or (isinstance(own, CallStatus) and own.final)
    return Seen(found, gone)


def hear_asked(desk: Desk, call_id: CallId, seen: Seen) -> None:
    """Keep what the carrier said, and settle the call if it can be read, or never will be. Raises
    LeadBusy, LedgerUnavailable."""
    persistently(lambda: _hear(desk, call_id, seen))


def _hear(desk: Desk, call_id: CallId, seen: Seen) -> None:
    with desk.ledger.transaction() as conn:
        row = calls.call(conn, call_id)
        held = hold(conn, row.lead_id) if row else None
        if held is None:
            return
        # Read again under the lead's lock: it may have been told meanwhile.
        row = calls.call(conn, call_id)
        if row is None or row.settled_at is not None:
            return
        now = desk.now_for(held.row.last_recorded_at)
        heard = _heard(desk, conn, held, row, seen, now)
        lead_id = held.id
    follow(desk, lead_id, heard)


def _heard(
    desk: Desk, conn: Connection, held: Held, row: CallRow, seen: Seen, now: datetime
) -> Heard:
    if row.dialled_at is None:
        # Nobody pressed its key in all that time.
        calls.save(conn, replace(row, settled_at=now))
        return Heard()
    known = with_ring(conn, _with_seen(conn, row, seen, now))
    waited = has_ended(row) and row.ask_at is not None and row.ask_at <= now
    if keep_or_settle(desk, conn, held, row, known, now, waited=waited):
        return Heard(stirred=True, freed=_freed(conn, known, now))
    if _given_up(known, now):
        known = replace(known, told=known.told.with_news(CallTold(ended=Ended.UNKNOWN)))
        settle_call(desk, conn, held, known, now)
        log.warning("call", call=row.id, outcome="given up", because="nobody told of its end")
        return Heard(stirred=True, freed=_freed(conn, known, now))
    # Just over: its meaning is held for the verdict, and counted anew is what nobody answers.
    just_over = row.over_at is None and known.over_at is not None
    asked = 0 if just_over or has_ended(known) else row.asked
    wait = min(AGAIN_MIN * 2 ** min(asked, DOUBLINGS_MAX), AGAIN_MAX)
    # Told to be over while we asked: it is held as long as was meant then.
    ask_at = row.ask_at if has_ended(row) else now + wait
    calls.save(conn, replace(known, asked=asked + 1, ask_at=ask_at))
    return Heard()


def _with_seen(conn: Connection, row: CallRow, seen: Seen, now: datetime) -> CallRow:
    """The call with what the carrier said of it. A leg that was never dialled, on a call that is
    over, was given up before it could ring."""
    leg = _own_leg(conn, row, seen.legs or ())
    if leg is None:
        if seen.legs is None or not seen.rep_gone or row.told.ended is not None:
            return row
        never = CallTold(ended=Ended.ABANDONED, rang_s=0.0)
        return replace(row, over_at=row.over_at or now, told=row.told.with_news(never))
    known = replace(row, lead_sid=row.lead_sid or leg.sid, told=row.told.with_news(leg.told))
    if not leg.final:
        return known
    over_at = row.over_at or told_at(row, leg.at, now)
    return replace(known, over_at=over_at)


def _own_leg(conn: Connection, row: CallRow, legs: tuple[LegStatus, ...]) -> LegStatus | None:
    """The leg that is this call's: on one call of a rep's several leads may be dialled in turn."""
    if row.lead_sid is not None:
        return next((leg for leg in legs if leg.sid == row.lead_sid), None)
    return next((leg for leg in reversed(legs) if not of_another(conn, row, leg.sid)), None)


def _given_up(row: CallRow, now: datetime) -> bool:
    begun_at = row.dialled_at or row.began_at
    silent = row.over_at is not None and row.told.ended is None
    return (silent and row.asked + 1 >= ANSWERS_AWAITED) or now >= begun_at + CALL_MAX


def _freed(conn: Connection, row: CallRow, now: datetime) -> RepId | None:
    """Whoever was on this call is not any more, if nobody said so yet."""
    rep = row.rep_id
    return rep if rep and frees(conn, rep, row.id, now + FREE_AFTER, now) else None
