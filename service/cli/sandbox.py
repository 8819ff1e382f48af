"""`sandbox`: the stand-in carrier, one process; its page shows the phones of the team."""

from __future__ import annotations

import logging
import os

import click
import structlog

from service.cli.house import settings_here, speak
from service.cli.ports import require_free
from service.cli.running import found
from service.cli.serving import serve
from service.cli.team_in import front_door, team_file_of, team_in
from service.config import Settings
from service.desk.present import Present
from service.errors import ConfigError, Fault
from service.ledger.engine import Ledger
from service.phone.urls import INBOUND_CALL_PATH, INBOUND_TEXT_PATH
from service.rules.floor import Person
from service.sandbox.app import CarrierConfig, Handset, create_app
from service.sandbox.faults import DeliberateCut
from service.team.team import Team
from service.wiring import account_of, secret_key_of

STOP_WITHIN_S = 1
"""Open long polls of the phones' page must not hold up the end."""

LOOPBACK = "127.0.0.1"
"""Whoever opens the page can text in a rep's name, and there is no login."""


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="[default: PORT + 1]")
@click.option(
    "--seconds-scale",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    help="For tests: ringing and speech take this part of their seconds.",
)
def command(port: int | None, seconds_scale: float) -> None:
    """Serve the stand-in carrier and its page of phones.

    It answers as Twilio does, sends nothing to anybody and listens on this machine only. It knows
    the team that the ledger holds when it starts. Example: speedtolead sandbox
    """
    settings = settings_here(sandbox_port=port)
    speak(settings, "sandbox")
    if not settings.uses_stand_in:
        raise ConfigError("a Twilio account is set: the stand-in carrier has nothing to stand for")
    require_free(LOOPBACK, settings.sandbox_port, "the stand-in carrier", "give --port another")
    logging.getLogger("uvicorn.error").addFilter(DeliberateCut())
    app = create_app(_carrier(settings, _team(settings), seconds_scale))
    serve(app, LOOPBACK, settings.sandbox_port, stop_within_s=STOP_WITHIN_S)


def _carrier(settings: Settings, team: Team, seconds_scale: float) -> CarrierConfig:
    account = account_of(settings, secret_key_of(settings))
    running = found(settings.data_dir)
    keys = {**(running.keys if running else {}), **os.environ}
    door, url = front_door(team, keys), settings.public_url
    carrier = team.carrier
    texts = (carrier.pages_from, carrier.leads_from)
    senders = dict.fromkeys((*texts, carrier.pages_call_from, carrier.leads_call_from))
    token = running.timeline_token if running else ""
    return CarrierConfig(
        account_sid=account.sid,
        auth_token=account.auth_tokens[0],
        sms_url=url + INBOUND_TEXT_PATH,
        voice_url=url + INBOUND_CALL_PATH,
        lead_url=f"{url}/leads/{door[0].id}" if door else "",
        lead_key=door[1] if door else "",
        timeline_url=f"{url}/leads" if token else "",
        timeline_token=token,
        people=tuple(_handset(person) for person in team.people),
        # a messaging service's id is no number that a phone could call
        team_numbers=tuple(sender for sender in senders if sender.startswith("+")),
        seconds_scale=seconds_scale,
    )


def _handset(person: Person) -> Handset:
    return Handset(person.name, person.phone, "manager" if person.manager else "rep")


def _team(settings: Settings) -> Team:
    """The team that the ledger holds; without one, that of the team file."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        ledger = Ledger(url, pool_size=1, application_name="speedtolead sandbox")
        try:
            return Present(ledger).crew().team
        except Fault as gone:
            structlog.get_logger("sandbox").warning("team", outcome="by file", because=str(gone))
        finally:
            ledger.dispose()
    return team_in(team_file_of(settings), settings)
