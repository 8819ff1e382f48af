"""Processor time of a process and its children, as Linux counts it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def cpu_by_pid() -> dict[int, tuple[int, float, float]]:
    """Parent, own seconds and those of ended children, of each process; empty outside Linux."""
    found = {}
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
            found[int(stat.parent.name)] = (int(fields[1]), own * tick_s, ended * tick_s)
    return found


def tree_s(pid: int, used: dict[int, tuple[int, float, float]]) -> float:
    """Seconds that a process and its children, ended ones too, have used."""
    if pid not in used:
        return 0.0
    children = [child for child, (parent, _own, _ended) in used.items() if parent == pid]
    return used[pid][1] + used[pid][2] + sum(tree_s(child, used) for child in children)
