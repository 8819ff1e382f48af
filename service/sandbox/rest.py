"""The carrier's public API for texts: the part of Twilio's 2010-04-01 REST API that our code uses.

Reads requests, checks numbers, and hands the work to Texts. The official client must not be able
to tell the difference.
"""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from service.sandbox.answers import (
    API_VERSION,
    ApiRefusal,
    listing,
    message_body,
)
from service.sandbox.asked import PAGE_SIZE_MAX, callback_url, instant, page_of
from service.sandbox.exchange import Exchange
from service.sandbox.gate import Form, Gate, one, whole
from service.sandbox.numbers import BODY_CHARS_MAX, sms_error
from service.sandbox.records import FINAL_MESSAGE, Message
from service.sandbox.texts import TextOrder, Texts

VALIDITY_S_MAX = 36_000
BY: dict[str, Callable[[Message], str]] = {"To": lambda m: m.to, "From": lambda m: m.from_}


class TextApi:
    """The account, its numbers and its texts."""

    def __init__(self, exchange: Exchange, gate: Gate, texts: Texts) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._serve = gate.serve
        self._texts = texts
        self.router = APIRouter(prefix=f"/{API_VERSION}/Accounts")
        self._add_routes()

    def _add_routes(self) -> None:
        add = self.router.add_api_route
        add("/{account}.json", self.account, methods=["GET"])
        add("/{account}/IncomingPhoneNumbers.json", self.own_numbers, methods=["GET"])
        add("/{account}/Messages.json", self.create_message, methods=["POST"])
        add("/{account}/Messages.json", self.list_messages, methods=["GET"])
        add(
            "/{account}/Messages/{sid}.json",
            self.one_message,
            methods=["GET", "POST", "DELETE"],
        )

    # -- account

    async def account(self, request: Request) -> Response:
        return await self._serve(
            request, "lookups", "account", lambda _: JSONResponse(self._account_body())
        )

    def _account_body(self) -> dict[str, object]:
        sid = self._config.account_sid
        return {
            "sid": sid,
            "friendly_name": "Stand-in carrier",
            "status": "active",
            "type": "Full",
            "owner_account_sid": sid,
            "auth_token": "",
            "date_created": None,
            "date_updated": None,
            "subresource_uris": {},
            "uri": f"/{API_VERSION}/Accounts/{sid}.json",
        }

    async def own_numbers(self, request: Request) -> Response:
        return await self._serve(
            request, "lookups", "numbers", lambda _: self._numbers_page(request)
        )

    def _numbers_page(self, request: Request) -> Response:
        asked = request.query_params.get("PhoneNumber", "")
        rows: list[dict[str, object]] = [
            {
                "sid": f"PN{index:032x}",
                "account_sid": self._config.account_sid,
                "phone_number": number,
                "friendly_name": number,
                "capabilities": {
                    "voice": True,
                    "sms": True,
                    "mms": False,
                    "fax": False,
                },
                "sms_url": self._config.sms_url,
                "sms_method": "POST",
                "voice_url": self._config.voice_url,
                "voice_method": "POST",
                "status": "in-use",
            }
            for index, number in enumerate(self._config.team_numbers)
            if asked in ("", number)
        ]
        return JSONResponse(
            listing(request.url.path, "incoming_phone_numbers", rows, 0, PAGE_SIZE_MAX, "")
        )

    # -- messages

    async def create_message(self, request: Request) -> Response:
        return await self._serve(request, "messages", "messages", self._create_message)

    def _create_message(self, form: Form) -> Response:
        message = self._texts.send(self._text_order(form))
        body = message_body(self._config.account_sid, message)
        return JSONResponse(body, 201, {"X-Sandbox-Sid": message.sid})

    def _text_order(self, form: Form) -> TextOrder:
        """The text asked for. Raises ApiRefusal with the carrier's code when it is not possible."""
        to, from_, service = (
            one(form, "To"),
            one(form, "From"),
            one(form, "MessagingServiceSid"),
        )
        body = one(form, "Body")
        if not to:
            raise ApiRefusal(21604)
        if not from_ and not service:
            raise ApiRefusal(21603)
        if not body and not one(form, "MediaUrl") and not one(form, "ContentSid"):
            raise ApiRefusal(21602)
        if len(body) > BODY_CHARS_MAX:
            raise ApiRefusal(21617)
        sender = from_ or self._config.team_numbers[0]
        if error := sms_error(sender, to, self._config.team_numbers):
            raise ApiRefusal(error)
        if (sender, to) in self._exchange.opted_out:
            raise ApiRefusal(21610)
        validity = whole(form, "ValidityPeriod", VALIDITY_S_MAX, VALIDITY_S_MAX)
        return TextOrder(
            from_=from_,
            to=to,
            body=body,
            service_sid=service,
            status_callback=callback_url(form, "StatusCallback"),
            validity_s=float(max(1, validity)),
            send_at=instant(one(form, "SendAt")) if service else None,
        )

    async def one_message(self, request: Request) -> Response:
        sid = request.path_params["sid"]
        return await self._serve(
            request,
            "lookups",
            "messages",
            lambda form: self._one_message(request.method, sid, form),
            "message",
        )

    def _one_message(self, method: str, sid: str, form: Form) -> Response:
        message = self._exchange.messages.get(sid)
        if message is None:
            raise ApiRefusal(20404)
        if method == "DELETE":
            del self._exchange.messages[sid]
            return Response(status_code=204)
        if method == "POST" and one(form, "Status") == "canceled":
            if message.status in FINAL_MESSAGE or message.status == "sent":
                raise ApiRefusal(30409)
            message.status = "canceled"
        elif method == "POST" and "Body" in form:
            if one(form, "Body"):
                raise ApiRefusal(20001)  # only "" is allowed: a text can be redacted, not edited
            message.body = ""
        return JSONResponse(message_body(self._config.account_sid, message))

    async def list_messages(self, request: Request) -> Response:
        return await self._serve(
            request, "lookups", "messages", lambda _: self._list_messages(request)
        )

    def _list_messages(self, request: Request) -> Response:
        account = self._config.account_sid

        def shape(row: Message) -> dict[str, object]:
            return message_body(account, row)

        rows = list(self._exchange.messages.values())
        return page_of(request, "messages", rows, shape, BY)
