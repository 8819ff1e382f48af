"""Rep and lead connected by one key: every branch of a call, told in every order, on a real ledger.

What a call means is tested in ``rules``; here it is that each telling is heard once, in its
transaction, and that nothing lasts for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from service.desk.calls.bridge import hear_bridge_key, whisper
from service.ledger.engine import Ledger
from service.phone.call_callbacks import Keyed
from service.phone.line import NotFound, Unknown
from service.rules.calls import CALL_MAX, AnsweredBy
from service.rules.lead import CallId
from service.rules.standing import State
from service.rules.timeline import Channel
from tests.rooms.bridge_world import (
    BEEP,
    HUMAN,
    UNKNOWN,
    AskedLine,
    Bridge,
    is_engaged,
    ringing,
    rung,
)
from tests.rooms.callers_world import DANA, Phones
from tests.rooms.desk_world import ANN, BOB, World, heard


@pytest.fixture
def world(fresh_ledger: Ledger) -> Iterator[World]:
    yield World(fresh_ledger, bridges=True)


@pytest.fixture
def bridge(world: World) -> Bridge:
    """Ann took Dana, and her phone rings."""
    return rung(world)


@pytest.fixture
def dialled(bridge: Bridge) -> Bridge:
    """Ann has pressed 1, and Dana is dialled."""
    assert "<Dial" in bridge.presses("1")
    return bridge


# The rep's leg


def test_a_claim_rings_whispers_and_dials_on_one_key(world: World, bridge: Bridge) -> None:
    assert bridge.ring.row.to_number == ANN
    assert bridge.ring.row.call_id == bridge.id
    assert "Dana Fox" in bridge.whispers()
    assert "Press 1" in bridge.whispers()
    document = bridge.presses("1")
    assert "<Number" in document
    assert world.row(bridge.lead).state == State.TALKING
    assert is_engaged(world, "ann")
    assert bridge.row.dialled_at == world.clock.now()
    assert (bridge.row.to_number or "nobody") in document
    # Another delivery of the key gets the same document, and dials nobody anew.
    assert bridge.presses("1") == document
    assert len(world.facts(bridge.lead, "dialled")) == 1


def test_a_wrong_key_is_asked_for_again_and_not_for_ever(bridge: Bridge) -> None:
    assert "Dana Fox" in bridge.presses("7")
    assert "wrong=1" in bridge.presses("7")
    assert "wrong=2" in bridge.presses("7", 1)
    assert heard(bridge.presses("7", 2)) == "Hangup"
    assert bridge.row.dialled_at is None


def test_a_pass_in_the_whisper_gives_the_lead_back(world: World, bridge: Bridge) -> None:
    assert "Passed" in bridge.presses("2")
    assert world.standing(bridge.lead).owner is None
    bridge.rep_leg("completed")
    assert world.facts(bridge.lead, "ring_failed") == []
    assert [page.row.to_number for page in world.pages(bridge.lead)] == [BOB]
    assert not is_engaged(world, "ann")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("busy", "busy"),
        ("no-answer", "no_answer"),
        ("failed", "failed"),
        ("completed", "no_key"),  # a voicemail picked up, or they hung up in the whisper
    ],
)
def test_a_ring_that_came_to_nothing_is_told_and_tried_once_more(
    world: World, bridge: Bridge, status: str, reason: str
) -> None:
    bridge.rep_leg("ringing")
    bridge.rep_leg(status)
    bridge.rep_leg(status)
    assert [fact["reason"] for fact in world.facts(bridge.lead, "ring_failed")] == [reason]
    (note,) = world.pages(bridge.lead)
    missed = "We could not ring you." if status == "failed" else "Missed you."
    assert f"{missed} 1 ring again, 2 pass" in note.row.body
    world.clock.moves(20)
    again = ringing(world, bridge.lead)
    assert again.id != bridge.id
    again.rep_leg("no-answer")
    world.clock.moves(60)
    assert world.pages(bridge.lead) == []  # two rings; then the take-back decides
    world.clock.moves(180)
    world.pages(bridge.lead)
    assert world.facts(bridge.lead, "taken_back") != []
    assert world.standing(bridge.lead).attempts == 0


def test_only_one_of_two_who_claim_at_once_is_connected(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(120)
    world.pages(lead)  # and Bob
    world.texts(ANN, "1")
    world.texts(BOB, "1")
    orders = world.pages(lead)
    assert [each.row.to_number for each in orders if each.row.kind == "bridge_call"] == [ANN]
    ann = Bridge(
        world, lead, next(o for o in orders if o.row.kind == "bridge_call"), "CA-a", "CA-b"
    )
    # Taken back and taken by Bob while her phone rang: she hears who has it.
    world.texts(ANN, "2")
    world.texts(BOB, "1")
    assert "Bob Ray has it already" in ann.presses("1")
    assert heard(ann.whispers()).startswith("Bob Ray has it already")
    assert world.facts(lead, "dialled") == []


def test_who_lets_it_ring_until_it_is_taken_back_still_takes_it_by_key(
    world: World, bridge: Bridge
) -> None:
    world.clock.moves(181)
    world.looks(bridge.lead)
    assert world.standing(bridge.lead).owner is None
    assert "<Dial" in bridge.presses("1")
    assert world.standing(bridge.lead).owner == "ann"


def test_nobody_is_dialled_outside_eight_to_twenty(world: World) -> None:
    world.clock.at = datetime(2026, 3, 4, 0, 59, 30, tzinfo=UTC)  # 19:59:30 in New York
    bridge = rung(world)
    world.clock.moves(60)
    said = bridge.presses("1")
    assert "<Dial" not in said
    assert "08:00" in said
    assert world.facts(bridge.lead, "dialled") == []
    assert bridge.last("ring_failed")["reason"] == "later"
    bridge.rep_leg("completed")
    assert len(world.facts(bridge.lead, "ring_failed")) == 1
    assert not is_engaged(world, "ann")


def test_a_lead_in_a_later_zone_waits_for_its_own_morning(world: World) -> None:
    world.clock.at = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)  # 09:00 in New York, 06:00 there
    lead = world.asks("Dana Fox", "+12135550142")  # Los Angeles
    world.pages(lead)
    world.texts(ANN, "1")
    assert [each.row.kind for each in world.pages(lead)] == ["note_text"]
    world.clock.at = datetime(2026, 3, 4, 16, 0, tzinfo=UTC)
    assert ringing(world, lead).ring.row.to_number == ANN


def test_a_claim_made_on_a_call_is_held_until_five_seconds_after_it(
    world: World, dialled: Bridge
) -> None:
    second = world.asks("Eve Hill")
    world.pages(second)
    world.texts(ANN, "1")
    (note,) = [each for each in world.pages(second) if each.row.to_number == ANN]
    assert note.row.kind == "note_text"
    dialled.leg("completed", 130)
    dialled.verdict(HUMAN)
    dialled.done(bridged_s=130)
    dialled.rep_leg("completed")
    world.looks(second)
    assert world.row(second).look_again_at == world.clock.now() + timedelta(seconds=5)
    assert world.sends_all() == []
    world.clock.moves(5)
    assert ringing(world, second).ring.row.to_number == ANN
    assert not is_engaged(world, "ann")


# A page by voice


def test_one_key_on_a_page_takes_and_dials(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(45)
    (call,) = world.pages(lead)
    assert call.row.channel is Channel.CALL
    world.picks_up(call, "CA1")
    assert world.presses(call, "1") == "Dial"
    assert world.presses(call, "1") == "Dial"
    assert world.kinds(lead)[-3:] == ["page_delivered", "claimed", "dialled"]
    assert is_engaged(world, "ann")
    world.call_status(call, "completed")
    world.looks(lead)
    assert world.facts(lead, "ring_failed") == []


def test_a_page_that_still_rings_is_ended_when_somebody_takes_the_lead(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(45)
    (call,) = world.pages(lead)
    world.call_status(call, "ringing")
    world.texts(ANN, "1")
    # Accepted, that frees her phone for the call that connects her: nothing more may be told of it.
    kinds = [each.row.kind for each in world.pages(lead)]
    assert kinds == ["hang_up", "bridge_call", "note_text"]
    known = world.kinds(lead)
    world.call_status(call, "canceled")
    world.call_status(call, "completed")
    assert world.kinds(lead) == known
    assert world.facts(lead, "page_failed") == []  # we ended it: that says nothing of the phone


def test_a_page_that_begins_to_ring_after_the_claim_is_ended_too(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(45)
    (call,) = world.pages(lead)
    world.picks_up(call, "CAx")
    world.texts(ANN, "1")
    assert [each.row.kind for each in world.pages(lead) if each.row.kind == "hang_up"] == []
    world.woken.clear()
    world.call_status(call, "ringing")  # late: they have picked up
    assert world.woken == []


def test_a_busy_line_ends_the_rung_at_once(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(45)
    (call,) = world.pages(lead)
    world.call_status(call, "busy")
    assert len(world.facts(lead, "page_failed")) == 1
    assert {each.row.to_number for each in world.pages(lead)} >= {BOB}


# What the carrier tells of the lead's leg


Tell = Callable[[Bridge], object]


def human(bridge: Bridge, seconds: float) -> list[Tell]:
    return [
        lambda b: b.leg("ringing", after_s=1),
        lambda b: b.leg("in-progress", after_s=5),
        lambda b: b.verdict(HUMAN),
        lambda b: b.leg("completed", seconds, after_s=5 + seconds),
        lambda b: b.done(bridged_s=seconds),
    ]


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (3, 4, 0, 2, 1)])
def test_a_human_for_two_minutes_is_contact_in_any_order(
    world: World, dialled: Bridge, order: tuple[int, ...]
) -> None:
    dialled_at = world.clock.now()
    world.clock.moves(140)
    told = human(dialled, 130)
    for index in order:
        told[index](dialled)
        told[index](dialled)
    assert world.standing(dialled.lead).state is State.FOLLOWING
    (attempt,) = world.facts(dialled.lead, "attempted")
    assert attempt["evidence"] == "A"
    assert attempt["bridged_s"] == 130
    (event,) = [e for e in world.timeline(dialled.lead) if e.kind == "contacted"]
    assert dialled_at <= event.at <= dialled_at + timedelta(seconds=10)
    assert dialled.row.settled_at == world.clock.now()


def test_the_digit_after_hang_up_says_how_it_went(world: World, dialled: Bridge) -> None:
    world.clock.moves(60)
    dialled.verdict(HUMAN)
    dialled.leg("completed", 45)
    document = dialled.done(bridged_s=45)
    assert "<Gather" in document
    assert "<Gather" in dialled.says("1")
    assert heard(dialled.says("2", 1)) == "Hangup"
    assert "Logged: booked" in dialled.says("7")
    assert "Logged: booked" in dialled.says("7")
    kinds = world.kinds(dialled.lead)
    assert kinds.count("outcome") == kinds.count("contacted") == kinds.count("attempted") == 1
    assert world.standing(dialled.lead).state is State.SETTLED


def test_a_short_answer_is_no_contact_and_owes_the_second_call(
    world: World, dialled: Bridge
) -> None:
    dialled.verdict(HUMAN)
    world.clock.moves(12)
    assert "<Gather" in dialled.done(bridged_s=8)
    dialled.rep_leg("completed")
    assert "short_answer" in world.kinds(dialled.lead)
    assert "contacted" not in world.kinds(dialled.lead)
    world.clock.moves(20)
    (note,) = world.pages(dialled.lead)
    assert "How did it go" in note.row.body
    world.clock.moves(300)
    world.pages(dialled.lead)
    assert world.facts(dialled.lead, "owed")[-1]["kind"] == "second_call"


def test_a_voicemail_with_a_beep_is_proved_by_the_time_stayed(
    world: World, dialled: Bridge
) -> None:
    world.clock.moves(40)
    dialled.done(bridged_s=34)
    assert world.facts(dialled.lead, "attempted") == []
    dialled.verdict(BEEP, 12.0)
    assert dialled.last("voicemail_left") == {
        "evidence": "A",
        "rep": "ann",
        "call_id": dialled.id,
        "seconds": 22.0,
    }
    assert "contacted" not in world.kinds(dialled.lead)


@pytest.mark.parametrize(("status", "ended"), [("busy", "busy"), ("no-answer", "no_answer")])
def test_an_unanswered_call_owes_the_next(
    world: World, dialled: Bridge, status: str, ended: str
) -> None:
    world.clock.moves(30)
    dialled.leg(status)
    assert "could not be reached" in dialled.done(status)
    assert world.facts(dialled.lead, "attempted")[0]["ended"] == ended
    assert world.standing(dialled.lead).state is State.CHASING
    world.looks(dialled.lead)
    assert world.facts(dialled.lead, "owed")[-1]["kind"] == "second_call"


@pytest.mark.parametrize(("rang_s", "kind"), [(6, "abandoned"), (20, "no_answer")])
def test_who_hangs_up_while_it_rings_has_tried_only_after_fifteen_seconds(
    world: World, dialled: Bridge, rang_s: int, kind: str
) -> None:
    dialled.leg("ringing", after_s=0)
    world.clock.moves(rang_s)
    dialled.done("no-answer", call_over=True)
    dialled.leg("canceled", after_s=rang_s)
    assert kind in world.kinds(dialled.lead)
    assert world.standing(dialled.lead).attempts == (1 if kind == "no_answer" else 0)
    rests = State.CLAIMED if kind == "abandoned" else State.CHASING
    assert world.standing(dialled.lead).state is rests


def test_a_late_verdict_is_waited_for_and_then_asked_for(world: World, dialled: Bridge) -> None:
    world.clock.moves(50)
    dialled.leg("completed", 45)
    dialled.done(bridged_s=45)
    assert world.facts(dialled.lead, "attempted") == []
    world.clock.moves(9)
    dialled.verdict(HUMAN)
    assert dialled.last("contacted")["evidence"] == "A"


def test_without_a_verdict_only_the_rep_can_say(world: World, dialled: Bridge) -> None:
    world.clock.moves(50)
    dialled.leg("completed", 45)
    dialled.done(bridged_s=45)
    line = AskedLine((dialled.leg_status("completed", 45),))
    assert dialled.asks(line) == 0
    world.clock.moves(10)
    assert dialled.asks(line) == 1
    assert world.facts(dialled.lead, "attempted")[0]["asks"] is True
    assert "contacted" not in world.kinds(dialled.lead)
    dialled.verdict(HUMAN)  # after all: what is settled stays
    assert "contacted" not in world.kinds(dialled.lead)
    assert "Logged: talked" in dialled.says("3")
    assert dialled.last("contacted")["evidence"] == "B"


# Callbacks that never come


def test_a_call_whose_callbacks_are_lost_is_found_by_asking(world: World, dialled: Bridge) -> None:
    line = AskedLine((dialled.leg_status("in-progress"),))
    world.clock.moves(120)
    assert dialled.asks(line) == 1
    assert world.row(dialled.lead).state == State.TALKING
    assert is_engaged(world, "ann")
    world.clock.moves(60)
    line.legs = (dialled.leg_status("completed", 150),)
    dialled.asks(line)
    world.clock.moves(10)
    dialled.asks(line)
    (attempt,) = world.facts(dialled.lead, "attempted")
    assert attempt["ended"] == "answered"
    assert attempt["asks"] is True  # nobody told who listened
    assert world.standing(dialled.lead).state is State.CHASING
    world.clock.moves(6)
    assert not is_engaged(world, "ann")


def test_a_key_after_which_nothing_was_dialled_is_no_attempt(world: World, dialled: Bridge) -> None:
    world.clock.moves(2)
    dialled.rep_leg("completed")  # they hung up as they pressed
    world.clock.moves(10)
    assert dialled.asks(AskedLine((), "completed")) == 1
    assert "abandoned" in world.kinds(dialled.lead)
    assert world.standing(dialled.lead).attempts == 0
    assert world.standing(dialled.lead).state is State.CLAIMED


@pytest.mark.parametrize("answer", [Unknown("timeout"), NotFound()])
def test_a_lead_never_stays_on_the_line_for_ever(
    world: World, dialled: Bridge, answer: Unknown | NotFound
) -> None:
    line = AskedLine(answer)
    end = world.clock.now() + CALL_MAX + timedelta(minutes=11)
    while dialled.row.settled_at is None and world.clock.now() < end:
        world.clock.moves(600)
        dialled.asks(line)
    assert dialled.row.settled_at is not None
    assert line.asked < 60
    assert world.standing(dialled.lead).state is State.CLAIMED
    assert world.standing(dialled.lead).attempts == 0


def test_a_ring_whose_key_nobody_pressed_is_kept_no_longer(world: World, bridge: Bridge) -> None:
    world.clock.moves(300)
    assert bridge.asks(AskedLine()) == 1
    assert bridge.row.settled_at is not None
    assert world.facts(bridge.lead, "attempted") == []


def test_what_is_told_of_no_call_of_ours_changes_nothing(world: World, bridge: Bridge) -> None:
    before = world.kinds(bridge.lead)
    bridge.leg("completed", 300)  # it was never dialled
    bridge.verdict(HUMAN)
    assert heard(bridge.done(bridged_s=300)) == "Hangup"
    assert heard(bridge.says("7")) == "Hangup"
    assert world.kinds(bridge.lead) == before


def test_another_leg_than_the_calls_own_proves_nothing(world: World, dialled: Bridge) -> None:
    dialled.leg("ringing")
    own, dialled.lead_sid = dialled.lead_sid, "CA-of-somebody-else"
    dialled.leg("completed", 300)
    dialled.verdict(HUMAN)
    dialled.lead_sid = own
    assert dialled.row.told.ended is None
    assert dialled.row.told.answered_by is not AnsweredBy.HUMAN
    dialled.verdict(UNKNOWN)
    assert dialled.row.told.answered_by is UNKNOWN


def test_two_deliveries_of_one_key_at_one_instant_are_one_key(world: World, bridge: Bridge) -> None:
    gate = Barrier(2)

    def presses() -> str:
        gate.wait(30)
        return bridge.presses("1")

    with ThreadPoolExecutor(2) as both:
        first, second = [each.result(30) for each in (both.submit(presses), both.submit(presses))]
    assert first == second
    assert len(world.facts(bridge.lead, "dialled")) == 1


# A lead that makes itself heard


@pytest.fixture
def phones(fresh_ledger: Ledger) -> Phones:
    return Phones(fresh_ledger)


def test_who_presses_while_the_lead_calls_us_hears_so(phones: Phones) -> None:
    made = rung(phones, phone=DANA)
    phones.is_called(DANA)
    words = "They are calling us right now. Goodbye."
    assert heard(made.whispers()) == words
    assert heard(made.presses("1")) == words
    assert phones.facts(made.lead, "dialled") == []
    assert made.last("ring_failed")["reason"] == "taken"


def test_a_message_and_the_call_that_is_owed_are_heard_in_the_whisper(phones: Phones) -> None:
    caller = phones.is_called(DANA)
    phones.clock.moves(40)
    caller.waits()
    caller.left("leave", 40)
    caller.transcript(caller.recording(9), "It is about the barn, please call")
    phones.looks(caller.lead)
    phones.sends_all()
    phones.texts(ANN, "1")
    phones.looks(caller.lead)
    (ring,) = [each for each in phones.sends_all() if each.row.kind == "bridge_call"]
    whispered = heard(whisper(phones.desk, CallId(ring.row.id), "CA1"))
    assert whispered.startswith("Voicemail of 9 seconds: ")
    assert "says: It is about the barn, please call" in whispered
    # She presses nothing. They call again, and whoever is rung for them hears the same.
    phones.call_status(ring, "completed")
    again = phones.is_called(DANA)
    (leg,) = again.rings().values()
    heard_now = heard(leg.picks_up())
    assert heard_now.startswith("Voicemail of 9 seconds. On the line: ")
    assert "says: It is about the barn, please call" in heard_now


def test_the_second_call_says_that_it_is_the_second(world: World, dialled: Bridge) -> None:
    world.clock.moves(30)
    dialled.leg("busy")
    dialled.done("busy")
    dialled.rep_leg("completed")
    world.clock.moves(1800)
    world.pages(dialled.lead)
    world.texts(ANN, "1")
    assert heard(ringing(world, dialled.lead).whispers()).startswith("2nd call owed: Dana Fox")


# What was told in another order, or not at all


def test_how_long_it_rang_is_known_though_the_ringing_is_told_last(
    world: World, dialled: Bridge
) -> None:
    world.clock.moves(20)
    dialled.done("no-answer", call_over=True)
    dialled.leg("canceled", after_s=20)
    dialled.leg("ringing", after_s=0)
    assert "no_answer" in world.kinds(dialled.lead)
    assert dialled.row.told.rang_s == 20.0


def test_a_bridge_that_nobody_told_of_is_contact_only_by_the_reps_digit(
    world: World, dialled: Bridge
) -> None:
    dialled.verdict(HUMAN)
    world.clock.moves(200)
    line = AskedLine((dialled.leg_status("completed", 190),))
    dialled.asks(line)
    world.clock.moves(10)
    dialled.asks(line)
    (attempt,) = world.facts(dialled.lead, "attempted")
    assert (attempt["asks"], attempt["bridged_s"]) == (True, 190.0)
    assert "contacted" not in world.kinds(dialled.lead)
    world.texts(ANN, "3")
    assert dialled.last("contacted")["evidence"] == "B"


def test_a_rep_is_free_again_though_nobody_tells_that_their_leg_has_ended(
    world: World, dialled: Bridge
) -> None:
    dialled.verdict(HUMAN)
    world.clock.moves(45)
    assert "<Gather" in dialled.done(bridged_s=40)
    assert is_engaged(world, "ann")  # they are asked how it went
    world.clock.moves(20)
    assert not is_engaged(world, "ann")


def test_who_hangs_up_instead_of_answering_is_free_sooner(world: World, dialled: Bridge) -> None:
    dialled.verdict(HUMAN)
    world.clock.moves(45)
    dialled.done(bridged_s=40)
    dialled.rep_leg("completed")
    world.clock.moves(5)
    assert not is_engaged(world, "ann")


def test_a_settled_call_keeps_nobody_engaged_whose_own_leg_nobody_asks_about(
    world: World, dialled: Bridge
) -> None:
    """The end of the dialling is lost, and the call was settled without it."""
    dialled.leg("busy")
    assert dialled.row.settled_at is not None
    world.clock.moves(20)
    assert not is_engaged(world, "ann")


def test_the_key_of_a_callers_call_is_none_of_a_bridges(phones: Phones) -> None:
    caller = phones.is_called(DANA)
    key = Keyed("bridge", caller.id, "CA1", "1")
    assert "closed" in heard(hear_bridge_key(phones.desk, key))
    assert caller.facts("dialled") == []
