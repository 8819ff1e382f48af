"""Calls and their one token: who gets it, what is looked at when it comes, and what a ring that
came to nothing is told as. PostgreSQL's clock fills the bucket; the tests do it in the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from threading import Barrier, Event, Thread

import pytest
from sqlalchemy import event as listeners
from sqlalchemy import text

from service.desk.calls.bridge import hear_bridge_key
from service.desk.dispatch import BUCKET_HELD_S, Full, lapsed
from service.desk.hanging_up import hang_up
from service.desk.lost import sent_after_all
from service.desk.record import hold, numbered, record
from service.desk.settling import settle
from service.desk.take_in import TakenIn
from service.desk.taking import HangUpOrder, Taking
from service.desk.wanted import still_worth_sending
from service.ledger import breaker, call_tokens, calls, counts, outbox
from service.ledger.calls import NewCall
from service.ledger.engine import Ledger
from service.ledger.outbox_calls import hang_up_id
from service.ledger.outbox_rows import (
    LANE_BRIDGE,
    LANE_HANG_UP,
    LANE_HUNT,
    LANE_OWED,
    LANE_PLAIN,
    LANE_REPEAT,
    Order,
    OutboxKind,
    OutboxRow,
)
from service.phone.call_callbacks import Keyed
from service.phone.line import (
    Accepted,
    Busy,
    CallOrder,
    NotFound,
    Rejected,
    SendOutcome,
    TextOrder,
    Unknown,
)
from service.rules.call_facts import CalledIn, Connected, Dialled, Purpose, Rang
from service.rules.lead import CallId, PageId, RepId
from service.rules.timeline import Audience, By, Channel, Claimed, Fact, Paged
from tests.rooms.desk_world import PUBLIC_URL, TEAM, World
from workers.send import LOOK_EVERY_S, Senders
from workers.sweep import Sweep

ONE_A_SECOND = TEAM.replace("calls_per_second: 1000", "calls_per_second: 1")
ONE_AN_HOUR = TEAM.replace("calls_per_second: 1000", "calls_per_second: 0.0003")
RANG_OUT = Accepted("CA" + "1" * 32, "queued")
REFUSED = Rejected(21217, "bad_number", ends_channel=True, blame="number")
ROUNDS = 8
WAIT_MAX_S = 30.0
ANN_ID = RepId("ann")

_phones = count(1)


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    """A team whose next token comes when the test says so."""
    return World(fresh_ledger, team=ONE_AN_HOUR)


# What is ordered


def tells(world: World, lead: TakenIn, *facts: Fact) -> int:
    """Write facts into the lead's timeline; the number of the last one."""
    with world.ledger.transaction() as conn:
        held = hold(conn, lead.lead_id)
        assert held is not None
        now = world.desk.now_for(held.row.last_recorded_at)
        events = numbered(held, facts, at=now, now=now, because="", actor="tests")
        record(conn, held, events)
    return events[-1].seq


def orders(
    world: World,
    lead: TakenIn,
    kind: OutboxKind,
    fact: Callable[[PageId], Fact],
    lane: int,
    **more: object,
) -> PageId:
    """Have the rules decide it, and a row ordered for it; to a phone of its own."""
    leg = PageId(f"{kind}-{next(_phones):024}")
    order = Order(
        id=leg,
        lead_id=lead.lead_id,
        seq=tells(world, lead, fact(leg)),
        kind=kind,
        channel=Channel.CALL,
        rep_id=ANN_ID,
        to_number=f"+1212777{next(_phones):04}",
        body="Dana Fox asks for a quote.",
        not_after=world.clock.now() + timedelta(seconds=60),
        ordered_at=world.clock.now(),
        lane=lane,
    )
    with world.ledger.transaction() as conn:
        outbox.order(conn, [replace(order, **more)])  # type: ignore[arg-type]  # fields by name
    return leg


