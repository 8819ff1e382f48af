"""The ladder, one rule a row: what happened, then every page it must lead to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from service.rules.actions import Page
from service.rules.floor import Floor, Person
from service.rules.hours import Block, WeeklyHours
from service.rules.ladder import OUTWARDS
from service.rules.lead import RepId
from service.rules.policy import AfterHours, Policy, Rung, TurnKind
from service.rules.timeline import (
    Audience,
    Channel,
    Escalated,
    EscalationReason,
    PageFailed,
    Reopened,
    Settled,
)
from tests.rules.world import ANN, BOB, CAT, MIA, LeadUnderTest, a_floor, a_policy, at, person

TEXT, CALL = Channel.TEXT, Channel.CALL


def test_silence_climbs_the_default_ladder_at_its_instants() -> None:
    lead = LeadUnderTest()
    lead.looks_until(3600)
    assert lead.pages() == [
        (0, ANN, "text", 1),
        (45, ANN, "call", 2),
        (120, BOB, "text", 3),
        (300, MIA, "text", 4),
        (900, MIA, "call", 5),
        (1800, MIA, "call", 5),
        (2700, MIA, "call", 5),
        (3600, MIA, "call", 5),
    ]


def test_a_pass_gives_the_turn_to_the_next_rep_at_once_and_later_rungs_keep_their_instants() -> (
    None
):
    lead = LeadUnderTest()
    lead.look(at(0))
    lead.passes(ANN, 20)
    lead.looks_until(310)
    assert lead.pages() == [
        (0, ANN, "text", 1),
        (20, BOB, "text", 1),
        (65, BOB, "call", 2),
        (120, MIA, "text", 4),  # everyone else has passed: the managers come forward
    ]


def test_when_everyone_on_duty_passed_the_managers_come_forward() -> None:
    lead = LeadUnderTest()
    lead.look(at(0))
    lead.passes(ANN, 5)
    lead.look(at(5))
    lead.passes(BOB, 9)
    lead.looks_until(899)
    assert lead.pages() == [(0, ANN, "text", 1), (5, BOB, "text", 1), (9, MIA, "text", 4)]


def test_a_pass_after_the_turn_is_over_starts_no_new_turn() -> None:
    lead = LeadUnderTest(floor=a_floor(ANN, BOB, CAT))
    lead.looks_until(120)
    lead.passes(ANN, 130)
    lead.looks_until(899)
    assert lead.pages()[-3:] == [
        (120, BOB, "text", 3),
        (120, CAT, "text", 3),
        (300, MIA, "text", 4),
    ]


def test_when_all_whom_a_rung_paged_pass_the_next_one_comes_forward() -> None:
    lead = LeadUnderTest()
    lead.looks_until(120)
    lead.passes(ANN, 130)
    lead.passes(BOB, 140)
    lead.looks_until(899)
    assert lead.pages()[-1] == (140, MIA, "text", 4)


def test_undelivered_brings_only_the_next_rung_forward() -> None:
    lead = LeadUnderTest()
    lead.look(at(0))
    lead.fails(ANN, TEXT, 3)
    lead.looks_until(310)
    assert lead.pages() == [
        (0, ANN, "text", 1),
        (3, ANN, "call", 2),
        (120, BOB, "text", 3),
        (300, MIA, "text", 4),
    ]


def test_a_rep_whom_no_channel_reaches_loses_the_turn_at_once() -> None:
    lead = LeadUnderTest()
    lead.look(at(0))
    lead.fails(ANN, TEXT, 3)
    lead.look(at(3))
    lead.fails(ANN, CALL, 8)
    lead.looks_until(119)
    assert lead.pages()[2:] == [(8, BOB, "text", 1), (53, BOB, "call", 2)]


def test_a_rep_known_to_be_deaf_to_texts_is_called_at_once() -> None:
    lead = LeadUnderTest(floor=a_floor(ANN, BOB, deaf=frozenset({(ANN, TEXT)})))
    lead.looks_until(119)
    assert lead.pages() == [(0, ANN, "call", 2)]


def test_nobody_on_duty_inside_hours_goes_to_the_managers_at_once_with_the_reason() -> None:
    lead = LeadUnderTest(floor=a_floor())
    lead.looks_until(899)
    assert lead.pages() == [(0, MIA, "text", 4)]
    escalated = [e.fact for e in lead.timeline if isinstance(e.fact, Escalated)]
    assert escalated == [
        Escalated(Audience.ON_DUTY, Audience.MANAGERS, EscalationReason.NOBODY_ON_DUTY)
    ]


def test_each_step_outward_is_recorded_once_with_its_reason() -> None:
    lead = LeadUnderTest()
    lead.looks_until(5000)
    steps = [e.fact for e in lead.timeline if isinstance(e.fact, Escalated)]
    outward = [Audience.ON_DUTY, *[step.to for step in steps]]
    assert outward == list(OUTWARDS)
    assert {step.reason for step in steps} == {EscalationReason.NO_CLAIM}


def test_an_unreachable_manager_brings_the_last_resort_forward() -> None:
    lead = LeadUnderTest()
    lead.looks_until(300)
    lead.fails(MIA, TEXT, 302)
    lead.looks_until(1000)
    assert lead.pages()[-2:] == [(302, MIA, "call", 5), (900, MIA, "call", 5)]


def test_a_claim_without_a_call_is_taken_back_and_the_ladder_starts_past_that_rep() -> None:
    lead = LeadUnderTest()
    lead.look(at(0))
    lead.claims(ANN, 10)
    lead.looks_until(10 + 180 + 300)
    assert lead.pages()[1:] == [
        (190, BOB, "text", 1),
        (235, BOB, "call", 2),
        (310, MIA, "text", 4),
    ]
    assert lead.standing.owner is None


def test_a_pass_by_the_owner_gives_the_lead_back() -> None:
    lead = LeadUnderTest()
    lead.look(at(0))
    lead.claims(ANN, 10)
    lead.look(at(10))
    lead.passes(ANN, 30)
    lead.looks_until(60)
    assert lead.pages()[-1] == (30, BOB, "text", 1)


def test_a_turn_ends_when_its_rep_goes_off_duty() -> None:
    lead = LeadUnderTest(floor=a_floor(ANN, changes_at=at(20)))
    assert lead.look(at(0)).look_again_at == at(20)
    lead.floor = a_floor(BOB)
    lead.looks_until(119, start=20)
    assert lead.pages() == [(0, ANN, "text", 1), (20, BOB, "text", 1), (65, BOB, "call", 2)]


@pytest.mark.parametrize(
    ("kind", "turns_given", "expected"),
    [
        (TurnKind.ROUND_ROBIN, 4, [ANN, BOB, CAT, ANN]),
        (TurnKind.IN_ORDER, 3, [ANN, ANN, ANN]),
        (TurnKind.WEIGHTED, 8, [ANN, BOB, CAT, BOB, ANN, BOB, CAT, BOB]),
    ],
)
def test_whose_turn_it_is(kind: TurnKind, turns_given: int, expected: list[str]) -> None:
    floor = a_floor(ANN, BOB, CAT)
    floor = replace(floor, people={**floor.people, BOB: person(BOB, weight=2)})
    first = []
    for _ in range(turns_given):
        lead = LeadUnderTest(policy=a_policy(turn=kind), floor=floor)
        lead.look(at(0))
        first.append(lead.pages()[0][1])
        floor = lead.floor
    assert first == expected


def test_a_rep_back_from_a_week_off_is_not_owed_a_week_of_leads() -> None:
    turns = a_floor().turns
    for _ in range(50):
        turns = turns.given(ANN, 1)
    first_four = []
    for _ in range(4):
        rep = turns.order((ANN, BOB))[0]
        first_four.append(rep)
        turns = turns.given(rep, 1)
    assert sorted(first_four) == [ANN, ANN, BOB, BOB]


def test_all_at_once_pages_everyone_and_one_pass_ends_nobody_elses_turn() -> None:
    lead = LeadUnderTest(policy=a_policy(turn=TurnKind.ALL_AT_ONCE))
    lead.look(at(0))
    lead.passes(ANN, 5)
    lead.looks_until(119)
    assert lead.pages() == [
        (0, ANN, "text", 1),
        (0, BOB, "text", 1),
        (45, BOB, "call", 2),
    ]


# The carrier's own trouble


def in_trouble(lead: LeadUnderTest, when: float) -> None:
    """The pages of the last step fail, and no number is to blame."""
    last = lead.standing.pages[-1]
    for page in lead.standing.pages:
        if page.at == last.at and page.failed_at is None:
            fact = PageFailed(
                page.page_id, page.rep, page.channel, "server_error", ends_channel=False
            )
            lead.happens(at(when), fact)


def test_an_outage_brings_one_rung_forward_then_tries_that_one_again() -> None:
    lead = LeadUnderTest()
    lead.look(at(0))
    in_trouble(lead, 1)
    lead.look(at(1))
    in_trouble(lead, 2)
    lead.looks_until(119, start=2)
    assert lead.pages() == [(0, ANN, "text", 1), (1, ANN, "call", 2), (7, ANN, "call", 2)]
    lead.looks_until(301, start=119)
    assert lead.pages()[3:] == [(120, BOB, "text", 3), (300, MIA, "text", 4)]


def test_an_outage_at_the_top_is_tried_again_long_before_the_repeat() -> None:
    lead = LeadUnderTest()
    lead.looks_until(900)
    in_trouble(lead, 901)
    assert lead.look(at(901)).look_again_at == at(906)


def test_a_repeat_that_the_carrier_fails_is_tried_again_though_the_one_before_it_rang() -> None:
    lead = LeadUnderTest()
    lead.looks_until(1800)
    assert lead.pages()[-2:] == [(900, MIA, "call", 5), (1800, MIA, "call", 5)]
    in_trouble(lead, 1801)
    lead.looks_until(1830, start=1801)
    assert lead.pages()[-1] == (1806, MIA, "call", 5)


def test_a_page_of_a_turn_that_ended_says_nothing_of_the_next_turns() -> None:
    """Ann's text was delivered, and her shift ended; then Bob's fails."""
    lead = LeadUnderTest(floor=a_floor(ANN, changes_at=at(20)))
    lead.look(at(0))
    lead.is_sent(ANN, 1)
    lead.is_delivered(ANN, 2)
    lead.floor = a_floor(BOB)
    lead.look(at(20))
    lead.fails(BOB, TEXT, 22)
    lead.looks_until(30, start=22)
    assert lead.pages() == [(0, ANN, "text", 1), (20, BOB, "text", 1), (22, BOB, "call", 2)]


def test_a_long_outage_keeps_trying_and_loses_no_rung() -> None:
    lead = LeadUnderTest()
    when = at(0)
    for _ in range(200):
        if when > at(1000):
            break
        verdict = lead.look(when)
        assert verdict.look_again_at is not None
        if verdict.actions:
            in_trouble(lead, (when - at(0)).total_seconds() + 1)
            verdict = lead.look(lead.timeline[-1].at)
            if verdict.actions:
                in_trouble(lead, (lead.timeline[-1].at - at(0)).total_seconds() + 1)
                verdict = lead.look(lead.timeline[-1].at)
        assert verdict.look_again_at is not None
        when = verdict.look_again_at
    seconds = sorted({second for second, *_ in lead.pages()})
    assert max(b - a for a, b in pairwise(seconds)) <= 65
    assert {rung for *_, rung in lead.pages()} == {1, 2, 3, 4, 5}


def test_a_manager_who_passed_is_still_the_last_resort() -> None:
    lead = LeadUnderTest()
    lead.looks_until(300)
    lead.passes(MIA, 310)
    lead.looks_until(901, start=310)
    assert lead.pages()[-1] == (900, MIA, "call", 5)


# Late looks


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (50, [(50, ANN, "call", 2)]),
        (130, [(130, ANN, "text", 3), (130, BOB, "text", 3)]),
        (400, [(400, ANN, "text", 4), (400, BOB, "text", 4), (400, MIA, "text", 4)]),
        (5000, [(5000, ANN, "call", 5), (5000, BOB, "call", 5), (5000, MIA, "call", 5)]),
    ],
)
def test_rungs_passed_meanwhile_become_one_step(
    seconds: int, expected: list[tuple[int, str, str, int]]
) -> None:
    lead = LeadUnderTest()
    lead.look(at(seconds))
    assert lead.pages() == expected


def test_a_late_repeat_is_one_page_and_keeps_to_its_grid() -> None:
    lead = LeadUnderTest()
    lead.looks_until(900)
    verdict = lead.look(at(5000))
    assert lead.pages()[-1] == (5000, MIA, "call", 5)
    assert verdict.look_again_at == at(5400)


# Nights. The team is open from 08:00 to 20:00, New York, weekdays.

OFFICE = WeeklyHours("America/New_York", tuple(Block(day, 480, 1200) for day in range(5)), ())
AT_NIGHT = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)  # Wednesday 22:00 in New York
OPENING = datetime(2026, 3, 5, 13, 0, tzinfo=UTC)
NIGHT_LADDER = (Rung(0, Audience.MANAGERS, Channel.CALL, repeat_s=1800),)


def night_lead(after_hours: AfterHours) -> LeadUnderTest:
    policy = a_policy(hours=OFFICE, after_hours=after_hours, night_ladder=NIGHT_LADDER)
    return LeadUnderTest(policy=policy, arrived_at=AT_NIGHT)


def test_at_opening_wakes_nobody_and_starts_the_ladder_at_the_opening() -> None:
    lead = night_lead(AfterHours.AT_OPENING)
    verdict = lead.look(AT_NIGHT)
    assert (verdict.actions, verdict.look_again_at) == ((), OPENING)
    lead.look(OPENING)
    assert [(rep, rung) for _, rep, _, rung in lead.pages()] == [(ANN, 1)]
    assert lead.look(OPENING).look_again_at == OPENING + timedelta(seconds=45)


def test_page_now_pages_at_night_as_by_day() -> None:
    lead = night_lead(AfterHours.PAGE_NOW)
    lead.look(AT_NIGHT)
    assert [(rep, channel) for _, rep, channel, _ in lead.pages()] == [(ANN, "text")]


def test_the_night_ladder_is_climbed_at_night_and_repeats_inside_hours_only() -> None:
    lead = night_lead(AfterHours.NIGHT_LADDER)
    verdict = lead.look(AT_NIGHT)
    assert [(rep, channel) for _, rep, channel, _ in lead.pages()] == [(MIA, "call")]
    assert verdict.look_again_at == OPENING


def test_a_night_without_a_claim_begins_anew_at_the_opening() -> None:
    for after_hours in (AfterHours.NIGHT_LADDER, AfterHours.PAGE_NOW):
        lead = night_lead(after_hours)
        verdict = lead.look(AT_NIGHT)
        while verdict.look_again_at is not None and verdict.look_again_at < OPENING:
            assert len(lead.pages()) < 100
            verdict = lead.look(verdict.look_again_at)
        assert verdict.look_again_at == OPENING
        before = len(lead.pages())
        lead.look(OPENING)
        assert [(channel, rung) for _, _, channel, rung in lead.pages()[before:]] == [("text", 1)]


def test_asking_again_at_night_wakes_nobody() -> None:
    lead = LeadUnderTest(policy=a_policy(hours=OFFICE))
    lead.claims(ANN, 10)
    lead.happens(at(60), Settled("booked"))
    lead.happens(AT_NIGHT, Reopened("asked_again"))
    verdict = lead.look(AT_NIGHT)
    assert [action for action in verdict.actions if isinstance(action, Page)] == []
    assert verdict.look_again_at == OPENING


def test_the_last_resort_repeats_inside_hours_only() -> None:
    policy = a_policy(hours=OFFICE)
    friday_1940 = datetime(2026, 3, 7, 0, 40, tzinfo=UTC)
    lead = LeadUnderTest(policy=policy, arrived_at=friday_1940)
    when = friday_1940
    for _ in range(5):
        verdict = lead.look(when)
        assert verdict.look_again_at is not None
        when = verdict.look_again_at
    assert when == datetime(2026, 3, 9, 12, 0, tzinfo=UTC)  # Monday 08:00, now in summer time


def test_a_team_that_never_opens_is_paged_at_once() -> None:
    closed = WeeklyHours("America/New_York", (Block(0, 480, 1200),), tuple(_every_monday()))
    lead = LeadUnderTest(policy=a_policy(hours=closed))
    lead.look(at(0))
    assert lead.pages() == [(0, ANN, "text", 1)]


def _every_monday() -> list[date]:
    start = date(2026, 1, 5)
    return [start + timedelta(weeks=week) for week in range(120)]


def test_a_policy_that_makes_no_sense_cannot_be_built() -> None:
    for ladder, why in (
        ((), "no rung"),
        ((Rung(-1, Audience.ON_DUTY, TEXT),), "before"),
        ((Rung(9, Audience.ON_DUTY, TEXT), Rung(3, Audience.MANAGERS, TEXT)), "earlier"),
        ((Rung(0, Audience.ON_DUTY, TEXT, 60), Rung(3, Audience.MANAGERS, TEXT)), "only the last"),
        ((Rung(0, Audience.ON_DUTY, TEXT, 0),), "longer than nothing"),
    ):
        with pytest.raises(ValueError, match=why):
            Policy(team="x", hours=OFFICE, ladder=ladder)


# Texts that no phone confirms


def sent_without_receipt(**floor: object) -> LeadUnderTest:
    """Ann's text was accepted by the carrier a second after it was decided; no receipt came."""
    lead = LeadUnderTest(floor=a_floor(ANN, BOB, **floor))
    lead.look(at(0))
    lead.is_sent(ANN, 1)
    return lead


