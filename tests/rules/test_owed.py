"""Which call is owed, by when, and who is asked for it: DEFINITIONS.md, "After an unanswered first
call" and "Voicemail unanswered"."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.rules.call_facts import (
    Attempted,
    CallMissed,
    LeadReplied,
    NoAnswer,
    Owing,
    VoicemailReceived,
)
from service.rules.hours import Block, WeeklyHours
from service.rules.lead import CallId
from service.rules.owed import AGREED_AHEAD_MAX, GAPS
from service.rules.policy import DEFAULT_LADDER, AfterHours, Calls, Rung
from service.rules.standing import State
from service.rules.timeline import Audience, By, Channel, Ending, Settled, TakenBack
from tests.rules.world import (
    ABANDONED,
    ANN,
    ARRIVED,
    BOB,
    BUSY,
    FAILED,
    LOST,
    MIA,
    NEW_YORK,
    UNANSWERED,
    LeadUnderTest,
    a_floor,
    a_policy,
    at,
    talked,
)

# The default ladder with a last rung that is seldom repeated: a week of it is soon lived through.
SELDOM = (*DEFAULT_LADDER[:-1], Rung(900, Audience.LAST_RESORT, Channel.CALL, 6 * 3600))
MIN, HOUR, DAY = 60.0, 3600.0, 86_400.0
OFFICE = WeeklyHours("America/New_York", tuple(Block(day, 540, 1080) for day in range(5)))


def ny(day: int, hour: int, minute: int = 0, *, month: int = 3) -> datetime:
    """A wall-clock time in New York in 2026, as an instant: summer time from March 8."""
    summer = (month, day) >= (3, 8)
    ahead = timedelta(hours=4 if summer else 5)
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) + ahead


def claimed(**more: object) -> LeadUnderTest:
    """Ann has the lead, ten seconds after it arrived; she is not rung, she calls through."""
    lead = LeadUnderTest(floor=a_floor(ANN, BOB, dial_zones=NEW_YORK), **more)  # type: ignore[arg-type]  # by keyword
    lead.look(at(0))
    lead.claims(ANN, 10)
    lead.look(at(10))
    return lead


def called_in_vain(when: float = 20, **more: object) -> LeadUnderTest:
    """Ann's first call to a lead was busy, and ended 20 s after it began."""
    lead = claimed(**more)
    lead.calls(ANN, when, BUSY)
    lead.look(at(when + 20))
    return lead


# The first call


def test_a_claim_owes_the_first_call_until_it_is_taken_back() -> None:
    lead = claimed()
    (debt,) = lead.owed()
    assert (debt.kind, debt.since, debt.due_at) == (Owing.FIRST_CALL, at(10), at(190))
    lead.calls(ANN, 100, BUSY)
    lead.look(at(120))
    assert lead.kinds("owed_met", "owed_missed") == [(120, "owed_met")]


def test_a_first_call_is_missed_when_the_lead_is_taken_back_and_the_next_one_owes_it() -> None:
    lead = claimed()
    lead.looks_until(190)
    assert lead.kinds("owed_missed", "taken_back") == [(190, "owed_missed"), (190, "taken_back")]
    assert lead.standing.owed == ()
    lead.claims(BOB, 200)
    lead.look(at(200))
    assert [debt.due_at for debt in lead.owed()] == [at(190), at(380)]


def test_a_call_that_began_in_time_is_in_time_however_late_it_ends() -> None:
    lead = claimed()
    lead.dials(ANN, 185)
    lead.looks_until(600, start=185)
    assert lead.kinds("owed_missed", "taken_back") == []
    lead.ends(700, talked(500))
    lead.look(at(700))
    assert lead.kinds("owed_met") == [(700, "owed_met")]
    assert lead.timeline[-1].fact.late is False  # type: ignore[union-attr]  # it is OwedMet


