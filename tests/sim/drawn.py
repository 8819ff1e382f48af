"""What a seed decides before anything happens: the team and its ladder, and how much goes wrong.

Every team drawn here is a valid team file; ``TeamPlan`` writes it, so that a world may also change
it while leads wait.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

ZONE = "America/New_York"
# Ordinary weeks, and those in which the clocks of the team's zone jump.
WEEKS = (
    datetime(2026, 3, 2, tzinfo=UTC),
    datetime(2026, 3, 7, tzinfo=UTC),
    datetime(2026, 5, 11, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
)
NAMES = ("ann", "bob", "cat", "dan", "eve")
BOSSES = ("mia", "max")
PAGES_FROM, MAIN_LINE = "+15005550006", "+15005550007"

DEFAULT = (
    "{at: 0s, page: on-duty, by: text}",
    "{at: 45s, page: on-duty, by: call}",
    "{at: 2m, page: everyone-on-duty, by: text}",
    "{at: 5m, page: managers, by: text}",
    "{at: 15m, page: last-resort, by: call, repeat: 15m}",
)
LADDERS = {
    "default": DEFAULT,
    "quick": (
        "{at: 0s, page: on-duty, by: text}",
        "{at: 20s, page: on-duty, by: call}",
        "{at: 1m, page: everyone-on-duty, by: call}",
        "{at: 2m, page: last-resort, by: text, repeat: 5m}",
    ),
    "two turns": (
        "{at: 0s, page: on-duty, by: text}",
        "{at: 1m, page: everyone-on-duty, by: text}",
        "{at: 2m, page: on-duty, by: call}",
        "{at: 4m, page: managers, by: call, repeat: 10m}",
    ),
    "no repeat": (
        "{at: 0s, page: on-duty, by: text}",
        "{at: 30s, page: everyone-on-duty, by: text}",
        "{at: 3m, page: managers, by: text}",
    ),
    "everyone": (
        "{at: 0s, page: everyone-on-duty, by: text}",
        "{at: 1m, page: everyone-on-duty, by: call}",
        "{at: 3m, page: last-resort, by: call, repeat: 10m}",
    ),
    "bosses only": ("{at: 10s, page: managers, by: text, repeat: 3m}",),
}
NIGHT = (
    "{at: 0s, page: last-resort, by: call}",
    "{at: 5m, page: managers, by: call, repeat: 1h}",
)
HOURS = (
    '{mon-sun: "00:00-24:00"}',
    '{mon-sun: "00:00-24:00"}',
    '{mon-fri: "09:00-17:00", sat: "10:00-14:00"}',
    '{mon-sun: "08:00-20:00"}',
)
AFTER_HOURS = ("at-opening", "at-opening", "page-now", "night-ladder")
# By UTC, from the team's morning to its afternoon.
DIALLED_FROM_S = (14 * 3600.0, 20 * 3600.0)
# How readily people answer, without bridges and with them.
EAGER = ((0.1, 0.5, 1.0, 2.0), (0.3, 1.0, 2.0, 4.0))
TURNS = ("round-robin", "weighted", "all-at-once", "in-order")


def phone_of(person: str) -> str:
    """Everybody's number; never changes."""
    return f"+1212555{100 + (NAMES + BOSSES).index(person):04}"


@dataclass(frozen=True, slots=True)
class Rep:
    id: str
    prefer: str
    weight: int


@dataclass(frozen=True, slots=True)
class TeamPlan:
    """A team file before it is written. ``shifts`` are (days, from, to, reps, rotate)."""

    reps: tuple[Rep, ...]
    managers: tuple[str, ...]
    shifts: tuple[tuple[str, str, str, tuple[str, ...], str], ...]
    hours: str
    after_hours: str
    ladder: str
    turn: str
    texts_off: bool
    routed: bool
    calls_per_second: int
    take_back: str
    bridge: bool  # whoever takes a lead is rung and connected

    @property
    def people(self) -> tuple[str, ...]:
        return (*(rep.id for rep in self.reps), *self.managers)

    def without(self, rep: str) -> TeamPlan:
        """The team once a rep has left. Somebody stays."""
        reps = tuple(each for each in self.reps if each.id != rep)
        shifts = []
        for days, start, end, names, rotate in self.shifts:
            left = tuple(name for name in names if name != rep)
            if left:
                shifts.append((days, start, end, left, rotate))
        if not shifts:
            shifts = [("mon-sun", "00:00", "24:00", (reps[0].id,), "none")]
        return replace(self, reps=reps, shifts=tuple(shifts))

    def written(self) -> str:
        """The team file."""
        lines = [
            "team: Sunrise Solar",
            f"timezone: {ZONE}",
            f'carrier: {{pages_from: "{PAGES_FROM}", leads_from: "{MAIN_LINE}",'
            f" calls_per_second: {self.calls_per_second}}}",
            f"hours: {self.hours}",
            f"after_hours: {self.after_hours}",
            f"turn: {self.turn}",
            f"calls: {{take_back_after: {self.take_back}}}",
            "reps:",
        ]
        lines += [
            f'  - {{id: {rep.id}, name: {rep.id.title()} Lee, phone: "{phone_of(rep.id)}",'
            f" email: {rep.id}@example.com, prefer: {rep.prefer}, weight: {rep.weight}}}"
            for rep in self.reps
        ]
        lines.append("managers:")
        lines += [
            f'  - {{id: {boss}, name: {boss.title()} Fox, phone: "{phone_of(boss)}",'
            f" email: {boss}@example.com,"
            f" last_resort: {'true' if boss == self.managers[0] else 'false'}}}"
            for boss in self.managers
        ]
        lines.append("shifts:")
        lines += [
            f'  - {{days: {days}, from: "{start}", to: "{end}", reps: [{", ".join(reps)}]'
            + ("}" if rotate == "none" else f", rotate: {rotate}}}")
            for days, start, end, reps, rotate in self.shifts
        ]
        lines += ["sources:", "  - {id: website, kind: json, key: secret-key-of-the-website}"]
        if self.bridge:
            lines.append(f'  - {{id: main-line, kind: call, number: "{MAIN_LINE}"}}')
        lines += ["ladder:", *(f"  - {rung}" for rung in LADDERS[self.ladder])]
        if self.after_hours == "night-ladder":
            lines += ["night_ladder:", *(f"  - {rung}" for rung in NIGHT)]
        if self.routed:
            to = self.reps[0].id
            lines += ["routes:", f"  - {{when: {{language: es}}, to: [{to}]}}"]
        if self.texts_off:
            lines.append("texts: off")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Odds:
    """How often what goes wrong, each as a share of its occasions."""

    trouble: float  # a step's connection breaks, or its process dies, between two statements
    wake_lost: float
    wake_doubled: float
    answer_lost: float  # the carrier's answer to a request
    refused: float
    busy: float
    receipt_lost: float
    receipt_doubled: float
    text_lost: float  # accepted, and no handset ever has it
    frozen: float  # a process that stands still while time goes on
    jumps: float  # how eagerly time leaps


