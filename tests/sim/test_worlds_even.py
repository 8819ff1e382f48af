"""Twenty-five worlds hold: those of even seeds. The others are lived on another core."""

import pytest

from tests.sim.frail import FrailLedger
from tests.sim.world import live


@pytest.mark.parametrize("seed", range(0, 50, 2))
def test_a_world_holds(seed: int, ledger: FrailLedger) -> None:
    live(seed, ledger)
