"""``python -m tests.sim``: live many worlds, or one and tell it."""

from __future__ import annotations

import argparse
import sys
import time

from tests.sim.ground import ground
from tests.sim.world import Failed, live

# Worlds between two lines of progress.
SAY_EVERY = 50


def main() -> int:
    """Live what was asked for; 1 when a world broke a law."""
    asked = _arguments()
    say = sys.stdout.write
    seeds = (
        [asked.seed] if asked.seed is not None else range(asked.start, asked.start + asked.seeds)
    )
    broken: list[int] = []
    steps = leads = 0
    began = time.monotonic()
    with ground() as ledger:
        for number, seed in enumerate(seeds, start=1):
            try:
                lived = live(seed, ledger)
            except Failed as failed:
                broken.append(seed)
                text = str(failed)
                say(text + "\n" if asked.verbose or asked.first else text.splitlines()[1] + "\n")
                if asked.first:
                    break
                continue
            steps, leads = steps + lived.steps, leads + lived.leads
            if asked.verbose:
                say("\n".join(lived.told) + "\n")
            if number % SAY_EVERY == 0:
                say(f"{number} worlds, {number / (time.monotonic() - began):.1f} a second\n")
    took_s = time.monotonic() - began
    say(
        f"{number} worlds, {len(broken)} broken {broken or ''}; {leads} leads, {steps} steps,"
        f" {number / took_s:.2f} worlds a second\n"
    )
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many worlds")
    parser.add_argument("--from", type=int, default=0, dest="start", help="the first seed")
    parser.add_argument("--seed", type=int, help="this one world alone")
    parser.add_argument("--first", action="store_true", help="stop at the first that breaks")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell every step")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
