"""The settings: every problem is told at once, in words, and no secret is ever shown."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from service.config import NAMES, Settings, child_environment, is_loopback, kept_secret_key, load
from service.errors import ConfigError

CONTRACT = {
    "DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "TEAM_FILE", "SECRET_KEY", "DATA_DIR", "HOST",
    "PORT", "LOG_LEVEL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_API_URL",
    "SMTP_URL", "HEARTBEAT_URL", "CLOCK_FILE",
}  # fmt: skip
"""The names that the outside world relies on."""

TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "old-token, new-token"}
SECRET = "hunter2-and-more"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.upper().startswith("SPEEDTOLEAD_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> "Environment":
    return Environment(monkeypatch)


class Environment:
    """Sets our variables for one test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(f"SPEEDTOLEAD_{name}", value)


def complaint(**options: object) -> str:
    with pytest.raises(ConfigError) as refused:
        load(**options)
    return str(refused.value)


def test_nothing_set_is_a_working_newcomers_setup() -> None:
    settings = load()
    assert settings.host == "127.0.0.1"
    assert settings.port == 8000
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.data_dir == Path(".data")
    assert settings.database_url is None
    assert settings.team_file is None
    assert settings.uses_stand_in
    assert settings.carrier_url == "http://127.0.0.1:8001"


def test_every_name_of_the_contract_is_in_the_table() -> None:
    names = {name.env.removeprefix("SPEEDTOLEAD_") for name in NAMES}
    assert names >= CONTRACT
    assert all(name.meaning for name in NAMES)


def test_a_commands_options_win_over_the_environment(given: Environment) -> None:
    given(PORT="9000", HOST="0.0.0.0")
    assert load(port=9100, host=None).public_url == "http://127.0.0.1:9100"
    assert load().sandbox_url == "http://127.0.0.1:9001"


def test_an_unknown_name_is_refused_with_the_closest_known_one(given: Environment) -> None:
    given(TWILO_AUTH_TOKEN="x", PUBLIC_URI="y")
    assert complaint().splitlines() == [
        "SPEEDTOLEAD_PUBLIC_URI: not a setting; did you mean SPEEDTOLEAD_PUBLIC_URL?",
        "SPEEDTOLEAD_TWILO_AUTH_TOKEN: not a setting; did you mean SPEEDTOLEAD_TWILIO_AUTH_TOKEN?",
    ]


def test_all_problems_come_at_once_one_line_each(given: Environment) -> None:
    given(PORT="eighty", LOG_LEVEL="loud", DATABASE_URL=f"mysql://me:{SECRET}@db/leads")
    lines = complaint().splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "SPEEDTOLEAD_DATABASE_URL",
        "SPEEDTOLEAD_PORT",
        "SPEEDTOLEAD_LOG_LEVEL",
    ]
    assert "found 'eighty'" in lines[1]
    assert SECRET not in complaint()


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("PUBLIC_URL", "leads.example.com", "must start with http://"),
        ("PUBLIC_URL", "https://leads.example.com/?a=b", "without a query"),
        ("PUBLIC_URL", "https://leads.example.com:99999", "port out of range"),
        ("PORT", "0", "greater than or equal to 1"),
        ("REDIS_URL", "memcached://x", "unix://"),
        ("SMTP_URL", "mail.example.com", "smtp://"),
        ("TWILIO_ACCOUNT_SID", "SK123", "starts with AC"),
        ("TWILIO_AUTH_TOKEN", "a-token", "must be set together"),
    ],
)
def test_nonsense_is_refused(given: Environment, name: str, value: str, word: str) -> None:
    given(**{name: value})
    assert word in complaint()


def test_the_auth_token_is_a_list_while_rotating(given: Environment) -> None:
    given(**TWILIO)
    settings = load()
    shown = [token.get_secret_value() for token in settings.twilio_auth_token]
    assert shown == ["old-token", "new-token"]
    assert not settings.uses_stand_in
    assert settings.carrier_url == "https://api.twilio.com"


