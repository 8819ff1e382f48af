"""Calls with leads: what the carrier told of each, until it is settled.

The caller holds the lead of a call that it opens or saves. What a call came to is
`rules.calls`' business; nothing here decides.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Row, text

from service.rules.call_facts import Ended
from service.rules.calls import CALL_MAX, AnsweredBy, CallTold
from service.rules.lead import CallId, LeadId, RepId

# out: we rang the rep to connect them; through: the rep rang us; key: a key on a voice page; in:
# the lead rang us.
CallDirection = Literal["out", "through", "key", "in"]

# One sweep's helping. Each is asked of the carrier by a request of its own.
CALLS_DUE_MAX = 50
# A person shown calls, newest first, needs no more of one lead.
CALLS_SHOWN_MAX = 50

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call about to be stored. ``id``: 24-64 url-safe characters, of a bridge its outbox row's.
    ``from_number`` ours, ``to_number`` the lead's. ``ask_at``: when the carrier is asked about it
    at the latest; None: when the longest call would be over (CALL_MAX)."""

    id: CallId
    lead_id: LeadId
    rep_id: RepId | None
    direction: CallDirection
    from_number: str
    to_number: str | None
    began_at: datetime
    rep_sid: str | None = None
    lead_sid: str | None = None
    dialled_at: datetime | None = None
    stage: str | None = None
    ask_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call with a lead. Instants are business time. ``rep_sid``, ``lead_sid``: the carrier's ids
    of the two legs; ``dialled_at``: the lead's leg was ordered, or their call connected;
    ``asked``: how often the carrier was asked about it; ``to_number`` None: erased, or withheld."""

    id: CallId
    lead_id: LeadId
    rep_id: RepId | None
    direction: CallDirection
    from_number: str
    to_number: str | None
    rep_sid: str | None
    lead_sid: str | None
    began_at: datetime
    dialled_at: datetime | None
    over_at: datetime | None
    told: CallTold
    stage: str | None
    ask_at: datetime | None
    asked: int
    settled_at: datetime | None


_FIELDS = tuple(CallRow.__dataclass_fields__)
_COLUMNS = ", ".join(f"c.{name}" for name in _FIELDS)
_TOLD = _FIELDS.index("told")

_OPEN = text(f"""
insert into call as c (id, lead_id, rep_id, direction, from_number, to_number, rep_sid, lead_sid,
  began_at, dialled_at, stage, ask_at)
values (:id, :lead_id, :rep_id, :direction, :from_number, :to_number, :rep_sid, :lead_sid,
  :began_at, :dialled_at, :stage, :ask_at)
returning {_COLUMNS}
""")
_CALL = text(f"select {_COLUMNS} from call c where c.id = :id")
# A rep's leg may have been connected before: the newest is meant.
_BY_SID = text(f"""
select {_COLUMNS} from call c where c.lead_sid = :sid or c.rep_sid = :sid
order by c.began_at desc, c.id desc limit 1
""")
_OF_LEAD = text(f"""
select {_COLUMNS} from call c where c.lead_id = :lead_id
order by c.began_at desc, c.id desc limit :limit
""")
_SAVE = text("""
update call set rep_id = :rep_id, from_number = :from_number, to_number = :to_number,
  rep_sid = :rep_sid, lead_sid = :lead_sid, dialled_at = :dialled_at, over_at = :over_at,
  told = cast(:told as jsonb), stage = :stage, ask_at = :ask_at, asked = :asked,
  settled_at = :settled_at
where id = :id
""")
_DUE = text(f"""
select {_COLUMNS} from call c where c.settled_at is null and c.ask_at <= :now
order by c.ask_at, c.id limit :limit
""")
_UP = text("""
select direction, count(*) from call where settled_at is null and over_at is null
group by direction order by direction
""")


def open_call(conn: Connection, new: NewCall) -> CallRow:
    """Store a call that begins. A call, or a leg of a lead's, that is known is refused
    (IntegrityError)."""
    values = {name: getattr(new, name) for name in NewCall.__dataclass_fields__}
    values["ask_at"] = new.ask_at or new.began_at + CALL_MAX
    return _call_row(conn.execute(_OPEN, values).one())


def call(conn: Connection, call_id: str) -> CallRow | None:
    """One call, unlocked: hold its lead and read it again before you change it."""
    found = conn.execute(_CALL, {"id": call_id}).one_or_none()
    return _call_row(found) if found else None


def call_by_sid(conn: Connection, sid: str) -> CallRow | None:
    """The call of which the carrier's leg is the lead's or the rep's; the newest."""
    found = conn.execute(_BY_SID, {"sid": sid}).one_or_none()
    return _call_row(found) if found else None


def calls_of_lead(conn: Connection, lead_id: LeadId, limit: int = CALLS_SHOWN_MAX) -> list[CallRow]:
    """The lead's calls, newest first."""
    found = conn.execute(_OF_LEAD, {"lead_id": lead_id, "limit": limit})
    return [_call_row(row) for row in found]


def save(conn: Connection, row: CallRow) -> None:
    """Write back what may change of a call. One that is not settled is always asked about: without
    ``ask_at`` when the longest call would be over. Settling it twice is refused (IntegrityError).
    """
    values = {name: getattr(row, name) for name in _FIELDS}
    ask_at = None if row.settled_at else row.ask_at or row.began_at + CALL_MAX
    conn.execute(_SAVE, {**values, "told": told_json(row.told), "ask_at": ask_at})


def due_calls(conn: Connection, now: datetime, limit: int = CALLS_DUE_MAX) -> list[CallRow]:
    """Calls that are not settled and about which the carrier is to be asked by ``now``, longest
    due first, unlocked."""
    return [_call_row(row) for row in conn.execute(_DUE, {"now": now, "limit": limit})]


def calls_up(conn: Connection) -> dict[str, int]:
    """How many calls are rung, ring or are talked on, by direction; absent when none."""
    return {row[0]: row[1] for row in conn.execute(_UP)}


def _call_row(values: Row[Any]) -> CallRow:
    held = list(values)
    held[_TOLD] = told_from(held[_TOLD])
    return CallRow(*held)


def told_json(told: CallTold) -> str:
    """What the carrier told, as it is stored; what it did not tell is left out."""
    values = {name: getattr(told, name) for name in CallTold.__dataclass_fields__}
    return json.dumps({name: value for name, value in values.items() if value is not None})


def told_from(stored: Mapping[str, Any]) -> CallTold:
    """What the carrier told, as it was stored. A word or a value that means nothing to this
    version is as good as not told."""
    return CallTold(
        ended=_word(Ended, stored.get("ended")),
        rang_s=_number(stored.get("rang_s")),
        leg_s=_number(stored.get("leg_s")),
        bridged=stored.get("bridged") if isinstance(stored.get("bridged"), bool) else None,
        bridged_s=_number(stored.get("bridged_s")),
        answered_by=_word(AnsweredBy, stored.get("answered_by")),
        detected_s=_number(stored.get("detected_s")),
    )


def _word(words: type[_Word], stored: object) -> _Word | None:
    return next((word for word in words if word.value == stored), None)


def _number(stored: object) -> float | None:
    is_number = isinstance(stored, int | float) and not isinstance(stored, bool)
    return float(stored) if is_number else None  # type: ignore[arg-type]  # it is, as just asked
