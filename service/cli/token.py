"""`token`: bearer tokens, by which programs and people are let in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from service.cli.house import settings_here
from service.errors import ConfigError
from service.ledger.engine import Ledger
from service.ledger.tokens import Role, add_token, revoke, revoke_by_id
from service.web.access import hash_token, new_token

ROLES: tuple[Role, ...] = ("manager", "api", "metrics")

_data_dir = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where `up` keeps its data."
)


@click.group()
def command() -> None:
    """Make and revoke the tokens that let programs and people in.

    Only a token's hash is stored: it is shown once, when it is made.
    """


@command.command()
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may be used for.")
@_data_dir
def create(role: Role, data_dir: Path | None) -> None:
    """Make a token and print it, once.

    Example: speedtolead token create --role api
    """
    token = new_token()
    with _ledger(data_dir) as ledger, ledger.transaction() as conn:
        number = add_token(conn, hash_token(token), role)
    click.echo(token)
    click.echo(f"token {number} of the role {role}; it is not shown again", err=True)


@command.command(name="revoke")
@click.argument("token")
@_data_dir
def take_back(token: str, data_dir: Path | None) -> None:
    """Shut out a token, given as itself or by its number.

    It opens nothing any more within seconds. Example: speedtolead token revoke 3
    """
    by_number = token.isascii() and token.isdecimal()
    with _ledger(data_dir) as ledger, ledger.transaction() as conn:
        known = revoke_by_id(conn, int(token)) if by_number else revoke(conn, hash_token(token))
    if not known:
        raise ConfigError("there is no such token, or it was revoked before")
    click.echo("revoked")


@contextmanager
def _ledger(data_dir: Path | None) -> Iterator[Ledger]:
    settings = settings_here(data_dir=data_dir)
    if settings.database_url is None:
        raise ConfigError(
            "SPEEDTOLEAD_DATABASE_URL is not set, and no `speedtolead up` runs on this data "
            "directory"
        )
    url = settings.database_url.get_secret_value()
    ledger = Ledger(url, pool_size=1, application_name="speedtolead token")
    try:
        yield ledger
    finally:
        ledger.dispose()
