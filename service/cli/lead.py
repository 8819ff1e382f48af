"""`lead`: a lead through the front door, as a website would send it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import requests

from service.cli.address import is_here
from service.cli.house import settings_here
from service.cli.running import Running, found
from service.cli.team_in import team_in
from service.config import Settings
from service.errors import ConfigError, MachineError
from service.team.problem import TeamFileError
from service.team.team import ENV_PREFIX, Source, resolve_key

ANSWER_WITHIN_S = 10.0
"""The front door answers in milliseconds; a tunnel to it may take its time."""


@click.command()
@click.option("--source", required=True, help="The source's id in the team file.")
@click.option("--name", required=True, help="Who asks.")
@click.option("--phone", required=True, help="Their number, best as +12125550199.")
@click.option("--email")
@click.option("--ask", help="What they want, in their words.")
@click.option("--city")
@click.option("--state")
@click.option("--extra", multiple=True, metavar="K=V", help="Any further field; may be repeated.")
@click.option("--url", help="The front door.  [default: that of the `up` here, or PUBLIC_URL]")
@click.option("--key", help="The source's key.  [default: found by the team file, or by `up`]")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where `up` keeps its data.")
def command(
    source: str,
    extra: tuple[str, ...],
    url: str | None,
    key: str | None,
    data_dir: Path | None,
    **fields: str | None,
) -> None:
    """Send a lead through the front door.

    It pages whoever is on duty, as a real one would. Example:
    speedtolead lead --source website --name "Dana Fox" --phone "+1 212 555 0199" --ask "A quote"
    """
    settings = settings_here(data_dir=data_dir)
    running = found(settings.data_dir)
    door = (url or (running.url if running else settings.public_url)).rstrip("/")
    lead = {name: value for name, value in fields.items() if value} | _further(extra)
    key = key or _key_of(source, settings, running)
    answer = _sent(door, quote(source, safe=""), lead, key)
    _tell(answer, door, running)


def _further(extra: tuple[str, ...]) -> dict[str, str]:
    """`k=v` options as fields."""
    pairs = [each.partition("=") for each in extra]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise click.BadParameter(
                f"{name!r} is not K=V, such as budget=5000", param_hint="--extra"
            )
    return {name: value for name, _, value in pairs}


def _key_of(source: str, settings: Settings, running: Running | None) -> str:
    """The source's key: the environment's or the file's, else the demo key that `up` made."""
    beside = Path(running.team_file) if running else None
    given = _source_in(settings.team_file or beside, source, settings)
    if given is not None and given.key is not None:
        if key := resolve_key(given.key, os.environ):
            return key
        if running and (key := running.keys.get(given.key.removeprefix(ENV_PREFIX))):
            return key
        raise ConfigError(
            f"the key of source {source} is not known here: set "
            f"{given.key.removeprefix(ENV_PREFIX)} in the environment, or give --key"
        )
    raise ConfigError(
        f"the key of source {source} is not known here: give --key, or name the team file in "
        "SPEEDTOLEAD_TEAM_FILE"
    )


def _source_in(path: Path | None, source: str, settings: Settings) -> Source | None:
    """The source as the team file describes it; None when no file says so."""
    if path is None:
        return None
    try:
        team = team_in(path, settings)
    except TeamFileError as wrong:
        raise ConfigError(f"{wrong}\n(or give --key)") from wrong
    return next((each for each in team.sources if each.id == source), None)


def _sent(door: str, source: str, lead: dict[str, str], key: str) -> requests.Response:
    """As a web server would hand it in; where there is no such door, as a web page's form."""
    bearer = {"Authorization": f"Bearer {key}"}
    answer = _posted(f"{door}/leads/{source}", headers=bearer, json=lead)
    if answer.status_code != 404:
        return answer
    plainly = {"Accept": "application/json"}
    as_form = _posted(f"{door}/forms/{source}", headers=plainly, data={**lead, "key": key})
    return answer if as_form.status_code == 404 else as_form


def _posted(url: str, **request: Any) -> requests.Response:
    try:
        with requests.Session() as session:
            session.trust_env = not is_here(url)
            return session.post(url, timeout=ANSWER_WITHIN_S, **request)
    except requests.RequestException as failed:
        raise MachineError(
            f"{url} does not answer ({type(failed).__name__}): is `speedtolead up` running?"
        ) from failed


def _tell(answer: requests.Response, door: str, running: Running | None) -> None:
    body = _object_in(answer)
    if answer.status_code != 202:
        title = body.get("title") or answer.reason or "no lead was taken"
        detail = f": {body['detail']}" if body.get("detail") else ""
        raise MachineError(f"{answer.status_code} {title}{detail}")
    known = " (asked before: the same person's open lead)" if body.get("duplicate") else ""
    click.echo(f"lead {body.get('lead_id')}{known}")
    click.echo(f"its timeline: {body.get('status_url', door)} (needs a token of the role api)")
    if running and running.sandbox_url:
        click.echo(f"the phones:   {running.sandbox_url}/sandbox")


def _object_in(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
