"""`version`: which software this is."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import click


@click.command()
@click.option("--schema", is_flag=True, help="Also the newest revision of the ledger's schema.")
def command(schema: bool) -> None:
    """Print which version this is.

    Example: speedtolead version
    """
    click.echo(f"speedtolead {_version()} (Python {platform.python_version()})")
    if schema:
        from service.ledger.migrations import newest  # half a second, so only when asked

        click.echo(f"schema {newest()}")


def _version() -> str:
    try:
        return version("speedtolead")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