def test_a_booking_in_the_first_call_is_the_first_call() -> None:
    lead = claimed()
    lead.says(ANN, 60, Ending.BOOKED)
    lead.look(at(60))
    assert lead.kinds("owed_met") == [(60, "owed_met")]
    assert lead.standing.owed == ()


# The second call


def test_the_second_call_is_asked_for_at_half_time_and_promised_for_the_whole() -> None:
    lead = called_in_vain()
    debt = lead.owed()[-1]
    assert (debt.kind, debt.since) == (Owing.SECOND_CALL, at(40))
    assert (debt.call_at, debt.due_at) == (at(40 + 15 * MIN), at(40 + 30 * MIN))
    lead.looks_until(25 * MIN, start=40)
    assert lead.asked() == [(40 + 900, ANN, "text"), (40 + 1200, ANN, "call")]


def test_a_second_call_in_time_is_met_and_asks_for_no_more() -> None:
    lead = called_in_vain()
    lead.looks_until(15 * MIN + 40, start=40)
    lead.calls(ANN, 16 * MIN, talked(200))
    lead.looks_until(2 * DAY, start=17 * MIN)
    assert lead.kinds("owed_met", "owed_missed")[1:] == [(16 * 60 + 60, "owed_met")]
    assert len(lead.asked()) == 1


def test_a_second_call_before_anybody_asked_is_met_too() -> None:
    lead = called_in_vain()
    lead.calls(ANN, 120, talked(200))
    lead.looks_until(HOUR, start=140)
    assert lead.asked() == []
    assert lead.kinds("owed_met")[-1] == (140, "owed_met")


def test_a_missed_second_call_takes_the_lead_back_and_climbs_past_its_owner() -> None:
    lead = called_in_vain()
    lead.looks_until(40 + 32 * MIN, start=40)
    due_s = 40 + 1800
    assert lead.kinds("owed_missed", "taken_back") == [
        (due_s, "owed_missed"),
        (due_s, "taken_back"),
    ]
    back = next(e.fact for e in lead.timeline if isinstance(e.fact, TakenBack))
    assert (back.rep, back.why) == (ANN, "owed")
    assert (due_s, BOB, "text", 1) in lead.pages()
    # Whoever takes it pays, late.
    lead.claims(BOB, due_s + 150)
    lead.look(at(due_s + 150))
    lead.calls(BOB, due_s + 200, BUSY)
    lead.look(at(due_s + 220))
    met = [e.fact for e in lead.timeline if e.kind == "owed_met"][-1]
    assert (met.kind, met.late) == (Owing.SECOND_CALL, True)  # type: ignore[union-attr]  # it is OwedMet
    assert lead.owed()[-1].kind is Owing.FURTHER_CALL


def test_a_second_call_never_made_is_asked_of_everyone_until_the_lead_ends() -> None:
    lead = called_in_vain(policy=a_policy(ladder=SELDOM))
    lead.looks_until(20 * DAY, start=40)
    paged = {rep for _, rep, _, _ in lead.pages()}
    assert paged == {ANN, BOB, MIA}
    assert lead.timeline[-1].fact == Settled("quiet")


@pytest.mark.parametrize(
    ("ended_at", "asked_at", "due_at"),
    [
        (ny(4, 17, 40), ny(4, 17, 55), ny(5, 9, 10)),  # over the night
        (ny(4, 17, 50), ny(5, 9, 5), ny(5, 9, 20)),
        (ny(4, 21, 0), ny(5, 9, 15), ny(5, 9, 30)),
        (ny(6, 17, 50), ny(9, 9, 5), ny(9, 9, 20)),  # over the weekend, and into summer time
    ],
)
def test_the_promise_is_kept_in_the_teams_hours(
    ended_at: datetime, asked_at: datetime, due_at: datetime
) -> None:
    began_at = ended_at - timedelta(seconds=20)
    lead = LeadUnderTest(
        policy=a_policy(hours=OFFICE),
        floor=a_floor(ANN, BOB, dial_zones=NEW_YORK),
        arrived_at=began_at - timedelta(minutes=2),
    )
    second = (began_at - ARRIVED).total_seconds()
    lead.claims(ANN, second - 5)
    lead.calls(ANN, second, BUSY)
    lead.look(ended_at)
    debt = lead.owed()[-1]
    assert (debt.call_at, debt.due_at) == (asked_at, due_at)
    # Nobody is asked, and nobody loses the lead, while the team rests.
    lead.looks_until((due_at - ARRIVED).total_seconds() - 1, start=second + 20)
    paged_at = _paged_at(lead, ended_at)
    assert paged_at
    assert all(map(OFFICE.is_open, paged_at))
    assert lead.standing.owner == ANN


