"""What every API request goes through: credentials, the log of arrivals, and the faults.

Decides nothing about texts and calls; the REST file says what is done with a request let through.
"""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from service.sandbox.answers import CODE_OF_STATUS, ApiRefusal, refusal_body, refused
from service.sandbox.exchange import Arrival, Exchange
from service.sandbox.faults import FaultBook, Where
from service.sandbox.strictness import wrong_request

REQUEST_BYTES_MAX = 64 * 1024  # far above 1600 characters and a few URLs

# Refusals of what no caller should ever ask; what a number or a person causes is not among them.
OUR_OWN_FAULTS = frozenset({20001, 21201, 21205, 21602, 21603, 21604, 21609, 21617})

Form = dict[str, list[str]]


class CutOff(Response):
    """Starts an answer and closes the connection in the middle of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def one(form: Form, name: str, default: str = "") -> str:
    """The last value given for `name`, as the carrier reads repeated parameters."""
    return form.get(name, [default])[-1]


def whole(form: Form, name: str, default: int, most: int) -> int:
    raw = one(form, name)
    return min(most, int(raw)) if raw.isascii() and raw.isdigit() else default


async def form_of(request: Request) -> Form:
    """The urlencoded body, blank values kept. Raises ApiRefusal(20001) when it is too long."""
    raw = await request.body()
    if len(raw) > REQUEST_BYTES_MAX:
        raise ApiRefusal(20001, 413)
    form: Form = {}
    for name, value in parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True):
        form.setdefault(name, []).append(value)
    return form


class Gate:
    """The door of the API. `serve` answers every request, refusals and faults included."""

    def __init__(self, exchange: Exchange, faults: FaultBook) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._faults = faults

    async def serve(
        self,
        request: Request,
        where: Where,
        kind: str,
        act: Callable[[Form], Response],
        resource: str = "",
    ) -> Response:
        """Log the request as it arrived, check it, let the faults have their way, then act.

        `kind` is what the log calls it; `where` says which fault rules concern it; `resource` is
        what the grammar calls it (`kind` unless given).
        """
        arrived = Arrival()
        form = await form_of(request)
        query = request.query_params
        to = one(form, "To") or query.get("To", "")
        entry = self._exchange.log_request(
            arrived,
            kind=kind,
            method=request.method,
            path=request.url.path,
            to=to,
            **{"from": one(form, "From")},
            body=one(form, "Body"),
            status_callback=one(form, "StatusCallback"),
            url=one(form, "Url"),
            sid=request.path_params.get("sid", ""),
            status=None,
        )
        try:
            self._check_credentials(request)
            self._check_grammar(request, f"{request.method} {resource or kind}", form)
            answer = await self._under_faults(where, to, lambda: act(form))
        except ApiRefusal as refusal:
            if refusal.code in OUR_OWN_FAULTS:
                self._exchange.note_violation(str(refusal), request.url.path)
            answer = refused(refusal)
        if made := answer.headers.get("x-sandbox-sid"):
            entry["sid"] = made
        entry["status"] = None if isinstance(answer, CutOff) else answer.status_code
        return answer

    def _check_grammar(self, request: Request, resource: str, form: Form) -> None:
        """Raises ApiRefusal, and notes it, when the request is not as documented."""
        query = request.query_params
        given = {name: query.getlist(name) for name in query} if request.method != "POST" else form
        if wrong := wrong_request(resource, given):
            code, why = wrong
            raise ApiRefusal(code, why=why)

    def _check_credentials(self, request: Request) -> None:
        """Any key name will do with the auth token, as an API key would."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user, password = "", ""
        right = hmac.compare_digest(password.encode(), self._config.auth_token.encode())
        if scheme.lower() != "basic" or not user or not right:
            raise ApiRefusal(20003)
        if request.path_params["account"] != self._config.account_sid:
            raise ApiRefusal(20404)

    async def _under_faults(self, where: Where, to: str, act: Callable[[], Response]) -> Response:
        if rule := self._faults.use(where, "delay", to):
            await asyncio.sleep(rule.seconds)
        if rule := self._faults.use(where, "hang", to):
            await asyncio.sleep(rule.seconds)
            return CutOff()
        if rule := self._faults.use(where, "answer", to):
            status = rule.status or 503
            code = rule.code or CODE_OF_STATUS.get(status, 20500)
            headers = {"Retry-After": str(rule.retry_after)} if rule.retry_after is not None else {}
            return JSONResponse(refusal_body(code, status), status, headers)
        answer = act()
        rule = self._faults.use(where, "drop-after", to)
        if rule is None:
            return answer
        made = {"X-Sandbox-Sid": answer.headers.get("x-sandbox-sid", "")}
        if rule.status:
            return JSONResponse(refusal_body(20500, rule.status), rule.status, made)
        return CutOff(headers=made)
