"""A call that is recorded: whoever answers is told so, no machine ever is, and what was recorded is
kept no longer than the policy says.

Who picked up is known a moment after they did, and a long greeting is a machine's for much longer
than anybody waits in silence: who is not known by then is told nothing, and the recording of a call
that was not announced is deleted at the carrier as soon as there is one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from service.desk.calls.once import Heard, News, once
from service.desk.desk import Desk
from service.desk.record import Held, hold, persistently
from service.ledger import calls, recordings
from service.ledger.calls import CallRow
from service.ledger.recordings import Recording
from service.phone import urls, voice_calls
from service.phone.call_callbacks import LegStatus
from service.phone.caller_callbacks import RecordingTold
from service.rules import spoken
from service.rules.calls import MACHINES, AnsweredBy
from service.rules.lead import CallId, LeadId

# The stage of a call that we dialled once the lead was told that it is recorded.
ANNOUNCED = "announced"
# How often it is asked again who answered, after a sentence of some three seconds: a second each
# time, so that a human hears a voice or a breath of silence, for less than five seconds in all.
ROUNDS_MAX = 2

_NOBODY = MACHINES | {AnsweredBy.FAX}

log = structlog.get_logger("recording")


def announce(desk: Desk, leg: LegStatus, rounds: int = 0) -> str:
    """What whoever answered a recorded call hears before they are connected. ``rounds``: how often
    it was asked before. For one and the same verdict always the same. Raises LeadBusy,
    LedgerUnavailable."""
    return persistently(lambda: _announce(desk, leg, rounds))


def _announce(desk: Desk, leg: LegStatus, rounds: int) -> str:
    with desk.ledger.transaction() as conn:
        row = _dialled(conn, leg)
        if row is None:
            log.warning("call", call=leg.call_id, outcome="ignored", because="unknown call")
            return voice_calls.hang_up()
        by = row.told.answered_by
        if by is None:
            return _waits(desk, row.id, rounds)
        if by in _NOBODY:
            return voice_calls.go_on()
        _notes_announced(conn, row)
    return voice_calls.announce(spoken.recording_announcement())


def _dialled(conn: Connection, leg: LegStatus) -> CallRow | None:
    """The call that dialled this leg."""
    row = calls.call(conn, leg.call_id)
    if row is None or row.direction == "in" or row.dialled_at is None:
        return None
    return row if row.lead_sid in (None, leg.sid) else None


def _waits(desk: Desk, call_id: CallId, rounds: int) -> str:
    if rounds >= ROUNDS_MAX:
        log.info("call", call=call_id, outcome="not announced", because="nobody knows who answered")
        return voice_calls.go_on()
    again = f"{urls.leg_say_url(desk.links.public_url, call_id)}?round={rounds + 1}"
    words = spoken.one_moment(desk.present.crew().team.name) if rounds == 0 else ""
    return voice_calls.hold_on(words, again)


def _notes_announced(conn: Connection, row: CallRow) -> None:
    if row.stage == ANNOUNCED or hold(conn, row.lead_id) is None:
        return
    # Read again under the lead's lock: more of it may be told by now.
    known = calls.call(conn, row.id)
    assert known is not None, "calls are never deleted"
    calls.save(conn, replace(known, stage=ANNOUNCED))


# What was recorded


def keep_talk(desk: Desk, told: RecordingTold) -> None:
    """Remember the recording of two who talked, and when the carrier is to delete it. One of
    another call's is ignored. Raises LeadBusy, LedgerUnavailable."""
    if told.status != "completed":
        return

    def lead_of(conn: Connection) -> LeadId | None:
        row = _recorded(conn, told)
        return row.lead_id if row else None

    def act(conn: Connection, held: Held, now: datetime) -> Heard:
        row = calls.call(conn, told.call_id)
        assert row is not None, "its lead was found by it"
        _keep(desk, conn, held, row, told, now)
        return Heard()

    once(desk, News(told.dedupe_key, "recording"), lead_of, act)


def _recorded(conn: Connection, told: RecordingTold) -> CallRow | None:
    """The call, if one of its legs is what was recorded."""
    row = calls.call(conn, told.call_id)
    theirs = row is not None and told.call_sid in (None, row.rep_sid, row.lead_sid)
    return row if theirs else None


def _keep(
    desk: Desk, conn: Connection, held: Held, row: CallRow, told: RecordingTold, now: datetime
) -> None:
    days = desk.present.policy(conn, held.row.policy_version).calls.record_days
    keeps = _is_kept(row)
    kept = Recording(
        told.recording_sid,
        row.id,
        row.lead_id,
        "call",
        round(told.seconds or 0.0),
        now,
        delete_at=now + timedelta(days=days) if keeps else now,
    )
    recordings.keep(conn, kept)
    log.info("recording", call=row.id, outcome="kept" if keeps else "to be deleted at once")


def _is_kept(row: CallRow) -> bool:
    """Whether everybody on it knew: a caller is told before they wait, who was dialled as they
    answer, and a machine never."""
    if row.direction == "in":
        return True
    return row.stage == ANNOUNCED and row.told.answered_by not in _NOBODY


def forget_machine(conn: Connection, row: CallRow, by: AnsweredBy | None, now: datetime) -> None:
    """The verdict came, and it was a machine: what was recorded of it goes at once. The caller
    holds the lead."""
    if by in _NOBODY:
        recordings.delete_from(conn, row.id, now)
