"""The audit: each minute, proof that nothing open is forgotten.

It asks the ledger from another side than the sweep does. What it finds it repairs once, by asking
for a look; what it finds again it says loudly, in the log and in ``/ready``, and the outward
heartbeat stops, so that somebody learns of it who is not this machine.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import requests
import structlog

from service.desk.desk import Desk
from service.errors import LeadBusy, LedgerUnavailable
from service.ledger import health, looks
from service.ledger.looks import Forgotten
from service.rules.lead import LeadId

log = structlog.get_logger("audit")

EVERY_S = 60.0
# A look or a message is forgotten when it is this late: a healthy one is at most seconds late,
# even when the queue is gone; a storm of 10,000 looks takes a minute or so to work off.
GRACE_S = 60.0
HEARTBEAT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Audited:
    """What one audit found: ``repaired`` were asked to be looked at, ``stuck`` were so before."""

    repaired: int
    stuck: int

    @property
    def ok(self) -> bool:
        return self.stuck == 0


@dataclass
class Audit:
    """One audit a minute, in the sweep's process."""

    desk: Desk
    heartbeat_url: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Audit until told to stop."""
        while not self.stop.is_set():
            try:
                self.once()
            except (LedgerUnavailable, LeadBusy) as gone:
                log.error("audit", outcome="not done", because=str(gone))
            except Exception:
                log.exception("audit", outcome="failed")
            self.stop.wait(EVERY_S)

    def once(self) -> Audited:
        """Prove it, repair once, say what is still wrong."""
        now = self.desk.clock.now()
        with self.desk.ledger.transaction() as conn:
            found = looks.forgotten(conn, now, GRACE_S)
        leads = {each.lead_id: each for each in found if each.lead_id is not None}
        repaired = [lead_id for lead_id, each in leads.items() if self._repair(lead_id, each)]
        audited = Audited(len(repaired), len(leads) - len(repaired))
        self._settle_findings(leads)
        with self.desk.ledger.transaction() as conn:
            open_leads = sum(each.count for each in health.open_leads(conn))
            health.beat(conn, "audit", {"ok": audited.ok, "stuck": audited.stuck})
            health.drop_old_beats(conn)
        self.desk.wake(repaired)
        say = log.info if audited.ok else log.error
        outcome = "every open lead has an action or a look" if audited.ok else "leads are stuck"
        say("audit", outcome=outcome, open=open_leads, **_counted(audited))
        if audited.ok:
            self._heartbeat()
        return audited

    def _repair(self, lead_id: LeadId, found: Forgotten) -> bool:
        """Ask for a look at a lead found for the first time; False when that was done before."""
        with self.desk.ledger.transaction() as conn:
            if not looks.note_finding(conn, lead_id, found.why):
                log.error("audit", lead=lead_id, outcome="stuck", because=found.why)
                return False
            looks.ask_look(conn, lead_id, self.desk.clock.now())
        log.warning("audit", lead=lead_id, outcome="repaired", because=found.why)
        return True

    def _settle_findings(self, found: dict[LeadId, Forgotten]) -> None:
        """Findings that an audit no longer finds are in order again."""
        with self.desk.ledger.transaction() as conn:
            for lead_id in looks.findings(conn):
                if lead_id not in found:
                    looks.mark_repaired(conn, lead_id)

    def _heartbeat(self) -> None:
        """Tell the outside that all is well; its silence is the alarm."""
        if self.heartbeat_url is None:
            return
        try:
            requests.get(self.heartbeat_url, timeout=HEARTBEAT_TIMEOUT_S).raise_for_status()
        except requests.RequestException as failed:
            log.warning("heartbeat", outcome="not delivered", because=type(failed).__name__)


def _counted(audited: Audited) -> dict[str, int]:
    return {"repaired": audited.repaired, "stuck": audited.stuck}
