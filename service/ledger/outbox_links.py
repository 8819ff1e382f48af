"""Which pages a rep's link opens: found by the first characters of a page's id.

The signature behind those characters is the caller's to check; nothing here trusts a link.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from service.ledger.outbox import AGAIN_SUFFIX
from service.rules.lead import LeadId, PageId, RepId

# Pages share a key about never; this bounds what somebody may make us check.
CANDIDATES_MAX = 20
# One text carries several leads' pages, as many as wait at once; beyond this it is no page any
# more but a board.
CARRIED_MAX = 50


@dataclass(frozen=True, slots=True)
class LinkedPage:
    """A message to a rep about a lead, as far as a link needs it. ``ordered_at`` business time."""

    id: PageId
    lead_id: LeadId
    rep_id: RepId
    ordered_at: datetime


_COLUMNS = "o.id, o.lead_id, o.rep_id, o.ordered_at"

# A repeat has its first's page and words, and so its first's link.
_IS_LINKED = "o.again_of is null and o.lead_id is not null and o.rep_id is not null"

_KEYED = text(f"""
select {_COLUMNS} from outbox o where left(o.id, 8) = :key and {_IS_LINKED}
order by o.id limit {CANDIDATES_MAX}
""")

# Several leads' pages may share one text; the link in it names the row that was sent, which may be
# a repeat, as may be any that rode along.
_CARRIED = text(f"""
select {_COLUMNS} from outbox o where o.id in (
  select :id
  union
  select coalesce(c.again_of, c.id) from outbox c
  where c.carried_by in (:id, :id || '{AGAIN_SUFFIX}') and c.rep_id = :rep
) and {_IS_LINKED}
order by o.ordered_at, o.id limit {CARRIED_MAX}
""")


def pages_keyed(conn: Connection, key: str) -> list[LinkedPage]:
    """The pages whose id begins with these 8 characters: one, or hardly ever more."""
    return [_page(*row) for row in conn.execute(_KEYED, {"key": key})]


def pages_with(conn: Connection, page: LinkedPage) -> list[LinkedPage]:
    """This page and those that went out in its text, in the order in which they were decided."""
    rows = conn.execute(_CARRIED, {"id": page.id, "rep": page.rep_id})
    return [_page(*row) for row in rows]


def _page(page_id: Any, lead_id: Any, rep_id: Any, ordered_at: datetime) -> LinkedPage:
    return LinkedPage(PageId(page_id), LeadId(lead_id), RepId(rep_id), ordered_at)
