"""Read the environment once, and say in words a person can act on what is wrong with it.

An unknown name with our prefix is an error: a misspelt setting that is silently ignored is
found out only on the day it was needed. This file must not read anything when imported.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from service.config.secret_file import content_of
from service.config.settings import NAMES, PREFIX, Settings, given_in
from service.errors import ConfigError


def load(**options: Any) -> Settings:
    """Read the environment. `options`, by field name, win over it; None means not given.

    Raises:
        ConfigError: one readable line for each problem; never the value of a secret.
    """
    found = given_in(os.environ)
    problems = [*_unknown(found), *_unusable_files(found)]
    if problems:
        # A setting that was not understood makes what follows from its absence misleading.
        raise ConfigError("\n".join(problems))
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        raise ConfigError("\n".join(_in_words(error))) from None


def child_environment(settings: Settings, **resolved: str | None) -> dict[str, str]:
    """This process's environment with exactly these settings in it, secrets included.

    For a child process, which then has nothing left to find out. `resolved`, by field name,
    puts in what only the parent knows, such as the addresses of the embedded servers.
    """
    values = {field: getattr(settings, field) for field in Settings.model_fields}
    values |= {field: value for field, value in resolved.items() if value is not None}
    others = {name: v for name, v in os.environ.items() if not name.upper().startswith(PREFIX)}
    ours = {field: _as_text(value) for field, value in values.items() if value is not None}
    return others | {PREFIX + field.upper(): text for field, text in ours.items() if text}


def _unknown(found: Mapping[str, str]) -> Iterator[str]:
    known = {n.env for n in NAMES} | {f"{n.env}_FILE" for n in NAMES if n.secret}
    for name in sorted(found.keys() - known):
        close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)
        yield f"{name}: not a setting; did you mean {close[0]}?"


def _unusable_files(found: Mapping[str, str]) -> Iterator[str]:
    for name in (n.env for n in NAMES if n.secret and f"{n.env}_FILE" in found):
        if name in found:
            yield f"{name}: also given as {name}_FILE; leave one out"
            continue
        try:
            content_of(Path(found[f"{name}_FILE"]))
        except ConfigError as error:
            yield f"{name}_FILE: {error}"


def _in_words(error: ValidationError) -> Iterator[str]:
    """One line per problem: the name, what is expected, and what was found unless it is secret."""
    secret = {n.env for n in NAMES if n.secret}
    for problem in error.errors(include_url=False):
        why = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:
            yield why
            continue
        env = PREFIX + str(problem["loc"][0]).upper()
        found = "" if env in secret else f" (found {problem['input']!r})"
        yield f"{env}: {why[:1].lower()}{why[1:]}{found}"


def _as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(_as_text(part) for part in value)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