def voice_page(world: World, lane: int = LANE_PLAIN, lead: TakenIn | None = None) -> PageId:
    def paged(leg: PageId) -> Fact:
        return Paged(ANN_ID, 1, Channel.CALL, leg, Audience.ON_DUTY)

    return orders(world, lead or world.asks(), "page_call", paged, lane)


def anns(world: World) -> TakenIn:
    """A lead that Ann has taken."""
    lead = world.asks()
    tells(world, lead, Claimed(ANN_ID, By.TEXT))
    return lead


def bridge(world: World, lead: TakenIn | None = None) -> PageId:
    """Ann is rung, to be connected with her lead."""
    lead = lead or anns(world)

    def rang(leg: PageId) -> Fact:
        return Rang(ANN_ID, CallId(leg), leg, Purpose.CLAIM)

    leg = orders(world, lead, "bridge_call", rang, LANE_BRIDGE)
    with world.ledger.transaction() as conn:
        conn.execute(text("update outbox set call_id = id where id = :id"), {"id": leg})
    return leg


def hunt(world: World, lead: TakenIn | None = None, left_s: float = 40) -> PageId:
    """Ann is rung for a caller who waits."""
    lead, caller = lead or world.asks(), CallId(f"caller-{next(_phones):024}")
    tells(world, lead, CalledIn(caller))

    def rang(leg: PageId) -> Fact:
        return Rang(ANN_ID, caller, leg, Purpose.INBOUND)

    not_after = world.clock.now() + timedelta(seconds=left_s)
    more = {"call_id": caller, "not_after": not_after}
    return orders(world, lead, "hunt_call", rang, LANE_HUNT, **more)


def ending(world: World, leg: PageId, sid: str = "") -> PageId:
    """The call of a row is to be ended."""
    row = row_of(world, leg)
    order = Order(
        id=hang_up_id(leg),
        lead_id=row.lead_id,
        seq=None,
        kind="hang_up",
        channel=Channel.CALL,
        rep_id=None,
        to_number=row.to_number,
        body=sid,
        not_after=world.clock.now() + timedelta(seconds=60),
        ordered_at=world.clock.now(),
        lane=LANE_HANG_UP,
        call_id=row.call_id,
    )
    with world.ledger.transaction() as conn:
        outbox.order(conn, [order])
    return order.id


# What becomes of it


def token_comes(world: World) -> None:
    with world.ledger.transaction() as conn:
        conn.execute(text("delete from pace where sender = 'account'"))


def token_goes(world: World, for_s: float = 3600.0) -> None:
    """Some other call has it."""
    token_comes(world)
    with world.ledger.transaction() as conn:
        assert call_tokens.hold_bucket(conn) == 0.0
        assert call_tokens.take_token(conn, for_s)


def takes(world: World) -> Taking:
    """What a sender takes once a token has come."""
    token_comes(world)
    taking = world.takes()
    assert isinstance(taking, Taking)
    return taking


def row_of(world: World, leg: PageId) -> OutboxRow:
    with world.ledger.transaction() as conn:
        row = outbox.row(conn, leg)
    assert row is not None
    return row


def state_of(world: World, leg: PageId) -> str:
    return row_of(world, leg).state


