"""Medians, percentiles and tables. Nothing here measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def quantile(samples: Sequence[float], share: float) -> float:
    """The nearest-rank quantile, so that each printed figure is one that was measured; NaN for
    no samples."""
    if not samples:
        return math.nan
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def millis(seconds: float) -> str:
    """Seconds as milliseconds, with as many digits as a noisy machine deserves."""
    return "-" if math.isnan(seconds) else f"{seconds * 1000:.1f}"


def micros(seconds: float) -> str:
    """Seconds as microseconds."""
    return f"{seconds * 1_000_000:.0f}"


def spread(name: str, samples: Sequence[float]) -> list[str]:
    """One row: name, count, p50, p90, p99, max, in milliseconds."""
    shares = (0.5, 0.9, 0.99, 1.0)
    return [name, str(len(samples)), *(millis(quantile(samples, share)) for share in shares)]


SPREAD = ("", "samples", "p50 ms", "p90 ms", "p99 ms", "max ms")


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: in colours on a terminal, plain elsewhere."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=None if Console().is_terminal else 110).print(table)


def say(line: str) -> None:
    """Print one line."""
    Console(highlight=False, width=110).print(line)