def test_a_text_without_a_receipt_brings_the_same_reps_call_forward() -> None:
    lead = sent_without_receipt()
    lead.looks_until(130, start=1)
    assert lead.pages() == [
        (0, ANN, "text", 1),
        (21, ANN, "call", 2),
        (120, BOB, "text", 3),
    ]


def test_a_receipt_leaves_the_call_where_it_was() -> None:
    lead = sent_without_receipt()
    lead.is_delivered(ANN, 19)
    lead.looks_until(60, start=19)
    assert lead.pages() == [(0, ANN, "text", 1), (45, ANN, "call", 2)]


def test_a_receipt_that_comes_after_the_call_changes_nothing() -> None:
    lead = sent_without_receipt()
    lead.looks_until(30, start=1)
    lead.is_delivered(ANN, 31)
    lead.looks_until(119, start=31)
    assert lead.pages() == [(0, ANN, "text", 1), (21, ANN, "call", 2)]


def test_a_rep_who_answers_unseen_texts_is_given_the_time_of_the_ladder() -> None:
    lead = sent_without_receipt(answer_unseen=frozenset({ANN}))
    lead.looks_until(60, start=1)
    assert lead.pages() == [(0, ANN, "text", 1), (45, ANN, "call", 2)]


def test_a_text_without_a_receipt_never_brings_another_person_forward() -> None:
    ladder = (
        Rung(0, Audience.ON_DUTY, TEXT),
        Rung(60, Audience.EVERYONE_ON_DUTY, CALL),
        Rung(120, Audience.MANAGERS, CALL),
    )
    lead = LeadUnderTest(policy=a_policy(ladder=ladder))
    lead.look(at(0))
    lead.is_sent(ANN, 1)
    lead.looks_until(70, start=1)
    assert lead.pages() == [(0, ANN, "text", 1), (60, BOB, "call", 2)]


