"""`version`: which software this is."""

from __future__ import annotations

import platform

import click

from service.web.version import VERSION


@click.command()
@click.option("--schema", is_flag=True, help="Also the newest revision of the ledger's schema.")
def command(schema: bool) -> None:
    """Print which version this is.

    Example: speedtolead version
    """
    click.echo(f"speedtolead {VERSION} (Python {platform.python_version()})")
    if schema:
        from service.ledger.migrations import newest  # half a second, so only when asked

        click.echo(f"schema {newest()}")
