"""What every source's payload becomes: one lead, and what the source said about sending it."""

from dataclasses import dataclass
from datetime import datetime

from service.rules.lead import Lead


@dataclass(frozen=True, slots=True)
class Arrival:
    """A lead as it was sent to us, before it is known whether we have it already.

    `external_id` is the source's own name for this lead and tells a redelivery from a new lead;
    None when it gave none. `submitted_at` is the source's claim, in UTC, believed or set aside by
    `service.rules.lead.t_zero`. `test` leads are stored and shown, and page nobody.
    """

    lead: Lead
    external_id: str | None = None
    submitted_at: datetime | None = None
    test: bool = False
