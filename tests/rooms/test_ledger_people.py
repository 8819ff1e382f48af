"""Policies, the team's copy, turns, deaf phones, and the letters on a rep's phone."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from sqlalchemy import Connection, text

from service.ledger import look, outbox, outbox_taking, pace, people, questions
from service.ledger.engine import Ledger
from service.ledger.look import Given, Opened
from service.ledger.questions import LETTERS_SPARE
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
_seqs = count(2)


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
    """Ask about a lead on each rep's phone, as a look orders it and a sender takes it; the letters
    there."""
    with ledger.transaction() as conn:
        letters, pages = order_all(conn, lead_id, reps, when)
        for page in pages:
            assert outbox_taking.mark_taken(conn, page.id, "worker-1", 30, at(when))
    return letters


def order_all(
    conn: Connection, lead_id: LeadId, reps: Mapping[str, RepId], when: float = 0
) -> tuple[dict[str, str | None], list[outbox.Order]]:
    """Order a page about a lead to each rep's phone, with the question it will ask."""
    look.begin(conn, lead_id)
    found = questions.letters_for(conn, lead_id, list(reps), at(when))
    letters = {phone: found[phone].letter for phone in found}
    pages = [
        a_page(lead_id, next(_seqs), id=page_to(phone, when), to_number=phone, rep_id=rep)
        for phone, rep in reps.items()
    ]
    opened = [
        Opened(page.to_number, letter, reps[page.to_number], page.id)
        for page in pages
        if (letter := letters[page.to_number]) is not None
    ]
    write(conn, lead_id, at=at(when), orders=pages, opened=opened)
    return letters, pages


def page_to(phone: str, when: float) -> PageId:
    return PageId(f"page to {phone} at {when}, {next(_seqs)}")


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
    asked = (question.letter, question.lead_id, question.rep_id, question.opened_at)
    assert asked == ("A", lead_id, ANN, at(0))
    assert question.last_page_id.startswith(f"page to {phone} at 45")


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


@pytest.mark.parametrize("state", ["following", "chasing"])
def test_leads_that_were_called_never_use_up_a_phones_letters(
    ledger: Ledger, phone: str, state: str
) -> None:
    """A busy week: forty leads, each followed for days. Letters rest before they are used again."""
    given = []
    for hour in range(40):
        given.append(ask(ledger, phone, store(ledger, state=state), 3600 * hour))
    assert None not in given
    with ledger.transaction() as conn:
        asked = questions.questions_of(conn, phone)
    assert len(asked) == len(LETTERS) - LETTERS_SPARE + 1
    assert min(each.opened_at for each in asked) == at(3600 * (40 - len(asked)))


def test_a_letter_that_was_freed_rests_too(ledger: Ledger, phone: str) -> None:
    many = len(LETTERS) + 1
    given = [ask(ledger, phone, store(ledger, state="following"), each) for each in range(many)]
    assert given == [*LETTERS, None]


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


def test_a_question_is_asked_when_its_page_is_taken(ledger: Ledger, phone: str) -> None:
    """Until then nobody can answer it; its letter is nobody else's already."""
    first, second = store(ledger), store(ledger)
    with ledger.transaction() as conn:
        letters, (page,) = order_all(conn, first, {phone: ANN}, 10)
        assert letters == {phone: "A"}
        assert questions.questions_of(conn, phone, at(-3_600)) == []
        assert questions.letters_for(conn, second, [phone], at(11))[phone] == questions.Letter(
            "B", others_open=True
        )
        outbox_taking.mark_taken(conn, page.id, "worker-1", 30, at(14))
        (question,) = questions.questions_of(conn, phone)
    assert (question.opened_at, question.letter) == (at(14), "A")


def test_a_page_taken_by_a_process_of_the_version_before_is_asked_too(
    ledger: Ledger, phone: str
) -> None:
    lead_id = store(ledger)
    with ledger.transaction() as conn:
        _letters, (page,) = order_all(conn, lead_id, {phone: ANN})
        conn.execute(
            text("""update outbox set state = 'taken', taken_clock = clock_timestamp(),
              lease_until = clock_timestamp() where id = :id"""),
            {"id": page.id},
        )
        (question,) = questions.questions_of(conn, phone)
    assert question.opened_at == page.ordered_at


def test_a_question_that_closed_before_it_was_asked_never_was(ledger: Ledger, phone: str) -> None:
    lead_id = store(ledger)
    with ledger.transaction() as conn:
        order_all(conn, lead_id, {phone: ANN})
    close(ledger, lead_id, 1)
    with ledger.transaction() as conn:
        assert questions.questions_of(conn, phone, at(0)) == []


def test_a_later_page_leaves_a_question_as_old_as_it_is(ledger: Ledger, phone: str) -> None:
    """Asked by an earlier page, it is open while the next one waits, and no younger after."""
    lead_id = store(ledger)
    ask(ledger, phone, lead_id)
    with ledger.transaction() as conn:
        _letters, (page,) = order_all(conn, lead_id, {phone: ANN}, 120)
        (question,) = questions.questions_of(conn, phone)
        outbox_taking.mark_taken(conn, page.id, "worker-1", 30, at(124))
        (again,) = questions.questions_of(conn, phone)
    assert question == again
    assert again.opened_at == at(0)


