"""Leads come in as JSON, and are read back.

The order of the checks is the order in which a stranger learns anything: first whether there is
such a source, then nothing without its key. A lead whose words cannot be read is kept for a
person; one that was not stored is never acknowledged.
"""

import re
from http import HTTPStatus
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from service.desk.take_in import keep_unreadable, take_in
from service.errors import SourceError
from service.intake.arrival import Arrival
from service.intake.json_source import arrival_from_json
from service.intake.sources import check_bearer
from service.ledger import calls, leads
from service.ledger.listing import PAGE_MAX, list_leads
from service.rules.folding import fold
from service.rules.lead import LeadId, tidy
from service.web.access import Access
from service.web.documented import refusals
from service.web.doors import Door, Doors
from service.web.limits import read_body
from service.web.problems import Declined, Kind
from service.web.views import Json, listed_lead, whole_lead
from service.wiring import House

IDEMPOTENCY_KEY = "Idempotency-Key"
KEY_LONGEST = 255
_KEY = re.compile(rf"[!-~]{{1,{KEY_LONGEST}}}")

LEAD_ID = re.compile(r"[A-Za-z0-9_-]{24,64}")
"""As the ledger makes them; what does not look so is nowhere to be found."""

CURSOR_LONGEST = 200
WHY_LONGEST = 300

_BY_SOURCE_KEY: dict[str, Any] = {
    "security": [{"sourceKey": []}],
    "parameters": [
        {
            "name": IDEMPOTENCY_KEY,
            "in": "header",
            "required": False,
            "description": "The same key from the same source is the same lead.",
            "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LONGEST},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "A lead in the source's own words: name, phone, email, ask, "
                    "city and so on, under any usual spelling, also wrapped or nested.",
                },
                "example": {
                    "name": "Dana Reyes",
                    "phone": "+12125550123",
                    "ask": "Solar for a barn",
                },
            }
        },
    },
}
_TAKEN: dict[str, Any] = {
    "type": "object",
    "required": ["lead_id", "duplicate", "status_url"],
    "properties": {
        "lead_id": {"type": "string"},
        "duplicate": {"type": "boolean"},
        "status_url": {"type": "string", "format": "uri"},
    },
}

log = structlog.get_logger("web")


def idempotency_key(headers: Headers) -> str | None:
    """The sender's own name for this request, None without one. Raises SourceError."""
    key = headers.get(IDEMPOTENCY_KEY)
    if key is not None and not _KEY.fullmatch(key):
        expected = f"1 to {KEY_LONGEST} visible ASCII characters without spaces"
        raise SourceError(f"expected {expected}", field=IDEMPOTENCY_KEY)
    return key


def known_id(given: str) -> LeadId:
    """A lead's id from a path. Raises Declined for what cannot be one."""
    if not LEAD_ID.fullmatch(given):
        raise no_such_lead()
    return LeadId(given)


def no_such_lead() -> Declined:
    return Declined(Kind.NOT_FOUND, "There is no lead with this id.")


