"""The README, done word by word: its commands are run, and what it promises is looked for.

Only addresses and the way to call the command differ from what a newcomer types. The team is the
example, the carrier the stand-in, and nothing of the developer's own environment is there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.config import PREFIX
from tests.story.carrier import Carrier
from tests.story.clock import MORNING, HouseClock
from tests.story.house import READY_WITHIN_S, STOPPED_WITHIN_S, free_port
from tests.story.patience import until
from tests.story.teams import ANN, BOB, KEY_NAME

pytestmark = pytest.mark.story

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = {ANN: "Ann", BOB: "Bob"}

Json = dict[str, Any]


def section(heading: str) -> str:
    """The part of the README under this heading, up to the next one of its level."""
    level = heading.split()[0]
    after = README.partition(f"{heading}\n")[2]
    assert after, f"the README has no {heading}"
    return re.split(rf"^#{{2,{len(level)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def blocks(heading: str, language: str) -> list[str]:
    """The blocks of code in that part."""
    return [text for kind, text in FENCE.findall(section(heading)) if kind == language]


@dataclass(frozen=True)
class Newcomer:
    """Somebody who has started it, with a second terminal."""

    home: Path
    url: str
    sandbox_url: str
    env: dict[str, str]
    carrier: Carrier

    def types(self, commands: str) -> str:
        """Run a block of the README; what it prints."""
        for written, here in (
            (".venv/bin/speedtolead", f'"{sys.executable}" -m service.cli'),
            ("http://127.0.0.1:8000", self.url),
            ("http://127.0.0.1:8001", self.sandbox_url),
        ):
            commands = commands.replace(written, here)
        ran = subprocess.run(
            ["bash", "-euc", commands],
            cwd=self.home,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=READY_WITHIN_S,
            check=False,
        )
        assert ran.returncode == 0, f"{commands}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def reads(self, *words: str) -> Json:
        """The text with these words, on whichever phone it shows up."""

        def found() -> list[Json]:
            items = self.carrier.get("items", limit=5000)["items"]
            arrived = [each for each in items if each["kind"] == "text_in_to_phone"]
            return [each for each in arrived if all(word in each["body"] for word in words)]

        return until(found, f"a text with {words}")[-1]

    def said(self) -> str:
        """What `up` printed."""
        return (self.home / "said").read_text()


@pytest.fixture(scope="module")
def newcomer() -> Iterator[Newcomer]:
    home = Path(tempfile.mkdtemp(prefix="speedtolead-readme-"))
    port, sandbox_port = free_port(), free_port()
    bare = {name: v for name, v in os.environ.items() if not name.upper().startswith(PREFIX)}
    bare.pop(KEY_NAME, None)
    env = bare | {
        "PYTHONPATH": str(ROOT),
        f"{PREFIX}DATA_DIR": str(home / ".data"),
        f"{PREFIX}PORT": str(port),
        f"{PREFIX}SANDBOX_PORT": str(sandbox_port),
        f"{PREFIX}CLOCK_FILE": str(home / "clock"),
    }
    # The README is read by day: at night, nobody is rung.
    HouseClock(home / "clock").starts_at(MORNING)
    shutil.copy(ROOT / "team.example.yaml", home)
    url, sandbox_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    try:
        with _up(home, env), httpx.Client(base_url=sandbox_url, timeout=30) as desk:
            someone = Newcomer(home, url, sandbox_url, env, Carrier(desk))
            until(lambda: "Ctrl-C" in someone.said(), "it says where to look", READY_WITHIN_S)
            yield someone
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _up(home: Path, env: dict[str, str]) -> Iterator[None]:
    """What `make run` runs, from its start to Ctrl-C's twin."""
    command = [sys.executable, "-m", "service.cli", "up"]
    with (home / "said").open("wb") as said, (home / "log").open("wb") as log:
        up = subprocess.Popen(command, cwd=home, env=env, stdout=said, stderr=log)
    try:
        yield
        up.terminate()
        assert up.wait(STOPPED_WITHIN_S) == 0
    finally:
        if up.poll() is None:
            up.kill()
            up.wait()


def test_make_run_is_the_first_thing_to_do() -> None:
    first = blocks("## Try it", "sh")[0].splitlines()
    assert first[-1] == "make run"
    run = (ROOT / "Makefile").read_text().partition("\nrun:")[2].partition("\n\n")[0]
    assert "speedtolead up" in run


