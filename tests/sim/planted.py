"""Bugs on purpose: one token of the product is changed, and worlds are lived until one notices.

``python -m tests.sim.planted`` tells how many worlds each took. A child process lives them with the
module's source changed as it is imported, so that everything which imports it gets the broken one.
A law that no planted bug can break proves nothing.
"""

from __future__ import annotations

import argparse
import importlib.machinery
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).parent.parent.parent
# More worlds than this for one bug mean that nobody looks there.
WORLDS_MAX = 100
TIME_MAX_S = 300


@dataclass(frozen=True, slots=True)
class Bug:
    """One token of one module. ``sound`` must stand in it exactly as written."""

    module: str
    sound: str
    broken: str


BUGS = {
    "a page is wanted though somebody has the lead": Bug(
        "service.rules.wanted",
        "if standing.state is not State.WAITING:\n        return False",
        "if False:\n        return False",
    ),
    "everything ordered is wanted for ever": Bug(
        "service.rules.wanted",
        "    if now >= not_after:\n        return False\n",
        "    return True\n",
    ),
    "taking does not ask whether it is still wanted": Bug(
        "service.desk.dispatch", "if not _wanted(conn, picked, now):", "if False:"
    ),
    "a claim withdraws no page": Bug(
        "service.desk.record", "outbox.withdraw(conn, known.id, unwanted)", "unwanted.clear()"
    ),
    "who passed is paged again": Bug(
        "service.rules.means",
        "out = standing.passed | standing.taken_back",
        "out = standing.taken_back",
    ),
    "a text heard twice counts twice": Bug(
        "service.desk.hear_text",
        'return f"text:{text.dedupe_key}"',
        'return f"text:{datetime.now()}"',
    ),
    "what somebody tells asks for no look": Bug(
        "service.desk.record",
        "due_at = now if stirred else",
        "due_at = held.row.look_again_at if stirred else",
    ),
    "a claim ignores who has the lead": Bug(
        "service.rules.answers",
        "if not standing.open or standing.owner is not None:",
        "if not standing.open:",
    ),
    "another rep's pass takes the lead from its owner": Bug(
        "service.rules.answers", "if standing.owner not in (None, rep):", "if False:"
    ),
    "who had it keeps it after passing": Bug(
        "service.rules.turning",
        "if seen.owner != rep or not seen.open:",
        "if True:",
    ),
    "the sweep never notices a lost wake": Bug(
        "service.ledger.looks",
        "where look_again_at <= :now\n  and woken_at <",
        "where look_again_at <= :now and false\n  and woken_at <",
    ),
    "the last rung repeats at once": Bug(
        "service.rules.climb",
        "return climb.policy.hours.next_open(due_at) or due_at",
        "return climb.now",
    ),
    "the night is not spared": Bug(
        "service.rules.climb",
        "if waits or now >= opens_at:",
        "if now >= opens_at:",
    ),
    "what may have been sent is never sent again": Bug(
        "service.desk.settling",
        "again = news and row.kind not in RINGS and outbox.order_again(conn, row.id, now)",
        "again = False",
    ),
    "a lapsed lease is never noticed": Bug(
        "service.ledger.outbox_taking",
        "where o.state = 'taken' and o.lease_until < clock_timestamp()",
        "where o.state = 'taken' and o.lease_until < '-infinity'",
    ),
    "a redelivery is a new lead": Bug(
        "service.desk.take_in", "if delivered is not None:", "if False:"
    ),
    "each receipt says anew that a page was sent": Bug(
        "service.desk.hear_line",
        "if not has_fact(held, PageSent, page_id):",
        "if True:",
    ),
    "a stop word is forgotten": Bug(
        "service.rules.means",
        "return (rep, channel) in climb.floor.deaf or",
        "return",
    ),
    "a rep is told of each event again": Bug(
        "service.rules.folding",
        "kept = tuple(owed for owed in seen.to_tell if owed.seq != fact.re)",
        "kept = seen.to_tell",
    ),
    "a claim is never taken back": Bug(
        "service.rules.decide",
        "if first_by is not None and self.now >= first_by and self.standing.owner is not None:",
        "if False:",
    ),
    "a fact is counted each time a rep says so": Bug(
        "service.desk.counting",
        'key = f"{lead_id}:{event.seq}"\n    waited_s',
        'key = f"{lead_id}:{event.kind}"\n    waited_s',
    ),
    "an unsure ring is placed again": Bug(
        "service.desk.settling", "news and row.kind not in RINGS and", "news and"
    ),
    "a lead is dialled by night": Bug(
        "service.desk.calls.bridge", "if lawful_at > now:", "if False:"
    ),
    "whoever presses last has the lead, too": Bug(
        "service.desk.calls.bridge", "if standing.owner not in (None, rep):", "if False:"
    ),
    "pages go on while two talk": Bug(
        "service.rules.decide",
        "if lines_up(standing, now):\n            self.looks",
        "if False:\n            self.looks",
    ),
    "a machine is contact": Bug(
        "service.rules.calls", "if told.answered_by in MACHINES:", "if False:"
    ),
    "a duration is contact": Bug(
        "service.rules.calls",
        "if told.answered_by is not AnsweredBy.HUMAN or told.bridged is None:",
        "if False:",
    ),
    "a key sent twice is acted on twice": Bug(
        "service.desk.calls.once",
        "if before is not None:\n            return before.answer\n        now",
        "if False:\n            return None\n        now",
    ),
    "nobody asks about a call of which nothing is told": Bug(
        "service.desk.calls.asking",
        "due = calls.due_calls(conn, desk.clock.now())",
        "due = list[CallRow]()",
    ),
    "the second call is forgotten": Bug(
        "service.rules.owed",
        "elif last is not None and _is_unanswered",
        "elif False and _is_unanswered",
    ),
    "a missed debt pages nobody": Bug(
        "service.rules.owed",
        "if now >= debt.due_at:\n            because",
        "if False:\n            because",
    ),
    "a caller who was taken is taken again": Bug(
        "service.desk.calls.hunting",
        "if not caller.waits:\n        _fails",
        "if False:\n        _fails",
    ),
    "a rep stays on the line for ever": Bug(
        "service.desk.calls.engagement",
        "freed = engaged.release(conn, rep, call_id, until)",
        "freed = False",
    ),
}
# Found within a world or two, and cheap enough for every test run.
SMOKE = ("a claim ignores who has the lead", "a text heard twice counts twice")


