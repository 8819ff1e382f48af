"""Every setting: its name, meaning, default, and what is refused.

This file declares and checks; it must not build anything from a setting, nor word the errors.
"""

import ipaddress
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from service.config.secret_file import content_of

PREFIX = "SPEEDTOLEAD_"

PORT_MAX = 65_535


def _setting(
    meaning: str, default: Any = None, *, shown: str | None = None, secret: bool = False
) -> Any:
    """A field with its documentation: its meaning, how its default reads, whether to hide it."""
    extra: JsonDict = {"shown": shown, "secret": secret}
    return Field(default=default, description=meaning, json_schema_extra=extra)


def _one_of(*schemes: str) -> Any:
    """Accept only URLs of these schemes; the complaint never repeats the URL (it may be secret)."""

    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        scheme, found, rest = str(text).partition("://")
        if not found or not rest or scheme not in schemes:
            raise ValueError("must start with " + " or ".join(f"{s}://" for s in schemes))
        return value

    return AfterValidator(check)


def _split(value: Any) -> Any:
    """`a, b` -> `(a, b)`; what is not text passes through for pydantic to judge."""
    if isinstance(value, str):
        return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
    return value


def _bare_url(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.port == 0 or parts.query or parts.fragment or parts.username:
        raise ValueError("must be scheme://host[:port][/path], without a query or a user name")
    return value.rstrip("/")


def _account_sid(value: str) -> str:
    if not value.startswith("AC"):
        raise ValueError("must be an account SID, which starts with AC (an API key starts with SK)")
    return value


def _mail_address(value: str) -> str:
    name, at, host = value.rpartition("@")
    if not (name and at and host) or not value.isprintable() or any(c in value for c in " <>,;"):
        raise ValueError("must be one e-mail address, like leads@example.com")
    return value


_HttpUrl = Annotated[str, _one_of("http", "https"), AfterValidator(_bare_url)]
_Port = Annotated[int, Field(ge=1, le=PORT_MAX)]
_Lower = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)