def test_secrets_hide_themselves(given: Environment) -> None:
    given(SECRET_KEY=SECRET, DATABASE_URL=f"postgresql://me:{SECRET}@db/leads", **TWILIO)
    settings = load()
    assert SECRET not in f"{settings!r} {settings}"
    assert "new-token" not in repr(settings)


def test_an_empty_value_counts_as_not_given(given: Environment) -> None:
    given(DATABASE_URL="", PORT="", TEAM_FILE="")
    assert load() == Settings()


def test_a_secret_may_come_from_a_file(given: Environment, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old-token,new-token\n")
    given(
        TWILIO_ACCOUNT_SID=TWILIO["TWILIO_ACCOUNT_SID"],
        TWILIO_AUTH_TOKEN_FILE=str(file),
    )
    assert len(load().twilio_auth_token) == 2


def test_a_secret_file_that_cannot_be_used_is_told(given: Environment, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "key").write_text(SECRET)
    given(
        DATABASE_URL_FILE=str(tmp_path / "gone"),
        REDIS_URL_FILE=str(tmp_path / "empty"),
        SMTP_URL_FILE=str(tmp_path / "binary"),
        SECRET_KEY=SECRET,
        SECRET_KEY_FILE=str(tmp_path / "key"),
        PORT_FILE=str(tmp_path / "key"),
    )
    words = complaint()
    assert "SPEEDTOLEAD_DATABASE_URL_FILE" in words
    assert "No such file" in words
    assert "it is empty" in words
    assert "it is not text" in words
    assert "SPEEDTOLEAD_SECRET_KEY: also given as SPEEDTOLEAD_SECRET_KEY_FILE" in words
    assert "SPEEDTOLEAD_PORT_FILE: not a setting" in words
    assert SECRET not in words


@pytest.mark.parametrize("url", ["https://leads.example.com", "http://10.0.0.1:8000"])
def test_the_clock_cannot_be_moved_in_earnest(given: Environment, url: str) -> None:
    given(CLOCK_FILE="/tmp/clock", PUBLIC_URL=url)
    assert "refused unless PUBLIC_URL is a loopback address" in complaint()


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8000", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8000", True),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://0.0.0.0:8000", False),
    ],
)
def test_loopback_is_this_machine_only(given: Environment, url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
    given(CLOCK_FILE="/tmp/clock", PUBLIC_URL=url)
    assert not loopback or load().clock_file == Path("/tmp/clock")


def test_a_child_is_told_everything(
    given: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(SECRET)
    given(SECRET_KEY_FILE=str(key), PORT="9000", **TWILIO)
    monkeypatch.setenv("WEBSITE_KEY", "of-a-source")
    settings = load(log_level="debug")
    environment = child_environment(settings, redis_url="unix:///run/valkey.sock")
    assert environment["WEBSITE_KEY"] == "of-a-source"

    for name in [n for n in os.environ if n.startswith("SPEEDTOLEAD_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    child = load()
    assert child.redis_url is not None
    assert child.redis_url.get_secret_value() == "unix:///run/valkey.sock"
    assert child.model_copy(update={"redis_url": None}) == settings


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    home = tmp_path / "data"
    keys: list[str] = []
    threads = [
        threading.Thread(target=lambda: keys.append(kept_secret_key(home).get_secret_value()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert len(keys[0]) >= 32
    assert [path.name for path in home.iterdir()] == ["secret_key"]
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600


def test_a_secret_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    kept_secret_key(tmp_path)
    (tmp_path / "secret_key").chmod(0o644)
    with pytest.raises(ConfigError, match="other users can read it"):
        kept_secret_key(tmp_path)


def test_importing_reads_nothing() -> None:
    environ = os.environ | {"SPEEDTOLEAD_PORT": "nonsense", "SPEEDTOLEAD_UNKNOWN": "1"}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", "import service.config"]
    subprocess.run(command, cwd=root, env=environ, check=True)
