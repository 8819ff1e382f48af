"""What the house's own processes do, one step at a time: look, send, sweep, audit.

A sender's work is cut where it may die: taken, asked of the carrier, looked up, settled. The steps
are those of ``workers.send``; the verbs are the desk's own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event

from service.desk.attend import attend
from service.desk.dispatch import ALL, Full, renew_leases, take_next
from service.desk.hanging_up import hang_up
from service.desk.lost import sent_after_all
from service.desk.mailing import sent_by
from service.desk.settling import settle
from service.desk.taking import HangUpOrder, Taking, taking_of
from service.desk.wanted import still_worth_sending
from service.desk.watch import Watch, tell_stuck
from service.mail.post import MailOrder
from service.phone.line import Busy, CallOrder, NotFound, SendOutcome, Unknown
from service.rules.lead import LeadId
from service.rules.timeline import Channel
from tests.sim.machinery import Hand, Process, Worker
from tests.sim.seen import Changes
from tests.sim.world import PUBLIC_URL, World
from workers.audit import Audit
from workers.sweep import Sweep

# As in workers.send.
TRIES_MAX = 3
SETTLES_MAX = 5
GIVEN_FRESH = timedelta(seconds=1)


# Looks


def may_look(world: World) -> float:
    return 5.0 if world.queue.jobs else 0.0


def looks(world: World) -> str:
    """A worker takes a job. RQ runs the job of a worker that died again, mostly."""
    worker = world.rng.choice(world.workers)
    name, lead_id = worker.name, world.queue.takes()
    came = world.runs(worker, lambda: attend(worker.desk, lead_id, worker))
    if came.fate == "died" and world.rng.random() < 0.7:
        world.queue.jobs.append(lead_id)
    world.looked = lead_id if came.well and not world.team_unsaved else None
    return f"{name} looks at {world.seen.name(lead_id)}{_fate(came.fate)}"


def may_look_twice(world: World) -> float:
    return 0.4 if world.looked is not None else 0.0


def looks_twice(world: World) -> str:
    """A look right after a look, at the same instant: there is nothing left to do."""
    assert world.looked is not None
    lead_id: LeadId = world.looked
    world.looked = None
    worker = world.rng.choice(world.workers)
    lead = world.seen.leads[lead_id]
    world.clocks.at = max(lead.timeline[-1].recorded_at, world.clocks.at)
    world.runs(worker, lambda: attend(worker.desk, lead_id))

    def nothing(changes: Changes) -> str | None:
        return "a look after a look decided something" if changes.events else None

    # Time moved a little since: only what was due in that moment may happen.
    due = lead.row["look_again_at"]
    if not world.team_unsaved and (due is None or datetime.fromisoformat(due) > world.clocks.now()):
        world.expected = nothing
    return f"{worker.name} looks at {lead.name} again"


# Sending


def may_send(world: World) -> float:
    busy = any(not hand.free for worker in world.workers for hand in worker.every_hand)
    if not busy and world.held_up:
        return 0.5  # what is ordered waits for a phone, a slot or a token
    return 5.0 if busy or _ordered(world) else 0.05


def _ordered(world: World) -> bool:
    return any(row["state"] == "ordered" for row in world.seen.outbox.values())


def sends(world: World) -> str:
    """One sender does what comes next with what is in its hand."""
    hands = [(worker, hand) for worker in world.workers for hand in worker.every_hand]
    holding = [each for each in hands if not each[1].free]
    take = not holding or (_ordered(world) and world.rng.random() < 0.4)
    free = [each for each in hands if each[1].free]
    worker, hand = world.rng.choice(free if take and free else holding or free)
    return sends_with(world, worker, hand)


def sends_with(world: World, worker: Worker, hand: Hand) -> str:
    if hand.free:
        return _takes(world, worker, hand)
    if hand.outcome is None:
        return _asks_carrier(world, worker, hand)
    if isinstance(hand.outcome, Unknown) and not hand.looked_up:
        return _looks_up(world, worker, hand)
    return _settles(world, worker, hand)


def _takes(world: World, worker: Worker, hand: Hand) -> str:
    name = worker.name
    mails = hand is worker.mailer
    came = world.runs(worker, lambda: _take(worker, (Channel.EMAIL,) if mails else ALL))
    if not isinstance(came.value, Taking):
        world.held_up = came.well
        return f"{name} finds nothing to send{_fate(came.fate)}"
    hand.taking, hand.since = came.value, world.clocks.machine
    return f"{name} takes {world.seen.page_name(came.value.row.id)}"


def _take(worker: Worker, channels: tuple[Channel, ...]) -> Taking | Full | None:
    taking = take_next(worker.desk, PUBLIC_URL, worker.name, channels)
    if isinstance(taking, Full) and taking.wait_s is None:
        others = tuple(channel for channel in ALL if channel is not taking.channel)
        taking = take_next(worker.desk, PUBLIC_URL, worker.name, others)
    return taking


def _asks_carrier(world: World, worker: Worker, hand: Hand) -> str:
    """Ask the carrier; after any wait only when the message is still wanted."""
    assert hand.since is not None
    name = world.seen.page_name(hand.row.id) if hand.row else ""
    held = world.clocks.machine - hand.since
    if hand.taking is None:
        assert hand.given is not None
        hand.taking = taking_of(worker.desk, hand.given, PUBLIC_URL)
        hand.waited = held > GIVEN_FRESH
    taking = hand.taking
    if taking.wait_s > 0:
        if held < timedelta(seconds=taking.wait_s):
            world.clocks.moves(taking.wait_s)
        hand.waited = True
    if hand.waited:
        came = world.runs(
            worker, lambda: still_worth_sending(worker.desk, taking.row, taking.carried)
        )
        if not came.well:
            hand.empties()
            return f"{worker.name} cannot say whether {name} is wanted{_fate(came.fate)}"
        if not came.value:
            hand.empties()
            return f"{worker.name} drops {name}, wanted no more"
    if isinstance(taking.order, HangUpOrder):
        ending = taking.order
        came = world.runs(worker, lambda: hang_up(worker.desk, world.carrier, ending))
        if not came.well:
            return f"{worker.name} cannot end {name}{_fate(came.fate)}"
        outcome = came.value
    else:
        outcome = _asked(worker, world, taking)
    hand.tries += 1
    if isinstance(outcome, Busy) and hand.tries < TRIES_MAX:
        hand.waited = True
        world.clocks.moves(outcome.retry_after_s)
        return f"{worker.name} sends {name}: the carrier is busy"
    hand.outcome = outcome
    return f"{worker.name} sends {name}: {_said(outcome)}"


def _asked(worker: Worker, world: World, taking: Taking) -> SendOutcome:
    if isinstance(taking.order, MailOrder):
        return sent_by(world.carrier.post, taking.order)
    assert not isinstance(taking.order, HangUpOrder), "it asks the ledger first"
    if isinstance(taking.order, CallOrder):
        return world.carrier.place_call(taking.order)
    return world.carrier.send_text(taking.order)


def _looks_up(world: World, worker: Worker, hand: Hand) -> str:
    row = hand.row
    assert row is not None
    hand.looked_up = True
    came = world.runs(worker, lambda: sent_after_all(worker.desk, world.carrier, row, PUBLIC_URL))
    if came.well:
        hand.outcome = came.value
    said = _said(came.value) if came.well else came.fate
    return f"{worker.name} looks up {world.seen.page_name(row.id)}: {said}"


def _settles(world: World, worker: Worker, hand: Hand) -> str:
    row, outcome, name = hand.row, hand.outcome, worker.name
    carried = hand.taking.carried if hand.taking else None
    assert row is not None and outcome is not None
    said = f"{name} settles {world.seen.page_name(row.id)}: {_said(outcome)}"
    came = world.runs(worker, lambda: settle(worker.desk, row, outcome, carried))
    hand.settles += 1
    if came.well or hand.settles >= SETTLES_MAX:
        hand.empties()
    return said + _fate(came.fate)


def renews(world: World) -> None:
    """Live workers keep the leases of what is in hand; one that stands still does not."""
    for worker in world.workers:
        held = worker.in_hand()
        if held and world.rng.random() >= world.odds.frozen:
            world.runs(worker, lambda w=worker, ids=held: renew_leases(w.desk, ids))  # type: ignore[misc]  # bound


# The sweep and the audit


def may_sweep(world: World) -> float:
    due = world.next_look_at()
    return 2.5 if due is not None and due <= world.clocks.now() else 0.5


def sweeps(world: World) -> str:
    """One round of one of two sweeps."""
    process = world.rng.choice(world.sweeps)
    came = world.runs(process, _sweep(world, process).round)
    return f"{process.name} sweeps{_fate(came.fate)}"


def may_lapse(world: World) -> float:
    return 1.0 if _taken(world) else 0.05


def _taken(world: World) -> bool:
    return any(row["state"] == "taken" for row in world.seen.outbox.values())


def settles_lapsed(world: World) -> str:
    """One of the sweeps asks about messages whose sender died."""
    process = world.rng.choice(world.sweeps)
    came = world.runs(process, _sweep(world, process).settle_lapsed)
    return f"{process.name} asks about lapsed leases{_fate(came.fate)}"


class AtOnce(Event):
    """A sweep stops at no instant, and pauses for none: time is the world's."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


