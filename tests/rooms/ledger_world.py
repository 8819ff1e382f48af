"""Leads and pages for the ledger's tests: valid, with ids of their own, plain to read."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, text

from service.ledger import calls, leads, look, outbox, people
from service.ledger.engine import Ledger
from service.ledger.lead_rows import StandingRow
from service.rules.lead import CallId, Lead, LeadId, PageId, RepId, SourceId, identity_keys
from service.rules.timeline import Arrived, Audience, Channel, Event, Fact, Paged

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ANN = RepId("ann")
WEBSITE = SourceId("website")

# Far longer than any step takes; only a broken test ever waits so long.
PATIENCE_S = 20.0

_STANDING = tuple(StandingRow.__dataclass_fields__)
_numbers = count(1)


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def fresh_id(prefix: str = "lead") -> LeadId:
    """An id as the edge would mint one."""
    return LeadId(f"{prefix}-{next(_numbers):030d}")


def fact_at(seq: int, fact: Fact, when: datetime = NOON) -> Event:
    """A fact in its place."""
    return Event(seq, when, when, "because a test says so", "test", fact)


def arrived(when: datetime = NOON) -> Event:
    """The first event of every lead."""
    return fact_at(1, Arrived(WEBSITE, when, False, True), when)


def paged(seq: int, page_id: str, when: datetime = NOON) -> Event:
    """The decision to page Ann."""
    return fact_at(seq, Paged(ANN, 0, Channel.TEXT, PageId(page_id), Audience.ON_DUTY, when), when)


def a_policy(conn: Connection) -> int:
    """A policy to pin leads to."""
    return people.pin_policy(conn, "digest", {"team": "Sunrise Solar"}, NOON)


def new_lead(conn: Connection, person: Lead | None = None, **changes: Any) -> leads.NewLead:
    """A lead that nobody has stored yet."""
    person = person or Lead(name="Dana Reyes", ask="Solar for a barn")
    plain = leads.NewLead(
        id=fresh_id(),
        source=WEBSITE,
        arrived_at=NOON,
        t0=NOON,
        policy_version=a_policy(conn),
        lead=person,
        look_again_at=NOON,
        identity_keys=identity_keys(person),
    )
    return replace(plain, **changes)


def store(ledger: Ledger, person: Lead | None = None, **changes: Any) -> LeadId:
    """A lead that has arrived; its id."""
    with ledger.transaction() as conn:
        new = new_lead(conn, person, **changes)
        leads.insert_lead(conn, new, [arrived(new.arrived_at)])
    return new.id


def write(conn: Connection, lead_id: LeadId, **changes: Any) -> None:
    """A look at a lead that writes these changes and leaves all else as it stood."""
    seen = look.begin(conn, lead_id)
    assert seen is not None
    row = seen.row
    last = changes.get("events", seen.timeline)[-1]
    plain = look.Written(
        lead_id=lead_id,
        at=NOON,
        events=(),
        standing=StandingRow(
            **{name: getattr(row, name) for name in _STANDING if hasattr(row, name)}
        ),
        look_again_at=row.look_again_at,
        last_seq=last.seq,
        last_recorded_at=last.recorded_at,
    )
    look.write(conn, replace(plain, **changes))


def a_page(lead_id: LeadId | None, seq: int | None = None, **changes: Any) -> outbox.Order:
    """A text page to Ann about a lead."""
    plain = outbox.Order(
        id=PageId(fresh_id("page")),
        lead_id=lead_id,
        seq=seq,
        kind="page_text",
        channel=Channel.TEXT,
        rep_id=ANN,
        to_number="+12125550101",
        body="12:04 LEAD Dana: Solar for a barn. website. 1 take 2 pass",
        not_after=at(600),
        ordered_at=NOON,
    )
    return replace(plain, **changes)


def order(ledger: Ledger, page: outbox.Order) -> PageId:
    """Order a page in a transaction of its own; its id."""
    with ledger.transaction() as conn:
        outbox.order(conn, [page])
    return page.id


def open_call(ledger: Ledger, lead_id: LeadId, **changes: Any) -> calls.CallRow:
    """A call by which Ann is to be connected with a lead, opened in a transaction of its own."""
    plain = calls.NewCall(
        id=CallId(fresh_id("call")),
        lead_id=lead_id,
        rep_id=ANN,
        direction="out",
        from_number="+15005550006",
        to_number="+12125550177",
        began_at=NOON,
    )
    with ledger.transaction() as conn:
        return calls.open_call(conn, replace(plain, **changes))


class Beside:
    """Something that runs in another thread while the test looks on."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # handed to the test's own thread in `ended`
            self.error = error

    def ended(self) -> Any:
        """Wait for the end; what it came to. Raises what it raised."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "it never ended"
        if self.error is not None:
            raise self.error
        return self.result


def meet(gate: threading.Event) -> None:
    """Wait at a gate until the other thread opens it."""
    assert gate.wait(PATIENCE_S), "the gate never opened"


def await_blocked(ledger: Ledger, how_many: int = 1) -> None:
    """Wait until so many of this ledger's sessions wait for a lock that another holds."""
    asked = text("""
        select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'""")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with ledger.transaction() as conn:
            if conn.execute(asked).scalar_one() >= how_many:
                return
        assert time.monotonic() < deadline, "nobody ever waited"
        threading.Event().wait(0.01)