def _paged_at(lead: LeadUnderTest, after: datetime) -> list[datetime]:
    return [e.at for e in lead.timeline if e.kind == "paged" and e.at >= after]


def test_the_second_call_waits_until_the_lead_may_be_called_too() -> None:
    """The team is in New York, the lead may be in Hawaii: nobody is asked for a call at 4 a.m."""
    hawaii = a_floor(ANN, BOB, dial_zones=("Pacific/Honolulu",))
    lead = LeadUnderTest(policy=a_policy(hours=OFFICE), floor=hawaii)
    lead.claims(ANN, 10)
    lead.says(ANN, 40, Ending.NO_ANSWER)
    lead.look(at(40))
    debt = lead.owed()[-1]
    assert (debt.call_at, debt.due_at) == (ny(4, 13), ny(4, 13, 15))


def test_a_longer_promise_is_asked_for_a_quarter_of_an_hour_before() -> None:
    policy = a_policy()
    promises = replace(policy.promises, second_call_s=4 * 3600)
    lead = called_in_vain(policy=replace(policy, promises=promises))
    debt = lead.owed()[-1]
    assert debt.call_at == at(40 + 4 * HOUR - 15 * MIN)
    assert debt.due_at == at(40 + 4 * HOUR)


def test_no_promise_of_a_second_call_is_longer_than_a_day() -> None:
    policy = a_policy()
    promises = replace(policy.promises, second_call_s=7 * 86_400)
    lead = called_in_vain(policy=replace(policy, promises=promises))
    assert lead.owed()[-1].due_at == at(40 + DAY)


# What a call must be to pay, and to owe


def test_a_short_answer_waits_five_minutes_for_what_the_rep_says() -> None:
    lead = claimed()
    lead.calls(ANN, 20, talked(12))
    lead.looks_until(339, start=40)
    assert len(lead.owed()) == 1
    lead.looks_until(341, start=340)
    assert lead.owed()[-1].kind is Owing.SECOND_CALL


def test_an_abandoned_call_pays_nothing_and_hides_no_debt() -> None:
    lead = claimed()
    lead.calls(ANN, 20, talked(12))
    lead.look(at(40))
    lead.calls(ANN, 60, ABANDONED)
    lead.looks_until(400, start=80)
    assert lead.owed()[-1].kind is Owing.SECOND_CALL
    lead.calls(ANN, 500, ABANDONED)
    lead.look(at(520))
    assert [debt.paid_at for debt in lead.standing.owed] == [None]


def test_an_open_call_followed_by_an_abandoned_one_is_presumed_all_the_same() -> None:
    lead = claimed()
    lead.calls(ANN, 20, talked(60, None))
    lead.calls(ANN, 100, ABANDONED)
    lead.looks_until(400, start=120)
    assert [e.kind for e in lead.timeline].count("short_answer") == 1
    assert lead.owed()[-1].kind is Owing.SECOND_CALL


