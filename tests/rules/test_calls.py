"""What a call came to: every row of `call_table`, what the table cannot say, and inbound calls."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from service.desk.hear_fact import FactKind, OutsideFact, facts_of
from service.rules.call_facts import Ended, Owing
from service.rules.calls import (
    ANSWER_WITHIN,
    AnsweredBy,
    CallTold,
    came_to,
    held_by,
    is_ripe,
)
from service.rules.lead import CallId
from service.rules.standing import State
from service.rules.timeline import KIND_OF, Ending, Event, Fact
from tests.rules import call_table
from tests.rules.call_table import ROWS, SAID, Row, Said
from tests.rules.world import ANN, NEW_YORK, LeadUnderTest, a_floor, at

CALL = CallId("call-20")


def called(told: CallTold) -> LeadUnderTest:
    """A lead whose first call, 20 s after it arrived, ended so at 80 s."""
    lead = LeadUnderTest(floor=a_floor(ANN, dial_zones=NEW_YORK))
    lead.look(at(0))
    lead.claims(ANN, 10)
    lead.look(at(10))
    lead.dials(ANN, 20)
    lead.look(at(20))
    lead.ends(80, told)
    return lead


def graded(events: list[Event]) -> tuple[str, ...]:
    return tuple(f"{e.kind} {e.fact.evidence}" for e in events if hasattr(e.fact, "evidence"))


def owed_next(lead: LeadUnderTest, seconds: float) -> str:
    """What is owed to the lead, looked at at once and again when an answer is no longer awaited."""
    lead.look(at(seconds))
    soon = {debt.kind for debt in lead.standing.owed}
    if Owing.SECOND_CALL in soon or Owing.FURTHER_CALL in soon:
        return call_table.SECOND
    if Owing.FIRST_CALL in soon:
        return call_table.STILL
    lead.look(at(seconds) + ANSWER_WITHIN)
    later = {debt.kind for debt in lead.standing.owed}
    return call_table.LATER if Owing.SECOND_CALL in later else call_table.NOTHING


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fact)
def test_what_the_carrier_told_and_what_follows(row: Row) -> None:
    lead = called(row.told)
    facts = lead.timeline
    assert graded(list(facts)) == row.events
    last = lead.standing.last_call
    assert last is not None
    assert last.asks is row.asks
    assert owed_next(lead, 80) == row.owed


@pytest.mark.parametrize("row", SAID, ids=lambda row: f"{row.fact}, {row.digit.value}")
def test_what_a_digit_adds_and_what_follows(row: Said) -> None:
    lead = called(row.told)
    known = len(lead.timeline)
    lead.says(ANN, 90, row.digit)
    assert graded(list(lead.timeline[known:])) == row.events
    assert owed_next(lead, 90) == row.owed


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fact)
@pytest.mark.parametrize("ending", Ending)
def test_no_word_goes_past_what_the_carrier_proved(row: Row, ending: Ending) -> None:
    """Contact of grade A is the carrier's alone, of grade B only what it left open; and a machine
    that talked with the rep was none, whoever says so."""
    lead = called(row.told)
    known = len(lead.timeline)
    lead.says(ANN, 90, ending)
    said = graded(list(lead.timeline[known:]))
    assert not [each for each in said if each.endswith(" A")]
    if "contacted B" in said:
        assert row.events == call_table.OPEN
    machines = (AnsweredBy.MACHINE, AnsweredBy.BEEP, AnsweredBy.MESSAGE_END)
    if row.told.answered_by in machines and row.told.bridged:
        assert lead.standing.first_contact_at is None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fact)
def test_exactly_one_result_follows_each_attempt_when_nobody_says_more(row: Row) -> None:
    lead = called(row.told)
    lead.look(at(80) + ANSWER_WITHIN)
    results = {"contacted", "short_answer", "no_answer", "abandoned"}
    assert [e.kind for e in lead.timeline].count("attempted") == 1
    assert len([e for e in lead.timeline if e.kind in results]) == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fact)
def test_news_in_any_order_and_twice_comes_to_the_same(row: Row) -> None:
    """The carrier tells in several callbacks: the leg's end, the bridge and the verdict."""
    told = row.told
    leg = CallTold(told.ended, told.rang_s, told.leg_s)
    bridge = CallTold(bridged=told.bridged, bridged_s=told.bridged_s)
    verdict = CallTold(answered_by=told.answered_by, detected_s=told.detected_s)
    whole = _came(told)
    for order in permutations((leg, bridge, verdict)):
        known = CallTold()
        for news in (*order, *order):
            known = known.with_news(news)
        assert _came(known) == whole


def _came(told: CallTold) -> list[tuple[str, object]]:
    """What it comes to; seconds apart, since no number equals itself where it is none."""
    facts = came_to(told, CALL, ANN, 30, ring_lead_s=40).facts
    return [(KIND_OF[type(fact)], getattr(fact, "asks", None)) for fact in facts]


def test_an_unknown_end_or_listener_gives_way_to_one_that_is_known() -> None:
    lost = CallTold(Ended.UNKNOWN, answered_by=AnsweredBy.UNKNOWN)
    found = lost.with_news(CallTold(Ended.BUSY, answered_by=AnsweredBy.HUMAN))
    assert (found.ended, found.answered_by) == (Ended.BUSY, AnsweredBy.HUMAN)
    assert found.with_news(lost) == found
    assert found.with_news(CallTold(Ended.ANSWERED)).ended is Ended.BUSY


