"""The desk over a real ledger: what happens goes in, what must go out comes of it, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import text

from service.desk.attend import attend
from service.desk.hear_text import hear_text
from service.desk.present import floor_left_behind, floor_moves, load_team
from service.desk.reach import opted_out
from service.desk.record import hold, numbered, persistently, record
from service.desk.settling import settle
from service.desk.take_in import TakenIn
from service.desk.taking import Taking
from service.errors import LeadBusy
from service.ledger import counts, inbound, outbox, people
from service.ledger.engine import Ledger
from service.ledger.outbox_rows import OutboxRow
from service.phone.callbacks import InboundText
from service.phone.line import Accepted, Busy, NotFound, Rejected, Unknown
from service.rules.lead import RepId
from service.rules.timeline import By, Channel, Claimed, Excluded, Fact, Outcome, Settled
from service.team.file import parse_team
from tests.rooms.desk_world import ANN, BOB, LINKS, MIA, TEAM, World
from tests.rooms.ledger_world import Beside, await_blocked


@pytest.fixture
def world(fresh_ledger: Ledger) -> Iterator[World]:
    yield World(fresh_ledger)


# A lead comes in


def test_a_lead_is_stored_woken_paged_and_claimed(world: World) -> None:
    lead = world.asks("Dana Fox", ask="solar for my roof")
    assert world.woken == [lead.lead_id]
    (page,) = world.pages(lead)
    assert page.row.to_number == ANN
    words = "10:00 LEAD Dana Fox: solar for my roof. website. 1 take 2 pass"
    assert page.row.body == f"{words} {LINKS.link_for(page.row.id)}"
    world.texts(ANN, "1")
    (note,) = world.pages(lead)
    assert note.row.to_number == ANN
    assert "+1" in note.row.body
    assert "Dana Fox is yours" in note.row.body
    assert world.standing(lead).owner == "ann"
    assert world.kinds(lead) == ["arrived", "paged", "page_sent", "claimed", "owed", "told"]


def test_a_redelivery_and_a_double_submit_are_the_same_lead(world: World) -> None:
    lead = world.asks("Dana", "+16465550001", key="abc")
    again = world.asks("Dana", "+16465550002", key="abc")
    double = world.asks("Dana", "+16465550001")
    assert (again.lead_id, again.duplicate) == (lead.lead_id, True)
    assert (double.lead_id, double.duplicate) == (lead.lead_id, True)
    assert len(world.pages(lead)) == 1


def test_asking_again_while_nobody_has_called_is_merged_and_paged_once(world: World) -> None:
    lead = world.asks("Dana", "+16465550001", ask="solar")
    world.pages(lead)
    world.clock.moves(660)
    again = world.asks("Dana Fox", "+16465550001", ask="please call", email="d@example.com")
    assert (again.lead_id, again.duplicate) == (lead.lead_id, True)
    assert "asked_again" in world.kinds(lead)
    (page, *_rest) = world.pages(lead)
    assert "LEAD AGAIN" in page.row.body
    assert "solar" in page.row.body


def test_a_settled_lead_that_asks_again_the_same_day_is_opened_and_paged(world: World) -> None:
    lead = world.asks("Dana", "+16465550001")
    world.pages(lead)
    world.texts(ANN, "1")
    world.pages(lead)
    world.texts(ANN, "7")
    world.pages(lead)
    assert world.standing(lead).state == "settled"
    world.clock.moves(3600)
    again = world.asks("Dana", "+16465550001")
    assert again.lead_id == lead.lead_id
    (page,) = world.pages(lead)
    assert "1 take" in page.row.body


def test_the_same_person_long_after_contact_is_a_new_lead(world: World) -> None:
    lead = world.asks("Dana", "+16465550001")
    world.pages(lead)
    world.texts(ANN, "1")
    world.texts(ANN, "3")
    world.clock.moves(25 * 3600)
    assert not world.asks("Dana", "+16465550001").duplicate


def test_a_lead_without_a_usable_phone_is_paged_and_says_so(world: World) -> None:
    lead = world.asks("Dana", "none", email="d@example.com")
    (page,) = world.pages(lead)
    assert page.row.to_number == ANN


@pytest.mark.parametrize(
    ("ending", "same_lead"), [(Settled("booked"), True), (Excluded("not_a_lead"), False)]
)
def test_a_lead_that_is_closed_while_its_person_asks_again_is_paged_unless_it_is_none(
    world: World, ending: Fact, same_lead: bool
) -> None:
    lead = world.asks("Dana", "+16465550001")
    world.pages(lead)
    world.clock.moves(1200)
    now = world.clock.now()
    with world.ledger.transaction() as conn:
        held = hold(conn, lead.lead_id)
        assert held is not None
        again = Beside(lambda: world.asks("Dana", "+16465550001"))
        await_blocked(world.ledger)
        facts = [Claimed(RepId("ann"), By.TEXT), ending]
        events = numbered(held, facts, at=now, now=now, because="a test says so", actor="test")
        record(conn, held, events)
    taken: TakenIn = again.ended()
    assert (taken.lead_id == lead.lead_id) is same_lead
    # What is no lead disturbs nobody again.
    assert any("1 take" in page.row.body for page in world.pages(taken)) is same_lead


# Claims, races, passes


def test_the_second_claimer_is_told_who_has_it(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(120)
    world.pages(lead)  # everyone else on duty: Bob
    world.texts(ANN, "1")
    world.texts(BOB, "1")
    notes = {each.row.to_number: each.row.body for each in world.pages(lead)}
    assert "is yours" in notes[ANN]
    assert notes[BOB] == "Ann Lee has Dana Fox."


def test_the_same_text_twice_claims_once(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.texts(ANN, "1", sid="SM1")
    world.texts(ANN, "1", sid="SM1")
    assert world.kinds(lead).count("claimed") == 1


def test_the_owner_who_says_one_again_is_told_again_and_two_gives_the_lead_back(
    world: World,
) -> None:
    lead = world.asks()
    world.pages(lead)
    world.texts(ANN, "1")
    world.pages(lead)
    world.texts(ANN, "1")
    (again,) = world.sends_all()
    assert "is yours" in again.row.body
    world.texts(ANN, "2")
    sent = {each.row.to_number: each.row.body for each in world.pages(lead)}
    assert "Passed" in sent[ANN]
    assert "LEAD Dana Fox" in sent[BOB]


def test_a_pass_pages_the_next_rep(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.texts(ANN, "2")
    sent = {each.row.to_number: each.row.body for each in world.pages(lead)}
    assert "Passed" in sent[ANN]
    assert "LEAD Dana Fox" in sent[BOB]


def test_a_bare_digit_that_fits_two_leads_changes_nothing_and_lists_them(world: World) -> None:
    one, two = world.asks("Dana Fox"), world.asks("Eve Hill")
    world.pages(one)
    (second,) = world.pages(two)
    assert "1B take 2B pass" in second.row.body
    world.clock.moves(10)
    world.texts(ANN, "1")
    (listed,) = world.sends_all()
    assert "Dana Fox" in listed.row.body
    assert "Eve Hill" in listed.row.body
    assert world.standing(one).owner is None
    world.texts(ANN, "1b")
    assert world.standing(two).owner == "ann"
    world.texts(ANN, "1")
    assert world.standing(one).owner == "ann"


def test_a_late_claim_by_somebody_nobody_paged_last_still_claims(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    for seconds in (45, 75, 180):
        world.clock.moves(seconds)
        world.pages(lead)
    world.texts(MIA, "1")
    assert world.standing(lead).owner == "mia"


def test_a_claim_without_a_call_is_taken_back_and_the_next_rep_paged(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.texts(ANN, "1")
    world.pages(lead)
    world.clock.moves(180)
    sent = {each.row.to_number: each.row.body for each in world.pages(lead)}
    assert "LEAD Dana Fox" in sent[BOB]
    assert "No call logged" in sent[ANN]
    world.texts(ANN, "1")
    assert world.standing(lead).owner == "ann"


def test_outcomes_by_digit(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.texts(ANN, "1")
    world.pages(lead)
    world.texts(ANN, "5")
    (note,) = world.pages(lead)
    assert note.row.body == "Logged: Dana Fox, no answer."
    kinds = world.kinds(lead)
    assert kinds[-6:] == ["attempted", "no_answer", "outcome", "owed", "owed_met", "told"]
    assert world.row(lead).state == "chasing"


def taken_back_from_ann(world: World, *, then_bob: bool) -> TakenIn:
    """Ann talks for longer than her claim is good for; perhaps Bob has the lead by then."""
    lead = world.asks()
    world.pages(lead)
    world.texts(ANN, "1")
    world.pages(lead)
    world.clock.moves(180)
    world.pages(lead)
    if then_bob:
        world.clock.moves(10)
        world.texts(BOB, "1")
        world.pages(lead)
    return lead


@pytest.mark.parametrize("body", ["3", "3A"])
def test_a_call_that_outlasted_its_claim_counts_and_ends_nothing(world: World, body: str) -> None:
    lead = taken_back_from_ann(world, then_bob=True)
    world.clock.moves(5)
    world.texts(ANN, body)
    standing = world.standing(lead)
    assert (standing.owner, standing.attempts, standing.outcome) == ("bob", 1, None)
    (tried,) = world.facts(lead, "attempted")
    assert (tried["rep"], tried["evidence"]) == ("ann", "C")
    assert world.kinds(lead)[-3:] == ["attempted", "contacted", "claim_lost"]
    (told,) = world.pages(lead)
    assert (told.row.to_number, told.row.body) == (ANN, "Bob Ray has Dana Fox.")


def test_a_call_in_vain_leaves_the_new_owners_promise(world: World) -> None:
    lead = taken_back_from_ann(world, then_bob=True)
    world.texts(ANN, "5")
    assert world.row(lead).state == "claimed"
    world.clock.moves(180)
    world.pages(lead)
    assert world.kinds(lead).count("taken_back") == 2


def test_a_call_that_outlasted_its_claim_takes_a_lead_that_nobody_has(world: World) -> None:
    lead = taken_back_from_ann(world, then_bob=False)
    world.texts(ANN, "3")
    assert (world.standing(lead).owner, world.row(lead).state) == ("ann", "following")


def test_a_team_without_texts_answers_none(fresh_ledger: Ledger) -> None:
    """Each would be refused, and the carrier would count it."""
    world = World(fresh_ledger, team=f"{TEAM}\ntexts: off\n")
    lead = world.asks()
    world.pages(lead)
    for words in ("WHO", "MORE", "hello", "1"):
        world.texts(ANN, words)
        assert [each for each in world.pages(lead) if each.row.channel is Channel.TEXT] == []
    assert world.standing(lead).owner == "ann"


def test_words_of_a_stranger_are_kept_for_a_person(world: World) -> None:
    world.texts("+19995550000", "hello?")
    with world.ledger.transaction() as conn:
        (kept,) = inbound.unreadable(conn)
    assert kept.body == b"hello?"


def test_a_claim_counts_though_the_clock_was_set_back(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(-60)
    world.texts(ANN, "1")
    assert world.standing(lead).owner == "ann"


def test_an_agreed_time_is_kept_without_what_no_ledger_can_hold(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.texts(ANN, "1")
    world.texts(ANN, "8 fri \x00 4pm")
    (said,) = [e.fact for e in world.timeline(lead) if isinstance(e.fact, Outcome)]
    assert said.reason == "fri 4pm"


def test_a_stop_in_other_words_is_not_answered(world: World) -> None:
    hear_text(world.desk, InboundText("SM1", ANN, "+15005550006", "no more please", "STOP"))
    assert [each.row.to_number for each in world.sends_all()] == [MIA]
    with world.ledger.transaction() as conn:
        assert people.deaf_phones(conn) == {(ANN, Channel.TEXT)}


def test_a_start_and_a_refusal_at_one_instant_do_not_cross(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.texts(ANN, "STOP")
    world.clock.moves(5)
    ann = world.desk.present.crew().people[RepId("ann")]
    with world.ledger.transaction() as conn:
        hold(conn, lead.lead_id)
        start = Beside(lambda: world.texts(ANN, "YES"))
        await_blocked(world.ledger)
        opted_out(world.desk, conn, ann, world.clock.now(), 21610)
    start.ended()
    assert world.standing(lead).owner == "ann"
    with world.ledger.transaction() as conn:
        assert people.deaf_phones(conn) == frozenset()


def test_a_stop_heard_again_tells_the_open_leads_again(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.texts(ANN, "STOP", sid="SM1")
    world.looks(lead)
    later = world.row(lead).look_again_at
    world.texts(ANN, "STOP", sid="SM1")
    asked = world.row(lead).look_again_at
    assert later is not None
    assert asked is not None
    assert asked == world.clock.now() < later


def test_a_lead_that_is_busy_is_asked_for_three_times_and_no_more() -> None:
    tries = []

    def busy() -> None:
        tries.append(1)
        raise LeadBusy("held")

    with pytest.raises(LeadBusy):
        persistently(busy)
    assert len(tries) == 3


def test_a_word_is_heard_though_its_lead_was_busy_at_first(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    impatient = Ledger(ledger_url_of(world), lock_timeout_ms=300)
    desk = replace(world.desk, ledger=impatient)
    with world.ledger.transaction() as conn:
        hold(conn, lead.lead_id)
        word = Beside(lambda: hear_text(desk, InboundText("SM1", ANN, "+15005550006", "1")))
        await_blocked(world.ledger)
        await_lock_timeout(world.ledger)
    word.ended()
    impatient.dispose()
    assert world.standing(lead).owner == "ann"


def await_lock_timeout(ledger: Ledger) -> None:
    """Wait until a transaction of another session rolled back and the session waits anew."""
    asked = text("""select xact_start from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'""")

    def waiting_since() -> object:
        with ledger.transaction() as conn:
            return conn.execute(asked).scalar()

    first = waiting_since()
    for _ in range(1000):
        now = waiting_since()
        if now is not None and now != first:
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never asked again")


