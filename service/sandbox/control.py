"""The control API: what a person does with a handset, and what a test does to the carrier.

JSON under /sandbox/api, without login: the doorkeeper lets only this machine in. The long lists
are encoded directly, since a bench reads thousands of rows.
"""

from collections.abc import Callable

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from service.sandbox.calls import Calls
from service.sandbox.courier import Courier
from service.sandbox.exchange import Exchange, first_news
from service.sandbox.faults import FaultBook, FaultRule
from service.sandbox.numbers import E164
from service.sandbox.records import Call, CallsMode, Phone, PhoneSettings, TextsMode
from service.sandbox.texts import Texts

WAIT_S_MAX = 25.0  # below the 30 s after which proxies give up on a silent connection
LIST_MAX = 5_000
SHOWN_CALLS_MAX = 20  # per phone in the overview


class TextIn(BaseModel):
    """A text a person types. `to` defaults to the team number they last had to do with."""

    model_config = ConfigDict(extra="forbid")
    body: str = Field(max_length=1600)
    to: str | None = None


class CallIn(BaseModel):
    """A call a person places to a team number."""

    model_config = ConfigDict(extra="forbid")
    to: str | None = None


class KeysIn(BaseModel):
    """Keys pressed on a call."""

    model_config = ConfigDict(extra="forbid")
    digits: str = Field(pattern=r"^[0-9*#]{1,32}$")


