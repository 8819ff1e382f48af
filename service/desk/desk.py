"""What every verb of the desk needs, built once by wiring."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from service.clock import Clock
from service.desk.links import Links
from service.desk.present import Present
from service.ledger.engine import Ledger
from service.rules.lead import LeadId, PageId
from service.wake import Wake

# 18 bytes are 24 url-safe characters: an id stands in a URL and must not be guessed.
ID_BYTES = 18


@dataclass(frozen=True, slots=True)
class Desk:
    """``present`` knows the team as it is now; ``wake`` asks for looks after a commit; ``links``
    makes the addresses that a page's text names."""

    ledger: Ledger
    clock: Clock
    wake: Wake
    present: Present
    links: Links

    def now_for(self, last_recorded_at: datetime) -> datetime:
        """The instant of a transaction on a lead: never before what the lead already knows, so
        that a clock set back cannot unmake an order of events."""
        return max(self.clock.now(), last_recorded_at)


def new_lead_id() -> LeadId:
    return LeadId(secrets.token_urlsafe(ID_BYTES))


def new_page_id() -> PageId:
    return PageId(secrets.token_urlsafe(ID_BYTES))
