"""The "be the lead" form: knocks at the product's front door as any website would, and reads back.

Uses the public HTTP interface only, from this server so that the browser needs no second origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

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
        # trust_env off: a proxy of the machine must not stand between two loopback servers
        self._http = httpx.AsyncClient(timeout=FRONT_DOOR_TIMEOUT_S, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def knock(self, fields: Mapping[str, str]) -> Knock:
        """Submit one lead. Never raises: what went wrong is told to the person at the form."""
        lead = {
            called: fields[key].strip()[:FIELD_CHARS_MAX]
            for key, called in FIELDS.items()
            if fields.get(key, "").strip()
        }
        headers = _bearer(self._config.lead_key)
        try:
            answer = await self._http.post(
                self._config.lead_url, json=lead, headers=headers
            )
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            return Knock("", f"The front door did not answer: {type(error).__name__}")
        if answer.status_code == 202 and isinstance(body, dict):
            return Knock(str(body.get("lead_id", "")), "")
        why = body.get("detail") or body.get("title") if isinstance(body, dict) else ""
        return Knock(
            "", f"The front door said {answer.status_code}. {why or ''}".strip()
        )

    async def view(self, lead_id: str) -> LeadView | None:
        """The lead's standing and timeline, or None when no timeline is configured."""
        if not self._config.timeline_url:
            return None
        url = f"{self._config.timeline_url.rstrip('/')}/{lead_id}"
        headers = _bearer(self._config.timeline_token)
        try:
            answer = await self._http.get(url, headers=headers)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            return LeadView(lead_id, {}, (), f"No timeline: {type(error).__name__}")
        if answer.status_code != 200 or not isinstance(body, dict):
            return LeadView(lead_id, {}, (), f"No timeline: HTTP {answer.status_code}")
        standing, timeline = body.get("standing"), body.get("timeline")
        return LeadView(
            lead_id,
            standing if isinstance(standing, dict) else {},
            tuple(row for row in timeline if isinstance(row, dict))[
                -TIMELINE_SHOWN_MAX:
            ]
            if isinstance(timeline, list)
            else (),
            "",
        )


def _bearer(token: str) -> dict[str, str]:
    """No header at all without a token: an empty one is not a legal header."""
    return {"Authorization": f"Bearer {token}"} if token else {}
