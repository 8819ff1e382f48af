"""`python -m tests.bench [latency|phone|storm|looks|micro|all] [--quick]`."""

from __future__ import annotations

import importlib
import logging
import os
import platform
from datetime import UTC, datetime

import click
import structlog

from tests.bench.figures import say

PARTS = ("micro", "latency", "phone", "looks", "storm")


@click.command()
@click.argument("part", type=click.Choice([*PARTS, "all"]), default="all")
@click.option("--quick", is_flag=True, help="Fewer samples: to see that it runs, not how fast.")
def main(part: str, quick: bool) -> None:
    """Measure the product beside a bare pipeline. Prints; asserts nothing."""
    # What the product says of itself beside the figures is its warnings.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    cores = os.cpu_count()
    say(f"{cores} cores, load before (1, 5, 15 min): {busy}; above 1 the figures mean little")
    say(f"{when}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    for name in PARTS if part == "all" else (part,):
        importlib.import_module(f"tests.bench.{name}").run(quick)


main()
