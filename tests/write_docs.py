"""Writes the parts of the documentation that are read off the code: `python -m tests.write_docs`.

A generated part stands between two marks in a file that a person writes. `tests/test_docs.py`
holds that each is up to date. This file must not change a word outside the marks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import get_args

from service.cli import COMMANDS
from service.config import NAMES
from service.intake.fields import RANKS, UNMISTAKABLE, Field
from service.sandbox.faults import ALLOWED, Do
from service.web.problems import Kind, status_and_title

ROOT = Path(__file__).parent.parent

MARK = re.compile(r"(<!-- generated: (?P<part>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def commands() -> str:
    """Every command, with the sentence that the help shows."""
    rows = [(f"`speedtolead {name}`", does) for name, does in COMMANDS.items()]
    return table(("command", "does"), rows)


def settings() -> str:
    """Every environment variable."""
    rows = [
        (f"`{name.env}`{' (secret)' if name.secret else ''}", name.meaning, _default(name.default))
        for name in NAMES
    ]
    return table(("name", "meaning", "default"), rows)


def problems() -> str:
    """Every kind of refusal."""
    rows = []
    for kind in Kind:
        status, title = status_and_title(kind)
        rows.append((str(status), f"`/problems/{kind.value}`", title))
    return table(("status", "`type`", "`title`"), sorted(rows))


def fields() -> str:
    """What intake calls each field, and the spellings that it takes for it."""
    spellings: dict[Field, list[str]] = {field: [] for field in Field}
    for spelling, (field, _) in sorted(RANKS.items(), key=lambda entry: entry[1][1]):
        spellings[field].append(_spelled(spelling))
    rows = [(f"`{field}`", " ".join(words)) for field, words in spellings.items()]
    return table(("field", "spellings, best first"), rows)


def faults() -> str:
    """Which fault may be asked for where."""
    kinds = get_args(Do)
    rows = [
        (f"`{where}`", *("yes" if do in able else "" for do in kinds))
        for where, able in ALLOWED.items()
    ]
    return table(("`where`", *(f"`{do}`" for do in kinds)), rows)


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "settings": settings,
    "problems": problems,
    "fields": fields,
    "faults": faults,
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def written(text: str) -> str:
    """The document with every generated part made anew. An unknown part is a KeyError."""
    return MARK.sub(lambda found: f"{found[1]}{PARTS[found['part']]()}{found[3]}", text)


def documents() -> list[Path]:
    """Every Markdown file of the project that a reader may open."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _default(text: str) -> str:
    return f"`{text}`" if re.fullmatch(r"[\w.:/]+", text) and text != "none" else text


def _spelled(word: str) -> str:
    return f"**{word}**" if word in UNMISTAKABLE else word


def main() -> None:
    """Write every document whose generated parts have changed, and say which."""
    for path in documents():
        before = path.read_text(encoding="utf-8")
        after = written(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