def test_a_call_whose_end_nobody_told_leaves_five_minutes_to_say_so() -> None:
    lead = claimed()
    lead.calls(ANN, 170, LOST, lasts=15)
    lead.looks_until(484, start=185)
    assert lead.standing.owner == ANN  # the claim ran out at 190
    told = LeadUnderTest(timeline=lead.timeline, floor=lead.floor)
    told.says(ANN, 484, Ending.NO_ANSWER)
    told.looks_until(600, start=484)
    assert (told.standing.owner, told.standing.attempts) == (ANN, 1)
    lead.looks_until(600, start=484)
    assert lead.kinds("taken_back") == [(485, "taken_back")]


def test_a_word_that_they_left_a_voicemail_owes_the_next_call() -> None:
    lead = claimed()
    lead.says(ANN, 40, Ending.VOICEMAIL)
    lead.look(at(40))
    assert lead.owed()[-1].kind is Owing.SECOND_CALL


def test_a_call_by_another_pays_too_and_a_number_that_cannot_be_rung_does_not() -> None:
    lead = called_in_vain()
    lead.calls(ANN, 100, FAILED)
    lead.look(at(120))
    assert Owing.SECOND_CALL in [debt.kind for debt in lead.standing.owed]
    lead.says(BOB, 200, Ending.NO_ANSWER)
    lead.look(at(200))
    assert (200, "owed_met") in lead.kinds("owed_met")
    assert lead.standing.owner == ANN


def test_a_call_told_late_pays_from_when_it_was_made_and_owes_from_when_we_knew() -> None:
    lead = claimed()
    for word in (Attempted(ANN, "C"), NoAnswer("C", ANN)):
        lead.happens(at(20), word, told_at=at(2 * HOUR))
    lead.look(at(2 * HOUR))
    debt = lead.owed()[-1]
    assert (debt.kind, debt.since) == (Owing.SECOND_CALL, at(2 * HOUR))
    assert debt.due_at == at(2.5 * HOUR)


def test_how_a_call_went_is_asked_by_text_when_no_key_was_pressed() -> None:
    lead = claimed()
    lead.calls(ANN, 20, talked(60))
    lead.looks_until(59, start=40)
    assert "ask" not in {note for _, _, note in lead.notes()}
    lead.look(at(60))
    assert lead.notes()[-1] == (60, ANN, "ask")
    told = claimed()
    told.calls(ANN, 20, talked(60))
    told.says(ANN, 50, Ending.TALKED, By.KEY)
    told.looks_until(600, start=50)
    assert "ask" not in {note for _, _, note in told.notes()}


# Further calls


def test_further_calls_come_ever_rarer_and_six_is_all() -> None:
    lead = called_in_vain()
    when = 100.0
    for calls, gap in enumerate((None, *GAPS), start=2):
        if gap is None:
            when = (lead.owed()[-1].call_at - ARRIVED).total_seconds() + 30
        lead.calls(ANN, when, UNANSWERED)
        lead.look(at(when + 20))
        assert lead.standing.unreached == calls
        if calls == 6:
            break
        debt = lead.owed()[-1]
        assert debt.kind is Owing.FURTHER_CALL
        assert debt.call_at == at(when + 20) + GAPS[calls - 2]
        assert debt.due_at == debt.call_at + timedelta(minutes=15)
        when = (debt.call_at - ARRIVED).total_seconds() + 30
    assert lead.standing.owed == ()
    lead.looks_until(30 * DAY, start=when + 20)
    assert lead.timeline[-1].fact == Settled("quiet")


def test_the_number_of_calls_is_the_policys() -> None:
    lead = called_in_vain(policy=a_policy(calls=Calls(most=1)))
    assert [debt.kind for debt in lead.owed()] == [Owing.FIRST_CALL]


def test_contact_ends_the_chase_and_its_debts() -> None:
    lead = called_in_vain()
    lead.calls(ANN, 100, talked(60))
    lead.looks_until(DAY, start=120)
    assert lead.asked() == []
    assert (lead.standing.state, lead.standing.unreached) == (State.FOLLOWING, 0)


# Agreed times


