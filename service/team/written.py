"""A policy or a team as plain JSON values for the ledger, and back.

The same policy is always written the same, so that its digest names it. Every field is written,
defaults too: a promise pinned to a lead must not change when a default does. Values are read by
the types that the rules declare; nothing here knows what they mean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from service.rules.policy import Policy
from service.team.team import Team

# Derived from the rest, or said once by `check`: not part of what a team is.
_NOT_CONTENT = frozenset({"digest", "assumed"})


def policy_to_dict(policy: Policy) -> dict[str, Any]:
    """The policy as JSON values; dates in ISO form, sets in order."""
    return _fields_written(policy)


def policy_from_dict(written: Mapping[str, Any]) -> Policy:
    """The inverse. A field that an older version did not write takes its default.

    Raises:
        KeyError, ValueError: it was not written by ``policy_to_dict``, or by a newer version in
            words that this one does not know.
    """
    policy = _read(Policy, written)
    assert isinstance(policy, Policy)
    return policy


def policy_digest(policy: Policy) -> str:
    """What names this version of the policy: SHA-256 of its canonical JSON, in hexadecimal."""
    return _digest(policy_to_dict(policy))


def team_to_dict(team: Team) -> dict[str, Any]:
    """The team as JSON values: policy, people, shifts, sources (keys as written) and carrier."""
    return {key: each for key, each in _fields_written(team).items() if key not in _NOT_CONTENT}


def team_from_dict(written: Mapping[str, Any]) -> Team:
    """The inverse; the digest is worked out afresh. Raises as ``policy_from_dict`` does."""
    team = _read(Team, {**written, "digest": _digest(written)})
    assert isinstance(team, Team)
    return team


def team_digest(team: Team) -> str:
    """SHA-256 of the team's canonical JSON, in hexadecimal."""
    return _digest(team_to_dict(team))


def _digest(written: Mapping[str, Any]) -> str:
    canonical = json.dumps(written, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _fields_written(value: Any) -> dict[str, Any]:
    return {each.name: _written(getattr(value, each.name)) for each in fields(value)}


def _written(value: Any) -> Any:
    if is_dataclass(value):
        return _fields_written(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(_written(each) for each in value)
    if isinstance(value, tuple):
        return [_written(each) for each in value]
    assert value is None or isinstance(value, (str, int, float, bool)), type(value)
    return value


def _read(hint: Any, written: Any) -> Any:
    """The value of this type from what was written of it."""
    hint = getattr(hint, "__supertype__", hint)
    if isinstance(hint, type) and is_dataclass(hint):
        hints = _hints(hint)
        known = [each.name for each in fields(hint) if each.name in written]
        return hint(**{name: _read(hints[name], written[name]) for name in known})
    if get_origin(hint) in (Union, UnionType):
        (arm,) = (each for each in get_args(hint) if each is not NoneType)
        return None if written is None else _read(arm, written)
    if get_origin(hint) is tuple:
        return _tuple_read(get_args(hint), written)
    if get_origin(hint) is frozenset:
        return frozenset(_read(get_args(hint)[0], each) for each in written)
    if hint in (date, datetime):
        return hint.fromisoformat(written)
    return hint(written) if isinstance(hint, type) and issubclass(hint, StrEnum) else written


def _tuple_read(of: tuple[Any, ...], written: Any) -> tuple[Any, ...]:
    """``tuple[X, ...]`` and ``tuple[X, Y]``."""
    if of[-1] is Ellipsis:
        return tuple(_read(of[0], each) for each in written)
    return tuple(_read(hint, each) for hint, each in zip(of, written, strict=True))


@lru_cache(maxsize=64)
def _hints(of: type) -> dict[str, Any]:
    """The declared types of a dataclass's fields; the rules declare some twenty classes."""
    return get_type_hints(of)
