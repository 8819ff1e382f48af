"""Keep a handful of child processes running, and never leave one behind.

A process that died is started again, for ever, with a growing pause: a queue worker that loses
Redis in the middle of a job ends with status 1, and one killed outright is missed by its queue
only minutes later, so whoever runs on one machine needs this (elsewhere systemd or Kubernetes
does it). Children run in sessions of their own: Ctrl-C reaches the supervisor alone, which then
orders the shutdown.

This file knows commands, not what they are for; it must import nothing of this product.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

PAUSE_MIN_S = 0.2
"""The first pause: shorter than a person notices, long enough not to spin."""
PAUSE_MAX_S = 5.0
"""The longest pause: what is down for good is tried twelve times a minute, no more."""
STEADY_AFTER_S = 10.0
"""Alive for so long, a process counts as well again and its next pause is the first one."""
LOOK_EVERY_S = 0.1
"""How soon a death is seen; ten looks a second cost nothing that can be measured."""
TICK_EVERY_S = 0.5
"""How often `on_tick` is called."""
STOP_WITHIN_S = 10.0
"""What a child gets to finish its work in hand after SIGTERM, before SIGKILL."""
PARENT_LOOK_EVERY_S = 1.0
"""How long a child may outlive its parent where the kernel offers no better way."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep running. `env` is its whole environment; None hands ours down."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None


class Pause:
    """How long to wait before starting again something that died: 0.2 s, doubling, 5 s at most."""

    def __init__(self) -> None:
        self._started_at = self._ready_at = 0.0
        self._next_s = PAUSE_MIN_S

    def started(self) -> None:
        """It was started now."""
        self._started_at = time.monotonic()

    def died(self) -> float:
        """It was found dead now. Returns the seconds to wait."""
        now = time.monotonic()
        if now - self._started_at >= STEADY_AFTER_S:
            self._next_s = PAUSE_MIN_S
        wait_s, self._next_s = self._next_s, min(self._next_s * 2, PAUSE_MAX_S)
        self._ready_at = now + wait_s
        return wait_s

    def over(self) -> bool:
        """Whether the wait is over."""
        return time.monotonic() >= self._ready_at


@dataclass(slots=True)
class _Run:
    """One child's present process (None between two) and its pause."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    pause: Pause = field(default_factory=Pause)


class Supervisor:
    """Starts the children, restarts those that die, ends them all when told to stop.

    `on_tick` is called about twice a second from the same thread, for what else wants looking
    after; what it raises is logged and does not stop the children. With `run_dir`, the pid of
    each child is kept in `run_dir/<name>.pid`.
    """

    def __init__(
        self,
        children: Sequence[Child],
        on_tick: Callable[[], None] = lambda: None,
        *,
        run_dir: Path | None = None,
    ) -> None:
        if len({child.name for child in children}) != len(children):
            raise ValueError("two children have the same name")
        self._runs = [_Run(child) for child in children]
        self._on_tick = on_tick
        self._run_dir = run_dir
        # Safe to put into from a signal handler, which an Event is not: the handler may interrupt
        # the very wait that holds its lock.
        self._told: SimpleQueue[None] = SimpleQueue()
        self._orders = 0

    def run(self) -> None:
        """Block until SIGINT, SIGTERM, SIGHUP or `stop()`; return when every child has ended.

        A second signal ends the children at once. The thread that calls this must live as long
        as the children: on Linux they are tied to it.
        """
        before = self._heed_signals()
        try:
            self._watch()
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Ask `run()` to end the children and return. Safe from any thread and any signal."""
        self._orders += 1
        self._told.put(None)

    def pids(self) -> dict[str, int]:
        """The pids of the children that run now, by name."""
        return {run.child.name: run.process.pid for run in self._runs if run.process is not None}

    def _heed_signals(self) -> dict[int, signal.Handlers | int | Callable[..., object] | None]:
        if threading.current_thread() is not threading.main_thread():
            return {}  # Python lets only the main thread set handlers; `stop()` works anyway

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        return {number: signal.signal(number, handle) for number in _STOP_SIGNALS}

    def _watch(self) -> None:
        tick_at = 0.0
        while not self._orders:
            for run in self._runs:
                self._look_at(run)
            if time.monotonic() >= tick_at:
                self._tick()
                tick_at = time.monotonic() + TICK_EVERY_S
            with contextlib.suppress(Empty):
                self._told.get(timeout=LOOK_EVERY_S)

    def _tick(self) -> None:
        try:
            self._on_tick()
        except Exception as error:
            log.exception("supervise.tick_failed", because=type(error).__name__)

    def _look_at(self, run: _Run) -> None:
        if run.process is not None:
            status = run.process.poll()
            if status is None:
                return
            self._forget(run)
            log.warning(
                "supervise.child_died",
                child=run.child.name,
                because=exit_in_words(status),
                again_in_s=run.pause.died(),
            )
        if run.process is None and run.pause.over():
            self._start(run)

    def _start(self, run: _Run) -> None:
        run.pause.started()
        try:
            run.process = _spawn(run.child)
        except (OSError, subprocess.SubprocessError) as error:
            log.error(
                "supervise.child_not_started",
                child=run.child.name,
                because=str(error),
                again_in_s=run.pause.died(),
            )
            return
        log.info("supervise.child_started", child=run.child.name, pid=run.process.pid)
        if self._run_dir is not None:
            _write_pid(self._run_dir, run.child.name, run.process.pid)

    def _forget(self, run: _Run) -> None:
        run.process = None
        if self._run_dir is not None:
            (self._run_dir / f"{run.child.name}.pid").unlink(missing_ok=True)

    def _end_all(self) -> None:
        """SIGTERM to all, then SIGKILL to what is left at the end of the time, with its group."""
        deadline, orders = time.monotonic() + STOP_WITHIN_S, self._orders
        for run in self._runs:
            if run.process is not None:
                run.process.terminate()
        for run in self._runs:
            if run.process is None:
                continue
            while run.process.poll() is None and time.monotonic() < deadline:
                if self._orders > orders:
                    break  # told twice: no more patience
                time.sleep(LOOK_EVERY_S / 10)
            if run.process.poll() is None:
                log.warning("supervise.child_killed", child=run.child.name, because="did not stop")
                os.killpg(run.process.pid, signal.SIGKILL)
                run.process.wait()
            self._forget(run)


def die_with_parent() -> None:
    """End this process within about a second of its parent's end. Call it early in a child.

    For systems without PR_SET_PDEATHSIG, and for a parent that is not our supervisor. The end is
    abrupt (`os._exit`), as after a kill -9, which everything here must survive anyway.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, name="die-with-parent", daemon=True).start()


def exit_in_words(status: int) -> str:
    """A `Popen.returncode` for a log line: `exit status 1` or `signal SIGKILL`."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-status}"


def _spawn(child: Child) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def before_exec() -> None:
        # Runs between fork and exec: nothing here may take a lock that another thread held.
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:  # it died before the kernel knew that we care
                os._exit(1)

    return subprocess.Popen(
        list(child.argv),
        env=None if child.env is None else dict(child.env),
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # out of reach of the terminal's Ctrl-C
        preexec_fn=before_exec,
    )


def _write_pid(run_dir: Path, name: str, pid: int) -> None:
    run_dir.mkdir(parents=True, exist_ok=True)
    fresh = run_dir / f".{name}.pid"
    fresh.write_text(f"{pid}\n")
    fresh.replace(run_dir / f"{name}.pid")
