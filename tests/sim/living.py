"""The first part of a world: anything may happen, and most of it does.

Each step is drawn from those that are possible now, by weights that depend on what waits to be
done: a house that never works proves as little as one that never fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.sim import bridges, callers, house, street, thumbs, weather
from tests.sim.world import World

# More than any setting draws; a world must end.
STEPS_MAX = 400


@dataclass(frozen=True, slots=True)
class Deed:
    """A step that may be taken: how likely now (0: not possible), and what it does."""

    name: str
    weight: Callable[[World], float]
    act: Callable[[World], str]


DEEDS = (
    Deed("arrives", street.may_arrive, street.arrives),
    Deed("sends again", street.may_send_again, street.sends_again),
    Deed("looks", house.may_look, house.looks),
    Deed("looks twice", house.may_look_twice, house.looks_twice),
    Deed("sends", house.may_send, house.sends),
    Deed("sweeps", house.may_sweep, house.sweeps),
    Deed("settles lapsed", house.may_lapse, house.settles_lapsed),
    Deed("watches", house.may_watch, house.watches),
    Deed("audits", house.may_audit, house.audits),
    Deed("receipt", street.may_tell, street.tells),
    Deed("texts", street.may_text, street.texts),
    Deed("texts again", street.may_text_again, street.texts_again),
    Deed("opens a link", thumbs.may_open, thumbs.opens),
    Deed("answers a call", street.may_answer, street.answers),
    Deed("the carrier tells of a call", bridges.may_tell, bridges.tells),
    Deed("asks about calls", bridges.may_ask, bridges.asks),
    Deed("calls us", callers.may_call, callers.calls),
    Deed("caller waits", callers.may_go_on, callers.goes),
    Deed("lead writes", callers.may_write, callers.writes),
    Deed("fact from outside", street.may_hear_fact, street.hears_fact),
    Deed("team changes", weather.may_change_team, weather.changes_team),
    Deed("time", weather.may_pass, weather.passes),
    Deed("process dies", weather.may_die, weather.dies),
    Deed("outage", weather.may_turn, weather.turns),
    Deed("queue forgets", weather.may_forget, weather.forgets),
)


def lives(world: World, steps_max: int | None = None) -> None:
    """Take the world's steps. A clock that leaped is followed by the leases of the living."""
    for _ in range(min(steps_max or world.setting.steps, STEPS_MAX)):
        possible = [(deed, weight) for deed in DEEDS if (weight := deed.weight(world)) > 0]
        deed = world.rng.choices(
            [deed for deed, _ in possible], [weight for _, weight in possible]
        )[0]
        world.step(deed.name, lambda deed=deed: deed.act(world))  # type: ignore[misc]  # bound
