"""Who can be reached: phones that go deaf and hear again, and reps who answer unseen pages."""

from __future__ import annotations

import pytest

from service.desk.hear_text import hear_text
from service.desk.reach import of_team
from service.desk.settling import settle
from service.desk.take_in import TakenIn
from service.desk.taking import Taking
from service.ledger import people, reach
from service.ledger.engine import Ledger
from service.phone.callbacks import InboundText
from service.phone.codes import failure
from service.phone.line import Accepted, Rejected
from service.rules.lead import RepId
from service.rules.segments import segments
from service.rules.timeline import Channel
from tests.rooms.desk_world import ANN, BOB, MIA, TEAM, World

WITH_MAIL = TEAM.replace(
    'name: Mia Fox, phone: "+12125550109"',
    'name: Mia Fox, phone: "+12125550109", email: mia@example.com',
)
DAY_S = 86_400
TEXT, CALL = Channel.TEXT, Channel.CALL


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    return World(fresh_ledger, team=WITH_MAIL, mail=True)


def deaf(world: World) -> set[tuple[str, Channel, str]]:
    with world.ledger.transaction() as conn:
        return {(each.phone, each.channel, each.reason) for each in reach.deaf(conn)}


def refused(code: int) -> Rejected:
    meant = failure(code)
    return Rejected(code, meant.reason, meant.ends_channel, meant.blame)


def paged(world: World) -> tuple[TakenIn, Taking]:
    """A new lead, and the message by which Ann is paged."""
    lead = world.asks()
    world.looks(lead)
    world.five_seconds_pass()
    taking = world.takes()
    assert isinstance(taking, Taking)
    return lead, taking


def sent(world: World) -> tuple[TakenIn, Taking]:
    lead, taking = paged(world)
    settle(world.desk, taking.row, Accepted(f"SM{taking.row.id}", "queued"))
    return lead, taking


def told(world: World) -> list[str]:
    """What Mia is texted now."""
    return [each.row.body for each in world.sends_all() if each.row.to_number == MIA]


# A dead number


@pytest.mark.parametrize(
    ("code", "reason"),
    [(21211, "bad_number"), (21614, "cannot_text"), (21610, "opted_out"), (30006, "cannot_text")],
)
def test_a_refusal_because_of_the_number_is_remembered(
    world: World, code: int, reason: str
) -> None:
    _, taking = paged(world)
    settle(world.desk, taking.row, refused(code))
    assert deaf(world) == {(ANN, TEXT, reason)}
    later = world.asks()
    world.looks(later)
    assert world.facts(later, "paged")[0]["channel"] == "call"


@pytest.mark.parametrize("code", [30006, 21614])
def test_a_receipt_says_so_too(world: World, code: int) -> None:
    _, taking = sent(world)
    world.receipt(taking, "undelivered", code)
    assert deaf(world) == {(ANN, TEXT, "cannot_text")}


@pytest.mark.parametrize("code", [30003, 30007, 30008, 30034, 20003, 21611, 99999])
def test_what_says_nothing_of_the_number_does_not(world: World, code: int) -> None:
    _, taking = sent(world)
    world.receipt(taking, "undelivered", code)
    _, taking = paged(world)
    settle(world.desk, taking.row, refused(code))
    assert deaf(world) == set()


def test_a_phone_that_nobody_knows_is_dead_when_told_twice_in_a_row(world: World) -> None:
    _, first = sent(world)
    world.receipt(first, "undelivered", 30005)
    assert deaf(world) == set()
    world.clock.moves(60)
    _, second = sent(world)
    world.receipt(second, "undelivered", 30005)
    assert deaf(world) == {(ANN, TEXT, "bad_number")}


def test_a_delivered_text_in_between_begins_the_count_anew(world: World) -> None:
    for status, code in (("undelivered", 30005), ("delivered", None), ("undelivered", 30005)):
        _, taking = sent(world)
        world.receipt(taking, status, code)
        world.clock.moves(60)
    assert deaf(world) == set()


def test_a_number_that_cannot_be_called_is_dead_for_calls_alone(world: World) -> None:
    lead, _ = sent(world)
    world.clock.moves(45)
    world.looks(lead)
    call = world.takes()
    assert isinstance(call, Taking)
    assert call.row.channel is CALL
    settle(world.desk, call.row, refused(21217))
    assert deaf(world) == {(ANN, CALL, "bad_number")}


def test_the_manager_is_told_once_by_text_and_by_email(world: World) -> None:
    both = [paged(world)[1], paged(world)[1]]
    for taking in both:
        settle(world.desk, taking.row, refused(21614))
    notice = "Ann Lee has a number that takes no texts and is paged by call."
    (body,) = told(world)
    assert body.startswith(notice)
    assert segments(body).count == 1
    (mail,) = world.mails_all()
    assert (mail.to, notice in mail.words) == ("mia@example.com", True)
    assert mail.words.splitlines()[0] == "Ann Lee cannot be reached by text"


