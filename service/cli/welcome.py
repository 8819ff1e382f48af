"""What `up` says once everything answers: where to look, and one command to try.

It asks `/ready` and prints; it must not start or decide anything.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import click
import requests

from service.cli.address import local_url
from service.cli.team_in import EXAMPLE, front_door
from service.config import Settings
from service.rules.lawful import dial_from
from service.team.team import Team
from service.wiring import clock_of

READY_WITHIN_S = 30.0
"""Twenty times what it takes on two old processors; then whoever waits should hear why."""

ASK_EVERY_S = 0.1
ANSWER_WITHIN_S = 2.0
REASON_MAX = 300
"""Characters of an answer that is no yes: enough to name each dependency."""

LABEL_WIDTH = 9


@dataclass
class Welcome:
    """The words for one `up`. ``keys`` are the environment variables that hold sources' keys."""

    settings: Settings
    team: Team
    keys: Mapping[str, str] = field(repr=False)
    stop: threading.Event = field(default_factory=threading.Event)

    def when_ready(self) -> None:
        """Wait until everything answers, at most 30 s, then say where to look."""
        deadline = time.monotonic() + READY_WITHIN_S
        while (why := self._why_not_ready()) is not None and time.monotonic() < deadline:
            if self.stop.wait(ASK_EVERY_S):
                return
        if why is not None:
            click.echo(f"Not everything is ready after {READY_WITHIN_S:.0f} s: {why}", err=True)
        self._say()

    def _why_not_ready(self) -> str | None:
        """None when it is: the service as a whole, and the stand-in carrier where one is used."""
        waits_for = {"the front door": f"{local_url(self.settings)}/ready"}
        if self.settings.uses_stand_in:
            waits_for["the stand-in carrier"] = f"{self.settings.sandbox_url}/sandbox/api/phones"
        for name, url in waits_for.items():
            try:
                answer = _asked(url)
            except requests.RequestException:
                return f"{name} does not answer"
            if answer.status_code != 200:
                return f"{name} says {answer.text[:REASON_MAX]}"
        return None

    def _say(self) -> None:
        places, example = self._places(), self._example()
        if sys.stdout.isatty():
            _print_for_eyes(self._title(), places, example, self._footer())
            return
        lines = [self._title(), *(f"  {label:<{LABEL_WIDTH}} {url}" for label, url in places)]
        if example:
            lines += ["Send a lead, from another terminal:", f"  {example}"]
        click.echo("\n".join([*lines, self._footer()]))
        sys.stdout.flush()

    def _title(self) -> str:
        path = self.settings.team_file
        made_up = ", an example" if path is not None and path.name == EXAMPLE else ""
        name = path.name if path is not None else "no file"
        return f"Watching over the leads of {self.team.name} ({name}{made_up})"

    def _places(self) -> list[tuple[str, str]]:
        url = local_url(self.settings)
        places = [("home", f"{url}/"), ("ready", f"{url}/ready"), ("metrics", f"{url}/metrics")]
        if self.settings.uses_stand_in:
            places.insert(1, ("phones", f"{self.settings.sandbox_url}/sandbox"))
        if self.settings.public_url != url:
            places.append(("public", self.settings.public_url))
        return places

    def _example(self) -> str | None:
        """A command that works in another terminal; None when no source takes JSON."""
        door = front_door(self.team, self.keys)
        if door is None:
            return None
        words = ["lead", "--source", door[0].id, "--name", "Dana Fox"]
        words += [
            "--phone",
            _where_it_is_day(clock_of(self.settings).now()),
            "--ask",
            "Solar panels for a barn",
        ]
        if self.settings.data_dir != Path(".data").absolute():
            words += ["--data-dir", str(self.settings.data_dir)]
        return " ".join([_program(), *map(_quoted, words)])

    def _footer(self) -> str:
        return f"Ctrl-C stops everything; the data stay in {self.settings.data_dir}"


# Numbers that are given to nobody, and where they are: somewhere it is always an hour to call.
PLACES = (
    ("+1 212 555 0199", "America/New_York"),
    ("+44 20 7946 0018", "Europe/London"),
    ("+1 310 555 0142", "America/Los_Angeles"),
    ("+61 2 5550 1234", "Australia/Sydney"),
)


def _where_it_is_day(now: datetime) -> str:
    """A number that may be called now, so that who takes the example's lead is connected."""
    return next((number for number, zone in PLACES if dial_from((zone,), now) == now), PLACES[0][0])


def _asked(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # no proxy: it is this machine
        return session.get(url, timeout=ANSWER_WITHIN_S)


def _program() -> str:
    """How a shell in this directory calls us."""
    beside = Path(sys.executable).with_name("speedtolead")
    if not beside.exists():
        return f"{_quoted(_from_here(Path(sys.executable)))} -m service.cli"
    on_path = shutil.which("speedtolead")
    return "speedtolead" if on_path and Path(on_path) == beside else _quoted(_from_here(beside))


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return os.fspath(path.relative_to(here)) if path.is_relative_to(here) else os.fspath(path)


def _quoted(word: str) -> str:
    """For a shell; in double quotes where those do, as people write them."""
    if all(c.isalnum() or c in " +._/-" for c in word):
        return f'"{word}"' if " " in word else word
    return shlex.quote(word)


def _print_for_eyes(
    title: str, places: list[tuple[str, str]], example: str | None, footer: str
) -> None:
    from rich.console import Console  # a tenth of a second that only a terminal is worth
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    for label, url in places:
        table.add_row(Text(label, style="dim"), Text(url, style=f"cyan link {url}"))
    console.print()
    console.print(Text(title, style="bold green"))
    console.print(table)
    if example:
        console.print("\nSend a lead, from another terminal:\n", style="dim")
        # never wrapped: a line that is to be pasted must stay one
        console.print(Text(f"  {example}", style="bold"), soft_wrap=True)
    console.print(Text(f"\n{footer}\n", style="dim"))
