"""Each source's door: its key, how much may come through, and what the team's country is.

Worked out once per copy of the team, so that a lead does not pay for it. It must not take
anything in, and must never say or log a key.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from redis import Redis

from service.desk.present import Crew, Present
from service.errors import ConfigError
from service.team.team import ENV_PREFIX, Source, SourceKind, resolve_key
from service.web.limits import RateLimit
from service.web.problems import Declined, Kind
from service.web.region import DEFAULT_REGION, region_of

TEAM_RETRY_S = 5
"""A team is loaded by whoever starts the service, within seconds of the ledger being ready."""

KEPT_PER_MINUTE = 10
KEPT_AT_ONCE = 200
"""Forms of a source that are kept for a person to look through, as bots' or as unreadable. Whoever
reads a form's page has its key; what is kept of a flood must not fill the ledger, and nobody reads
more. Of 16 KiB at most each, they are 230 MB a day for one source at the very worst."""

_SENT_TO_US = (SourceKind.JSON, SourceKind.FORM)

log = structlog.get_logger("web")


@dataclass(frozen=True, slots=True)
class Door:
    """A source as its requests are checked. An empty ``key`` opens to nobody."""

    source: Source
    key: str
    limit: RateLimit
    region: str


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The doors of one copy of the team."""

    crew: Crew | None
    doors: Mapping[str, Door]
    region: str


class Doors:
    """The doors of the team's JSON sources and forms. Shared by all threads of a process."""

    def __init__(
        self, present: Present, redis: Redis, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._present = present
        self._redis = redis
        self._environ = environ
        self._limits: dict[tuple[str, int], RateLimit] = {}
        self.kept = RateLimit(redis, KEPT_PER_MINUTE, KEPT_AT_ONCE)
        self._named: set[str] = set()
        self._drawn = _Drawn(None, {}, DEFAULT_REGION)

    def crew(self) -> Crew:
        """The team now. Raises LedgerUnavailable; Declined while no team was ever loaded."""
        try:
            return self._present.crew()
        except ConfigError:
            detail = "No team is loaded yet, so nothing can be taken in. Send the same again."
            raise Declined(Kind.LEDGER_UNAVAILABLE, detail, retry_after_s=TEAM_RETRY_S) from None

    def door(self, source_id: str, kind: SourceKind = SourceKind.JSON) -> Door:
        """The door of a source of this kind. Raises Declined when there is none."""
        door = self._now().doors.get(source_id)
        if door is None or door.source.kind is not kind:
            called = "JSON" if kind is SourceKind.JSON else kind.value
            raise Declined(Kind.UNKNOWN_SOURCE, f"The team has no {called} source with this id.")
        if not door.key:
            self._say_unset(door.source)
        return door

    def region(self) -> str:
        """The team's country, for phone numbers that do not name theirs."""
        return self._now().region

    def close(self) -> None:
        """Give back the connections of the rate limits."""
        for limit in (*self._limits.values(), self.kept):
            limit.close()

    def _now(self) -> _Drawn:
        """Two threads may draw the same doors at once; either's are right."""
        crew, drawn = self.crew(), self._drawn
        if drawn.crew is not crew:
            region = region_of(crew.team)
            doors: dict[str, Door] = {
                source.id: self._door(source, region)
                for source in crew.team.sources
                if source.kind in _SENT_TO_US
            }
            drawn = self._drawn = _Drawn(crew, doors, region)
        return drawn

    def _door(self, source: Source, region: str) -> Door:
        key = resolve_key(source.key, self._environ) if source.key else None
        called = (source.id, source.per_minute)
        if called not in self._limits:
            # A minute's worth at once: a campaign's leads come in one breath.
            self._limits[called] = RateLimit(self._redis, source.per_minute, source.per_minute)
        return Door(source, key or "", self._limits[called], region)

    def _say_unset(self, source: Source) -> None:
        """Tell the operator once, not with every lead, which variable is missing."""
        if source.id in self._named:
            return
        self._named.add(source.id)
        variable = (source.key or "").removeprefix(ENV_PREFIX) or "its key"
        because = f"{variable} is not set in the environment"
        log.error("source", source=source.id, outcome="closed", because=because)
