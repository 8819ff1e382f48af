"""Several leads in one text: who shares it, what is said of each, and what a crash leaves behind.

PostgreSQL's clock paces phones; the tests let five seconds pass in the ledger itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import text

from service.desk.attend import attend
from service.desk.bundle import BUNDLE_MAX
from service.desk.dispatch import lapsed, take_next
from service.desk.hear_line import hear_receipt
from service.desk.settling import settle
from service.desk.take_in import TakenIn
from service.desk.taking import Taking
from service.desk.wanted import still_worth_sending
from service.errors import LeadBusy
from service.ledger import leads, outbox, outbox_taking, people, questions
from service.ledger.engine import Ledger
from service.ledger.outbox_rows import OutboxRow
from service.phone.callbacks import TextStatus
from service.phone.line import (
    Accepted,
    CallOrder,
    NotFound,
    Rejected,
    SendOutcome,
    TextOrder,
    Unknown,
)
from service.rules.lead import PageId
from service.rules.segments import segments
from tests.rooms.desk_world import ANN, BOB, LINKS, PUBLIC_URL, World
from workers.sweep import Sweep

NAMES = ["Dana Quimby", "Bo Li", "Cy Nash"]
ACCEPTED = Accepted("SM-of-the-bundle", "queued")


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    return World(fresh_ledger)


def waiting(world: World, *names: str) -> list[TakenIn]:
    """Leads whose page to Ann waits for her phone, which was texted a moment ago."""
    world.pages(world.asks("Zoe First"))
    found = [world.asks(name) for name in names]
    for lead in found:
        world.looks(lead)
    return found


def bundle(world: World) -> Taking:
    """What a sender takes once five seconds have passed."""
    world.five_seconds_pass()
    taking = world.takes()
    assert isinstance(taking, Taking)
    return taking


def states(world: World, leads_: list[TakenIn]) -> list[str]:
    """How far each lead's newest message about a page has come."""
    with world.ledger.transaction() as conn:
        found = conn.execute(
            text("select lead_id, state from outbox where kind = 'page_text' order by tries"),
        )
        by_lead = {str(row.lead_id): str(row.state) for row in found}
    return [by_lead[lead.lead_id] for lead in leads_]


def body_of(taking: Taking) -> str:
    assert isinstance(taking.order, TextOrder)
    return taking.order.body


def row_of(world: World, page_id: PageId) -> OutboxRow:
    with world.ledger.transaction() as conn:
        row = outbox.row(conn, page_id)
    assert row is not None
    return row


# Who shares a text


def test_a_phone_that_was_texted_waits_and_then_hears_of_all(world: World) -> None:
    found = waiting(world, *NAMES)
    assert world.takes() is None
    taking = bundle(world)
    assert [row.lead_id for row in taking.rows] == [lead.lead_id for lead in found]
    link = LINKS.link_for(taking.row.id)
    assert body_of(taking) == (
        f"10:00 3 LEADS wait. B Dana Quimby, C Bo Li, D Cy Nash: 1B take 2B pass, MORE B. {link}"
    )
    kept = row_of(world, taking.row.id)
    assert (kept.body, kept.carried_by) == (body_of(taking), None)
    assert [row_of(world, row.id).carried_by for row in taking.carried] == [taking.row.id] * 2
    assert row_of(world, taking.carried[0].id).body.startswith("10:00 LEAD Bo Li")
    assert world.takes() is None


def test_one_that_waited_alone_keeps_its_own_words(world: World) -> None:
    waiting(world, "Dana Quimby")
    taking = bundle(world)
    assert taking.carried == ()
    assert body_of(taking).startswith("10:00 LEAD Dana Quimby. website. 1B take 2B pass")


def test_another_phone_and_calls_and_notes_do_not_wait(world: World) -> None:
    first = world.asks("Zoe First")
    world.pages(first)
    world.clock.moves(120)
    world.looks(first)  # Ann and Bob by text, and Ann was texted about a lead just now
    (taking,) = [world.takes()]
    assert isinstance(taking, Taking)
    assert taking.row.to_number == BOB
    world.looks(world.asks("Dana Quimby"))
    world.texts(ANN, "WHO")
    note = world.takes()
    assert isinstance(note, Taking)
    assert note.row.kind == "answer_text"
    assert world.takes() is None