# Keys on a call


def called(world: World) -> tuple[TakenIn, Taking]:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(45)
    (call,) = world.pages(lead)
    return lead, call


def test_one_by_key_claims_and_a_replay_hears_the_same(world: World) -> None:
    lead, call = called(world)
    assert call.row.channel is Channel.CALL
    words = world.presses(call, "1")
    assert words is not None
    assert "is yours" in words
    assert world.presses(call, "1") == words
    assert world.kinds(lead).count("claimed") == 1


def test_a_key_after_somebody_else_claimed_says_who_has_it(world: World) -> None:
    lead, call = called(world)
    world.clock.moves(75)
    world.pages(lead)
    world.texts(BOB, "1")
    assert world.picks_up(call) == ("Bob Ray has this lead already. Goodbye.", False)
    assert world.presses(call, "1") == "Bob Ray has this lead already. Goodbye."
    assert world.standing(lead).owner == "bob"


def test_two_by_key_passes_and_an_unknown_key_says_the_page_again(world: World) -> None:
    lead, call = called(world)
    words, asks_a_key = world.picks_up(call)
    assert asks_a_key
    assert "Dana Fox" in words
    assert world.presses(call, "7") is None
    assert world.presses(call, "2") == "Passed. Somebody else is asked. Goodbye."
    assert [page.row.to_number for page in world.pages(lead)] == [BOB]


