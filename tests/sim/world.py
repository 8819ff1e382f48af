"""One world, from its first step to its last.

``live`` lives a seed. A law that breaks is raised as ``Failed``, with all that is needed to
understand it: the set-up, every step, the lead's timeline, and how to live it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import text
from structlog.testing import capture_logs

from service.desk.desk import Desk
from service.desk.links import Links
from service.desk.present import load_team
from service.desk.watch import Watch
from service.errors import LeadBusy, LedgerUnavailable
from service.rules.lead import LeadId
from service.rules.timeline import to_fields
from service.team.file import parse_team
from service.team.team import Team
from tests.sim import drawn, telling
from tests.sim.call_laws import Broken
from tests.sim.carrier import Carrier
from tests.sim.drawn import Setting, TeamPlan, phone_of
from tests.sim.frail import AT_COMMIT, Died, FrailLedger, How
from tests.sim.machinery import PresentAt, Process, SimQueue, Worker
from tests.sim.moved_time import SEQUENCE, Clocks
from tests.sim.phones import Phone
from tests.sim.remembered import Street
from tests.sim.safety import Crewed, Safety
from tests.sim.seen import Changes, Seen

PUBLIC_URL = "http://127.0.0.1:8000"
LINKS = Links(PUBLIC_URL, "a key of the worlds that signs nothing else")
YEARS = (2026, 2027)
# A step takes a moment, so that no two things ever happen at one instant.
MOMENT_S = (0.002, 0.03)
# Statements of the longest verb, and a few more: trouble may come to late to strike.
STATEMENTS_MAX = 9
TROUBLES = (How.BREAKS, How.BUSY, How.DIES, How.DIES, How.ANSWER_LOST, How.DIES_COMMITTED)
# A process may go by a team a second old, and a step takes a moment.
LATELY = timedelta(seconds=2)
# The machine's clock need not agree with business time.
APART = timedelta(hours=3, seconds=7)

_SET = text(f"select setval('{SEQUENCE}', :us)")
_LEAP = text(f"select setval('{SEQUENCE}', greatest(:us, (select last_value from {SEQUENCE})))")
_ASKS = text("select min(ask_at) from call where settled_at is null")
_TABLES = text("""
select string_agg(quote_ident(tablename), ', ') from pg_tables
where schemaname = 'public' and tablename <> 'alembic_version'
""")


@dataclass(frozen=True, slots=True)
class Came:
    """What a verb came to: its value, or how it ended without one."""

    value: Any = None
    fate: str = ""

    @property
    def well(self) -> bool:
        return not self.fate


class World:
    """Everything there is in one world. Deeds act on it; only ``step`` calls them."""

    def __init__(self, seed: int, ledger: FrailLedger) -> None:
        self.rng = Random(seed)
        self.setting: Setting = drawn.draw(seed, self.rng)
        self.odds = self.setting.odds
        self.plan = self.setting.plan
        self.clocks = Clocks(self.setting.starts_at, self.setting.starts_at + APART)
        self.ledger = ledger
        self.told: list[str] = []
        self.errors: list[Any] = []
        self.steps = 0
        self.watches: dict[str, Watch] = {}
        self.looked: LeadId | None = None
        self.calm = False
        self.held_up = False  # a sender found nothing that may go now
        self.expected: Callable[[Changes], str | None] | None = None
        empty(ledger, self.clocks)
        self.seen = Seen(ledger, self.clocks)
        self.seen.look()
        self.carrier = Carrier(self.rng, self.odds, self.clocks)
        self.queue = SimQueue(self.rng, self.odds, self.seen.order)
        self.changed_at = self.clocks.machine - timedelta(hours=1)
        self.team_unsaved = False
        self.plan_before = self.plan
        team = team_of(self.plan)
        load_team(ledger, team, self.clocks.now())
        self.policy = team.policy
        self.webs = [self._process(f"web{n}") for n in (1, 2)]
        self.sweeps = [self._process(f"sweep{n}") for n in (1, 2)]
        self.workers = [self._worker(f"worker{n}") for n in (1, 2)]
        eager = dict(self.setting.eager)
        self.phones = [Phone(who, phone_of(who), eager[who]) for who in self.plan.people]
        self.street = Street()
        self.safety = Safety(self.seen, self.carrier, self.policy)
        self.seen.look()

    # Processes

    def _process(self, name: str) -> Process:
        present = PresentAt(self.ledger, self.clocks, mail=self.setting.mail)
        return Process(name, self._desk(present), present)

    def _worker(self, name: str) -> Worker:
        present = PresentAt(self.ledger, self.clocks, mail=self.setting.mail)
        worker = Worker(name, self._desk(present), present)
        worker.rng, worker.clocks = self.rng, self.clocks
        return worker

    def _desk(self, present: PresentAt) -> Desk:
        return Desk(self.ledger, self.clocks, self.queue, present, LINKS)

    def runs(self, process: Process, verb: Callable[[], Any]) -> Came:
        """Have a process do something, which may fail as it may outside, and in no other way."""
        process.present.grows_old(self.changed_at)
        try:
            return Came(verb())
        except Died:
            if isinstance(process, Worker):
                process.dies()
            return Came(fate="died")
        except LedgerUnavailable:
            return Came(fate="ledger unavailable")
        except LeadBusy:
            return Came(fate="busy")

    # Steps

    def step(self, name: str, deed: Callable[[], str], *, trouble: bool = True) -> Changes:
        """Take one step, read what it changed, and hold it against every law."""
        self.steps += 1
        self.clocks.moves(self.rng.uniform(*MOMENT_S))
        self.queue.said.clear()
        self.expected = None
        if trouble and self.rng.random() < self.odds.trouble:
            how = self.rng.choice(TROUBLES)
            most = 2 if how in AT_COMMIT else STATEMENTS_MAX
            self.ledger.trouble.arm(how, self.rng.randint(1, most))
        at, said = self.clocks.now(), name
        try:
            said = deed()
            if (struck := self.ledger.trouble.struck_by) is not None:
                said += f" ({struck})"
        except Exception as unforeseen:
            said = f"{name}: {type(unforeseen).__name__}: {unforeseen}"
            raise
        finally:
            self.ledger.trouble.calm()
            said = ", ".join([said, *self.queue.said])
            changes = self.seen.look()
            self.told.append(f"{self.steps:4} {at:%a %d %H:%M:%S.%f}"[:-3] + f"  {said}")
            self.told += [f"{'':29}{line}" for line in telling.changes(self.seen, changes)]
        self.held_up = self.held_up and not changes.rows
        self.safety.check(changes, self.crew())
        self._as_expected(changes)
        self._no_errors()
        return changes

    def _as_expected(self, changes: Changes) -> None:
        """What a deed itself promises of its step."""
        law = self.expected(changes) if self.expected else None
        if law is not None:
            raise Broken(law)

    def _no_errors(self) -> None:
        """An error in the log is a failure, whoever caught what caused it."""
        loud = [e for e in self.errors if e["log_level"] in ("error", "critical")]
        excused = [e for e in loud if e["event"] == "audit"]  # it found what chance had wrought
        self.errors.clear()
        assert loud == excused, f"an error was logged: {loud}"

    def crew(self) -> Crewed:
        """The team of this instant, and of the second before."""
        recent = self.team_changed_lately()
        before = self.plan_before if recent else self.plan
        left = frozenset(before.people) - frozenset(self.plan.people)
        phones = {who: phone_of(who) for who in self.plan.people}
        return Crewed(phones, left, self.plan.texts_off, recent and not before.texts_off)

    def team_changed_lately(self) -> bool:
        """Whether a process may still go by the team before the last change."""
        return self.team_unsaved or self.clocks.machine - self.changed_at <= LATELY

    def changes_team(self, plan: TeamPlan) -> None:
        """The team file was edited; called inside a step."""
        team = team_of(plan)
        if not self.team_unsaved:
            self.plan_before, self.plan = self.plan, plan
        self.changed_at, self.team_unsaved = self.clocks.machine, True
        load_team(self.ledger, team, self.clocks.now())
        self.team_unsaved = False

    def tells_database(self) -> None:
        """Let the database's clock leap along, in the middle of a step."""
        self.ledger.watches(_LEAP, {"us": self.clocks.machine_us})

    def calms_down(self) -> None:
        """Nothing fails from here on."""
        self.calm = True
        nothing = replace(self.odds, **dict.fromkeys(drawn.Odds.__dataclass_fields__, 0.0))
        self.odds = self.carrier.odds = self.queue.odds = nothing
        self.carrier.recovers()

    def next_look_at(self) -> datetime | None:
        """The earliest look that any open lead asks for."""
        instants = [self.seen.leads[each].row["look_again_at"] for each in self.seen.open()]
        return min((datetime.fromisoformat(at) for at in instants if at), default=None)

    def next_ask_at(self) -> datetime | None:
        """When the carrier is to be asked about a call next."""
        at: datetime | None = self.ledger.watches(_ASKS, {})[0]
        return at

    def timeline(self, lead_id: LeadId) -> list[str]:
        lead = self.seen.leads[lead_id]
        return [
            f"  {lead.name} {e.seq:3} {e.at:%a %d %H:%M:%S.%f}"[:-3]
            + f" {e.kind} {telling.fields(self.seen, to_fields(e.fact))} ({e.because})"
            for e in lead.timeline
        ]


