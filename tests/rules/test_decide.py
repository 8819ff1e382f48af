"""Claims, endings, notes, and what is still wanted: one rule a test."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.rules.answers import outcome
from service.rules.call_facts import Attempted, Contacted, NoAnswer
from service.rules.folding import fold
from service.rules.lead import PageId
from service.rules.standing import State
from service.rules.timeline import (
    By,
    Channel,
    ClaimLost,
    Ending,
    Event,
    Fact,
    Note,
    OptedOut,
    Outcome,
    Paged,
    Settled,
    Told,
    from_fields,
    to_fields,
)
from service.rules.wanted import still_wanted
from tests.rules.world import ANN, BOB, MIA, LeadUnderTest, at

WEEK_S = 7 * 24 * 3600


def notes(lead: LeadUnderTest) -> list[tuple[str, str]]:
    return [(e.fact.rep, e.fact.note.value) for e in lead.timeline if isinstance(e.fact, Told)]


def test_a_lead_nobody_attempted_for_seven_days_is_settled_as_never() -> None:
    lead = LeadUnderTest()
    lead.look(at(0))
    assert lead.look(at(WEEK_S - 1)).look_again_at == at(WEEK_S)
    assert lead.look(at(WEEK_S)).look_again_at is None
    assert lead.timeline[-1].fact == Settled("never")


def test_a_lead_that_was_called_is_settled_as_quiet_seven_days_after_the_last_call() -> None:
    lead = LeadUnderTest()
    lead.claims(ANN, 10)
    lead.happens(at(60), Attempted(ANN, "C"))
    verdict = lead.look(at(61))
    assert verdict.look_again_at == at(60 + WEEK_S)
    lead.look(at(60 + WEEK_S))
    assert lead.timeline[-1].fact == Settled("quiet")


def test_a_claim_stops_the_ladder_and_tells_the_claimer_once() -> None:
    lead = LeadUnderTest()
    lead.look(at(0))
    lead.claims(ANN, 10)
    verdict = lead.look(at(10))
    assert verdict.look_again_at == at(190)
    lead.look(at(11))
    assert len(lead.pages()) == 1
    assert notes(lead) == [(ANN, "yours")]


def test_a_call_keeps_the_claim() -> None:
    lead = LeadUnderTest()
    lead.claims(ANN, 10)
    lead.happens(at(100), Attempted(ANN, "C"))
    lead.look(at(500))
    assert (lead.standing.owner, lead.standing.state) == (ANN, State.CHASING)


def test_a_take_back_is_told_to_the_rep_who_lost_it() -> None:
    lead = LeadUnderTest()
    lead.claims(ANN, 10)
    lead.look(at(10))
    lead.look(at(190))
    assert notes(lead) == [(ANN, "yours"), (ANN, "taken_back")]


@pytest.mark.parametrize(
    ("owner", "by", "told"),
    [
        (ANN, By.TEXT, [(BOB, "taken")]),
        (None, By.TEXT, [(BOB, "closed")]),
        (ANN, By.KEY, []),  # the call itself told them
    ],
)
def test_who_asks_for_a_lead_somebody_else_has_is_told_where_they_asked(
    owner: str | None, by: By, told: list[tuple[str, str]]
) -> None:
    lead = LeadUnderTest()
    lead.happens(at(5), ClaimLost(BOB, by, owner))  # type: ignore[arg-type]  # a RepId
    lead.look(at(5))
    assert [note for note in notes(lead) if note[0] == BOB] == told


def test_an_outcome_by_text_is_confirmed() -> None:
    lead = LeadUnderTest()
    lead.claims(ANN, 1)
    lead.happens(at(60), Outcome(Ending.BOOKED, ANN, By.TEXT))
    lead.look(at(60))
    assert notes(lead)[-1] == (ANN, "logged")


def test_opting_out_ends_everything() -> None:
    lead = LeadUnderTest()
    lead.look(at(0))
    lead.happens(at(5), OptedOut("asked"))
    verdict = lead.look(at(50))
    assert (verdict.actions, verdict.look_again_at) == ((), None)


def test_what_is_told_late_is_kept_where_it_belongs() -> None:
    lead = LeadUnderTest()
    lead.claims(ANN, 60)
    lead.happens(at(30), Attempted(BOB, "C"))  # told after the claim, made before it
    lead.happens(at(30), NoAnswer("C", BOB))
    assert (lead.standing.owner, lead.standing.state) == (ANN, State.CLAIMED)
    assert lead.look(at(60)).look_again_at == at(240)
    lead.happens(at(100), Attempted(ANN, "C"))
    lead.happens(at(70), Attempted(ANN, "C"))
    assert lead.standing.first_attempt_at == at(30)
    assert lead.standing.last_spoken_at == at(100)


def test_nobody_ends_somebody_elses_lead() -> None:
    lead = LeadUnderTest()
    lead.claims(ANN, 10)
    said = outcome(lead.standing, BOB, Ending.WRONG_NUMBER, By.TEXT, None)
    assert said == (Attempted(BOB, "C"), NoAnswer("C", BOB), ClaimLost(BOB, By.TEXT, ANN))
    excludes = outcome(lead.standing, BOB, Ending.NOT_A_LEAD, By.TEXT, None)
    assert excludes == (ClaimLost(BOB, By.TEXT, ANN),)
    assert outcome(lead.standing, BOB, Ending.TALKED, By.API, None)[0] == Attempted(BOB, "C")


def test_a_call_by_another_counts_and_proves_nothing_of_the_owners_claim() -> None:
    lead = LeadUnderTest()
    lead.claims(ANN, 10)
    for fact in outcome(lead.standing, BOB, Ending.NO_ANSWER, By.TEXT, None):
        lead.happens(at(40), fact)
    standing = lead.standing
    assert (standing.attempts, standing.first_attempt_at) == (1, at(40))
    assert (standing.owner, standing.state) == (ANN, State.CLAIMED)
    assert lead.look(at(40)).look_again_at == at(190)
    assert notes(lead) == [(ANN, "yours"), (BOB, "taken")]


def test_a_conversation_with_another_is_contact_all_the_same() -> None:
    lead = LeadUnderTest()
    lead.claims(ANN, 10)
    for fact in outcome(lead.standing, BOB, Ending.BOOKED, By.TEXT, None):
        lead.happens(at(40), fact)
    standing = lead.standing
    assert (standing.first_contact_at, standing.owner) == (at(40), ANN)
    assert (standing.state, standing.outcome) == (State.FOLLOWING, None)


def test_contact_ends_the_chase() -> None:
    lead = LeadUnderTest()
    lead.claims(ANN, 1)
    lead.happens(at(60), Attempted(ANN, "A", bridged_s=95.0))
    lead.happens(at(60), Contacted("A", ANN))
    lead.happens(at(90), Attempted(ANN, "C"))
    assert lead.standing.state is State.FOLLOWING
    assert lead.standing.first_contact_at == at(60)


# Still wanted: asked when a message is taken, under the lead's lock


def ordered_page(lead: LeadUnderTest, rep: str) -> Paged:
    return [e.fact for e in lead.timeline if isinstance(e.fact, Paged) and e.fact.rep == rep][-1]


def test_a_page_is_wanted_until_someone_claims_or_the_rep_passes_or_is_paged_again() -> None:
    not_after = at(300)
    lead = LeadUnderTest()
    lead.look(at(0))
    page = ordered_page(lead, ANN)
    assert still_wanted(lead.standing, page, not_after, at(1))
    assert not still_wanted(lead.standing, page, not_after, at(300))

    passed = LeadUnderTest(timeline=lead.timeline)
    passed.passes(ANN, 5)
    assert not still_wanted(passed.standing, page, not_after, at(6))

    claimed = LeadUnderTest(timeline=lead.timeline)
    claimed.claims(BOB, 5)
    assert not still_wanted(claimed.standing, page, not_after, at(6))

    lead.look(at(45))
    assert not still_wanted(lead.standing, page, not_after, at(46))
    assert still_wanted(lead.standing, ordered_page(lead, ANN), not_after, at(46))


def test_a_manager_who_passed_is_paged_again_and_that_page_is_wanted() -> None:
    lead = LeadUnderTest()
    lead.looks_until(300)
    first = ordered_page(lead, MIA)
    lead.passes(MIA, 310)
    assert not still_wanted(lead.standing, first, at(600), at(311))
    lead.looks_until(900, start=310)
    again = ordered_page(lead, MIA)
    assert again.rung == 5
    assert still_wanted(lead.standing, again, at(1200), at(901))


def test_a_page_of_an_earlier_climb_is_not_wanted() -> None:
    lead = LeadUnderTest()
    lead.looks_until(120)
    page = ordered_page(lead, BOB)
    lead.claims(ANN, 125)
    lead.look(at(125))
    lead.look(at(125 + 180))
    assert not still_wanted(lead.standing, page, at(900), at(306))


def test_a_note_is_wanted_until_it_is_stale() -> None:
    lead = LeadUnderTest()
    told = Told(MIA, Note.TAKEN, 3, ordered_page_id())
    assert still_wanted(lead.standing, told, at(600), at(599))
    assert not still_wanted(lead.standing, told, at(600), at(600))


def ordered_page_id() -> PageId:
    return PageId("page-1")


# The written form


def test_every_fact_of_a_life_reads_back_as_it_was_written() -> None:
    lead = LeadUnderTest()
    lead.looks_until(1000)
    lead.fails(MIA, Channel.CALL, 1001)
    lead.claims(ANN, 1002)
    lead.happens(at(1003), Outcome(Ending.CALL_LATER, ANN, By.TEXT, "fri 4pm"))
    lead.look(at(1003) + timedelta(days=8))
    for event in lead.timeline:
        assert from_fields(event.kind, to_fields(event.fact)) == event.fact
    assert {e.kind for e in lead.timeline} >= {"arrived", "paged", "escalated", "told", "settled"}


@pytest.mark.parametrize(
    "fact",
    [
        Attempted(None, "C"),
        Outcome(Ending.TALKED, None, By.API),
        ClaimLost(BOB, By.TEXT, None),
        Contacted("C"),
    ],
)
def test_a_fact_told_of_nobody_reads_back_too(fact: Fact) -> None:
    kind = Event(1, at(0), at(0), "x", "x", fact).kind
    assert from_fields(kind, to_fields(fact)) == fact


def test_a_timeline_begins_with_arrived() -> None:
    for timeline in ((), LeadUnderTest().timeline[1:]):
        with pytest.raises(ValueError, match="begins with arrived"):
            fold(timeline)
    stray = Event(1, at(0), at(0), "x", "x", Settled("never"))
    with pytest.raises(ValueError, match="begins with arrived"):
        fold((stray,))
