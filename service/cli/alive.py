"""`alive`: whether a process of this machine, or of this container, does its work.

For a container's health check and for probes; it asks and changes nothing.
"""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import click

from service.cli.address import local_url
from service.cli.house import settings_here
from service.config import Settings
from service.errors import ConfigError, MachineError
from service.ledger import health
from service.ledger.engine import Ledger
from service.web.health import SWEEP, SWEEP_WITHIN_S, WORKER_PREFIX, WORKER_WITHIN_S

ANSWER_WITHIN_S = 3.0
ROLES = ("web", "worker", "sweep")

FIRST_PROCESS = Path("/proc/1/cmdline")
"""In a container the first process is the one whose health is asked for."""


@click.command()
@click.argument("role", type=click.Choice(ROLES), required=False)
def command(role: str | None) -> None:
    """Say whether a process here does its work, for health checks.

    Exit 0 when it does, else 1 with the reason. Without a ROLE, it is that of the container's
    first process; a command that ends by itself, as `migrate` does, has no health to ask for.
    Each worker answers for its own machine; of two sweeps, either answers for both.
    Example: speedtolead alive worker
    """
    role = role or _role_here()
    if role == "web":
        _ask_the_door(settings_here())
    elif role is not None:
        _ask_the_ledger(settings_here(), role)


def _role_here() -> str | None:
    words = FIRST_PROCESS.read_text().split("\0") if FIRST_PROCESS.exists() else []
    return next((word for word in words if word in ROLES), None)


def _ask_the_door(settings: Settings) -> None:
    """Not /ready: that is about the whole service, and this about one process of it."""
    asker = build_opener(ProxyHandler({}))  # Docker hands its own proxy on to every container
    try:
        asker.open(f"{local_url(settings)}/live", timeout=ANSWER_WITHIN_S).close()
    except (URLError, OSError) as deaf:
        raise MachineError(f"web: {deaf}") from deaf


def _ask_the_ledger(settings: Settings, role: str) -> None:
    if settings.database_url is None:
        raise ConfigError("SPEEDTOLEAD_DATABASE_URL is not set")
    name, within_s = (
        (f"{WORKER_PREFIX}{socket.gethostname()}:", WORKER_WITHIN_S)
        if role == "worker"
        else (SWEEP, SWEEP_WITHIN_S)
    )
    ledger = Ledger(settings.database_url.get_secret_value(), pool_size=1)
    try:
        with ledger.snapshot() as conn:
            ages = [beat.age_s for beat in health.beats(conn) if beat.name.startswith(name)]
    finally:
        ledger.dispose()
    if not ages:
        raise MachineError(f"{role}: never seen here")
    if min(ages) >= within_s:
        raise MachineError(f"{role}: silent for {min(ages):.0f} s")