def test_a_team_without_texts_tells_its_manager_by_email(fresh_ledger: Ledger) -> None:
    off = f"{WITH_MAIL}\ntexts: off\n"
    world = World(fresh_ledger, team=off, mail=True)
    _, taking = paged(world)
    settle(world.desk, taking.row, refused(21217))
    assert told(world) == []
    assert [each.to for each in world.mails_all()] == ["mia@example.com"]


def test_whom_nothing_reaches_is_skipped_and_said_to_be(world: World) -> None:
    lead, taking = paged(world)
    settle(world.desk, taking.row, refused(21614))
    world.looks(lead)
    call = world.takes()
    assert isinstance(call, Taking)
    settle(world.desk, call.row, refused(21217))
    world.looks(lead)
    assert world.facts(lead, "paged")[-1]["rep"] == "bob"
    later = world.asks()
    world.looks(later)
    assert [fact["rep"] for fact in world.facts(later, "paged")] == ["bob"]
    assert any("and is skipped" in body for body in told(world))


def test_open_leads_are_looked_at_when_a_phone_goes_deaf(world: World) -> None:
    waiting, first = sent(world)
    world.looks(waiting)
    later = world.row(waiting).look_again_at
    world.receipt(first, "delivered")
    _, second = paged(world)
    settle(world.desk, second.row, refused(21614))
    asked = world.row(waiting).look_again_at
    assert later is not None
    assert asked == world.clock.now() < later


# A phone hears again


def test_a_text_from_it_shows_that_the_number_lives(world: World) -> None:
    _, taking = paged(world)
    settle(world.desk, taking.row, refused(21614))
    world.texts(ANN, "what is this")
    assert deaf(world) == set()


def test_a_delivered_receipt_shows_it(world: World) -> None:
    _, first = sent(world)
    world.clock.moves(60)
    _, second = paged(world)
    settle(world.desk, second.row, refused(21614))
    world.receipt(first, "delivered")
    assert deaf(world) == set()


def test_a_key_on_a_call_shows_it_of_calls_at_once_and_of_texts_a_day_later(world: World) -> None:
    lead, taking = paged(world)
    settle(world.desk, taking.row, refused(21211))
    world.looks(lead)
    (call,) = [each for each in world.sends_all() if each.row.channel is CALL]
    world.presses(call, "2")
    assert deaf(world) == {(ANN, TEXT, "bad_number")}
    world.clock.moves(DAY_S)
    later = world.asks()
    world.looks(later)
    (call,) = [each for each in world.sends_all() if each.row.channel is CALL]
    world.presses(call, "2", call="CA2")
    assert deaf(world) == set()


def test_nothing_but_their_own_word_ends_an_opt_out(world: World) -> None:
    _, first = sent(world)
    world.texts(ANN, "STOP")
    world.clock.moves(2 * DAY_S)
    world.texts(ANN, "hello")
    world.receipt(first, "delivered")
    assert deaf(world) == {(ANN, TEXT, "opted_out")}
    world.texts(ANN, "START")
    assert deaf(world) == set()


def test_an_opt_out_replaces_a_dead_number(world: World) -> None:
    _, taking = paged(world)
    settle(world.desk, taking.row, refused(21614))
    world.texts(ANN, "STOP")
    world.texts(ANN, "hello")
    assert deaf(world) == {(ANN, TEXT, "opted_out")}


def test_a_start_that_the_carrier_recognised_counts_in_any_words(world: World) -> None:
    world.texts(ANN, "STOP")
    hear_text(world.desk, InboundText("SM1", ANN, "+15005550006", "subscribe please", None, 0))
    assert deaf(world) == {(ANN, TEXT, "opted_out")}
    hear_text(world.desk, InboundText("SM2", ANN, "+15005550006", "subscribe please", "START", 0))
    assert deaf(world) == set()
    assert any("Texts are on again, Ann" in each.row.body for each in world.sends_all())


def test_another_number_in_the_team_file_is_a_number_like_any_other(fresh_ledger: Ledger) -> None:
    world = World(fresh_ledger)
    _, taking = paged(world)
    settle(world.desk, taking.row, refused(21614))
    moved = World(fresh_ledger, team=TEAM.replace(ANN, "+12125550177"))
    lead = moved.asks()
    moved.looks(lead)
    assert moved.facts(lead, "paged")[0]["channel"] == "text"


