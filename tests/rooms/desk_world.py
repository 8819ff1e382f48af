"""The vocabulary of the desk's tests: a real ledger, a clock that the test moves, no processes.

Whoever would run elsewhere (worker, sender, sweep, carrier) is played by the test, one verb at a
time, so that any order of events can be tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from xml.etree import ElementTree

from sqlalchemy import text

from service.desk.attend import Attended, attend
from service.desk.desk import Desk
from service.desk.dispatch import Full, take_next
from service.desk.hear_key import hear_key, spoken_page
from service.desk.hear_line import hear_receipt
from service.desk.hear_text import hear_text
from service.desk.links import Links
from service.desk.present import Present, load_team
from service.desk.settling import settle
from service.desk.take_in import TakenIn, take_in
from service.desk.taking import Taking
from service.intake.arrival import Arrival
from service.ledger import leads
from service.ledger.engine import Ledger
from service.mail.post import MailOrder
from service.phone.callbacks import CallStatus, InboundText, KeyPressed, TextStatus
from service.phone.line import Accepted, SendOutcome
from service.rules.folding import fold
from service.rules.lead import Lead, LeadId, SourceId
from service.rules.standing import Standing
from service.rules.timeline import Channel, Timeline, to_fields
from service.team.file import parse_team

START = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # Wednesday 10:00 in New York
PUBLIC_URL = "http://127.0.0.1:8000"
LINKS = Links(PUBLIC_URL, "a key of the tests that signs nothing else")
WEBSITE = SourceId("website")
MAIL = (Channel.EMAIL,)
ANN, BOB, MIA = "+12125550101", "+12125550102", "+12125550109"

TEAM = """
team: Sunrise Solar
timezone: America/New_York
carrier: {pages_from: "+15005550006", leads_from: "+15005550007", calls_per_second: 1000}
hours: {mon-sun: "00:00-24:00"}
reps:
  - {id: ann, name: Ann Lee, phone: "+12125550101"}
  - {id: bob, name: Bob Ray, phone: "+12125550102"}
managers:
  - {id: mia, name: Mia Fox, phone: "+12125550109", last_resort: true}
shifts:
  - {days: mon-sun, from: "00:00", to: "24:00", reps: [ann, bob]}
sources:
  - {id: website, kind: json, key: secret-key-of-the-website}