def test_an_agreed_time_owes_the_call_then_and_not_before() -> None:
    lead = called_in_vain()
    lead.looks_until(120, start=40)
    lead.says(ANN, 130, Ending.CALL_LATER, later=2 * DAY)
    lead.looks_until(2 * DAY + 600, start=130)
    debt = lead.owed()[-1]
    assert (debt.call_at, debt.due_at) == (at(2 * DAY), at(2 * DAY + 15 * MIN))
    assert lead.asked() == [(int(2 * DAY), ANN, "text"), (int(2 * DAY) + 300, ANN, "call")]
    assert lead.kinds("owed_missed") == []  # the second call gave way to what was agreed


def test_a_call_before_the_agreed_time_does_not_keep_the_agreement() -> None:
    lead = claimed()
    lead.calls(ANN, 20, talked(12))
    lead.says(ANN, 60, Ending.CALL_LATER, later=2 * DAY)
    lead.look(at(60))
    lead.calls(ANN, DAY, BUSY)
    lead.look(at(DAY + 20))
    assert [debt.call_at for debt in lead.standing.owed] == [at(2 * DAY)]
    lead.calls(ANN, 2 * DAY - 10 * MIN, talked(200))
    lead.look(at(2 * DAY - 9 * MIN))
    assert lead.standing.owed == ()


def test_a_conversation_before_the_agreed_time_ends_the_agreement() -> None:
    lead = claimed()
    lead.calls(ANN, 20, talked(12))
    lead.says(ANN, 60, Ending.CALL_LATER, later=2 * DAY)
    lead.look(at(60))
    lead.calls(ANN, DAY, talked(200), lasts=200)
    lead.looks_until(3 * DAY, start=DAY + 200)
    assert (lead.asked(), lead.standing.owed, lead.standing.agreed) == ([], (), None)


@pytest.mark.parametrize("later", [-DAY, AGREED_AHEAD_MAX.total_seconds() + DAY])
def test_a_time_that_can_only_be_a_slip_is_owed_as_if_unanswered(later: float) -> None:
    lead = claimed()
    lead.calls(ANN, 20, talked(12))
    lead.says(ANN, 60, Ending.CALL_LATER, later=later)
    lead.look(at(60))
    assert lead.owed()[-1].due_at == at(40 + 30 * MIN)


def test_a_new_time_replaces_the_old_and_talking_ends_it() -> None:
    lead = claimed()
    lead.says(ANN, 60, Ending.CALL_LATER, later=DAY)
    lead.look(at(60))
    lead.says(ANN, 90, Ending.CALL_LATER, later=2 * DAY)
    lead.look(at(90))
    assert [debt.call_at for debt in lead.standing.owed] == [at(2 * DAY)]
    lead.says(ANN, 120, Ending.TALKED)
    lead.look(at(120))
    assert lead.standing.owed == ()


def test_a_time_agreed_for_the_evening_is_asked_for_though_the_team_rests() -> None:
    lead = called_in_vain(policy=a_policy(hours=OFFICE))
    evening = (ny(4, 19, 30) - ARRIVED).total_seconds()
    lead.says(ANN, 100, Ending.CALL_LATER, later=evening)
    lead.looks_until(evening + 2 * HOUR, start=100)
    assert [second for second, _, _ in lead.asked()] == [int(evening), int(evening) + 300]
    assert lead.standing.owner == ANN  # nobody else is woken for it
    lead.looks_until((ny(5, 9, 1) - ARRIVED).total_seconds(), start=evening + 2 * HOUR)
    assert lead.kinds("taken_back") == [(int((ny(5, 9) - ARRIVED).total_seconds()), "taken_back")]


def test_an_agreement_beyond_a_week_is_waited_for() -> None:
    lead = claimed()
    lead.says(ANN, 60, Ending.CALL_LATER, later=20 * DAY)
    lead.looks_until(20 * DAY, start=60)
    assert lead.standing.open
    assert lead.asked() == [(int(20 * DAY), ANN, "text")]