def reasons(world: World, lead: TakenIn) -> list[object]:
    """Why rings of this lead came to nothing."""
    return [fact["reason"] for fact in world.facts(lead, "ring_failed")]


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Run the deeds in a thread each, let go together; what each returned or raised."""
    gate, results = Barrier(len(deeds)), [None] * len(deeds)

    def run(index: int, deed: Callable[[], object]) -> None:
        gate.wait()
        try:
            results[index] = deed()  # type: ignore[call-overload]  # a list of anything
        except Exception as raised:
            results[index] = raised  # type: ignore[call-overload]  # the same

    threads = [Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(results)


@dataclass
class Exchange:
    """A carrier that says what the test has it say; ``dialled`` and ``ended`` in their order."""

    says: Callable[[], SendOutcome] = lambda: Accepted(f"CA{next(_phones):032}", "queued")
    ends: list[SendOutcome | NotFound] = field(default_factory=list)
    lists: Accepted | NotFound | Unknown = field(default_factory=NotFound)
    dialled: list[CallOrder] = field(default_factory=list)
    texted: list[TextOrder] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    enough: int = 1
    done: Event = field(default_factory=Event)

    def warm(self) -> None: ...

    def send_text(self, order: TextOrder) -> SendOutcome:
        self.texted.append(order)
        return Accepted(f"SM{next(_phones):032}", "queued")

    def place_call(self, order: CallOrder) -> SendOutcome:
        self.dialled.append(order)
        if len(self.dialled) == self.enough:
            self.done.set()
        return self.says()

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        self.ended.append(call_sid)
        return self.ends.pop(0) if self.ends else Accepted(call_sid, "completed")

    def find_sent(
        self, order: TextOrder | CallOrder, since: object, known_sids: frozenset[str] = frozenset()
    ) -> Accepted | NotFound | Unknown:
        return self.lists


def senders_of(world: World, line: Exchange, threads: int = 1) -> Senders:
    return Senders(world.desk, line, PUBLIC_URL, threads)  # type: ignore[arg-type]  # all it needs


# The order of calls


def test_each_token_goes_to_the_most_urgent_call_that_waits_then(world: World) -> None:
    legs = {
        LANE_REPEAT: voice_page(world, LANE_REPEAT),
        LANE_PLAIN: voice_page(world),
        LANE_OWED: voice_page(world, LANE_OWED),
        LANE_HUNT: hunt(world),
        LANE_BRIDGE: bridge(world),
    }
    taken = [takes(world).row.id for _ in legs]
    assert taken == [legs[lane] for lane in sorted(legs)]


def test_a_bridge_gets_the_next_token_however_many_pages_wait(world: World) -> None:
    """No page has one in reserve: that is what it means to wait."""
    waiting = [voice_page(world) for _ in range(4)]
    assert takes(world).row.id == waiting[0]
    full = world.takes()
    assert isinstance(full, Full)
    assert full.channel is Channel.CALL
    assert full.wait_s is not None and full.wait_s > LOOK_EVERY_S
    claimed = bridge(world)
    assert [state_of(world, leg) for leg in [*waiting[1:], claimed]] == ["ordered"] * 4
    assert [takes(world).row.id for _ in range(4)] == [claimed, *waiting[1:]]


def test_texts_go_past_calls_that_wait_for_a_token(world: World) -> None:
    token_goes(world)
    voice_page(world)
    lead = world.asks()
    world.looks(lead)
    taking = world.takes()
    assert isinstance(taking, Taking)
    assert (taking.row.lead_id, taking.row.channel) == (lead.lead_id, Channel.TEXT)
    assert isinstance(world.takes(), Full)


def test_a_page_that_waits_for_its_token_while_the_lead_is_claimed_is_never_dialled(
    world: World,
) -> None:
    token_goes(world)
    lead = world.asks()
    leg = voice_page(world, lead=lead)
    assert isinstance(world.takes(), Full)
    tells(world, lead, Claimed(RepId("bob"), By.TEXT))
    token_comes(world)
    assert world.takes() is None
    assert state_of(world, leg) == "withdrawn"


def test_the_ledger_is_asked_again_when_the_token_comes(world: World) -> None:
    """Also where nobody withdrew it: the next one goes by the token that it leaves."""
    token_goes(world)
    lead = anns(world)
    stale, next_one = bridge(world, lead), voice_page(world)
    tells(world, lead, CalledIn(CallId("the-lead-calls-in-meanwhile")))
    assert takes(world).row.id == next_one
    assert state_of(world, stale) == "withdrawn"
    assert reasons(world, lead) == []


def test_who_waits_for_somebody_elses_phone_does_not_keep_the_token(world: World) -> None:
    """A rep who is being rung is not rung twice at once; others are, meanwhile."""
    first = bridge(world)
    settle(world.desk, takes(world).row, RANG_OUT)
    same = voice_page(world)
    with world.ledger.transaction() as conn:
        values = {"to": row_of(world, first).to_number, "id": same}
        conn.execute(text("update outbox set to_number = :to where id = :id"), values)
    other = voice_page(world)
    assert takes(world).row.id == other
    token_comes(world)
    assert world.takes() is None


# Races


def test_two_senders_and_one_token_make_one_call(world: World) -> None:
    for _ in range(ROUNDS):
        token_comes(world)
        legs = {voice_page(world), voice_page(world)}
        found = at_once(world.takes, world.takes, world.takes)
        taken = [each.row.id for each in found if isinstance(each, Taking)]
        assert len(taken) == 1, found
        assert all(isinstance(each, Taking | Full) for each in found), found
        takes(world)
        assert {state_of(world, leg) for leg in legs} == {"taken"}


def test_two_senders_never_give_a_bridges_token_to_a_page(world: World) -> None:
    """Whoever picks a call is alone, so that none passes by one that the other looks at."""
    for _ in range(ROUNDS):
        token_comes(world)
        page, claimed = voice_page(world), bridge(world)
        found = at_once(world.takes, world.takes)
        assert [each.row.id for each in found if isinstance(each, Taking)] == [claimed]
        assert takes(world).row.id == page


def test_a_bucket_that_somebody_holds_is_asked_for_again_in_an_instant(world: World) -> None:
    voice_page(world)
    token_comes(world)
    with world.ledger.transaction() as conn:
        assert call_tokens.hold_bucket(conn) == 0.0
        assert world.takes() == Full(Channel.CALL, BUCKET_HELD_S)
    assert isinstance(world.takes(), Taking)


def test_a_claim_and_a_token_at_once_never_dial_after_the_claim(world: World) -> None:
    for _ in range(ROUNDS):
        token_comes(world)
        lead = world.asks()
        leg = voice_page(world, lead=lead)
        taking, _ = at_once(
            world.takes,
            lambda lead=lead: tells(world, lead, Claimed(RepId("bob"), By.TEXT)),  # type: ignore[misc]  # bound
        )
        token_comes(world)
        assert world.takes() is None
        taken = isinstance(taking, Taking)
        assert state_of(world, leg) == ("taken" if taken else "withdrawn")
        if taken:  # by then it is the sender's, who asks again after any wait
            assert not still_worth_sending(world.desk, taking.row)  # type: ignore[attr-defined]


# The senders of a process


def test_who_asks_the_ledger_asks_at_the_tokens_instant(world: World) -> None:
    senders, soon_s = senders_of(world, Exchange()), LOOK_EVERY_S / 5
    assert senders._look_in_s() == LOOK_EVERY_S
    voice_page(world)
    token_goes(world)
    before = time.monotonic()
    assert not senders._one()
    assert senders._token_at is not None
    assert before + 3500 < senders._token_at <= time.monotonic() + 3600
    assert senders._look_in_s() == LOOK_EVERY_S  # a bridge may be ordered elsewhere
    senders._waits_for_token(soon_s)
    assert senders._look_in_s() <= soon_s
    token_comes(world)
    assert senders._one()
    assert senders._look_in_s() == LOOK_EVERY_S
    assert not senders._one()


@pytest.fixture
def asked(fresh_ledger: Ledger) -> Iterator[list[str]]:
    """What was asked of the ledger for want of anything to send."""
    found: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        if "bool_or" in statement:
            found.append(statement)

    engine = fresh_ledger._engine
    listeners.listen(engine, "before_cursor_execute", note)
    yield found
    listeners.remove(engine, "before_cursor_execute", note)


def test_senders_that_wait_for_tokens_do_not_spin(fresh_ledger: Ledger, asked: list[str]) -> None:
    world = World(fresh_ledger, team=TEAM.replace("second: 1000", "second: 5"))
    legs = [voice_page(world) for _ in range(3)]
    legs.append(bridge(world))
    line = Exchange(enough=len(legs))
    senders = senders_of(world, line, threads=4)
    senders.start()
    try:
        senders.ring()
        assert line.done.wait(WAIT_MAX_S)
    finally:
        senders.stop()
    assert [order.page_id for order in line.dialled] == [legs[-1], *legs[:-1]]
    # Each call: taken, the next sender rung and without a token, then asked for at its instant.
    assert len(asked) < 12 * len(legs)


# Rings that came to nothing


def test_a_ring_that_is_late_is_told_and_the_rules_are_asked(world: World) -> None:
    lead = anns(world)
    leg = bridge(world, lead)
    world.clock.moves(60)
    token_comes(world)
    world.woken.clear()
    assert world.takes() is None
    assert state_of(world, leg) == "expired"
    assert world.facts(lead, "ring_failed") == [
        {"rep": "ann", "call_id": leg, "leg": leg, "reason": "late"}
    ]
    assert world.woken == [lead.lead_id]
    assert world.row(lead).look_again_at == world.clock.now()


def test_a_ring_that_grew_stale_in_a_senders_hands(world: World) -> None:
    lead = anns(world)
    bridge(world, lead)
    taking = takes(world)
    world.clock.moves(60)
    assert not still_worth_sending(world.desk, taking.row)
    assert not still_worth_sending(world.desk, taking.row)
    assert reasons(world, lead) == ["late"]
    assert state_of(world, taking.row.id) == "failed"


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [
        (REFUSED, "failed", "failed"),
        (Busy(1.0, "rate_limited"), "failed", "failed"),
        (Unknown("timeout"), "unsure", "unsure"),
        (NotFound(), "unsure", "unsure"),
    ],
)
@pytest.mark.parametrize("rings", [bridge, hunt])
def test_a_ring_that_the_carrier_did_not_take_is_told_once_and_never_repeated(
    world: World,
    rings: Callable[[World, TakenIn], PageId],
    outcome: SendOutcome | NotFound,
    state: str,
    reason: str,
) -> None:
    lead = anns(world) if rings is bridge else world.asks()
    leg = rings(world, lead)
    taking = takes(world)
    settle(world.desk, taking.row, outcome)
    settle(world.desk, taking.row, outcome)
    assert (state_of(world, leg), reasons(world, lead)) == (state, [reason])
    token_comes(world)
    assert world.takes() is None
    assert world.row(lead).look_again_at == world.clock.now()


def kept_call(world: World, lead: TakenIn, leg: PageId) -> None:
    """The call that the ring is to become."""
    new = NewCall(
        *(CallId(leg), lead.lead_id, ANN_ID, "out", "+15005550007", "+12125550142"),
        began_at=world.clock.now(),
    )
    with world.ledger.transaction() as conn:
        calls.open_call(conn, new)


@pytest.mark.parametrize(
    ("outcome", "settled"), [(REFUSED, True), (None, True), (Unknown("timeout"), False)]
)
def test_the_call_of_a_ring_that_never_left_is_over_with_it(
    world: World, outcome: SendOutcome | None, settled: bool
) -> None:
    """None: it came too late. One that may ring after all still connects who presses its key."""
    lead = anns(world)
    leg = bridge(world, lead)
    kept_call(world, lead, leg)
    if outcome is None:
        world.clock.moves(60)
        token_comes(world)
        assert world.takes() is None
    else:
        settle(world.desk, takes(world).row, outcome)
    with world.ledger.transaction() as conn:
        row = calls.call(conn, leg)
    assert row is not None
    assert (row.settled_at is not None) is settled
    key = Keyed("bridge", CallId(leg), RANG_OUT.sid, "1")
    assert ("<Dial" in hear_bridge_key(world.desk, key)) is not settled


def test_a_callers_call_goes_on_when_one_of_its_rings_is_refused(world: World) -> None:
    lead = world.asks()
    hunted = hunt(world, lead)
    with world.ledger.transaction() as conn:
        row = outbox.row(conn, hunted)
        assert row is not None
        assert row.call_id is not None
        new = NewCall(
            *(row.call_id, lead.lead_id, None, "in", "+15005550007", "+12125550142"),
            began_at=world.clock.now(),
        )
        calls.open_call(conn, new)
    settle(world.desk, takes(world).row, REFUSED)
    with world.ledger.transaction() as conn:
        kept = calls.call(conn, row.call_id)
    assert kept is not None
    assert kept.settled_at is None


def test_a_ring_that_the_carrier_took_says_nothing_yet(world: World) -> None:
    lead = anns(world)
    leg = bridge(world, lead)
    settle(world.desk, takes(world).row, RANG_OUT)
    assert (state_of(world, leg), world.kinds(lead)[-1]) == ("sent", "rang")


@pytest.mark.parametrize("pressed", [Dialled, Connected])
def test_a_ring_whose_key_was_pressed_has_not_failed(
    world: World, pressed: type[Dialled | Connected]
) -> None:
    """The rep was quicker than the answer to our own request, which was lost."""
    lead = anns(world) if pressed is Dialled else world.asks()
    leg = bridge(world, lead) if pressed is Dialled else hunt(world, lead)
    taking = takes(world)
    call_id = row_of(world, leg).call_id
    assert call_id is not None
    tells(world, lead, pressed(call_id, ANN_ID))
    settle(world.desk, taking.row, Unknown("timeout"))
    assert (state_of(world, leg), reasons(world, lead)) == ("unsure", [])


@pytest.mark.parametrize(
    ("knows", "state", "told"),
    [
        (RANG_OUT, "sent", []),
        (NotFound(), "unsure", ["unsure"]),
        (Unknown("timeout"), "unsure", ["unsure"]),
    ],
)
def test_a_ring_whose_sender_died_is_looked_up(
    world: World, knows: Accepted | NotFound | Unknown, state: str, told: list[str]
) -> None:
    lead = anns(world)
    leg = bridge(world, lead)
    takes(world)
    leases_run_out(world)
    line = Exchange(lists=knows)
    Sweep(world.desk, line, PUBLIC_URL).settle_lapsed()  # type: ignore[arg-type]  # all it needs
    assert (state_of(world, leg), reasons(world, lead)) == (state, told)
    token_comes(world)
    assert world.takes() is None
    assert line.dialled == []


def leases_run_out(world: World) -> None:
    """Whoever has something in hand does not renew it any more."""
    with world.ledger.transaction() as conn:
        conn.execute(text("update outbox set lease_until = clock_timestamp() - interval '1 second'"
                          " where state = 'taken'"))  # fmt: skip


# What is asked of the carrier


def test_how_a_rep_is_rung(world: World) -> None:
    claimed, called = bridge(world), hunt(world, left_s=12.9)
    to_ann, to_caller = takes(world).order, takes(world).order
    assert isinstance(to_ann, CallOrder)
    assert isinstance(to_caller, CallOrder)
    assert to_ann.twiml_url == f"{PUBLIC_URL}/twilio/bridges/{claimed}/say"
    caller = row_of(world, called).call_id
    assert to_caller.twiml_url == f"{PUBLIC_URL}/twilio/callers/{caller}/legs/{called}/say"
    assert to_caller.callback_url == f"{PUBLIC_URL}/twilio/calls/{called}/status"
    assert {to_ann.from_, to_caller.from_} == {"+15005550006"}
    ring_s = world.desk.present.crew().team.policy.calls.ring_rep_s
    assert (to_ann.ring_s, to_caller.ring_s) == (ring_s, 12)


def test_how_long_a_call_waits_in_the_carriers_queue_is_counted_once(world: World) -> None:
    voice_page(world)
    taking = takes(world)
    for _ in range(2):
        settle(world.desk, taking.row, Accepted(RANG_OUT.sid, "queued", queue_s=3.5))
    with world.ledger.transaction() as conn:
        told = [each for each in counts.totals(conn) if "call_queue" in each.metric]
    assert [(each.metric, each.labels, each.n) for each in told] == [
        ("call_queue_seconds_bucket", {"le": "5.0"}, 1.0),
        ("call_queue_seconds_sum", {}, 3.5),
    ]


# Ending a call


def ringing(world: World, *, sid: str | None = RANG_OUT.sid) -> PageId:
    """A call that rings; without a ``sid`` it is being placed."""
    leg = voice_page(world)
    row = takes(world).row
    if sid is not None:
        settle(world.desk, row, Accepted(sid, "queued"))
    return leg


def test_the_end_of_a_call_needs_no_token_and_passes_everything(world: World) -> None:
    leg = ringing(world)
    token_goes(world)
    bridge(world)
    world.looks(world.asks())
    end = ending(world, leg, RANG_OUT.sid)
    line = Exchange()
    assert senders_of(world, line)._one()
    assert (line.ended, line.dialled, line.texted) == ([RANG_OUT.sid], [], [])
    row = row_of(world, end)
    assert (row.state, row.carrier_sid, row.carrier_status) == ("sent", None, "completed")


@pytest.mark.parametrize("ends", [Accepted(RANG_OUT.sid, "completed"), NotFound()])
def test_a_call_is_ended_by_its_row_and_one_that_is_over_is_fine(
    world: World, ends: SendOutcome | NotFound
) -> None:
    """Its name came after the order to end it."""
    leg = ringing(world, sid=None)
    end = ending(world, leg)
    with world.ledger.transaction() as conn:
        outbox.settle_sent(conn, leg, RANG_OUT.sid, "queued", world.clock.now())
    line = Exchange(ends=[ends])
    assert senders_of(world, line)._one()
    assert (line.ended, state_of(world, end)) == ([RANG_OUT.sid], "sent")


def test_a_call_that_is_being_placed_cannot_be_ended_yet(world: World) -> None:
    leg = ringing(world, sid=None)
    line, order = Exchange(), HangUpOrder(hang_up_id(leg), None, leg)
    assert isinstance(hang_up(world.desk, line, order), Busy)  # type: ignore[arg-type]  # all it needs
    with world.ledger.transaction() as conn:
        outbox.settle_failed(conn, leg, None)
    assert isinstance(hang_up(world.desk, line, order), Accepted)  # type: ignore[arg-type]  # the same
    assert line.ended == []


def test_an_end_whose_answer_was_lost_is_asked_for_again_and_no_more(world: World) -> None:
    lost = Unknown("timeout")
    end = ending(world, ringing(world), RANG_OUT.sid)
    line = Exchange(ends=[lost, lost])
    assert senders_of(world, line)._one()
    assert (len(line.ended), state_of(world, end)) == (2, "unsure")
    assert world.takes() is None
    with world.ledger.transaction() as conn:
        assert breaker.breakers(conn) == {}


def test_an_end_whose_sender_died_is_asked_for_by_the_sweep(world: World) -> None:
    end = ending(world, ringing(world), RANG_OUT.sid)
    assert isinstance(world.takes(), Taking)
    leases_run_out(world)
    assert [row.id for row in lapsed(world.desk)] == [end]
    line = Exchange()
    outcome = sent_after_all(world.desk, line, row_of(world, end), PUBLIC_URL)  # type: ignore[arg-type]  # all it needs
    settle(world.desk, row_of(world, end), outcome)
    assert (line.ended, state_of(world, end)) == ([RANG_OUT.sid], "sent")
