"""The one place that builds things: settings in, a house with its desk out.

Nothing connects here: a server that is down is met at first use, where somebody can wait for it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from redis import Redis

from service.clock import Clock, FileClock, SystemClock
from service.config import Settings, kept_secret_key
from service.desk.desk import Desk
from service.desk.links import Links
from service.desk.present import Present
from service.errors import ConfigError
from service.ledger.engine import Ledger
from service.mail.post import Post
from service.mail.smtp import SmtpPost, sender_of, server_of
from service.phone.line import Line
from service.phone.twilio import TwilioLine
from service.wake import QueueWake, connect


@dataclass(frozen=True, slots=True)
class Account:
    """The account at the carrier. The first token signs our requests; any is accepted in theirs,
    so that one can be rotated."""

    sid: str
    auth_tokens: tuple[str, ...]
    api_url: str


@dataclass(frozen=True, slots=True)
class House:
    """Everything a process is made of."""

    settings: Settings
    clock: Clock
    ledger: Ledger
    redis: Redis
    desk: Desk
    account: Account
    secret_key: str


def build(settings: Settings, process: str, *, connections: int = 10) -> House:
    """The house of one process. ``process`` is the name the ledger's server shows for it;
    ``connections`` is the most it holds open to the ledger at once.

    Raises ConfigError when a server's address is missing.
    """
    if settings.database_url is None or settings.redis_url is None:
        raise ConfigError(
            "DATABASE_URL and REDIS_URL are not set; `speedtolead up` starts both by itself"
        )
    clock = clock_of(settings)
    ledger = Ledger(
        settings.database_url.get_secret_value(),
        pool_size=connections,
        application_name=f"speedtolead {process}",
    )
    redis = connect(settings.redis_url.get_secret_value())
    secret_key = secret_key_of(settings)
    desk = Desk(
        ledger=ledger,
        clock=clock,
        wake=QueueWake(redis),
        present=Present(ledger, mail=settings.smtp_url is not None),
        links=Links(settings.public_url, secret_key),
    )
    return House(
        settings,
        clock,
        ledger,
        redis,
        desk,
        account_of(settings, secret_key),
        secret_key,
    )


def clock_of(settings: Settings) -> Clock:
    """The clock of business time: the machine's, or in tests one that a file moves."""
    return FileClock(settings.clock_file) if settings.clock_file else SystemClock()


def secret_key_of(settings: Settings) -> str:
    """The key that signs links, as set, or as kept in the data directory."""
    key = settings.secret_key or kept_secret_key(settings.data_dir)
    return key.get_secret_value()


def account_of(settings: Settings, secret_key: str) -> Account:
    """The carrier's account: the operator's, or the stand-in's, which every process derives alike
    from the secret key."""
    if settings.twilio_account_sid is not None:
        tokens = tuple(token.get_secret_value() for token in settings.twilio_auth_token)
        return Account(settings.twilio_account_sid, tokens, settings.carrier_url)
    derived = hmac.new(secret_key.encode(), b"stand-in carrier", hashlib.sha256).hexdigest()
    return Account(f"AC{derived[:32]}", (derived[32:],), settings.carrier_url)


def line_of(house: House) -> Line:
    """The line to the carrier; one may be shared by all of a process's threads."""
    account = house.account
    return TwilioLine(account.sid, account.auth_tokens[0], account.api_url)


def post_of(house: House) -> Post | None:
    """The mail server, if one is set; one may be shared by all of a process's threads.

    Raises ConfigError for an address that names none."""
    settings = house.settings
    if settings.smtp_url is None:
        return None
    server = server_of(settings.smtp_url.get_secret_value())
    here = urlsplit(settings.public_url).hostname or "localhost"
    return SmtpPost(server, sender_of(server, settings.mail_from, here), house.clock)