def test_an_unseen_text_of_the_next_turn_is_rung_though_the_first_was_delivered() -> None:
    lead = LeadUnderTest(floor=a_floor(ANN, changes_at=at(20)))
    lead.look(at(0))
    lead.is_sent(ANN, 1)
    lead.is_delivered(ANN, 2)
    lead.floor = a_floor(BOB)
    lead.look(at(20))
    lead.is_sent(BOB, 21)
    lead.looks_until(60, start=21)
    assert lead.pages() == [(0, ANN, "text", 1), (20, BOB, "text", 1), (41, BOB, "call", 2)]


def test_unseen_texts_to_everyone_wait_for_the_ladder() -> None:
    lead = LeadUnderTest()
    lead.looks_until(130)
    lead.is_sent(BOB, 131)
    lead.looks_until(310, start=131)
    assert [page[0] for page in lead.pages()] == [0, 45, 120, 300]


def test_a_call_that_cannot_be_made_is_not_brought_forward() -> None:
    lead = sent_without_receipt(deaf=frozenset({(ANN, CALL)}))
    lead.looks_until(60, start=1)
    assert lead.pages() == [(0, ANN, "text", 1), (45, BOB, "text", 3)]


# The last rung: nobody stands behind it


def test_what_failed_once_is_tried_again_by_the_last_resort() -> None:
    """A manager whose phone was off for a minute must not leave the lead waiting for a week."""
    lead = LeadUnderTest(policy=a_policy(), floor=a_floor(deaf=frozenset({(MIA, TEXT)})))
    lead.looks_until(0)
    lead.fails(MIA, CALL, 10)
    lead.looks_until(3000, start=10)
    assert lead.pages() == [
        (0, MIA, "call", 5),
        (900, MIA, "call", 5),
        (1800, MIA, "call", 5),
        (2700, MIA, "call", 5),
    ]


