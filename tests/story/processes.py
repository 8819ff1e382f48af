"""Processes of the product as an operator starts, finds and ends them."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

STOPPED_WITHIN_S = 20.0
"""`up` gives its children 10 s, and its servers as long."""


def free_port() -> int:
    """A port that nobody has, for the moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return cast(int, probe.getsockname()[1])


@contextmanager
def command(
    home: Path, arguments: list[str], env: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """One command of the product that runs until the block ends, and then ends in good order."""
    with (home / "log").open("ab") as log, (home / "said").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", *arguments], env=env, stdout=said, stderr=log
        )
    try:
        yield process
        assert process.poll() is None, f"{arguments[0]} ended by itself: {process.returncode}"
        process.terminate()
        assert process.wait(STOPPED_WITHIN_S) == 0, f"{arguments[0]} did not end in good order"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def first_line(path: Path) -> str:
    try:
        return path.read_text().partition("\n")[0].strip()
    except OSError:
        return ""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
