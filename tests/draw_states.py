"""Draws how a lead, and a message, moves from state to state: read off the code, not told of it.

Leads: every event that the real rules let happen, from every standing that can be reached.
Messages: the pairs that the ledger's trigger allows. `write_docs` puts both into docs/states.md.
Nothing here may know what the rules say; it only asks them and writes down the answer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from service.desk.hear_fact import FactKind, OutsideFact, facts_of
from service.ledger.schema_leads import OUTBOX_STATES, outbox
from service.ledger.triggers import OUTBOX_FUNCTION
from service.rules import answers
from service.rules.actions import fact_of
from service.rules.call_facts import Ended
from service.rules.decide import decide, horizon, take_back_at
from service.rules.folding import after, fold
from service.rules.lead import DOUBLE_SUBMIT_WITHIN, LeadId, PageId, RepId, SourceId
from service.rules.reception import Again, Known, receive
from service.rules.standing import CLOSED, Standing, State
from service.rules.timeline import (
    KIND_OF,
    Arrived,
    AskedAgain,
    By,
    Ending,
    Event,
    Excluded,
    Fact,
    Paged,
    PageDelivered,
    PageFailed,
    PageSent,
    Reopened,
    Timeline,
)
from tests.draw_calls import deeds_of_calls
from tests.rules.world import ANN, ARRIVED, BOB, NEW_YORK, a_floor, a_policy

WEBSITE = SourceId("website")
POLICY, FLOOR = a_policy(), a_floor(ANN, BOB, dial_zones=NEW_YORK)

# Between one thing and the next: later than a claim, long before it is taken back.
A_WHILE = timedelta(seconds=10)
# Far above what there is (some hundreds): a key that tells too much apart would never come to an
# end.
STANDINGS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happened to a lead, and how the lead stood before and after it."""

    before: Standing
    event: Event
    after: Standing

    @property
    def kind(self) -> str:
        return self.event.kind


@dataclass(frozen=True, slots=True)
class Deed:
    """Facts that somebody caused together: when they happened, and when we learned of them."""

    facts: tuple[Fact, ...]
    at: datetime
    told_at: datetime


# What can happen to a lead, by whoever says so


def _at_once(facts: Iterable[Fact], now: datetime) -> Deed:
    return Deed(tuple(facts), now, now)


def deeds(timeline: Timeline, standing: Standing) -> Iterator[Deed]:
    """Everything that may come next, as far as the rules allow it; some of it is nothing."""
    now = standing.last_recorded_at + A_WHILE
    for rep in (ANN, BOB):
        yield from _by_text(standing, rep, now)
    yield from _from_outside(standing, now)
    yield from _by_the_carrier(timeline, now)
    yield _by_the_same_person(standing, now)
    yield from (Deed(facts, at, now) for facts, at in deeds_of_calls(standing, now))
    due = [instant for debt in standing.owed for instant in (debt.call_at, debt.due_at)]
    for when in (now, take_back_at(standing, POLICY), horizon(standing), *due):
        if when is not None and when >= now:
            yield from _by_looking(timeline, when)


def _by_text(standing: Standing, rep: RepId, now: datetime) -> Iterator[Deed]:
    yield _at_once(answers.claim(standing, rep, By.TEXT), now)
    yield _at_once(answers.decline(standing, rep, By.TEXT), now)
    for ending in Ending:
        yield _at_once(answers.outcome(standing, rep, ending, By.TEXT, None), now)


def _from_outside(standing: Standing, now: datetime) -> Iterator[Deed]:
    """A CRM tells what somebody did: just now, or before the claim."""
    happened = [now]
    if standing.claimed_at is not None:
        happened.append(standing.claimed_at - timedelta(seconds=1))
    for at in happened:
        for rep in (ANN, None):
            for kind in FactKind:
                facts = facts_of(standing.open, OutsideFact(kind, rep=rep))
                yield Deed(facts, at, now)
            for ending in Ending:
                yield Deed(answers.outcome(standing, rep, ending, By.API, None), at, now)