class SettingsIn(BaseModel):
    """How the handset behaves from now on; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")
    texts: TextsMode | None = None
    calls: CallsMode | None = None
    error_code: int | None = None
    voicemail_after_s: float | None = Field(default=None, ge=0, le=600)


class Control:
    """What can be done to the stand-in from outside the product."""

    def __init__(
        self,
        exchange: Exchange,
        faults: FaultBook,
        texts: Texts,
        calls: Calls,
        courier: Courier,
    ) -> None:
        self.exchange = exchange
        self._faults = faults
        self._texts = texts
        self._calls = calls
        self._courier = courier
        self.router = APIRouter(prefix="/sandbox/api")
        self._add_routes()

    def _add_routes(self) -> None:
        add = self.router.add_api_route
        add("/phones", self.all_phones, methods=["GET"])
        add("/phones/{number}", self.one_phone, methods=["GET"])
        add("/phones/{number}/texts", self.send_text, methods=["POST"])
        add("/phones/{number}/settings", self.set_phone, methods=["POST"])
        add("/phones/{number}/call", self.dial, methods=["POST"])
        add("/items", self.all_items, methods=["GET"])
        add("/calls/{sid}", self.one_call, methods=["GET"])
        add("/calls/{sid}/keys", self.press_keys, methods=["POST"])
        add("/calls/{sid}/{act}", self.act_on_call, methods=["POST"])
        add("/faults", self.list_faults, methods=["GET"])
        add("/faults", self.add_faults, methods=["POST"], status_code=201)
        add("/faults", self.clear_faults, methods=["DELETE"])
        add("/requests", self.api_requests, methods=["GET"])
        add("/deliveries", self.deliveries, methods=["GET"])
        add("/reset", self.reset, methods=["POST"])

    # -- phones

    def phone(self, number: str) -> Phone:
        """The handset of a path. Raises 404 when it is no phone number at all."""
        if not E164.match(number):
            raise HTTPException(404, f"{number!r} is not a phone number like +12125550101")
        return self.exchange.phone(number)

    def call(self, sid: str) -> Call:
        call = self.exchange.calls.get(sid)
        if call is None:
            raise HTTPException(404, f"no call {sid}")
        return call

    def team_number(self, phone: Phone, to: str | None) -> str:
        """Whom a phone writes or calls: as told, else whom it last dealt with, else our first."""
        return to or phone.last_team_number or self.exchange.config.team_numbers[0]

    def calls_of(self, number: str) -> list[Call]:
        mine = [call for call in self.exchange.calls.values() if call.handset == number]
        return mine[-SHOWN_CALLS_MAX:]

    async def all_phones(self) -> dict[str, object]:
        shown = [self._phone_json(phone) for phone in self.exchange.phones.values()]
        return {
            "boot": self.exchange.boot,
            "cursor": self.exchange.cursor,
            "phones": shown,
        }

    def _phone_json(self, phone: Phone) -> dict[str, object]:
        how = phone.settings
        return {
            "number": phone.number,
            "name": phone.name,
            "role": phone.role,
            "settings": {
                "texts": how.texts,
                "calls": how.calls,
                "error_code": how.error_code,
                "voicemail_after_s": how.voicemail_after_s,
            },
            "texts": [item.as_json() for item in phone.items if "text" in item.kind],
            "calls": [call_json(call) for call in self.calls_of(phone.number)],
        }

    async def one_phone(
        self,
        number: str,
        after: int = 0,
        wait: float = Query(0, ge=0, le=WAIT_S_MAX),
        limit: int = Query(500, ge=1, le=LIST_MAX),
    ) -> Response:
        phone = self.phone(number)
        return await self._items(after, wait, phone.number, limit)

    async def all_items(
        self,
        after: int = 0,
        wait: float = Query(0, ge=0, le=WAIT_S_MAX),
        limit: int = Query(500, ge=1, le=LIST_MAX),
    ) -> Response:
        return await self._items(after, wait, None, limit)

    async def _items(self, after: int, wait: float, number: str | None, limit: int) -> Response:
        exchange = self.exchange
        found = await first_news(
            lambda: exchange.items_after(after, number, limit), exchange.bell, wait
        )
        cursor = found[-1].n if found else after
        items = [item.as_json() for item in found]
        return JSONResponse({"boot": exchange.boot, "cursor": cursor, "items": items})

    async def send_text(self, number: str, text: TextIn) -> dict[str, object]:
        phone = self.phone(number)
        to = self.team_number(phone, text.to)
        result = await self._texts.receive(phone.number, text.body, to)
        return {
            "sid": result.sid,
            "to": to,
            "status": result.status,
            "twiml": result.twiml,
            "error": result.error,
        }

    async def set_phone(self, number: str, asked: SettingsIn) -> dict[str, object]:
        phone = self.phone(number)
        told = asked.model_dump(exclude_unset=True)
        was = phone.settings
        phone.settings = PhoneSettings(
            texts=asked.texts or was.texts,
            calls=asked.calls or was.calls,
            error_code=asked.error_code if "error_code" in told else was.error_code,
            voicemail_after_s=(
                was.voicemail_after_s
                if asked.voicemail_after_s is None
                else asked.voicemail_after_s
            ),
        )
        return self._phone_json(phone)

    # -- calls

    async def dial(self, number: str, asked: CallIn) -> dict[str, object]:
        phone = self.phone(number)
        return call_json(self._calls.dial_in(phone.number, self.team_number(phone, asked.to)))

    async def one_call(self, sid: str) -> dict[str, object]:
        return call_json(self.call(sid))

    async def act_on_call(self, sid: str, act: str) -> dict[str, object]:
        acts: dict[str, Callable[[Call], bool]] = {
            "answer": self._calls.answer,
            "decline": self._calls.decline,
            "hangup": self._calls.hang_up,
        }
        if act not in acts:
            raise HTTPException(404, f"a call can {', '.join(acts)} or keys, not {act!r}")
        call = self.call(sid)
        if not acts[act](call):
            raise HTTPException(409, f"cannot {act}: the call is {call.status}")
        return call_json(call)

    async def press_keys(self, sid: str, keys: KeysIn) -> dict[str, object]:
        call = self.call(sid)
        if not self._calls.press(call, keys.digits):
            raise HTTPException(409, f"nobody hears keys: the call is {call.status}")
        self.exchange.publish_call(call, "call_keys", keys.digits)
        return call_json(call)

    # -- faults and logs

    async def list_faults(self) -> dict[str, object]:
        return {"faults": [rule.model_dump() for rule in self._faults.rules]}

    async def add_faults(self, rules: list[FaultRule] | FaultRule) -> dict[str, object]:
        try:
            self._faults.add(rules if isinstance(rules, list) else [rules])
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return await self.list_faults()

    async def clear_faults(self) -> dict[str, object]:
        self._faults.rules.clear()
        return await self.list_faults()

    async def api_requests(
        self,
        after: int = 0,
        wait: float = Query(0, ge=0, le=WAIT_S_MAX),
        limit: int = Query(1_000, ge=1, le=LIST_MAX),
    ) -> Response:
        exchange = self.exchange
        found = await first_news(
            lambda: exchange.requests_after(after, limit), exchange.request_bell, wait
        )
        cursor = found[-1]["n"] if found else after
        return JSONResponse({"boot": exchange.boot, "cursor": cursor, "requests": found})

    async def deliveries(
        self,
        after: int = 0,
        wait: float = Query(0, ge=0, le=WAIT_S_MAX),
        limit: int = Query(1_000, ge=1, le=LIST_MAX),
    ) -> Response:
        courier = self._courier

        def later() -> list[dict[str, object]]:
            return [d for d in courier.deliveries if isinstance(d["n"], int) and d["n"] > after]

        found = (await first_news(later, courier.bell, wait))[:limit]
        cursor = found[-1]["n"] if found else after
        return JSONResponse({"cursor": cursor, "deliveries": found})

    async def reset(self) -> dict[str, object]:
        self._faults.rules.clear()
        self._courier.forget()
        await self.exchange.reset()
        return {"boot": self.exchange.boot, "cursor": self.exchange.cursor}


def call_json(call: Call) -> dict[str, object]:
    """A call as the control API shows it."""
    return {
        "sid": call.sid,
        "from": call.from_,
        "to": call.to,
        "phone": call.handset,
        "direction": call.direction,
        "status": call.status,
        "answered_by": call.answered_by or None,
        "gathering": call.gathering,
        "lines": list(call.lines),
        "error": call.error or None,
    }