def team_of(plan: TeamPlan) -> Team:
    """The team as its file says it, with bridges as the seed has drawn them."""
    team = parse_team(plan.written(), "team.yaml", YEARS)
    calls = replace(team.policy.calls, bridge=plan.bridge)
    return replace(team, policy=replace(team.policy, calls=calls))


def empty(ledger: FrailLedger, clocks: Clocks) -> None:
    """The ledger as it was born, its clock set. Truncating is forbidden to the product, by a
    trigger."""
    with ledger.transaction() as conn:
        tables = conn.execute(_TABLES).scalar_one()
        conn.execute(text("set local session_replication_role = replica"))
        conn.execute(text(f"truncate {tables} restart identity cascade"))
        conn.execute(_SET, {"us": clocks.machine_us})


class Failed(AssertionError):
    """A world broke a law. Its words are everything there is to know."""


@dataclass(frozen=True, slots=True)
class Lived:
    """A world that held."""

    seed: int
    steps: int
    leads: int
    told: tuple[str, ...]


def live(seed: int, ledger: FrailLedger, *, steps_max: int | None = None) -> Lived:
    """Live one world. Raises Failed."""
    from tests.sim import ending, living

    with capture_logs() as logs:
        world = World(seed, ledger)
        world.errors = logs
        try:
            living.lives(world, steps_max)
            ending.ends(world)
        except (Exception, Died) as broken:
            ledger.trouble.calm()
            raise Failed(_failure(world, broken)) from broken
    return Lived(seed, world.steps, len(world.seen.leads), tuple(world.told))


def _failure(world: World, broken: BaseException) -> str:
    said = f"{type(broken).__name__}: {broken}"
    named = [each for each in world.seen.leads if world.seen.name(each) in said]
    shown = named or list(world.seen.leads)[-2:]
    lines = [
        "",
        f"WORLD {world.setting.seed} BROKE at step {world.steps}: {said}",
        "",
        world.setting.told(),
        *world.told,
        "",
        *(line for lead_id in shown for line in world.timeline(lead_id)),
        "",
        f"again: python -m tests.sim --seed {world.setting.seed} -v",
        f"{said}",
    ]
    return "\n".join(lines)
