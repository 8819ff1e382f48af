"""What Twilio posts: texts, receipts, keys on a call, and calls to our numbers.

Every request is checked against its signature before a word of it is read. Whatever is signed is
answered as Twilio expects, also when it makes no sense: then it is kept for a person, because
Twilio does not send it again. Only a ledger that is away answers 503, which our callback URLs ask
Twilio to repeat.
"""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.desk.hear_line import hear_key, hear_receipt, spoken_page
from service.desk.hear_text import hear_text
from service.desk.take_in import keep_unreadable, take_in
from service.errors import ConfigError, SourceError
from service.intake.arrival import Arrival
from service.intake.numbers import to_e164
from service.phone import callbacks, urls, voice
from service.phone.form import FORM_BYTES_MAX, Form, read_form
from service.phone.signature import SignatureCheck
from service.rules import spoken
from service.rules.lead import Lead, tidy
from service.team.team import Source, SourceKind
from service.web.documented import refusals
from service.web.doors import Doors
from service.web.limits import read_body
from service.web.problems import Declined, Kind
from service.wiring import House

SIGNATURE = "X-Twilio-Signature"
TWIML = "text/xml"

WRONG_KEYS_MAX = 3
"""A rep who pressed as many wrong keys will not find the right one, and a machine that plays
tones must not keep a call open for ever."""

WHY_LONGEST = 300
CALLER_LONGEST = 40

CALLED_US = "Called us"

_REFUSALS = refusals(
    *(Kind.FORBIDDEN, Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.LEDGER_UNAVAILABLE, Kind.LEAD_BUSY)
)

log = structlog.get_logger("web")

Hear = Callable[[Form], Response]