# What the lead left


def test_a_voicemail_is_owed_a_call_back_and_its_owner_is_asked_at_once() -> None:
    lead = called_in_vain()
    lead.calls(ANN, 60, talked(200))
    lead.calls_in(600)
    lead.happens(at(640), VoicemailReceived(CallId("in-1"), 12.0))
    lead.looks_until(640 + 14 * MIN, start=640)
    debt = lead.owed()[-1]
    assert (debt.kind, debt.call_at, debt.due_at) == (Owing.VOICEMAIL, at(640), at(640 + 15 * MIN))
    assert lead.asked() == [(640, ANN, "text"), (940, ANN, "call")]
    lead.looks_until(640 + 25 * MIN, start=640 + 15 * MIN)
    assert lead.kinds("taken_back") == [(640 + 900, "taken_back")]
    assert lead.pages()[-1][1] == MIA


def test_a_voicemail_of_a_lead_nobody_has_is_paged_at_once() -> None:
    lead = LeadUnderTest()
    lead.looks_until(2000)
    lead.calls_in(2010)
    lead.happens(at(2050), VoicemailReceived(CallId("in-1"), 12.0))
    lead.look(at(2050))
    assert lead.pages()[-1] == (2050, BOB, "text", 1)  # whose turn it is


def test_a_lead_that_calls_again_and_again_does_not_keep_its_ladder_on_the_first_rung() -> None:
    lead = LeadUnderTest()
    lead.looks_until(100)
    for second in range(110, 500, 60):
        lead.calls_in(second, f"in-{second}")
        lead.happens(at(second + 20), CallMissed(CallId(f"in-{second}"), 20.0))
        lead.look(at(second + 20))
    assert lead.standing.climb == 1
    assert (310, MIA, "text", 4) in lead.pages()  # after the call that was up at 300


def test_a_missed_call_is_owed_one_back_and_any_call_pays_for_all_they_left() -> None:
    lead = called_in_vain()
    lead.calls(ANN, 60, talked(200))
    for second in (600, 700, 800):
        lead.calls_in(second, f"in-{second}")
        lead.happens(at(second + 20), CallMissed(CallId(f"in-{second}"), 20.0, short=False))
        lead.look(at(second + 20))
    lead.happens(at(850), VoicemailReceived(CallId("in-9"), 9.0))
    lead.happens(at(860), VoicemailReceived(CallId("in-10"), 9.0))
    lead.look(at(860))
    owed = [(debt.kind, debt.since) for debt in lead.standing.owed]
    assert owed == [(Owing.CALL_BACK, at(620)), (Owing.VOICEMAIL, at(850))]
    lead.calls(ANN, 900, BUSY)
    lead.look(at(920))
    assert lead.standing.asked_back is None
    assert [debt.kind for debt in lead.standing.owed] == []


def test_a_reply_reaches_the_owner_but_not_while_they_talk() -> None:
    lead = called_in_vain()
    lead.dials(ANN, 100)
    lead.happens(at(110), LeadReplied("SM1"))
    lead.look(at(110))
    assert (110, ANN, "replied") not in lead.notes()
    lead.ends(300, talked(180))
    lead.look(at(300))
    assert lead.notes()[-1] == (300, ANN, "replied")


# Who is asked


def test_an_owner_who_went_home_loses_the_lead_when_its_call_is_due() -> None:
    lead = called_in_vain()
    lead.floor = replace(lead.floor, on_duty=(BOB,))
    lead.looks_until(960, start=100)
    back = next(e for e in lead.timeline if isinstance(e.fact, TakenBack))
    assert (back.at, back.fact.why) == (at(940), "off_duty")  # type: ignore[union-attr]  # it is TakenBack
    assert lead.pages()[-1][1] == BOB


