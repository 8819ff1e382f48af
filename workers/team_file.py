"""The team file, loaded again when this machine's copy of it changes.

What counts is the change of the copy, not that it differs from the ledger: with copies on several
machines, one that has not been brought up to date yet must never turn a newer one back. This file
must not know what a team is; it says only when to load one.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from service.desk.desk import Desk
from service.desk.present import load_team
from service.errors import LeadBusy, LedgerUnavailable
from service.ledger import people
from service.team.file import read_team
from service.team.problem import TeamFileError
from service.team.week import years_around

log = structlog.get_logger("team_file")

# A file of a few kilobytes; whoever edits it looks up from the editor about so soon.
LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Copy:
    """What a load depends on: the file's content, and the years for which holidays are known."""

    content: str
    years: tuple[int, ...]


@dataclass
class TeamFile:
    """One watch over one file, in the sweep's process."""

    desk: Desk
    path: Path
    stop: threading.Event = field(default_factory=threading.Event)
    _copy: Copy | None = None
    _last_seen: str | None = None
    _refused: Copy | None = None

    def run(self) -> None:
        """Watch until told to stop."""
        while not self.stop.is_set():
            try:
                self.once()
            except (LedgerUnavailable, LeadBusy) as gone:
                log.warning("team file", outcome="not looked at", because=str(gone))
            except Exception:
                # Whatever it was, the team in the ledger stays; the next look may do better.
                log.exception("team file", outcome="failed")
            self.stop.wait(LOOK_EVERY_S)

    def once(self) -> bool:
        """Load the file if its copy changed since the last look; whether it was loaded.

        The first look only learns what there is: at a start it is `migrate` and `up` that load.
        """
        now = self.desk.clock.now()
        copy = Copy(_content(self.path), years_around(now))
        if self._copy is None and (held := self._held()) is not None:
            self._copy, self._last_seen = copy, held
            self._compare(copy, held)
            return False
        if copy in (self._copy, self._refused):
            return False
        return self._load(copy, now)

    def _load(self, copy: Copy, now: datetime) -> bool:
        try:
            team = read_team(self.path, copy.years)
        except TeamFileError as wrong:
            self._refused = copy  # said once for each content
            log.error("team file", outcome="not loaded, the team stays", because=str(wrong))
            return False
        loaded = load_team(self.desk.ledger, team, now, self._last_seen)
        self._copy, self._refused, self._last_seen = copy, None, self._held()
        if loaded:
            log.info("team file", outcome="loaded", digest=team.digest)
        else:
            because = "another copy was loaded meanwhile; `speedtolead migrate` loads this one"
            log.warning("team file", outcome="not loaded", because=because)
        return loaded

    def _compare(self, copy: Copy, held: str) -> None:
        """At the first look: say so when the ledger holds another team than the file."""
        try:
            differs = read_team(self.path, copy.years).digest != held
        except TeamFileError as wrong:
            self._refused = copy
            log.error("team file", outcome="cannot be used", because=str(wrong))
            return
        if differs:
            because = "the ledger holds another team; `speedtolead migrate` loads this file"
            log.warning("team file", outcome="not loaded", because=because)

    def _held(self) -> str | None:
        """The digest of the team that the ledger holds; None when it holds none."""
        with self.desk.ledger.transaction() as conn:
            copy = people.team(conn)
        return copy.digest if copy else None


def _content(path: Path) -> str:
    """What the file holds, as a digest; a file that is not to be read has a content too: why."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"unreadable: {error.strerror}"
