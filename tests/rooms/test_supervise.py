"""The supervisor with real processes: what dies comes back, and nothing outlives it.

Processes are watched through a pipe that all of them inherit: it ends when the last one has.
"""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.supervise import PAUSE_MAX_S, Child, Pause, Supervisor, exit_in_words

ROOT = Path(__file__).parents[2]
WAIT_MAX_S = 15.0

PATIENT = "trap 'echo $0 finished its work >> {said}; exit 0' TERM; trap 'echo INT >> {said}' INT"
QUICK = "trap 'echo ended > $0.ended; exit 0' TERM"
STUBBORN = "trap '' TERM"

SUPERVISOR = """
import sys
from pathlib import Path
from service.supervise import Child, Supervisor
children = [Child(name, ("/bin/sh", "-c", script, name)) for name, script in
            (argument.split("=", 1) for argument in sys.argv[2:])]
Supervisor(children, run_dir=Path(sys.argv[1])).run()
"""
ORPHAN = """
import subprocess, sys
child = "from service.supervise import die_with_parent as d; d(); print('up', flush=True); input()"
subprocess.run([sys.executable, "-c", child])
"""


def wait_for(condition: Callable[[], bool]) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + WAIT_MAX_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        threading.Event().wait(0.02)


def script(first: str) -> str:
    """A shell script that waits for ever after `first`, in a way that traps can interrupt."""
    return f"{first}; echo $$ > $0.up; while :; do sleep 0.05; done"


@contextmanager
def supervisor_process(
    home: Path, **scripts: str
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """A supervisor of shell scripts, and a pipe that ends with the last of its processes."""
    reading, writing = os.pipe()
    named = [f"{name}={text}" for name, text in scripts.items()]
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(home / "run"), *named],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writing,
        start_new_session=True,
    ) as process:
        os.close(writing)
        try:
            wait_for(lambda: all((home / f"{name}.up").exists() for name in scripts))
            yield process, reading
        finally:
            process.kill()
            os.close(reading)


def ended(reading: int) -> bool:
    """Whether every process that holds the pipe ends within the time."""
    deadline = time.monotonic() + WAIT_MAX_S
    while (left_s := deadline - time.monotonic()) > 0:
        if select.select([reading], [], [], left_s)[0] and not os.read(reading, 65_536):
            return True
    return False


@contextmanager
def supervising(supervisor: Supervisor) -> Iterator[None]:
    """Run it in a thread, and see that it ends when it is told to."""
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join(WAIT_MAX_S)
        assert not thread.is_alive()


def pid_in(path: Path) -> int:
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return 0


def test_a_killed_child_is_started_again_and_the_others_left_alone(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    both = [Child("one", ("sleep", "600")), Child("two", ("sleep", "600"))]
    supervisor = Supervisor(both, run_dir=run_dir)
    with supervising(supervisor):
        wait_for(lambda: supervisor.pids().keys() == {"one", "two"})
        before = supervisor.pids()
        wait_for(lambda: pid_in(run_dir / "one.pid") == before["one"])

        os.kill(before["one"], signal.SIGKILL)

        wait_for(lambda: supervisor.pids().get("one", before["one"]) != before["one"])
        wait_for(lambda: pid_in(run_dir / "one.pid") == supervisor.pids()["one"])
        assert supervisor.pids()["two"] == before["two"]
    assert supervisor.pids() == {}
    assert list(run_dir.glob("*.pid")) == []


def test_a_child_that_cannot_start_does_not_hold_up_the_others(tmp_path: Path) -> None:
    ticks = threading.Semaphore(0)

    def tick() -> None:
        ticks.release()
        raise RuntimeError("what looks after the rest has failed")

    here = Child("here", ("sleep", "600"), env={"PATH": os.environ["PATH"]})
    supervisor = Supervisor([Child("gone", (str(tmp_path / "gone"),)), here], tick)
    with supervising(supervisor):
        wait_for(lambda: supervisor.pids().keys() == {"here"})
        for _ in range(2):
            assert ticks.acquire(timeout=WAIT_MAX_S)
        assert supervisor.pids().keys() == {"here"}


def test_told_to_stop_it_lets_the_children_finish(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with supervisor_process(tmp_path, ann=script(PATIENT.format(said=said))) as (process, pipe):
        process.send_signal(signal.SIGTERM)
        assert ended(pipe)
        assert process.wait(WAIT_MAX_S) == 0
    assert said.read_text() == "ann finished its work\n"
    assert list((tmp_path / "run").iterdir()) == []


def test_ctrl_c_reaches_the_supervisor_alone(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with supervisor_process(tmp_path, ann=script(PATIENT.format(said=said))) as (process, pipe):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
        assert ended(pipe)
        assert process.wait(WAIT_MAX_S) == 0
    assert said.read_text() == "ann finished its work\n"


def test_a_second_ctrl_c_ends_what_will_not_stop(tmp_path: Path) -> None:
    with supervisor_process(tmp_path, ann=script(STUBBORN), bob=script(QUICK)) as (process, pipe):
        process.send_signal(signal.SIGINT)
        wait_for((tmp_path / "bob.ended").exists)  # so the first one has been heeded
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert ended(pipe)
        assert process.wait(WAIT_MAX_S) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere die_with_parent does it")
def test_no_child_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with supervisor_process(tmp_path, ann=script(STUBBORN), bob=script(QUICK)) as (process, pipe):
        process.kill()
        assert ended(pipe)


def test_a_process_that_asked_for_it_dies_with_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        parent.kill()
        assert ended(parent.stdout.fileno())


def test_pauses_grow_to_a_bound() -> None:
    pause = Pause()
    waits = []
    for _ in range(7):
        pause.started()
        waits.append(pause.died())
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, PAUSE_MAX_S, PAUSE_MAX_S]
    assert not pause.over()


def test_two_children_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Supervisor([Child("one", ("true",)), Child("one", ("true",))])


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "exit status 0"), (1, "exit status 1"), (-9, "signal SIGKILL"), (-40, "signal 40")],
)
def test_a_death_is_put_into_words(status: int, words: str) -> None:
    assert exit_in_words(status) == words
