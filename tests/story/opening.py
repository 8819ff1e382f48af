"""Opens a house: everything started by `speedtolead up` alone, and everything gone at its end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def running(
    home: Path, team: str, starts_at: datetime | None = None, **settings: str
) -> Iterator[House]:
    """A house from its start to its end. Its clock may begin at any instant; ``settings`` are by
    their names in small letters, without the prefix."""
    clock, diary = HouseClock(home / "clock"), Diary(home / "log")
    if starts_at is not None:
        clock.starts_at(starts_at)
    (home / "team.yaml").write_text(team)
    env, port, sandbox_port = _environment(home), free_port(), free_port()
    arguments = ["up", "--workers", "2", "--port", str(port)]
    arguments += ["--team", str(home / "team.yaml")]
    env |= {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
    env |= {f"{PREFIX}PORT": str(port), f"{PREFIX}SANDBOX_PORT": str(sandbox_port)}
    with (
        command(home, arguments, env) as up,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=HTTP_WITHIN_S, trust_env=False
        ) as http,
        httpx.Client(
            base_url=f"http://127.0.0.1:{sandbox_port}", timeout=HTTP_WITHIN_S, trust_env=False
        ) as desk,
    ):
        house = House(home, clock, diary, http, Carrier(desk), env)
        there = partial(_is_there, house)
        until(lambda: up.poll() is not None or there(), "ready", READY_WITHIN_S)
        assert up.poll() is None, f"`up` ended: {diary.lines()[-5:]}"
        made = house.runs("token", "create", "--role", "api")
        assert made.returncode == 0, made.stderr
        house.token = made.stdout.strip()
        clock.passes = house.phones_have_rested
        yield house
        pids = house.pids()
    left = [pid for pid in pids if is_running(pid)]
    assert not left, f"`up` left processes behind: {left}"


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
