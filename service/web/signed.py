"""What Twilio posts is checked against its signature before a word of it is read.

Shared by all of its addresses: the check, what is answered to what makes no sense, and how an
address is described. Whatever is signed is answered as Twilio expects, also when it cannot be
read: then it is kept for a person, because Twilio does not send it again. Only a ledger that is
away answers 503, which our callback URLs ask Twilio to repeat.
"""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.desk.take_in import keep_unreadable
from service.errors import ConfigError, SourceError
from service.phone.form import FORM_BYTES_MAX, Form, read_form
from service.phone.signature import SignatureCheck
from service.rules.lead import tidy
from service.web.documented import refusals
from service.web.limits import read_body
from service.web.problems import Declined, Kind
from service.wiring import House

SIGNATURE = "X-Twilio-Signature"
TWIML = "text/xml"

WHY_LONGEST = 300

_REFUSALS = refusals(
    *(Kind.FORBIDDEN, Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.LEDGER_UNAVAILABLE, Kind.LEAD_BUSY)
)

log = structlog.get_logger("web")

Hear = Callable[[Form], Response]


class Signed:
    """Hears what is signed, and nothing else."""

    def __init__(self, house: House) -> None:
        """Raises ConfigError for a public URL that no signature can be made over."""
        self._desk = house.desk
        try:
            self._check = SignatureCheck(house.account.auth_tokens, house.settings.public_url)
        except ValueError as unfit:
            raise ConfigError(f"SPEEDTOLEAD_PUBLIC_URL cannot be used: {unfit}") from unfit

    async def heard(
        self, request: Request, kind: str, hear: Hear, otherwise: str | None = None
    ) -> Response:
        """Check, read and act, in one thread. ``kind`` names it where it is kept and logged;
        ``otherwise`` is said to what makes no sense."""
        body = await read_body(request, FORM_BYTES_MAX)
        return await run_in_threadpool(self._act, request, body, kind, hear, otherwise)

    def _act(
        self, request: Request, body: bytes, kind: str, hear: Hear, otherwise: str | None
    ) -> Response:
        raw_path, raw_query = request.scope["raw_path"], request.scope["query_string"]
        signature = request.headers.get(SIGNATURE)
        if not self._check.valid(raw_path, raw_query, signature, body):
            because = "not signed" if signature is None else "wrong signature"
            log.warning("webhook", kind=kind, outcome="refused", because=because)
            detail = "The signature does not fit PUBLIC_URL, the path and the body."
            raise Declined(Kind.FORBIDDEN, detail)
        try:
            return hear(read_form(body))
        except SourceError as error:
            why = tidy(f"{error.field}: {error}" if error.field else str(error), WHY_LONGEST)
            kept = keep_unreadable(self._desk, kind, body, why)
            log.warning("webhook", kind=kind, outcome="unreadable", kept=kept, because=why)
            return twiml(otherwise) if otherwise is not None else nothing()


def add_hook(
    router: APIRouter,
    path: str,
    endpoint: Callable[..., object],
    summary: str,
    *,
    answers: bool = True,
) -> None:
    """Serve an address of Twilio's; ``answers``: with a document, else with nothing."""
    good = HTTPStatus.OK if answers else HTTPStatus.NO_CONTENT
    content = {TWIML: {"schema": {"type": "string"}}}
    answered = {"content": content, "description": "TwiML"} if answers else {}
    router.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        summary=summary,
        status_code=good,
        response_class=Response,
        responses={**_REFUSALS, **({good: answered} if answers else {})},
    )


def wrong_keys(request: Request) -> int:
    """How many wrong keys came before this one, as we wrote it into the URL."""
    return counted(request, "wrong")


def counted(request: Request, name: str) -> int:
    """How often something was done before, as we wrote it into the URL: one digit."""
    digits = request.query_params.get(name, "")
    return int(digits) if len(digits) == 1 and digits.isdecimal() else 0


def twiml(document: str) -> Response:
    return Response(document, media_type=TWIML)


def nothing() -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)