class TwilioHooks:
    """The addresses that Twilio posts to."""

    def __init__(self, house: House, doors: Doors) -> None:
        """Raises ConfigError for a public URL that no signature can be made over."""
        self._desk = house.desk
        self._doors = doors
        self._public_url = house.settings.public_url
        try:
            self._signed = SignatureCheck(house.account.auth_tokens, self._public_url)
        except ValueError as unfit:
            raise ConfigError(f"SPEEDTOLEAD_PUBLIC_URL cannot be used: {unfit}") from unfit
        self.router = APIRouter(tags=["twilio"])
        self._add(urls.INBOUND_TEXT_PATH, self.text, "An inbound text")
        self._add(urls.INBOUND_CALL_PATH, self.call, "An inbound call")
        self._add(urls.TEXT_STATUS_PATH, self.text_receipt, "How far a text has come", twiml=False)
        self._add(urls.CALL_STATUS_PATH, self.call_receipt, "How far a call has come", twiml=False)
        self._add(urls.PAGE_TWIML_PATH, self.say, "What to say to a rep who picks up")
        self._add(urls.PAGE_KEY_PATH, self.key, "A key that a rep pressed")

    def _add(
        self,
        path: str,
        endpoint: Callable[..., object],
        summary: str,
        *,
        twiml: bool = True,
    ) -> None:
        good = HTTPStatus.OK if twiml else HTTPStatus.NO_CONTENT
        content = {TWIML: {"schema": {"type": "string"}}}
        answered = {"content": content, "description": "TwiML"} if twiml else {}
        self.router.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            summary=summary,
            status_code=good,
            response_class=Response,
            responses={**_REFUSALS, **({good: answered} if twiml else {})},
        )

    async def text(self, request: Request) -> Response:
        return await self._heard(request, "text", self._text, voice.empty_messaging())

    async def call(self, request: Request) -> Response:
        return await self._heard(request, "call", self._call, voice.empty())

    async def text_receipt(self, request: Request, page_id: str) -> Response:
        return await self._heard(request, "receipt", partial(self._text_receipt, page_id))

    async def call_receipt(self, request: Request, page_id: str) -> Response:
        return await self._heard(request, "receipt", partial(self._call_receipt, page_id))

    async def say(self, request: Request, page_id: str) -> Response:
        hear = partial(self._say, page_id)
        return await self._heard(request, "call", hear, voice.empty())

    async def key(self, request: Request, page_id: str) -> Response:
        hear = partial(self._key, page_id, _wrong_keys(request))
        return await self._heard(request, "key", hear, voice.empty())

    async def _heard(
        self, request: Request, kind: str, hear: Hear, otherwise: str | None = None
    ) -> Response:
        """Check, read and act, in one thread. ``otherwise`` is said to what makes no sense."""
        body = await read_body(request, FORM_BYTES_MAX)
        return await run_in_threadpool(self._act, request, body, kind, hear, otherwise)

    def _act(
        self, request: Request, body: bytes, kind: str, hear: Hear, otherwise: str | None
    ) -> Response:
        raw_path, raw_query = request.scope["raw_path"], request.scope["query_string"]
        signature = request.headers.get(SIGNATURE)
        if not self._signed.valid(raw_path, raw_query, signature, body):
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
            return _twiml(otherwise) if otherwise is not None else _nothing()

    def _text(self, form: Form) -> Response:
        self._doors.crew()  # without a team nothing can be understood: said as 503, not as 500
        hear_text(self._desk, callbacks.inbound_text(form))
        return _twiml(voice.empty_messaging())

    def _text_receipt(self, page_id: str, form: Form) -> Response:
        hear_receipt(self._desk, callbacks.text_status(page_id, form))
        return _nothing()

    def _call_receipt(self, page_id: str, form: Form) -> Response:
        hear_receipt(self._desk, callbacks.call_status(page_id, form))
        return _nothing()

    def _say(self, page_id: str, form: Form) -> Response:
        # A call that asks is a call without a key yet; reading it so checks both ids.
        asking = callbacks.key_pressed(page_id, form)
        return _twiml(self._page_said(asking, wrong_keys=0))

    def _key(self, page_id: str, wrong_keys: int, form: Form) -> Response:
        pressed = callbacks.key_pressed(page_id, form)
        words = hear_key(self._desk, pressed)
        if words is not None:
            return _twiml(voice.after_key(words))
        if wrong_keys + 1 >= WRONG_KEYS_MAX:
            return _twiml(voice.empty())
        return _twiml(self._page_said(pressed, wrong_keys + 1))

    def _page_said(self, pressed: callbacks.KeyPressed, wrong_keys: int) -> str:
        """The page, as long as it asks for a key. How many were wrong travels in the key's URL,
        so that the same request always gets the same words."""
        words, asks = spoken_page(self._desk, pressed.page_id)
        if not asks:
            return voice.say_and_hang_up(words)
        key_url = urls.page_key_url(self._public_url, pressed.page_id)
        if wrong_keys == 0:
            return voice.say_page(words, key_url)
        words = f"{spoken.spoken_no_such_key()} {words}"
        return voice.say_page(words, f"{key_url}?wrong={wrong_keys}")

    def _call(self, form: Form) -> Response:
        """A caller is a lead: whoever dialled a source's number is paged for and called back."""
        sid, crew = callbacks.call_sid(form), self._doors.crew()
        team = crew.team.name
        caller = tidy(form.get("From") or "", CALLER_LONGEST)
        number = to_e164(caller, self._doors.region())
        source = _source_of(crew.team.sources, form.get("To") or "")
        if number in crew.by_phone:
            words = spoken.spoken_to_colleague(team)
        elif source is None:
            self._keep_call(form)
            words = spoken.spoken_no_line(team)
        else:
            lead = Lead(phone=number, phone_as_given=caller or None, ask=CALLED_US)
            taken = take_in(self._desk, source.id, Arrival(lead, external_id=sid))
            log.info("lead", lead=taken.lead_id, source=source.id, outcome="called")
            words = spoken.spoken_thanks(team)
        return _twiml(voice.say_and_hang_up(words))

    def _keep_call(self, form: Form) -> None:
        """Somebody wanted something, at a number that is no source's: a person should know."""
        why = "a call to a number that is no source of leads"
        kept = keep_unreadable(self._desk, "call", urlencode(form.pairs).encode(), why)
        log.warning("webhook", kind="call", outcome="unreadable", kept=kept, because=why)


def _source_of(sources: tuple[Source, ...], dialled: str) -> Source | None:
    """The source whose number was called."""
    lines = (source for source in sources if source.kind is SourceKind.CALL)
    return next((line for line in lines if line.number == dialled), None)


def _wrong_keys(request: Request) -> int:
    """How many wrong keys came before this one, as we wrote it into the URL."""
    digits = request.query_params.get("wrong", "")
    return int(digits) if len(digits) == 1 and digits.isdecimal() else 0


def _twiml(document: str) -> Response:
    return Response(document, media_type=TWIML)


def _nothing() -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)