def _by_the_carrier(timeline: Timeline, now: datetime) -> Iterator[Deed]:
    pages = [event.fact for event in timeline if isinstance(event.fact, Paged)]
    for page in pages[-1:]:
        of_page = (page.page_id, page.rep, page.channel)
        for ends in (True, False):
            failed = PageFailed(*of_page, "undelivered", ends_channel=ends)
            yield from (_at_once([fact], now) for fact in (PageSent(*of_page), failed))
        yield _at_once([PageDelivered(*of_page)], now)


def _by_the_same_person(standing: Standing, now: datetime) -> Deed:
    """They ask again, later than a double submit."""
    at = max(now, standing.arrived_at + DOUBLE_SUBMIT_WITHIN + A_WHILE)
    known = Known(LeadId("it"), standing.arrived_at, standing.state, standing.first_contact_at)
    received = receive([known], at)
    if not isinstance(received, Again):
        return _at_once((), at)
    facts: list[Fact] = [AskedAgain(WEBSITE)]
    return _at_once([*facts, Reopened("asked_again")] if received.reopens else facts, at)


def _by_looking(timeline: Timeline, now: datetime) -> Iterator[Deed]:
    """What the rules order when asked now, and when they next ask to be asked."""
    verdict = decide(timeline, POLICY, FLOOR, now)
    when = verdict.look_again_at
    looks = [(now, verdict)]
    if not verdict.actions and when is not None:
        looks.append((when, decide(timeline, POLICY, FLOOR, when)))
    for at, said in looks:
        page_id = PageId(f"page-{len(timeline)}")
        yield _at_once((fact_of(action, page_id) for action in said.actions), at)


# Every standing there is


def _like(standing: Standing) -> tuple[object, ...]:
    """What of a standing may decide what comes next; two that agree in it are taken for one."""
    return (
        standing.state,
        standing.owner,
        standing.attempted_since_claim,
        standing.first_contact_at is not None,
        bool(standing.passed),
        bool(standing.pages),
        tuple(line.rep for line in standing.lines),
        bool(standing.owed),
    )


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead that came to a standing, and all that happened to it on the way."""

    timeline: Timeline
    standing: Standing

    def then(self, deed: Deed, moves: list[Move]) -> Lead:
        """The lead after a deed; each step of it is added to ``moves``."""
        timeline, standing = self.timeline, self.standing
        for fact in deed.facts:
            event = Event(len(timeline) + 1, deed.at, deed.told_at, "drawn", "drawn", fact)
            before, standing = standing, after(standing, event)
            moves.append(Move(before, event, standing))
            timeline = (*timeline, event)
        return Lead(timeline, standing)


@cache
def lead_moves() -> tuple[Move, ...]:
    """Every step that some lead may take, from every standing that one can come to."""
    moves: list[Move] = []
    arrived = Event(1, ARRIVED, ARRIVED, "drawn", "drawn", Arrived(WEBSITE, ARRIVED, False, True))
    born = Lead((arrived,), fold((arrived,)))
    waiting = deque([born, born.then(_at_once([Excluded("test")], ARRIVED), moves)])
    known = {_like(lead.standing) for lead in waiting}
    while waiting:
        lead = waiting.popleft()
        for deed in deeds(lead.timeline, lead.standing):
            later = lead.then(deed, moves)
            if _like(later.standing) not in known:
                known.add(_like(later.standing))
                waiting.append(later)
        if len(known) > STANDINGS_MAX:
            raise ValueError("more standings than there can be: see _like")
    return tuple(moves)


# Why one event leads to one state or to another


def _by_owner(move: Move) -> bool:
    rep = getattr(move.event.fact, "rep", None)
    return rep is not None and rep == move.before.owner


def _by_another(move: Move) -> bool:
    rep = getattr(move.event.fact, "rep", None)
    return None not in (rep, move.before.owner) and rep != move.before.owner


def _told_late(move: Move) -> bool:
    claimed_at = move.before.claimed_at
    return claimed_at is not None and move.event.at < claimed_at


def _after_contact(move: Move) -> bool:
    return move.before.first_contact_at is not None


def _settles_nothing(move: Move) -> bool:
    return getattr(move.event.fact, "ended", None) in (Ended.ABANDONED, Ended.UNKNOWN)


def _still_talking(move: Move) -> bool:
    return any(line.rep for line in move.after.lines)


def _gave_up(move: Move) -> bool:
    rep = getattr(move.event.fact, "rep", None)
    call_id = getattr(move.event.fact, "call_id", None)
    began = [line.since for line in move.before.lines if line.call_id == call_id]
    since = min([*began, move.event.at])
    passed = [at for who, at in move.before.passed_at if who == rep and at >= since]
    return move.before.owner is None and bool(passed)


def _nobodys_nothing(move: Move) -> bool:
    return move.before.owner is None and _settles_nothing(move)


def _called_since(move: Move) -> bool:
    return move.before.attempted_since_claim


def _withdraws(move: Move) -> bool:
    return move.before.first_contact_at is not None and move.after.first_contact_at is None


CONDITIONS: dict[str, Callable[[Move], bool]] = {
    "by the owner": _by_owner,
    "by another than the owner": _by_another,
    "told late": _told_late,
    "while another call is up": _still_talking,
    "of a call that settles nothing": _settles_nothing,
    "of such a call, when nobody has the lead": _nobodys_nothing,
    "by who passed it meanwhile": _gave_up,
    "that takes contact back": _withdraws,
    "after contact": _after_contact,
    "called since the claim": _called_since,
}
"""What a state's name does not say and the next state depends on. Tried in this order."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Where an event leads from one state, if ``when`` holds (empty: in every other case)."""

    when: str
    to: State


