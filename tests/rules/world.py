"""The vocabulary of the rules' tests: one lead, a small team, and a clock that is a number.

Instants are seconds after the lead arrived, inside hours unless a test says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from service.rules import actions
from service.rules import decide as rules
from service.rules.floor import Floor, Person
from service.rules.folding import fold
from service.rules.hours import WeeklyHours, round_the_clock
from service.rules.lead import PageId, RepId, SourceId
from service.rules.policy import DEFAULT_LADDER, AfterHours, Calls, Policy, Rung, TurnKind
from service.rules.standing import Standing
from service.rules.timeline import (
    Arrived,
    By,
    Channel,
    Claimed,
    Event,
    Fact,
    Paged,
    PageDelivered,
    PageFailed,
    PageSent,
    Passed,
    Timeline,
)

ARRIVED = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # a Wednesday, 10:00 in New York
ANN, BOB, CAT, MIA = (RepId(name) for name in ("ann", "bob", "cat", "mia"))

Decide = Callable[[Timeline, Policy, Floor, datetime], rules.Verdict]


# The rules that a LeadUnderTest lives under; tests of the tests push a broken variant on top.
RULES_UNDER_TEST: list[Decide] = [rules.decide]


def at(seconds: float) -> datetime:
    return ARRIVED + timedelta(seconds=seconds)


def person(rep: RepId, *, manager: bool = False, weight: int = 1, **more: object) -> Person:
    return Person(
        id=rep,
        name=f"{rep.title()} Lee",
        phone=f"+1212555{sum(map(ord, rep)) % 10000:04}",
        manager=manager,
        last_resort=manager,
        weight=weight,
        **more,  # type: ignore[arg-type]  # a test names fields of Person by keyword
    )


def a_policy(
    *,
    ladder: tuple[Rung, ...] = DEFAULT_LADDER,
    hours: WeeklyHours | None = None,
    after_hours: AfterHours = AfterHours.AT_OPENING,
    night_ladder: tuple[Rung, ...] = (),
    turn: TurnKind = TurnKind.ROUND_ROBIN,
    calls: Calls = Calls(),
) -> Policy:
    return Policy(
        team="Sunrise Solar",
        hours=hours or round_the_clock("America/New_York"),
        after_hours=after_hours,
        ladder=ladder,
        night_ladder=night_ladder,
        turn=turn,
        calls=calls,
    )


def a_floor(*on_duty: RepId, managers: tuple[RepId, ...] = (MIA,), **more: object) -> Floor:
    people = {rep: person(rep) for rep in (ANN, BOB, CAT)}
    people |= {rep: person(rep, manager=True) for rep in managers}
    return Floor(people=people, on_duty=on_duty, **more)  # type: ignore[arg-type]  # as above


@dataclass
class LeadUnderTest:
    """A lead, what happened to it so far, and the rules it lives under."""

    policy: Policy = field(default_factory=a_policy)
    floor: Floor = field(default_factory=lambda: a_floor(ANN, BOB))
    timeline: Timeline = ()
    decide: Decide = field(default_factory=lambda: RULES_UNDER_TEST[-1])
    arrived_at: datetime = ARRIVED

    def __post_init__(self) -> None:
        if not self.timeline:
            self.happens(
                self.arrived_at,
                Arrived(SourceId("website"), self.arrived_at, False, True),
            )

    # What happens to it

    def happens(self, when: datetime, fact: Fact) -> None:
        seq = len(self.timeline) + 1
        recorded = max(when, self.timeline[-1].recorded_at if self.timeline else when)
        self.timeline = (*self.timeline, Event(seq, when, recorded, "test", "test", fact))

    def claims(self, rep: RepId, when: float) -> None:
        self.happens(at(when), Claimed(rep, By.TEXT))

    def passes(self, rep: RepId, when: float) -> None:
        self.happens(at(when), Passed(rep, By.TEXT))

    def is_sent(self, rep: RepId, when: float) -> None:
        page = self.last_page(rep)
        self.happens(at(when), PageSent(page.page_id, rep, page.channel))

    def is_delivered(self, rep: RepId, when: float) -> None:
        page = self.last_page(rep)
        self.happens(at(when), PageDelivered(page.page_id, rep, page.channel))

    def carrier_fails(self, rep: RepId, channel: Channel, when: float) -> None:
        page_id = self.last_page(rep).page_id
        self.happens(at(when), PageFailed(page_id, rep, channel, "connection", ends_channel=False))

    def last_page(self, rep: RepId) -> Paged:
        return [e.fact for e in self.timeline if isinstance(e.fact, Paged) and e.fact.rep == rep][
            -1
        ]

    def fails(self, rep: RepId, channel: Channel, when: float) -> None:
        page = [e.fact for e in self.timeline if isinstance(e.fact, Paged) and e.fact.rep == rep]
        last = [fact for fact in page if fact.channel is channel][-1]
        self.happens(at(when), PageFailed(last.page_id, rep, channel, "undelivered", 30003))

    # What is asked of the rules

    def look(self, when: datetime) -> rules.Verdict:
        """Ask, and record the answer as the desk would, at that same instant."""
        now = max(when, self.timeline[-1].recorded_at)
        verdict = self.decide(self.timeline, self.policy, self.floor, now)
        for action in verdict.actions:
            page_id = PageId(f"page-{len(self.timeline) + 1}")
            self.happens(now, actions.fact_of(action, page_id))
            if isinstance(action, actions.Page) and action.begins_turn:
                weight = self.floor.weight_of(action.rep, self.policy.turn)
                turns = self.floor.turns.given(action.rep, weight)
                self.floor = replace(self.floor, turns=turns)
        return verdict

    def looks_until(self, seconds: float, *, start: float = 0, most: int = 200) -> None:
        """Look whenever the rules asked to be asked, up to ``seconds``, never oftener."""
        when = at(start)
        for _ in range(most):
            verdict = self.look(when)
            if verdict.look_again_at is None or verdict.look_again_at > at(seconds):
                return
            assert verdict.look_again_at > when
            when = verdict.look_again_at
        raise AssertionError(f"the rules asked to be asked more than {most} times")

    # What a person sees

    @property
    def standing(self) -> Standing:
        return fold(self.timeline)

    def pages(self) -> list[tuple[int, str, str, int]]:
        """Every page so far: (second, rep, channel, rung)."""
        return [
            (round((e.at - ARRIVED).total_seconds()), e.fact.rep, e.fact.channel.value, e.fact.rung)
            for e in self.timeline
            if isinstance(e.fact, Paged)
        ]

    def story(self) -> str:
        return "\n".join(f"{e.seq:3} {e.at:%a %H:%M:%S} {e.kind} {e.fact}" for e in self.timeline)
