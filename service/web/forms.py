"""Leads come in as a web page's form, posted by a browser or by a form maker's server.

A form's key is public, so what protects the team is the list of its sites, the limits and the two
traps for programs; a program that steps into one gets the answer that a person gets. Everything
accepted is stored before it is answered, and what is not taken for a lead is kept for a person.
"""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from service.desk.desk import new_lead_id
from service.desk.take_in import keep_bot, keep_unreadable, take_in
from service.errors import SourceError
from service.intake.form_source import KEY, REDIRECT, Bot, arrival_from_form, bot_reason
from service.intake.sources import check_public_key
from service.rules.lead import LeadId, tidy
from service.team.team import SourceKind
from service.web.documented import refusals
from service.web.doors import Door, Doors
from service.web.form_origin import Caller, caller_of, redirect_for
from service.web.form_pages import FORMS_PATH, FormPages, open_to, prefers
from service.web.form_sent import MULTIPART, URLENCODED, Sent, read_sent
from service.web.problems import Declined, Kind
from service.wiring import House

WHY_LONGEST = 300
ORIGIN_SHOWN = 100
"""Characters of a refused origin that are logged: enough to see which site has moved."""

KEPT_MAX_BYTES = 16 * 1024
"""Of one form that is kept for a person: three times the longest ask."""

PREFLIGHT_KEPT_S = 600
"""How long a browser may remember that it was let in; a changed team file holds within minutes."""

_METHODS = "POST, OPTIONS"
_HEADERS = "accept, content-type"

_FIELDS: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": [KEY],
        "properties": {
            KEY: {"type": "string", "description": "The source's public key."},
            REDIRECT: {"type": "string", "description": "A page to lead to afterwards."},
            "submission_id": {"type": "string", "description": "The same id is the same lead."},
        },
        "additionalProperties": {"type": "string"},
    }
}
_DOCUMENTED: dict[str, Any] = {
    "parameters": [
        {
            "name": KEY,
            "in": "query",
            "required": False,
            "description": "The source's public key, where a form cannot hold it.",
            "schema": {"type": "string"},
        }
    ],
    "requestBody": {"required": True, "content": {URLENCODED: _FIELDS, MULTIPART: _FIELDS}},
}
_TAKEN: dict[str, Any] = {
    "type": "object",
    "required": ["lead_id", "duplicate", "status_url"],
    "properties": {
        "lead_id": {"type": "string"},
        "duplicate": {"type": "null"},
        "status_url": {"type": "string", "format": "uri"},
    },
}

log = structlog.get_logger("web")


