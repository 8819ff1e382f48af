"""The vocabulary of the tests of calls that connect: a rep's leg, the lead's, and what the carrier
tells of both. One verb for each callback, to be told in any order, twice, or never.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from service.desk.calls.asking import ask_due
from service.desk.calls.bridge import hear_bridge_key, whisper
from service.desk.calls.outcome import hear_outcome_key
from service.desk.calls.told import hear_dial_done, hear_leg, hear_verdict
from service.desk.hear_line import hear_receipt
from service.desk.take_in import TakenIn
from service.desk.taking import Taking
from service.ledger import calls, engaged, outbox
from service.ledger.calls import CallRow
from service.phone.call_callbacks import DialDone, Keyed, LegStatus, Verdict
from service.phone.callbacks import CallStatus
from service.phone.line import Line, NotFound, Unknown
from service.rules.calls import AnsweredBy
from service.rules.lead import CallId, PageId, RepId
from tests.rooms.desk_world import ANN, World

HUMAN, BEEP, UNKNOWN = AnsweredBy.HUMAN, AnsweredBy.BEEP, AnsweredBy.UNKNOWN


@dataclass
class AskedLine:
    """A carrier that answers questions only: ``legs`` of a rep's call, and how that call stands."""

    legs: tuple[LegStatus, ...] | NotFound | Unknown = ()
    own: str = "in-progress"
    asked: int = 0

    def look_up_legs(
        self, call_id: CallId, rep_sid: str
    ) -> tuple[LegStatus, ...] | NotFound | Unknown:
        self.asked += 1
        return self.legs

    def look_up_call(self, page_id: PageId, sid: str) -> CallStatus | NotFound | Unknown:
        return CallStatus(page_id, sid, self.own)


@dataclass
class Bridge:
    """One call that rings a rep to connect them, and everybody's part in it."""

    world: World
    lead: TakenIn
    ring: Taking
    rep_sid: str
    lead_sid: str
    order: count[int] = field(default_factory=count)

    @property
    def id(self) -> CallId:
        return CallId(self.ring.row.id)

    # The rep

    def whispers(self) -> str:
        return whisper(self.world.desk, self.id, self.rep_sid)

    def presses(self, digit: str, wrong: int = 0) -> str:
        key = Keyed("bridge", self.id, self.rep_sid, digit)
        return hear_bridge_key(self.world.desk, key, wrong)

    def says(self, digit: str, wrong: int = 0) -> str:
        key = Keyed("outcome", self.id, self.rep_sid, digit)
        return hear_outcome_key(self.world.desk, key, wrong)

    def rep_leg(self, status: str) -> None:
        hear_receipt(self.world.desk, CallStatus(self.ring.row.id, self.rep_sid, status))

    # The lead's leg, and what the carrier says of it

    def leg(
        self, status: str, duration_s: float | None = None, after_s: float | None = None
    ) -> None:
        """``after_s``: how long after the dialling the carrier says that it was."""
        at = None
        if after_s is not None:
            dialled_at = self.row.dialled_at
            assert dialled_at is not None
            at = dialled_at + timedelta(seconds=after_s)
        hear_leg(self.world.desk, self.leg_status(status, duration_s, at))

    def leg_status(
        self, status: str, duration_s: float | None = None, at: datetime | None = None
    ) -> LegStatus:
        return LegStatus(
            self.id, self.lead_sid, self.rep_sid, status, next(self.order), duration_s, at=at
        )

    def verdict(self, by: AnsweredBy, detected_s: float | None = 3.0) -> None:
        hear_verdict(self.world.desk, Verdict(self.id, self.lead_sid, by, detected_s))

    def done(
        self,
        status: str = "completed",
        bridged_s: float | None = None,
        *,
        call_over: bool = False,
    ) -> str:
        bridged = bridged_s is not None
        told = DialDone(
            self.id, self.rep_sid, status, self.lead_sid, bridged_s, bridged, bridged_s, call_over
        )
        return hear_dial_done(self.world.desk, told)

    def asks(self, line: AskedLine) -> int:
        asking: Line = line  # type: ignore[assignment]  # it is asked, and sends nothing
        return ask_due(self.world.desk, asking, lambda: True)

    # What is known

    @property
    def row(self) -> CallRow:
        with self.world.ledger.transaction() as conn:
            row = calls.call(conn, self.id)
        assert row is not None
        return row

    def last(self, kind: str) -> dict[str, object]:
        return self.world.facts(self.lead, kind)[-1]


def rung(world: World, name: str = "Dana Fox", phone: str | None = None, rep: str = ANN) -> Bridge:
    """A lead that a rep took by text, and the ring that came of it."""
    lead = world.asks(name, phone)
    world.pages(lead)
    world.texts(rep, "1")
    return ringing(world, lead)


def ringing(world: World, lead: TakenIn) -> Bridge:
    """The ring that a look at the lead orders."""
    rings = [each for each in world.pages(lead) if each.row.kind == "bridge_call"]
    (ring,) = rings
    number = next(world._ids)
    sid = ring_sid(world, ring)
    return Bridge(world, lead, ring, sid, f"CA{number:032}")


def ring_sid(world: World, ring: Taking) -> str:
    """The name that the carrier gave the rep's own call."""
    with world.ledger.transaction() as conn:
        row = outbox.row(conn, ring.row.id)
    assert row is not None
    assert row.carrier_sid is not None
    return row.carrier_sid


def is_engaged(world: World, rep: str) -> bool:
    """Whether the rep is on a call, or was until just now."""
    with world.ledger.transaction() as conn:
        known = engaged.engaged(conn)
    if RepId(rep) not in known:
        return False
    free_at = known[RepId(rep)]
    return free_at is None or world.clock.now() < free_at
