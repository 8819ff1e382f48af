"""Facts from outside: a CRM or a dialler tells what somebody did with a lead.

A teller's word is evidence of grade C. This file reads it and hands it on; what follows from it
is the desk's business.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.desk.hear_fact import FactKind, HeardFact, OutsideFact, hear_fact
from service.errors import SourceError
from service.intake.numbers import to_e164
from service.rules.lead import RepId, tidy
from service.rules.timeline import Ending
from service.web.access import Access
from service.web.documented import refusals
from service.web.doors import Doors
from service.web.leads import IDEMPOTENCY_KEY, KEY_LONGEST, idempotency_key, known_id, no_such_lead
from service.web.limits import read_body
from service.web.problems import Declined, Kind
from service.wiring import House

NO_EARLIER = datetime(2000, 1, 1, tzinfo=UTC)
"""Before there was such a service; an earlier instant is a slip, or a date nobody filled in."""

WORDS_LONGEST = 500
NAME_LONGEST = 128
"""Ids of calls and reps; the longest that a carrier makes is half of this."""


def _visible(text: str) -> str:
    """As shown on one line: what cannot be seen cannot be stored either."""
    return tidy(text, WORDS_LONGEST)


_Words = Annotated[str, Field(max_length=WORDS_LONGEST), AfterValidator(_visible)]
_Name = Annotated[str, Field(min_length=1, max_length=NAME_LONGEST), AfterValidator(_visible)]


class ToldFact(BaseModel):
    """What happened elsewhere. Unknown members are refused, so that a slip of the pen shows."""

    model_config = ConfigDict(extra="forbid")

    event: Literal["attempted", "contacted", "outcome", "opted_out"]
    at: Annotated[AwareDatetime, Field(ge=NO_EARLIER)] | None = None
    rep: _Name | None = None
    outcome: (
        Literal[
            "talked", "voicemail", "no_answer", "wrong_number", "booked", "call_later",
            "not_interested", "not_a_lead",
        ]
        | None
    ) = None  # fmt: skip
    call_id: _Name | None = None
    number: _Name | None = None
    reason: _Words | None = None


_TOLD: dict[str, Any] = {
    "parameters": [
        {
            "name": IDEMPOTENCY_KEY,
            "in": "header",
            "required": True,
            "description": "Telling the same twice under one key is telling it once.",
            "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LONGEST},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ToldFact.model_json_schema()}},
    },
}


class FactDoor:
    """Where facts from outside are told."""

    def __init__(self, house: House, doors: Doors, access: Access) -> None:
        self._desk = house.desk
        self._doors = doors
        self.router = APIRouter(tags=["leads"])
        self.router.add_api_route(
            "/leads/{id}/events",
            self._post,
            methods=["POST"],
            dependencies=[Depends(access.require("api"))],
            summary="Tell what happened elsewhere",
            status_code=HTTPStatus.ACCEPTED,
            responses=refusals(
                *(Kind.UNAUTHORIZED, Kind.FORBIDDEN, Kind.NOT_FOUND, Kind.CONFLICT),
                *(Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.UNREADABLE),
                *(Kind.LEDGER_UNAVAILABLE, Kind.LEAD_BUSY),
            ),
            openapi_extra=_TOLD,
        )

    async def _post(self, lead_id: Annotated[str, Path(alias="id")], request: Request) -> Response:
        asked = known_id(lead_id)
        key = idempotency_key(request.headers)
        if key is None:
            detail = "a key of your own for this fact is needed, so that it counts once"
            raise SourceError(detail, field=IDEMPOTENCY_KEY)
        told = _read(await read_body(request))

        def hear() -> HeardFact:
            return hear_fact(self._desk, asked, self._fact(told), key)

        return _answer(await run_in_threadpool(hear))

    def _fact(self, told: ToldFact) -> OutsideFact:
        """Raises SourceError for what the shape alone does not tell."""
        if told.rep is not None and told.rep not in self._doors.crew().people:
            raise SourceError("nobody on the team has this id", field="rep")
        if told.event == "outcome" and told.outcome is None:
            raise SourceError("say which outcome", field="outcome")
        return OutsideFact(
            kind=FactKind(told.event),
            at=told.at.astimezone(UTC) if told.at else None,
            rep=RepId(told.rep) if told.rep else None,
            outcome=Ending(told.outcome) if told.outcome else None,
            call_id=told.call_id,
            number=self._number(told.number) if told.number else None,
            reason=told.reason or None,
        )

    def _number(self, given: str) -> str:
        number = to_e164(given, self._doors.region())
        if number is None:
            raise SourceError("expected a phone number, such as +12125550123", field="number")
        return number


def _read(body: bytes) -> ToldFact:
    try:
        return ToldFact.model_validate_json(body)
    except ValidationError as wrong:
        errors = [
            {**each, "loc": ("body", *each["loc"])}
            for each in wrong.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise RequestValidationError(errors) from None


def _answer(heard: HeardFact) -> Response:
    match heard:
        case HeardFact.NO_SUCH_LEAD:
            raise no_such_lead()
        case HeardFact.CLOSED:
            raise Declined(Kind.CONFLICT, "This lead is closed: nothing more comes of it.")
        case HeardFact.RECORDED | HeardFact.KNOWN:
            told = {"recorded": heard is HeardFact.RECORDED, "outcome": heard.value}
            return JSONResponse(told, HTTPStatus.ACCEPTED)
