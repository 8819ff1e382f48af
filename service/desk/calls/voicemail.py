"""A caller leaves a message: recorded by the carrier, kept by reference, told to the timeline.

That a recording is there is believed when the carrier says so by its own callback, or when asked;
the end of the recording alone proves none. A recording is never named to anybody by the carrier's
address.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from service.desk.calls import endings
from service.desk.calls.caller import Caller, Stage, hear_once, on_caller
from service.desk.calls.recorded import keep_talk
from service.desk.desk import Desk
from service.ledger import recordings
from service.phone import urls, voice, voice_calls
from service.phone.caller_callbacks import MessageTaken, RecordingTold, TranscriptTold
from service.phone.line import Accepted, Busy, Line, NotFound, Rejected, SendOutcome, Unknown
from service.rules import spoken

# Longer messages are not put in words by the carrier, and nobody listens to them to the end.
MESSAGE_MAX_S = 120
# Who hangs up during the greeting is told of by nobody: the carrier is asked whether they have.
ASK_EVERY = timedelta(seconds=15)
# A recording is ready within seconds of its end; then the carrier is asked for it.
READY_WITHIN = timedelta(seconds=10)
# A carrier that gave so many no answer in a row is left alone until the next turn.
UNANSWERED_MAX = 3
# A recording that the carrier refuses to delete is asked about again after so long.
REFUSED_AGAIN = timedelta(hours=6)

log = structlog.get_logger("caller")


def take_message(caller: Caller, words: str) -> str:
    """Ask the caller for a message, by ``words``; nobody can take the call from now on."""
    public_url, call_id = caller.desk.links.public_url, caller.row.id
    caller.leaves_queue()
    caller.asks_in(ASK_EVERY)
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
        keep_talk(desk, told)
        return
    acts = partial(_recording_told, told=told)
    hear_once(desk, told.call_id, told.dedupe_key, acts, "")


def _recording_told(caller: Caller, *, told: RecordingTold) -> str:
    # Where it is not told what was recorded, it is believed of the caller's own call alone.
    named = told.kind == "voicemail" or told.call_sid is not None
    if named and _is_theirs(caller, told.call_sid):
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
    """A message in words, which may come before its recording is told of; False when it is none of
    that call. Raises LeadBusy, LedgerUnavailable."""
    if told.text is None:
        return False
    return on_caller(desk, told.call_id, partial(_put_in_words, told=told), otherwise=False)


def _put_in_words(caller: Caller, *, told: TranscriptTold) -> bool:
    known = recordings.recording(caller.conn, told.recording_sid)
    if known is None and _is_theirs(caller, None):
        # Only the recording's own callback proves the message, and tells its length.
        endings.keep(caller, told.recording_sid, None)
    elif known is None or known.call_id != caller.row.id:
        because = "no such recording" if known is None else "another call's recording"
        log.warning("transcript", call=told.call_id, outcome="ignored", because=because)
        return False
    return recordings.add_transcript(caller.conn, told.recording_sid, told.text or "")


def delete_due(desk: Desk, line: Line, may_go_on: Callable[[], bool] = lambda: True) -> int:
    """Have the carrier delete one helping of the recordings, of messages and of calls, that are
    kept long enough; how many are gone. Ends early when it may not go on. Raises
    LedgerUnavailable."""
    with desk.ledger.snapshot() as conn:
        due = recordings.due_for_deletion(conn, desk.clock.now())
    gone, unanswered = 0, 0
    for each in due:
        if unanswered == UNANSWERED_MAX or not may_go_on():
            break
        outcome = line.delete_recording(each.sid)
        unanswered = unanswered + 1 if isinstance(outcome, Unknown | Busy) else 0
        gone += _deleted(desk, each.sid, outcome)
    return gone


def _deleted(desk: Desk, sid: str, outcome: SendOutcome | NotFound) -> bool:
    """Whether it is gone. What nobody answered is asked for the next time; what was refused only
    much later, or it would keep the others from their turn."""
    now = desk.clock.now()
    if isinstance(outcome, Accepted | NotFound):
        with desk.ledger.transaction() as conn:
            return recordings.mark_deleted(conn, sid, now)
    log.warning("recording", sid=sid, outcome="not deleted", because=str(outcome))
    if isinstance(outcome, Rejected):
        with desk.ledger.transaction() as conn:
            recordings.put_off(conn, sid, now + REFUSED_AGAIN)
    return False