def test_the_last_resort_is_reached_by_the_other_means_when_one_has_failed() -> None:
    lead = LeadUnderTest(floor=a_floor())
    lead.looks_until(910)
    lead.fails(MIA, CALL, 915)
    lead.looks_until(1900, start=915)
    assert [page[:3] for page in lead.pages()][-1] == (1800, MIA, "text")


def test_a_number_that_is_known_to_be_dead_is_not_tried_by_anybody() -> None:
    deaf = frozenset({(MIA, TEXT), (MIA, CALL)})
    lead = LeadUnderTest(floor=a_floor(deaf=deaf))
    lead.looks_until(4000)
    assert lead.pages() == []


def test_a_ladder_of_one_rung_tries_the_same_rep_again_at_its_repeat() -> None:
    ladder = (Rung(0, Audience.ON_DUTY, TEXT, repeat_s=300),)
    lead = LeadUnderTest(policy=a_policy(ladder=ladder), floor=a_floor(ANN))
    lead.look(at(0))
    lead.fails(ANN, TEXT, 5)
    lead.looks_until(310, start=5)
    lead.fails(ANN, CALL, 315)
    lead.looks_until(950, start=315)
    assert [page[:2] for page in lead.pages()] == [(0, ANN), (300, ANN), (600, ANN), (900, ANN)]


