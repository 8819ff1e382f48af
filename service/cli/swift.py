"""How a process that answers within milliseconds is set up, once everything is loaded.

Measured, not guessed: `docs/bench.md`. It must not change what is answered, only when.
"""

from __future__ import annotations

import gc
import sys

SWITCH_INTERVAL_S = 0.0005
"""Python lets a thread run for 5 ms before another may; a page would wait that long for a thread
that merely tidies up after the last one."""


def be_swift() -> None:
    """Let threads take turns quickly, and leave what was loaded out of garbage collection: it
    lives as long as the process, and looking through it again costs milliseconds."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
