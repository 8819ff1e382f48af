"""The command line: one file per command, each loaded only when it is run.

The only code that may import everything, workers included. This file knows the commands' names
and how a fault is told to a person; it must not know what any command does.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from service.cli.ending import BOTH, end_quietly
from service.errors import Fault

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "up": "Run everything on this machine: what `make run` starts.",
    "check": "Say what is wrong with a team file, and when nobody would be on duty.",
    "lead": "Send a lead through the front door.",
    "token": "Make and revoke the tokens that let programs and people in.",
    "migrate": "Bring the ledger to the newest schema and load the team file.",
    "web": "Serve the front door: leads in, the carrier's facts, pages, metrics.",
    "worker": "Look at leads as they come, and send pages.",
    "sweep": "Find every look that is due and nobody took; own time.",
    "alive": "Say whether a process here does its work, for health checks.",
    "sandbox": "Serve the stand-in carrier and its page of phones.",
    "version": "Print which version this is.",
}
"""Every command in the order of the help, with the sentence that the help shows. The order is that
of meeting them: what a newcomer types first, then what a service unit runs."""


LASTING = frozenset({"up", "web", "worker", "sweep", "sandbox"})
"""Commands that run until they are told to end, and for which that is no failure."""


class Commands(click.Group):
    """Loads a command's file when the command is asked for, so that a quick one stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands' names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; loads its file."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in LASTING:
            end_quietly(*BOTH)  # from now on, also in the second that loading takes
        found = importlib.import_module(f"service.cli.{cmd_name}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help, without loading a single command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a fault is told in words, never as a stack trace."""
        try:
            return super().invoke(ctx)
        except Fault as fault:
            for line in str(fault).splitlines():
                click.echo(line, err=True)
            sys.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--child", is_flag=True, hidden=True, help="End when the parent process ends.")
def main(child: bool) -> None:
    """Page the rep on duty the moment a lead arrives, escalate silence, measure the wait.

    To see it work, on this machine alone: `speedtolead up`. Settings are environment variables
    that start with SPEEDTOLEAD_; a command's option wins over them.
    """
    if child:
        from service.supervise import die_with_parent

        die_with_parent()
