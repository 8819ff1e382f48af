"""Which country's national phone numbers are meant, when a lead gives one without a country.

Told by the team's time zone, which names a place; a zone that is only an alias (`US/Eastern`) is
told by the team's own phones. It must not be guessed from the lead.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import phonenumbers

from service.team.team import Team

DEFAULT_REGION = "US"

_NO_REGION = "ZZ"
"""What libphonenumber calls a country code that belongs to no country."""


def region_of(team: Team) -> str:
    """The team's country as ISO 3166, two letters; the United States when nothing tells."""
    by_zone = _countries().get(team.timezone)
    if by_zone is not None:
        return by_zone
    by_phone = (_region_of_phone(person.phone) for person in team.people)
    return next((region for region in by_phone if region), DEFAULT_REGION)


def _region_of_phone(phone: str) -> str | None:
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    # Codes of no country (satellites, freephone) are called by three digits, "001".
    return region if region.isalpha() and region != _NO_REGION else None


@cache
def _countries() -> Mapping[str, str]:
    """Each zone's country, by the time zone database's own table: country, place, zone."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}