class Settings(BaseSettings):
    """Every setting, checked. Secrets hide themselves in `repr` and in tracebacks."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, validate_default=True
    )

    database_url: (
        Annotated[SecretStr, _one_of("postgresql", "postgres", "postgresql+psycopg")] | None
    ) = _setting(
        "PostgreSQL, the ledger: postgresql://user:password@host:port/database",
        shown="an embedded server under DATA_DIR",
        secret=True,
    )
    redis_url: Annotated[SecretStr, _one_of("redis", "rediss", "unix")] | None = _setting(
        "Redis or Valkey, the queue: redis://, rediss:// or unix://",
        shown="an embedded server under DATA_DIR",
        secret=True,
    )
    public_url: _HttpUrl = _setting(
        "The address that Twilio and browsers use for us; webhook signatures are made with it",
        "",
        shown="http://HOST:PORT",
    )
    team_file: Path | None = _setting("The team file (YAML)", shown="none")
    secret_key: SecretStr | None = _setting(
        "Signs links and sessions; the same in every process, any 32 or more random characters",
        shown="made once and kept in DATA_DIR/secret_key",
        secret=True,
    )
    data_dir: Path = _setting("Where the embedded servers and made secrets live", Path(".data"))
    host: Annotated[str, Field(min_length=1)] = _setting("The address to listen on", "127.0.0.1")
    port: _Port = _setting("The port to listen on", 8000)
    log_level: Annotated[Literal["debug", "info", "warning", "error"], _Lower] = _setting(
        "The least important log line to write: debug, info, warning or error", "info"
    )
    log_format: Annotated[Literal["json", "human"], _Lower] = _setting(
        "json: a JSON object per line; human: coloured lines, if the output is a terminal", "json"
    )
    twilio_account_sid: Annotated[str, AfterValidator(_account_sid)] | None = _setting(
        "The Twilio account (AC...); without one the stand-in carrier is used", shown="none"
    )
    twilio_auth_token: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)] = (
        _setting(
            "The account's auth token; while rotating several, separated by commas: the first is "
            "used for requests, any is accepted in a signature",
            (),
            shown="none",
            secret=True,
        )
    )
    twilio_api_url: _HttpUrl = _setting(
        "Twilio's REST API, or in tests a stand-in's address", "https://api.twilio.com"
    )
    smtp_url: Annotated[SecretStr, _one_of("smtp", "smtps")] | None = _setting(
        "Where mail is sent: smtp://user:password@host:port or smtps://...",
        shown="none, no mail",
        secret=True,
    )
    mail_from: Annotated[str, AfterValidator(_mail_address)] | None = _setting(
        "The address that e-mails come from",
        shown="the user of SMTP_URL, or speedtolead at the host of PUBLIC_URL",
    )
    heartbeat_url: Annotated[SecretStr, _one_of("http", "https")] | None = _setting(
        "Fetched each minute while nothing is forgotten, so that somebody learns when it stops",
        shown="none",
        secret=True,
    )
    clock_file: Path | None = _setting(
        "Tests only: a file with an offset in seconds added to the clock; refused unless "
        "PUBLIC_URL is a loopback address",
        shown="none",
    )
    sandbox_port: _Port = _setting(
        "The port of the stand-in carrier, when no Twilio account is configured",
        0,
        shown="PORT + 1",
    )
    sandbox_url: _HttpUrl = _setting(
        "The address of the stand-in carrier", "", shown="http://127.0.0.1:SANDBOX_PORT"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first (a command's options), then the environment, then `NAME_FILE`."""
        return init_settings, env_settings, _SecretFiles(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Defaults that follow from other settings. Nonsense is left for the fields to refuse."""
        port = _port_in(str(given.get("port", "")), int(cls.model_fields["port"].default))
        host = str(given.get("host", cls.model_fields["host"].default))
        filled = dict(given)
        filled.setdefault("public_url", f"http://{_reachable(host)}:{port}")
        # The port before ours, when ours is the last there is.
        beside = port + 1 if port < PORT_MAX else PORT_MAX - 1
        filled.setdefault("sandbox_port", beside)
        sandbox_port = _port_in(str(filled["sandbox_port"]), beside)
        filled.setdefault("sandbox_url", f"http://127.0.0.1:{sandbox_port}")
        return filled

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse settings that are each sound but contradict one another."""
        if (self.twilio_account_sid is None) != (not self.twilio_auth_token):
            raise ValueError("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN must be set together")
        if self.clock_file is not None and not is_loopback(self.public_url):
            raise ValueError(
                "CLOCK_FILE is for tests: refused unless PUBLIC_URL is a loopback address, "
                f"which {self.public_url} is not"
            )
        return self

    @property
    def uses_stand_in(self) -> bool:
        """Whether texts and calls go to the stand-in carrier instead of to Twilio."""
        return self.twilio_account_sid is None

    @property
    def carrier_url(self) -> str:
        """The base address of the carrier's REST API: Twilio's, or the stand-in's."""
        return self.sandbox_url if self.uses_stand_in else self.twilio_api_url


def is_loopback(url: str) -> bool:
    """Whether the URL's host can only be this machine: localhost, 127.0.0.0/8 or ::1."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _reachable(host: str) -> str:
    """Where a browser on this machine finds a server that listens on `host`."""
    if host in ("0.0.0.0", "::"):  # compared with, not listened on
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _port_in(text: str, otherwise: int) -> int:
    """The port, or `otherwise` when the text is none (the field itself will say so)."""
    usable = text.isdecimal() and 1 <= int(text) <= PORT_MAX
    return int(text) if usable else otherwise


def given_in(environ: Mapping[str, str]) -> dict[str, str]:
    """Our names that are set to something, in upper case (as pydantic-settings reads them)."""
    ours = {name.upper(): value for name, value in environ.items()}
    return {name: value for name, value in ours.items() if name.startswith(PREFIX) and value}


@dataclass(frozen=True, slots=True)
class Name:
    """One line of the settings' documentation."""

    env: str
    meaning: str
    default: str
    secret: bool


def _names() -> Iterator[Name]:
    for field, info in Settings.model_fields.items():
        extra = info.json_schema_extra
        if not isinstance(extra, dict):
            raise TypeError(f"{field} must be made by _setting")
        default = extra["shown"] or info.default
        secret = bool(extra["secret"])
        yield Name(PREFIX + field.upper(), str(info.description), str(default), secret)


class _SecretFiles(PydanticBaseSettingsSource):
    """Secrets given as `NAME_FILE`, the way that Docker and Kubernetes hand them out."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Required by the base class; `__call__` below does the work."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The content of each file that is named, without the newline editors add."""
        found = given_in(os.environ)
        paths = {n.env: found.get(f"{n.env}_FILE") for n in NAMES if n.secret}
        return {
            env.removeprefix(PREFIX).lower(): content_of(Path(path))
            for env, path in paths.items()
            if path and env not in found
        }


NAMES: tuple[Name, ...] = tuple(_names())
"""Every setting in the order of the documentation. A secret `NAME` may be given as `NAME_FILE`."""
