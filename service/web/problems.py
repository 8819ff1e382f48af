"""Every refusal the front door gives, as a problem document (RFC 9457).

This is the only file that knows HTTP status codes: everybody else names a `Kind`, or raises an
error that says who is at fault and leaves it to `install` to answer. A document tells callers what
to change; it must not show them a stack trace, a person's words or anything of another caller's.
"""

import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.errors import Fault, LeadBusy, LedgerUnavailable, NotAllowed, SourceError
from service.rules.lead import tidy

MEDIA_TYPE = "application/problem+json"

DETAIL_LONGEST = 500
FIELD_LONGEST = 100
"""Characters. Some of both comes from the caller, who is not to choose how much we send back."""

ERRORS_MAX = 20
"""Wrong fields named in one document; whoever has more to mend will send again anyway."""

LEAD_BUSY_RETRY_S = 1
"""A lead's row is held for milliseconds; a second later it is free or something else is wrong."""

LEDGER_RETRY_S = 5
"""A restarted PostgreSQL takes some seconds; sources that retry must not wait for minutes."""

log = structlog.get_logger("web")


class Kind(StrEnum):
    """What went wrong. The value is the end of the document's `type`, and never changes."""

    BAD_REQUEST = "bad-request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    UNKNOWN_SOURCE = "unknown-source"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    TOO_SLOW = "too-slow"
    CONFLICT = "conflict"
    TOO_LARGE = "too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    UNREADABLE = "unreadable"
    TOO_MANY = "too-many"
    LEAD_BUSY = "lead-busy"
    LEDGER_UNAVAILABLE = "ledger-unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class _Row:
    status: int
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)


_TABLE: dict[Kind, _Row] = {
    Kind.BAD_REQUEST: _Row(400, "The request cannot be understood"),
    Kind.UNAUTHORIZED: _Row(401, "A valid key is needed", {"WWW-Authenticate": "Bearer"}),
    Kind.FORBIDDEN: _Row(403, "This caller may not do this"),
    Kind.UNKNOWN_SOURCE: _Row(404, "There is no such lead source"),
    Kind.NOT_FOUND: _Row(404, "There is nothing here"),
    Kind.METHOD_NOT_ALLOWED: _Row(405, "This address does not answer to this method"),
    # The rest of a body that came too slowly is not waited for, so the connection is of no use.
    Kind.TOO_SLOW: _Row(408, "The request came too slowly", {"Connection": "close"}),
    Kind.CONFLICT: _Row(409, "This contradicts what is already recorded"),
    Kind.TOO_LARGE: _Row(413, "The body is too large"),
    Kind.UNSUPPORTED_MEDIA_TYPE: _Row(415, "This kind of body is not understood here"),
    Kind.UNREADABLE: _Row(422, "The request cannot be read as what it should be"),
    Kind.TOO_MANY: _Row(429, "Too many requests"),
    Kind.INTERNAL: _Row(500, "Something broke on our side"),
    Kind.LEAD_BUSY: _Row(503, "The lead is being worked on this very moment"),
    Kind.LEDGER_UNAVAILABLE: _Row(503, "Nothing could be recorded"),
}

_ONLY_OURS = {Kind.UNKNOWN_SOURCE, Kind.LEAD_BUSY, Kind.LEDGER_UNAVAILABLE}
_BY_STATUS = {row.status: kind for kind, row in _TABLE.items() if kind not in _ONLY_OURS}
"""What an error of the framework, which has only a status, is called."""