def branches(moves: Sequence[Move]) -> tuple[Branch, ...]:
    """Where these moves, of one kind from one state, lead: the last branch is the usual one.

    Raises ValueError when no condition we have a name for tells them apart.
    """
    ends = {move.after.state for move in moves}
    if len(ends) == 1:
        return (Branch("", *ends),)
    for name, holds in CONDITIONS.items():
        where_true = [move for move in moves if holds(move)]
        rest = [move for move in moves if not holds(move)]
        led_to = {move.after.state for move in where_true}
        if rest and len(led_to) == 1:
            return (Branch(name, *led_to), *branches(rest))
    raise ValueError(f"{moves[0].kind} from {moves[0].before.state} needs one more condition")


@cache
def lead_table() -> dict[tuple[State, str], tuple[Branch, ...]]:
    """(state, kind of event) to where it leads; a pair that cannot happen is left out."""
    found: dict[tuple[State, str], list[Move]] = {}
    for move in lead_moves():
        found.setdefault((move.before.state, move.kind), []).append(move)
    return {pair: branches(moves) for pair, moves in found.items()}


def reached() -> tuple[State, ...]:
    """The states that a lead can come to, in the order in which the code names them."""
    there = {move.after.state for move in lead_moves()} | {State.WAITING}
    return tuple(state for state in State if state in there)


# A lead, drawn and as a table


Arrows = dict[tuple[str, str], list[str]]
"""From one state to another: the labels of the arrow."""

OPEN = "open"
"""Drawn around the states that are not closed, for what leads out of each of them alike. What
enters it enters ``waiting``."""

EDGE = "[*]"
"""Where a drawing, or the drawing within it, begins and ends."""


def lead_diagram() -> str:
    """The Mermaid diagram of a lead's states; an event that changes no state is not in it."""
    alike = {kind: end for kind in KIND_OF.values() if (end := _ends_alike(kind)) is not None}
    inside: Arrows = {(EDGE, State.WAITING.value): []}
    outside: Arrows = {(EDGE, OPEN): [KIND_OF[Arrived]]}
    for kind, end in alike.items():
        outside.setdefault((OPEN, end.value), []).append(kind)
    for state in reached():
        arrows = outside if state in CLOSED else inside
        for kind in KIND_OF.values():
            if kind in alike and state not in CLOSED:
                continue
            for branch in lead_table().get((state, kind), ()):
                if branch.to is not state:
                    label = f"{kind} {branch.when}".strip()
                    to = OPEN if state in CLOSED and branch.to is State.WAITING else branch.to.value
                    arrows.setdefault((state.value, to), []).append(label)
    ends = [state.value for state in reached() if state in CLOSED]
    within = "".join(f"    {line}" for line in _arrows(inside))
    return _mermaid(f"    state {OPEN} {{\n{within}    }}\n", *_arrows(outside), *_last(ends))


