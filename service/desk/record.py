"""Writing down what happened to a lead that this transaction holds.

The one place that numbers events, keeps the lead's row in step with its timeline, withdraws what
has become pointless, closes questions and counts. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from service.desk.counting import deltas_of
from service.errors import LeadBusy
from service.ledger import look, outbox, questions
from service.ledger.lead_rows import LeadRow, OwedRow, StandingRow
from service.ledger.look import Written
from service.rules.answers import look_after, stirs
from service.rules.call_facts import Rang
from service.rules.folding import after, fold
from service.rules.lead import Lead, LeadId, RepId
from service.rules.standing import Standing, State
from service.rules.timeline import Channel, Claimed, Event, Fact, Paged, Passed, Timeline, Told
from service.rules.wanted import still_wanted

# A carrier does not send a rep's word again, so we ask for the lead again ourselves. Each try
# waits 2 s for a lock at most: three of them are done before the carrier gives up (10-15 s).
TRIES_MAX = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """A lead whose row this transaction holds, with all that happened to it. ``person`` is None
    once erased; ``deaf`` are the phones that a channel cannot reach now, ``tripped`` the channels
    whose breaker is open, and until when; ``generation`` the team's; ``engaged`` reps on a call
    (None), or from when on they may be rung again."""

    row: LeadRow
    timeline: Timeline
    standing: Standing
    person: Lead | None
    deaf: frozenset[tuple[str, Channel]]
    tripped: Mapping[Channel, datetime]
    generation: int
    engaged: Mapping[RepId, datetime | None]

    @property
    def id(self) -> LeadId:
        return self.row.id

    def is_deaf(self, phone: str) -> bool:
        """Whether some channel cannot reach this phone now."""
        return any(deaf == phone for deaf, _ in self.deaf)


def hold(conn: Connection, lead_id: LeadId) -> Held | None:
    """Hold a lead and read it; None when there is no such lead. Raises LeadBusy."""
    seen = look.begin(conn, lead_id)
    if seen is None:
        return None
    return Held(
        seen.row,
        seen.timeline,
        fold(seen.timeline),
        seen.person,
        seen.deaf,
        seen.tripped,
        seen.generation,
        seen.engaged,
    )


def persistently(act: Callable[[], T]) -> T:
    """Do what is safe to do again, anew while its lead is busy, TRIES_MAX times in all."""
    for _ in range(TRIES_MAX - 1):
        try:
            return act()
        except LeadBusy:
            continue
    return act()


def numbered(
    held: Held,
    facts: Sequence[Fact],
    *,
    at: datetime,
    now: datetime,
    because: str,
    actor: str,
) -> tuple[Event, ...]:
    """The facts as the lead's next events."""
    first = held.standing.last_seq + 1
    return tuple(
        Event(first + index, at, now, because, actor, fact) for index, fact in enumerate(facts)
    )


def with_events(held: Held, events: Sequence[Event]) -> Held:
    """The lead as it stands once these events are written."""
    standing = held.standing
    for event in events:
        standing = after(standing, event)
    return replace(held, timeline=(*held.timeline, *events), standing=standing)


def record(
    conn: Connection,
    held: Held,
    events: Sequence[Event],
    *,
    look_again_at: datetime | None = None,
) -> Held:
    """Append events that somebody told us, and ask for a look unless they merely confirm: then one
    comes as planned, or at ``look_again_at``.

    A look that falls due now survives a crash between this commit and its wake.
    """
    if not events:
        return held
    now = events[-1].recorded_at
    stirred = any(stirs(event.fact) for event in events)
    known = with_events(held, events)
    due_at = now if stirred else look_again_at or _look_at(held, known, events)
    _write(conn, held, known, events, due_at, woken=stirred)
    _tidy_up(conn, known, events, now)
    return known


def _look_at(held: Held, known: Held, events: Sequence[Event]) -> datetime | None:
    """When to look after facts that call for nothing now: as planned, or sooner."""
    planned = held.row.look_again_at
    if known.standing.state is not State.WAITING:
        return planned
    instants = [planned, *(look_after(event) for event in events)]
    return min((at for at in instants if at is not None), default=None)


def _write(
    conn: Connection,
    held: Held,
    known: Held,
    events: Sequence[Event],
    look_again_at: datetime | None,
    *,
    woken: bool,
) -> None:
    look.write(
        conn,
        written(held, known, events, look_again_at, woken=woken, at=events[-1].recorded_at),
    )


def written(
    held: Held,
    known: Held,
    events: Sequence[Event],
    look_again_at: datetime | None,
    *,
    woken: bool,
    at: datetime,
) -> Written:
    """What is written of a lead that stood as ``held`` and now stands as ``known``."""
    return Written(
        lead_id=held.id,
        at=at,
        events=events,
        standing=standing_row(known.standing),
        look_again_at=look_again_at,
        last_seq=known.standing.last_seq,
        last_recorded_at=known.standing.last_recorded_at,
        woken=woken,
        deltas=deltas_of(held.row, held.standing, known.timeline, events),
    )


def standing_row(standing: Standing) -> StandingRow:
    return StandingRow(
        state=standing.state.value,
        owner=standing.owner,
        rung=standing.rung or None,
        attempts=standing.attempts,
        first_attempt_at=standing.first_attempt_at,
        first_contact_at=standing.first_contact_at,
        claimed_at=standing.claimed_at,
        paged_at=standing.first_sent_at,
        asked=standing.asked,
        owed=tuple(
            OwedRow(debt.kind.value, debt.since, debt.due_at, debt.call_at, debt.missed)
            for debt in standing.owed
            if debt.paid_at is None
        ),
    )


def _tidy_up(conn: Connection, known: Held, events: Sequence[Event], now: datetime) -> None:
    """Withdraw unsent pages nobody wants any more, and close the questions they asked."""
    facts = [event.fact for event in events]
    standing = known.standing
    if standing.state is State.WAITING and not any(isinstance(fact, Passed) for fact in facts):
        return
    withdraw_unwanted(conn, known, now)
    for fact in facts:
        if isinstance(fact, Passed):
            questions.close_questions(conn, known.id, now, only_rep=fact.rep)
        if isinstance(fact, Claimed):
            questions.close_questions(conn, known.id, now, except_rep=fact.rep)
    if not standing.open:
        questions.close_questions(conn, known.id, now)


def withdraw_unwanted(conn: Connection, known: Held, now: datetime) -> None:
    """Withdraw the lead's ordered messages that the rules no longer want sent."""
    orders = {
        event.fact.leg if isinstance(event.fact, Rang) else event.fact.page_id: event.fact
        for event in known.timeline
        if isinstance(event.fact, Paged | Told | Rang)
    }
    unwanted = [
        row.page_id
        for row in outbox.ordered_pages(conn, known.id)
        if row.page_id in orders
        and not still_wanted(known.standing, orders[row.page_id], row.not_after, now)
    ]
    outbox.withdraw(conn, known.id, unwanted)
