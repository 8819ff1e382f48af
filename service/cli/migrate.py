"""`migrate`: the ledger's newest schema, and the team file in it."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.house import settings_here, speak
from service.cli.team_in import bring_up_to_date, team_in


@click.command()
@click.option("--team", type=click.Path(path_type=Path), help="The team file to load.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where `up` keeps its data.")
def command(team: Path | None, data_dir: Path | None) -> None:
    """Bring the ledger to the newest schema and load the team file.

    Safe to run twice, and beside running processes of the version before. Loads the file that
    --team or SPEEDTOLEAD_TEAM_FILE names, if any. Example: speedtolead migrate --team team.yaml
    """
    settings = settings_here(team_file=team, data_dir=data_dir)
    speak(settings, "migrate")
    loaded = team_in(settings.team_file, settings) if settings.team_file else None
    revision = bring_up_to_date(settings, loaded)
    click.echo(f"the ledger is at schema {revision}")
    if loaded is not None:
        click.echo(f"team {loaded.name}: loaded from {settings.team_file}")