class Planted(importlib.machinery.SourceFileLoader):
    """Imports one module with one token of its source changed."""

    def __init__(self, bug: Bug) -> None:
        path = ROOT / (bug.module.replace(".", "/") + ".py")
        importlib.machinery.SourceFileLoader.__init__(self, bug.module, str(path))
        self._bug = bug

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._bug.module:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=self.path)

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text()
        if source.count(self._bug.sound) != 1:
            raise LookupError(f"{self._bug.sound!r} does not stand in {fullname} once")
        broken = source.replace(self._bug.sound, self._bug.broken)
        code: CodeType = compile(broken, f"{self.path} (a bug is planted)", "exec")
        return code


@dataclass(frozen=True, slots=True)
class Found:
    """How a bug fared: ``worlds`` lived until it was found, and which law broke; None: it was
    not found."""

    worlds: int
    law: str | None


def hunt(name: str, worlds_max: int = WORLDS_MAX) -> Found:
    """Live worlds with a bug in a process of their own, until one breaks. Raises LookupError when
    the token to be changed is no longer there."""
    command = [sys.executable, "-m", "tests.sim.planted", "--live", name]
    command += ["--worlds", str(worlds_max)]
    lived = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=TIME_MAX_S, check=False
    )
    last = (lived.stdout.strip().splitlines() or [""])[-1]
    worlds, _, law = last.partition(" ")
    if not worlds.isdecimal():
        raise LookupError(f"{name}: {lived.stderr[-2000:]}")
    return Found(int(worlds), law or None)


def _live(name: str, worlds_max: int) -> None:
    """In the child: plant the bug before anything of the product is imported."""
    # A finder needs this one method; typeshed asks for the loader's base class too.
    sys.meta_path.insert(0, Planted(BUGS[name]))
    from tests.sim.ground import ground
    from tests.sim.world import Failed, live

    with ground() as ledger:
        for seed in range(worlds_max):
            try:
                live(seed, ledger)
            except Failed as failed:
                law = str(failed).strip().splitlines()[-1]
                sys.stdout.write(f"{seed + 1} {law}\n")
                return
    sys.stdout.write(f"{worlds_max} \n")


def main() -> int:
    """Hunt every bug and tell; 1 when one was not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.planted", description=__doc__)
    parser.add_argument("names", nargs="*", help="bugs by name; all when none is given")
    parser.add_argument("--worlds", type=int, default=WORLDS_MAX, help="the most for one bug")
    parser.add_argument("--live", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.live:
        _live(asked.live, asked.worlds)
        return 0
    missed = 0
    for name in asked.names or BUGS:
        began = time.monotonic()
        found = hunt(name, asked.worlds)
        took = f"{found.worlds:3} worlds, {time.monotonic() - began:4.0f} s"
        missed += found.law is None
        sys.stdout.write(f"{took}  {name}: {found.law or 'NOT FOUND'}\n")
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
