"""How everybody of the team can be reached: `GET /reps`, for managers and integrations.

No phone numbers: whoever reads this knows the names.
"""

from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from service.desk.reach import Reach, of_team
from service.rules.duty import on_duty
from service.web.access import Access
from service.web.documented import refusals
from service.web.problems import Kind
from service.wiring import House


class RepsDoor:
    """Who can be reached, by which channel, and since when somebody cannot."""

    def __init__(self, house: House, access: Access) -> None:
        self._house = house
        self.router = APIRouter(tags=["team"])
        self.router.add_api_route(
            "/reps",
            self.reps,
            methods=["GET"],
            summary="Who of the team can be reached, and how",
            response_class=JSONResponse,
            dependencies=[Depends(access.require("manager", "api"))],
            responses=refusals(Kind.UNAUTHORIZED, Kind.FORBIDDEN, Kind.LEDGER_UNAVAILABLE),
        )

    def reps(self) -> JSONResponse:
        """Everybody in the order of the team file. Raises LedgerUnavailable, ConfigError."""
        now = self._house.clock.now()
        crew = self._house.desk.present.crew()
        with self._house.ledger.snapshot() as conn:
            found = of_team(self._house.desk, conn, now)
        on = on_duty(crew.team.shifts, now)
        reps = [
            _rep(list(channels), on_duty=rep in on)
            for rep, channels in groupby(found, key=lambda each: each.person.id)
        ]
        return JSONResponse({"reps": reps}, headers={"Cache-Control": "no-store"})


def _rep(channels: list[Reach], *, on_duty: bool) -> dict[str, Any]:
    person = channels[0].person
    return {
        "id": person.id,
        "name": person.name,
        "manager": person.manager,
        "on_duty": on_duty,
        "email": person.email is not None,
        "channels": {each.channel.value: _channel(each) for each in channels},
    }


def _channel(reach: Reach) -> dict[str, Any]:
    return {
        "reachable": reach.reachable,
        "since": _written(reach.since),
        "reason": reach.reason,
        "code": reach.code,
        "last_delivered_at": _written(reach.heard.delivered_at),
        "last_answered_at": _written(reach.heard.answered_at),
    }


def _written(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