def test_who_is_not_wanted_any_more_is_not_named(world: World) -> None:
    dana, bo, _cy = waiting(world, *NAMES)
    with world.ledger.transaction() as conn:
        # As if the lead had been claimed by a process that died before it withdrew the page.
        conn.execute(
            text("""insert into event select lead_id, seq + 1, 'excluded', at, recorded_at, '', '',
              '{"reason": "spam"}' from event where lead_id = :id and kind = 'paged'"""),
            {"id": bo.lead_id},
        )
    taking = bundle(world)
    assert "2 LEADS wait. B Dana Quimby, D Cy Nash:" in body_of(taking)
    assert states(world, [dana, bo]) == ["taken", "withdrawn"]


def test_who_came_too_late_is_told_to_the_ladder(world: World) -> None:
    (dana,) = waiting(world, "Dana Quimby")
    world.clock.moves(200)
    bo = world.asks("Bo Li")
    world.looks(bo)
    world.five_seconds_pass()
    with world.ledger.transaction() as conn:
        # The older one is picked first; make it company.
        conn.execute(
            text("update outbox set ordered_clock = clock_timestamp() where lead_id = :id"),
            {"id": dana.lead_id},
        )
    world.clock.moves(101)
    taking = world.takes()
    assert isinstance(taking, Taking)
    assert [row.lead_id for row in taking.rows] == [bo.lead_id]
    assert states(world, [dana]) == ["expired"]
    assert [fact["reason"] for fact in world.facts(dana, "page_failed")] == ["expired"]
    assert dana.lead_id in world.woken


def test_a_lead_that_somebody_holds_is_left_for_the_next_text(world: World) -> None:
    dana, bo, cy = waiting(world, *NAMES)
    with world.ledger.transaction() as conn:
        leads.lock_lead(conn, bo.lead_id)
        taking = bundle(world)
    assert [row.lead_id for row in taking.rows] == [dana.lead_id, cy.lead_id]
    assert [row.lead_id for row in bundle(world).rows] == [bo.lead_id]


def test_a_text_carries_as_many_as_its_page_shows(world: World) -> None:
    found = waiting(world, *(f"Lead {number:03}" for number in range(BUNDLE_MAX + 3)))
    taking = bundle(world)
    assert len(taking.rows) == BUNDLE_MAX
    assert segments(body_of(taking)).count == 1
    rest = bundle(world)
    assert len(rest.rows) == 3
    assert "3 LEADS wait. Lead 050, Lead 051, Lead 052. http" in body_of(rest)  # letters ran out
    told = [row.lead_id for row in (*taking.rows, *rest.rows)]
    assert sorted(map(str, told)) == sorted(lead.lead_id for lead in found)


def test_a_sender_that_comes_second_keeps_no_lead_out_of_the_text(world: World) -> None:
    """Senders of two processes may look at the same instant, again and again."""
    found = waiting(world, *NAMES)
    world.five_seconds_pass()
    with world.ledger.transaction() as first, world.ledger.transaction() as second:
        head = outbox_taking.pick_next(first)
        assert head is not None
        assert outbox_taking.pick_next(second) is None
        company = outbox_taking.pick_company(first, head.row, BUNDLE_MAX)
    told = [each.lead.id for each in (head, *company) if each.lead]
    assert told == [lead.lead_id for lead in found]


def test_two_senders_at_once_never_split_a_lead(world: World) -> None:
    for _ in range(6):
        found = waiting(world, *NAMES)
        world.five_seconds_pass()
        gate = Barrier(4)
        taken: list[Taking] = []

        def take(gate: Barrier = gate, taken: list[Taking] = taken) -> None:
            gate.wait()
            taking = take_next(world.desk, PUBLIC_URL, "test:1")
            if isinstance(taking, Taking):
                taken.append(taking)

        at_once([take] * 4)
        assert len(taken) == 1
        settle(world.desk, taken[0].row, ACCEPTED)
        later = world.sends_all()
        told = [row.lead_id for each in (*taken, *later) for row in each.rows]
        assert sorted(map(str, told)) == sorted(lead.lead_id for lead in found)