CALM = Odds(0.02, 0.05, 0.05, 0.03, 0.02, 0.02, 0.1, 0.1, 0.03, 0.02, 0.5)
STORMY = Odds(0.16, 0.3, 0.2, 0.25, 0.12, 0.1, 0.3, 0.25, 0.15, 0.25, 1.0)
USUAL = Odds(0.07, 0.15, 0.1, 0.1, 0.06, 0.05, 0.2, 0.15, 0.08, 0.1, 1.0)


@dataclass(frozen=True, slots=True)
class Setting:
    """One world before its first step."""

    seed: int
    plan: TeamPlan
    odds: Odds
    weather: str
    starts_at: datetime
    leads: int
    steps: int
    mail: bool  # whether there is a mail server
    eager: tuple[tuple[str, float], ...]  # how readily each person answers

    def told(self) -> str:
        """The set-up, for whoever reads a failure."""
        return (
            f"seed {self.seed}: {self.weather}, {self.leads} leads, {self.steps} steps,"
            f" from {self.starts_at:%a %Y-%m-%d %H:%M:%S} UTC\n{self.plan.written()}"
        )


def draw(seed: int, rng: Random) -> Setting:
    """The setting of a seed. ``rng`` goes on to decide everything that happens in it."""
    plan = _team(rng)
    weather, odds = rng.choice((("calm", CALM), ("usual", USUAL), ("stormy", STORMY)))
    in_the_week = timedelta(days=rng.randrange(7), seconds=rng.randrange(86_400))
    if plan.bridge and rng.random() < 0.8:
        # Leads may be dialled for most of what follows.
        in_the_week = timedelta(days=rng.randrange(7), seconds=rng.uniform(*DIALLED_FROM_S))
    return Setting(
        seed=seed,
        plan=plan,
        odds=odds,
        weather=weather,
        starts_at=rng.choice(WEEKS) + in_the_week,
        leads=rng.choice((1, 2, 2, 3, 4, 8)),
        steps=rng.choice((120, 160, 200) if plan.bridge else (60, 90, 120)),
        mail=rng.random() < 0.3,
        eager=tuple((person, rng.choice(EAGER[plan.bridge])) for person in plan.people),
    )


def _team(rng: Random) -> TeamPlan:
    names = NAMES[: rng.randint(2, 5)]
    reps = tuple(
        Rep(name, rng.choice(("text", "text", "text", "call")), rng.randint(1, 3)) for name in names
    )
    return TeamPlan(
        reps=reps,
        managers=BOSSES[: rng.randint(1, 2)],
        shifts=_shifts(rng, names),
        hours=rng.choice(HOURS),
        after_hours=rng.choice(AFTER_HOURS),
        ladder=rng.choice(sorted(LADDERS)),
        turn=rng.choice(TURNS),
        texts_off=rng.random() < 0.1,
        routed=rng.random() < 0.25,
        calls_per_second=rng.choice((1, 1000, 1000)),
        take_back=rng.choice(("1m", "3m", "3m", "10m")),
        bridge=rng.random() < 0.5,
    )


def _shifts(
    rng: Random, names: tuple[str, ...]
) -> tuple[tuple[str, str, str, tuple[str, ...], str], ...]:
    rotate = rng.choice(("none", "none", "daily", "weekly"))
    kind = rng.choice(("all day", "all day", "halves", "gap"))
    if kind == "all day":
        return (("mon-sun", "00:00", "24:00", names, rotate),)
    half = max(1, len(names) // 2)
    if len(names) == 1:
        return (("mon-sun", "00:00", "24:00", names, rotate),)
    early = ("mon-sun", "00:00", "13:00", names[:half], rotate)
    late = ("mon-sun", "13:00" if kind == "halves" else "15:30", "24:00", names[half:], rotate)
    return (early, late)


def other_shifts(rng: Random, plan: TeamPlan) -> TeamPlan:
    """The same people on other shifts."""
    names = [rep.id for rep in plan.reps]
    rng.shuffle(names)
    return replace(plan, shifts=_shifts(rng, tuple(names)))
