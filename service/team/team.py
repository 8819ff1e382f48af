"""A team as its file describes it: what was promised (policy), and who and what there is now.

Pinned to a lead when it arrives is the policy alone; people, shifts, sources and carrier hold for
every lead at once. A team that cannot work is refused by ``file`` before it gets here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.rules.duty import Shift
from service.rules.floor import Person
from service.rules.lead import SourceId
from service.rules.policy import Policy

# A key written so is looked up in the environment and never stands in the file.
ENV_PREFIX = "env:"


class SourceKind(StrEnum):
    """How a source's leads reach us."""

    JSON = "json"
    FORM = "form"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Source:
    """Where leads come from. ``key`` is as written (``env:NAME`` or the key itself); ``origins``
    are the sites whose forms may post; ``redirects`` are pages elsewhere that a form may lead to;
    a form filled in within ``min_fill_s`` was filled in by a program; ``number`` (E.164) is what
    callers dial."""

    id: SourceId
    kind: SourceKind
    name: str
    key: str | None = None
    origins: tuple[str, ...] = ()
    number: str | None = None
    per_minute: int = 6_000
    redirects: tuple[str, ...] = ()
    min_fill_s: int = 2


@dataclass(frozen=True, slots=True)
class Carrier:
    """Whom texts and calls come from. ``*_from`` are E.164 or a messaging service's id;
    ``*_call_from`` always E.164. ``texts_per_second`` is for each
    sender; None: the carrier's own queue paces them."""

    pages_from: str
    leads_from: str
    pages_call_from: str
    leads_call_from: str
    calls_per_second: float = 1.0
    texts_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """``people`` are the reps, then the managers. ``digest`` is that of the content, so that two
    files which say the same in other words are the same team; holidays expanded for other years
    are another content. ``assumed`` says which weighty keys were left out, and what holds."""

    name: str
    timezone: str
    policy: Policy
    people: tuple[Person, ...]
    shifts: tuple[Shift, ...]
    sources: tuple[Source, ...]
    carrier: Carrier
    texts_off: bool = False
    digest: str = ""
    assumed: tuple[str, ...] = field(default=(), compare=False)


def resolve_key(ref: str, environ: Mapping[str, str]) -> str | None:
    """A source's key: the environment's for ``env:NAME``, else ``ref`` itself.

    None when the variable is unset or blank. White space around it, such as the line end that a
    shell or a secret store leaves, is not part of a key.
    """
    if not ref.startswith(ENV_PREFIX):
        return ref
    return environ.get(ref.removeprefix(ENV_PREFIX), "").strip() or None
