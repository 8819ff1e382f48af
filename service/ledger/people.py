"""What is true of the team and its phones: policies, the team's copy, turns, deaf phones.

Which lead a letter means on a phone is in `questions`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, text

from service.ledger.locks import Room, hold
from service.rules.floor import Turns
from service.rules.lead import RepId
from service.rules.timeline import Channel

# A team has tens of phones; this is where a list of them stops being one.
DEAF_MAX = 10_000


@dataclass(frozen=True, slots=True)
class TeamCopy:
    """The team file as last loaded. ``generation`` counts the loads that changed it."""

    generation: int
    digest: str
    body: dict[str, Any]
    loaded_at: datetime


_POLICY_BY_DIGEST = text("select version from policy_version where digest = :digest")
_PIN_POLICY = text("""
insert into policy_version (digest, body, made_at)
values (:digest, cast(:body as jsonb), :at) on conflict (digest) do nothing returning version
""")
_POLICY_BODY = text("select body from policy_version where version = :version")

_TEAM = text("select generation, digest, body, loaded_at from team_copy where id = 1")
_SAVE_TEAM = text("""
insert into team_copy (id, generation, digest, body, loaded_at)
values (1, 1, :digest, cast(:body as jsonb), :at)
on conflict (id) do update set generation = team_copy.generation + 1, digest = excluded.digest,
  body = excluded.body, loaded_at = excluded.loaded_at
""")

SELECT_DEAF = "select phone, channel from deaf limit :deaf_max"

_DEAF = text(SELECT_DEAF)
_MUTE = text("select phone, reason from deaf where channel = 'text' limit :deaf_max")
_MAKE_DEAF = text("""
insert into deaf (phone, channel, since, reason, code)
values (:phone, :channel, :at, :reason, :code)
on conflict (phone, channel) do update
set since = excluded.since, reason = excluded.reason, code = excluded.code
where excluded.reason = 'opted_out' and deaf.reason <> 'opted_out'
""")
_MAKE_HEARING = text("delete from deaf where phone = :phone and channel = :channel")

_LOCK_TURN = text("select served, finish from turn where route = :route for no key update")
_MAKE_TURN = text("insert into turn (route) values (:route) on conflict do nothing")


def pin_policy(conn: Connection, digest: str, body: Mapping[str, Any], at: datetime) -> int:
    """The version of this policy, made if it is new. The same digest is the same version."""
    values = {"digest": digest, "body": json.dumps(body), "at": at}
    known = conn.execute(_POLICY_BY_DIGEST, values).scalar()
    made = known or conn.execute(_PIN_POLICY, values).scalar()
    # Somebody else pinned it between the two: by now that is to be read.
    return int(made or conn.execute(_POLICY_BY_DIGEST, values).scalar_one())


def policy_body(conn: Connection, version: int) -> dict[str, Any] | None:
    """The body of a policy version; None when there is no such version."""
    found: dict[str, Any] | None = conn.execute(_POLICY_BODY, {"version": version}).scalar()
    return found


def team(conn: Connection) -> TeamCopy | None:
    """The team as last loaded; None before the first load."""
    row = conn.execute(_TEAM).one_or_none()
    return TeamCopy(*row) if row else None


def save_team(
    conn: Connection,
    digest: str,
    body: Mapping[str, Any],
    at: datetime,
    replaces: str | None = None,
) -> TeamCopy:
    """Keep this copy of the team file unless a newer one came between; the copy that now holds.

    ``replaces`` is the digest that the caller last saw in the ledger. Another there by now means
    that somebody loaded a file the caller has not seen: theirs stays, and the returned digest
    tells. None replaces whatever is there: for a start, where an operator asked for this file.
    """
    hold(conn, Room.TEAM)
    held = team(conn)
    overtaken = held is not None and replaces is not None and held.digest != replaces
    if held is not None and (held.digest == digest or overtaken):
        return held
    conn.execute(_SAVE_TEAM, {"digest": digest, "body": json.dumps(body), "at": at})
    saved = team(conn)
    assert saved is not None, "the row was written in this transaction"
    return saved


def deaf_phones(conn: Connection) -> frozenset[tuple[str, Channel]]:
    """Which phones cannot be reached, by which channel."""
    rows = conn.execute(_DEAF, {"deaf_max": DEAF_MAX})
    return frozenset((phone, Channel(channel)) for phone, channel in rows)


def without_texts(conn: Connection) -> dict[str, str]:
    """Phones that texts do not reach, and why: a stop word, or a dead number."""
    rows = conn.execute(_MUTE, {"deaf_max": DEAF_MAX})
    return {str(phone): str(why) for phone, why in rows}


def make_deaf(
    conn: Connection,
    phone: str,
    channel: Channel,
    at: datetime,
    reason: str,
    code: int | None,
) -> bool:
    """This channel no longer reaches the phone; True when that is news. That its owner opted out
    replaces any other reason: nothing but their own word ends it."""
    values = {
        "phone": phone,
        "channel": str(channel),
        "at": at,
        "reason": reason,
        "code": code,
    }
    return conn.execute(_MAKE_DEAF, values).rowcount == 1


def make_hearing(conn: Connection, phone: str, channel: Channel) -> bool:
    """This channel reaches the phone again; True when that is news."""
    values = {"phone": phone, "channel": str(channel)}
    return conn.execute(_MAKE_HEARING, values).rowcount == 1


def turns(conn: Connection, route: str) -> Turns:
    """How far the turn has come on a route ('' is everyone), held until the transaction ends.

    Take it after the lead's row, never before. `look.write` writes down that a turn was given.
    """
    values = {"route": route}
    row = conn.execute(_LOCK_TURN, values).one_or_none()
    if row is None:
        conn.execute(_MAKE_TURN, values)
        row = conn.execute(_LOCK_TURN, values).one()
    served, finish = row
    return Turns(served, MappingProxyType({RepId(rep): at for rep, at in finish.items()}))
