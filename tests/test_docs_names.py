"""Every name that the documentation tells a person to type or to look at is one that exists:
commands with their options, variables, figures, alarms."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from service.cli import main
from service.config import NAMES
from service.rules.replies import STOP_WORDS
from service.web import series
from tests.test_docs import ALL, Block, blocks, name_of, named_in, read
from tests.write_docs import ROOT

# At the start of a line, in a substitution, in a virtual environment or in a container; elsewhere
# the word is a database's name or a namespace's.
COMMAND = re.compile(
    r"(?:^|\$\(|bin/|exec (?:-T )?[a-z]+ )speedtolead ([^`|;)>#\n]+)", re.MULTILINE
)


def commands_in(text: str) -> list[list[str]]:
    """Every use of our command in a text, as the words after its name."""
    return [shlex.split(found[1]) for found in COMMAND.finditer(text)]


def command_named(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words call, and the words left for it. KeyError: there is none."""
    found: click.Command = main
    context = click.Context(main)
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        inner = found.get_command(context, words[0])
        if inner is None:
            raise KeyError(words[0])
        found, words = inner, words[1:]
    return found, words


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_every_command_that_is_named_exists_with_its_options(path: Path) -> None:
    """Also where it is only spoken of. `COMMAND` stands for any command."""
    for span in named_in(path.read_text(encoding="utf-8")):
        for words in commands_in(span):
            if words[0] == "COMMAND":
                continue
            command, rest = command_named(words)
            known = {name for each in command.params for name in each.opts} | {"--help"}
            given = {word.partition("=")[0] for word in rest if word.startswith("--")}
            assert given <= known, f"{path.name}: {span}: {given - known}"


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_every_command_to_copy_is_one_that_is_taken(block: Block) -> None:
    for words in commands_in(block.text.replace("\\\n", " ")):
        command, rest = command_named(words)
        command.make_context(words[0], rest)  # a UsageError says what is wrong with it


OTHER_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_no_variable_is_named_that_nothing_reads(path: Path) -> None:
    """Ours without the prefix, the sources' keys, and those of the compose file."""
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    known = {name.env.removeprefix("SPEEDTOLEAD_") for name in NAMES}
    known |= {f"{name}_FILE" for name in known} | set(OTHER_NAME.findall(compose))
    text = path.read_text(encoding="utf-8")
    known |= {"WEBSITE_KEY", *re.findall(r"env:(\w+)", text)}
    named = {span for span in named_in(text) if OTHER_NAME.fullmatch(span)}
    named = {name.removeprefix("SPEEDTOLEAD_") for name in named}
    assert named <= known, named - known


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_no_figure_is_named_that_is_not_exported(path: Path) -> None:
    known = {series.PREFIX + name for name in series.ALL}
    known |= {f"{name}_{part}" for name in known for part in ("bucket", "sum", "count")}
    spans = {span.partition("{")[0] for span in named_in(path.read_text(encoding="utf-8"))}
    named = {span for span in spans if re.fullmatch(rf"{series.PREFIX}[a-z_]*[a-z]", span)}
    assert named <= known, named - known


def test_going_live_names_alarms_that_exist_and_every_stop_word() -> None:
    rules = (ROOT / "dashboards/prometheus/alerts.yml").read_text(encoding="utf-8")
    named = named_in(read("going-live.md"))
    alarms = {span for span in named if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", span)}
    assert alarms <= set(re.findall(r"alert: (\w+)", rules))
    assert named >= STOP_WORDS
