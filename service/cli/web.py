"""`web`: the front door, one process."""

from __future__ import annotations

import click

from service.cli.house import house_of
from service.cli.ports import require_free
from service.cli.serving import serve
from service.web.app import create_app

CONNECTIONS = 20
"""Requests of one process that may be in the ledger at once: milliseconds each, so some thousand
a second. PostgreSQL's own bound is 100 for all processes together."""


@click.command()
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65_535), help="[default: 8000]")
def command(host: str | None, port: int | None) -> None:
    """Serve the front door: leads in, the carrier's facts, pages, metrics.

    Any number may run. Example: speedtolead web --host 0.0.0.0
    """
    with house_of("web", CONNECTIONS, host=host, port=port) as house:
        settings = house.settings
        require_free(settings.host, settings.port, "the front door", "give --port another")
        serve(create_app(house), settings.host, settings.port)
