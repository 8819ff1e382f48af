"""Leads in lists, newest first, a page at a time.

A cursor names the last lead of a page, so that leads arriving meanwhile shift nothing.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from service.ledger.lead_rows import LEAD_COLUMNS, PERSON_COLUMNS, LeadView, view_from

# What one answer over HTTP may hold; a board shows fewer.
PAGE_MAX = 200


@dataclass(frozen=True, slots=True)
class LeadPage:
    """Leads newest first. ``cursor`` asks for the next page; None on the last."""

    leads: tuple[LeadView, ...]
    cursor: str | None


_LIST = text(f"""
select {LEAD_COLUMNS}, p.lead_id, {PERSON_COLUMNS}
from lead l left join person p on p.lead_id = l.id
where (cast(:state_open as boolean) is null
    or :state_open = (l.state not in ('settled', 'excluded')))
  and l.arrived_at <= :before
  and (l.arrived_at < :before or (l.arrived_at = :before and l.id > :after_id))
order by l.arrived_at desc, l.id limit :limit
""")

_FIRST = (datetime.max.replace(tzinfo=UTC), "")


def list_leads(
    conn: Connection,
    state_open: bool | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> LeadPage:
    """A page of leads, newest first: open ones, closed ones, or (None) all.

    ``limit`` is cut at PAGE_MAX. Raises ValueError for a cursor that is none of ours.
    """
    shown = max(1, min(limit, PAGE_MAX))
    before, after_id = _from_cursor(cursor) if cursor else _FIRST
    values = {
        "state_open": state_open,
        "before": before,
        "after_id": after_id,
        "limit": shown + 1,  # one more, to know whether there is a next page
    }
    views = tuple(view_from(row) for row in conn.execute(_LIST, values))
    page = views[:shown]
    return LeadPage(page, _to_cursor(page[-1]) if len(views) > shown else None)


def _to_cursor(last: LeadView) -> str:
    plain = f"{last.row.arrived_at.isoformat()}|{last.row.id}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _from_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        instant, lead_id = plain.split("|")
        before = datetime.fromisoformat(instant)
    except (ValueError, binascii.Error) as unreadable:
        raise ValueError("the cursor is not one of ours") from unreadable
    if before.tzinfo is None or "\x00" in lead_id:
        raise ValueError("the cursor is not one of ours")
    return before, lead_id
