"""`up`: everything on this machine, in the foreground, until told to stop.

The order matters: what can be refused (team file, ports) before anything starts; servers before
the ledger's schema; the team before the processes that ask for it. It must not do any of the
work itself.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import click
from pydantic import SecretStr

import service
from service.cli import running as record
from service.cli.ending import end_quietly, end_undisturbed
from service.cli.house import speak
from service.cli.ports import require_free
from service.cli.running import Running
from service.cli.team_in import bring_up_to_date, source_variables, team_file_of, team_in
from service.cli.welcome import Welcome
from service.config import PREFIX, Settings, child_environment, load
from service.embedded import Servers
from service.ledger.engine import Ledger
from service.ledger.tokens import add_token, token_role
from service.supervise import Child, Supervisor
from service.team.team import Team, resolve_key
from service.web.access import hash_token, new_token
from service.wiring import secret_key_of

WORKERS = 2
"""One can be restarting while the other works; a third would wait for the database."""

WORKERS_MAX = 6
"""The embedded PostgreSQL takes 100 connections: 20 are the front door's, 6 the sweep's, 11 each
worker's. Who needs more workers has servers of their own, and runs `worker` elsewhere."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="[default: 8000]")
@click.option("--data-dir", type=click.Path(path_type=Path), help="[default: .data]")
@click.option(
    "--team", type=click.Path(path_type=Path), help="[default: SPEEDTOLEAD_TEAM_FILE, an example]"
)
@click.option("--workers", type=click.IntRange(1, WORKERS_MAX), default=WORKERS, show_default=True)
def command(port: int | None, data_dir: Path | None, team: Path | None, workers: int) -> None:
    """Run everything on this machine: what `make run` starts.

    Starts a PostgreSQL and a Valkey of its own unless SPEEDTOLEAD_DATABASE_URL and
    SPEEDTOLEAD_REDIS_URL name others, and a stand-in carrier unless a Twilio account is set.
    Ctrl-C stops it all; the data stay. Example: speedtolead up --team team.yaml
    """
    end_quietly(*ENDINGS)
    # Whoever runs it in a terminal reads the logs by eye; in a file they are JSON all the same.
    by_eye = None if os.environ.get(f"{PREFIX}LOG_FORMAT") else "human"
    settings = load(port=port, data_dir=data_dir, team_file=team, log_format=by_eye)
    speak(settings, "up")
    path = team_file_of(settings)
    settings = settings.model_copy(
        update={"team_file": path, "data_dir": settings.data_dir.absolute()}
    )
    loaded = team_in(path, settings)
    _require_ports(settings)
    _run(settings, loaded, workers)


def _require_ports(settings: Settings) -> None:
    remedy = "stop what uses it, or give --port another"
    require_free(settings.host, settings.port, "the front door", remedy)
    if settings.uses_stand_in:
        remedy = f"stop what uses it, or set {PREFIX}SANDBOX_PORT"
        require_free("127.0.0.1", settings.sandbox_port, "the stand-in carrier", remedy)


def _run(settings: Settings, team: Team, workers: int) -> None:
    servers = Servers(
        settings.data_dir,
        with_postgres=settings.database_url is None,
        with_valkey=settings.redis_url is None,
    )
    servers.start()
    try:
        settings = _on(servers, settings)
        # Going back to the version before must work, and it runs on a ledger that is newer.
        bring_up_to_date(settings, team, newer_will_do=True)
        running = _running(settings, team, servers)
        record.note(settings.data_dir, running)
        _supervise(settings, team, running, servers, workers)
    finally:
        end_undisturbed(*ENDINGS)
        record.forget(settings.data_dir)
        servers.stop()


def _on(servers: Servers, settings: Settings) -> Settings:
    """The settings, with the addresses of the servers that we started."""
    started = {"database_url": servers.database_url, "redis_url": servers.redis_url}
    found = {name: SecretStr(url) for name, url in started.items() if url is not None}
    return settings.model_copy(update=found)


def _running(settings: Settings, team: Team, servers: Servers) -> Running:
    """What other commands and the page of phones need to know; makes the keys of a try-out."""
    unset = [
        name
        for name in source_variables(team)
        # a name with our prefix would be refused as a misspelt setting
        if resolve_key(f"env:{name}", os.environ) is None and not name.upper().startswith(PREFIX)
    ]
    stand_in = settings.uses_stand_in
    return Running(
        pid=os.getpid(),
        url=settings.public_url,
        team_file=str(settings.team_file),
        sandbox_url=settings.sandbox_url if stand_in else None,
        database_url=servers.database_url,
        redis_url=servers.redis_url,
        keys=record.demo_keys(settings.data_dir, unset) if stand_in else {},
        timeline_token=_timeline_token(settings) if stand_in else "",
    )


def _timeline_token(settings: Settings) -> str:
    assert settings.database_url is not None, "the servers were started"
    url = settings.database_url.get_secret_value()
    ledger = Ledger(url, pool_size=1, application_name="speedtolead up")

    def still_good(token: str) -> bool:
        with ledger.transaction() as conn:
            return token_role(conn, hash_token(token)) == "api"

    def make() -> str:
        token = new_token()
        with ledger.transaction() as conn:
            add_token(conn, hash_token(token), "api")
        return token

    try:
        return record.demo_token(settings.data_dir, still_good, make)
    finally:
        ledger.dispose()


def _supervise(
    settings: Settings, team: Team, running: Running, servers: Servers, workers: int
) -> None:
    """Keep everything running until told to stop; say so once it is ready."""
    secret_key_of(settings)  # made once, here, before several would make it
    env = child_environment(settings) | dict(running.keys) | {"PYTHONPATH": _where_we_are()}
    # The carrier first: who starts after it finds it there.
    names = {"sandbox": "sandbox"} if settings.uses_stand_in else {}
    names |= {"web": "web", "sweep": "sweep"}
    names |= {f"worker-{number}": "worker" for number in range(1, workers + 1)}
    children = [Child(name, _argv(command), env) for name, command in names.items()]
    run_dir = record.run_dir(settings.data_dir)
    supervisor = Supervisor(children, servers.keep_running, run_dir=run_dir)
    welcome = Welcome(settings, team, keys={**os.environ, **running.keys})
    threading.Thread(target=welcome.when_ready, name="welcome", daemon=True).start()
    supervisor.run()
    welcome.stop.set()


def _argv(name: str) -> tuple[str, ...]:
    """This very software again (-P: not what happens to be in the directory we stand in)."""
    return (sys.executable, "-P", "-m", "service.cli", "--child", name)


def _where_we_are() -> str:
    """Where our packages lie, before what the operator's PYTHONPATH says."""
    ours = str(Path(service.__file__).parents[1])
    return os.pathsep.join([ours, *filter(None, [os.environ.get("PYTHONPATH")])])
