"""Whether our command line would take these words, without doing what they say."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click

from service.cli import COMMANDS


def parses(words: Sequence[str]) -> None:
    """Raises click.UsageError (or AssertionError for a command that there is not).

    Loads the command's own file: asking the group for it would take over this process's signals.
    """
    name, *rest = words
    assert name in COMMANDS, f"speedtolead {name}"
    command = import_module(f"service.cli.{name}").command
    assert isinstance(command, click.Command)
    _parse(command, name, rest, None)


def _parse(
    command: click.Command, name: str, words: list[str], parent: click.Context | None
) -> None:
    if not isinstance(command, click.Group):
        command.make_context(name, list(words), parent=parent)
        return
    assert words, f"{name} needs a command of its own"
    context = click.Context(command, info_name=name, parent=parent)
    found = command.get_command(context, words[0])
    assert found is not None, f"speedtolead {name} {words[0]}"
    _parse(found, words[0], words[1:], context)