def test_a_message_to_the_old_number_says_nothing_of_the_new(fresh_ledger: Ledger) -> None:
    world = World(fresh_ledger)
    _, taking = paged(world)
    moved = World(fresh_ledger, team=TEAM.replace(ANN, "+12125550177"))
    settle(moved.desk, taking.row, refused(21614))
    assert deaf(moved) == set()


# Reps who answer pages that show no receipt


def unseen(world: World) -> frozenset[RepId]:
    reps = [RepId("ann"), RepId("bob"), RepId("nobody")]
    with world.ledger.transaction() as conn:
        return reach.answer_unseen(conn, reps, world.clock.now())


def answers(world: World, body: str = "1") -> None:
    """Ann is paged, no receipt comes, and she answers by text."""
    lead, _ = sent(world)
    world.clock.moves(30)
    world.texts(ANN, body)
    assert world.kinds(lead)[-1] in ("claimed", "passed")


def ignores(world: World) -> None:
    sent(world)
    world.clock.moves(60)


@pytest.mark.parametrize("body", ["1", "2"])
def test_two_answers_to_unseen_pages_are_enough(world: World, body: str) -> None:
    answers(world, body)
    world.clock.moves(60)
    assert unseen(world) == frozenset()
    answers(world, body)
    assert unseen(world) == {"ann"}


TWO_TEXTS = f"""{TEAM}
ladder:
  - {{at: 0s, page: on-duty, by: text}}
  - {{at: 30s, page: on-duty, by: text}}
  - {{at: 15m, page: last-resort, by: call}}
"""


def test_one_answer_about_a_lead_that_was_texted_twice_is_one_answer(fresh_ledger: Ledger) -> None:
    world = World(fresh_ledger, team=TWO_TEXTS)
    lead, _ = sent(world)
    world.clock.moves(30)
    assert [each.row.kind for each in world.pages(lead)] == ["page_text"]
    world.clock.moves(30)
    world.texts(ANN, "1")
    assert world.standing(lead).owner == "ann"
    assert unseen(world) == frozenset()


def test_only_the_last_five_such_pages_count(world: World) -> None:
    for _ in range(2):
        answers(world)
        world.clock.moves(60)
    for _ in range(3):
        ignores(world)
    assert unseen(world) == {"ann"}
    ignores(world)
    assert unseen(world) == frozenset()


def test_pages_that_were_delivered_or_failed_are_not_unseen(world: World) -> None:
    for status in ("delivered", "undelivered"):
        _, taking = sent(world)
        world.receipt(taking, status)
        world.clock.moves(30)
        world.texts(ANN, "1")
    assert unseen(world) == frozenset()


def test_a_page_of_a_moment_ago_may_still_be_delivered(world: World) -> None:
    answers(world)
    sent(world)
    world.texts(ANN, "1")
    assert unseen(world) == frozenset()
    world.clock.moves(20)
    assert unseen(world) == {"ann"}


def test_an_answer_by_key_says_nothing_of_texts(world: World) -> None:
    for number in range(2):
        lead, _ = sent(world)
        world.clock.moves(45)
        world.looks(lead)
        (call,) = [each for each in world.sends_all() if each.row.channel is CALL]
        world.presses(call, "1", call=f"CA{number}")
        world.call_status(call, "completed")
        world.clock.moves(60)
    assert unseen(world) == frozenset()


def test_nobody_is_asked_about_without_a_question(world: World) -> None:
    with world.ledger.transaction() as conn:
        assert reach.answer_unseen(conn, [], world.clock.now()) == frozenset()


# What is shown of a team


def test_each_reps_channels_are_shown_with_what_is_known(world: World) -> None:
    _, taking = sent(world)
    world.clock.moves(2)
    world.receipt(taking, "delivered")
    delivered_at = world.clock.now()
    world.clock.moves(10)
    world.texts(ANN, "1")
    answered_at = world.clock.now()
    _, taking = paged(world)
    assert taking.row.to_number == ANN
    settle(world.desk, taking.row, refused(21614))
    with world.ledger.transaction() as conn:
        shown = {
            (each.person.id, each.channel): each
            for each in of_team(world.desk, conn, world.clock.now())
        }
        assert people.deaf_phones(conn) == {(ANN, TEXT)}
    ann = shown[RepId("ann"), TEXT]
    assert (ann.reachable, ann.reason, ann.code) == (False, "cannot_text", 21614)
    assert ann.since == world.clock.now()
    assert (ann.heard.delivered_at, ann.heard.answered_at) == (delivered_at, answered_at)
    assert shown[RepId("ann"), CALL].reachable
    bob = shown[RepId("bob"), TEXT]
    assert (bob.person.phone, bob.reachable, bob.heard.answered_at) == (BOB, True, None)
    assert list(dict.fromkeys(rep for rep, _ in shown)) == ["ann", "bob", "mia"]