class LeadDoor:
    """Where sources hand in leads and integrations read them."""

    def __init__(self, house: House, doors: Doors, access: Access) -> None:
        self._desk = house.desk
        self._ledger = house.ledger
        self._doors = doors
        self._public_url = house.settings.public_url
        self.router = APIRouter(tags=["leads"])
        self._add_taking()
        self._add_reading(access)

    def _add_taking(self) -> None:
        refused = refusals(
            *(Kind.UNAUTHORIZED, Kind.UNKNOWN_SOURCE, Kind.TOO_SLOW, Kind.TOO_LARGE),
            *(Kind.UNSUPPORTED_MEDIA_TYPE, Kind.UNREADABLE, Kind.TOO_MANY),
            *(Kind.LEDGER_UNAVAILABLE, Kind.LEAD_BUSY),
        )
        stored = {"content": {"application/json": {"schema": _TAKEN}}, "description": "Stored"}
        self.router.add_api_route(
            "/leads/{id}",
            self._post,
            methods=["POST"],
            summary="Hand in a lead; `id` is the source's",
            status_code=HTTPStatus.ACCEPTED,
            response_class=JSONResponse,
            responses={**refused, HTTPStatus.ACCEPTED: stored},
            openapi_extra=_BY_SOURCE_KEY,
        )

    def _add_reading(self, access: Access) -> None:
        may_read = [Depends(access.require("api", "manager"))]
        common = (Kind.UNAUTHORIZED, Kind.FORBIDDEN, Kind.UNREADABLE, Kind.LEDGER_UNAVAILABLE)
        self.router.add_api_route(
            "/leads",
            self._list,
            methods=["GET"],
            dependencies=may_read,
            summary="Leads, newest first",
            responses=refusals(*common),
        )
        self.router.add_api_route(
            "/leads/{id}",
            self._get,
            methods=["GET"],
            dependencies=may_read,
            summary="One lead, and all that happened to it",
            responses=refusals(*common, Kind.NOT_FOUND),
        )

    async def _post(self, source: Annotated[str, Path(alias="id")], request: Request) -> Response:
        """Reads the body here and does everything else in one thread: each hop costs."""
        body: bytes | Declined
        try:
            body = await read_body(request)
        except Declined as declined:
            body = declined  # said in its turn: a stranger learns only that a key is needed
        return await run_in_threadpool(self._take, source, request.headers, body)

    def _take(self, source_id: str, headers: Headers, body: bytes | Declined) -> Response:
        door = self._doors.door(source_id)
        _let_in(door, headers)
        if isinstance(body, Declined):
            raise body
        arrival, key = self._read(door, headers, body)
        taken = take_in(self._desk, door.source.id, arrival, key)
        outcome = "known" if taken.duplicate else "stored"
        log.info("lead", lead=taken.lead_id, source=door.source.id, outcome=outcome)
        return JSONResponse(
            {
                "lead_id": taken.lead_id,
                "duplicate": taken.duplicate,
                "status_url": f"{self._public_url}/leads/{taken.lead_id}",
            },
            HTTPStatus.ACCEPTED,
        )

    def _read(self, door: Door, headers: Headers, body: bytes) -> tuple[Arrival, str | None]:
        """The lead, and the sender's name for it. What cannot be read is kept, then refused."""
        try:
            return arrival_from_json(body, door.region), idempotency_key(headers)
        except SourceError as error:
            why = tidy(f"{error.field}: {error}" if error.field else str(error), WHY_LONGEST)
            kept = keep_unreadable(self._desk, door.source.id, body, why)
            log.warning("lead", source=door.source.id, outcome="unreadable", kept=kept, because=why)
            raise

    def _get(self, lead_id: Annotated[str, Path(alias="id")]) -> Json:
        asked = known_id(lead_id)
        with self._ledger.snapshot() as conn:
            view = leads.read_lead(conn, asked)
            timeline = leads.timeline_of(conn, asked)
            made = calls.calls_of_lead(conn, asked)
        if view is None:
            raise no_such_lead()
        return whole_lead(view, fold(timeline), timeline, made)

    def _list(
        self,
        state: Literal["open", "closed", "all"] = "open",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
        cursor: Annotated[str | None, Query(max_length=CURSOR_LONGEST)] = None,
    ) -> Json:
        state_open = None if state == "all" else state == "open"
        try:
            with self._ledger.snapshot() as conn:
                page = list_leads(conn, state_open, limit, cursor or None)
        except ValueError as wrong:
            raise SourceError(str(wrong), field="cursor") from wrong
        return {
            "leads": [listed_lead(view) for view in page.leads],
            "next_cursor": page.cursor,
        }


def _let_in(door: Door, headers: Headers) -> None:
    """Raises Declined: not this source's key, too many requests, or no JSON."""
    if not check_bearer(headers.get("authorization"), door.key):
        log.info("lead", source=door.source.id, outcome="refused", because="wrong key")
        detail = "Send this source's key as `Authorization: Bearer <key>`."
        raise Declined(Kind.UNAUTHORIZED, detail)
    wait_s = door.limit.allow(door.source.id)
    if wait_s > 0:
        log.warning("lead", source=door.source.id, outcome="refused", because="too many")
        detail = f"This source may send {door.source.per_minute} leads a minute."
        raise Declined(Kind.TOO_MANY, detail, retry_after_s=wait_s)
    if not _is_json(headers.get("content-type", "")):
        raise Declined(
            Kind.UNSUPPORTED_MEDIA_TYPE, "Send JSON, with `Content-Type: application/json`."
        )


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
