"""A payload's nested objects, laid out as one list of named values.

It opens only the envelopes of `fields.ENVELOPES` and lists of name/value pairs; everything else
stays one value. It must not interpret values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.intake.fields import (
    ENVELOPES,
    PAIR_NAMES,
    PAIR_VALUES,
    PEOPLE,
    RANKS,
    VAGUE_IDS,
    VALUE_BOXES,
    Field,
    plain,
)

ENVELOPES_DEEP_MAX = 4
"""The deepest the field's sources go is three (Thumbtack: data, request, location)."""

KEY_LONGEST = 100
"""Characters of a key in a path. Paths repeat the keys above them, once for each value below."""

Json = object
"""A parsed JSON value: dict, list, str, int, float, bool or None."""


@dataclass(frozen=True, slots=True)
class Given:
    """One value as the source named it.

    `key` is the source's own spelling and `path` the same with its envelopes (`data.contact.tel`).
    `field` is what we take it for, None when we have no name for it; `rank` orders the spellings
    of one field, best first; `depth` counts the envelopes around it.
    """

    key: str
    path: str
    value: Json
    field: Field | None
    rank: int
    depth: int


@dataclass(frozen=True, slots=True)
class _Inside:
    """Where in the payload we are: the envelopes passed, and what may be read here."""

    path: str
    depth: int
    readable: frozenset[Field]
    of_person: bool

    def enter(self, key: str) -> "_Inside":
        readable = self.readable & ENVELOPES.get(plain(key), self.readable)
        of_person = self.of_person or plain(key) in PEOPLE
        return _Inside(self.at(key), self.depth + 1, readable, of_person)

    def at(self, key: str) -> str:
        own = key[:KEY_LONGEST]
        return f"{self.path}.{own}" if self.path else own

    def given(self, key: str, value: Json) -> Given:
        spelling = plain(key)
        field, rank = RANKS.get(spelling, (None, 0))
        if field not in self.readable or (self.of_person and spelling in VAGUE_IDS):
            field = None
        return Given(key, self.at(key), value, field, rank, self.depth)


def flatten(payload: Mapping[str, Json]) -> list[Given]:
    """Every value of the payload, in the order of the payload; nothing is left out."""
    return list(_walk(payload, _Inside("", 0, frozenset(Field), of_person=False)))


def _walk(payload: Mapping[str, Json], inside: _Inside) -> Iterator[Given]:
    for key, value in payload.items():
        if inside.depth < ENVELOPES_DEEP_MAX:
            if isinstance(value, dict) and plain(key) in ENVELOPES:
                yield from _walk(_unwrapped(key, value), inside.enter(key))
                continue
            if isinstance(value, list) and (pairs := _pairs(value)):
                here = inside.enter(key)
                yield from (here.given(name, each) for name, each in pairs)
                continue
        yield inside.given(key, value)


def _unwrapped(key: str, value: dict[str, Json]) -> dict[str, Json]:
    """Some sources send each field as an object that holds its `value` and things about it."""
    if plain(key) not in VALUE_BOXES:
        return value
    return {
        name: each["value"] if isinstance(each, dict) and "value" in each else each
        for name, each in value.items()
    }


def _pairs(items: list[Json]) -> list[tuple[str, Json]]:
    """The list as name/value pairs; empty unless all of it has that shape."""
    pairs = [_pair(item) for item in items]
    return [pair for pair in pairs if pair] if all(pairs) else []


def _pair(item: Json) -> tuple[str, Json] | None:
    if not isinstance(item, dict):
        return None
    members = {plain(key): value for key, value in item.items()}
    names = [name for each in PAIR_NAMES if isinstance(name := members.get(each), str)]
    value = next((each for each in PAIR_VALUES if each in members), None)
    if value is None or not any(map(plain, names)):
        return None
    known = (name for name in names if plain(name) in RANKS)
    key = next(known, None) or next(name for name in names if plain(name))
    return key, members[value]
