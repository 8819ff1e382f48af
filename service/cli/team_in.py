"""Bringing a ledger up to date and a team into it: what `migrate` and `up` do alike.

Which file to load is decided here; what is wrong with one is said by `service.team`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import structlog

import service
from service.config import Settings
from service.desk.present import load_team
from service.errors import ConfigError
from service.ledger.engine import Ledger
from service.ledger.migrations import migrate, revision_of
from service.ledger.revision import is_newer
from service.team.file import read_team
from service.team.team import ENV_PREFIX, Source, SourceKind, Team, resolve_key
from service.team.week import years_around
from service.wiring import clock_of

log = structlog.get_logger("migrate")

EXAMPLE = "team.example.yaml"


def example_file() -> Path:
    """The example team: in the directory one stands in, in the checkout, or in the wheel."""
    package = Path(service.__file__).parent
    places = (Path.cwd(), package.parent, package / "cli")
    for path in (place / EXAMPLE for place in places):
        if path.is_file():
            return path
    raise ConfigError(f"{EXAMPLE} is not found; name a team file with --team")


def team_file_of(settings: Settings) -> Path:
    """The team file to start with: the one that is set, or the example.

    Raises ConfigError when a real carrier is configured and no file is named: it would refuse the
    example's made-up numbers, one by one.
    """
    if settings.team_file is not None:
        return settings.team_file.absolute()
    if not settings.uses_stand_in:
        raise ConfigError(
            "a Twilio account is set, but no team file: name yours with --team or "
            "SPEEDTOLEAD_TEAM_FILE (the example's phone numbers are made up)"
        )
    return example_file()


def team_in(path: Path, settings: Settings) -> Team:
    """The team in that file, now. Raises TeamFileError with all that is wrong with it."""
    return read_team(path, years_around(clock_of(settings).now()))


def ledger_address(settings: Settings) -> str:
    """Where the ledger is. Raises ConfigError when nobody said so."""
    if settings.database_url is None:
        raise ConfigError(
            "SPEEDTOLEAD_DATABASE_URL is not set, and no `speedtolead up` runs on this data "
            "directory; `up` starts a database by itself"
        )
    return settings.database_url.get_secret_value()


def bring_up_to_date(settings: Settings, team: Team | None, *, newer_will_do: bool = False) -> str:
    """Migrate the ledger and make the team, if one is given, the present one; the revision.

    ``newer_will_do``: a ledger that a newer version migrated is taken as it is, not refused.
    Raises ConfigError; MachineError when a lock was not to be had; LedgerUnavailable, LeadBusy.
    """
    url = ledger_address(settings)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # INFO tells of its own workings
    at = revision_of(url) if newer_will_do else None
    if at is not None and is_newer(at):
        because = f"a newer version brought the ledger to {at}; its processes may run beside these"
        log.warning("migrate", outcome="nothing done", because=because)
    else:
        at = migrate(url)
    if team is not None:
        ledger = Ledger(url, pool_size=1, application_name="speedtolead migrate")
        try:
            load_team(ledger, team, clock_of(settings).now())
        finally:
            ledger.dispose()
    return at


def front_door(team: Team, keys: Mapping[str, str]) -> tuple[Source, str] | None:
    """The first source by which a lead can be sent as JSON, with its key; None when none is open.

    ``keys`` are environment variables, which a team file names.
    """
    for source in team.sources:
        if source.kind is SourceKind.JSON and source.key and (key := resolve_key(source.key, keys)):
            return source, key
    return None


def source_variables(team: Team) -> tuple[str, ...]:
    """The environment variables that hold the keys of the team's sources."""
    keys = (source.key for source in team.sources if source.key)
    return tuple(key.removeprefix(ENV_PREFIX) for key in keys if key.startswith(ENV_PREFIX))
