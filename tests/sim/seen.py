"""What a step changed in the ledger, read after it by whoever was not there.

One statement brings every row written since the last reading (by the transaction ids that
PostgreSQL keeps in each row), and sets the database's clock for the next step. Nothing of the
desk's own memory is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from service.rules.folding import after, fold
from service.rules.lead import LeadId, PageId
from service.rules.standing import Standing
from service.rules.timeline import Event, Timeline, from_fields
from tests.sim.frail import FrailLedger
from tests.sim.moved_time import SEQUENCE, Clocks

_READ = text(f"""
select setval('{SEQUENCE}', greatest(:us, (select last_value from {SEQUENCE}) + 1)),
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
  (select coalesce(jsonb_agg(to_jsonb(l) order by l.arrived_at, l.id), '[]') from lead l
   where l.xmin::text::bigint >= :since),
  (select coalesce(jsonb_agg(to_jsonb(e) order by e.lead_id, e.seq), '[]') from event e
   where e.xmin::text::bigint >= :since),
  (select coalesce(jsonb_agg(to_jsonb(o) order by o.ordered_clock), '[]') from outbox o
   where o.xmin::text::bigint >= :since),
  (select coalesce(jsonb_agg(jsonb_build_array(d.phone, d.channel) order by d.phone), '[]')
   from deaf d)
""")

Row = Mapping[str, Any]


@dataclass
class LeadSeen:
    """A lead as the ledger has it: its row, and its events with what they fold to."""

    name: str
    row: Row = field(default_factory=dict)
    timeline: Timeline = ()
    standing: Standing | None = None

    def adds(self, event: Event) -> None:
        self.timeline = (*self.timeline, event)
        self.standing = after(self.standing, event) if self.standing else fold(self.timeline)


@dataclass(frozen=True, slots=True)
class Moved:
    """A message's row before (None: it is new) and after a step."""

    before: Row | None
    now: Row

    @property
    def was(self) -> str:
        return str(self.before["state"]) if self.before else "ordered"

    @property
    def is_(self) -> str:
        return str(self.now["state"])

    @property
    def taken_now(self) -> bool:
        """It was handed to a sender in this step, or later things happened to it at once."""
        fresh = self.before is None or self.was == "ordered"
        return fresh and self.is_ in ("taken", "sent", "failed", "unsure")


@dataclass
class Changes:
    """Everything one step wrote, in an order that no random id decides."""

    leads: list[tuple[Row | None, Row]] = field(default_factory=list)
    events: list[tuple[LeadId, Event]] = field(default_factory=list)
    rows: list[Moved] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    deaf_before: frozenset[tuple[str, str]] = frozenset()

    @property
    def any(self) -> bool:
        return bool(self.leads or self.events or self.rows)


@dataclass
class Seen:
    """All that was ever read of one world's ledger."""

    ledger: FrailLedger
    clocks: Clocks
    leads: dict[LeadId, LeadSeen] = field(default_factory=dict)
    outbox: dict[PageId, Row] = field(default_factory=dict)
    deaf: frozenset[tuple[str, str]] = frozenset()
    _since: int = 0

    def look(self) -> Changes:
        """What was written since the last look."""
        values = {"us": self.clocks.machine_us, "since": self._since}
        _us, self._since, leads, events, rows, deaf = self.ledger.watches(_READ, values)
        found = Changes(deaf_before=self.deaf)
        self.deaf = frozenset((phone, channel) for phone, channel in deaf)
        for row in leads:
            self._lead(found, row)
        for written in sorted(events, key=lambda each: (self.order(each["lead_id"]), each["seq"])):
            self._event(found, written)
        for row in rows:
            found.rows.append(Moved(self.outbox.get(row["id"]), row))
            self.outbox[row["id"]] = row
        return found

    def order(self, lead_id: LeadId) -> int:
        """The lead's place in the order of arrival; one not yet read comes last."""
        known = self.leads.get(lead_id)
        return int(known.name[1:]) if known else len(self.leads) + 1

    def name(self, lead_id: LeadId | str | None) -> str:
        known = self.leads.get(LeadId(lead_id)) if lead_id else None
        return known.name if known else "nobody"

    def page_name(self, page_id: PageId | str) -> str:
        """A message by the event that ordered it: no random id is ever told."""
        row = self.outbox.get(PageId(page_id))
        if row is None:
            return "a message nobody knows"
        again = " again" if row["again_of"] else ""
        seq = f".{row['seq']}" if row["seq"] else ""
        return f"{row['kind']} {self.name(row['lead_id'])}{seq} to {row['rep_id']}{again}"

    def waiting(self) -> list[LeadId]:
        return [lead_id for lead_id, lead in self.leads.items() if lead.row["state"] == "waiting"]

    def open(self) -> list[LeadId]:
        closed = ("settled", "excluded")
        return [each for each, lead in self.leads.items() if lead.row["state"] not in closed]

    def _lead(self, found: Changes, row: Row) -> None:
        lead_id = LeadId(row["id"])
        lead = self.leads.setdefault(lead_id, LeadSeen(f"L{len(self.leads) + 1}"))
        found.leads.append((lead.row or None, row))
        lead.row = row

    def _event(self, found: Changes, written: Row) -> None:
        lead_id = LeadId(written["lead_id"])
        lead = self.leads[lead_id]
        event = Event(
            written["seq"],
            datetime.fromisoformat(written["at"]),
            datetime.fromisoformat(written["recorded_at"]),
            written["because"],
            written["actor"],
            from_fields(written["kind"], written["fields"]),
        )
        if event.seq <= len(lead.timeline):
            found.rewritten.append(f"{lead.name} seq {event.seq}")
            return
        lead.adds(event)
        found.events.append((lead_id, event))