def test_an_owner_on_a_call_gets_texts_only() -> None:
    lead = called_in_vain()
    lead.floor = replace(lead.floor, engaged={ANN: None})
    lead.looks_until(25 * MIN, start=40)
    assert {channel for _, _, channel in lead.asked()} == {"text"}


def test_an_owner_who_prefers_calls_is_called_when_they_hang_up() -> None:
    lead = called_in_vain()
    ann = replace(lead.floor.people[ANN], prefer=Channel.CALL)
    deaf = frozenset({(ANN, Channel.TEXT)})
    lead.floor = replace(lead.floor, people={**lead.floor.people, ANN: ann}, deaf=deaf)
    lead.floor = replace(lead.floor, engaged={ANN: at(970)})
    lead.looks_until(1100, start=40)
    assert lead.asked() == [(970, ANN, "call")]


def test_a_page_that_fails_is_followed_by_the_other_channel_at_once() -> None:
    lead = called_in_vain()
    lead.looks_until(940, start=40)
    lead.fails(ANN, Channel.TEXT, 950)
    lead.look(at(950))
    assert lead.asked() == [(940, ANN, "text"), (950, ANN, "call")]


def test_a_late_look_asks_once_and_not_in_one_breath() -> None:
    lead = called_in_vain()
    lead.look(at(40 + 29 * MIN + 45))
    assert len(lead.asked()) == 1
    lead.looks_until(40 + 30 * MIN - 1, start=40 + 29 * MIN + 46)
    assert len(lead.asked()) == 1


def test_a_lead_that_nobody_has_goes_to_the_ladder_when_its_call_is_due() -> None:
    """A CRM told of a call, and not whose."""
    lead = LeadUnderTest()
    lead.looks_until(10)
    for word in (Attempted(None, "C"), NoAnswer("C")):
        lead.happens(at(20), word)
    assert (lead.standing.owner, lead.standing.state) == (None, State.CHASING)
    lead.looks_until(940, start=20)
    assert lead.kinds("reopened") == [(920, "reopened")]
    assert lead.pages()[-1] == (920, BOB, "text", 1)


def test_by_night_an_owed_call_waits_for_the_opening_unless_the_team_says_otherwise() -> None:
    for after_hours, woken in ((AfterHours.AT_OPENING, False), (AfterHours.PAGE_NOW, True)):
        policy = a_policy(hours=OFFICE, after_hours=after_hours)
        lead = called_in_vain(policy=policy)
        evening = (ny(4, 17, 55) - ARRIVED).total_seconds()
        lead.calls(ANN, 100, talked(200))
        lead.calls_in(evening)
        lead.happens(at(evening + 30), VoicemailReceived(CallId("in-1"), 9.0))
        lead.looks_until(evening + 3 * HOUR, start=evening + 30)
        seconds = [second for second, _, _ in lead.asked()]
        assert seconds[0] == evening + 30
        assert (len(seconds) == 2) is woken


# A first call that cannot be made yet, or that counted for nothing


def test_a_lead_claimed_by_night_owes_its_first_call_from_the_morning_on() -> None:
    night = ny(3, 22)
    lead = LeadUnderTest(arrived_at=night, floor=a_floor(ANN, BOB, dial_zones=NEW_YORK))
    lead.look(night)
    lead.claims(ANN, (night - ARRIVED).total_seconds())
    lead.look(night)
    (owed,) = lead.owed()
    assert (owed.kind, owed.call_at) == (Owing.FIRST_CALL, ny(4, 8))
    assert owed.due_at == ny(4, 8, 3)


def test_a_number_that_could_not_be_rung_owes_no_second_call_beside_the_first() -> None:
    lead = claimed()
    lead.calls(ANN, 20, FAILED)
    lead.looks_until(HOUR)
    kinds = [each.kind for each in lead.owed()]
    assert Owing.SECOND_CALL not in kinds
    assert kinds == [Owing.FIRST_CALL, Owing.FURTHER_CALL]
    assert lead.asked()[0][1] == ANN
