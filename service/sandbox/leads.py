"""The "be the lead" form: knocks at the product's front door as any website would, and reads back.

Uses the public HTTP interface only, from this server so that the browser needs no second origin.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from service.sandbox.config import CarrierConfig

FRONT_DOOR_TIMEOUT_S = 5.0
FIELD_CHARS_MAX = 500
# the form's fields, and what a website would call each in its JSON
FIELDS = {
    "name": "name",
    "phone": "phone",
    "email": "email",
    "place": "city",
    "ask": "ask",
}
TIMELINE_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class Knock:
    """What the front door answered. `lead_id` is empty when it did not take the lead."""

    lead_id: str
    error: str


@dataclass(frozen=True, slots=True)
class LeadView:
    """One lead as the page shows it; `error` says why there is nothing to show."""

    lead_id: str
    standing: Mapping[str, object]
    timeline: tuple[Mapping[str, object], ...]
    error: str


class FrontDoor:
    """Submits leads and reads their timelines. Open it inside the running loop."""

    def __init__(self, config: CarrierConfig) -> None:
        self._config = config
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the client; it belongs to the running loop."""
        timeout = aiohttp.ClientTimeout(total=FRONT_DOOR_TIMEOUT_S)
        self._http = aiohttp.ClientSession(timeout=timeout)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def _ask(
        self, method: str, url: str, token: str, body: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, object], str]:
        """Status and JSON object of the answer, or why there is none; never raises."""
        assert self._http is not None, "the front door was not opened"
        try:
            async with self._http.request(
                method, url, json=body, headers=_bearer(token), allow_redirects=False
            ) as answer:
                found = json.loads(await answer.text())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return 0, {}, type(error).__name__
        return answer.status, found if isinstance(found, dict) else {}, ""

    async def knock(self, fields: Mapping[str, str]) -> Knock:
        """Submit one lead. Never raises: what went wrong is told to the person at the form."""
        lead = {
            called: fields[key].strip()[:FIELD_CHARS_MAX]
            for key, called in FIELDS.items()
            if fields.get(key, "").strip()
        }
        config = self._config
        status, body, error = await self._ask("POST", config.lead_url, config.lead_key, lead)
        if error:
            return Knock("", f"The front door did not answer: {error}")
        if status == 202:
            return Knock(str(body.get("lead_id", "")), "")
        why = body.get("detail") or body.get("title") or ""
        return Knock("", f"The front door said {status}. {why}".strip())

    async def view(self, lead_id: str) -> LeadView | None:
        """The lead's standing and timeline, or None when no timeline is configured."""
        if not self._config.timeline_url:
            return None
        url = f"{self._config.timeline_url.rstrip('/')}/{lead_id}"
        status, body, error = await self._ask("GET", url, self._config.timeline_token)
        if error or status != 200:
            return LeadView(lead_id, {}, (), f"No timeline: {error or f'HTTP {status}'}")
        standing, timeline = body.get("standing"), body.get("timeline")
        return LeadView(
            lead_id,
            standing if isinstance(standing, dict) else {},
            tuple(row for row in timeline if isinstance(row, dict))[-TIMELINE_SHOWN_MAX:]
            if isinstance(timeline, list)
            else (),
            "",
        )


def _bearer(token: str) -> dict[str, str]:
    """No header at all without a token: an empty one is not a legal header."""
    return {"Authorization": f"Bearer {token}"} if token else {}