# Three texts at most


def test_a_fourth_text_about_one_lead_is_a_call() -> None:
    ladder = (
        Rung(0, Audience.MANAGERS, TEXT),
        Rung(60, Audience.MANAGERS, TEXT, repeat_s=60),
    )
    lead = LeadUnderTest(policy=a_policy(ladder=ladder), floor=a_floor())
    lead.looks_until(250)
    assert lead.pages() == [
        (0, MIA, "text", 1),
        (60, MIA, "text", 2),
        (120, MIA, "text", 2),
        (180, MIA, "call", 2),
        (240, MIA, "call", 2),
    ]


def test_a_text_that_failed_counts_for_nothing() -> None:
    ladder = (Rung(0, Audience.MANAGERS, TEXT, repeat_s=60),)
    lead = LeadUnderTest(policy=a_policy(ladder=ladder), floor=a_floor())
    lead.look(at(0))
    lead.carrier_fails(MIA, TEXT, 1)
    lead.looks_until(130, start=1)
    assert [page[2] for page in lead.pages()].count("text") >= 3


def test_a_take_back_allows_three_texts_again() -> None:
    ladder = (Rung(0, Audience.MANAGERS, TEXT, repeat_s=60),)
    lead = LeadUnderTest(policy=a_policy(ladder=ladder), floor=a_floor())
    lead.looks_until(130)
    lead.claims(MIA, 131)
    lead.looks_until(320, start=131)
    assert [page[2] for page in lead.pages()] == ["text"] * 4