turn: in-order
"""


def heard(document: str) -> str:
    """What a document says to an ear; if it says nothing, its first verb."""
    verbs = ElementTree.fromstring(document)
    said = [say.text or "" for say in verbs.iter("Say")]
    return said[0] if said else verbs[0].tag if len(verbs) else ""


@dataclass
class MovableClock:
    """Business time, in the test's hands."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def moves(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class World:
    """A desk over a real ledger, and everybody around it. ``bridges``: whoever takes a lead is
    rung and connected."""

    ledger: Ledger
    clock: MovableClock = field(default_factory=MovableClock)
    woken: list[LeadId] = field(default_factory=list)
    sent: list[Taking] = field(default_factory=list)
    team: str = TEAM
    mail: bool = False
    bridges: bool = False
    _ids: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        team = parse_team(self.team, "team.yaml", (2026, 2027))
        calls = replace(team.policy.calls, bridge=self.bridges)
        team = replace(team, policy=replace(team.policy, calls=calls))
        load_team(self.ledger, team, self.clock.now())
        present = Present(self.ledger, mail=self.mail)
        self.desk = Desk(self.ledger, self.clock, self._wake, present, LINKS)

    def _wake(self, lead_ids: Sequence[LeadId]) -> bool:
        self.woken.extend(lead_ids)
        return True

    @contextmanager
    def in_a_hurry(self) -> Iterator[Desk]:
        """The desk, of which a lead that somebody holds is told to be busy almost at once."""
        with self.ledger.transaction() as conn:
            url = conn.engine.url.render_as_string(hide_password=False)
        impatient = Ledger(url, lock_timeout_ms=50)
        yield replace(self.desk, ledger=impatient)
        impatient.dispose()

    # The lead

    def asks(
        self,
        name: str = "Dana Fox",
        phone: str | None = None,
        *,
        key: str | None = None,
        **more: str,
    ) -> TakenIn:
        phone = phone or f"+1646555{next(self._ids):04}"
        lead = Lead(name=name, phone=phone, **more)  # type: ignore[arg-type]  # text fields by name
        return take_in(self.desk, WEBSITE, Arrival(lead), key)

    # The machinery, one verb at a time

    def looks(self, lead: TakenIn | LeadId) -> Attended | None:
        return attend(self.desk, lead if isinstance(lead, str) else lead.lead_id)

    def the_token_is_back(self) -> None:
        """The carrier may be asked for the next call at once; that is nobody's business."""
        with self.ledger.transaction() as conn:
            conn.execute(text("delete from pace where kind = 'call'"))

    def five_seconds_pass(self) -> None:
        """For every phone, since its last text about new leads; for nobody's business."""
        with self.ledger.transaction() as conn:
            conn.execute(text("delete from pace where kind = 'new-lead'"))

    def takes(self) -> Taking | Full | None:
        return take_next(self.desk, PUBLIC_URL, "test:1")

    def sends_all(self, outcome: SendOutcome | None = None) -> list[Taking]:
        """Take and settle until nothing waits; the carrier accepts unless told otherwise. No phone
        was texted just now."""
        self.five_seconds_pass()
        found = []
        while isinstance(taking := self._takes_at_once(), Taking):
            result = outcome or Accepted(f"SM{next(self._ids):032}", "queued")
            settle(self.desk, taking.row, result, taking.carried)
            found.append(taking)
        self.sent.extend(found)
        return found

    def _takes_at_once(self) -> Taking | Full | None:
        self.the_token_is_back()
        return self.takes()

    def sends_one(self, outcome: SendOutcome) -> None:
        """Take the oldest message, and have the carrier say this of it."""
        taking = self.takes()
        assert isinstance(taking, Taking)
        settle(self.desk, taking.row, outcome, taking.carried)

    def mails_all(self) -> list[MailOrder]:
        """Take every e-mail that waits; the mail server accepts it."""
        found = []
        while isinstance(taking := take_next(self.desk, PUBLIC_URL, "mail:1", MAIL), Taking):
            settle(self.desk, taking.row, Accepted(f"<{taking.row.id}@example.com>", "sent"))
            assert isinstance(taking.order, MailOrder)
            found.append(taking.order)
        return found

    def pages(self, lead: TakenIn) -> list[Taking]:
        """Look, and send everything that comes of it."""
        self.looks(lead)
        return self.sends_all()

    # The rep

    def texts(self, phone: str, body: str, sid: str | None = None) -> None:
        sid = sid or f"SM{next(self._ids):032}"
        hear_text(self.desk, InboundText(sid, phone, "+15005550006", body))

    def picks_up(self, taking: Taking, call: str | None = None) -> tuple[str, bool]:
        return spoken_page(self.desk, taking.row.id, call)

    def presses(self, taking: Taking, digits: str, call: str = "CA1") -> str | None:
        """A key on a page; what they hear then, or the verb that follows it."""
        document = hear_key(self.desk, KeyPressed(taking.row.id, call, digits))
        return heard(document) if document is not None else None

    # The carrier

    def receipt(self, taking: Taking, status: str, code: int | None = None) -> bool:
        return hear_receipt(self.desk, TextStatus(taking.row.id, "SMx", status, code))

    def call_status(self, taking: Taking, status: str) -> bool:
        return hear_receipt(self.desk, CallStatus(taking.row.id, "CAx", status))

    # What is true now

    def timeline(self, lead: TakenIn) -> Timeline:
        with self.ledger.transaction() as conn:
            return leads.timeline_of(conn, lead.lead_id)

    def standing(self, lead: TakenIn) -> Standing:
        return fold(self.timeline(lead))

    def kinds(self, lead: TakenIn) -> list[str]:
        return [event.kind for event in self.timeline(lead)]

    def facts(self, lead: TakenIn, kind: str) -> list[dict[str, object]]:
        return [to_fields(e.fact) for e in self.timeline(lead) if e.kind == kind]

    def row(self, lead: TakenIn) -> leads.LeadRow:
        with self.ledger.transaction() as conn:
            view = leads.read_lead(conn, lead.lead_id)
        assert view is not None
        return view.row
