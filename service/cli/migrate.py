"""`migrate`: the ledger's newest schema, and the team file in it."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.house import settings_here, speak
from service.cli.team_in import bring_up_to_date, ledger_address, team_in
from service.config import Settings
from service.errors import ConfigError
from service.ledger.migrations import revision_of
from service.ledger.revision import what_is_missing


@click.command()
@click.option("--team", type=click.Path(path_type=Path), help="The team file to load.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where `up` keeps its data.")
@click.option("--check", is_flag=True, help="Change nothing; fail if there is anything to do.")
def command(team: Path | None, data_dir: Path | None, check: bool) -> None:
    """Bring the ledger to the newest schema and load the team file.

    Safe to run twice, beside running processes of the version before, and again after it was
    broken off. Loads the file that --team or SPEEDTOLEAD_TEAM_FILE names, if any.
    Example: speedtolead migrate --team team.yaml
    """
    settings = settings_here(team_file=team, data_dir=data_dir)
    speak(settings, "migrate")
    if check:
        _check(settings)
        return
    loaded = team_in(settings.team_file, settings) if settings.team_file else None
    revision = bring_up_to_date(settings, loaded)
    click.echo(f"the ledger is at schema {revision}")
    if loaded is not None:
        click.echo(f"team {loaded.name}: loaded from {settings.team_file}")


def _check(settings: Settings) -> None:
    """Say where the ledger is. Raises ConfigError when it wants to be migrated."""
    at = revision_of(ledger_address(settings))
    if missing := what_is_missing(at):
        raise ConfigError(missing)
    click.echo(f"the ledger is at schema {at}")
