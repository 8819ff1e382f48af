"""Which country's numbers a team means."""

from dataclasses import replace

import pytest

from service.rules.floor import Person
from service.rules.lead import RepId
from service.team.file import parse_team
from service.team.team import Team
from service.web.region import region_of
from tests.rooms.web_world import TEAM


def team(zone: str, *phones: str) -> Team:
    plain = parse_team(TEAM, "team.yaml", (2026,))
    people = [Person(RepId(f"r{i}"), "Rep", phone=phone) for i, phone in enumerate(phones)]
    return replace(plain, timezone=zone, people=tuple(people))


@pytest.mark.parametrize(
    ("zone", "phones", "region"),
    [
        ("America/New_York", ["+442071838750"], "US"),
        ("America/Toronto", [], "CA"),
        ("Europe/London", ["+12125550101"], "GB"),
        ("Europe/Berlin", [], "DE"),
        ("US/Eastern", ["+12125550101"], "US"),
        ("GB", ["+442071838750"], "GB"),
        ("UTC", ["+88216000000", "+4930123456"], "DE"),
        ("UTC", [], "US"),
    ],
)
def test_the_zone_tells_then_the_phones(zone: str, phones: list[str], region: str) -> None:
    assert region_of(team(zone, *phones)) == region