def at_once(deeds: list[Callable[[], None]]) -> None:
    threads = [Thread(target=deed) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# A sender beside the look


class OneHand:
    """A free sender, and what it is given."""

    name = "hand:1"

    def __init__(self) -> None:
        self.given: list[OutboxRow] = []
        self.free = True

    def reserve(self) -> bool:
        was, self.free = self.free, False
        return was

    def release(self) -> None:
        self.free = True

    def give(self, row: OutboxRow) -> None:
        self.given.append(row)
        self.free = True


def test_a_free_sender_is_given_a_page_only_if_its_phone_may_have_it(world: World) -> None:
    hands, first, second = OneHand(), world.asks("Dana Quimby"), world.asks("Bo Li")
    looked = [attend(world.desk, lead.lead_id, hands) for lead in (first, second)]
    assert [each.ordered for each in looked if each] == [0, 1]
    (given,) = hands.given
    assert given.lead_id == first.lead_id
    assert hands.free
    assert states(world, [first, second]) == ["taken", "ordered"]
    assert row_of(world, given.id).from_number == "+15005550006"
    assert [row.lead_id for row in bundle(world).rows] == [second.lead_id]


def test_a_new_lead_never_overtakes_one_that_waits_for_the_same_phone(world: World) -> None:
    """Else the one that waits could wait for ever: each new one would take the phone's slot."""
    (dana,) = waiting(world, "Dana Quimby")
    world.five_seconds_pass()
    hands, late = OneHand(), world.asks("Eve Late")
    looked = attend(world.desk, late.lead_id, hands)
    assert looked is not None
    assert (looked.ordered, hands.given) == (1, [])
    taking = world.takes()
    assert isinstance(taking, Taking)
    assert [row.lead_id for row in taking.rows] == [dana.lead_id, late.lead_id]


# What is said of each


def test_what_the_carrier_accepts_is_sent_for_each(world: World) -> None:
    found = waiting(world, *NAMES)
    taking = bundle(world)
    settle(world.desk, taking.row, ACCEPTED, taking.carried)
    settle(world.desk, taking.row, ACCEPTED)
    assert [world.kinds(lead) for lead in found] == [["arrived", "paged", "page_sent"]] * 3
    assert {row_of(world, row.id).carrier_sid for row in taking.rows} == {ACCEPTED.sid}


def test_a_refusal_fails_each_and_frees_the_phone(world: World) -> None:
    found = waiting(world, *NAMES)
    taking = bundle(world)
    settle(world.desk, taking.row, Rejected(21611, "overloaded", False, "carrier"))
    reasons = [[fact["reason"] for fact in world.facts(lead, "page_failed")] for lead in found]
    assert reasons == [["overloaded"]] * 3
    late = world.asks("Eve Late")
    world.looks(late)
    again = world.takes()
    assert isinstance(again, Taking)
    assert late.lead_id in [row.lead_id for row in again.rows]


def test_a_slot_is_given_back_once_a_text_and_not_once_a_lead(world: World) -> None:
    """The phone is sent the next text while the refused one's last leads are being settled."""
    waiting(world, *NAMES)
    taking = bundle(world)
    refused = Rejected(21611, "overloaded", False, "carrier")
    settle(world.desk, taking.row, refused, carried=())
    world.looks(world.asks("Eve Late"))
    assert isinstance(world.takes(), Taking)
    settle(world.desk, taking.row, refused, taking.carried)
    world.looks(world.asks("Flo Later"))
    assert world.takes() is None


def test_what_nobody_wanted_any_more_gives_its_slot_back(world: World) -> None:
    found = waiting(world, "Dana Quimby", "Bo Li")
    taking = bundle(world)
    world.clock.moves(10)
    for letter in "BC":
        world.texts(ANN, f"1{letter}")
    world.looks(world.asks("Eve Late"))
    assert not still_worth_sending(world.desk, taking.row, taking.carried)
    assert states(world, found) == ["failed"] * 2
    again = world.takes()
    assert isinstance(again, Taking)
    assert "Eve Late" in body_of(again)


def test_a_lead_that_is_busy_keeps_no_other_from_its_receipt(world: World) -> None:
    dana, bo, cy = waiting(world, *NAMES)
    taking = bundle(world)
    settle(world.desk, taking.row, ACCEPTED, taking.carried)
    receipt = TextStatus(taking.row.id, "SMx", "delivered", None)
    with world.in_a_hurry() as desk, world.ledger.transaction() as conn:
        leads.lock_lead(conn, bo.lead_id)
        with pytest.raises(LeadBusy):
            hear_receipt(desk, receipt)
    kinds = [world.kinds(lead)[-1] for lead in (dana, bo, cy)]
    assert kinds == ["page_delivered", "page_sent", "page_delivered"]
    world.receipt(taking, "delivered")  # the carrier repeats what was not taken
    assert world.kinds(bo)[-1] == "page_delivered"


def test_a_receipt_is_news_of_each_and_once(world: World) -> None:
    found = waiting(world, *NAMES)
    taking = bundle(world)
    assert world.receipt(taking, "sent")  # it overtakes the answer to our own request
    settle(world.desk, taking.row, ACCEPTED, taking.carried)
    for _ in range(2):
        assert world.receipt(taking, "delivered")
    kinds = ["arrived", "paged", "page_sent", "page_delivered"]
    assert [world.kinds(lead) for lead in found] == [kinds] * 3


def test_a_text_that_never_arrived_wakes_each(world: World) -> None:
    found = waiting(world, *NAMES)
    taking = bundle(world)
    settle(world.desk, taking.row, ACCEPTED, taking.carried)
    world.woken.clear()
    world.receipt(taking, "undelivered", 30003)
    assert set(world.woken) == {lead.lead_id for lead in found}
    assert all(world.facts(lead, "page_failed") for lead in found)


def test_one_text_that_fails_is_one_failure_of_its_number(world: World) -> None:
    """A number that fails so twice is given up: one text about three leads is one failure."""
    waiting(world, *NAMES)
    taking = bundle(world)
    settle(world.desk, taking.row, ACCEPTED, taking.carried)
    world.receipt(taking, "undelivered", 30005)
    with world.ledger.transaction() as conn:
        assert people.deaf_phones(conn) == frozenset()


# What a rep answers


def test_each_lead_of_a_refused_bundle_goes_on_by_other_means_at_once(world: World) -> None:
    found = waiting(world, *NAMES)
    taking = bundle(world)
    settle(world.desk, taking.row, Rejected(21610, "opted_out", True, "number"), taking.carried)
    for lead in found:
        assert world.row(lead).look_again_at == world.clock.now()
        world.looks(lead)
        assert world.facts(lead, "paged")[-1]["channel"] == "call"


def test_a_page_without_a_letter_asks_for_no_digit(world: World) -> None:
    """A bare 1 would be about another lead."""
    for number in range(25):
        world.looks(world.asks(f"Lead {number:03}"))
    with world.ledger.transaction() as conn:
        last = conn.execute(text("select body from outbox order by ordered_clock desc limit 1"))
        body = str(last.scalar_one())
    assert body.startswith("10:00 LEAD Lead 024. website. Answer here: http")
    assert segments(body).count == 1


def test_nobody_answers_what_was_not_sent_yet(world: World) -> None:
    """A 1 while other pages wait is about the one that came."""
    first = world.asks("Zoe First")
    world.pages(first)
    world.clock.moves(4)
    later = world.asks("Dana Quimby")
    world.looks(later)
    world.clock.moves(4)
    world.texts(ANN, "1")
    assert world.standing(first).owner == "ann"
    assert world.standing(later).owner is None


def test_a_bundle_that_lands_while_a_thumb_types_is_not_answered(world: World) -> None:
    """A question is as old as the text that asks it, not as its waiting."""
    first = world.asks("Zoe First")
    world.pages(first)
    later = world.asks("Dana Quimby")
    world.looks(later)
    world.clock.moves(5)
    bundle(world)
    world.clock.moves(2)
    world.texts(ANN, "1")
    assert world.standing(first).owner == "ann"
    assert world.standing(later).owner is None


def test_a_bare_digit_after_a_bundle_gets_the_list_and_letters_do(world: World) -> None:
    found = waiting(world, *NAMES)
    taking = bundle(world)
    settle(world.desk, taking.row, ACCEPTED, taking.carried)
    world.clock.moves(10)
    for words in ("1", "ok", "more"):
        world.texts(ANN, words)
        (listed,) = world.sends_all()
        assert body_of(listed).startswith("Which one? Zoe First: 1A take 2A pass.")
    assert [world.standing(lead).owner for lead in found] == [None] * 3
    for words in ("1B", "2c", "D 1"):
        world.texts(ANN, words)
    assert [world.standing(lead).owner for lead in found] == ["ann", None, "ann"]
    world.texts(ANN, "more c")
    assert "Bo Li" in "".join(body_of(each) for each in world.sends_all())


def test_words_never_claim_from_a_bundle(world: World) -> None:
    """Even when all but one of its leads are gone by then."""
    found = waiting(world, *NAMES)
    taking = bundle(world)
    settle(world.desk, taking.row, ACCEPTED, taking.carried)
    world.clock.moves(10)
    for letter in "ABC":
        world.texts(ANN, f"2{letter}")
    world.sends_all()
    with world.ledger.transaction() as conn:
        last = questions.last_text(conn, ANN)
    assert last is not None
    assert last.lead_id is None
    world.texts(ANN, "ok")
    assert world.standing(found[2]).owner is None


# Two tries, whatever dies


class Line:
    """A carrier that says this of a message whose sender died."""

    def __init__(self, knows: Accepted | NotFound | Unknown) -> None:
        self.knows = knows
        self.asked: list[str] = []

    def warm(self) -> None: ...

    def send_text(self, order: TextOrder) -> SendOutcome:
        raise AssertionError(order)

    def place_call(self, order: CallOrder) -> SendOutcome:
        raise AssertionError(order)

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        raise AssertionError(call_sid)

    def look_up_text(self, page_id: PageId, sid: str) -> Unknown:
        raise AssertionError(page_id, sid)

    def look_up_call(self, page_id: PageId, sid: str) -> Unknown:
        raise AssertionError(page_id, sid)

    def find_sent(
        self, order: TextOrder | CallOrder, since: object, known_sids: frozenset[str] = frozenset()
    ) -> Accepted | NotFound | Unknown:
        assert isinstance(order, TextOrder)
        self.asked.append(order.body)
        return self.knows


def sender_dies(world: World) -> None:
    """Whoever has something in hand does not renew it any more."""
    with world.ledger.transaction() as conn:
        conn.execute(
            text(
                "update outbox set lease_until = clock_timestamp() - interval '1 second'"
                " where state = 'taken'"
            )
        )


def sweeps(world: World, line: Line) -> None:
    Sweep(world.desk, line, PUBLIC_URL).settle_lapsed()


def test_a_bundle_that_the_carrier_has_is_not_sent_again(world: World) -> None:
    found = waiting(world, *NAMES)
    taking, line = bundle(world), Line(ACCEPTED)
    sender_dies(world)
    assert [row.id for row in lapsed(world.desk)] == [taking.row.id]
    sweeps(world, line)
    assert line.asked == [body_of(taking)]
    assert states(world, found) == ["sent"] * 3
    assert world.sends_all() == []


def test_a_bundle_that_the_carrier_does_not_know_is_sent_once_more(world: World) -> None:
    """Its repeats wait for the phone as any pages do, and so share one text again, behind what
    was never sent at all."""
    found = waiting(world, *NAMES)
    taking = bundle(world)
    sender_dies(world)
    sweeps(world, Line(NotFound()))
    late = world.asks("Eve Late")
    world.looks(late)
    again = bundle(world)
    assert [row.page_id for row in again.rows[1:]] == [row.id for row in taking.rows]
    assert again.row.lead_id == late.lead_id
    assert "4 LEADS wait. B Dana" in body_of(again)
    assert LINKS.link_for(again.row.id) in body_of(again)
    sender_dies(world)
    sweeps(world, Line(NotFound()))
    reasons = [[fact["reason"] for fact in world.facts(lead, "page_failed")] for lead in found]
    assert reasons == [["unsure"]] * 3
    assert [row.lead_id for row in bundle(world).rows] == [late.lead_id]


def test_a_repeat_alone_speaks_for_itself(world: World) -> None:
    """Its first text was about others too, whom somebody has by now."""
    found = waiting(world, *NAMES)
    bundle(world)
    sender_dies(world)
    sweeps(world, Line(NotFound()))
    world.clock.moves(10)
    for letter in "CD":
        world.texts(ANN, f"1{letter}")
    again = bundle(world)
    assert [row.lead_id for row in again.rows] == [found[0].lead_id]
    assert body_of(again).startswith("10:00 LEAD Dana Quimby. website. 1B take 2B pass")


def test_the_claim_of_its_first_lead_costs_the_others_no_repeat(world: World) -> None:
    found = waiting(world, *NAMES)
    bundle(world)
    sender_dies(world)
    sweeps(world, Line(NotFound()))
    world.clock.moves(10)
    world.texts(ANN, "1B")
    again = bundle(world)
    assert [row.lead_id for row in again.rows] == [lead.lead_id for lead in found[1:]]


@pytest.mark.parametrize(
    ("head", "others"),
    [
        (ACCEPTED, "sent"),
        (Rejected(21610, "opted_out", True, "number"), "failed"),
        (NotFound(), "ordered"),
    ],
    ids=["sent", "refused", "unknown"],
)
def test_a_sender_that_dies_in_mid_settling_leaves_the_rest_to_the_sweep(
    world: World, head: SendOutcome | NotFound, others: str
) -> None:
    found = waiting(world, *NAMES)
    taking, line = bundle(world), Line(Unknown("timeout"))
    settle(world.desk, taking.row, head, carried=())
    sender_dies(world)
    assert [row.id for row in lapsed(world.desk)] == [row.id for row in taking.carried]
    sweeps(world, line)
    assert line.asked == []
    assert states(world, found[1:]) == [others] * 2


def test_a_receipt_after_a_crash_settles_each(world: World) -> None:
    found = waiting(world, *NAMES)
    taking = bundle(world)
    sender_dies(world)
    sweeps(world, Line(Unknown("timeout")))
    world.receipt(taking, "delivered")
    assert world.sends_all() == []
    assert all(world.facts(lead, "page_delivered") for lead in found)


# A bundle that had to wait in a sender's hands


def test_a_bundle_goes_out_while_one_of_its_leads_is_wanted(world: World) -> None:
    found = waiting(world, *NAMES)
    taking = bundle(world)
    world.clock.moves(10)
    for letter in "BC":
        world.texts(ANN, f"1{letter}")
    assert still_worth_sending(world.desk, taking.row, taking.carried)
    assert states(world, found) == ["taken"] * 3
    world.texts(ANN, "1D")
    assert not still_worth_sending(world.desk, taking.row, taking.carried)
    assert states(world, found) == ["failed"] * 3
    assert not still_worth_sending(world.desk, taking.row, taking.carried)


def test_a_bundle_that_waited_too_long_is_told_to_each_ladder(world: World) -> None:
    found = waiting(world, *NAMES)
    taking = bundle(world)
    world.clock.at = taking.row.not_after + timedelta(seconds=1)
    assert not still_worth_sending(world.desk, taking.row, taking.carried)
    reasons = [[fact["reason"] for fact in world.facts(lead, "page_failed")] for lead in found]
    assert reasons == [["expired"]] * 3
