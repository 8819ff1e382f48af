"""`sweep`: owns time, proves that nothing is forgotten, watches the team file; one process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import click
import structlog

from service.cli.ending import Ending
from service.cli.house import house_of
from service.wiring import House, line_of
from workers.audit import Audit
from workers.sweep import Sweep
from workers.team_file import TeamFile

CONNECTIONS = 8
"""One for each of the four loops at a time, and one more each for a look within a round."""

STOP_WITHIN_S = 8.0
"""A round takes milliseconds, a question to the carrier some seconds; a supervisor waits 10 s."""


@click.command()
def command() -> None:
    """Find every look that is due and nobody took; own time.

    Also audits once a minute, and loads the team file again when it changes. Two may run; nothing
    happens twice. Example: speedtolead sweep
    """
    with house_of("sweep", CONNECTIONS) as house:
        stop, ending = threading.Event(), Ending()
        threads = _started(house, stop)
        dead: list[str] = []
        while not dead and not ending.wait():
            dead = [thread.name for thread in threads if not thread.is_alive()]
        stop.set()
        for thread in threads:
            thread.join(STOP_WITHIN_S)
        if dead:  # the loops outlive every error of their rounds: whoever restarts us must
            structlog.get_logger("sweep").critical("sweep", outcome="a loop died", loops=dead)
            sys.exit(1)


def _started(house: House, stop: threading.Event) -> list[threading.Thread]:
    settings = house.settings
    heartbeat = settings.heartbeat_url.get_secret_value() if settings.heartbeat_url else None
    loops: dict[str, Callable[[], None]] = {
        "sweep": Sweep(house.desk, line_of(house), settings.public_url, stop).run,
        "audit": Audit(house.desk, heartbeat, stop).run,
    }
    if settings.team_file is not None:
        loops["team-file"] = TeamFile(house.desk, settings.team_file, stop).run
    threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in loops.items()]
    for thread in threads:
        thread.start()
    return threads