def test_a_question_asked_again_is_as_young_as_the_page_that_asks(
    ledger: Ledger, phone: str
) -> None:
    lead_id = store(ledger)
    ask(ledger, phone, lead_id)
    close(ledger, lead_id, 60)
    with ledger.transaction() as conn:
        _letters, (page,) = order_all(conn, lead_id, {phone: ANN}, 120)
        assert questions.questions_of(conn, phone) == []
        outbox_taking.mark_taken(conn, page.id, "worker-1", 30, at(124))
        (question,) = questions.questions_of(conn, phone)
    assert (question.opened_at, question.closed_at) == (at(124), None)


def test_what_was_last_sent_to_a_phone_is_what_was_last_taken(ledger: Ledger, phone: str) -> None:
    lead_id = store(ledger)
    page = a_page(lead_id, 2, to_number=phone, ordered_at=at(1))
    answer, late = (a_page(None, to_number=phone, kind="answer_text") for _ in range(2))
    with ledger.transaction() as conn:
        write(conn, lead_id, orders=[page])
        for each in (answer, late):
            outbox.order(conn, [each])
        assert questions.last_text(conn, phone) is None
        outbox_taking.mark_taken(conn, page.id, "worker-1", 30, at(2))
        assert questions.last_text(conn, phone) == questions.LastText(page.id, lead_id, at(2))
        outbox_taking.mark_taken(conn, answer.id, "worker-1", 30, at(3))
        assert questions.last_text(conn, phone) == questions.LastText(answer.id, None, at(3))
        outbox_taking.mark_taken(conn, late.id, "worker-1", 30, at(2))
        assert questions.last_text(conn, phone) == questions.LastText(answer.id, None, at(3))


def test_a_text_about_several_leads_asks_for_no_one_of_them(ledger: Ledger, phone: str) -> None:
    pages = [a_page(store(ledger), 2, to_number=phone) for _ in range(2)]
    with ledger.transaction() as conn:
        for page in pages:
            assert page.lead_id is not None
            write(conn, page.lead_id, orders=[page])
        head, other = (page.id for page in pages)
        assert outbox_taking.mark_taken(conn, head, "w", 30, at(2), "+1500", [other], "2 LEADS")
        assert questions.last_text(conn, phone) == questions.LastText(head, None, at(2))
        (carried,) = outbox.carried(conn, head)
        sent = outbox.row(conn, head)
    assert (carried.id, carried.state, carried.carried_by) == (other, "taken", head)
    assert carried.body == pages[1].body
    assert sent is not None
    assert (sent.body, sent.carried_by) == ("2 LEADS", None)


def test_a_call_is_no_text_and_a_note_asks_nothing(ledger: Ledger, phone: str) -> None:
    lead_id = store(ledger)
    note = a_page(lead_id, 3, to_number=phone, kind="note_text")
    call = a_page(lead_id, 4, to_number=phone, kind="page_call", channel=Channel.CALL)
    with ledger.transaction() as conn:
        write(conn, lead_id, orders=[note, call])
        outbox_taking.mark_taken(conn, call.id, "worker-1", 30, NOON)
        assert questions.last_text(conn, phone) is None
        outbox_taking.mark_taken(conn, note.id, "worker-1", 30, NOON)
        assert questions.last_text(conn, phone) == questions.LastText(note.id, None, NOON)


def test_a_phone_gets_one_text_about_new_leads_in_five_seconds(ledger: Ledger, phone: str) -> None:
    """A page ordered beside a free sender is taken only if its phone has a slot; a note needs
    none. What was never sent gives its slot back."""
    pages = [
        a_page(store(ledger), 2, to_number=phone, from_number="+15005550006") for _ in range(2)
    ]
    note = a_page(store(ledger), 2, to_number=phone, from_number="+1500", kind="note_text")
    assert [taken_as_ordered(ledger, each) for each in (*pages, note)] == [True, False, True]
    with ledger.transaction() as conn:
        assert not pace.take_phone_slot(conn, phone)
        waiting = outbox.row(conn, pages[1].id)
        pace.give_back_phone_slot(conn, pages[0].id)
    assert waiting is not None
    assert (waiting.state, waiting.from_number) == ("ordered", None)
    with ledger.transaction() as conn:
        assert pace.take_phone_slot(conn, phone)
        pace.give_back_phone_slot(conn, waiting.id)  # it never had one
        assert not pace.take_phone_slot(conn, phone)


def test_whoever_is_about_to_text_a_phone_is_not_waited_for(
    fresh_ledger: Ledger, phone: str
) -> None:
    page = a_page(store(fresh_ledger), 2, to_number=phone, from_number="+15005550006")
    with fresh_ledger.transaction() as conn:
        assert pace.take_phone_slot(conn, phone)
        with fresh_ledger.transaction() as other:
            assert not pace.take_phone_slot(other, phone)
        assert not taken_as_ordered(fresh_ledger, page)


def taken_as_ordered(ledger: Ledger, page: outbox.Order) -> bool:
    """Whether a look that has a free sender beside it orders this as taken."""
    assert page.lead_id is not None
    with ledger.transaction() as conn:
        write(conn, page.lead_id, orders=[page], taken_by="worker-1", lease_s=30)
        row = outbox.row(conn, page.id)
    return row is not None and row.state == "taken"
