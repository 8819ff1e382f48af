"""What a running `up` leaves in its data directory, so that other commands find it.

`run/up.json` says where it answers and on which servers; `demo_keys.json` holds the keys that it
made for sources without one, `demo_token.json` the token of the phones' page. All are for this
user alone (mode 0600). This file must not start or ask anything.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from service.errors import ConfigError

KEY_BYTES = 18
"""24 characters that nobody guesses, still short enough to be read out."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running `up`. ``database_url`` and ``redis_url`` are those of the embedded servers, None
    where the operator gave one; ``keys`` are demo keys by the variable that a team file names;
    ``timeline_token`` lets the page of phones show a lead's timeline."""

    pid: int
    url: str
    team_file: str
    sandbox_url: str | None = None
    database_url: str | None = None
    redis_url: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeline_token: str = field(default="", repr=False)


def run_dir(data_dir: Path) -> Path:
    """Where the pid files and `up.json` are."""
    return data_dir / "run"


def note(data_dir: Path, running: Running) -> None:
    """Leave word of it."""
    _write(run_dir(data_dir) / "up.json", {**asdict(running), "keys": dict(running.keys)})


def forget(data_dir: Path) -> None:
    """It has ended."""
    (run_dir(data_dir) / "up.json").unlink(missing_ok=True)


def found(data_dir: Path) -> Running | None:
    """What `up` left here; None when none runs. One that was killed leaves its word behind."""
    held = _read(run_dir(data_dir) / "up.json")
    try:
        return Running(**held) if held else None
    except TypeError:  # left by another version
        return None


def demo_keys(data_dir: Path, names: Iterable[str]) -> dict[str, str]:
    """A key for each of these variables: kept from before, so that a command that was pasted
    once works after a restart, or made now."""
    path = data_dir / "demo_keys.json"
    kept = {name: key for name, key in _read(path).items() if isinstance(key, str)}
    wanted = {name: kept.get(name) or secrets.token_urlsafe(KEY_BYTES) for name in names}
    if not wanted.items() <= kept.items():
        _write(path, kept | wanted)
    return wanted


def demo_token(data_dir: Path, still_good: Callable[[str], bool], make: Callable[[], str]) -> str:
    """The token by which the page of phones reads timelines: kept as long as it is good."""
    path = data_dir / "demo_token.json"
    kept = _read(path).get("token")
    if isinstance(kept, str) and still_good(kept):
        return kept
    made = make()
    _write(path, {"token": made})
    return made


def _read(path: Path) -> dict[str, Any]:
    """The object in the file; empty when there is none, or it cannot be read as one."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def _write(path: Path, held: Mapping[str, Any]) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(held, file)
        fresh.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
