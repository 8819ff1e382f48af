"""The vocabulary of the rules' tests: one lead, a small team, and a clock that is a number.

Instants are seconds after the lead arrived, inside hours unless a test says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from service.rules import actions, answers
from service.rules import decide as rules
from service.rules.call_facts import CalledIn, Dialled, Ended, Owed, Purpose, Rang, RingFailed
from service.rules.calls import AnsweredBy, CallTold, came_to
from service.rules.floor import Floor, Person
from service.rules.folding import fold
from service.rules.hours import WeeklyHours, round_the_clock
from service.rules.lead import CallId, PageId, RepId, SourceId
from service.rules.policy import DEFAULT_LADDER, AfterHours, Calls, Policy, Rung, TurnKind
from service.rules.standing import OnLine, Ring, Standing
from service.rules.timeline import (
    Arrived,
    Audience,
    By,
    Channel,
    Claimed,
    Ending,
    Event,
    Fact,
    Paged,
    PageDelivered,
    PageFailed,
    PageSent,
    Passed,
    Timeline,
    Told,
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


NEW_YORK = ("America/New_York",)

# How the lead's leg of a call may end, by the carrier's word.
BUSY = CallTold(Ended.BUSY)
UNANSWERED = CallTold(Ended.NO_ANSWER, rang_s=40.0)
ABANDONED = CallTold(Ended.ABANDONED, rang_s=6.0)
LOST = CallTold(Ended.UNKNOWN)
FAILED = CallTold(Ended.FAILED)


def talked(seconds: float, by: AnsweredBy | None = AnsweredBy.HUMAN) -> CallTold:
    """Somebody picked up, and was bridged to the rep for so long."""
    return CallTold(
        Ended.ANSWERED, leg_s=seconds + 1, bridged=True, bridged_s=seconds, answered_by=by
    )


def machine(stayed_s: float, by: AnsweredBy = AnsweredBy.BEEP) -> CallTold:
    """A voicemail picked up, and the rep stayed so long after its message had ended."""
    return CallTold(Ended.ANSWERED, 8.0, 12.0 + stayed_s, True, 12.0 + stayed_s, by, 12.0)


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

    def happens(self, when: datetime, fact: Fact, *, told_at: datetime | None = None) -> None:
        seq = len(self.timeline) + 1
        recorded = max(
            when, told_at or when, self.timeline[-1].recorded_at if self.timeline else when
        )
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

    # Calls with it

    def dials(self, rep: RepId, when: float, call_id: str | None = None) -> None:
        """The rep presses the key of the ring, or calls through: the lead is dialled."""
        ring = next((ring for ring in self.ringing() if ring.rep == rep), None)
        known = ring.call_id if ring and call_id is None else CallId(call_id or f"call-{when:g}")
        self.happens(at(when), Dialled(known, rep))

    def ends(self, when: float, told: CallTold) -> None:
        """The call that was dialled is over, and the carrier tells what it knows."""
        line = next(line for line in self.standing.lines if line.rep and not line.inbound)
        behaves = self.policy.calls
        came = came_to(
            told,
            line.call_id,
            line.rep,
            behaves.contact_after_s,
            ring_lead_s=behaves.ring_lead_s,
        )
        for fact in came.facts:
            self.happens(line.since, fact, told_at=at(when))

    def calls(self, rep: RepId, when: float, told: CallTold, lasts: float = 20.0) -> None:
        self.dials(rep, when, f"call-{when:g}")
        self.ends(when + lasts, told)

    def calls_in(self, when: float, call_id: str = "in-1") -> None:
        self.happens(at(when), CalledIn(CallId(call_id)))

    def misses(self, rep: RepId, when: float, reason: str = "no_answer") -> None:
        """The ring of this rep comes to nothing."""
        ring = next(ring for ring in self.standing.rings if ring.open and ring.rep == rep)
        self.happens(at(when), RingFailed(rep, ring.call_id, ring.leg, reason))

    def says(
        self, rep: RepId, when: float, ending: Ending, by: By = By.TEXT, *, later: float = 0.0
    ) -> None:
        """What a rep says of their call; ``later``: and when the lead wants to be called."""
        call_at = at(later) if later else None
        facts = answers.outcome(self.standing, rep, ending, by, None, at=at(when), call_at=call_at)
        for fact in facts:
            self.happens(at(when), fact)

    def asks_to_be_rung(self, rep: RepId, when: float) -> None:
        for fact in answers.claim(self.standing, rep, By.TEXT, rings=True):
            self.happens(at(when), fact)

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

    def ringing(self) -> list[Ring]:
        """Whose phone rings to be connected with the lead."""
        return [ring for ring in self.standing.rings if ring.open]

    def talking(self) -> list[OnLine]:
        return [line for line in self.standing.lines if line.rep]

    def rings(self, purpose: Purpose | None = None) -> list[tuple[int, str]]:
        """Every ring so far: (second, rep)."""
        return [
            (round((e.at - ARRIVED).total_seconds()), e.fact.rep)
            for e in self.timeline
            if isinstance(e.fact, Rang) and purpose in (None, e.fact.purpose)
        ]

    def notes(self) -> list[tuple[int, str, str]]:
        """Every note so far: (second, rep, note)."""
        return [
            (round((e.at - ARRIVED).total_seconds()), e.fact.rep, e.fact.note.value)
            for e in self.timeline
            if isinstance(e.fact, Told)
        ]

    def asked(self) -> list[tuple[int, str, str]]:
        """Every page about an owed call: (second, owner, channel)."""
        return [
            (round((e.at - ARRIVED).total_seconds()), e.fact.rep, e.fact.channel.value)
            for e in self.timeline
            if isinstance(e.fact, Paged) and e.fact.audience is Audience.OWNER
        ]

    def owed(self) -> list[Owed]:
        """Every call that was ever owed."""
        return [e.fact for e in self.timeline if isinstance(e.fact, Owed)]

    def kinds(self, *kinds: str) -> list[tuple[int, str]]:
        """Events of these kinds: (second we learned of it, kind)."""
        return [
            (round((e.recorded_at - ARRIVED).total_seconds()), e.kind)
            for e in self.timeline
            if e.kind in kinds
        ]

    def story(self) -> str:
        return "\n".join(f"{e.seq:3} {e.at:%a %H:%M:%S} {e.kind} {e.fact}" for e in self.timeline)
