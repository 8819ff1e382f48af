"""The log of a house: JSON lines, of which none may be an error unless a story says so."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

BAD = ("error", "critical")


@dataclass
class Diary:
    """Everything that the processes of one house wrote to stderr."""

    path: Path
    read_to: int = 0

    def turns_the_page(self) -> None:
        """What was written so far is an earlier story's."""
        self.read_to = self.path.stat().st_size

    def lines(self) -> list[str]:
        """What was written since, whole lines only."""
        with self.path.open("rb") as file:
            file.seek(self.read_to)
            held = file.read().decode(errors="replace")
        return held.split("\n")[:-1]

    def entries(self) -> list[Json]:
        """The same, as JSON; a line that is none counts as an error of its own."""
        return [_entry(line) for line in self.lines() if line]

    def errors(self, expected: tuple[str, ...] = ()) -> list[str]:
        """Lines of level error or worse, stack traces, and lines that are not JSON at all, but
        for those with one of the `expected` words."""
        found = [entry for entry in self.entries() if _is_bad(entry)]
        written = [json.dumps(entry) for entry in found]
        return [line for line in written if not any(word in line for word in expected)]


def _entry(line: str) -> Json:
    try:
        held = json.loads(line)
    except ValueError:
        held = None
    return held if isinstance(held, dict) else {"level": "error", "event": "not JSON", "line": line}


def _is_bad(entry: Json) -> bool:
    return entry.get("level") in BAD or "Traceback" in json.dumps(entry)