# A carrier that fails again and again


def tripped(*channels: Channel, mail: bool = True) -> dict[str, object]:
    return {
        "tripped": {channel: at(15) for channel in channels},
        "mail": mail,
        "changes_at": at(15),
    }


def with_mail(*reps: str) -> dict[RepId, Person]:
    return {
        **{RepId(rep): person(RepId(rep), email=f"{rep}@example.com") for rep in reps},
        MIA: person(MIA, manager=True),
    }


def mailed(*reps: str, on_duty: str = "ann", **more: object) -> Floor:
    return Floor(people=with_mail(*reps), on_duty=(RepId(on_duty),), **more)  # type: ignore[arg-type]  # as in world


@pytest.mark.parametrize(
    ("open_for", "by"), [((TEXT,), "call"), ((CALL,), "text"), ((TEXT, CALL), "text")]
)
def test_while_a_breaker_is_open_pages_go_by_the_other_channel_and_by_e_mail(
    open_for: tuple[Channel, ...], by: str
) -> None:
    lead = LeadUnderTest(floor=mailed("ann", **tripped(*open_for)))
    lead.look(at(0))
    assert lead.pages() == [(0, ANN, by, 1), (0, ANN, "email", 1)]


def test_without_a_mail_server_or_an_address_nothing_is_mailed() -> None:
    for floor in (mailed("ann", **tripped(TEXT, mail=False)), a_floor(ANN, **tripped(TEXT))):
        lead = LeadUnderTest(floor=floor)
        lead.look(at(0))
        assert lead.pages() == [(0, ANN, "call", 1)]