class Declined(Fault):
    """An entrance will not go on with a request, and knows what to say about it."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        field: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.field = field
        self.retry_after_s = retry_after_s


def status_and_title(kind: Kind) -> tuple[int, str]:
    """How a refusal is documented: its status, and its title."""
    row = _TABLE[kind]
    return row.status, row.title


def problem(
    kind: Kind,
    detail: str,
    *,
    field: str | None = None,
    errors: list[dict[str, str]] | None = None,
    retry_after_s: float | None = None,
    instance: str | None = None,
) -> JSONResponse:
    """A problem document with its status and headers.

    `detail` says what to change, `field` names the part of the request that was wrong in the
    caller's own words, `errors` lists several such parts. `retry_after_s` (seconds, rounded up)
    becomes the Retry-After header; `instance` names this one occurrence.
    """
    row = _TABLE[kind]
    members = {
        "field": tidy(field, FIELD_LONGEST) if field else None,
        "errors": errors or None,
        "instance": instance,
    }
    headers = dict(row.headers)
    if retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    return _document(f"/problems/{kind.value}", row.title, row.status, detail, members, headers)


Dress = Callable[[Request, JSONResponse], Response]
"""How a refusal looks to whoever caused it: the document as it is, or a page for a person."""


def install(app: FastAPI, dress: Dress | None = None) -> None:
    """Make every error that the app answers a problem document, the framework's own included.

    `dress` may give the document another look; it must keep its status and its headers.

    What nobody foresaw is logged with the reference that the caller is given. The server logs it
    once more, because Starlette raises it again after answering.
    """
    foreseen: list[type[Exception]] = [
        *(Declined, SourceError, NotAllowed, LeadBusy, LedgerUnavailable),
        *(RequestValidationError, HTTPException),
    ]

    async def handle(request: Request, error: Exception) -> Response:
        answer = _answer(request, error)
        return dress(request, answer) if dress else answer

    for kind in (*foreseen, Exception):
        app.add_exception_handler(kind, handle)


def _answer(request: Request, error: Exception) -> JSONResponse:
    match error:
        case Declined():
            return problem(
                error.kind, str(error), field=error.field, retry_after_s=error.retry_after_s
            )
        case SourceError():
            return problem(Kind.UNREADABLE, str(error), field=error.field)
        case NotAllowed():
            return problem(Kind.UNAUTHORIZED, str(error))
        case LeadBusy():
            return problem(
                Kind.LEAD_BUSY, "Send the same again shortly.", retry_after_s=LEAD_BUSY_RETRY_S
            )
        case LedgerUnavailable():  # its own words may name hosts and databases
            return problem(
                Kind.LEDGER_UNAVAILABLE,
                "The ledger cannot be reached and nothing was recorded. Send the same again.",
                retry_after_s=LEDGER_RETRY_S,
            )
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return _of_framework(error)
    return _unforeseen(request, error)


def _invalid(error: RequestValidationError) -> JSONResponse:
    """Which parts were wrong and how, without the values, which are somebody's words."""
    errors = [
        {
            "field": tidy(".".join(map(str, each["loc"][1:])), FIELD_LONGEST),
            "message": tidy(str(each["msg"]), DETAIL_LONGEST),
        }
        for each in error.errors()[:ERRORS_MAX]
    ]
    first = errors[0] if errors else {"field": "", "message": "The request cannot be read"}
    return problem(Kind.UNREADABLE, first["message"], field=first["field"] or None, errors=errors)


def _of_framework(error: HTTPException) -> JSONResponse:
    headers = dict(error.headers or {})
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        return _document(
            "about:blank", _phrase(error.status_code), error.status_code, error.detail, {}, headers
        )
    answer = problem(kind, str(error.detail))
    answer.headers.update(headers)
    return answer


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    reference = uuid.uuid4()
    route = getattr(
        request.scope.get("route"), "path", "unknown"
    )  # never the path: it may be a key
    log.error(
        "request.failed",
        because=type(error).__name__,
        reference=str(reference),
        route=route,
        exc_info=error,
    )
    return problem(
        Kind.INTERNAL,
        "It was recorded under the reference in `instance`; quote it when you ask about it.",
        instance=reference.urn,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _document(
    kind: str,
    title: str,
    status: int,
    detail: str,
    members: Mapping[str, object],
    headers: Mapping[str, str],
) -> JSONResponse:
    content: dict[str, object] = {"type": kind, "title": title, "status": status}
    if said := tidy(detail, DETAIL_LONGEST):
        content["detail"] = said
    content |= {name: value for name, value in members.items() if value is not None}
    return JSONResponse(
        content,
        status_code=status,
        headers={"Cache-Control": "no-store", **headers},
        media_type=MEDIA_TYPE,
    )
