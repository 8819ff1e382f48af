"""What is true of the team now, and changes while a lead waits.

Not what was promised (``policy``) and not what happened to a lead (``timeline``). A floor is a
photograph: built by the ledger for one look, good until ``changes_at``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from service.rules.lead import RepId
from service.rules.policy import TurnKind
from service.rules.timeline import Channel


@dataclass(frozen=True, slots=True)
class Person:
    """A rep or a manager: somebody whose phone may be paged. ``phone`` is E.164."""

    id: RepId
    name: str
    phone: str
    email: str | None = None
    languages: tuple[str, ...] = ()
    zone: str | None = None
    weight: int = 1
    prefer: Channel = Channel.TEXT
    manager: bool = False
    last_resort: bool = False

    @property
    def first_name(self) -> str:
        return self.name.split()[0] if self.name.split() else self.id


@dataclass(frozen=True, slots=True)
class Turns:
    """How far the turn has come on one route: fair queueing, so that a rep back from a week off
    is not owed a week of leads.

    ``served`` is the virtual time at which the last turn was given, ``finish`` each rep's own.
    A rep's next turn starts at the later of the two; the earliest start is next.
    Source: start-time fair queueing (Goyal, Vin and Cheng, 1996).
    """

    served: float = 0.0
    finish: Mapping[RepId, float] = field(default_factory=lambda: MappingProxyType({}))

    def order(self, candidates: Sequence[RepId]) -> tuple[RepId, ...]:
        """Candidates with the next in turn first; ties keep the shift's order."""
        return tuple(sorted(candidates, key=self._start))

    def given(self, rep: RepId, weight: int) -> Turns:
        """The turns after ``rep`` had one."""
        start = self._start(rep)
        return Turns(start, MappingProxyType({**self.finish, rep: start + 1.0 / weight}))

    def _start(self, rep: RepId) -> float:
        return max(self.served, self.finish.get(rep, 0.0))


@dataclass(frozen=True, slots=True)
class Floor:
    """``on_duty`` in the order of the shift; ``deaf`` are channels that cannot reach a person now
    (opted out, dead number); ``changes_at`` is the next known change, or None.

    ``tripped`` are channels on which the carrier fails again and again, and until when pages go by
    other means; ``mail``: also by e-mail then, if the team has a mail server. ``answer_unseen``
    are reps who answer pages that show no receipt: for them its absence says nothing.

    ``engaged`` are reps on a call (None), or who hung up just now and may be rung from an instant
    on. ``dial_zones``: the zones in which the lead's number may be; None: we cannot dial the lead
    (no number, or none of ours to dial from).
    """

    people: Mapping[RepId, Person]
    on_duty: tuple[RepId, ...]
    turns: Turns = Turns()
    deaf: frozenset[tuple[RepId, Channel]] = frozenset()
    texts_off: bool = False
    tripped: Mapping[Channel, datetime] = field(default_factory=lambda: MappingProxyType({}))
    mail: bool = False
    answer_unseen: frozenset[RepId] = frozenset()
    engaged: Mapping[RepId, datetime | None] = field(default_factory=lambda: MappingProxyType({}))
    dial_zones: tuple[str, ...] | None = None
    changes_at: datetime | None = None

    def is_engaged(self, rep: RepId, at: datetime) -> bool:
        """Whether a rep is on a call, or has hung up only just now."""
        if rep not in self.engaged:
            return False
        free_at = self.engaged[rep]
        return free_at is None or at < free_at

    def managers(self) -> tuple[RepId, ...]:
        return tuple(p.id for p in self.people.values() if p.manager)

    def last_resort(self) -> tuple[RepId, ...]:
        """Those named as last resort; every manager when none is, so that nobody waits unheard."""
        named = tuple(p.id for p in self.people.values() if p.last_resort)
        return named or self.managers()

    def next_in_turn(self, candidates: Sequence[RepId], kind: TurnKind) -> tuple[RepId, ...]:
        """Whose turn it is among ``candidates`` (in shift order): one rep, or all at once."""
        if not candidates:
            return ()
        if kind is TurnKind.ALL_AT_ONCE:
            return tuple(candidates)
        if kind is TurnKind.IN_ORDER:
            return (candidates[0],)
        return (self.turns.order(candidates)[0],)

    def weight_of(self, rep: RepId, kind: TurnKind) -> int:
        """How much of a turn counts: the rep's own weight when turns are weighted, else one."""
        return self.people[rep].weight if kind is TurnKind.WEIGHTED else 1
