"""Takes values out of a team file's tree and keeps a list of everything that is wrong with them.

A wrong value is noted and a stand-in handed back, so that reading goes on and one run reports all
problems; ``stop_if_wrong`` ends it before a stand-in can be mistaken for something meant. What the
keys mean is the business of the files that call this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import yaml

from service.team.problem import Problem, TeamFileError, did_you_mean, one_of, printable, shown

T = TypeVar("T")
V = TypeVar("V")

# Looking at a value twice through an alias costs twice. A large team costs some 10,000 looks; a
# file of aliases to lists of aliases would cost billions.
LOOKS_MAX = 100_000

# More reps, shifts or sources than the largest team has; every list is bounded by it.
ITEMS_MAX = 1000

# Whoever has this many to put right has had enough; the rest are found at the next run.
PROBLEMS_MAX = 100

# Merges (`<<: *day`) within merges; more is a mapping that merges itself.
MERGES_DEEP_MAX = 8

_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    _CORE + kind
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "map", "seq")
)


class Unfit(ValueError):
    """A value that is not of its kind, with words more exact than the kind's own."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[V]):
    """What a plain value must be: in words, and as the function that reads it.

    ``read`` raises ValueError when the text is not of the kind.
    """

    expected: str
    read: Callable[[str], V]
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A value in the file, the path of keys that leads to it, and the line of its key or item."""

    path: str
    node: yaml.Node
    line: int

    @property
    def empty(self) -> bool:
        return bool(self.node.tag == f"{_CORE}null")

    @property
    def listed(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def text(self) -> str:
        """What was written, for a plain value; empty for anything else."""
        return str(self.node.value) if isinstance(self.node, yaml.ScalarNode) else ""

    def found(self) -> str:
        """What is here, in words."""
        if self.empty:
            return "nothing"
        if self.node.tag not in _PLAIN_TAGS:
            return f"a value tagged {printable(self.node.tag)}"
        if isinstance(self.node, yaml.ScalarNode):
            return shown(self.text)
        return "a list" if self.listed else "keys and values"


@dataclass(frozen=True, slots=True)
class Fields:
    """The keys of one mapping. ``line`` is where it starts, for what is missing from it; from
    what is no mapping (not ``whole``) nothing is called missing."""

    path: str
    line: int
    held: Mapping[str, Place]
    whole: bool = True

    def get(self, key: str) -> Place | None:
        """The value of this key; None when it is absent or empty, which mean the same."""
        place = self.held.get(key)
        return None if place is None or place.empty else place

    def path_of(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def line_of(self, key: str) -> int:
        """The line of the key, or of the whole when the key is not there."""
        return self.held[key].line if key in self.held else self.line


class Sheet:
    """One reading of one file. ``name`` is what problems call the file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._problems: list[Problem] = []
        self._looks = 0

    @property
    def noted(self) -> int:
        """How many problems were noted so far."""
        return len(self._problems)

    def stop_if_wrong(self) -> None:
        """Raises TeamFileError when anything was noted."""
        if self._problems:
            raise TeamFileError(self._problems)

    def note(self, place: Place, expected: str, found: str | None = None) -> None:
        """The value at this place is wrong."""
        self.note_at(place.line, place.path, found or place.found(), expected)

    def note_missing(self, fields: Fields, key: str, expected: str, found: str = "nothing") -> None:
        """The mapping should hold this key."""
        if fields.whole:
            self.note_at(fields.line_of(key), fields.path_of(key), found, expected)

    def note_at(self, line: int, path: str, found: str, expected: str) -> None:
        """Raises TeamFileError when there is enough to put right."""
        self._problems.append(Problem(self._name, line, path, found, expected))
        if len(self._problems) >= PROBLEMS_MAX:
            enough = "a file with fewer problems: it was read up to here"
            self._problems.append(Problem(self._name, line, "", f"{PROBLEMS_MAX} of them", enough))
            raise TeamFileError(self._problems)

    def need(self, fields: Fields, key: str, kind: Kind[T], instead: T) -> T:
        """The value of a key that must be there; ``instead`` stands in for one that is wrong."""
        place = fields.get(key)
        if place is None:
            self.note_missing(fields, key, kind.expected)
            return instead
        return self.value(place, kind, instead)

    def take(self, fields: Fields, key: str, kind: Kind[T], default: T) -> T:
        """The value of a key that may be left out."""
        place = fields.get(key)
        return default if place is None else self.value(place, kind, default)

    def value(self, place: Place, kind: Kind[T], instead: T) -> T:
        """The plain value at this place; ``instead`` stands in for one that is wrong."""
        read = self._read(place, kind)
        return read[0] if read else instead

    def values(self, place: Place, kind: Kind[T]) -> tuple[T, ...]:
        """Plain values: a list of them, or one alone. Wrong ones are noted and left out."""
        places = self.items(place, kind.expected) if place.listed else (place,)
        return tuple(value for each in places for value in self._read(each, kind))

    def _read(self, place: Place, kind: Kind[T]) -> tuple[()] | tuple[T]:
        """The value, or nothing when it is wrong, which is noted."""
        if not isinstance(place.node, yaml.ScalarNode) or place.empty or not _plain(place):
            self.note(place, kind.expected)
            return ()
        found = "a value (not shown)" if kind.secret else None
        if not place.text.isprintable():
            self.note(place, f"{kind.expected}, printable and on one line", found)
            return ()
        try:
            return (kind.read(place.text),)
        except ValueError as error:
            self.note(place, str(error) if isinstance(error, Unfit) else kind.expected, found)
            return ()

    def items(self, place: Place, expected: str) -> tuple[Place, ...]:
        """The places of a list."""
        if not isinstance(place.node, yaml.SequenceNode) or not _plain(place):
            self.note(place, f"a list of {expected}")
            return ()
        given = len(place.node.value)
        if given > ITEMS_MAX:
            self.note(place, f"at most {ITEMS_MAX} {expected}", f"{given} of them")
            return ()
        self._look(place, given)
        return tuple(
            Place(f"{place.path}[{n}]", node, _line(node))
            for n, node in enumerate(place.node.value)
        )

    def fields(self, place: Place, known: Sequence[str]) -> Fields:
        """The keys of a mapping in which only these are known; any other is noted."""
        pairs = self.pairs(place, f"the keys {', '.join(known)}")
        for key, found in pairs.items():
            if key not in known:
                self._unknown(found, key, known)
        whole = isinstance(place.node, yaml.MappingNode)
        return Fields(place.path, place.line, pairs, whole)

    def pairs(self, place: Place, expected: str) -> dict[str, Place]:
        """The keys and values of a mapping, whatever the keys; one given twice is noted."""
        if not isinstance(place.node, yaml.MappingNode) or not _plain(place):
            self.note(place, expected)
            return {}
        return self._pairs(place, MERGES_DEEP_MAX)

    def _pairs(self, place: Place, merges_left: int) -> dict[str, Place]:
        self._look(place, len(place.node.value))
        own: dict[str, Place] = {}
        merged: dict[str, Place] = {}
        for key_node, node in place.node.value:
            key = Place(place.path, key_node, _line(key_node))
            if key_node.tag == f"{_CORE}merge":
                for found, value in self._merged(replace(place, node=node), merges_left).items():
                    merged.setdefault(found, value)
            elif not isinstance(key_node, yaml.ScalarNode):
                self.note(key, "a plain key")
            elif key.text in own:
                again = f"{shown(key.text)} again (it is on line {own[key.text].line})"
                self.note_at(key.line, own[key.text].path, again, "each key once")
            else:
                own[key.text] = _under(place, key.text, node, key.line)
        return merged | own

    def _merged(self, place: Place, merges_left: int) -> dict[str, Place]:
        """What `<<` brings in: one mapping, or a list of them of which the first wins."""
        sources = self.items(place, "mappings") if place.listed else (place,)
        found: dict[str, Place] = {}
        for source in sources:
            if not isinstance(source.node, yaml.MappingNode) or not merges_left:
                self.note(source, "a mapping to merge, which does not merge itself")
                break
            for key, value in self._pairs(source, merges_left - 1).items():
                found.setdefault(key, value)
        return found

    def _unknown(self, place: Place, key: str, known: Sequence[str]) -> None:
        close = did_you_mean(known, key)
        expected = f"a known key{close}" if close else one_of(known, key)
        self.note(place, expected, "an unknown key")

    def _look(self, place: Place, looks: int) -> None:
        self._looks += looks
        if self._looks > LOOKS_MAX:
            self.note(place, "fewer aliases", "more than a team file holds")
            raise TeamFileError(self._problems)


def root_place(node: yaml.Node) -> Place:
    """The whole document."""
    return Place("", node, _line(node))


def _plain(place: Place) -> bool:
    return place.node.tag in _PLAIN_TAGS


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _under(place: Place, key: str, node: yaml.Node, line: int) -> Place:
    name = printable(key)
    return Place(f"{place.path}.{name}" if place.path else name, node, line)


def unique(
    sheet: Sheet,
    given: Iterable[tuple[str, Place]],
    what: str,
    as_shown: Callable[[str], str] = shown,
) -> None:
    """Notes every value given a second time; ``what`` names it (``an id``)."""
    first: dict[str, Place] = {}
    for value, place in given:
        if value in first:
            earlier = first[value]
            expected = f"{what} of its own: {earlier.path} (line {earlier.line}) has it"
            sheet.note(place, expected, as_shown(value))
        else:
            first[value] = place