class FormDoor:
    """Where web pages hand in leads."""

    def __init__(self, house: House, doors: Doors, pages: FormPages) -> None:
        self._desk = house.desk
        self._doors = doors
        self._pages = pages
        self._public_url = house.settings.public_url
        self.router = APIRouter(tags=["forms"])
        self.router.add_api_route(
            FORMS_PATH + "{source}",
            self._post,
            methods=["POST"],
            summary="Hand in a lead with a web page's form",
            response_class=HTMLResponse,
            responses={
                HTTPStatus.OK: {"description": "Stored: a page that says thank you"},
                HTTPStatus.SEE_OTHER: {"description": "Stored: to the form's own `redirect`"},
                HTTPStatus.ACCEPTED: {
                    "description": "Stored: asked for with `Accept: application/json`",
                    "content": {"application/json": {"schema": _TAKEN}},
                },
                **refusals(
                    *(Kind.UNKNOWN_SOURCE, Kind.FORBIDDEN, Kind.UNSUPPORTED_MEDIA_TYPE),
                    *(Kind.TOO_LARGE, Kind.TOO_SLOW, Kind.UNAUTHORIZED, Kind.TOO_MANY),
                    *(Kind.UNREADABLE, Kind.LEDGER_UNAVAILABLE, Kind.LEAD_BUSY),
                ),
            },
            openapi_extra=_DOCUMENTED,
        )
        self.router.add_api_route(
            FORMS_PATH + "{source}",
            self._preflight,
            methods=["OPTIONS"],
            summary="Whether a page's script may post here (CORS)",
            status_code=HTTPStatus.NO_CONTENT,
            response_class=Response,
            responses=refusals(Kind.UNKNOWN_SOURCE, Kind.FORBIDDEN, Kind.LEDGER_UNAVAILABLE),
        )

    def _preflight(self, source: str, request: Request) -> Response:
        door = self._doors.door(source, SourceKind.FORM)
        allowed = {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Max-Age": str(PREFLIGHT_KEPT_S),
        }
        origin = _let_in(door, request).origin
        headers = open_to(origin) | (allowed if origin else {})
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": _METHODS, **headers})

    async def _post(self, source: str, request: Request) -> Response:
        """Reads the body here and does everything else in one thread, as leads in JSON are."""
        sent = await read_sent(request)
        return await run_in_threadpool(self._take, source, request, sent)

    def _take(self, source_id: str, request: Request, sent: Sent) -> Response:
        door = self._doors.door(source_id, SourceKind.FORM)
        caller = _let_in(door, request)
        if isinstance(sent.fault, Declined):
            raise sent.fault
        key = sent.form.get(KEY) or request.query_params.get(KEY)
        if key is not None or sent.fault is None:  # a broken body's key may have broken with it
            _check_key(door, key)
        bot = bot_reason(sent.form, door.source.min_fill_s)
        _spend(door, bot)
        if bot is not None:
            self._keep_bot(door, sent, bot)
            return self._answer(request, door, sent, caller, new_lead_id())
        return self._answer(request, door, sent, caller, self._store(door, sent))

    def _store(self, door: Door, sent: Sent) -> LeadId:
        """The lead's id. What cannot be read is kept, then refused."""
        try:
            if sent.fault is not None:
                raise sent.fault
            arrival = arrival_from_form(sent.form, door.region)
        except SourceError as error:
            self._keep_unreadable(door, sent, error)
            raise
        taken = take_in(self._desk, door.source.id, arrival)
        outcome = "known" if taken.duplicate else "stored"
        log.info("form", lead=taken.lead_id, source=door.source.id, outcome=outcome)
        return taken.lead_id

    def _keep_unreadable(self, door: Door, sent: Sent, error: SourceError) -> None:
        body, why = self._worth_keeping(door, sent), tidy(str(error), WHY_LONGEST)
        kept = None if body is None else keep_unreadable(self._desk, door.source.id, body, why)
        log.warning("form", source=door.source.id, outcome="unreadable", kept=kept, because=why)

    def _keep_bot(self, door: Door, sent: Sent, bot: Bot) -> None:
        why = f"taken for a program's: {bot.value}"
        body = self._worth_keeping(door, sent)
        kept = keep_bot(self._desk, door.source.id, bot.value, body, why)
        log.info("form", source=door.source.id, outcome="bot", kept=kept, because=bot.value)

    def _worth_keeping(self, door: Door, sent: Sent) -> bytes | None:
        """What of this form is kept for a person; None when enough was kept of late."""
        if self._doors.kept.allow(f"{door.source.id}:kept") > 0:
            return None
        return (sent.head or sent.form.encoded(KEY))[:KEPT_MAX_BYTES]

    def _answer(
        self, request: Request, door: Door, sent: Sent, caller: Caller, lead_id: LeadId
    ) -> Response:
        """The same for a person and for a program that was found out, whatever either sent."""
        if prefers(request.headers, "application/json", over="text/html"):
            answer: Response = JSONResponse(self._taken(lead_id), HTTPStatus.ACCEPTED)
        else:
            wanted = sent.form.get(REDIRECT)
            redirect = redirect_for(wanted, door.source)
            if wanted is not None and redirect is None:
                log.info("form", source=door.source.id, outcome="not led on")
            back = caller.origin if door.source.origins else None
            team = self._doors.crew().team.name
            answer = self._pages.thanks(request.headers, team, back, redirect)
        answer.headers.update(open_to(caller.origin))
        return answer

    def _taken(self, lead_id: LeadId) -> dict[str, object]:
        """As the JSON door answers, but that it does not tell strangers, who may know anybody's
        number, whether that person has asked before."""
        status_url = f"{self._public_url}/leads/{lead_id}"
        return {"lead_id": lead_id, "duplicate": None, "status_url": status_url}


def _let_in(door: Door, request: Request) -> Caller:
    """Where it comes from, noted for a refusal's headers too. Raises Declined."""
    caller = caller_of(request.headers, door.source)
    if caller.allowed:
        request.state.origin = caller.origin
        return caller
    stated = request.headers.get("origin") or request.headers.get("referer") or ""
    because = f"origin {tidy(stated, ORIGIN_SHOWN)}"
    log.warning("form", source=door.source.id, outcome="refused", because=because)
    raise Declined(Kind.FORBIDDEN, "This site is not among the origins of this source.")


def _check_key(door: Door, given: str | None) -> None:
    """Raises Declined."""
    if not check_public_key(given, door.key):
        log.info("form", source=door.source.id, outcome="refused", because="wrong key")
        detail = f"The form must hold this source's key in a field named `{KEY}`."
        raise Declined(Kind.UNAUTHORIZED, detail)


def _spend(door: Door, bot: Bot | None) -> None:
    """Raises Declined when too many came. Programs use up a share of their own, no person's."""
    spender = f"{door.source.id}:bots" if bot else door.source.id
    wait_s = door.limit.allow(spender)
    if wait_s > 0:
        log.warning("form", source=door.source.id, outcome="refused", because="too many")
        detail = f"This source may send {door.source.per_minute} leads a minute."
        raise Declined(Kind.TOO_MANY, detail, retry_after_s=wait_s)
