"""Recordings by the carrier's id: a lead's voicemail, or a call that both sides knew was recorded.

The sound itself is the carrier's to keep until we have it deleted; nothing here fetches it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

from service.rules.lead import CallId, LeadId

RecordingKind = Literal["voicemail", "call"]

# A call has one recording, or a voicemail left again after a wrong key; a lead, one a call.
RECORDINGS_MAX = 50
# One sweep's helping. Each is deleted at the carrier by a request of its own.
DELETIONS_MAX = 50


# The same, of calls whose recording nobody told of.
UNTOLD_MAX = 50


@dataclass(frozen=True, slots=True)
class Untold:
    """A call of a rep and a lead that is over, and of which no recording is known."""

    call_id: CallId
    rep_sid: str
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded at ``at``, of ``seconds``. ``delete_at``: when the carrier is to delete
    it, None: never; ``deleted_at``: when it had."""

    sid: str
    call_id: CallId
    lead_id: LeadId
    kind: RecordingKind
    seconds: int
    at: datetime
    transcript: str | None = None
    delete_at: datetime | None = None
    deleted_at: datetime | None = None


_FIELDS = tuple(Recording.__dataclass_fields__)
_COLUMNS = ", ".join(_FIELDS)

_KEEP = text(f"""
insert into recording ({_COLUMNS}) values ({", ".join(f":{name}" for name in _FIELDS)})
on conflict (sid) do nothing
""")
_MEASURE = text("""
update recording set seconds = :seconds where sid = :sid and seconds = 0
""")
_RECORDING = text(f"select {_COLUMNS} from recording where sid = :sid")
_OF_CALL = text(f"""
select {_COLUMNS} from recording where call_id = :id order by at desc, sid limit :limit
""")
_OF_LEAD = text(f"""
select {_COLUMNS} from recording where lead_id = :id order by at desc, sid limit :limit
""")
_TRANSCRIPT = text("""
update recording set transcript = :words where sid = :sid and deleted_at is null
""")
_DUE = text(f"""
select {_COLUMNS} from recording where deleted_at is null and delete_at <= :now
order by delete_at, sid limit :limit
""")
_UNTOLD = text("""
select c.id, c.rep_sid, c.settled_at from call c
where c.settled_at > :since and c.settled_at <= :until
  and c.dialled_at is not null and c.rep_sid is not null
  and not exists (select from recording r where r.call_id = c.id and r.kind = 'call')
order by c.settled_at, c.id limit :limit
""")
_DELETE_FROM = text("""
update recording set delete_at = :at
where call_id = :id and kind = 'call' and deleted_at is null
  and (delete_at is null or delete_at > :at)
""")
_PUT_OFF = text("""
update recording set delete_at = :at where sid = :sid and deleted_at is null
""")
_DELETED = text("""
update recording set deleted_at = :at, transcript = null where sid = :sid and deleted_at is null
""")


def keep(conn: Connection, recording: Recording) -> bool:
    """Remember a recording; False when it was known before."""
    values = {name: getattr(recording, name) for name in _FIELDS}
    return conn.execute(_KEEP, values).rowcount == 1


def measure(conn: Connection, sid: str, seconds: int) -> None:
    """Note the length of a recording that was kept before anybody told it."""
    conn.execute(_MEASURE, {"sid": sid, "seconds": seconds})


def recording(conn: Connection, sid: str) -> Recording | None:
    """One recording, also one that was deleted since."""
    row = conn.execute(_RECORDING, {"sid": sid}).one_or_none()
    return Recording(*row) if row else None


def of_call(conn: Connection, call_id: CallId) -> list[Recording]:
    """The call's recordings, newest first, with those deleted since."""
    rows = conn.execute(_OF_CALL, {"id": call_id, "limit": RECORDINGS_MAX})
    return [Recording(*row) for row in rows]


def of_lead(conn: Connection, lead_id: LeadId) -> list[Recording]:
    """The lead's recordings, newest first, with those deleted since."""
    rows = conn.execute(_OF_LEAD, {"id": lead_id, "limit": RECORDINGS_MAX})
    return [Recording(*row) for row in rows]


def add_transcript(conn: Connection, sid: str, words: str) -> bool:
    """What was said, in words; False when the recording is unknown or deleted."""
    return conn.execute(_TRANSCRIPT, {"sid": sid, "words": words}).rowcount == 1


def due_for_deletion(
    conn: Connection, now: datetime, limit: int = DELETIONS_MAX
) -> list[Recording]:
    """Recordings that the carrier is to delete by ``now``, longest due first."""
    return [Recording(*row) for row in conn.execute(_DUE, {"now": now, "limit": limit})]


def untold(
    conn: Connection, since: datetime, until: datetime, limit: int = UNTOLD_MAX
) -> list[Untold]:
    """Calls settled after ``since`` and by ``until`` on which a rep was to meet a lead, and of
    which no recording is known; the longest settled first."""
    rows = conn.execute(_UNTOLD, {"since": since, "until": until, "limit": limit})
    return [Untold(*row) for row in rows]


def delete_from(conn: Connection, call_id: CallId, at: datetime) -> None:
    """Have the recordings of two who talked on this call deleted from ``at`` on, if they were to be
    kept longer."""
    conn.execute(_DELETE_FROM, {"id": call_id, "at": at})


def put_off(conn: Connection, sid: str, at: datetime) -> None:
    """Ask the carrier again at ``at`` to delete it: it refuses, and others wait."""
    conn.execute(_PUT_OFF, {"sid": sid, "at": at})


def mark_deleted(conn: Connection, sid: str, at: datetime) -> bool:
    """The carrier has deleted it at ``at`` (business time), and its words go too; False when it
    had before."""
    return conn.execute(_DELETED, {"sid": sid, "at": at}).rowcount == 1
