"""The team as it is now, and the policies leads are pinned to, read from the ledger.

What every lead needs at once (people, shifts, sources, carrier) comes from the ledger's one copy,
so that every process sees the same team; it is read again at most once a second, by a thread of
its own: whoever asks may hold a connection and a lead, and must not wait for another connection.
Policies never change, so they are kept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import structlog
from sqlalchemy import Connection

from service.errors import ConfigError
from service.ledger import floor_marks, looks, people
from service.ledger.engine import Ledger
from service.rules.duty import changes_after, on_duty
from service.rules.floor import Floor, Person
from service.rules.lead import RepId
from service.rules.policy import Policy
from service.rules.timeline import Channel
from service.team.team import Source, Team
from service.team.written import (
    policy_digest,
    policy_from_dict,
    policy_to_dict,
    team_from_dict,
    team_to_dict,
)

log = structlog.get_logger("present")

# How old the team may be in a process that never asks: a change of the file reaches every lead
# within a second, and a look does not pay a query for it.
TEAM_KEPT_S = 1.0
# Who finds the copy too old waits so long for the new one, so that a process that slept for an
# hour does not go by the team of an hour ago; a query takes a hundredth of it. No longer: whoever
# asks may hold the very connection that the reading waits for.
REFRESH_WAIT_S = 0.25
# Policy versions in use at one time are few; this bounds a process that lives for years.
POLICIES_MAX = 500
# The engaged, where nobody is on a call.
NOBODY: Mapping[RepId, datetime | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Crew:
    """The team's present copy with what is often asked of it. ``generation`` counts the loads that
    changed it."""

    generation: int
    team: Team
    policy_version: int
    people: Mapping[RepId, Person]
    by_phone: Mapping[str, Person]
    sources: Mapping[str, Source]

    def source_name(self, source: str) -> str:
        """The source as a rep is told of it."""
        known = self.sources.get(source)
        return known.name if known else source.replace("-", " ")

    def zone_of(self, rep: RepId) -> str:
        person = self.people.get(rep)
        return (person.zone if person else None) or self.team.timezone


class Present:
    """Reads and keeps the crew and the policies. One per process, shared by its threads."""

    def __init__(self, ledger: Ledger, *, mail: bool = False) -> None:
        """``mail``: there is a mail server, by which pages can go when the carrier fails."""
        self._ledger = ledger
        self._mail = mail
        self._lock = threading.Lock()  # held while the team is being read
        self._crew: Crew | None = None
        self._read_at = 0.0
        self._policies: dict[int, Policy] = {}

    @property
    def mail(self) -> bool:
        """Whether there is a mail server."""
        return self._mail

    def crew(self) -> Crew:
        """The team now. Raises ConfigError when no team was ever loaded, and LedgerUnavailable
        only until it was read once: an old copy is better than none."""
        crew = self._crew
        if crew is None:
            return self._first()
        if time.monotonic() - self._read_at < TEAM_KEPT_S or self._lock.locked():
            return crew
        self._refresh()
        return self._crew or crew

    def _first(self) -> Crew:
        with self._lock:
            if self._crew is None:
                self._crew = self._read()
                self._read_at = time.monotonic()
            return self._crew

    def _refresh(self) -> None:
        """Have the team read again beside this thread, and wait a moment for it."""
        reading = threading.Thread(target=self._read_again, name="team", daemon=True)
        try:
            reading.start()
        except RuntimeError as full:
            log.warning("team", outcome="not read again", because=str(full))
            return
        reading.join(REFRESH_WAIT_S)

    def _read_again(self) -> None:
        if not self._lock.acquire(blocking=False):
            return  # another one is reading
        try:
            self._crew = self._read()
        except Exception as failed:
            # Whatever it was: the old copy holds, and the next second asks again.
            log.warning("team", outcome="not read again", because=str(failed))
        finally:
            self._read_at = time.monotonic()
            self._lock.release()

    def keep_up(self, conn: Connection, generation: int) -> None:
        """Have the team as it is in this transaction: ``generation`` is the ledger's. A look that
        a change of the team asked for must not find the team of a second ago."""
        if self.crew().generation != generation:
            self._crew = _crew_in(conn, self._crew)

    def _read(self) -> Crew:
        with self._ledger.transaction() as conn:
            return _crew_in(conn, self._crew)

    def policy(self, conn: Connection, version: int) -> Policy:
        """The policy a lead was promised, by its version."""
        known = self._policies.get(version)
        if known is None:
            body = people.policy_body(conn, version)
            if body is None:
                raise ConfigError(f"the ledger has no policy version {version}")
            known = policy_from_dict(body)
            if len(self._policies) >= POLICIES_MAX:
                self._policies.clear()
            self._policies[version] = known
        return known

    def floor_in(
        self,
        conn: Connection,
        generation: int,
        now: datetime,
        deaf: frozenset[tuple[str, Channel]],
        tripped: Mapping[Channel, datetime],
        engaged: Mapping[RepId, datetime | None] = NOBODY,
        dial_zones: tuple[str, ...] | None = None,
    ) -> Floor:
        """The floor as a transaction that holds a lead must see it: of the team whose
        ``generation`` it read."""
        self.keep_up(conn, generation)
        return self.floor(now, deaf, tripped, engaged, dial_zones)

    def floor(
        self,
        now: datetime,
        deaf: frozenset[tuple[str, Channel]],
        tripped: Mapping[Channel, datetime],
        engaged: Mapping[RepId, datetime | None] = NOBODY,
        dial_zones: tuple[str, ...] | None = None,
    ) -> Floor:
        """What is true of the team at ``now``; ``deaf`` are phones that a channel cannot reach,
        ``tripped`` channels on which the carrier fails, and until when; ``engaged`` reps on a
        call, or just off one; ``dial_zones`` as in ``Floor``.

        Whose turn it is is left open: most looks begin none. So is who answers unseen pages.
        """
        crew = self.crew()
        shifts = crew.team.shifts
        open_now = {channel: until for channel, until in tripped.items() if until > now}
        on_call = {rep: free_at for rep, free_at in engaged.items() if not _is_past(free_at, now)}
        changes = [changes_after(shifts, now), *open_now.values(), *on_call.values()]
        return Floor(
            people=crew.people,
            on_duty=on_duty(shifts, now),
            deaf=_deaf(crew, deaf),
            texts_off=crew.team.texts_off,
            tripped=open_now,
            mail=self._mail,
            engaged=on_call,
            dial_zones=dial_zones,
            changes_at=min((at for at in changes if at is not None), default=None),
        )


def _crew_in(conn: Connection, known: Crew | None) -> Crew:
    """The team as the ledger has it; ``known`` itself when that is the one. Raises ConfigError."""
    copy = people.team(conn)
    if copy is None:
        raise ConfigError("no team is loaded: run `speedtolead migrate` with a team file")
    if known is not None and known.generation == copy.generation:
        return known
    team = team_from_dict(copy.body["team"])
    return crew_of(team, copy.body["policy_version"], copy.generation)


def crew_of(team: Team, policy_version: int, generation: int) -> Crew:
    """The team with its people and sources by the keys they are asked for."""
    return Crew(
        generation=generation,
        team=team,
        policy_version=policy_version,
        people=MappingProxyType({person.id: person for person in team.people}),
        by_phone=MappingProxyType({person.phone: person for person in team.people}),
        sources=MappingProxyType({source.id: source for source in team.sources}),
    )


def load_team(ledger: Ledger, team: Team, at: datetime, replaces: str | None = None) -> bool:
    """Make ``team`` the present one and pin its policy; False when it is not what then holds.

    ``replaces`` is the digest last seen by the caller, so that an older copy of the file never
    turns a newer one back; None at a start, where an operator asked for this file. Open leads keep
    the policy they were promised, and are looked at again: the floor may have changed.
    """
    policy = policy_to_dict(team.policy)
    with ledger.transaction() as conn:
        before = people.team(conn)
        version = people.pin_policy(conn, policy_digest(team.policy), policy, at)
        body = {"team": team_to_dict(team), "policy_version": version}
        held = people.save_team(conn, team.digest, body, at, replaces)
        ours = held.digest == team.digest
        moved = ours and before is not None and before.digest != team.digest
        floor_moves(conn, moved)
    if moved:
        floor_changed(ledger, at)
    return ours


def floor_moves(conn: Connection, moved: bool) -> bool:
    """Mark that the floor changes with this transaction, if it does; ``moved`` again. After the
    commit, ``floor_changed`` is called."""
    if moved:
        floor_marks.mark(conn)
    return moved


def floor_changed(ledger: Ledger, at: datetime) -> None:
    """Have the open leads that it may touch looked at: whom to page may be somebody else by now.

    Whoever changed the floor has marked that (``floor_moves``) in the transaction of the change,
    so that the sweep tells the leads if nobody else lives to do it.
    """
    with ledger.transaction() as conn:
        marked = floor_marks.marked(conn)
    after = ""
    while True:
        with ledger.transaction() as conn:
            asked = looks.ask_looks_of_open(conn, at, after)
            if not asked and marked is not None:
                floor_marks.unmark(conn, marked)
        if not asked:
            return
        after = asked[-1]


def floor_left_behind(ledger: Ledger, at: datetime) -> bool:
    """Tell open leads of a change whose teller died; whether there was one."""
    with ledger.transaction() as conn:
        left = floor_marks.left_behind(conn)
    if left:
        floor_changed(ledger, at)
    return left


def _is_past(free_at: datetime | None, now: datetime) -> bool:
    """Whether somebody who hung up may be rung again by now."""
    return free_at is not None and free_at <= now


def _deaf(crew: Crew, phones: frozenset[tuple[str, Channel]]) -> frozenset[tuple[RepId, Channel]]:
    return frozenset(
        (crew.by_phone[phone].id, channel) for phone, channel in phones if phone in crew.by_phone
    )
