"""Opens a house: everything started by `speedtolead up` alone, and everything gone at its end."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx

from service.config import PREFIX
from tests.story.carrier import Carrier
from tests.story.clock import HouseClock
from tests.story.diary import Diary
from tests.story.house import READY_WITHIN_S, SOURCE_KEY, House
from tests.story.patience import until
from tests.story.processes import command, free_port, is_running
from tests.story.teams import KEY_NAME

HTTP_WITHIN_S = 30.0
SECRET = "a secret of the stories, known to both sides of the wire"


QUICK = 0.02
"""The carrier's seconds in a quick house, of a real one: a talk of 45 s takes 0.9 s. Hops of the
network keep their length, so that even then nothing comes before what it follows."""

BY_HAND = 0.2
"""Slow enough for a browser's clicks: a phone that rings 40 s rings 8."""


@contextmanager
def running(
    home: Path,
    team: str,
    starts_at: datetime | None = None,
    *,
    scale: float = 1.0,
    **settings: str,
) -> Iterator[House]:
    """A house from its start to its end. Its clock may begin at any instant; ``settings`` are by
    their names in small letters, without the prefix. By the ``scale`` phones ring, speak and
    talk faster; the house's own clock does not."""
    clock, diary = HouseClock(home / "clock"), Diary(home / "log")
    if starts_at is not None:
        clock.starts_at(starts_at)
    (home / "team.yaml").write_text(team)
    env, port, sandbox_port = _environment(home), free_port(), free_port()
    arguments = ["up", "--workers", "2", "--port", str(port)]
    arguments += ["--team", str(home / "team.yaml")]
    env |= {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
    env |= {f"{PREFIX}PORT": str(port), f"{PREFIX}SANDBOX_PORT": str(sandbox_port)}
    with ExitStack() as beside:
        if scale != 1.0:
            sandbox_port = beside.enter_context(_quick_carrier(home, env, scale))
        up = beside.enter_context(command(home, arguments, env))
        http, desk = (beside.enter_context(_client(each)) for each in (port, sandbox_port))
        house = House(home, clock, diary, http, Carrier(desk), env)
        there = partial(_is_there, house)
        until(lambda: up.poll() is not None or there(), "ready", READY_WITHIN_S)
        assert up.poll() is None, f"`up` ended: {diary.lines()[-5:]}"
        made = house.runs("token", "create", "--role", "api")
        assert made.returncode == 0, made.stderr
        house.token = made.stdout.strip()
        clock.passes = house.phones_have_rested
        yield house
        assert not (found := house.violations()), found
        pids = house.pids()
    left = [pid for pid in pids if is_running(pid)]
    assert not left, f"`up` left processes behind: {left}"


@contextmanager
def _quick_carrier(home: Path, env: dict[str, str], scale: float) -> Iterator[int]:
    """A stand-in carrier of its own, which the house takes for its carrier; its port. The one that
    `up` starts beside it has nothing to do."""
    port = free_port()
    env |= {
        f"{PREFIX}SANDBOX_URL": f"http://127.0.0.1:{port}",
        f"{PREFIX}SECRET_KEY": SECRET,
        f"{PREFIX}TEAM_FILE": str(home / "team.yaml"),
    }
    arguments = ["sandbox", "--port", str(port), "--seconds-scale", str(scale)]
    with command(home, arguments, env):
        yield port


def _is_there(house: House) -> bool:
    try:
        house.carrier.cursor()
    except httpx.HTTPError:
        return False
    return house.is_ready()


def _client(port: int) -> httpx.Client:
    """A proxy that the developer's shell names is not for this machine."""
    url = f"http://127.0.0.1:{port}"
    return httpx.Client(base_url=url, timeout=HTTP_WITHIN_S, trust_env=False)


def _environment(home: Path) -> dict[str, str]:
    """Ours alone: nothing that the developer's own shell may have set."""
    others = {name: v for name, v in os.environ.items() if not name.upper().startswith(PREFIX)}
    return others | {
        KEY_NAME: SOURCE_KEY,
        f"{PREFIX}DATA_DIR": str(home / "data"),
        f"{PREFIX}CLOCK_FILE": str(home / "clock"),
    }
