"""The simulation is itself tested: a seed is one run, and a planted bug is found."""

import os
import subprocess
import sys

import pytest

from tests.sim.frail import FrailLedger
from tests.sim.planted import ROOT, SMOKE, hunt
from tests.sim.world import live

# A seed with several leads, a worker's death and a change of the team in it.
SEED = 11


def test_a_seed_is_the_same_run_each_time(ledger: FrailLedger) -> None:
    assert live(SEED, ledger).told == live(SEED, ledger).told


def test_a_seed_is_the_same_run_in_another_process(ledger: FrailLedger) -> None:
    """Other random ids, another order of sets, another server: the same steps."""
    command = [sys.executable, "-m", "tests.sim", "--seed", str(SEED), "-v"]
    environ = {**os.environ, "PYTHONHASHSEED": "7"}
    lived = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True, env=environ
    )
    told = live(SEED, ledger).told
    assert lived.stdout.splitlines()[: len(told)] == list(told)


@pytest.mark.parametrize("name", SMOKE)
def test_a_planted_bug_is_found(name: str) -> None:
    assert hunt(name, worlds_max=10).law is not None