# The carrier


def test_a_claim_withdraws_the_page_that_nobody_took_yet(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(120)
    world.looks(lead)
    world.texts(ANN, "1")
    sent = world.pages(lead)
    assert [each.row.kind for each in sent] == ["note_text"]


def test_undelivered_ends_the_channel_and_calls_at_once(world: World) -> None:
    lead = world.asks()
    (page,) = world.pages(lead)
    world.clock.moves(3)
    world.receipt(page, "undelivered", 30003)
    (call,) = world.pages(lead)
    assert (call.row.channel, call.row.to_number) == (Channel.CALL, ANN)
    world.receipt(page, "delivered")
    assert "page_delivered" not in world.kinds(lead)


def test_receipts_that_come_first_twice_and_out_of_order_change_nothing(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    taking = world.takes()
    assert isinstance(taking, Taking)
    for status in ("sent", "delivered", "delivered", "queued", "sent"):
        world.receipt(taking, status)
    settle(world.desk, taking.row, Accepted("SM1", "queued"))
    assert world.kinds(lead) == ["arrived", "paged", "page_sent", "page_delivered"]


def test_a_refused_number_pages_by_call_at_once(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    world.sends_all(Rejected(21211, "bad_number", True, "number"))
    (call,) = world.pages(lead)
    assert call.row.channel is Channel.CALL


def unanswered(world: World, pages: list[Taking]) -> None:
    """Nobody picks up, and the phones are still again: a phone rings for one call at a time."""
    for page in pages:
        if page.row.channel is Channel.CALL:
            world.call_status(page, "no-answer")


def test_a_rep_who_opted_out_is_called_and_the_manager_is_told_once(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    world.sends_one(Rejected(21610, "opted_out", True, "number"))
    sent = world.pages(lead)
    assert {(each.row.to_number, each.row.channel) for each in sent} == {
        (ANN, Channel.CALL),
        (MIA, Channel.TEXT),
    }
    unanswered(world, sent)
    other = world.asks("Eve")
    assert [each.row.channel for each in world.pages(other)] == [Channel.CALL]
    world.texts(ANN, "START")
    with world.ledger.transaction() as conn:
        assert people.deaf_phones(conn) == frozenset()


def test_what_may_not_have_been_sent_is_sent_once_more_and_no_third_time(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    first = world.takes()
    assert isinstance(first, Taking)
    settle(world.desk, first.row, Unknown("timeout"))
    world.five_seconds_pass()
    second = world.takes()
    assert isinstance(second, Taking)
    assert second.row.again_of == first.row.id
    settle(world.desk, second.row, NotFound())
    assert world.facts(lead, "page_failed")[0]["reason"] == "unsure"
    (call,) = world.pages(lead)
    assert call.row.channel is Channel.CALL


def copies(world: World, lead: TakenIn) -> tuple[Taking, Taking]:
    """A page that may not have been sent, and its repeat, sent."""
    world.looks(lead)
    first = world.takes()
    assert isinstance(first, Taking)
    settle(world.desk, first.row, Unknown("timeout"))
    world.five_seconds_pass()
    second = world.takes()
    assert isinstance(second, Taking)
    settle(world.desk, second.row, Accepted("SM2", "queued"))
    return first, second


@pytest.mark.parametrize("status", ["queued", "sent", "delivered"])
def test_a_receipt_of_the_first_copy_withdraws_a_repeat_that_waits(
    world: World, status: str
) -> None:
    lead = world.asks()
    world.looks(lead)
    first = world.takes()
    assert isinstance(first, Taking)
    settle(world.desk, first.row, Unknown("timeout"))
    world.receipt(first, status)
    assert world.takes() is None
    assert "page_failed" not in world.kinds(lead)


def test_a_first_copy_that_fails_leaves_its_repeat_waiting(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    first = world.takes()
    assert isinstance(first, Taking)
    settle(world.desk, first.row, Unknown("timeout"))
    world.receipt(first, "undelivered", 30008)
    assert "page_failed" not in world.kinds(lead)
    world.five_seconds_pass()
    assert isinstance(world.takes(), Taking)


def test_a_page_failed_only_when_each_of_its_copies_did(world: World) -> None:
    lead = world.asks()
    first, second = copies(world, lead)
    world.receipt(first, "undelivered", 30008)
    assert "page_failed" not in world.kinds(lead)
    world.receipt(second, "undelivered", 30008)
    assert world.kinds(lead).count("page_failed") == 1


def test_a_page_that_was_delivered_does_not_fail_by_its_other_copy(world: World) -> None:
    lead = world.asks()
    first, second = copies(world, lead)
    world.receipt(second, "delivered")
    world.receipt(first, "undelivered", 30008)
    world.looks(lead)
    assert world.kinds(lead).count("paged") == 1
    assert "page_failed" not in world.kinds(lead)


def test_a_busy_carrier_brings_the_next_rung_forward(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    world.sends_all(Busy(1.0))
    assert world.facts(lead, "page_failed")[0]["reason"] == "rate_limited"


def test_a_page_nobody_could_send_in_time_expires_and_the_ladder_goes_on(world: World) -> None:
    lead = world.asks()
    world.looks(lead)
    world.clock.moves(301)
    assert world.takes() is None
    assert world.facts(lead, "page_failed")[0]["reason"] == "expired"


# Handing a message to a sender that is free


@dataclass
class OneFreeSender:
    """A sender beside the look: reserved, then given a message or released."""

    free: bool = True
    given: list[OutboxRow] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "beside"

    def reserve(self) -> bool:
        was_free, self.free = self.free, False
        return was_free

    def release(self) -> None:
        self.free = True

    def give(self, row: OutboxRow) -> None:
        self.given.append(row)


def test_a_free_sender_is_given_the_page_as_taken_and_nobody_else_can_take_it(
    world: World,
) -> None:
    lead, sender = world.asks(), OneFreeSender()
    attend(world.desk, lead.lead_id, sender)
    (row,) = sender.given
    assert world.takes() is None
    world.texts(ANN, "1")
    settle(world.desk, row, Accepted("SM1", "queued"))
    assert world.kinds(lead) == ["arrived", "paged", "claimed", "page_sent"]


def test_a_look_that_orders_nothing_or_a_call_releases_the_sender(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    sender = OneFreeSender()
    attend(world.desk, lead.lead_id, sender)
    assert (sender.free, sender.given) == (True, [])
    world.clock.moves(45)
    attend(world.desk, lead.lead_id, sender)
    assert (sender.free, sender.given) == (True, [])
    (call,) = world.sends_all()
    assert call.row.channel is Channel.CALL


def test_a_look_that_fails_releases_the_sender(world: World) -> None:
    lead, sender = world.asks(), OneFreeSender()
    world.ledger.dispose()
    with world.ledger.transaction() as conn:
        conn.execute(text("lock table outbox in exclusive mode"))
        impatient = Ledger(ledger_url_of(world), lock_timeout_ms=50)
        desk = replace(world.desk, ledger=impatient)
        with pytest.raises(LeadBusy):
            attend(desk, lead.lead_id, sender)
        impatient.dispose()
    assert (sender.free, sender.given) == (True, [])


def ledger_url_of(world: World) -> str:
    with world.ledger.transaction() as conn:
        return conn.engine.url.render_as_string(hide_password=False)


# Looking at any time, any number of times


def test_looking_again_orders_nothing_twice(world: World) -> None:
    lead = world.asks()
    for _ in range(5):
        world.looks(lead)
    assert len(world.sends_all()) == 1


def test_the_whole_ladder_of_silence(world: World) -> None:
    lead = world.asks()
    seen = []
    for seconds in (0, 45, 75, 180, 600, 900):
        world.clock.moves(seconds)
        pages = world.pages(lead)
        unanswered(world, pages)
        seen += [(p.row.to_number, p.row.channel.value) for p in pages]
    assert seen == [
        (ANN, "text"),
        (ANN, "call"),
        (BOB, "text"),
        (MIA, "text"),
        (MIA, "call"),
        (MIA, "call"),
    ]


def test_every_step_is_counted_once(world: World) -> None:
    lead = world.asks()
    (page,) = world.pages(lead)
    world.receipt(page, "delivered")
    world.receipt(page, "delivered")
    world.texts(ANN, "1")
    world.pages(lead)
    with world.ledger.transaction() as conn:
        totals = {
            (total.metric, tuple(sorted(total.labels.items()))): total.n
            for total in counts.totals(conn)
        }
    assert totals["leads_received_total", (("hours", "business"), ("source", "website"))] == 1
    assert totals["pages_accepted_total", (("channel", "text"),)] == 1
    assert totals["pages_delivered_total", (("channel", "text"),)] == 1
    assert totals["pages_claimed_total", (("channel", "text"),)] == 1


def test_a_clock_set_back_does_not_unmake_the_order_of_events(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(-3600)
    world.texts(ANN, "1")
    world.pages(lead)
    recorded = [event.recorded_at for event in world.timeline(lead)]
    assert recorded == sorted(recorded)


def test_turns_are_shared_by_round_robin(fresh_ledger: Ledger) -> None:
    world = World(fresh_ledger, team=TEAM.replace("in-order", "round-robin"))
    firsts = [world.pages(world.asks(f"Lead {n}"))[0].row.to_number for n in range(4)]
    assert firsts == [ANN, BOB, ANN, BOB]


def test_who_is_on_duty(world: World) -> None:
    world.texts(BOB, "who")
    (answer,) = world.sends_all()
    assert answer.row.body == "On duty: Ann Lee, Bob Ray."


def test_a_withdrawn_row_is_never_taken(world: World) -> None:
    lead = world.asks()
    world.pages(lead)
    world.clock.moves(120)
    world.looks(lead)
    with world.ledger.transaction() as conn:
        row = next(row for row in outbox.ordered_pages(conn, lead.lead_id) if row.rep_id == "bob")
    world.texts(BOB, "1")  # his page was not sent yet: nothing is open for him
    world.texts(ANN, "1")
    with world.ledger.transaction() as conn:
        now = outbox.row(conn, row.id)
    assert now is not None
    assert now.state == "withdrawn"


def test_a_look_goes_by_the_team_of_its_own_transaction(world: World) -> None:
    """Its process read the team a moment ago; the change that asked for this look came since."""
    dana = world.asks()
    assert world.desk.present.crew().people["ann"]
    without_ann = TEAM.replace("reps: [ann, bob]", "reps: [bob]")
    assert without_ann != TEAM
    load_team(world.ledger, parse_team(without_ann, "team.yaml", (2026, 2027)), world.clock.now())
    world.looks(dana)
    assert [page["rep"] for page in world.facts(dana, "paged")] == ["bob"]


def test_nothing_that_waits_is_sent_to_a_phone_that_said_stop(world: World) -> None:
    dana = world.asks()
    world.looks(dana)
    world.texts(ANN, "WHO")
    world.texts(ANN, "STOP")
    assert [each for each in world.sends_all() if each.order.to == ANN] == []
    (failed,) = world.facts(dana, "page_failed")
    assert (failed["channel"], failed["reason"]) == ("text", "opted_out")
    world.looks(dana)
    assert [page["channel"] for page in world.facts(dana, "paged")] == ["text", "call"]


def test_a_change_of_the_floor_whose_teller_died_is_told_by_the_sweep(world: World) -> None:
    dana = world.asks()
    world.looks(dana)
    planned = world.row(dana).look_again_at
    with world.ledger.transaction() as conn:
        floor_moves(conn, True)
    assert not floor_left_behind(world.ledger, world.clock.now()), "somebody may be telling"
    with world.ledger.transaction() as conn:
        conn.execute(text("update floor_change set marked_clock = now() - interval '4 s'"))
    assert floor_left_behind(world.ledger, world.clock.now())
    asked_at = world.row(dana).look_again_at
    assert planned is not None
    assert asked_at == world.clock.now() < planned
    assert not floor_left_behind(world.ledger, world.clock.now())
