"""The laws of ``decide``, as checks to hold one look at one lead, or its whole history, against.

They say nothing of how the rules come to an answer: `test_laws` lives through histories,
`test_broken` shows that each law is one that can be broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from service.rules import connecting, owed, wanted
from service.rules.actions import Action, Escalate, Page, Ring, TakeBack, Tell, WaitAgain
from service.rules.answers import look_after, stirs
from service.rules.call_facts import Owed, OwedMet, OwedMissed, Owing, Purpose, Rang
from service.rules.folding_ends import CHASE
from service.rules.hours import Block, WeeklyHours
from service.rules.standing import Standing, State
from service.rules.timeline import (
    AskedAgain,
    Audience,
    Channel,
    Event,
    Fact,
    Note,
    Paged,
    PageDelivered,
    PageFailed,
    PageSent,
)
from tests.rules.world import MIA, LeadUnderTest

# The hours in which a lead may be dialled, in this file's own words.
LAWFUL = tuple(Block(day, 8 * 60, 20 * 60) for day in range(7))


def look_and_check(lead: LeadUnderTest, now: datetime) -> None:
    """Look at ``now`` and hold the answer against the laws."""
    before = lead.standing
    now = max(now, before.last_recorded_at)
    verdict = lead.look(now)
    pages_are_lawful(lead, before, verdict.actions)
    calls_are_lawful(lead, before, verdict.actions, now)
    for event in lead.timeline[-len(verdict.actions) or len(lead.timeline) :]:
        if isinstance(event.fact, Paged | Rang):
            hour = now + timedelta(hours=1)
            still = wanted.still_wanted(lead.standing, event.fact, hour, now)
            assert still, f"ordered, and not wanted at that instant\n{lead.story()}"

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
        assert not lead.standing.owed, f"owed to a closed lead\n{lead.story()}"
        return
    assert verdict.look_again_at is not None, f"law 3, forgotten\n{lead.story()}"
    assert verdict.look_again_at > now, f"law 3, not later\n{lead.story()}"
    for instant in between(now, verdict.look_again_at):
        early = lead.decide(lead.timeline, lead.policy, lead.floor, instant)
        assert early.actions == (), f"law 2, quiet at {instant}\n{lead.story()}\n{early}"


def pages_are_lawful(lead: LeadUnderTest, before: Standing, actions: Sequence[Action]) -> None:
    """One page each and no burst; an owner is paged about an owed call, and nobody else is."""
    pages = [a for a in actions if isinstance(a, Page) and a.channel is not Channel.EMAIL]
    assert len({page.rep for page in pages}) == len(pages), f"law 4, burst\n{lead.story()}"
    owners = [page for page in pages if page.audience is Audience.OWNER]
    others = [page for page in pages if page.audience is not Audience.OWNER]
    assert not {page.rep for page in others} & before.passed - {MIA}, f"passed\n{lead.story()}"
    if before.state is not State.WAITING and lead.standing.state is not State.WAITING:
        assert not others, f"paged though somebody has it\n{lead.story()}"
    for page in owners:
        assert page.rep == lead.standing.owner, f"not theirs\n{lead.story()}"
        assert owed.unpaid(lead.standing), f"nothing is owed\n{lead.story()}"


def calls_are_lawful(
    lead: LeadUnderTest, before: Standing, actions: Sequence[Action], now: datetime
) -> None:
    """Whom a look rings; and that it leaves a lead alone that is on the line."""
    rings = [action for action in actions if isinstance(action, Ring)]
    for ring in rings:
        assert not lead.floor.is_engaged(ring.rep, now), f"rung on a call\n{lead.story()}"
        if ring.purpose is not Purpose.INBOUND:
            assert ring.rep == lead.standing.owner, f"rung, and not theirs\n{lead.story()}"
            assert not connecting.lines_up(before, now), f"rung while talking\n{lead.story()}"
            assert is_lawful(lead, now), f"dialled at a forbidden hour\n{lead.story()}"
    up = connecting.lines_up(before, now)
    waiting = {line.call_id for line in up if line.rep is None}
    assert {ring.call_id for ring in rings if ring.purpose is Purpose.INBOUND} <= waiting
    if up:
        disturbing = (Page, Escalate, TakeBack, WaitAgain)
        assert not [a for a in actions if isinstance(a, disturbing)], f"talking\n{lead.story()}"
        asks = {Note.ASK, Note.REPLIED, Note.MISSED_RING}
        told = {action.note for action in actions if isinstance(action, Tell)}
        assert not told & asks, f"reminded while talking\n{lead.story()}"


def is_lawful(lead: LeadUnderTest, now: datetime) -> bool:
    zones = lead.floor.dial_zones
    assert zones, f"rung for a lead that cannot be dialled\n{lead.story()}"
    return all(WeeklyHours(zone, LAWFUL).is_open(now) for zone in zones)


def confirmations(lead: LeadUnderTest) -> list[Fact]:
    """One of each fact that is said to call for no look (`answers.stirs`)."""
    pages = lead.standing.reminders or lead.standing.pages
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


# Over a whole history


def history_is_lawful(lead: LeadUnderTest) -> None:
    never_one_rung_twice(lead)
    rings_are_counted(lead)
    debts_never_flap(lead)


def never_one_rung_twice(lead: LeadUnderTest) -> None:
    """Law 4 over a whole history: one rung of one climb and turn pages one person once, but for
    repeats of the last rung and for what failed."""
    seen: set[object] = set()
    failed = {e.fact.page_id for e in lead.timeline if isinstance(e.fact, PageFailed)}
    last = len(lead.policy.ladder)
    climb = 0
    for event in lead.timeline:
        climb += event.kind in CLIMBS_ANEW
        page = event.fact
        if not isinstance(page, Paged) or page.channel is Channel.EMAIL:
            continue
        if page.audience is not Audience.OWNER and page.rung < last:
            by_day = lead.policy.hours.is_open(event.at)  # the opening begins the climb anew
            key = (climb, by_day, page.turn_at, page.rep, page.rung)
            assert key not in seen, f"law 4, rung twice\n{lead.story()}"
            if page.page_id not in failed:
                seen.add(key)


# What may put a lead back on the first rung.
CLIMBS_ANEW = {
    "taken_back",
    "passed",
    "reopened",
    "call_missed",
    "voicemail_received",
    "lead_replied",
}


def rings_are_counted(lead: LeadUnderTest) -> None:
    """At most one ring of an owner is open, at most two follow one wish, and a caller rings no more
    than an owner and three others at once."""
    open_rings: dict[str, Rang] = {}
    since_wish = 0
    for event in lead.timeline:
        fact = event.fact
        if event.kind in ("claimed", "ring_asked"):
            since_wish = 0
        if event.kind in ("claimed", "taken_back", "passed", "reopened"):
            open_rings = {k: r for k, r in open_rings.items() if r.purpose is Purpose.INBOUND}
        if event.kind in ("ring_failed", "dialled", "connected"):
            leg = getattr(fact, "leg", None)
            gone = [k for k, r in open_rings.items() if k == leg or _answered(r, fact)]
            open_rings = {k: r for k, r in open_rings.items() if k not in gone}
        if isinstance(fact, Rang):
            inbound = fact.purpose is Purpose.INBOUND
            since_wish += not inbound
            same = [r for r in open_rings.values() if (r.purpose is Purpose.INBOUND) is inbound]
            if inbound:
                same = [r for r in same if r.call_id == fact.call_id]
            most = 4 if inbound else 1
            assert len(same) < most, f"rung too often at once\n{lead.story()}"
            assert fact.rep not in {r.rep for r in same}, f"rung twice\n{lead.story()}"
            assert since_wish <= 2, f"rung on and on\n{lead.story()}"
            open_rings[fact.leg] = fact


def _answered(ring: Rang, fact: Fact) -> bool:
    rep, call_id = getattr(fact, "rep", None), getattr(fact, "call_id", None)
    failed = hasattr(fact, "leg")
    return not failed and (ring.rep, ring.call_id) == (rep, call_id)


def debts_never_flap(lead: LeadUnderTest) -> None:
    """A call is owed once for what it is owed for, is made or missed once, and the chase is over
    after so many calls in vain."""
    known: set[object] = set()
    ended: set[object] = set()
    for place, event in enumerate(lead.timeline):
        fact = event.fact
        if isinstance(fact, Owed):
            what = (Owing.FURTHER_CALL if fact.kind in CHASE else fact.kind, fact.since)
            assert what not in known, f"owed twice\n{lead.story()}"
            assert fact.since <= fact.call_at <= fact.due_at, f"no time left\n{lead.story()}"
            known.add(what)
            agreed = any(e.kind == "outcome" and e.at == fact.since for e in lead.timeline)
            if fact.kind in CHASE and not agreed:
                assert tried_in_vain(lead, place) < lead.policy.calls.most, lead.story()
        if isinstance(fact, OwedMet | OwedMissed):
            assert (event.kind, fact.kind, fact.due_at) not in ended, f"told twice\n{lead.story()}"
            assert ("owed_met", fact.kind, fact.due_at) not in ended, f"after all\n{lead.story()}"
            ended.add((event.kind, fact.kind, fact.due_at))


def tried_in_vain(lead: LeadUnderTest, place: int) -> int:
    """Calls in a row that did not reach the lead, up to an event of its history."""
    return LeadUnderTest(timeline=lead.timeline[: place + 1]).standing.unreached


def nobody_is_forgotten(lead: LeadUnderTest, most: int = 400) -> None:
    """From here on nobody does anything: the lead ends, and for every call that is owed to it
    somebody was paged, or it was said that none will be made."""
    start = len(lead.timeline)
    when = lead.standing.last_recorded_at
    for _ in range(most):
        verdict = lead.look(when)
        if verdict.look_again_at is None:
            break
        when = verdict.look_again_at
    assert not lead.standing.open, f"it never ends\n{lead.story()}"
    asked = [event.at for event in lead.timeline if event.kind in ("paged", "told")]
    for debt in unpaid_debts(lead, start):
        reached = [at for at in asked if at >= debt.call_at]
        assert reached, f"owed {debt}, and nobody was asked\n{lead.story()}"


def unpaid_debts(lead: LeadUnderTest, start: int) -> list[Owed]:
    """Calls that were owed when nobody did anything any more, or came to be owed after."""
    owed_then = {
        debt.due_at for debt in LeadUnderTest(timeline=lead.timeline[:start]).standing.owed
    }
    return [
        e.fact
        for e in lead.timeline
        if isinstance(e.fact, Owed)
        and e.fact.kind is not Owing.FIRST_CALL
        and (e.seq > start or e.fact.due_at in owed_then)
    ]
