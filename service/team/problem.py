"""What is wrong with a team file, in one line a person can act on.

A line says where (file, line, key path), what was found and what was expected. The content of a
secret is never shown. This file must know nothing of YAML or of what a team is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from service.errors import ConfigError

# What was found is shown whole up to here: enough to recognise it, short enough for one line.
SHOWN_MAX = 60

# Enough for a country's regions (56 states) and a team's reps; beyond it a line helps nobody.
LISTED_MAX = 60

# Below this likeness a suggestion is more often a riddle than a help.
LIKENESS_MIN = 0.6


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``line`` counts from 1; ``key_path`` is empty for the whole file."""

    file: str
    line: int
    key_path: str
    found: str
    expected: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: "
        path = f"{self.key_path}: " if self.key_path else ""
        return f"{place}{path}found {self.found}, expected {self.expected}"


class TeamFileError(ConfigError):
    """The team file cannot be used. ``problems`` holds everything wrong with it, by line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(map(str, self.problems)))


def shown(text: str) -> str:
    """What was found, quoted, on one line, with nothing that a terminal would act upon."""
    cut = text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."
    return f'"{printable(cut)}"'


def masked(phone: str) -> str:
    """A phone number by its end: a problem may be logged, and a whole number never is."""
    return f'"...{phone[-4:]}"'


def printable(text: str) -> str:
    """The text with everything that has no shape of its own written as an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def one_of(known: Iterable[str], given: str) -> str:
    """The known words, and which of them was probably meant."""
    words = list(known)
    more = f" and {len(words) - LISTED_MAX} more" if len(words) > LISTED_MAX else ""
    listed = ", ".join(map(printable, words[:LISTED_MAX])) + more
    return f"{'one of ' if len(words) > 1 else ''}{listed}{did_you_mean(words, given)}"


def did_you_mean(known: Iterable[str], given: str) -> str:
    """``; did you mean "shifts"?`` or nothing, when nothing known is like what was given."""
    # A word longer than what we show is no slip of the pen, and comparing it takes its time.
    close = difflib.get_close_matches(given[:SHOWN_MAX], list(known), n=1, cutoff=LIKENESS_MIN)
    return f'; did you mean "{close[0]}"?' if close else ""
