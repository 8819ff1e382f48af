"""Calls and what belongs to them: stored, told more, settled once; who is on one; what is owed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import exc, text

from service.ledger import calls, engaged, health, leads, look, messages, recordings
from service.ledger.engine import Ledger
from service.ledger.lead_rows import OwedRow, StandingRow
from service.ledger.recordings import Recording
from service.rules.call_facts import Ended
from service.rules.calls import CALL_MAX, AnsweredBy, CallTold
from service.rules.lead import CallId, RepId
from tests.rooms.ledger_world import ANN, NOON, at, fresh_id, open_call, store, write

BOB = RepId("bob")

EVERYTHING = CallTold(Ended.ANSWERED, 9.0, 61.5, True, 48.0, AnsweredBy.BEEP, 12.25)


def test_a_call_is_read_back_as_it_was_opened(ledger: Ledger) -> None:
    lead_id = store(ledger)
    call = open_call(ledger, lead_id, rep_sid=fresh_id("CA"), lead_sid=fresh_id("CA"))
    with ledger.transaction() as conn:
        assert calls.call(conn, call.id) == call
        assert calls.call_by_sid(conn, call.rep_sid or "") == call
        assert calls.call_by_sid(conn, call.lead_sid or "") == call
        assert calls.calls_of_lead(conn, lead_id) == [call]
        assert calls.call(conn, "unknown") is None
        assert calls.call_by_sid(conn, "unknown") is None
    assert (call.told, call.asked, call.settled_at) == (CallTold(), 0, None)
    assert call.ask_at == NOON + CALL_MAX, "one whose end nobody tells is asked about"


def test_what_may_change_of_a_call_is_saved(ledger: Ledger) -> None:
    call = open_call(ledger, store(ledger))
    changed = replace(
        call,
        rep_id=BOB,
        to_number=None,
        from_number="+15005550007",
        rep_sid=fresh_id("CA"),
        lead_sid=fresh_id("CA"),
        dialled_at=at(5),
        over_at=at(70),
        told=EVERYTHING,
        stage="taken",
        ask_at=at(80),
        asked=2,
    )
    with ledger.transaction() as conn:
        calls.save(conn, changed)
        assert calls.call(conn, call.id) == changed
        calls.save(conn, replace(changed, settled_at=at(81)))
        settled = calls.call(conn, call.id)
    assert settled == replace(changed, settled_at=at(81), ask_at=None)


def test_a_call_is_not_settled_twice(ledger: Ledger) -> None:
    call = replace(open_call(ledger, store(ledger)), settled_at=at(9))
    with ledger.transaction() as conn:
        calls.save(conn, call)
        calls.save(conn, replace(call, told=EVERYTHING))
    with (
        pytest.raises(exc.IntegrityError, match="was settled before"),
        ledger.transaction() as conn,
    ):
        calls.save(conn, replace(call, settled_at=at(10)))


def test_a_leg_to_a_lead_is_one_calls_and_a_reps_leg_may_be_connected_again(
    ledger: Ledger,
) -> None:
    lead_id = store(ledger)
    rep_sid, lead_sid = fresh_id("CA"), fresh_id("CA")
    open_call(ledger, lead_id, rep_sid=rep_sid, lead_sid=lead_sid)
    again = open_call(ledger, lead_id, rep_sid=rep_sid, began_at=at(60))
    with ledger.transaction() as conn:
        assert calls.call_by_sid(conn, rep_sid) == again
    with pytest.raises(exc.IntegrityError, match="call_lead_sid"):
        open_call(ledger, lead_id, lead_sid=lead_sid)


def test_a_caller_waits_without_a_rep_and_without_a_number(ledger: Ledger) -> None:
    call = open_call(ledger, store(ledger), direction="in", rep_id=None, to_number=None)
    assert (call.rep_id, call.to_number) == (None, None)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("{}", CallTold()),
        (calls.told_json(EVERYTHING), EVERYTHING),
        ('{"ended": "vanished", "answered_by": "a parrot", "rang_s": 7}', CallTold(rang_s=7.0)),
        ('{"bridged": 1, "leg_s": true, "bridged_s": "long", "detected_s": null}', CallTold()),
        ('{"moon": "full", "ended": "busy"}', CallTold(ended=Ended.BUSY)),
    ],
)
def test_what_was_told_is_read_as_far_as_it_is_understood(
    ledger: Ledger, stored: str, told: CallTold
) -> None:
    call = open_call(ledger, store(ledger))
    with ledger.transaction() as conn:
        conn.execute(
            text("update call set told = cast(:told as jsonb) where id = :id"),
            {"told": stored, "id": call.id},
        )
        read = calls.call(conn, call.id)
    assert read is not None
    assert read.told == told


def test_calls_are_due_until_they_are_settled(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    later = open_call(fresh_ledger, lead_id, ask_at=at(20))
    first = open_call(fresh_ledger, lead_id, ask_at=at(10), direction="in")
    open_call(fresh_ledger, lead_id)
    with fresh_ledger.transaction() as conn:
        assert calls.due_calls(conn, at(9)) == []
        assert calls.due_calls(conn, at(20)) == [first, later]
        assert calls.due_calls(conn, at(20), limit=1) == [first]
        assert calls.calls_up(conn) == {"in": 1, "out": 2}
        calls.save(conn, replace(first, settled_at=at(11), over_at=at(9)))
        calls.save(conn, replace(later, over_at=at(9)))
        assert calls.due_calls(conn, at(20)) == [replace(later, over_at=at(9))]
        assert calls.calls_up(conn) == {"out": 1}


def test_a_rep_is_engaged_until_that_call_is_over(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    first, second = CallId(fresh_id("call")), CallId(fresh_id("call"))
    with fresh_ledger.transaction() as conn:
        engaged.engage(conn, ANN, first, NOON)
        engaged.engage(conn, BOB, second, NOON)
        assert engaged.engaged(conn) == {ANN: None, BOB: None}
        assert not engaged.release(conn, ANN, second, at(9)), "she is on another call"
        assert engaged.release(conn, ANN, first, at(65))
        assert not engaged.release(conn, ANN, first, at(99)), "once"
        assert engaged.engaged(conn) == {ANN: at(65), BOB: None}
        seen = look.begin(conn, lead_id)
        assert seen is not None
        assert seen.engaged == {ANN: at(65), BOB: None}
        engaged.engage(conn, ANN, second, at(70))
        assert engaged.engaged(conn) == {ANN: None, BOB: None}


def test_a_recording_is_kept_once_and_its_words_go_with_it(fresh_ledger: Ledger) -> None:
    lead_id = store(fresh_ledger)
    call = open_call(fresh_ledger, lead_id, direction="in", rep_id=None)
    first = Recording("RE1", call.id, lead_id, "voicemail", 21, NOON, delete_at=at(60))
    second = Recording("RE2", call.id, lead_id, "call", 95, at(5))
    with fresh_ledger.transaction() as conn:
        assert recordings.keep(conn, first)
        assert not recordings.keep(conn, replace(first, seconds=4))
        assert recordings.keep(conn, second)
        assert recordings.recording(conn, "RE1") == first
        assert recordings.recording(conn, "RE9") is None
        assert recordings.of_call(conn, call.id) == [second, first]
        assert recordings.of_lead(conn, lead_id) == [second, first]
        assert recordings.add_transcript(conn, "RE1", "please call me back")
        assert not recordings.add_transcript(conn, "RE9", "nobody")
        assert recordings.due_for_deletion(conn, at(59)) == []
        (due,) = recordings.due_for_deletion(conn, at(60))
        assert due == replace(first, transcript="please call me back")
        assert recordings.mark_deleted(conn, "RE1", at(61))
        assert not recordings.mark_deleted(conn, "RE1", at(62))
        assert recordings.due_for_deletion(conn, at(99)) == []
        assert not recordings.add_transcript(conn, "RE1", "too late")
        assert recordings.recording(conn, "RE1") == replace(first, deleted_at=at(61))


def test_a_leads_words_are_kept_once(ledger: Ledger) -> None:
    lead_id, sid = store(ledger), fresh_id("SM")
    with ledger.transaction() as conn:
        assert messages.keep(conn, sid, lead_id, NOON, "can you call at four?")
        assert not messages.keep(conn, sid, lead_id, at(9), "replayed")
        assert messages.message(conn, sid) == "can you call at four?"
        assert messages.message(conn, "unknown") is None


def owed(kind: str, since: float, *, missed: bool = False) -> OwedRow:
    return OwedRow(kind, at(since), at(since + 900), at(since + 60), missed)


def test_a_leads_row_repeats_which_calls_are_owed(ledger: Ledger) -> None:
    lead_id = store(ledger)
    debts = (owed("voicemail", 5), owed("second_call", 9, missed=True))
    with ledger.transaction() as conn:
        row = leads.lock_lead(conn, lead_id)
        assert row is not None
        assert row.owed == ()
        write(conn, lead_id, standing=StandingRow("chasing", owed=debts))
        row, view = leads.lock_lead(conn, lead_id), leads.read_lead(conn, lead_id)
        assert row is not None
        assert view is not None
        assert (row.owed, view.row.owed) == (debts, debts)
        write(conn, lead_id, look_again_at=at(30))
        row = leads.lock_lead(conn, lead_id)
        assert row is not None
        assert row.owed == debts, "a look that changes nothing of them leaves them"


def test_what_is_owed_is_counted_for_open_leads(fresh_ledger: Ledger) -> None:
    waiting = [
        (owed("voicemail", 50), owed("second_call", 9, missed=True)),
        (owed("voicemail", 20),),
        (owed("second_call", 7),),
        (),
    ]
    with fresh_ledger.transaction() as conn:
        assert health.owed_open(conn) == []
        assert health.voicemails_unanswered(conn) == (0, None)
    for debts in waiting:
        lead_id = store(fresh_ledger)
        with fresh_ledger.transaction() as conn:
            write(conn, lead_id, standing=StandingRow("chasing", owed=debts))
    test_lead = store(fresh_ledger, test=True)
    with fresh_ledger.transaction() as conn:
        write(conn, test_lead, standing=StandingRow("chasing", owed=(owed("voicemail", 1),)))
        assert health.owed_open(conn) == [
            health.OwedOpen("second_call", False, 1),
            health.OwedOpen("second_call", True, 1),
            health.OwedOpen("voicemail", False, 2),
        ]
        assert health.voicemails_unanswered(conn) == (2, NOON + timedelta(seconds=20))
