"""Policies, the team's copy, turns, deaf phones, and the letters on a rep's phone."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from itertools import count

import pytest

from service.ledger import look, outbox, people, questions
from service.ledger.engine import Ledger
from service.ledger.look import Given, Opened
from service.rules.floor import Turns
from service.rules.lead import LeadId, PageId, RepId
from service.rules.replies import LETTERS
from service.rules.timeline import Channel
from tests.rooms.ledger_world import (
    ANN,
    NOON,
    Beside,
    a_page,
    at,
    await_blocked,
    meet,
    store,
    write,
)

BOB = RepId("bob")
_phones = count(1)


@pytest.fixture
def phone() -> str:
    """A phone of this test's own."""
    return f"+1212666{next(_phones):04d}"


def test_the_same_policy_is_pinned_once(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        first = people.pin_policy(conn, "d1", {"turn": "in-order"}, NOON)
        second = people.pin_policy(conn, "d2", {"turn": "round-robin"}, NOON)
        assert people.pin_policy(conn, "d1", {"turn": "in-order"}, at(9)) == first
        assert people.policy_body(conn, first) == {"turn": "in-order"}
        assert people.policy_body(conn, second) == {"turn": "round-robin"}
        assert people.policy_body(conn, 999) is None


def test_two_processes_pin_one_policy_at_once_and_agree(fresh_ledger: Ledger) -> None:
    held, told = threading.Event(), threading.Event()

    def first() -> int:
        with fresh_ledger.transaction() as conn:
            version = people.pin_policy(conn, "d3", {}, NOON)
            held.set()
            meet(told)
        return version

    def second() -> int:
        meet(held)
        with fresh_ledger.transaction() as conn:
            return people.pin_policy(conn, "d3", {}, NOON)

    one, two = Beside(first), Beside(second)
    await_blocked(fresh_ledger)
    told.set()
    assert one.ended() == two.ended()


def test_a_start_loads_the_team_it_was_given(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        assert people.team(conn) is None
        first = people.save_team(conn, "t1", {"team": "A"}, NOON)
        again = people.save_team(conn, "t1", {"team": "A"}, at(5))
        second = people.save_team(conn, "t2", {"team": "B"}, at(9))
        assert people.team(conn) == second
    assert again == first == people.TeamCopy(1, "t1", {"team": "A"}, NOON)
    assert second == people.TeamCopy(2, "t2", {"team": "B"}, at(9))


def test_an_older_copy_of_the_team_never_turns_it_back(fresh_ledger: Ledger) -> None:
    with fresh_ledger.transaction() as conn:
        people.save_team(conn, "t1", {}, NOON)
        people.save_team(conn, "t3", {}, at(1), replaces="t1")
        held = people.save_team(conn, "t2", {}, at(2), replaces="t1")
        assert (held.digest, held.generation) == ("t3", 2)
        newer = people.save_team(conn, "t4", {}, at(3), replaces="t3")
    assert (newer.digest, newer.generation) == ("t4", 3)


def test_a_channel_that_cannot_reach_a_phone_is_news_once(ledger: Ledger, phone: str) -> None:
    with ledger.transaction() as conn:
        assert people.make_deaf(conn, phone, Channel.TEXT, NOON, "stop", 21610)
        assert not people.make_deaf(conn, phone, Channel.TEXT, NOON, "stop", 21610)
        assert (phone, Channel.TEXT) in people.deaf_phones(conn)
        assert (phone, Channel.CALL) not in people.deaf_phones(conn)
        assert people.make_hearing(conn, phone, Channel.TEXT)
        assert not people.make_hearing(conn, phone, Channel.TEXT)
        assert (phone, Channel.TEXT) not in people.deaf_phones(conn)


def test_a_turn_given_is_remembered_by_route(ledger: Ledger) -> None:
    lead_id = store(ledger)
    with ledger.transaction() as conn:
        assert people.turns(conn, "1") == Turns()
        write(conn, lead_id, given=Given("1", people.turns(conn, "1").given(ANN, 2)))
    with ledger.transaction() as conn:
        assert people.turns(conn, "1") == Turns(0.0, {ANN: 0.5})
        assert people.turns(conn, "2") == Turns()


@pytest.mark.parametrize("known", [True, False], ids=["a known route", "a new route"])
def test_two_leads_never_take_one_turn(fresh_ledger: Ledger, known: bool) -> None:
    held, told = threading.Event(), threading.Event()
    lead_id = store(fresh_ledger)
    if known:
        with fresh_ledger.transaction() as conn:
            write(conn, lead_id, given=Given("", Turns()))

    def first() -> None:
        with fresh_ledger.transaction() as conn:
            turns = people.turns(conn, "")
            held.set()
            meet(told)
            write(conn, lead_id, given=Given("", turns.given(ANN, 1)))

    def second() -> tuple[RepId, ...]:
        meet(held)
        with fresh_ledger.transaction() as conn:
            return people.turns(conn, "").order((ANN, BOB))

    one, two = Beside(first), Beside(second)
    await_blocked(fresh_ledger)
    told.set()
    one.ended()
    assert two.ended() == (BOB, ANN)


def ask_all(
    ledger: Ledger, lead_id: LeadId, reps: Mapping[str, RepId], when: float = 0
) -> dict[str, str | None]:
    """Open a question about a lead on each rep's phone, as a look does; the letters there."""
    with ledger.transaction() as conn:
        look.begin(conn, lead_id)
        found = questions.letters_for(conn, lead_id, list(reps), at(when))
        letters = {phone: found[phone].letter for phone in found}
        opened = [
            Opened(phone, letter, reps[phone], PageId(f"page at {when}"))
            for phone, letter in letters.items()
            if letter is not None
        ]
        write(conn, lead_id, at=at(when), opened=opened)
    return letters


def ask(ledger: Ledger, phone: str, lead_id: LeadId, when: float = 0) -> str | None:
    """Open a question on Ann's phone; its letter."""
    return ask_all(ledger, lead_id, {phone: ANN}, when)[phone]


def close(ledger: Ledger, lead_id: LeadId, when: float) -> None:
    with ledger.transaction() as conn:
        questions.close_questions(conn, lead_id, at(when))


def test_letters_go_up_on_each_phone_by_itself(ledger: Ledger, phone: str) -> None:
    one, two = store(ledger), store(ledger)
    assert [ask(ledger, phone, one), ask(ledger, phone, two)] == ["A", "B"]
    assert ask(ledger, phone + "9", two) == "A"


def test_a_question_asked_again_keeps_its_letter_and_its_age(ledger: Ledger, phone: str) -> None:
    lead_id = store(ledger)
    ask(ledger, phone, lead_id)
    assert ask(ledger, phone, lead_id, 45) == "A"
    with ledger.transaction() as conn:
        (question,) = questions.questions_of(conn, phone)
    assert question == questions.Question(
        phone, "A", lead_id, ANN, at(0), None, PageId("page at 45")
    )


@pytest.mark.parametrize(
    ("minutes_after", "letter"), [(29.99, "B"), (30, "A")], ids=["resting", "rested"]
)
def test_a_letter_rests_30_minutes_after_its_question_closed(
    ledger: Ledger, phone: str, minutes_after: float, letter: str
) -> None:
    first, second = store(ledger), store(ledger)
    ask(ledger, phone, first)
    close(ledger, first, 100)
    assert ask(ledger, phone, second, 100 + 60 * minutes_after) == letter


def test_a_lead_that_comes_back_has_its_letter_back(ledger: Ledger, phone: str) -> None:
    lead_id = store(ledger)
    ask(ledger, phone, lead_id)
    close(ledger, lead_id, 100)
    assert ask(ledger, phone, lead_id, 180) == "A"
    with ledger.transaction() as conn:
        (question,) = questions.questions_of(conn, phone)
    assert (question.opened_at, question.closed_at) == (at(180), None)


def test_a_lead_that_comes_back_late_finds_its_letter_given_away(
    ledger: Ledger, phone: str
) -> None:
    first, second = store(ledger), store(ledger)
    ask(ledger, phone, first)
    close(ledger, first, 100)
    assert ask(ledger, phone, second, 3_600) == "A"
    assert ask(ledger, phone, first, 3_700) == "B"


def test_a_phone_that_is_asked_too_much_gets_a_page_without_a_letter(
    ledger: Ledger, phone: str
) -> None:
    given = [ask(ledger, phone, store(ledger)) for _ in range(len(LETTERS) + 1)]
    assert given == [*LETTERS, None]
    with ledger.transaction() as conn:
        assert len(questions.questions_of(conn, phone)) == len(LETTERS)


def test_closing_spares_whoever_claimed(ledger: Ledger, phone: str) -> None:
    lead_id = store(ledger)
    asked = ask_all(ledger, lead_id, {phone: ANN, phone + "8": BOB, phone + "9": RepId("cy")})
    assert asked == {phone: "A", phone + "8": "A", phone + "9": "A"}
    with ledger.transaction() as conn:
        assert questions.close_questions(conn, lead_id, at(1), only_rep=BOB) == [phone + "8"]
        assert questions.close_questions(conn, lead_id, at(2), except_rep=ANN) == [phone + "9"]
        assert len(questions.questions_of(conn, phone)) == 1


def test_a_question_closed_a_moment_ago_can_still_be_asked_for(ledger: Ledger, phone: str) -> None:
    lead_id = store(ledger)
    ask(ledger, phone, lead_id)
    close(ledger, lead_id, 10)
    with ledger.transaction() as conn:
        assert questions.questions_of(conn, phone) == []
        assert questions.questions_of(conn, phone, at(11)) == []
        (question,) = questions.questions_of(conn, phone, at(10))
    assert question.closed_at == NOON + timedelta(seconds=10)


def test_two_leads_at_once_are_given_two_letters(fresh_ledger: Ledger, phone: str) -> None:
    leads_asking = [store(fresh_ledger) for _ in range(6)]
    phones = [phone, phone + "8", phone + "9"]
    gate = threading.Barrier(len(leads_asking), timeout=20)

    def ask_everywhere(number: int) -> dict[str, str | None]:
        # Each in another order: they must not cross either.
        turned = phones[number % 3 :] + phones[: number % 3]
        gate.wait()
        return ask_all(fresh_ledger, leads_asking[number], dict.fromkeys(turned, ANN))

    given = [Beside(partial(ask_everywhere, number)) for number in range(len(leads_asking))]
    letters = [each.ended() for each in given]
    for each in phones:
        assert sorted(answer[each] for answer in letters) == list("ABCDEF")


def test_what_was_last_sent_to_a_phone_is_the_newest(ledger: Ledger, phone: str) -> None:
    lead_id = store(ledger)
    page = a_page(lead_id, 2, to_number=phone, ordered_at=at(2))
    late, answer = (a_page(None, to_number=phone, ordered_at=at(when)) for when in (1, 3))
    with ledger.transaction() as conn:
        assert questions.last_text(conn, phone) is None
        write(conn, lead_id, orders=[page], asks=frozenset({page.id}))
        outbox.order(conn, [late])
        assert questions.last_text(conn, phone) == questions.LastText(page.id, lead_id, at(2))
        outbox.order(conn, [answer])
        assert questions.last_text(conn, phone) == questions.LastText(answer.id, None, at(3))


def test_a_call_is_no_text_and_a_note_asks_nothing(ledger: Ledger, phone: str) -> None:
    lead_id = store(ledger)
    page = a_page(lead_id, 2, to_number=phone)
    note = a_page(lead_id, 3, to_number=phone, kind="note_text")
    call = a_page(lead_id, 4, to_number=phone, kind="page_call", channel=Channel.CALL)
    with ledger.transaction() as conn:
        write(conn, lead_id, orders=[page, note, call], asks=frozenset({page.id}))
        assert questions.last_text(conn, phone) == questions.LastText(note.id, None, NOON)
