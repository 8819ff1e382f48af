"""What happens to the house as a whole: time, deaths, outages, a new team file, an empty queue."""

from __future__ import annotations

from tests.sim import bridges, house
from tests.sim.drawn import other_shifts
from tests.sim.world import World

# A leap longer than a sender holds anything is followed by the renewals of the living.
RENEW_AFTER_S = 1.0

# How far time goes in one step, seconds: (least, most, weight).
LEAPS = (
    (0.1, 5.0, 10.0),
    (5.0, 60.0, 4.0),
    (60.0, 1200.0, 1.5),
    (8 * 3600.0, 14 * 3600.0, 0.4),
    (86_400.0, 3 * 86_400.0, 0.15),
)


def may_pass(world: World) -> float:
    """Time hurries when nobody has anything to do."""
    busy = bool(world.queue.jobs) or house.may_send(world) > 1 or bridges.is_somebody_at(world)
    return (0.5 if busy else 3.0) * world.odds.jumps


def passes(world: World) -> str:
    """Time goes on: a little, to the next look that is planned, or by a night."""
    rng = world.rng
    next_at = world.next_look_at()
    ahead_s = (next_at - world.clocks.now()).total_seconds() if next_at else 0.0
    if bridges.is_somebody_at(world) and rng.random() < 0.8:
        seconds = rng.uniform(0.5, 12.0)
    elif ahead_s > 0 and rng.random() < 0.35:
        seconds = min(ahead_s + rng.choice((0.0, 0.3, 3.0)), 3 * 86_400.0)
    else:
        least, most, _ = rng.choices(LEAPS, [weight for *_, weight in LEAPS])[0]
        seconds = rng.uniform(least, most)
    business_only = rng.random() < 0.05
    world.clocks.moves(seconds, business_only=business_only)
    world.tells_database()
    if seconds > RENEW_AFTER_S and not business_only:
        house.renews(world)
    clock = "the clock file moves" if business_only else "time passes"
    return f"{clock}: {seconds:.3f} s"


def may_die(world: World) -> float:
    return 1.5 * world.odds.trouble


def dies(world: World) -> str:
    """A worker is killed between two steps."""
    worker = world.rng.choice(world.workers)
    name, held = worker.name, [world.seen.page_name(each) for each in worker.in_hand()]
    worker.dies()
    return f"{name} is killed" + (f", holding {', '.join(held)}" if held else "")


def may_turn(world: World) -> float:
    return 0.2 if world.carrier.out else world.odds.trouble


def turns(world: World) -> str:
    world.carrier.out = not world.carrier.out
    return "the carrier is out" if world.carrier.out else "the carrier is back"


def may_forget(world: World) -> float:
    return 0.3 * world.odds.wake_lost if world.queue.jobs else 0.0


def forgets(world: World) -> str:
    lost = len(world.queue.jobs)
    world.queue.jobs.clear()
    return f"the queue forgets {lost} jobs"


def may_change_team(world: World) -> float:
    return 2.0 if world.team_unsaved else 0.1


def changes_team(world: World) -> str:
    """The team file is edited: a rep leaves, or the shifts change. What was kept of the team
    before the last edit must be a second old by then."""
    rng, plan = world.rng, world.plan
    if world.team_unsaved:
        said = "the same file again"
    elif len(plan.reps) > 1 and rng.random() < 0.4:
        rep = rng.choice(plan.reps).id
        plan, said = plan.without(rep), f"{rep} leaves"
    else:
        plan, said = other_shifts(rng, plan), "other shifts"
    came = world.runs(world.sweeps[0], lambda: world.changes_team(plan))
    return f"the team changes: {said}" + (f", {came.fate}" if came.fate else "")
