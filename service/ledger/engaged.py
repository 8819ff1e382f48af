"""Who is on a call with a lead, or was until just now: whom nobody should ring.

One row to a rep, replaced by their next call. It decides nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection, text

from service.rules.lead import CallId, RepId

# Part of a look's one statement too: the whole table, a row to each rep who ever was on a call.
SELECT_ENGAGED = "select rep_id, until from engaged"

_ENGAGE = text("""
insert into engaged (rep_id, call_id, since) values (:rep, :call_id, :at)
on conflict (rep_id) do update set call_id = excluded.call_id, since = excluded.since, until = null
""")
_RELEASE = text("""
update engaged set until = :until
where rep_id = :rep and call_id = :call_id and (until is null or until > :until)
""")
_RELEASE_OTHERS = text("""
update engaged set until = :until
where call_id = :call_id and rep_id is distinct from :but and until is null
""")
_ENGAGED = text(SELECT_ENGAGED)
_LAST_CALL = text("select call_id from engaged where rep_id = :rep")


def engage(conn: Connection, rep: RepId, call_id: CallId, at: datetime) -> None:
    """The rep is on this call since ``at`` (business time), whatever they were on before."""
    conn.execute(_ENGAGE, {"rep": rep, "call_id": call_id, "at": at})


def release(conn: Connection, rep: RepId, call_id: CallId, until: datetime) -> bool:
    """The rep's call is over, and they may be rung from ``until`` on. False, and nothing changes,
    when they are on another call by now, or may be rung as soon already."""
    values = {"rep": rep, "call_id": call_id, "until": until}
    return conn.execute(_RELEASE, values).rowcount == 1


def release_caller(conn: Connection, call_id: CallId, but: RepId | None, until: datetime) -> None:
    """A colleague who called as a caller is off that call; ``but`` is the rep who took it, whose
    own leg says when they are."""
    conn.execute(_RELEASE_OTHERS, {"call_id": call_id, "but": but, "until": until})


def engaged(conn: Connection) -> Mapping[RepId, datetime | None]:
    """Reps on a call (None), and from when on those may be rung who were on one."""
    return engaged_from((rep, until) for rep, until in conn.execute(_ENGAGED))


def last_call(conn: Connection, rep: RepId) -> CallId | None:
    """The call that the rep is on, or else was on last."""
    call_id = conn.execute(_LAST_CALL, {"rep": rep}).scalar_one_or_none()
    return CallId(call_id) if call_id else None


def engaged_from(rows: Iterable[tuple[str, datetime | None]]) -> Mapping[RepId, datetime | None]:
    """Rows of SELECT_ENGAGED by rep."""
    return MappingProxyType({RepId(rep): until for rep, until in rows})
