"""One ground for the worlds of a test process."""

from collections.abc import Iterator

import pytest

from tests.sim.frail import FrailLedger
from tests.sim.ground import ground


@pytest.fixture(scope="session")
def ledger() -> Iterator[FrailLedger]:
    """An empty ledger on a server of its own."""
    with ground() as ledger:
        yield ledger