def test_one_e_mail_for_each_rep_and_the_ladder_climbs_as_if_there_were_none() -> None:
    lead = LeadUnderTest(floor=mailed("ann", **tripped(TEXT)))
    lead.looks_until(50)
    lead.floor = replace(lead.floor, tripped={}, changes_at=None)
    lead.looks_until(310, start=50)
    assert lead.pages() == [
        (0, ANN, "call", 1),
        (0, ANN, "email", 1),
        (45, ANN, "call", 2),
        (120, MIA, "text", 4),
    ]


def test_an_e_mail_is_no_reason_to_wait_for_a_call_that_failed() -> None:
    lead = LeadUnderTest(floor=mailed("ann", **tripped(TEXT)))
    lead.look(at(0))
    lead.fails(ANN, CALL, 3)
    lead.looks_until(5, start=3)
    assert lead.pages() == [(0, ANN, "call", 1), (0, ANN, "email", 1), (3, MIA, "call", 4)]


def test_a_breaker_does_not_send_calls_to_a_phone_that_cannot_ring() -> None:
    floor = mailed("ann", deaf=frozenset({(ANN, CALL)}), **tripped(TEXT))
    lead = LeadUnderTest(floor=floor)
    lead.look(at(0))
    assert lead.pages() == [(0, ANN, "text", 1), (0, ANN, "email", 1)]


def test_the_end_of_a_breaker_is_looked_at() -> None:
    lead = LeadUnderTest(floor=mailed("ann", **tripped(TEXT)))
    assert lead.look(at(0)).look_again_at == at(15)
