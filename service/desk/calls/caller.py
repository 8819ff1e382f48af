"""One inbound call, as a transaction that holds its lead sees it, and how what the carrier tells of
it is heard once.

    ringing ─► taken ─► (held to its end)
        │        └────► lost: taken, and the two never met
        └────► voicemail: out of the queue, or never in it

What a call came to is written to the timeline once; then it is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from service.desk.calls.once import Heard, News, follow, once
from service.desk.desk import Desk
from service.desk.record import Held, hold, persistently, record
from service.ledger import calls, engaged
from service.ledger.calls import CallRow
from service.rules.call_facts import WentToVoicemail
from service.rules.lead import CallId, LeadId, RepId
from service.rules.policy import Policy
from service.rules.timeline import Event, Fact

CARRIER = "carrier"

T = TypeVar("T")

log = structlog.get_logger("caller")


class Stage(StrEnum):
    """Where a caller is."""

    RINGING = "ringing"
    TAKEN = "taken"
    LOST = "lost"
    VOICEMAIL = "voicemail"


@dataclass(slots=True)
class Caller:
    """A caller, held. ``row`` and ``held`` are as last written; ``stirred``: the timeline has
    grown; ``freed``: who is on no call any more."""

    desk: Desk
    conn: Connection
    held: Held
    row: CallRow
    now: datetime
    stirred: bool = False
    freed: RepId | None = None

    @property
    def policy(self) -> Policy:
        """What the caller's lead was promised."""
        return self.desk.present.policy(self.conn, self.held.row.policy_version)

    @property
    def settled(self) -> bool:
        return self.row.settled_at is not None

    @property
    def waits(self) -> bool:
        """Whether the caller waits for somebody to take the call."""
        return self.row.stage == Stage.RINGING and self.row.over_at is None and not self.settled

    def happened(self, kind: type[Fact]) -> bool:
        """Whether the timeline knows a fact of this kind of this call."""
        return any(
            isinstance(event.fact, kind) and getattr(event.fact, "call_id", None) == self.row.id
            for event in self.held.timeline
        )

    def records(self, facts: Sequence[tuple[Fact, datetime]], because: str, actor: str) -> None:
        """Write facts down, each with when it happened."""
        first = self.held.standing.last_seq + 1
        events = tuple(
            Event(first + index, min(at, self.now), self.now, because, actor, fact)
            for index, (fact, at) in enumerate(facts)
        )
        self.held = record(self.conn, self.held, events)
        self.stirred = self.stirred or bool(events)

    def saves(self, **changes: Any) -> None:
        """Write what is known of the call by now."""
        self.row = replace(self.row, **changes)
        calls.save(self.conn, self.row)

    def leaves_queue(self) -> None:
        """From now on nobody can take the call: the caller is asked for a message."""
        if self.row.stage != Stage.VOICEMAIL and not self.settled:
            gone = WentToVoicemail(self.row.id)
            self.records([(gone, self.now)], "nobody could take the call", CARRIER)
        self.saves(stage=Stage.VOICEMAIL)

    def settles(self, over_at: datetime) -> None:
        """All that there is to say of this call is said."""
        if not self.settled:
            self.saves(over_at=self.row.over_at or over_at, settled_at=self.now, ask_at=None)
            engaged.release_caller(self.conn, self.row.id, self.row.rep_id, self.now)

    def asks_in(self, wait: timedelta, **changes: Any) -> None:
        """Have the carrier asked about this call if nothing is told within ``wait``."""
        self.saves(ask_at=None if self.settled else self.now + wait, **changes)


def caller_of(desk: Desk, conn: Connection, call_id: CallId, held: Held) -> Caller | None:
    """The inbound call of this name, as it stands now that its lead is held; None: there is none.

    ``held`` must be the lead of the call."""
    row = calls.call(conn, call_id)
    if row is None or row.direction != "in" or row.lead_id != held.id:
        log.warning("caller", call=call_id, outcome="ignored", because="no such caller")
        return None
    return Caller(desk, conn, held, row, desk.now_for(held.row.last_recorded_at))


def lead_of(conn: Connection, call_id: CallId) -> LeadId | None:
    """Whose call it is; None: there is no such call."""
    row = calls.call(conn, call_id)
    return row.lead_id if row else None


def hear_once(
    desk: Desk, call_id: CallId, name: str, act: Callable[[Caller], str], otherwise: str
) -> str:
    """Act on what the carrier tells under ``name``, and answer with a document; a replay gets the
    same one. ``otherwise`` answers what is about no caller of ours. Raises LeadBusy,
    LedgerUnavailable: then nothing was written."""

    def acted(conn: Connection, held: Held, _now: datetime) -> Heard:
        caller = caller_of(desk, conn, call_id, held)
        if caller is None:
            return Heard(otherwise)
        document = act(caller)
        return Heard(document, stirred=caller.stirred, freed=caller.freed)

    known = once(desk, News(name, "caller"), lambda conn: lead_of(conn, call_id), acted, otherwise)
    return known or otherwise


def on_caller(desk: Desk, call_id: CallId, act: Callable[[Caller], T], otherwise: T) -> T:
    """Act on a caller in a transaction of its own that nobody replays: asked by ourselves, or
    again and again. Raises LeadBusy, LedgerUnavailable."""
    return persistently(lambda: _on_caller(desk, call_id, act, otherwise))


def _on_caller(desk: Desk, call_id: CallId, act: Callable[[Caller], T], otherwise: T) -> T:
    with desk.ledger.transaction() as conn:
        lead_id = lead_of(conn, call_id)
        held = hold(conn, lead_id) if lead_id else None
        caller = caller_of(desk, conn, call_id, held) if held else None
        if caller is None:
            return otherwise
        done = act(caller)
    follow(desk, caller.held.id, Heard(stirred=caller.stirred, freed=caller.freed))
    return done
