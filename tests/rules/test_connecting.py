"""Whom a call rings: the rep who takes a lead, and the reps for a lead that waits on the line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.rules.call_facts import LATER, CallMissed, Connected, Purpose, Rang, WentToVoicemail
from service.rules.calls import CALL_MAX, CALLER_MAX, CallTold
from service.rules.connecting import (
    Prospect,
    lines_up,
    nobody_left,
    prospect,
    rings_lead_s,
)
from service.rules.floor import Floor
from service.rules.hours import Block, WeeklyHours
from service.rules.lawful import ZONES_MAX, callable_from, dial_from
from service.rules.lead import CallId, RepId
from service.rules.policy import AfterHours, Calls
from service.rules.standing import State
from service.rules.timeline import By, Channel, Claimed, Ending, Passed
from service.rules.wanted import still_wanted
from tests.rules.world import (
    ABANDONED,
    ANN,
    ARRIVED,
    BOB,
    BUSY,
    CAT,
    MIA,
    NEW_YORK,
    UNANSWERED,
    LeadUnderTest,
    a_floor,
    a_policy,
    at,
    talked,
)

OFFICE = WeeklyHours("America/New_York", tuple(Block(day, 540, 1080) for day in range(5)))
DAN = RepId("dan")


def bridged(*on_duty: RepId, zones: tuple[str, ...] = NEW_YORK, **more: object) -> LeadUnderTest:
    floor = a_floor(*(on_duty or (ANN, BOB)), dial_zones=zones)
    return LeadUnderTest(floor=floor, **more)  # type: ignore[arg-type]  # by keyword


def claimed(**more: object) -> LeadUnderTest:
    lead = bridged(**more)  # type: ignore[arg-type]  # by keyword
    lead.claims(ANN, 10)
    lead.look(at(10))
    return lead


# A rep who has a lead


def test_a_claim_rings_the_rep_at_once_and_says_so() -> None:
    lead = claimed()
    assert lead.rings() == [(10, ANN)]
    assert lead.notes() == [(10, ANN, "ringing")]
    (ring,) = lead.ringing()
    assert (ring.purpose, str(ring.call_id)) == (Purpose.CLAIM, str(ring.leg))


def test_a_missed_ring_is_told_once_and_tried_once_more_after_twenty_seconds() -> None:
    lead = claimed()
    lead.misses(ANN, 28)
    lead.looks_until(47, start=28)
    assert lead.notes()[1:] == [(28, ANN, "missed_ring")]
    lead.look(at(48))
    assert lead.rings() == [(10, ANN), (48, ANN)]
    lead.misses(ANN, 66)
    lead.looks_until(189, start=66)
    assert lead.rings() == [(10, ANN), (48, ANN)]
    assert lead.notes()[2:] == []
    lead.look(at(190))
    assert lead.kinds("taken_back") == [(190, "taken_back")]


def test_who_asks_to_be_rung_is_rung_again_and_told_again() -> None:
    lead = claimed()
    for second in (28, 66):
        lead.misses(ANN, second)
        lead.looks_until(second + 20, start=second)
    lead.asks_to_be_rung(ANN, 80)
    lead.look(at(80))
    assert lead.rings()[2:] == [(80, ANN)]
    assert lead.ringing()[-1].purpose is Purpose.ASKED
    lead.misses(ANN, 98)
    lead.look(at(98))
    assert lead.notes()[-1] == (98, ANN, "missed_ring")


def test_who_asks_while_their_phone_rings_is_not_rung_twice_at_once() -> None:
    lead = claimed()
    lead.asks_to_be_rung(ANN, 15)
    lead.looks_until(27, start=15)
    assert len(lead.rings()) == 1
    lead.misses(ANN, 28)
    lead.look(at(28))
    assert lead.rings() == [(10, ANN), (28, ANN)]


def test_a_ring_whose_end_nobody_told_is_given_up() -> None:
    lead = claimed()
    lead.looks_until(160, start=10)
    assert lead.kinds("ring_failed") == [(130, "ring_failed")]
    assert lead.rings() == [(10, ANN), (150, ANN)]


@pytest.mark.parametrize("told", [BUSY, UNANSWERED, ABANDONED, talked(12), talked(200)])
def test_a_call_ends_the_ringing_however_it_went(told: CallTold) -> None:
    lead = claimed()
    lead.dials(ANN, 20)
    lead.ends(60, told)
    lead.looks_until(185, start=60)
    assert lead.rings() == [(10, ANN)]
    assert not lead.ringing()
    assert "missed_ring" not in {note for _, _, note in lead.notes()}


def test_a_call_by_another_does_not_end_the_owners_wish_but_contact_does() -> None:
    lead = claimed()
    lead.misses(ANN, 28)
    lead.says(BOB, 30, Ending.NO_ANSWER)
    lead.looks_until(50, start=30)
    assert lead.rings() == [(10, ANN), (48, ANN)]

    reached = claimed()
    reached.misses(ANN, 28)
    reached.says(BOB, 30, Ending.TALKED)
    reached.looks_until(100, start=30)
    assert reached.rings() == [(10, ANN)]


def test_who_calls_through_while_their_phone_rings_is_connected_once() -> None:
    lead = claimed()
    lead.dials(ANN, 15, "through-1")
    lead.look(at(15))
    assert not lead.ringing()
    lead.ends(60, BUSY)
    lead.looks_until(300, start=60)
    assert lead.rings() == [(10, ANN)]
    assert lead.kinds("ring_failed") == []


def test_a_claim_on_a_call_is_held_and_rung_five_seconds_after_it() -> None:
    lead = bridged()
    lead.floor = replace(lead.floor, engaged={ANN: None})
    lead.claims(ANN, 10)
    lead.look(at(10))
    assert (lead.rings(), lead.notes()) == ([], [(10, ANN, "held")])
    lead.floor = replace(lead.floor, engaged={ANN: at(65)})  # hung up at 60
    lead.looks_until(64, start=60)
    assert lead.rings() == []
    lead.looks_until(70, start=64)
    assert lead.rings() == [(65, ANN)]
    assert lead.standing.owner == ANN


def test_a_claim_held_too_long_is_taken_back_under_the_same_deadline() -> None:
    lead = bridged()
    lead.floor = replace(lead.floor, engaged={ANN: None})
    lead.claims(ANN, 10)
    lead.looks_until(190, start=10)
    assert lead.kinds("taken_back") == [(190, "taken_back")]


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        (NEW_YORK, Prospect.NOW),
        (("America/New_York", "America/Chicago"), Prospect.NOW),
        (("America/Los_Angeles",), Prospect.LATER),  # 07:00 there
        (("Asia/Tokyo", "Europe/London", *NEW_YORK), Prospect.NEVER),  # they never meet
        ((), Prospect.NEVER),
        (("America/New_York",) * (ZONES_MAX + 1), Prospect.NEVER),
    ],
)
def test_whether_a_claim_will_be_connected_hangs_on_where_the_lead_may_be(
    zones: tuple[str, ...], expected: Prospect
) -> None:
    lead = bridged(zones=zones)
    assert prospect(ANN, lead.policy, lead.floor, at(0)) is expected


def test_who_cannot_be_connected_is_told_to_dial_themselves() -> None:
    no_number = a_floor(ANN)
    deaf = a_floor(ANN, dial_zones=NEW_YORK, deaf=frozenset({(ANN, Channel.CALL)}))
    for policy, floor in (
        (a_policy(calls=Calls(bridge=False)), a_floor(ANN, dial_zones=NEW_YORK)),
        (a_policy(), no_number),
        (a_policy(), deaf),
    ):
        lead = LeadUnderTest(policy=policy, floor=floor)
        lead.claims(ANN, 10)
        lead.looks_until(100, start=10)
        assert (lead.rings(), lead.notes()) == ([], [(10, ANN, "yours")])


def test_a_lead_that_may_not_be_called_yet_is_kept_and_rung_when_it_may() -> None:
    """Seven in the morning in Los Angeles: the take-back waits for eight."""
    lead = claimed(zones=("America/Los_Angeles",))
    assert lead.notes() == [(10, ANN, "lawful_later")]
    opening = 3600
    lead.looks_until(opening - 1, start=10)
    assert (lead.rings(), lead.standing.owner) == ([], ANN)
    lead.look(at(opening))
    assert lead.rings() == [(opening, ANN)]
    assert lead.owed()[0].due_at == at(opening + 180)


@pytest.mark.parametrize(
    ("zone", "local", "lawful"),
    [
        ("America/New_York", (7, 59, 59), False),
        ("America/New_York", (8, 0, 0), True),
        ("America/New_York", (19, 59, 59), True),
        ("America/New_York", (20, 0, 0), False),
    ],
)
def test_leads_are_dialled_from_eight_to_eight(
    zone: str, local: tuple[int, int, int], lawful: bool
) -> None:
    for day, ahead in ((4, 5), (7, 5), (8, 4)):  # a Wednesday, a Saturday, and into summer time
        now = datetime(2026, 3, day, *local, tzinfo=UTC) + timedelta(hours=ahead)
        assert (dial_from((zone,), now) == now) is lawful


def test_an_owed_call_waits_for_an_hour_that_suits_both_sides() -> None:
    now = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)  # 09:00 in New York, 06:00 in Los Angeles
    both = callable_from(OFFICE, ("America/Los_Angeles",), now)
    assert both == datetime(2026, 3, 4, 16, 0, tzinfo=UTC)
    evening = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)  # 18:30 in New York
    later = callable_from(OFFICE, ("America/Los_Angeles",), evening)
    assert later == datetime(2026, 3, 5, 16, 0, tzinfo=UTC)
    assert callable_from(OFFICE, ("Asia/Tokyo",), now) is None
    assert callable_from(OFFICE, (), now) is None


def test_a_ring_is_wanted_until_somebody_is_on_the_line_or_has_the_lead_instead() -> None:
    lead = claimed()
    rang = next(e.fact for e in lead.timeline if isinstance(e.fact, Rang))
    wanted_until = at(70)
    assert still_wanted(lead.standing, rang, wanted_until, at(11))
    assert not still_wanted(lead.standing, rang, wanted_until, at(70))
    for ends in (Passed(ANN, By.TEXT), Connected(CallId("in-1"), BOB)):
        gone = LeadUnderTest(timeline=lead.timeline, floor=lead.floor)
        gone.happens(at(12), ends)
        assert not still_wanted(gone.standing, rang, wanted_until, at(13))


# A lead that waits on the line


def on_hold(*on_duty: RepId, owner: RepId | None = None, **more: object) -> LeadUnderTest:
    """A lead that calls in at 1000 s, whom ``owner`` has talked with before."""
    lead = bridged(*on_duty, **more)  # type: ignore[arg-type]  # by keyword
    lead.look(at(0))
    if owner is not None:
        lead.claims(owner, 10)
        lead.look(at(10))
        lead.dials(owner, 20)
        lead.ends(240, talked(200))
        lead.look(at(240))
    lead.calls_in(1000)
    lead.look(at(1000))
    return lead


def hunted(lead: LeadUnderTest) -> list[tuple[int, str]]:
    return lead.rings(Purpose.INBOUND)


def test_a_caller_rings_its_owner_alone_first_then_the_free() -> None:
    lead = on_hold(ANN, BOB, CAT, owner=ANN)
    assert hunted(lead) == [(1000, ANN)]
    lead.looks_until(1039, start=1000)
    assert hunted(lead) == [(1000, ANN), (1015, BOB), (1015, CAT)]


def test_an_owner_who_does_not_pick_up_is_not_waited_for() -> None:
    lead = on_hold(ANN, BOB, owner=ANN)
    lead.misses(ANN, 1004, "busy")
    lead.look(at(1004))
    assert hunted(lead) == [(1000, ANN), (1004, BOB)]


@pytest.mark.parametrize("engaged", [True, False])
def test_an_owner_who_cannot_be_called_is_not_rung(engaged: bool) -> None:
    lead = bridged(BOB, CAT) if not engaged else bridged(ANN, BOB, CAT)
    lead.claims(ANN, 10)
    lead.calls(ANN, 20, talked(200), lasts=200)
    if engaged:
        lead.floor = replace(lead.floor, engaged={ANN: None})
    lead.calls_in(1000)
    lead.look(at(1000))
    assert hunted(lead) == [(1000, BOB), (1000, CAT)]


def test_a_lead_nobody_has_rings_three_at_once_and_the_next_when_one_fails() -> None:
    lead = LeadUnderTest(floor=_five())
    lead.look(at(0))
    lead.calls_in(1000)
    lead.look(at(1000))
    assert len(hunted(lead)) == 3
    first = hunted(lead)[0][1]
    lead.misses(RepId(first), 1008)
    lead.looks_until(1039, start=1008)
    assert len(hunted(lead)) == 4
    assert len({rep for _, rep in hunted(lead)}) == 4


def _five() -> Floor:
    floor = a_floor(ANN, BOB, CAT, dial_zones=NEW_YORK)
    dan = replace(floor.people[BOB], id=DAN, name="Dan Lee")
    people = {**floor.people, DAN: dan}
    return replace(floor, people=people, on_duty=(*floor.on_duty, DAN))


def test_a_caller_rings_nobody_beyond_the_limit() -> None:
    lead = on_hold(ANN, owner=ANN)
    lead.misses(ANN, 1020)
    lead.floor = replace(lead.floor, on_duty=(ANN, BOB))
    lead.look(at(1040))
    assert hunted(lead) == [(1000, ANN)]


@pytest.mark.parametrize(
    ("after_hours", "rung"), [(AfterHours.AT_OPENING, False), (AfterHours.PAGE_NOW, True)]
)
def test_nobody_is_woken_by_a_caller_unless_the_team_says_so(
    after_hours: AfterHours, rung: bool
) -> None:
    lead = bridged(policy=a_policy(hours=OFFICE, after_hours=after_hours))
    night = (datetime(2026, 3, 5, 3, 0, tzinfo=UTC) - ARRIVED).total_seconds()
    lead.calls_in(night)
    lead.look(at(night))
    assert bool(hunted(lead)) is rung


def test_the_first_key_has_the_caller_and_nobody_else_is_rung_or_paged() -> None:
    lead = on_hold(ANN, BOB)
    rang = [e.fact for e in lead.timeline if isinstance(e.fact, Rang)]
    lead.happens(at(1006), Connected(CallId("in-1"), BOB))
    standing = lead.standing
    assert (standing.owner, standing.state) == (BOB, State.TALKING)
    pages = len(lead.pages())
    lead.looks_until(3000, start=1006)
    assert len(lead.pages()) == pages
    assert [ring.rep for ring in lead.ringing()] == [ANN]
    other = next(fact for fact in rang if fact.rep == ANN)
    assert not still_wanted(lead.standing, other, at(9000), at(1007))  # so it is cancelled


def test_a_caller_is_not_dropped_when_somebody_takes_the_lead_by_text() -> None:
    lead = on_hold(ANN, BOB)
    lead.happens(at(1004), Claimed(BOB, By.TEXT))
    lead.look(at(1004))
    assert hunted(lead) == [(1000, BOB), (1000, ANN)]
    assert [ring.rep for ring in lead.ringing()] == [BOB, ANN]
    lead.happens(at(1030), CallMissed(CallId("in-1"), 30.0))
    lead.look(at(1030))
    assert lead.rings(Purpose.CLAIM) == [(1030, BOB)]


def test_a_lead_that_waits_on_the_line_is_not_taken_back_meanwhile() -> None:
    lead = claimed()
    lead.calls_in(150)
    lead.looks_until(195, start=150)
    assert lead.standing.owner == ANN
    lead.happens(at(196), CallMissed(CallId("in-1"), 46.0))
    lead.look(at(196))
    assert lead.kinds("taken_back") == [(196, "taken_back")]


def test_a_page_that_was_ordered_is_not_sent_while_the_lead_is_on_the_line() -> None:
    lead = bridged()
    lead.look(at(0))
    page = lead.last_page(ANN)
    assert still_wanted(lead.standing, page, at(300), at(1))
    lead.calls_in(2)
    assert not still_wanted(lead.standing, page, at(300), at(3))


def test_a_missed_caller_is_paged_at_once() -> None:
    lead = on_hold(ANN, BOB)
    lead.misses(ANN, 1018)
    lead.misses(BOB, 1018)
    lead.look(at(1018))
    lead.happens(at(1041), CallMissed(CallId("in-1"), 41.0))
    lead.look(at(1041))
    assert lead.pages()[-1][0] == 1041


def test_nobody_is_left_when_all_who_could_have_failed() -> None:
    lead = on_hold(ANN, BOB)
    (line,) = lines_up(lead.standing, at(1001))

    def left(second: float) -> bool:
        return not nobody_left(lead.standing, lead.policy, lead.floor, line, at(second))

    assert left(1001)
    lead.misses(ANN, 1010)
    assert left(1010)
    lead.misses(BOB, 1011)
    assert not left(1011)
    assert not left(1040)


def test_a_call_whose_end_nobody_told_holds_nothing_up_for_ever() -> None:
    waiting = on_hold(ANN, BOB)
    over_s = 1000 + CALLER_MAX.total_seconds()
    waiting.looks_until(over_s, start=1000)
    assert waiting.kinds("call_missed") == [(round(over_s), "call_missed")]
    assert waiting.pages()[-1][0] == over_s

    talking = claimed()
    talking.dials(ANN, 20)
    over_s = 20 + CALL_MAX.total_seconds()
    talking.looks_until(over_s, start=20)
    kinds = ("attempted", "abandoned", "taken_back")
    assert talking.kinds(*kinds) == [(round(over_s), kind) for kind in kinds]
    assert talking.standing.lines == ()


def test_who_passes_a_lead_while_on_the_line_with_it_does_not_get_it_back() -> None:
    lead = claimed()
    lead.dials(ANN, 20)
    lead.happens(at(60), Passed(ANN, By.TEXT))
    lead.ends(240, talked(200))
    assert (lead.standing.owner, lead.standing.state) == (None, State.WAITING)
    assert lead.standing.first_contact_at is not None
    lead.look(at(240))
    assert lead.standing.owner is None
    assert (240, BOB) in [page[:2] for page in lead.pages()]


def test_a_call_in_vain_by_who_passed_meanwhile_leaves_the_lead_waiting() -> None:
    lead = claimed()
    lead.dials(ANN, 20)
    lead.happens(at(30), Passed(ANN, By.TEXT))
    lead.ends(40, BUSY)
    assert (lead.standing.owner, lead.standing.state) == (None, State.WAITING)
    lead.look(at(40))
    assert lead.pages()[-1][:2] == (40, BOB)


def test_a_rep_on_a_call_is_paged_by_text_where_the_ladder_would_call() -> None:
    lead = bridged()
    lead.look(at(0))
    lead.floor = replace(lead.floor, engaged={ANN: None})
    lead.looks_until(60)
    assert lead.pages() == [(0, ANN, "text", 1), (45, ANN, "text", 2)]


def test_a_manager_who_has_the_lead_is_rung_though_not_on_duty() -> None:
    lead = on_hold(BOB, owner=MIA)
    assert hunted(lead) == [(1000, MIA)]


def test_nobody_is_rung_for_a_caller_who_is_asked_for_a_message() -> None:
    lead = on_hold(ANN)
    (ring,) = [e.fact for e in lead.timeline if isinstance(e.fact, Rang)]
    lead.happens(at(1010), WentToVoicemail(CallId("in-1")))
    lead.floor = replace(lead.floor, on_duty=(ANN, BOB, CAT))
    pages = len(lead.pages())
    lead.looks_until(1039, start=1010)
    assert hunted(lead) == [(1000, ANN)]
    assert not still_wanted(lead.standing, ring, at(1040), at(1011))
    (line,) = lines_up(lead.standing, at(1011))
    assert nobody_left(lead.standing, lead.policy, lead.floor, line, at(1011))
    assert len(lead.pages()) == pages  # they are on the line still


def test_who_calls_again_before_their_end_is_told_rings_anew() -> None:
    lead = on_hold(ANN, BOB)
    rang = [e.fact for e in lead.timeline if isinstance(e.fact, Rang)]
    lead.calls_in(1010, "in-2")
    first, again = lines_up(lead.standing, at(1010))
    assert not nobody_left(lead.standing, lead.policy, lead.floor, again, at(1010))
    assert not any(still_wanted(lead.standing, ring, at(1040), at(1010)) for ring in rang)
    lead.look(at(1010))
    assert [ring.call_id for ring in lead.ringing()][-2:] == ["in-2", "in-2"]
    lead.happens(at(1012), CallMissed(first.call_id, 9.0, short=True))
    lead.look(at(1012))
    assert len(hunted(lead)) == 4


def test_who_pressed_the_key_too_late_is_told_nothing_more_and_rung_twice_when_it_may_be() -> None:
    lead = claimed()
    lead.misses(ANN, 28, LATER)
    lead.look(at(28))
    assert "missed_ring" not in {note for _, _, note in lead.notes()}
    lead.look(at(48))
    lead.misses(ANN, 66)
    lead.looks_until(90, start=66)
    assert lead.notes()[-1] == (66, ANN, "missed_ring")
    assert len(lead.rings()) == 3


@pytest.mark.parametrize(("attempts", "longest_s"), [(0, 40), (1, 40), (2, 25), (5, 25)])
def test_a_voicemail_may_answer_the_first_two_attempts_only(attempts: int, longest_s: int) -> None:
    assert rings_lead_s(a_policy(), attempts) == longest_s
    short = a_policy(calls=Calls(ring_lead_s=20))
    assert rings_lead_s(short, attempts) == 20
