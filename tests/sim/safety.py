"""What must hold after every step, whatever failed in it.

Each law says what it forbids in a sentence that a failure prints. They judge by the events, by the
rows of the outbox and by the carrier's own record; the product's rules are asked only where the
ledger's copy must equal them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.desk.record import standing_row
from service.ledger.lead_rows import OwedRow
from service.rules import call_facts as c
from service.rules import timeline as t
from service.rules.folding import fold
from service.rules.hours import WeeklyHours
from service.rules.lead import LeadId, PageId
from service.rules.policy import AfterHours, Policy, Rung
from service.rules.timeline import Audience, Channel, Event
from tests.sim.call_laws import Broken, CallLaws
from tests.sim.carrier import Carrier
from tests.sim.seen import Changes, LeadSeen, Moved, Seen
from tests.sim.tale import Tale, Untrue

RINGS = ("bridge_call", "hunt_call")
# What is asked of the carrier at most once.
ONCE = (*RINGS, "hang_up")
PAGES = ("page_text", "page_call", "page_email")
CLOSED = ("settled", "excluded")
# How far a message may come, once it has come so far.
NEXT = {
    "ordered": {"ordered", "taken", "withdrawn", "expired", "sent", "failed", "unsure"},
    "taken": {"taken", "sent", "failed", "unsure"},
    "unsure": {"unsure", "sent", "failed"},
    "sent": {"sent"},
    "failed": {"failed"},
    "withdrawn": {"withdrawn"},
    "expired": {"expired"},
}
# Texts to one rep about one lead before somebody claims it. DESIGN.md, "The words".
TEXTS_MAX = 3


@dataclass(frozen=True, slots=True)
class Crewed:
    """Who was on the team, and how it could be reached, when a step was taken. A process may go
    by a copy a second old, so whoever is in either copy may be paged."""

    phones: dict[str, str]
    lately_left: frozenset[str]
    texts_off: bool
    lately_texts: bool


@dataclass
class Safety:
    """Holds every step of one world against the laws. ``texts_max`` None: that law is off."""

    seen: Seen
    carrier: Carrier
    policy: Policy
    texts_max: int | None = TEXTS_MAX
    tales: dict[LeadId, Tale] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    paged: dict[tuple[object, ...], str] = field(default_factory=dict)
    accepted: int = 0
    calls: CallLaws = field(init=False)

    def __post_init__(self) -> None:
        self.calls = CallLaws(self.carrier.exchange, self.policy)

    def now(self) -> datetime:
        """Business time, as the processes read it."""
        return self.carrier.clocks.now()

    def check(self, changes: Changes, crew: Crewed) -> None:
        """Raises Broken, naming the law."""
        self._must(not changes.rewritten, f"a timeline was rewritten: {changes.rewritten}")
        escalated: Counter[LeadId] = Counter()
        for lead_id, event in changes.events:
            self._event(lead_id, event, crew, changes)
            escalated[lead_id] += event.kind == "escalated"
        self._must(not any(n > 1 for n in escalated.values()), "escalated twice in one step")
        for lead_id in dict.fromkeys(LeadId(now["id"]) for _, now in changes.leads):
            self._row(self.seen.leads[lead_id], self.tales[lead_id])
            self._withdrawn(lead_id)
        for moved in changes.rows:
            self._message(moved, changes)
        self._carrier()

    def whole(self) -> None:
        """What is too dear for every step: everything folded anew from its beginning."""
        for lead in self.seen.leads.values():
            folded = fold(lead.timeline)
            self._must(folded == lead.standing, f"{lead.name} folds otherwise at once")
            seqs = [event.seq for event in lead.timeline]
            self._must(seqs == list(range(1, len(seqs) + 1)), f"{lead.name} has a gap: {seqs}")

    # Events

    def _event(self, lead_id: LeadId, event: Event, crew: Crewed, changes: Changes) -> None:
        lead = self.seen.leads[lead_id]
        tale = self.tales.setdefault(lead_id, Tale())
        before = lead.timeline[event.seq - 2] if event.seq > 1 else None
        self._must(event.seq == 1 or before is not None, f"{lead.name} begins at {event.seq}")
        self._must(event.at <= event.recorded_at, f"{event.kind} recorded before it happened")
        if before is not None:
            self._must(before.recorded_at <= event.recorded_at, f"{event.kind} recorded earlier")
        for law in self.calls.forbidden(tale, event):
            raise Broken(f"{lead.name} seq {event.seq}: {law}")
        if isinstance(event.fact, t.Paged):
            for why in self._forbidden(lead, tale, event, event.fact, crew, changes):
                raise Broken(f"{lead.name} seq {event.seq}: {why}")
        try:
            tale.hears(event)
        except Untrue as untrue:
            raise Broken(f"{lead.name} seq {event.seq}: {untrue}") from untrue
        if isinstance(event.fact, c.Rang):
            self._must(event.fact.leg in self.seen.outbox, f"{lead.name}: a ring never ordered")
        if isinstance(event.fact, t.Paged | t.Told):
            self._ordered(lead, event.fact, crew, changes)

    def _forbidden(
        self,
        lead: LeadSeen,
        tale: Tale,
        event: Event,
        page: t.Paged,
        crew: Crewed,
        changes: Changes,
    ) -> Iterator[str]:
        """Why this page should not have been decided."""
        if page.audience is Audience.OWNER:
            yield from self._of_owner(tale, event, page)
            return
        rep, channel = page.rep, page.channel.value
        outer = page.audience in (Audience.MANAGERS, Audience.LAST_RESORT)
        if not tale.waiting:
            yield f"{rep} is paged, but {tale.owner or 'nobody'} has a lead that does not wait"
        if rep in tale.passed and not outer:
            yield f"{rep} is paged, who passed"
        if rep in tale.taken_back and not outer:
            yield f"{rep} is paged, from whom it was taken back"
        if rep not in crew.phones and rep not in crew.lately_left:
            yield f"{rep} is paged, who left the team"
        phone = crew.phones.get(rep)
        at_top = page.rung in (len(self.policy.ladder), len(self.policy.night_ladder))
        failed = (rep, channel) in tale.dead and not at_top  # behind the last rung stands nobody
        if (phone, channel) in changes.deaf_before or failed:
            yield f"{rep} is paged by {channel}, which does not reach them"
        if channel == "text" and crew.texts_off and not crew.lately_texts:
            yield f"{rep} is paged by text, and texts are off"
        yield from self._at_night(tale, event)
        yield from self._twice(lead, tale, event, page)
        if self.texts_max is not None and channel == "text":
            texts = sum(
                climb == tale.climb and old.rep == rep and old.channel is Channel.TEXT
                for page_id, (climb, old, _) in tale.pages.items()
                if page_id not in tale.failed
            )
            if texts >= self.texts_max:
                yield f"{rep} gets text {texts + 1} about a lead nobody claimed"

    @staticmethod
    def _of_owner(tale: Tale, event: Event, page: t.Paged) -> Iterator[str]:
        """Why this reminder should not have been decided."""
        if tale.owner != page.rep or not tale.open:
            yield f"{page.rep} is asked for a call, but {tale.owner or 'nobody'} has the lead"
        if not any(owed.call_at <= event.at for owed in tale.owed):
            yield f"{page.rep} is asked for a call that is not owed yet"

    def _at_night(self, tale: Tale, event: Event) -> Iterator[str]:
        """Nobody is woken for a lead that may wait for the opening."""
        hours = self.policy.hours
        if self.policy.after_hours is not AfterHours.AT_OPENING or tale.in_hand:
            return
        begun = tale.climb_at
        opens_at = hours.next_open(begun) if begun is not None else None
        if begun is not None and not hours.is_open(begun) and opens_at and event.at < opens_at:
            yield f"paged at {event.at:%a %H:%M} while the team is closed"

    def _twice(self, lead: LeadSeen, tale: Tale, event: Event, page: t.Paged) -> Iterator[str]:
        """One rung of one climb pages one person once, but for the last rung's repeat and for
        what failed."""
        morning = _morning(self.policy.hours, tale, event.at)
        turn = page.turn_at
        key = (
            lead.name,
            tale.climb,
            morning,
            turn,
            page.rep,
            page.rung,
            page.channel is Channel.EMAIL,
        )
        before = self.paged.get(key)
        self.paged[key] = page.page_id
        if before is None or before in tale.failed:
            return
        repeat_s = _repeat_s(self.policy, page.rung)
        since = (event.at - tale.pages[before][2]).total_seconds()
        if repeat_s is None:
            yield f"{page.rep} is paged twice by rung {page.rung}, {since:.0f} s apart"
        elif since <= 0:
            yield f"{page.rep} is paged twice at once by rung {page.rung}"

    def _ordered(
        self, lead: LeadSeen, fact: t.Paged | t.Told, crew: Crewed, changes: Changes
    ) -> None:
        """What was decided is in the outbox, in the same transaction."""
        if fact.page_id in self.seen.outbox:
            return
        mute = (crew.phones.get(fact.rep), "text") in changes.deaf_before
        excused = isinstance(fact, t.Told) and (crew.texts_off or mute or _gone(fact.rep, crew))
        self._must(excused, f"{lead.name}: {fact} was never ordered")

    # Rows

    def _row(self, lead: LeadSeen, tale: Tale) -> None:
        row, standing = lead.row, lead.standing
        assert standing is not None
        copy = standing_row(standing)
        for name in copy.__dataclass_fields__:
            kept, folded = row[name], getattr(copy, name)
            if isinstance(folded, datetime):
                kept = datetime.fromisoformat(kept) if kept else None
            elif name == "owed":
                kept = tuple(_owed_row(each) for each in kept)
            self._must(kept == folded, f"{lead.name}.{name} is {kept}, folded {folded}")
        self._must(row["last_seq"] == len(lead.timeline), f"{lead.name}: a lost event")
        self._must(
            row["owner"] == tale.owner, f"{lead.name} is {row['owner']}'s, not {tale.owner}'s"
        )
        waits = row["state"] == "waiting"
        self._must(waits == tale.waiting, f"{lead.name} is {row['state']}, waits: {tale.waiting}")
        self._must((row["state"] not in CLOSED) == tale.open, f"{lead.name} is {row['state']}")
        forgotten = tale.open and row["look_again_at"] is None
        self._must(not forgotten, f"{lead.name} is open, and nobody will look")

    def _withdrawn(self, lead_id: LeadId) -> None:
        """Whatever ends the waiting withdraws the pages that nobody has taken."""
        if self.tales[lead_id].waiting:
            return
        for row in self.seen.outbox.values():
            waits = row["lead_id"] == lead_id and row["state"] == "ordered"
            # A repeat is ordered in any case, and asked about when it is taken.
            page = waits and row["kind"] in PAGES and not row["again_of"]
            reminds = page and row["id"] in self.tales[lead_id].reminders
            if reminds and self.tales[lead_id].owner == row["rep_id"]:
                continue
            self._must(not page, f"{self.seen.page_name(row['id'])}: ordered for nobody")

    def _message(self, moved: Moved, changes: Changes) -> None:
        row, name = moved.now, self.seen.page_name(moved.now["id"])
        self._must(moved.is_ in NEXT[moved.was], f"{name}: {moved.was} became {moved.is_}")
        if moved.is_ == "unsure" or moved.was == "unsure":
            self.unsure.add(row["id"])
        head = self.seen.outbox.get(row["carried_by"]) if row.get("carried_by") else None
        if head is not None and moved.is_ == "unsure" and moved.was == "taken":
            self._must(head["state"] != "sent", f"{name}: unsure, and the text it was in was sent")
        again = PageId(f"{row['id']}.2") in self.seen.outbox
        if row["kind"] in ONCE:
            self._must(not again, f"{name}: at most once, and ordered again")
            if moved.taken_now and row["kind"] in RINGS:
                self.calls.taken(self.tales[LeadId(row["lead_id"])], row, name)
        elif moved.is_ == "unsure" and moved.was != "unsure" and not row["again_of"]:
            self._must(again, f"{name}: nobody knows whether it went out, and it is not sent again")
        if row["again_of"] and moved.before is None and moved.is_ != "withdrawn":
            self._must(row["again_of"] in self.unsure, f"{name}: sent again, and was not unsure")
        if row["again_of"]:
            self._must(not str(row["again_of"]).endswith(".2"), f"{name}: sent a third time")
        if moved.taken_now and row["channel"] == "text":
            deaf = (row["to_number"], "text") in changes.deaf_before
            self._must(not deaf, f"{name}: taken for a phone that texts do not reach")
        if moved.taken_now and row["kind"] in PAGES:
            self._taken(moved, name)

    def _taken(self, moved: Moved, name: str) -> None:
        """No page is taken once the lead has ceased to wait, or its rep has passed."""
        row = moved.now
        tale = self.tales[LeadId(row["lead_id"])]
        page_id = row["again_of"] or row["id"]
        on_line = tale.lines_up(self.now())
        self._must(not on_line, f"{name}: taken while a call with the lead is up")
        if page_id in tale.reminders:
            owner = tale.reminders[page_id][0].rep
            self._must(tale.owner == owner, f"{name}: taken though {tale.owner} has the lead")
            return
        self._must(tale.waiting, f"{name}: taken though {tale.owner or 'nobody'} has the lead")
        climb, page, at = tale.pages[page_id]
        self._must(climb == tale.climb, f"{name}: taken in a later climb")
        passed_at = tale.passed_since.get(page.rep)
        self._must(passed_at is None or passed_at <= at, f"{name}: taken though {page.rep} passed")

    def _carrier(self) -> None:
        """What really went out: each message once, and only what a sender had taken."""
        for sent in self.carrier.sent[self.accepted :]:
            row = self.seen.outbox.get(sent.page_id)
            self._must(row is not None, f"{sent.page_id} was sent, and never ordered")
            copies = [each for each in self.carrier.sent if each.page_id == sent.page_id]
            name = self.seen.page_name(sent.page_id)
            self._must(len(copies) == 1, f"{name}: one row went out {len(copies)} times")
            assert row is not None
            out = row["state"] in ("taken", "sent", "failed", "unsure")
            self._must(out, f"{name}: went out while {row['state']}")
            self._must(sent.to == row["to_number"], f"{name}: went to {sent.to}")
        self.accepted = len(self.carrier.sent)
        self._must(not self.carrier.cut_off, "a call was ended while two talked on it")

    @staticmethod
    def _must(holds: object, law: str) -> None:
        if not holds:
            raise Broken(law)


def _owed_row(kept: Mapping[str, Any]) -> OwedRow:
    since, due_at, call_at = (
        datetime.fromisoformat(kept[name]) for name in ("since", "due_at", "call_at")
    )
    return OwedRow(kept["kind"], since, due_at, call_at, kept["missed"])


def _gone(rep: str, crew: Crewed) -> bool:
    return rep not in crew.phones or rep in crew.lately_left


def _morning(hours: WeeklyHours, tale: Tale, at: datetime) -> datetime | None:
    """The opening that began this climb anew: a climb begun at night begins again then."""
    begun = tale.climb_at
    if begun is None or hours.is_open(begun):
        return None
    opens_at = hours.next_open(begun)
    return opens_at if opens_at is not None and at >= opens_at else None


def _repeat_s(policy: Policy, rung: int) -> int | None:
    """After how long a rung of this number repeats; by night and by day it may differ."""
    found: list[Rung] = [
        ladder[rung - 1] for ladder in (policy.ladder, policy.night_ladder) if rung <= len(ladder)
    ]
    return next((each.repeat_s for each in found if each.repeat_s), None)
