"""Rules about the code itself: when a rule matters, it is a test, with its reason.

Import directions are contracts in ``pyproject.toml``; style is ruff's; types are mypy's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = [
    path
    for room in ("service", "workers", "dashboards")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "versions" not in path.parts
]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# One screen of a function; beyond it a reader scrolls, and forgets.
FUNCTION_LINES_MAX = 60
FUNCTION_LINES_P90 = 30
# Two rooms in one file begin about here. A file above it is named below with what it is.
FILE_LINES_MAX = 350
LONG_FILES = {
    "service/rules/timeline.py": "every event in one table",
    "service/rules/wording.py": "every word we say, one after the other",
    "service/rules/replies.py": "one grammar",
    "service/rules/standing.py": "one clause for each kind of fact",
}
# Names that say nothing about what a file is for.
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "manager", "common", "base", "misc"}
# Business time comes from an injected clock; the carrier is outside the product, and real.
READS_THE_CLOCK = {"service/clock.py", "service/sandbox/config.py", "service/sandbox/exchange.py"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{name_of(path)}:{node.name}", node.end_lineno - node.lineno + 1


def test_functions_fit_a_screen() -> None:
    lengths = sorted((lines, name) for path in OURS for name, lines in functions(path))
    assert [each for each in lengths if each[0] > FUNCTION_LINES_MAX] == []
    assert lengths[int(len(lengths) * 0.9)][0] <= FUNCTION_LINES_P90


def test_files_are_one_room_each() -> None:
    lines = {name_of(path): len(path.read_text().splitlines()) for path in OURS}
    long = {name for name, count in lines.items() if count > FILE_LINES_MAX}
    assert long <= set(LONG_FILES), long - set(LONG_FILES)


def test_every_module_says_what_it_is_for() -> None:
    silent = [name_of(path) for path in OURS if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_no_file_is_named_for_nothing() -> None:
    assert [name_of(path) for path in [*OURS, *TESTS] if path.stem in EMPTY_NAMES] == []


def test_only_the_clock_reads_the_clock() -> None:
    reads = re.compile(r"datetime\.(now|utcnow|today)\(|\btime\.time\(|date\.today\(")
    found = {name_of(path) for path in OURS if reads.search(path.read_text())}
    assert found <= READS_THE_CLOCK, found - READS_THE_CLOCK


def test_tests_neither_sleep_nor_mock() -> None:
    banned = re.compile(
        r"\b(time|asyncio)\.sleep\(|from unittest(\.| import )mock|import unittest\.mock"
        r"|monkeypatch\.setattr\(time"
    )
    # A bench paces its own traffic, which is what it measures; it asserts nothing.
    tests = [path for path in TESTS if "bench" not in path.parts and path != Path(__file__)]
    assert [name_of(path) for path in tests if banned.search(path.read_text())] == []


def test_status_codes_are_given_in_one_place() -> None:
    gives = re.compile(r"status_code\s*=\s*[45]\d\d|HTTP_[45]\d\d")
    found = {
        name_of(path)
        for path in (ROOT / "service" / "web").rglob("*.py")
        if gives.search(path.read_text())
    }
    assert found <= {"service/web/problems.py"}


def test_no_unfinished_business() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    assert [name_of(path) for path in OURS if marks.search(path.read_text())] == []


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_an_exception_to_a_rule_says_why(path: Path) -> None:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if "# type: ignore" in line or "# noqa" in line:
            reason = re.split(r"# (?:type: ignore\[[^\]]*\]|noqa(?:: [A-Z0-9, ]+)?)", line)[-1]
            assert re.search(r"\w{3}", reason), f"{name_of(path)}:{number} says no reason"
