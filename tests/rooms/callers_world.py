"""The vocabulary of the tests of callers: somebody calls us, reps are rung, keys are pressed, the
carrier tells. Everything goes through the verbs of the desk, in whatever order a test likes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from xml.etree import ElementTree

from service.desk.attend import attend
from service.desk.calls import calling_in, hunting, overdue, voicemail, waiting
from service.ledger import calls, leads, outbox, recordings
from service.ledger.calls import CallRow
from service.ledger.outbox_rows import OutboxRow
from service.ledger.recordings import Recording
from service.phone.call_callbacks import DialDone, Keyed, LegStatus
from service.phone.callbacks import CallStatus, TextStatus
from service.phone.caller_callbacks import (
    CallerLeft,
    InboundCall,
    MessageTaken,
    RecordingTold,
    TranscriptTold,
)
from service.phone.line import (
    Accepted,
    CallOrder,
    NotFound,
    SendOutcome,
    Sound,
    TextOrder,
    Unknown,
)
from service.rules.folding import fold
from service.rules.lead import CallId, LeadId, PageId
from service.rules.standing import Standing
from service.rules.timeline import to_fields
from tests.rooms.desk_world import TEAM, World

MAIN_LINE = "+15005550007"
DANA, STRANGER = "+12125550142", "+12125550177"
LINE_SOURCE = f'  - {{id: main-line, kind: call, number: "{MAIN_LINE}"}}\n'
TEAM_WITH_LINE = TEAM.replace("turn: in-order", LINE_SOURCE + "turn: in-order")
ONLY_AT_NIGHT = TEAM_WITH_LINE.replace('{mon-sun: "00:00-24:00"}', '{mon-sun: "22:00-23:00"}')

_sids = count(1)


def new_sid(kind: str) -> str:
    return f"{kind}{next(_sids):032x}"


@dataclass
class Caller:
    """Somebody who has called us, and how their call goes."""

    world: World
    sid: str
    document: str
    told: InboundCall

    @property
    def row(self) -> CallRow:
        with self.world.ledger.transaction() as conn:
            row = calls.call_by_sid(conn, self.sid)
        assert row is not None
        return row

    @property
    def lead(self) -> LeadId:
        return self.row.lead_id

    @property
    def id(self) -> CallId:
        return self.row.id

    # What the carrier asks and tells

    def calls_again(self) -> str:
        """The same webhook once more."""
        return calling_in.answer(self.world.desk, self.told)

    def waits(self) -> str:
        return waiting.wait(self.world.desk, self.id, self.sid)

    def left(self, result: str, waited_s: float | None = None, sid: str | None = None) -> str:
        over = result in ("hangup", "bridged")
        told = CallerLeft(self.id, sid or self.sid, result, waited_s, over)
        return waiting.left(self.world.desk, told)

    def stops_speaking(self, seconds: float = 9, *, hung_up: bool = True) -> str:
        told = MessageTaken(self.id, self.sid, seconds, hung_up)
        return voicemail.hear_message_taken(self.world.desk, told)

    def recording(
        self,
        seconds: float | None,
        status: str = "completed",
        *,
        sid: str | None = None,
        call_sid: str | None = None,
        call_id: CallId | None = None,
        source: str = "RecordVerb",
    ) -> str:
        """The carrier tells of a recording; its sid."""
        sid = sid or new_sid("RE")
        told = RecordingTold(call_id or self.id, sid, status, seconds, source, call_sid or self.sid)
        voicemail.hear_recording(self.world.desk, told)
        return sid

    def transcript(self, recording_sid: str, words: str | None) -> bool:
        told = TranscriptTold(self.id, recording_sid, words, "completed" if words else "failed")
        return voicemail.hear_transcript(self.world.desk, told)

    def overdue(self, line: ToldLine) -> None:
        """The sweep asks the carrier about this call."""
        overdue.ask(self.world.desk, line, self.row)

    # Who is rung for them

    def rings(self) -> dict[str, Leg]:
        """Look, send what comes of it, and say whom that rings, by rep."""
        attend(self.world.desk, self.lead)
        taken = self.world.sends_all()
        rows = [each.row for each in taken if each.row.kind == "hunt_call"]
        return {row.rep_id or "": Leg(self, row) for row in rows}

    def kinds(self) -> list[str]:
        return kinds(self.world, self.lead)

    def facts(self, kind: str) -> list[dict[str, object]]:
        return facts(self.world, self.lead, kind)

    @property
    def standing(self) -> Standing:
        return standing(self.world, self.lead)

    def recordings(self) -> list[Recording]:
        with self.world.ledger.transaction() as conn:
            return recordings.of_call(conn, self.id)


@dataclass
class Leg:
    """The phone of a rep who is rung for a caller."""

    caller: Caller
    row: OutboxRow
    sid: str = field(default_factory=lambda: new_sid("CA"))

    def picks_up(self) -> str:
        return hunting.say(self.caller.world.desk, self.caller.id, self.row.id, self.sid)

    def presses(self, digit: str | None, wrong_keys: int = 0) -> str:
        key = Keyed("hunt", self.caller.id, self.sid, digit)
        return hunting.hear_key(self.caller.world.desk, self.row.id, key, wrong_keys)

    def ends(self, bridged_s: float | None, *, hung_up: bool = False) -> str:
        """The <Dial> on this phone is over; None: nobody was connected."""
        bridged = bridged_s is not None
        told = DialDone(
            self.caller.id,
            self.sid,
            status="completed" if bridged else "no-answer",
            bridged_s=bridged_s,
            bridged=bridged,
            leg_s=bridged_s,
            call_over=hung_up,
        )
        return hunting.done(self.caller.world.desk, self.row.id, told)


@dataclass
class Phones(World):
    """A desk whose team has a number that callers call."""

    team: str = TEAM_WITH_LINE
    bridges: bool = True

    def is_called(self, from_: str = DANA, to: str = MAIN_LINE, sid: str | None = None) -> Caller:
        told = InboundCall(sid or new_sid("CA"), from_, to, "ringing")
        return Caller(self, told.sid, calling_in.answer(self.desk, told), told)


def verbs(document: str) -> list[str]:
    """What a document does, in order: its top verbs."""
    return [element.tag for element in ElementTree.fromstring(document)]


def said(document: str) -> str:
    return " ".join(say.text or "" for say in ElementTree.fromstring(document).iter("Say"))


def kinds(world: World, lead: LeadId) -> list[str]:
    with world.ledger.transaction() as conn:
        return [event.kind for event in leads.timeline_of(conn, lead)]


def facts(world: World, lead: LeadId, kind: str) -> list[dict[str, object]]:
    with world.ledger.transaction() as conn:
        timeline = leads.timeline_of(conn, lead)
    return [to_fields(event.fact) for event in timeline if event.kind == kind]


def standing(world: World, lead: LeadId) -> Standing:
    with world.ledger.transaction() as conn:
        return fold(leads.timeline_of(conn, lead))


def outbox_row(world: World, page_id: PageId) -> OutboxRow | None:
    with world.ledger.transaction() as conn:
        return outbox.row(conn, page_id)


@dataclass
class ToldLine:
    """A carrier that is asked, and says what the test wants of one call and its recordings."""

    status: CallStatus | NotFound | Unknown = field(default_factory=NotFound)
    recorded: tuple[RecordingTold, ...] | NotFound | Unknown = ()
    deleted: list[str] = field(default_factory=list)
    deletes: SendOutcome | NotFound = field(default_factory=lambda: Accepted("", "deleted"))

    def warm(self) -> None:
        return None

    def send_text(self, order: TextOrder) -> SendOutcome:
        raise AssertionError(f"nobody texts {order.to}")

    def place_call(self, order: CallOrder) -> SendOutcome:
        raise AssertionError(f"nobody calls {order.to}")

    def hang_up(self, call_sid: str) -> SendOutcome | NotFound:
        raise AssertionError(f"nobody ends {call_sid}")

    def look_up_text(self, page_id: PageId, sid: str) -> TextStatus | NotFound | Unknown:
        raise AssertionError(f"nobody asks about {page_id}")

    def look_up_call(self, page_id: PageId, sid: str) -> CallStatus | NotFound | Unknown:
        if isinstance(self.status, CallStatus):
            return replace(self.status, page_id=page_id, sid=sid)
        return self.status

    def look_up_legs(
        self, call_id: CallId, rep_sid: str
    ) -> tuple[LegStatus, ...] | NotFound | Unknown:
        return ()

    def recordings_of(
        self, call_id: CallId, call_sid: str
    ) -> tuple[RecordingTold, ...] | NotFound | Unknown:
        return self.recorded

    def fetch_recording(
        self, recording_sid: str, byte_range: str | None = None
    ) -> Sound | NotFound | Unknown:
        return NotFound()

    def delete_recording(self, recording_sid: str) -> SendOutcome | NotFound:
        self.deleted.append(recording_sid)
        return self.deletes

    def find_sent(
        self, order: object, since: object, known_sids: frozenset[str] = frozenset()
    ) -> Accepted | NotFound | Unknown:
        raise AssertionError("nobody looks for what was sent")


def told_status(status: str, seconds: int | None = None) -> CallStatus:
    return CallStatus(PageId("asked"), "CAasked", status, duration_s=seconds)