@pytest.mark.parametrize(
    ("told", "waited", "ripe"),
    [
        (CallTold(), True, False),  # the sweep asks the carrier
        (CallTold(Ended.BUSY), False, True),
        (CallTold(Ended.UNKNOWN), False, True),
        (CallTold(Ended.ANSWERED), False, False),
        (CallTold(Ended.ANSWERED), True, True),
        (call_table.answered(None, AnsweredBy.HUMAN, bridged=None, leg_s=9.0), False, False),
        (call_table.answered(9.0, None), False, False),
        (call_table.answered(9.0, AnsweredBy.BEEP), False, True),
        (call_table.answered(None, AnsweredBy.HUMAN), False, False),  # how long is yet to be told
        (call_table.answered(3.2e7, AnsweredBy.HUMAN), False, False),
        (call_table.answered(None, AnsweredBy.HUMAN), True, True),
        (call_table.answered(None, AnsweredBy.HUMAN, leg_s=9.0), False, True),
        (call_table.answered(None, AnsweredBy.UNKNOWN, bridged=False), False, True),
        (CallTold(Ended.UNKNOWN, bridged=True, bridged_s=9.0), False, False),
    ],
)
def test_a_verdict_is_waited_for_ten_seconds(told: CallTold, waited: bool, ripe: bool) -> None:
    assert is_ripe(told, waited=waited) is ripe


@pytest.mark.parametrize(
    ("held_s", "events", "asks"),
    [
        (200.0, call_table.REACHED, False),
        (120.0, call_table.REACHED, False),
        (119.9, call_table.REACHED, True),
        (30.0, call_table.REACHED, True),
        (29.9, call_table.SHORT, True),
        (None, call_table.SHORT, True),
        (-1.0, call_table.SHORT, True),
        (3.2e7, call_table.SHORT, True),
    ],
)
def test_an_inbound_call_taken_by_key_is_attempt_and_contact_in_one(
    held_s: float | None, events: tuple[str, ...], asks: bool
) -> None:
    facts = held_by(CALL, ANN, held_s, 30)
    assert tuple(f"{KIND_OF[type(f)]} {f.evidence}" for f in facts if hasattr(f, "evidence")) == (
        events
    )
    assert [getattr(fact, "asks", False) for fact in facts] == [asks, False]


def test_contact_after_is_the_policys() -> None:
    told = call_table.answered(45, AnsweredBy.HUMAN)
    kinds = [KIND_OF[type(fact)] for fact in came_to(told, CALL, ANN, 60, ring_lead_s=40).facts]
    assert kinds == ["attempted", "short_answer"]


def test_a_call_that_only_the_rep_can_tell_of_is_presumed_a_short_answer() -> None:
    lead = called(call_table.answered(60, None))
    lead.looks_until(300, start=80)
    assert lead.look(at(80) + ANSWER_WITHIN - timedelta(seconds=1)).actions == ()
    lead.look(at(80) + ANSWER_WITHIN)
    assert graded(list(lead.timeline))[-1] == "short_answer A"
    assert lead.standing.first_contact_at is None
    assert [debt.kind for debt in lead.standing.owed] == [Owing.SECOND_CALL]


def test_a_contact_that_was_none_is_taken_back_with_all_that_followed_from_it() -> None:
    lead = called(call_table.HUMAN_60)
    assert lead.standing.state is State.FOLLOWING
    lead.says(ANN, 3600, Ending.VOICEMAIL)
    standing = lead.standing
    assert (standing.state, standing.first_contact_at) == (State.CHASING, None)
    assert (standing.attempts, standing.unreached) == (1, 1)
    lead.look(at(3600))
    debt = lead.owed()[-1]
    assert (debt.kind, debt.since) == (Owing.SECOND_CALL, at(3600))  # from when we knew


def test_an_earlier_contact_stays_when_a_later_one_is_taken_back() -> None:
    lead = called(call_table.answered(200, AnsweredBy.HUMAN))
    lead.calls(ANN, 1000, call_table.HUMAN_60)
    lead.says(ANN, 1030, Ending.NO_ANSWER)
    assert lead.standing.first_contact_at == at(20)
    assert lead.standing.state is State.FOLLOWING


def test_a_word_much_later_is_about_a_call_of_their_own() -> None:
    lead = called(CallTold(Ended.BUSY))
    lead.says(ANN, 80 + 601, Ending.NO_ANSWER)
    assert graded(list(lead.timeline))[-2:] == ("attempted C", "no_answer C")


def test_a_crms_call_is_no_call_of_ours() -> None:
    """It may have an id; what is said of it is said by nobody that heard the carrier."""
    lead = LeadUnderTest()
    lead.claims(ANN, 10)
    for fact in _told_by_a_crm():
        lead.happens(at(20), fact)
    lead.says(ANN, 30, Ending.VOICEMAIL)
    assert graded(list(lead.timeline))[-2:] == ("attempted C", "voicemail_left C")


def _told_by_a_crm() -> tuple[Fact, ...]:
    return facts_of(True, OutsideFact(FactKind.ATTEMPTED, rep=ANN, call_id="crm-7"))