def _ends_alike(kind: str) -> State | None:
    """The closed state that this event leads to from every open state, whatever else is true."""
    table = lead_table()
    led = {table.get((state, kind), ()) for state in reached() if state not in CLOSED}
    (first, *others) = led
    if others or len(first) != 1:
        return None
    return first[0].to if first[0].to in CLOSED else None


def lead_rows() -> list[tuple[str, ...]]:
    """The table: a row for each kind of event, a column for each state that can be reached."""
    table, states = lead_table(), reached()
    return [
        (f"`{kind}`", *(_led(state, table.get((state, kind), ())) for state in states))
        for kind in KIND_OF.values()
        if kind != KIND_OF[Arrived]
    ]


def _led(state: State, led: Sequence[Branch]) -> str:
    def named(branch: Branch) -> str:
        return "stays" if branch.to is state else f"`{branch.to}`"

    if not led:
        return ""
    if len(led) == 1:
        return named(led[0])
    return ", ".join(f"{named(each)} {each.when}" for each in led[:-1]) + f", else {named(led[-1])}"


# A message

PAIR = re.compile(r"\('([a-z]+)', '([a-z]+)'\)")

# Said of each pair that the trigger allows; one that is missing or gone breaks the drawing.
OUTBOX_WHEN: dict[tuple[str, str], str] = {
    ("ordered", "taken"): "a sender takes it",
    ("ordered", "withdrawn"): "it became pointless",
    ("ordered", "expired"): "its time ran out",
    ("taken", "sent"): "the carrier accepted it",
    ("taken", "failed"): "surely not sent",
    ("taken", "unsure"): "the answer was lost",
    ("unsure", "sent"): "it was sent after all",
    ("unsure", "failed"): "it was refused after all",
}


def outbox_pairs() -> tuple[tuple[str, str], ...]:
    """The changes of state that the ledger's trigger allows, as it lists them."""
    return tuple((found[1], found[2]) for found in PAIR.finditer(OUTBOX_FUNCTION))


def first_outbox_state() -> str:
    """The state in which a message is stored, by the table's own default."""
    default = outbox.c.state.server_default
    return str(getattr(default, "arg", "")).strip("'")


def outbox_ends() -> list[str]:
    """The states that nothing leads out of."""
    leaves = {start for start, _ in outbox_pairs()}
    return [state for state in OUTBOX_STATES if state not in leaves]


def outbox_diagram() -> str:
    """The Mermaid diagram of a message's life."""
    arrows = {(EDGE, first_outbox_state()): ["decided"]}
    arrows |= {pair: [OUTBOX_WHEN[pair]] for pair in outbox_pairs()}
    return _mermaid(*_arrows(arrows), *_last(outbox_ends()))


def outbox_rows() -> list[tuple[str, ...]]:
    """The table: from, to, when."""
    return [(f"`{start}`", f"`{end}`", OUTBOX_WHEN[start, end]) for start, end in outbox_pairs()]


# Mermaid's words


def _mermaid(*lines: str) -> str:
    return f"```mermaid\nstateDiagram-v2\n{''.join(lines)}```\n"


def _arrows(arrows: Arrows) -> Iterator[str]:
    """A line for each arrow; several labels of one stand under each other."""
    for (start, end), labels in arrows.items():
        why = f": {'<br/>'.join(labels)}" if labels else ""
        yield f"    {start} --> {end}{why}\n"


def _last(states: Iterable[str]) -> Iterator[str]:
    return (f"    {state} --> {EDGE}\n" for state in states)
