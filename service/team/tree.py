"""YAML text into a tree of nodes that still know their lines. The only file that knows the syntax.

Nodes are composed, never constructed: no tag is carried out, and every plain value stays the text
that was written. YAML 1.1 would make a boolean of ``NO``, a number of ``14:00`` and of
``+12125550101``, and a date of ``2026-12-24``; here they are what the person typed.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from service.team.problem import Problem, TeamFileError, printable

# A team of several hundred reps with their shifts takes some 60 KiB.
BYTES_MAX = 256 * 1024

# Every key, value and list is a node; a team of five hundred reps has about 8,000.
NODES_MAX = 20_000

# The deepest thing a team file can say is five levels down; the rest is room for mistakes.
DEPTH_MAX = 20


def text_of(path: Path) -> str:
    """The file's text, without a byte order mark. Raises TeamFileError when it has none to give."""
    name = path.name
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MAX + 1)
    except OSError as error:
        # The whole path: a file that is not there is looked for in the wrong place.
        reason = error.strerror or "it cannot be read"
        raise _stop(str(path), 1, "", reason, "a team file that can be read") from None
    if len(raw) > BYTES_MAX:
        raise _too_large(name)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _stop(name, line, "", "bytes that are not UTF-8", "text saved as UTF-8") from None


def tree_of(text: str, name: str) -> yaml.Node | None:
    """The document's root node; None when there is nothing but comments. Raises TeamFileError."""
    # A character takes at least a byte, so this never refuses what `text_of` let through.
    if len(text) > BYTES_MAX:
        raise _too_large(name)
    try:
        return _compose(text)
    except yaml.reader.ReaderError as error:
        raise _unreadable(error, text, name) from None
    except yaml.MarkedYAMLError as error:
        raise _broken(error, text, name) from None


def _compose(text: str) -> yaml.Node | None:
    composer = _Composer(text)
    try:
        return composer.get_single_node()
    except (ValueError, OverflowError):
        # PyYAML lets an escape such as "\UFFFFFFFF" through to `chr`, which names no place.
        problem = "an escape or a number that stands for nothing"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=composer.get_mark()) from None


class _TooMuch(yaml.MarkedYAMLError):
    """More or deeper than any team file is. Aliases cost one node each, whatever they stand for."""


class _Composer(yaml.SafeLoader):
    """Composes within bounds; a document that would exhaust memory or the stack stops early."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = 0
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        self._depth += 1
        if self._nodes > NODES_MAX:
            raise self._too_much(parent, f"at most {NODES_MAX} keys and values")
        if self._depth > DEPTH_MAX:
            raise self._too_much(parent, f"at most {DEPTH_MAX} levels of lists and keys")
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _too_much(self, parent: yaml.Node | None, allowed: str) -> _TooMuch:
        # The scanner reads ahead; what is too large is the collection that this was to go into.
        mark = parent.start_mark if parent else self.get_mark()
        return _TooMuch(problem=allowed, problem_mark=mark)


def _broken(error: yaml.MarkedYAMLError, text: str, name: str) -> TeamFileError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    where = f"column {column}"
    if isinstance(error, _TooMuch):
        return _stop(name, line, where, "more than a team file holds", str(error.problem))
    if _indented_by_tab(text, line):
        return _stop(name, line, where, "a tab in the indentation", "spaces: YAML allows no tabs")
    why = printable(error.problem or "it cannot be read").removeprefix("but ")
    opened = error.context_mark
    since = (
        f", in what starts on line {opened.line + 1}" if opened and opened.line + 1 < line else ""
    )
    return _stop(name, line, where, f"text that is not YAML ({why}{since})", "valid YAML")


def _indented_by_tab(text: str, line: int) -> bool:
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    return "\t" in written[: len(written) - len(written.lstrip())]


def _unreadable(error: yaml.reader.ReaderError, text: str, name: str) -> TeamFileError:
    line = text.count("\n", 0, error.position) + 1
    found = f"the invisible character U+{ord(text[error.position]):04X}"
    return _stop(name, line, "", found, "printable text")


def _too_large(name: str) -> TeamFileError:
    found = f"more than {BYTES_MAX // 1024} KiB"
    return _stop(name, 1, "", found, f"a team file of at most {BYTES_MAX // 1024} KiB")


def _stop(name: str, line: int, key_path: str, found: str, expected: str) -> TeamFileError:
    return TeamFileError((Problem(name, line, key_path, found, expected),))
