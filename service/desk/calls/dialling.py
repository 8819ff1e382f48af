"""Where a lead's phone may be, and the floor on which a call with them is decided.

The zones are told by the number alone, from the tables of libphonenumber; a number that they do
not place is taken to be where the team is. When a call is lawful there is the rules' affair.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone
from sqlalchemy import Connection

from service.desk.desk import Desk
from service.desk.present import Crew
from service.desk.record import Held
from service.rules.floor import Floor

# Numbers lately asked for; a lead is looked at a dozen times, and parsing takes 0.1 ms.
NUMBERS_KEPT = 4096


@lru_cache(maxsize=NUMBERS_KEPT)
def zones_of(phone: str, otherwise: str) -> tuple[str, ...]:
    """The time zones in which a number (E.164) may be, each once. ``otherwise`` stands for those
    that nobody knows: the team's."""
    try:
        told = timezone.time_zones_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        told = ()
    known = tuple(zone if _is_zone(zone) else otherwise for zone in told)
    return tuple(dict.fromkeys(known)) or (otherwise,)


def _is_zone(name: str) -> bool:
    if name == timezone.UNKNOWN_TIMEZONE:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


def dial_zones(held: Held, crew: Crew) -> tuple[str, ...] | None:
    """The zones in which the lead's number may be; None when we cannot dial the lead: they gave
    no number, were erased, or the team has none to dial from."""
    phone = held.person.phone if held.person else None
    if not phone or not crew.team.carrier.leads_call_from:
        return None
    return zones_of(phone, crew.team.timezone)


def floor_of(desk: Desk, conn: Connection, held: Held, now: datetime) -> Floor:
    """The floor as a transaction that holds this lead must see it; whose turn it is is left
    open."""
    present = desk.present
    present.keep_up(conn, held.generation)
    zones = dial_zones(held, present.crew())
    return present.floor(now, held.deaf, held.tripped, held.engaged, zones)
