"""One server process: started in the background, asked whether it answers, ended by its pid file.

The same for PostgreSQL and Valkey; what differs between them is in a `Plan`. This file must not
know which of the two it runs.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from service.embedded.account import Account, becoming
from service.errors import MachineError
from service.supervise import Pause, exit_in_words

log = structlog.get_logger(__name__)

START_WITHIN_S = 120.0
"""Recovery after a crash replays the log; at our `max_wal_size` that is seconds, on a slow disk
a minute. Better to wait than to give up on a ledger that is coming back."""
START_TRIES_MAX = 4
"""After a kill -9 of PostgreSQL its last processes keep their shared memory for a moment, and a
new one refuses to start. Four tries with growing pauses cover 1.4 s; more hides a real fault."""
ASK_EVERY_S = 0.01
"""Each question is a connection to a Unix socket: some 0.1 ms."""
LOG_MAX_BYTES = 10_000_000
"""At a start, a longer log is put aside as `.1`; the servers only log what is out of order."""
LOG_TAIL_LINES = 8
"""What an error message quotes of the log: enough for the FATAL line and its hint."""

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""Nothing of ours: a stray PGPORT or PGDATA in the operator's shell would mislead the server."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and how to tell that it runs and make it end.

    `data` is named in its command line, by which a process is known to be this server and not
    another that was later given the same pid. `ending` are the signals to end it with and the
    seconds of patience after each; SIGKILL follows.
    """

    name: str
    program: Path
    arguments: tuple[str, ...]
    data: Path
    pid_file: Path
    log: Path
    ending: tuple[tuple[signal.Signals, float], ...]
    answers: Callable[[], bool]


class Server:
    """Runs one plan. Not for use from two threads."""

    def __init__(self, plan: Plan, account: Account | None) -> None:
        self._plan = plan
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = Pause()

    @property
    def pid(self) -> int | None:
        """The pid of the process that we started and have not seen end."""
        return self._process.pid if self._process is not None else None

    def end_left_behind(self) -> None:
        """End, in good order, what a former owner of the same data left running."""
        pid = _pid_in(self._plan.pid_file)
        if pid is not None and _is_this(pid, self._plan):
            log.info("embedded.left_behind_ended", server=self._plan.name, pid=pid)
            _end(pid, self._plan, lambda: not _is_this(pid, self._plan))

    def start(self) -> None:
        """Start it and return at once; `await_answers` tells when it is there.

        Raises:
            MachineError: the program cannot be started at all.
        """
        plan = self._plan
        self._pause.started()
        try:
            with _log_file(plan.log) as file:
                self._process = subprocess.Popen(
                    [str(plan.program), *plan.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=ENVIRONMENT,
                    start_new_session=True,  # it outlives us, and the terminal's Ctrl-C
                    preexec_fn=becoming(self._account),
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise MachineError(f"embedded {plan.name}: {plan.program}: {error}") from error

    def await_answers(self) -> None:
        """Wait until it answers.

        Raises:
            MachineError: it ended (the end of its log is quoted), or took longer than bearable.
        """
        deadline, tries = time.monotonic() + START_WITHIN_S, 1
        while not self._plan.answers():
            if self._ended() is not None:
                if tries == START_TRIES_MAX:
                    raise MachineError(self._why("it does not start"))
                tries += 1
                time.sleep(self._pause.died())
                self.start()
            if time.monotonic() >= deadline:
                raise MachineError(self._why(f"no answer within {START_WITHIN_S:.0f} s"))
            time.sleep(ASK_EVERY_S)

    def keep_running(self) -> None:
        """Start it again if it died; the pause between two tries grows. Returns at once."""
        status = self._ended()
        if status is not None:
            self._process = None
            log.warning(
                "embedded.server_died",
                server=self._plan.name,
                because=exit_in_words(status),
                again_in_s=self._pause.died(),
            )
        if self._process is None and self._pause.over():
            self._start_again()

    def end(self) -> None:
        """End it in good order, and wait until it has ended. Nothing to do when it does not run."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            _end(process.pid, self._plan, lambda: process.poll() is not None)

    def _start_again(self) -> None:
        name = self._plan.name
        try:
            self.start()
        except MachineError as error:
            wait_s = self._pause.died()
            log.error("embedded.server_down", server=name, because=str(error), again_in_s=wait_s)
        else:
            log.info("embedded.server_started", server=name, pid=self.pid)

    def _ended(self) -> int | None:
        """The exit status of a process that has ended."""
        return self._process.poll() if self._process is not None else None

    def _why(self, what: str) -> str:
        lines = self._plan.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join([f"embedded {self._plan.name}: {what}; {self._plan.log} ends:", *lines])


def _end(pid: int, plan: Plan, ended: Callable[[], bool]) -> None:
    for number, patience_s in (*plan.ending, (signal.SIGKILL, START_WITHIN_S)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if ended():
                return
            time.sleep(ASK_EVERY_S)
        log.warning("embedded.server_slow_to_end", server=plan.name, because=f"after {number.name}")
    raise MachineError(f"embedded {plan.name}: process {pid} does not end, not even by SIGKILL")


def _pid_in(pid_file: Path) -> int | None:
    """The pid on the first line; None when there is no file or it is not a pid."""
    try:
        first = pid_file.read_text().partition("\n")[0].strip()
    except OSError:
        return None
    return int(first) if first.isdecimal() and int(first) > 1 else None


def _is_this(pid: int, plan: Plan) -> bool:
    line = _command_line(pid)
    return f"{plan.program.name} " in line and str(plan.data) in line


def _command_line(pid: int) -> str:
    """The command line of a process, empty if there is none; a zombie has none either."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            return ""
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout


def _log_file(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > LOG_MAX_BYTES:
        path.replace(path.with_suffix(path.suffix + ".1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")
