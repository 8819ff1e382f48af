"""A caller leaves a message: recorded by the carrier, kept by reference, told to the timeline.

That a recording is there is believed when the carrier says so by its own callback, or when asked;
the end of the recording alone proves none. A recording is never named to anybody by the carrier's
address.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog

from service.desk.calls import endings
from service.desk.calls.caller import Caller, Stage, hear_once
from service.desk.desk import Desk
from service.ledger import calls, leads, recordings
from service.ledger.recordings import Recording
from service.phone import urls, voice, voice_calls
from service.phone.caller_callbacks import MessageTaken, RecordingTold, TranscriptTold
from service.phone.line import Accepted, Line, NotFound
from service.rules import spoken

# Longer messages are not put in words by the carrier, and nobody listens to them to the end.
MESSAGE_MAX_S = 120
# Who hangs up during the greeting is told of by nobody: the carrier is asked whether they have.
ASK_EVERY = timedelta(seconds=15)
# A recording is ready within seconds of its end; then the carrier is asked for it.
READY_WITHIN = timedelta(seconds=10)

log = structlog.get_logger("caller")


def take_message(caller: Caller, words: str) -> str:
    """Ask the caller for a message, by ``words``; nobody can take the call from now on."""
    public_url, call_id = caller.desk.links.public_url, caller.row.id
    caller.asks_in(ASK_EVERY, stage=Stage.VOICEMAIL)
    return voice_calls.take_message(
        words,
        urls.recorded_url(public_url, call_id),
        urls.recording_url(public_url, call_id),
        urls.transcript_url(public_url, call_id),
        MESSAGE_MAX_S,
    )


def hear_message_taken(desk: Desk, told: MessageTaken) -> str:
    """The recording of a caller has ended, and with it soon the call; what they hear then. Raises
    LeadBusy, LedgerUnavailable."""
    acts = partial(_message_taken, told=told)
    return hear_once(desk, told.call_id, told.dedupe_key, acts, voice_calls.hang_up())


def _message_taken(caller: Caller, *, told: MessageTaken) -> str:
    if not _is_theirs(caller, told.sid):
        return voice_calls.hang_up()
    if not caller.settled:
        caller.asks_in(READY_WITHIN, over_at=caller.row.over_at or caller.now)
    if told.hung_up:
        return voice_calls.hang_up()
    team = caller.desk.present.crew().team.name
    return voice.say_and_hang_up(spoken.message_taken(team))


def hear_recording(desk: Desk, told: RecordingTold) -> None:
    """What became of a recording: of a caller alone, or of two who talked. One of another call's
    is ignored. Raises LeadBusy, LedgerUnavailable."""
    if told.kind == "call":
        _keep_talk(desk, told)
        return
    acts = partial(_recording_told, told=told)
    hear_once(desk, told.call_id, told.dedupe_key, acts, "")


def _keep_talk(desk: Desk, told: RecordingTold) -> None:
    """Remember the recording of a conversation, and when the carrier is to delete it."""
    if told.status != "completed":
        return
    now = desk.clock.now()
    with desk.ledger.transaction() as conn:
        row = calls.call(conn, told.call_id)
        if row is None or told.call_sid not in (None, row.rep_sid, row.lead_sid):
            because = "unknown call" if row is None else "another call's recording"
            log.warning("recording", call=told.call_id, outcome="ignored", because=because)
            return
        view = leads.read_lead(conn, row.lead_id)
        assert view is not None, "a call is a lead's"
        policy = desk.present.policy(conn, view.row.policy_version)
        days = timedelta(days=policy.calls.record_days)
        seconds = round(told.seconds or 0.0)
        kept = Recording(
            told.recording_sid, row.id, row.lead_id, "call", seconds, now, delete_at=now + days
        )
        recordings.keep(conn, kept)


def _recording_told(caller: Caller, *, told: RecordingTold) -> str:
    if told.kind == "voicemail" and _is_theirs(caller, told.call_sid):
        settle(caller, told.recording_sid, told.status, told.seconds)
    return ""


def _is_theirs(caller: Caller, sid: str | None) -> bool:
    """Whether what is told is about this caller's own leg, and they were asked for a message."""
    if sid is not None and sid != caller.row.lead_sid:
        why = "another call's recording"
    elif caller.row.stage != Stage.VOICEMAIL:
        why = "nobody was asked for a message"
    else:
        return True
    log.warning("recording", call=caller.row.id, outcome="ignored", because=why)
    return False


def settle(caller: Caller, sid: str | None, status: str | None, seconds: float | None) -> None:
    """The carrier has said of a message whether it is there: with it, or without (``absent``, or
    no recording at all), the call is over and was missed."""
    over_at = caller.row.over_at or caller.now
    if status == "completed" and sid is not None:
        endings.left_message(caller, sid, seconds, over_at)
    elif status in ("absent", "failed", None):
        endings.missed(caller, over_at, caller.row.told.rang_s, hung_up=False)


def hear_transcript(desk: Desk, told: TranscriptTold) -> bool:
    """A message in words; False when there is no such recording of that call. Raises
    LedgerUnavailable."""
    if told.text is None:
        return False
    with desk.ledger.transaction() as conn:
        known = recordings.recording(conn, told.recording_sid)
        if known is None or known.call_id != told.call_id:
            because = "no such recording" if known is None else "another call's recording"
            log.warning("transcript", call=told.call_id, outcome="ignored", because=because)
            return False
        return recordings.add_transcript(conn, known.sid, told.text)


def delete_due(desk: Desk, line: Line) -> int:
    """Have the carrier delete the recordings that are kept long enough; how many are gone. What
    it does not confirm is asked for again the next time. Raises LedgerUnavailable."""
    now = desk.clock.now()
    with desk.ledger.snapshot() as conn:
        due = recordings.due_for_deletion(conn, now)
    gone = 0
    for each in due:
        outcome = line.delete_recording(each.sid)
        if not isinstance(outcome, Accepted | NotFound):
            log.warning("recording", sid=each.sid, outcome="not deleted", because=str(outcome))
            continue
        with desk.ledger.transaction() as conn:
            gone += recordings.mark_deleted(conn, each.sid, now)
    return gone
