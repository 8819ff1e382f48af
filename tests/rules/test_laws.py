"""The four laws of ``decide``: on every small history there is, on random long ones, and on
deliberately broken variants of the rules, each of which must be caught."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.rules.actions import Page
from service.rules.answers import look_after, stirs
from service.rules.call_facts import Attempted, NoAnswer
from service.rules.policy import AfterHours, Policy, TurnKind
from service.rules.standing import State
from service.rules.timeline import (
    AskedAgain,
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
)
from service.rules.wanted import still_wanted
from tests.rules import test_decide, test_ladder
from tests.rules.world import (
    ANN,
    ARRIVED,
    BOB,
    MIA,
    RULES_UNDER_TEST,
    Decide,
    LeadUnderTest,
    a_floor,
    a_policy,
)

# Law by law


def look_and_check(lead: LeadUnderTest, now: datetime) -> None:
    """Look at ``now`` and hold the answer against the four laws."""
    before = lead.standing
    now = max(now, before.last_recorded_at)
    verdict = lead.look(now)
    paged = [
        action
        for action in verdict.actions
        if isinstance(action, Page) and action.channel is not Channel.EMAIL
    ]
    assert len({page.rep for page in paged}) == len(paged), f"law 4, burst\n{lead.story()}"
    assert not {page.rep for page in paged} & before.passed - {MIA}, f"passed\n{lead.story()}"
    if before.state is not State.WAITING and lead.standing.state is not State.WAITING:
        assert not paged, f"paged though somebody has it\n{lead.story()}"

    for event in lead.timeline[-len(verdict.actions) or len(lead.timeline) :]:
        if isinstance(event.fact, Paged):
            wanted = still_wanted(lead.standing, event.fact, now + timedelta(hours=1), now)
            assert wanted, f"ordered, and not wanted at that instant\n{lead.story()}"

    again = lead.decide(lead.timeline, lead.policy, lead.floor, now)
    assert again.actions == (), f"law 1, settled\n{lead.story()}\n{again}"
    assert again.look_again_at == verdict.look_again_at, f"law 1, look\n{lead.story()}"
    for fact in confirmations(lead):
        seq, at = len(lead.timeline) + 1, now
        told = (*lead.timeline, Event(seq, at, at, "confirms", "test", fact))
        same = lead.decide(told, lead.policy, lead.floor, now)
        assert same.actions == (), f"{fact} made something due\n{lead.story()}\n{same}"
        # A look comes as it was planned, if not sooner; too soon is harmless (law 2).
        planned = [at for at in (again.look_again_at, look_after(told[-1])) if at is not None]
        if same.look_again_at is not None:
            assert same.look_again_at >= min(planned), f"{fact}\n{lead.story()}"
    if not lead.standing.open:
        assert verdict.look_again_at is None
        return
    assert verdict.look_again_at is not None, f"law 3, forgotten\n{lead.story()}"
    assert verdict.look_again_at > now, f"law 3, not later\n{lead.story()}"
    for instant in between(now, verdict.look_again_at):
        early = lead.decide(lead.timeline, lead.policy, lead.floor, instant)
        assert early.actions == (), f"law 2, quiet at {instant}\n{lead.story()}\n{early}"


def confirmations(lead: LeadUnderTest) -> list[Fact]:
    """One of each fact that is said to call for no look (`answers.stirs`)."""
    pages = lead.standing.pages
    if not pages:
        return [AskedAgain(lead.standing.source)]
    last = pages[-1]
    of_page = (last.page_id, last.rep, last.channel)
    facts: list[Fact] = [
        AskedAgain(lead.standing.source),
        PageSent(*of_page),
        PageDelivered(*of_page),
    ]
    assert not any(stirs(fact) for fact in facts)
    return facts


def between(start: datetime, end: datetime) -> Iterator[datetime]:
    """Instants before ``end``: the first, the last, and some inside."""
    yield start + timedelta(microseconds=1)
    for part in (4, 2):
        yield start + (end - start) / part
    yield end - timedelta(microseconds=1)


def never_one_rung_twice(lead: LeadUnderTest) -> None:
    """Law 4 over a whole history: one rung of one climb and turn pages one person once, but for
    repeats of the last rung and for what failed."""
    seen: set[object] = set()
    failed = {e.fact.page_id for e in lead.timeline if isinstance(e.fact, PageFailed)}
    last = len(lead.policy.ladder)
    climb = 0
    for event in lead.timeline:
        climb += event.kind in {"taken_back", "passed"}
        told = isinstance(event.fact, Paged) and event.fact.channel is not Channel.EMAIL
        if told and event.fact.rung < last:
            by_day = lead.policy.hours.is_open(event.at)  # the opening begins the climb anew
            key = (climb, by_day, event.fact.turn_at, event.fact.rep, event.fact.rung)
            assert key not in seen, f"law 4, rung twice\n{lead.story()}"
            if event.fact.page_id not in failed:
                seen.add(key)


# Deeds: everything a small history is made of

Deed = Callable[[LeadUnderTest], None]


def last_instant(lead: LeadUnderTest) -> datetime:
    return lead.standing.last_recorded_at


def on_time(lead: LeadUnderTest) -> None:
    verdict = lead.decide(lead.timeline, lead.policy, lead.floor, last_instant(lead))
    if verdict.look_again_at is not None:
        look_and_check(lead, verdict.look_again_at)


def late(seconds: float) -> Deed:
    def deed(lead: LeadUnderTest) -> None:
        look_and_check(lead, last_instant(lead) + timedelta(seconds=seconds))

    deed.__name__ = f"late_by_{seconds:g}"
    return deed


def passes(rep: str) -> Deed:
    def deed(lead: LeadUnderTest) -> None:
        if lead.standing.open and rep not in lead.standing.passed:
            lead.happens(_soon(lead), Passed(rep, By.TEXT))  # type: ignore[arg-type]  # a RepId
            look_and_check(lead, last_instant(lead))

    deed.__name__ = f"{rep}_passes"
    return deed


def claims(lead: LeadUnderTest) -> None:
    if lead.standing.state is State.WAITING:
        lead.happens(_soon(lead), Claimed(BOB, By.TEXT))
        look_and_check(lead, last_instant(lead))


def calls_in_vain(lead: LeadUnderTest) -> None:
    if lead.standing.owner:
        lead.happens(_soon(lead), Attempted(lead.standing.owner, "C"))
        lead.happens(_soon(lead), NoAnswer("C", lead.standing.owner))
        look_and_check(lead, last_instant(lead))


def last_page_fails(lead: LeadUnderTest) -> None:
    for page in reversed(lead.standing.pages):
        if page.failed_at is None:
            fact = PageFailed(page.page_id, page.rep, page.channel, "undelivered", 30003)
            lead.happens(_soon(lead), fact)
            look_and_check(lead, last_instant(lead))
            return


def carrier_fails(lead: LeadUnderTest) -> None:
    for page in reversed(lead.standing.pages):
        if page.failed_at is None:
            fact = PageFailed(
                page.page_id, page.rep, page.channel, "connection", ends_channel=False
            )
            lead.happens(last_instant(lead) + timedelta(seconds=1), fact)
            look_and_check(lead, last_instant(lead))
            return


def is_sent(lead: LeadUnderTest) -> None:
    """The carrier accepted the last page; nobody says that a phone has it."""
    unsent = [page for page in lead.standing.pages if page.sent_at is None and not page.failed_at]
    if unsent and lead.standing.open:
        page = unsent[-1]
        when = last_instant(lead) + timedelta(seconds=1)
        lead.happens(when, PageSent(page.page_id, page.rep, page.channel))


def is_delivered(lead: LeadUnderTest) -> None:
    sent = [page for page in lead.standing.pages if page.sent_at and page.delivered_at is None]
    if sent and lead.standing.open:
        page = sent[-1]
        when = last_instant(lead) + timedelta(seconds=2)
        lead.happens(when, PageDelivered(page.page_id, page.rep, page.channel))


def breaker_opens(lead: LeadUnderTest) -> None:
    until = last_instant(lead) + timedelta(seconds=15)
    people = {rep: replace(each, email=f"{rep}@x.com") for rep, each in lead.floor.people.items()}
    lead.floor = replace(
        lead.floor, people=people, tripped={Channel.TEXT: until}, mail=True, changes_at=until
    )
    look_and_check(lead, last_instant(lead))


def breaker_of_calls_opens(lead: LeadUnderTest) -> None:
    until = last_instant(lead) + timedelta(seconds=30)
    tripped = {**lead.floor.tripped, Channel.CALL: until}
    changes_at = min(tripped.values())
    lead.floor = replace(lead.floor, tripped=tripped, mail=True, changes_at=changes_at)
    look_and_check(lead, last_instant(lead))


def ann_answers_unseen(lead: LeadUnderTest) -> None:
    lead.floor = replace(lead.floor, answer_unseen=lead.floor.answer_unseen ^ {ANN})
    look_and_check(lead, last_instant(lead))


def breaker_closes(lead: LeadUnderTest) -> None:
    if lead.floor.tripped:
        lead.floor = replace(lead.floor, tripped={}, changes_at=None)
        look_and_check(lead, last_instant(lead))


def shift_ends(lead: LeadUnderTest) -> None:
    lead.floor = replace(lead.floor, on_duty=lead.floor.on_duty[1:])
    look_and_check(lead, _soon(lead))


def _soon(lead: LeadUnderTest) -> datetime:
    return last_instant(lead) + timedelta(seconds=7)


DEEDS: tuple[Deed, ...] = (
    on_time,
    late(50),
    late(400),
    passes(ANN),
    passes(BOB),
    claims,
    calls_in_vain,
    last_page_fails,
    carrier_fails,
    shift_ends,
    is_sent,
    is_delivered,
)
# Rarer than that: tried by Hypothesis, in any order with the others.
RARE_DEEDS: tuple[Deed, ...] = (
    breaker_opens,
    breaker_closes,
    breaker_of_calls_opens,
    ann_answers_unseen,
)
POLICIES = {
    "by day": a_policy(),
    "all at once": a_policy(turn=TurnKind.ALL_AT_ONCE),
    "after hours": a_policy(hours=test_ladder.OFFICE, after_hours=AfterHours.AT_OPENING),
}


def every_history(policy: Policy, length: int) -> None:
    """Hold every sequence of so many deeds against the laws. A shared prefix is lived once."""
    start = test_ladder.AT_NIGHT if policy.hours is test_ladder.OFFICE else ARRIVED
    lead = LeadUnderTest(policy=policy, arrived_at=start)
    look_and_check(lead, start)
    _extend(lead, length)


def _extend(lead: LeadUnderTest, deeds_left: int) -> None:
    never_one_rung_twice(lead)
    if not deeds_left:
        return
    for deed in DEEDS:
        branch = replace(lead)
        deed(branch)
        if branch.timeline is not lead.timeline or branch.floor is not lead.floor:
            _extend(branch, deeds_left - 1)


@pytest.mark.parametrize("name", POLICIES)
def test_the_four_laws_hold_on_every_small_history(name: str) -> None:
    every_history(POLICIES[name], length=3)


class ALeadsLife(RuleBasedStateMachine):
    """Any deeds in any order for as long as Hypothesis likes."""

    @initialize(name=st.sampled_from(sorted(POLICIES)), reps=st.integers(0, 3))
    def arrives(self, name: str, reps: int) -> None:
        policy = POLICIES[name]
        start = test_ladder.AT_NIGHT if policy.hours is test_ladder.OFFICE else ARRIVED
        on_duty = (ANN, BOB, test_ladder.CAT)[:reps]
        self.lead = LeadUnderTest(policy=policy, floor=a_floor(*on_duty), arrived_at=start)
        look_and_check(self.lead, start)

    @rule(deed=st.sampled_from(DEEDS + RARE_DEEDS))
    def something_happens(self, deed: Deed) -> None:
        deed(self.lead)

    @rule(seconds=st.floats(0, 9 * 24 * 3600))
    def somebody_looks_late(self, seconds: float) -> None:
        late(seconds)(self.lead)

    @rule(reps=st.permutations([ANN, BOB, test_ladder.CAT]), how_many=st.integers(0, 3))
    def the_floor_changes(self, reps: list[str], how_many: int) -> None:
        on_duty = tuple(reps[:how_many])
        self.lead.floor = replace(self.lead.floor, on_duty=on_duty)  # type: ignore[arg-type]  # ids
        look_and_check(self.lead, last_instant(self.lead))

    @invariant()
    def the_laws_hold(self) -> None:
        if hasattr(self, "lead"):
            never_one_rung_twice(self.lead)


# The same lives each time, so that a red run is this change's doing and not chance's.
ALeadsLife.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, derandomize=True
)
TestALeadsLife = ALeadsLife.TestCase


# The tests are tested: one token of the rules is broken, and somebody must notice

BROKEN = {
    "a rung waits past its instant": (
        "ladder",
        "if due_at > climb.now:",
        "if due_at >= climb.now:",
    ),
    "a rung comes a second early": (
        "ladder",
        "if due_at > climb.now:",
        "if due_at > climb.now + timedelta(seconds=1):",
    ),
    "the turn never ends": ("ladder", "if ended_at is not None:", "if False:"),
    "a pass is forgotten": ("means", "if rep in passed_at:", "if False:"),
    "a failed rung is waited for": (
        "ladder",
        "if failed_at is None or (failed_at >= ahead[1] and not past_the_end):",
        "if True:",
    ),
    "an empty rung brings everything forward": (
        "ladder",
        "due_at = own if self.last != reached_before else min(own, due_at)",
        "due_at = min(own, due_at)",
    ),
    "an empty rung is waited for": (
        "ladder",
        "due_at = own if self.last != reached_before else min(own, due_at)",
        "due_at = own",
    ),
    "those who passed are paged with everyone": (
        "means",
        "out = standing.passed | standing.taken_back",
        "out = standing.taken_back",
    ),
    "a take-back pages the same rep": (
        "means",
        "out = standing.passed | standing.taken_back",
        "out = standing.passed",
    ),
    "the repeat drifts to now": (
        "climb",
        "rounds = math.floor((last_at - first).total_seconds() / rung.repeat_s) + 1",
        "rounds = math.floor((last_at - first).total_seconds() / rung.repeat_s)",
    ),
    "the repeat ignores the night": (
        "climb",
        "return climb.policy.hours.next_open(due_at) or due_at",
        "return due_at",
    ),
    "a later rung counts from its turn": (
        "ladder",
        "return climb.nominal(index)",
        "return (self.turn_at or climb.starts_at) + timedelta(seconds=climb.rungs[index].at_s)",
    ),
    "the night is not spared": (
        "climb",
        "if waits or now >= opens_at:",
        "if now >= opens_at:",
    ),
    "an outage burns the ladder up": (
        "means",
        "if in_a_row == 0 or (in_a_row == 1 and not at_top):",
        "if True:",
    ),
    "an outage is not tried again at the top": (
        "means",
        "(in_a_row == 1 and not at_top)",
        "in_a_row == 1",
    ),
    "the morning is climbed on the night's ladder": (
        "climb",
        "if waits or now >= opens_at:",
        "if waits:",
    ),
    "a manager who passed is never reached again": (
        "decide",
        "not passed_since(standing, mine[-1])",
        "fact.rep not in standing.passed",
    ),
    "a text without a receipt is trusted": (
        "ladder",
        "sent_at + UNSEEN_AFTER >= ahead[1]",
        "True",
    ),
    "a receipt is not believed": (
        "means",
        "and page.delivered_at is None",
        "and True",
    ),
    "silence pages another person": (
        "means",
        "range(index + 1, climb.block_end(index))",
        "range(index + 1, len(climb.rungs))",
    ),
    "who answers unseen texts is rung all the same": (
        "means",
        "and page.rep not in climb.floor.answer_unseen",
        "and True",
    ),
    "a fourth text": ("means", "_texts_sent(climb, rep) < TEXTS_MAX", "True"),
    "a failing channel is used on": (
        "means",
        "if channel in floor.tripped and other not in floor.tripped:",
        "if False:",
    ),
    "an e-mail climbs the ladder": (
        "climb",
        "and page.channel is not Channel.EMAIL",
        "and True",
    ),
    "an e-mail with every page": ("decide", "and not mailed", "and True"),
    "the last resort is given up after one failure": ("means", "if at_top:", "if False:"),
    "a ladder of one turn falls silent": (
        "ladder",
        "(end, ended_at) if again_at is None else (end - 1, again_at)",
        "(end, ended_at)",
    ),
    "a claim is never taken back": ("decide", "now < due_at or", "True or"),
    "the take-back is looked for too late": (
        "decide",
        "return None, min(ends_at, owed_at) if owed_at else ends_at",
        "return None, ends_at",
    ),
    "a new floor is not looked at": (
        "decide",
        "for at in (next_at, floor.changes_at)",
        "for at in (next_at,)",
    ),
    "a lead nobody called never ends": (
        "decide",
        "if now < horizon(standing):",
        "if True:",
    ),
}


def variant_of(room: str, sound: str, broken: str) -> Decide:
    """``decide`` with one token of its source replaced, loaded beside the sound one."""
    loaded: dict[str, types.ModuleType] = {}
    rooms = ("climb", "means", "ladder", "decide")
    for name in rooms:
        source = Path(str(sys.modules[f"service.rules.{name}"].__file__)).read_text()
        if name == room:
            assert source.count(sound) >= 1, f"{sound!r} is no longer in {name}.py"
            source = source.replace(sound, broken)
        for other in rooms:
            source = source.replace(
                f"from service.rules.{other} import", f"from broken_{other} import"
            )
        module = types.ModuleType(f"broken_{name}")
        sys.modules[module.__name__] = loaded[name] = module
        exec(compile(source, f"broken {name}.py", "exec"), module.__dict__)
    return loaded["decide"].decide  # type: ignore[no-any-return]  # loaded by hand


def everything_that_should_notice() -> Iterator[Callable[[], None]]:
    for name, check in {**vars(test_ladder), **vars(test_decide)}.items():
        if name.startswith("test_") and not hasattr(check, "pytestmark"):
            yield check
    for policy in POLICIES.values():
        yield lambda policy=policy: every_history(policy, length=2)  # type: ignore[misc]  # bound


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_variant_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = variant_of(*BROKEN[name])
    # The variant has its own Page, Tell, ...: record its actions with its own eyes.
    monkeypatch.setattr("tests.rules.world.rules", sys.modules["broken_decide"])
    monkeypatch.setattr("tests.rules.test_laws.rules", sys.modules["broken_decide"])
    monkeypatch.setattr("tests.rules.test_decide.rules", sys.modules["broken_decide"])
    RULES_UNDER_TEST.append(decide)
    try:
        caught = [check for check in everything_that_should_notice() if _notices(check)]
    finally:
        RULES_UNDER_TEST.pop()
    assert caught, f"nobody noticed that {name}"


def _notices(check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:
        return True
    return False


def test_the_sound_rules_pass_what_catches_the_broken_ones() -> None:
    assert not [check for check in everything_that_should_notice() if _notices(check)]


def test_a_variant_that_breaks_nothing_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    token = "if due_at > climb.now:"
    decide = variant_of("ladder", token, token)
    monkeypatch.setattr("tests.rules.world.rules", sys.modules["broken_decide"])
    monkeypatch.setattr("tests.rules.test_laws.rules", sys.modules["broken_decide"])
    monkeypatch.setattr("tests.rules.test_decide.rules", sys.modules["broken_decide"])
    RULES_UNDER_TEST.append(decide)
    try:
        assert not [check for check in everything_that_should_notice() if _notices(check)]
    finally:
        RULES_UNDER_TEST.pop()
