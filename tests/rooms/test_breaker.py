"""The carrier's breaker: five messages in a row open it, one that goes well closes it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from service.desk.settling import settle
from service.desk.taking import Taking
from service.ledger import breaker, counts
from service.ledger.breaker import Breaker
from service.ledger.engine import Ledger
from service.phone.codes import failure
from service.phone.line import Accepted, Busy, NotFound, Rejected, SendOutcome, Unknown
from service.rules.breaker import FAILURES_OPEN
from service.rules.timeline import Channel
from tests.rooms.desk_world import START, TEAM, TakenIn, World
from tests.rooms.ledger_world import Beside

ACCEPTED = Accepted("SM-accepted", "queued")
MANY = tuple(range(FAILURES_OPEN))

WITH_MAIL = TEAM.replace(
    'name: Mia Fox, phone: "+12125550109"',
    'name: Mia Fox, phone: "+12125550109", email: mia@example.com',
).replace("name: Ann Lee,", "name: Ann Lee, email: ann@example.com,")


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    return World(fresh_ledger, team=WITH_MAIL, mail=True)


def refused(code: int) -> Rejected:
    meant = failure(code)
    return Rejected(code, meant.reason, meant.ends_channel, meant.blame)


def fails(world: World, outcome: SendOutcome = Busy(1.0, "connection")) -> TakenIn:
    """One more lead, whose page comes to this."""
    lead = world.asks()
    world.looks(lead)
    world.five_seconds_pass()
    taking = world.takes()
    assert isinstance(taking, Taking)
    settle(world.desk, taking.row, outcome, taking.carried)
    return lead


def fails_often(world: World, outcome: SendOutcome = Busy(1.0, "connection")) -> list[TakenIn]:
    return [fails(world, outcome) for _ in MANY]


def text_breaker(world: World) -> Breaker | None:
    with world.ledger.transaction() as conn:
        return breaker.breakers(conn).get(Channel.TEXT)


def open_until(world: World) -> datetime | None:
    found = text_breaker(world)
    return found.open_until if found else None


def opened_total(world: World) -> float:
    with world.ledger.transaction() as conn:
        totals = counts.totals(conn)
    return sum(each.n for each in totals if each.metric == "carrier_breaker_opened_total")


def test_five_messages_in_a_row_open_it_for_15_seconds(world: World) -> None:
    for _ in MANY[1:]:
        fails(world)
    assert open_until(world) is None
    fails(world)
    found = text_breaker(world)
    assert found is not None
    assert (found.open_until, found.opened) == (START + timedelta(seconds=15), 1)
    assert found.why == "connection"
    assert opened_total(world) == 1


def test_a_message_that_goes_well_begins_the_count_anew(world: World) -> None:
    for _ in MANY[1:]:
        fails(world)
    fails(world, ACCEPTED)
    for _ in MANY[1:]:
        fails(world)
    assert open_until(world) is None


def test_while_all_goes_well_there_is_no_row(world: World) -> None:
    for _ in MANY:
        fails(world, ACCEPTED)
    assert text_breaker(world) is None


@pytest.mark.parametrize(
    "outcome",
    [
        Busy(1.0, "connection"),
        Busy(1.0, "rate_limited"),
        refused(20003),
        refused(21606),
        refused(21611),
        refused(401),
    ],
    ids=str,
)
def test_the_carrier_and_our_account_are_at_fault(world: World, outcome: SendOutcome) -> None:
    fails_often(world, outcome)
    assert open_until(world) is not None


@pytest.mark.parametrize("code", [21211, 21610, 21614, 21408, 21608, 21617], ids=str)
def test_one_number_or_ones_own_words_are_not_the_carrier(world: World, code: int) -> None:
    for _ in MANY:
        lead = world.asks()
        world.looks(lead)
        world.sends_all(refused(code))
    assert open_until(world) is None


@pytest.mark.parametrize("outcome", [Unknown("server_error"), Unknown("timeout"), NotFound()])
def test_a_message_in_doubt_counts_when_both_its_copies_do(
    world: World, outcome: Unknown | NotFound
) -> None:
    world.looks(world.asks())
    first = world.takes()
    assert isinstance(first, Taking)
    settle(world.desk, first.row, outcome)
    assert text_breaker(world) is None
    world.five_seconds_pass()
    second = world.takes()
    assert isinstance(second, Taking)
    settle(world.desk, second.row, outcome)
    settle(world.desk, second.row, outcome)
    found = text_breaker(world)
    assert found is not None
    assert found.failures == 1


def test_settling_twice_counts_once(world: World) -> None:
    world.looks(world.asks())
    taking = world.takes()
    assert isinstance(taking, Taking)
    for _ in MANY:
        settle(world.desk, taking.row, Busy(1.0, "connection"))
    found = text_breaker(world)
    assert found is not None
    assert found.failures == 1


def test_it_stays_open_for_longer_each_time_the_trial_fails(world: World) -> None:
    fails_often(world)
    lasted = []
    for _ in range(5):
        until = open_until(world)
        assert until is not None
        lasted.append((until - world.clock.now()).total_seconds())
        world.clock.at = until
        with world.ledger.transaction() as conn:
            breaker.note_failure(conn, Channel.TEXT, world.clock.now(), "connection")
    assert lasted == [15, 30, 60, 120, 120]
    assert open_until(world) == world.clock.now() + timedelta(seconds=120)


def test_what_fails_while_it_is_open_opens_nothing(world: World) -> None:
    fails_often(world)
    until = open_until(world)
    world.clock.moves(5)
    with world.ledger.transaction() as conn:
        assert breaker.note_failure(conn, Channel.TEXT, world.clock.now(), "timeout") is None
    assert open_until(world) == until


def test_while_it_is_open_pages_go_by_call_and_by_email(world: World) -> None:
    fails_often(world)
    lead = world.asks()
    world.looks(lead)
    assert [fact["channel"] for fact in world.facts(lead, "paged")] == ["call", "email"]
    mailed = [each for each in world.mails_all() if each.to == "ann@example.com"]
    page = next(each for each in mailed if "Dana Fox" in each.words)
    (order,) = [f for f in world.facts(lead, "paged") if f["channel"] == "email"]
    assert world.desk.links.link_for(page.page_id) in page.words
    assert page.page_id == order["page_id"]
    assert "page_sent" in world.kinds(lead)


def test_open_leads_are_looked_at_when_it_opens_and_when_it_closes(world: World) -> None:
    waiting = world.asks()
    world.looks(waiting)
    world.five_seconds_pass()
    first = world.takes()
    assert isinstance(first, Taking)
    settle(world.desk, first.row, ACCEPTED)
    world.looks(waiting)
    later = world.row(waiting).look_again_at
    assert later is not None
    assert later > world.clock.now()
    fails_often(world)
    assert world.row(waiting).look_again_at == world.clock.now()
    world.looks(waiting)
    fails_late = world.asks()
    world.clock.moves(15)
    world.looks(fails_late)
    world.looks(waiting)
    world.sends_all()
    assert open_until(world) is None
    assert world.row(waiting).look_again_at == world.clock.now()


def test_managers_are_mailed_once_an_episode_and_when_it_is_over(world: World) -> None:
    fails_often(world)
    first = [each for each in world.mails_all() if each.to == "mia@example.com"]
    assert [each.words.splitlines()[0] for each in first] == [
        "The carrier fails: pages do not go by text"
    ]
    world.clock.moves(15)
    fails(world)
    assert [each for each in world.mails_all() if each.to == "mia@example.com"] == []
    world.clock.moves(31)
    fails(world, ACCEPTED)
    last = [each for each in world.mails_all() if each.to == "mia@example.com"]
    assert [each.words.splitlines()[0] for each in last] == [
        "The carrier works again: pages go by text"
    ]


def subjects(world: World) -> list[str]:
    """What Mia is mailed now."""
    return [
        each.words.splitlines()[0] for each in world.mails_all() if each.to == "mia@example.com"
    ]


def test_a_carrier_that_comes_and_goes_fills_nobodys_mailbox(world: World) -> None:
    told = []
    for _ in range(12):
        fails_often(world)
        assert open_until(world) is not None
        world.clock.moves(60)
        fails(world, ACCEPTED)
        assert open_until(world) is None
        told.append(len(subjects(world)))
    assert told == [2, *[0] * 9, 2, 0]


def test_an_episode_that_follows_closely_is_told_if_it_lasts(world: World) -> None:
    fails_often(world)
    world.clock.moves(60)
    fails(world, ACCEPTED)
    assert len(subjects(world)) == 2
    fails_often(world)
    assert subjects(world) == []
    for _ in range(10):
        world.clock.moves(121)
        with world.ledger.transaction() as conn:
            breaker.note_success(conn, Channel.CALL)
        fails(world)
    assert subjects(world) == ["The carrier fails: pages do not go by text"]
    world.clock.moves(121)
    fails(world, ACCEPTED)
    assert subjects(world) == ["The carrier works again: pages go by text"]


def test_without_a_mail_server_nobody_is_mailed(fresh_ledger: Ledger) -> None:
    world = World(fresh_ledger, team=WITH_MAIL)
    fails_often(world)
    lead = world.asks()
    world.looks(lead)
    assert [fact["channel"] for fact in world.facts(lead, "paged")] == ["call"]
    assert world.mails_all() == []


def test_a_calls_failures_are_the_calls_own(world: World) -> None:
    with world.ledger.transaction() as conn:
        for _ in MANY:
            breaker.note_failure(conn, Channel.CALL, world.clock.now(), "server_error")
    lead = world.asks()
    world.looks(lead)
    assert world.facts(lead, "paged")[0]["channel"] == "text"
    with world.ledger.transaction() as conn:
        assert breaker.open_breakers(conn, world.clock.now()) == {Channel.CALL}
        assert not breaker.note_success(conn, Channel.TEXT)
        assert breaker.note_success(conn, Channel.CALL)
        assert not breaker.note_success(conn, Channel.CALL)
        assert breaker.open_breakers(conn, world.clock.now()) == frozenset()


def test_many_that_fail_at_once_are_all_counted_and_open_it_once(world: World) -> None:
    takings = []
    for _ in range(8):
        world.looks(world.asks())
        world.five_seconds_pass()
        taking = world.takes()
        assert isinstance(taking, Taking)
        takings.append(taking)
    failing = [
        Beside(lambda row=each.row: settle(world.desk, row, Busy(1.0, "connection")))  # type: ignore[misc]  # bound
        for each in takings
    ]
    for each in failing:
        each.ended()
    found = text_breaker(world)
    assert found is not None
    assert (found.failures, found.opened) == (8, 1)