def _sweep(world: World, process: Process) -> Sweep:
    """A sweep that begins: each of its chores is due."""
    return Sweep(process.desk, world.carrier, PUBLIC_URL, AtOnce())


def may_watch(world: World) -> float:
    return 0.3


def watches(world: World) -> str:
    """One of the sweeps asks what became of messages without a receipt."""
    process = world.rng.choice(world.sweeps)
    watch = world.watches.setdefault(process.name, Watch(process.desk, world.carrier))
    came = world.runs(process, lambda: watch.turn(lambda: True))
    stuck = world.runs(process, lambda: tell_stuck(process.desk)) if came.well else came
    return f"{process.name} asks about receipts{_fate(stuck.fate)}"


def may_audit(world: World) -> float:
    return 0.1


def audits(world: World) -> str:
    process = world.rng.choice(world.sweeps)
    came = world.runs(process, Audit(process.desk).once)
    found = f": {came.value.repaired} repaired, {came.value.stuck} stuck" if came.well else ""
    return f"{process.name} audits{found}{_fate(came.fate)}"


def _fate(fate: str) -> str:
    return f", {fate}" if fate else ""


def _said(outcome: SendOutcome | NotFound | None) -> str:
    """An answer of the carrier, in a few words."""
    return type(outcome).__name__ + "".join(
        f" {getattr(outcome, name)}" for name in ("status", "why", "code") if hasattr(outcome, name)
    )
