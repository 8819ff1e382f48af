"""The command line's manners: help, usage, and faults told in words before anything is started."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import structlog
from click.testing import CliRunner, Result

from service.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "team.example.yaml"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """A command takes over its process: signals, logs, hooks. Here it is only a guest."""
    signals = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    root = logging.getLogger()
    handlers, level, hooks = list(root.handlers), root.level, (sys.excepthook, threading.excepthook)
    yield
    for number, handler in signals.items():
        signal.signal(number, handler)
    root.handlers = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()


def run(*words: str, **settings: str) -> Result:
    env = {f"SPEEDTOLEAD_{name}": value for name, value in settings.items()}
    return CliRunner().invoke(main, list(words), env=env)


def found(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_the_list_says_of_it(name: str) -> None:
    first = (found(name).help or "").splitlines()[0]
    assert first == COMMANDS[name]
    assert run(name, "--help").exit_code == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example(name: str) -> None:
    command = found(name)
    parts = command.commands.values() if isinstance(command, click.Group) else [command]
    for each in parts:
        assert f"speedtolead {name}" in (each.help or "")


def test_an_unknown_command_is_a_matter_of_usage() -> None:
    result = run("sweeep")
    assert result.exit_code == 2
    assert "No such command" in result.stderr


def test_the_version_is_quickly_said() -> None:
    result = run("version", "--schema")
    assert result.exit_code == 0
    assert result.stdout.startswith("speedtolead ")
    assert "schema 0" in result.stdout


def test_a_good_file_is_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBSITE_KEY", raising=False)
    result = run("check", str(EXAMPLE))
    assert result.exit_code == 0
    assert "shifts    mon-sun 00:00-24:00: Ann Lee, Bob Ray" in result.stdout
    assert "ladder    at once: on duty, by text" in result.stdout
    assert "after 15m: last resort, by call, again every 15m" in result.stdout
    assert "hours     open now" in result.stdout
    assert "warning: sources: website takes no leads: WEBSITE_KEY" in result.stderr
    assert "+1212" not in result.output


def test_a_bad_file_is_told_line_by_line(tmp_path: Path) -> None:
    bad = tmp_path / "team.yaml"
    bad.write_text(EXAMPLE.read_text().replace("turn:", "turns:").replace("at: 45s", "at: soon"))
    result = run("check", str(bad))
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("team.yaml:") for line in lines)
    assert "Traceback" not in result.output


def test_a_file_that_is_not_there_is_a_fault_like_any_other(tmp_path: Path) -> None:
    result = run("check", str(tmp_path / "none.yaml"))
    assert result.exit_code == 1
    assert "none.yaml" in result.stderr


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        (("up",), {"PORTT": "1"}, "SPEEDTOLEAD_PORTT: not a setting; did you mean"),
        (("up",), {"PORT": "http"}, "SPEEDTOLEAD_PORT: "),
        (("up", "--team", "none.yaml"), {}, "none.yaml"),
        (("up",), {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"}, "but no team file"),
        (("web",), {}, "DATABASE_URL and REDIS_URL are not set"),
        (("worker",), {}, "DATABASE_URL and REDIS_URL are not set"),
        (("sweep",), {}, "DATABASE_URL and REDIS_URL are not set"),
        (("migrate",), {}, "SPEEDTOLEAD_DATABASE_URL is not set"),
        (("token", "create", "--role", "api"), {}, "SPEEDTOLEAD_DATABASE_URL is not set"),
        (("migrate",), {"DATABASE_URL": "postgresql://127.0.0.1:9/x"}, "cannot be reached"),
        (
            ("sandbox",),
            {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"},
            "a Twilio account is set",
        ),
        (
            ("lead", "--source", "s", "--name", "Dana", "--phone", "+12125550199"),
            {},
            "the key of source s is not known here",
        ),
    ],
)
def test_a_fault_is_told_in_words_before_anything_starts(
    words: tuple[str, ...], settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    result = run(*words, DATA_DIR=str(tmp_path / "data"), **settings)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("up", "--port", "0"),
        ("up", "--workers", "0"),
        ("worker", "--threads", "0"),
        ("lead", "--source", "s"),
        ("token", "create", "--role", "boss"),
        ("check",),
    ],
)
def test_what_cannot_be_meant_is_a_matter_of_usage(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2
