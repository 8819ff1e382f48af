"""Whether this process lives, and whether the service as a whole can do its work.

`/live` asks nobody: it is for restarting what hangs. `/ready` names each dependency. A queue that
is away does not make us unready: leads are stored, and the sweep does the queue's work within two
seconds. Nothing here says hosts, addresses or anything about a lead.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError

from service.desk.watch import stuck_pages
from service.errors import ConfigError, LeadBusy, LedgerUnavailable
from service.ledger import health
from service.ledger.breaker import open_breakers
from service.ledger.health import Beat
from service.rules.timeline import Channel
from service.wiring import House

SWEEP_WITHIN_S = 10.0
"""It beats each second; a round that attends many lost wakes may take some more."""

WORKER_WITHIN_S = 20.0
"""Each beats every 5 s."""

AUDIT_WITHIN_S = 180.0
"""It comes each minute, and may miss one."""

SWEEP, AUDIT, WORKER_PREFIX = "sweep", "audit", "worker:"

Check = dict[str, Any]

_READY: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK.value: {"description": "Ready; `degraded` names what is done without"},
    HTTPStatus.SERVICE_UNAVAILABLE.value: {"description": "Not ready; each dependency says why"},
}


class Health:
    """Signs of life, for orchestrators and people."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.router = APIRouter(tags=["health"])
        self.router.add_api_route("/live", self.live, methods=["GET"], summary="Alive at all")
        self.router.add_api_route(
            "/ready",
            self.ready,
            methods=["GET"],
            summary="Able to do the work",
            response_class=JSONResponse,
            responses=_READY,
        )

    async def live(self) -> dict[str, bool]:
        return {"live": True}

    def ready(self) -> JSONResponse:
        """Every dependency with what is known of it; 503 when one fails that we need."""
        checks = {"ledger": self._ledger(), "queue": self._queue()}
        checks |= self._crew() if checks["ledger"]["ok"] else _unknown()
        ready = all(check["ok"] or check.get("degraded") for check in checks.values())
        degraded = [name for name, check in checks.items() if check.get("degraded")]
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        headers = {"Cache-Control": "no-store"}
        content = {"ready": ready, "degraded": degraded, **checks}
        return JSONResponse(content, status, headers)

    def _ledger(self) -> Check:
        try:
            self._house.ledger.ping()
        except (LedgerUnavailable, LeadBusy):
            return _failing("cannot be reached")
        return {"ok": True}

    def _queue(self) -> Check:
        try:
            self._house.redis.ping()
        except (RedisError, OSError):
            because = "cannot be reached; leads are stored, and the sweep looks at them"
            return {**_failing(because), "degraded": True}
        return {"ok": True}

    def _crew(self) -> dict[str, Check]:
        """The team, and whoever works beside us, by the signs of life in the ledger."""
        try:
            with self._house.ledger.snapshot() as conn:
                now = self._house.clock.now()
                beats = health.beats(conn)
                failing = open_breakers(conn, now)
                stuck = len(stuck_pages(conn, now))
        except (LedgerUnavailable, LeadBusy):
            return _unknown()
        newest = min(_workers(beats), key=lambda beat: beat.age_s, default=None)
        return {
            "team": self._team(),
            "sweep": _alive(_named(beats, SWEEP), SWEEP_WITHIN_S),
            "worker": _alive(newest, WORKER_WITHIN_S),
            "audit": _audited(_named(beats, AUDIT)),
            "carrier": _carrier(failing, stuck),
        }

    def _team(self) -> Check:
        try:
            self._house.desk.present.crew()
        except ConfigError:
            return _failing("no team is loaded")
        except (LedgerUnavailable, LeadBusy):
            return _failing("not known while the ledger is away")
        return {"ok": True}


def _workers(beats: list[Beat]) -> Iterator[Beat]:
    return (beat for beat in beats if beat.name.startswith(WORKER_PREFIX))


def _named(beats: list[Beat], name: str) -> Beat | None:
    return next((beat for beat in beats if beat.name == name), None)


def _alive(beat: Beat | None, within_s: float) -> Check:
    if beat is None:
        return _failing("never seen")
    if beat.age_s >= within_s:
        return {**_failing("silent for too long"), "age_s": round(beat.age_s, 1)}
    return {"ok": True, "age_s": round(beat.age_s, 1)}


def _audited(beat: Beat | None) -> Check:
    """The audit's verdict. Before its first round there is none, and nothing to complain of."""
    if beat is None:
        return {"ok": True, "because": "has not run yet"}
    stuck = int(beat.detail.get("stuck", 0))
    if not beat.detail.get("ok", False):
        return {**_failing(f"{stuck} leads are stuck"), "stuck": stuck}
    return {**_alive(beat, AUDIT_WITHIN_S), "stuck": stuck}


def _carrier(failing: frozenset[Channel], stuck: int) -> Check:
    """Whether pages go as they should. We stay ready without: they go by other means."""
    if failing:
        names = " and ".join(sorted(channel.value for channel in failing))
        because = f"fails by {names}; pages go by other means"
    elif stuck:
        because = f"{stuck} texts wait in its queue; their reps are called"
    else:
        return {"ok": True}
    return {**_failing(because), "degraded": True}


def _unknown() -> dict[str, Check]:
    because = "not known while the ledger is away"
    return {name: _failing(because) for name in ("team", "sweep", "worker", "audit", "carrier")}


def _failing(because: str) -> Check:
    return {"ok": False, "because": because}
