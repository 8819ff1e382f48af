"""Callers at the edges: which number they dial, who calls twice, who is no lead, and whose call is
over before it is heard of."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from service.desk.calls import calling_in
from service.desk.hear_text import hear_text
from service.desk.take_in import TakenIn, take_in
from service.intake.arrival import Arrival
from service.ledger import calls, inbound, leads
from service.ledger.engine import Ledger
from service.phone.callbacks import InboundText
from service.phone.caller_callbacks import InboundCall
from service.rules.lead import Lead, LeadId, SourceId
from service.rules.standing import State
from tests.rooms.callers_world import (
    DANA,
    MAIN_LINE,
    STRANGER,
    TEAM_WITH_LINE,
    Caller,
    Phones,
    new_sid,
    said,
    verbs,
)
from tests.rooms.desk_world import ANN, TEAM

PAGES_FROM, ELSEWHERE = "+15005550006", "+15005550199"


@pytest.fixture
def world(fresh_ledger: Ledger) -> Phones:
    return Phones(fresh_ledger)


def source_of(world: Phones, lead: LeadId) -> str:
    with world.ledger.transaction() as conn:
        view = leads.read_lead(conn, lead)
    assert view is not None
    return view.row.source


def is_a_call(world: Phones, caller: Caller) -> bool:
    with world.ledger.transaction() as conn:
        return calls.call_by_sid(conn, caller.sid) is not None


def no_lead(world: Phones) -> TakenIn:
    """A lead of whom its rep says that it is none."""
    lead = world.asks(phone=DANA)
    world.pages(lead)
    world.texts(ANN, "1")
    world.pages(lead)
    world.texts(ANN, "0")
    world.pages(lead)
    assert world.standing(lead).state is State.EXCLUDED
    world.clock.moves(3600)
    return lead


def texts(world: Phones, phone: str, words: str) -> None:
    sent = InboundText(new_sid("SM"), phone, MAIN_LINE, words)
    hear_text(world.desk, sent)


@pytest.mark.parametrize(
    "dialled",
    [
        *(MAIN_LINE, PAGES_FROM, ELSEWHERE, "15005550007", "+1 500 555 0007"),
        *("sip:+15005550007@example.pstn.twilio.com", "tel:+1-500-555-0007"),
    ],
)
def test_a_lead_who_calls_back_is_received_at_any_number_of_ours(
    fresh_ledger: Ledger, dialled: str
) -> None:
    world = Phones(fresh_ledger, team=TEAM)  # no source is of kind call
    lead = world.asks(phone=DANA)
    caller = world.is_called(DANA, to=dialled)
    assert verbs(caller.document) == ["Enqueue"]
    assert caller.lead == lead.lead_id
    assert caller.calls_again() == caller.document
    stranger = world.is_called(STRANGER, to=dialled)
    if dialled in (PAGES_FROM, ELSEWHERE):
        assert "not answered" in said(stranger.document)
        assert not is_a_call(world, stranger)
    else:
        assert source_of(world, stranger.lead) == "call"
        assert stranger.row.from_number == MAIN_LINE


def test_a_number_of_a_source_is_known_however_it_is_written(world: Phones) -> None:
    caller = world.is_called(to="15005550007")
    assert source_of(world, caller.lead) == "main-line"


def test_nobody_is_rung_for_a_caller_who_leaves_a_message(fresh_ledger: Ledger) -> None:
    only_ann = TEAM_WITH_LINE.replace("reps: [ann, bob]", "reps: [ann]")
    world = Phones(fresh_ledger, team=only_ann)
    other = world.is_called(STRANGER)
    other.rings()["ann"].presses("1")
    caller = world.is_called(DANA)
    assert "Record" in verbs(caller.document)
    assert caller.kinds() == ["arrived", "called_in", "went_to_voicemail"]
    with world.ledger.transaction() as conn:
        conn.execute(text("delete from engaged"))  # Ann has hung up
    world.clock.moves(16)
    assert caller.rings() == {}


def test_who_waited_too_long_rings_nobody_while_they_leave_the_queue(world: Phones) -> None:
    caller = world.is_called()
    assert set(caller.rings()) == {"ann", "bob"}
    world.clock.moves(41)
    caller.waits()
    caller.waits()
    caller.left("leave", 41)
    assert caller.kinds().count("went_to_voicemail") == 1
    assert caller.rings() == {}


def test_who_hangs_up_and_calls_again_is_put_through(world: Phones) -> None:
    first = world.is_called(DANA)
    first.rings()
    world.clock.moves(10)  # hung up; that is told a moment later, or never
    again = world.is_called(DANA)
    assert verbs(again.document) == ["Enqueue"]
    assert verbs(again.waits()) == ["Play"]
    legs = again.rings()
    assert set(legs) == {"ann", "bob"}
    first.left("hangup", 9)
    assert verbs(legs["ann"].presses("1")) == ["Dial"]


def test_what_is_no_lead_disturbs_nobody_from_its_number(world: Phones) -> None:
    lead = no_lead(world)
    caller = world.is_called(DANA)
    assert "not answered" in said(caller.document)
    assert caller.calls_again() == caller.document
    assert not is_a_call(world, caller)
    texts(world, DANA, "Buy links")
    with world.ledger.transaction() as conn:
        (kept,) = inbound.unreadable(conn)
    assert kept.error.endswith("from a number that was said to be no lead")
    form = world.asks(phone=DANA, ask="Buy more links")
    assert form.lead_id != lead.lead_id
    assert world.kinds(form) == ["arrived", "excluded"]
    assert world.pages(form) == []
    # The number alone is blocked: not everybody else, and no withheld one.
    assert verbs(world.is_called(STRANGER).document) == ["Enqueue"]
    assert verbs(world.is_called("anonymous").document) == ["Enqueue"]


def test_a_test_blocks_no_number(world: Phones) -> None:
    take_in(world.desk, SourceId("website"), Arrival(Lead(phone=DANA), test=True))
    assert verbs(world.is_called(DANA).document) == ["Enqueue"]


@pytest.mark.parametrize("from_", [STRANGER, ANN])
def test_a_call_that_is_over_opens_nothing(world: Phones, from_: str) -> None:
    told = InboundCall(new_sid("CA"), from_, MAIN_LINE, "completed")
    assert verbs(calling_in.answer(world.desk, told)) == ["Hangup"]
    assert not is_a_call(world, Caller(world, told.sid, "", told))
    caller = world.is_called(from_)
    ended = InboundCall(caller.sid, from_, MAIN_LINE, "completed")
    assert calling_in.answer(world.desk, ended) == caller.document
