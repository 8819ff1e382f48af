"""The second part of a world: nothing fails any more, and everything must come to its end.

Sources send again until they have a 202, the carrier tells what it owes, processes do their work,
and reps do as they are asked. Then, within bounded steps and bounded time, nothing is left over,
nobody waits who could be reached, and every lead ends.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import text

from service.desk.hear_fact import FactKind, OutsideFact
from service.rules.lead import LeadId, RepId
from service.rules.timeline import Audience, Channel, Ending
from tests.sim import bridges, callers, house, street, weather
from tests.sim.call_laws import Broken
from tests.sim.drawn import phone_of
from tests.sim.figures import wrong_figures
from tests.sim.machinery import Hand, Worker
from tests.sim.safety import TEXTS_MAX
from tests.sim.world import World
from workers.audit import Audit

# Steps until nothing is left to be done at one instant: forty for each of eight leads, each told to
# five reps at once, and a loop is still noticed.
STEPS_MAX = 1_200
_IN_THE_AIR = text("""
select (select count(*) from call where settled_at is null),
  (select count(*) from engaged where until is null)
""")
# Looks ahead in which reps who answer have everything; a night or a week-end lies between.
LOOKS_AHEAD_MAX = 40
CLAIMED_WITHIN = timedelta(days=4)
# Calls to one lead until its owner has had enough of it: the third one reaches whoever was not.
CALLS_MAX = 5
# Then the rest ends by itself: seven days after the last call (DEFINITIONS.md, "Never").
ENDS_WITHIN = timedelta(days=16)
LEAP = timedelta(days=1, hours=1)
NO_TIME = timedelta()
# A phone is sent one text about new leads in five seconds: what waits for it waits so long.
PHONE_SLOT_S = 5.5
LEASE_AND_MORE_S = 7.0


def ends(world: World) -> None:
    """Live the ending. Raises Broken when something is left over."""
    world.calms_down()
    _hear_those_who_stopped(world)
    _work_until(world, world.clocks.now() + CLAIMED_WITHIN)
    _nobody_waits_in_vain(world)
    _work_until(world, world.clocks.now() + ENDS_WITHIN, at_least=LEAP)
    left = [world.seen.name(each) for each in world.seen.open()]
    if left:
        raise Broken(f"open for ever: {', '.join(left)}")
    _accounts(world)


def _work_until(world: World, until: datetime, at_least: timedelta = NO_TIME) -> None:
    """Drain, leap to the next look (by ``at_least`` so much), and so on, until nothing is open or
    the time is over. Somebody whom nobody can reach is looked at on and on: that has a bound."""
    for _ in range(LOOKS_AHEAD_MAX):
        _drain(world)
        _nothing_left_over(world)
        instants, now = (world.next_look_at(), world.next_ask_at()), world.clocks.now()
        next_at = min((at for at in instants if at is not None), default=None)
        if next_at is None or next_at > until:
            return
        ahead_s = (max(next_at, now + at_least) - now).total_seconds()
        _step(world, "time", lambda s=ahead_s: _leap(world, s))  # type: ignore[misc]  # bound


def _leap(world: World, seconds: float) -> str:
    world.clocks.moves(max(seconds, 0.0))
    world.tells_database()
    return f"time passes: {seconds:.3f} s"


def _drain(world: World) -> None:
    """Do all that can be done now."""
    for _ in range(STEPS_MAX):
        waited, deed = world.held_up, _next_deed(world)
        if deed is None and not waited:
            return
        world.held_up = False
        _step(world, "ending", deed or (lambda: _leap(world, PHONE_SLOT_S)))
    raise Broken(f"after {STEPS_MAX} steps there is still something to do")


def _step(world: World, name: str, deed: Callable[[], str]) -> None:
    world.step(name, deed, trouble=False)


def _next_deed(world: World) -> Callable[[], str] | None:
    """The most pressing of what is to be done; None when nothing is."""
    if world.team_unsaved:
        return lambda: weather.changes_team(world)
    if world.street.unanswered:
        return lambda: street.sends_again(world)
    if world.queue.jobs:
        return lambda: house.looks(world)
    due = world.next_look_at()
    if due is not None and due <= world.clocks.now():
        return lambda: _sweeps_late(world)
    holding = [(w, h) for w in world.workers for h in w.every_hand if not h.free]
    if holding:
        return lambda: _sends(world, *holding[0])
    # A call that rings, or that nobody settled, keeps its phone from the next one.
    if any(row["state"] == "taken" for row in world.seen.outbox.values()):
        return lambda: _lapse(world)
    if (answers := _rep_answers(world)) is not None:
        return answers
    ordered = [row for row in world.seen.outbox.values() if row["state"] == "ordered"]
    if ordered and not world.held_up:
        worker = world.workers[0]
        hand = worker.mailer if ordered[0]["channel"] == "email" else worker.hands[0]
        return lambda: _sends(world, worker, hand)
    if world.carrier.pending:
        return lambda: _tells(world)
    if (calls := _call_goes_on(world)) is not None:
        return calls
    return _rep_does(world) or _rep_calls(world)


def _sweeps_late(world: World) -> str:
    """A round, long enough after the last for a lost wake to be noticed."""
    world.clocks.moves(3.0)
    world.tells_database()
    return house.sweeps(world)


def _lapse(world: World) -> str:
    world.clocks.moves(LEASE_AND_MORE_S)
    world.tells_database()
    return house.settles_lapsed(world)


def _sends(world: World, worker: Worker, hand: Hand) -> str:
    """All that a sender does with one message, from taking it to settling it."""
    said = [house.sends_with(world, worker, hand)]
    world.held_up = hand.free  # what waits, waits for something else to happen
    while not hand.free:
        said.append(house.sends_with(world, worker, hand))
    return "; ".join(said)


def _tells(world: World) -> str:
    """Every receipt that is owed."""
    late = max(pending.at for pending in world.carrier.pending)
    _leap(world, max((late - world.clocks.machine).total_seconds(), 0.0))
    said = []
    while world.carrier.pending:
        said.append(street.tells(world))
    return "; ".join(said)


def _rep_answers(world: World) -> Callable[[], str] | None:
    """A rep picks up, and presses the key that they are asked for."""
    for phone, sent in street.ringing(world):
        present = phone.person in world.plan.people
        if not present or world.clocks.machine - sent.at > street.RINGS:
            return lambda p=phone, s=sent: street.rings_out(world, p, s)  # type: ignore[misc]  # bound
        return lambda p=phone, s=sent: street.picked_up(world, p, s, "1")  # type: ignore[misc]  # bound
    return None


def _rep_does(world: World) -> Callable[[], str] | None:
    """A rep answers a text as they are asked to."""
    present = set(world.plan.people)
    street.may_text(world)  # lets the phones look
    for phone in world.phones:
        for sent in phone.texts:
            if sent.seen or phone.person not in present:
                continue
            sent.seen = True
            reply = phone.duly(sent)
            if reply is not None:
                return lambda p=phone, r=reply: street.says(world, p, r)  # type: ignore[misc]  # bound
    landing = [s for s in world.carrier.sent if s.lands_at and s.lands_at > world.clocks.machine]
    if landing:
        first = min(sent.lands_at for sent in landing if sent.lands_at)
        return lambda: _leap(world, 2.0 + (first - world.clocks.machine).total_seconds())
    return None


def _call_goes_on(world: World) -> Callable[[], str] | None:
    """What is told of calls, and what the sweep asks of them."""
    exchange, now = world.carrier.exchange, world.clocks.machine
    if exchange.due(now):
        return lambda: bridges.tells(world)
    if (asks_at := world.next_ask_at()) is not None and asks_at <= world.clocks.now():
        return lambda: bridges.asks(world)
    if (goes := callers.goes_on(world)) is not None:
        return goes
    if exchange.news:
        first = min(each.at for each in exchange.news)
        return lambda: _leap(world, (first - now).total_seconds())
    return None


def _rep_calls(world: World) -> Callable[[], str] | None:
    """An owner whom no text asks tells their CRM how the call went."""
    for lead_id in world.seen.open():
        owner = world.seen.leads[lead_id].row["owner"]
        if owner is not None and not _will_be_called(world, lead_id):
            booked = OutsideFact(FactKind.OUTCOME, rep=RepId(owner), outcome=Ending.BOOKED)
            key = f"end{world.steps}"
            return lambda i=lead_id, f=booked, k=key: street.knows(world, i, f, k)  # type: ignore[misc]  # bound
    return None


def _will_be_called(world: World, lead_id: LeadId) -> bool:
    """Whether a call to this lead is owed that we connect, and its owner will make it."""
    standing = world.seen.leads[lead_id].standing
    assert standing is not None
    if world.safety.tales[lead_id].unheard:
        return True  # somebody is to be paged about it, and nobody may end it before
    may_dial = world.plan.bridge and standing.has_phone
    calls = sum(talk.lead_id == lead_id for talk in world.carrier.exchange.talks)
    return may_dial and bool(standing.owed) and calls < CALLS_MAX


def _hear_those_who_stopped(world: World) -> None:
    for phone in world.phones:
        if phone.stopped:
            _step(world, "start", lambda p=phone: street.says(world, p, "START"))  # type: ignore[misc]  # bound


def _nothing_left_over(world: World) -> None:
    now = world.clocks.now()
    for lead_id in world.seen.open():
        at = world.seen.leads[lead_id].row["look_again_at"]
        if at is None or datetime.fromisoformat(at) <= now:
            raise Broken(f"{world.seen.name(lead_id)} is due at {at}, and it is {now}")
    left = [
        world.seen.page_name(row["id"])
        for row in world.seen.outbox.values()
        if row["state"] in ("ordered", "taken")
    ]
    if left:
        raise Broken(f"left in the outbox: {', '.join(left)}")


def _nobody_waits_in_vain(world: World) -> None:
    """Who waits after days of reps who answer could be reached by none of them."""
    last = world.policy.ladder[-1]
    if last.repeat_s is None or last.page not in (Audience.MANAGERS, Audience.LAST_RESORT):
        return
    bosses = world.plan.managers if last.page is Audience.MANAGERS else world.plan.managers[:1]
    for lead_id in world.seen.waiting():
        for boss in bosses:
            if _reaches(world, lead_id, boss):
                raise Broken(f"{world.seen.name(lead_id)} waits, and {boss} would answer")


def _reaches(world: World, lead_id: LeadId, boss: str) -> bool:
    """Whether the last rung has a means left: a call, or a text of the three they may get."""
    phone, tale = phone_of(boss), world.safety.tales[lead_id]
    texts = sum(
        climb == tale.climb and page.rep == boss and page.channel is Channel.TEXT
        for climb, page, _ in tale.pages.values()
    )
    may_text = not world.plan.texts_off and texts < TEXTS_MAX
    by_text = may_text and (phone, "text") not in world.seen.deaf
    return by_text or (phone, "call") not in world.seen.deaf


def _calls_are_over(world: World) -> None:
    """No call hangs in the air, nobody is kept from being rung, and no call that was owed was
    forgotten: it was made, or somebody was paged for it, or a person ended the lead."""
    unsettled, engaged = world.ledger.watches(_IN_THE_AIR, {})
    if unsettled or engaged:
        raise Broken(f"{unsettled} calls are not settled, {engaged} reps are on the line for ever")
    for lead_id, tale in world.safety.tales.items():
        if tale.forgot:
            raise Broken(f"{world.seen.name(lead_id)}: missed, and nobody paged: {tale.forgot[0]}")


def _accounts(world: World) -> None:
    """The audit finds nothing, the counters are true, and everything folds to what it is."""
    _calls_are_over(world)
    audited = Audit(world.sweeps[0].desk).once()
    if audited.repaired or audited.stuck:
        raise Broken(f"the audit found {audited}")
    world.safety.whole()
    wrong = wrong_figures(world.ledger, world.seen, world.policy)
    if wrong:
        raise Broken("; ".join(wrong))
    for request in world.street.requests:
        if request.lead_id is not None and LeadId(request.lead_id) not in world.seen.leads:
            raise Broken(f"{request.arrival.lead.name} was told 202, and is nowhere")
