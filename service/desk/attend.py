"""A look at one lead: ask the rules, write down the answer, order what must go out.

The same function serves the wake and the sweep, and may be called at any time, any number of
times. It is the only place that turns actions into messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Connection

from service.desk import counting
from service.desk.calls.dialling import floor_of
from service.desk.calls.ringing import begin_calls, hang_ups
from service.desk.desk import Desk, new_page_id
from service.desk.dispatch import LEASE_S
from service.desk.orders import word_messages
from service.desk.record import Held, hold, numbered, with_events, withdraw_unwanted, written
from service.desk.taking import taken_row
from service.ledger import look, people, reach
from service.ledger.counts import Delta
from service.ledger.look import Given
from service.ledger.outbox_rows import Order, OutboxRow
from service.rules.actions import ACTOR, Page, Ring, fact_of
from service.rules.call_facts import Purpose
from service.rules.decide import Verdict, decide
from service.rules.floor import Floor
from service.rules.lead import LeadId
from service.rules.policy import Policy
from service.rules.standing import State
from service.rules.timeline import Channel, Event

log = structlog.get_logger("attend")


class Hands(Protocol):
    """Senders beside this look. One that is free may be reserved, and a message is then ordered
    as taken by it: the page leaves without another transaction."""

    @property
    def name(self) -> str: ...

    def reserve(self) -> bool:
        """Whether a sender is free; it then waits for what it will be given."""
        ...

    def release(self) -> None:
        """The reserved sender gets nothing after all."""
        ...

    def give(self, row: OutboxRow) -> None:
        """Hand a taken message to the reserved sender."""
        ...


@dataclass(frozen=True, slots=True)
class Attended:
    """What a look came to. ``ordered`` messages wait in the outbox for a sender."""

    lead_id: LeadId
    ordered: int
    look_again_at: datetime | None


def attend(desk: Desk, lead_id: LeadId, hands: Hands | None = None) -> Attended | None:
    """Look at a lead now; None when there is no such lead.

    Raises LeadBusy, LedgerUnavailable: then nothing was written, and the look is still due.
    """
    looked = _look_with(desk, lead_id, hands) if hands else _look(desk, lead_id, None)
    if looked is None:
        log.warning("look", lead=lead_id, outcome="unknown lead")
        return None
    _say(lead_id, looked)
    return Attended(lead_id, looked.waiting, looked.look_again_at)


@dataclass(frozen=True, slots=True)
class _Looked:
    """A look that is committed: what it recorded, how many messages wait for any sender, and the
    one that it ordered as taken, if it did."""

    events: tuple[Event, ...]
    look_again_at: datetime | None
    waiting: int
    given: OutboxRow | None


def _look_with(desk: Desk, lead_id: LeadId, hands: Hands) -> _Looked | None:
    """A look with a sender beside it, which gets what it ordered before anything else is done."""
    if not hands.reserve():
        return _look(desk, lead_id, None)
    looked = None
    try:
        looked = _look(desk, lead_id, hands.name)
        return looked
    finally:
        if looked is None or looked.given is None:
            hands.release()
        else:
            hands.give(looked.given)


def _look(desk: Desk, lead_id: LeadId, taken_by: str | None) -> _Looked | None:
    """The look itself, one transaction; None when there is no such lead."""
    with desk.ledger.transaction() as conn:
        held = hold(conn, lead_id)
        if held is None:
            return None
        now = desk.now_for(held.row.last_recorded_at)
        policy = desk.present.policy(conn, held.row.policy_version)
        verdict, floor = _ask(desk, conn, held, policy, now)
        events = _events(held, verdict, now)
        orders, taken = _write(desk, conn, held, verdict, events, policy, floor, now, taken_by)
    given = taken_row(orders[0], taken_by) if taken and taken_by else None
    return _Looked(events, verdict.look_again_at, len(orders) - taken, given)


def _ask(
    desk: Desk, conn: Connection, held: Held, policy: Policy, now: datetime
) -> tuple[Verdict, Floor]:
    """The rules' answer. What few looks need is only read, and the rules asked again, when their
    answer hangs on it: who answers texts that show no receipt, and whose turn it is (held then)."""
    floor = floor_of(desk, conn, held, now)
    if not _begins_climb(held):
        verdict = decide(held.timeline, policy, floor, now)
        unseen = {each.rep for each in verdict.actions if isinstance(each, Page) and each.unseen}
        if unseen:
            floor = replace(floor, answer_unseen=reach.answer_unseen(conn, unseen, now))
            verdict = decide(held.timeline, policy, floor, now)
        if not _hangs_on_turns(verdict):
            return verdict, floor
    floor = replace(floor, turns=people.turns(conn, _route(held)))
    return decide(held.timeline, policy, floor, now), floor


def _begins_climb(held: Held) -> bool:
    """Whether nobody was paged in this climb yet: a first page almost always begins a turn."""
    return held.standing.state is State.WAITING and not held.standing.pages


def _hangs_on_turns(verdict: Verdict) -> bool:
    """Whether the answer hangs on whose turn it is: one begins, or a caller rings whose it is."""
    return any(
        (isinstance(action, Page) and action.begins_turn)
        or (isinstance(action, Ring) and action.purpose is Purpose.INBOUND)
        for action in verdict.actions
    )


def _route(held: Held) -> str:
    return "" if held.standing.route is None else str(held.standing.route)


def _events(held: Held, verdict: Verdict, now: datetime) -> tuple[Event, ...]:
    facts = [fact_of(action, new_page_id()) for action in verdict.actions]
    events = numbered(held, facts, at=now, now=now, because="", actor=ACTOR)
    return tuple(
        Event(event.seq, event.at, event.recorded_at, action.because, ACTOR, event.fact)
        for event, action in zip(events, verdict.actions, strict=True)
    )


def _write(
    desk: Desk,
    conn: Connection,
    held: Held,
    verdict: Verdict,
    events: tuple[Event, ...],
    policy: Policy,
    floor: Floor,
    now: datetime,
    taken_by: str | None,
) -> tuple[tuple[Order, ...], bool]:
    """Write all of it in one statement; nothing when nothing changed. The messages ordered, and
    whether the one that there is was taken: a phone may have been sent a page just now."""
    known = with_events(held, events)
    endings = hang_ups(conn, known, now)
    unchanged = not events and not endings and held.row.woken_at is None
    if unchanged and held.row.look_again_at == verdict.look_again_at:
        return (), False
    worded = word_messages(desk, conn, known, verdict.actions, events, policy, now)
    orders = (*endings, *worded.orders)
    orders = _taken(desk, orders) if taken_by else orders
    whole = written(held, known, events, verdict.look_again_at, woken=False, at=now)
    whole = replace(
        whole,
        deltas=[*whole.deltas, *_lag(held, events, now)],
        orders=orders,
        taken_by=taken_by,
        lease_s=LEASE_S,
        opened=worded.opened,
        given=_given(held, verdict, policy, floor),
    )
    taken = look.write(conn, whole)
    begin_calls(desk, conn, known, orders, now)
    if held.standing.pages or held.standing.rings or not known.standing.open:
        withdraw_unwanted(conn, known, now)
    return orders, taken


def _taken(desk: Desk, orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """The orders, to be taken as they are ordered when it is one text that no pace of its sender
    holds back: it is still wanted, since the rules asked for it in this transaction."""
    carrier = desk.present.crew().team.carrier
    if len(orders) != 1 or orders[0].channel is not Channel.TEXT or carrier.texts_per_second:
        return orders
    return (replace(orders[0], from_number=carrier.pages_from),)


def _given(held: Held, verdict: Verdict, policy: Policy, floor: Floor) -> Given | None:
    given = [a.rep for a in verdict.actions if isinstance(a, Page) and a.begins_turn]
    if not given:
        return None
    turns = floor.turns
    for rep in given:
        turns = turns.given(rep, floor.weight_of(rep, policy.turn))
    return Given(_route(held), turns)


def _lag(held: Held, events: tuple[Event, ...], now: datetime) -> Iterator[Delta]:
    """How late a look that found something to do was."""
    due_at = held.row.look_again_at
    if due_at is not None and events and due_at <= now:
        yield from counting.look_lag(held.id, due_at, (now - due_at).total_seconds())


def _say(lead_id: LeadId, looked: _Looked) -> None:
    for event in looked.events:
        log.info("look", lead=lead_id, outcome=event.kind, because=event.because, seq=event.seq)
    if not looked.events:
        log.debug("look", lead=lead_id, outcome="nothing due", again=looked.look_again_at)
