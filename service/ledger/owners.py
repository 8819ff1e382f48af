"""The leads that one rep has: a call of theirs that ends may let something be done for each.

Only looks are asked for here; what a look finds is not this file's affair.
"""

from datetime import datetime

from sqlalchemy import Connection, text

from service.rules.lead import LeadId, RepId

# One helping. Nobody has more open leads than that in hand; those left are looked at as planned.
LEADS_MAX = 200

# Of a closed lead no look is planned. Locked in the order of ids, so that two of these never cross.
_ASK_LOOKS = """
update lead set look_again_at = :at, woken_at = null where id in (
  select id from lead where look_again_at > :at and owner = :rep
    and state in ('claimed', 'chasing', 'following')
  order by id limit :limit for no key update {how}
) returning id
"""
_ASK_OF_FREE = text(_ASK_LOOKS.format(how="skip locked"))
_ASK_OF_ALL = text(_ASK_LOOKS.format(how=""))


def ask_looks_of_owner(
    conn: Connection, rep: RepId, at: datetime, *, waiting: bool = True
) -> list[LeadId]:
    """Have the open leads that this rep has looked at from ``at`` on; which ones.

    Who holds a lead meanwhile asks without ``waiting`` (leads that somebody else holds are left
    out), and once more with it after the commit. Raises LeadBusy.
    """
    values = {"rep": rep, "at": at, "limit": LEADS_MAX}
    asked = conn.execute(_ASK_OF_ALL if waiting else _ASK_OF_FREE, values).scalars()
    return sorted(LeadId(lead_id) for lead_id in asked)