def test_it_prints_the_addresses_that_the_readme_lists(newcomer: Newcomer) -> None:
    listed = re.findall(r"<http://127\.0\.0\.1:(8000|8001)(/\w*)>", section("## Try it"))
    assert len(listed) == 4
    for port, path in listed:
        address = (newcomer.url if port == "8000" else newcomer.sandbox_url) + path
        assert re.search(rf"{re.escape(address)}\s", newcomer.said())
        assert httpx.get(address).status_code == 200


def test_it_prints_a_lead_command_like_the_readmes(newcomer: Newcomer) -> None:
    (command,) = blocks("### Be the lead", "sh")
    assert command.strip().partition(" ")[2] in newcomer.said()


def test_the_quick_start(newcomer: Newcomer) -> None:
    (lead,), (page,) = blocks("### Be the lead", "sh"), blocks("### Be the lead", "text")
    reply, read_back = blocks("### Take it", "sh")
    (yours,) = blocks("### Take it", "text")

    assert "lead " in newcomer.types(lead)
    paged = newcomer.reads("LEAD Dana Fox", "1 take 2 pass")
    assert _as_written(paged["body"], newcomer.url) == _as_written(page)

    phone = paged["phone"]
    assert phone in NAMES
    assert ANN in reply
    assert BOB in section("### Take it")
    newcomer.types(reply.replace(ANN, phone))
    told = newcomer.reads("Dana Fox is yours")
    assert told["phone"] == phone
    assert told["body"] == " ".join(yours.split()).replace("Ann", NAMES[phone])

    (known,) = json.loads(newcomer.types(read_back))["leads"]
    assert known["name"] == "Dana Fox"
    assert known["standing"]["owner"] == NAMES[phone].lower()

    newcomer.carrier.post(f"phones/{phone}/texts", {"body": "7"})
    newcomer.reads("Logged: Dana Fox, booked")
    (closed,) = json.loads(newcomer.types(read_back))["leads"]
    assert closed["standing"]["state"] == "settled"


def test_a_pass_pages_the_next_rep_at_once(newcomer: Newcomer) -> None:
    phone = _paged_for(newcomer, "Sam Poe", "+1 212 555 0177")
    newcomer.carrier.post(f"phones/{phone}/texts", {"body": "2"})
    newcomer.reads("Passed. Sam Poe")
    other = BOB if phone == ANN else ANN
    until(lambda: newcomer.reads("LEAD Sam Poe")["phone"] == other, "the other rep is paged")
    newcomer.carrier.post(f"phones/{other}/texts", {"body": "1"})
    newcomer.reads("Sam Poe is yours")


def test_a_phone_that_is_off_costs_no_time(newcomer: Newcomer) -> None:
    """Its page fails, and the call that was due at 45 s comes at once."""
    off = {"texts": "undelivered", "calls": "no-answer"}
    for phone in (ANN, BOB):
        newcomer.carrier.post(f"phones/{phone}/settings", off)
    (command,) = blocks("### Be the lead", "sh")
    after = newcomer.carrier.cursor()
    newcomer.types(command.replace("Dana Fox", "Kim Roe").replace("0199", "0188"))

    def rings() -> list[Json]:
        items = newcomer.carrier.get("items", after=after, limit=5000)["items"]
        return [each for each in items if each["kind"] == "call_ringing"]

    assert until(rings, "a call")[0]["phone"] in NAMES


def test_the_example_team_can_be_copied_and_checked(newcomer: Newcomer) -> None:
    (commands,) = blocks("## Your own team", "sh")
    assert "Sunrise Solar" in newcomer.types(commands)


def _paged_for(newcomer: Newcomer, name: str, phone: str) -> str:
    (command,) = blocks("### Be the lead", "sh")
    newcomer.types(command.replace("Dana Fox", name).replace("+1 212 555 0199", phone))
    paged: str = newcomer.reads(f"LEAD {name}")["phone"]
    return paged


def _as_written(body: str, url: str = "http://127.0.0.1:8000") -> str:
    """A page without what differs from one to the next: its time, and the end of its link."""
    body = re.sub(r"^\d\d:\d\d ", "", body.strip()).replace(url, "http://127.0.0.1:8000")
    return re.sub(r"/r/[\w-]{16}$", "/r/...", body)
