"""The control API: what a person does with a handset, and what a test does to the carrier.

JSON under /sandbox/api, without login: the doorkeeper lets only this machine in. The long lists
are encoded directly, since a bench reads thousands of rows.
"""

from collections.abc import Callable
from dataclasses import asdict

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import JSONResponse

from service.sandbox.calls import Calls
from service.sandbox.control_forms import CallIn, KeysIn, SettingsIn, TextIn
from service.sandbox.courier import Courier
from service.sandbox.exchange import Exchange, first_news
from service.sandbox.faults import FaultBook, FaultRule
from service.sandbox.numbers import E164
from service.sandbox.records import Call, Phone, PhoneSettings, Recording
from service.sandbox.texts import Texts

__all__ = ["CallIn", "Control", "KeysIn", "SettingsIn", "TextIn", "call_json"]

WAIT_S_MAX = 25.0  # below the 30 s after which proxies give up on a silent connection
LIST_MAX = 5_000
SHOWN_CALLS_MAX = 20  # per phone in the overview


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
        add("/violations", self.violations, methods=["GET"])
        add("/recordings", self.recordings, methods=["GET"])
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
        return {
            "number": phone.number,
            "name": phone.name,
            "role": phone.role,
            "settings": asdict(phone.settings),
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
        values = {**asdict(phone.settings), **asked.changes()}
        phone.settings = PhoneSettings(**values)
        return self._phone_json(phone)

    # -- calls

    async def dial(self, number: str, asked: CallIn) -> dict[str, object]:
        phone = self.phone(number)
        to = self.team_number(phone, asked.to)
        return call_json(self._calls.dial_in(phone.number, to, asked.shown_as))

    async def one_call(self, sid: str) -> dict[str, object]:
        return call_json(self.call(sid))

    async def act_on_call(self, sid: str, act: str) -> dict[str, object]:
        acts: dict[str, Callable[[Call], bool]] = {
            "answer": self._calls.legs.answer,
            "decline": self._calls.legs.decline,
            "hangup": self._calls.legs.hang_up,
        }
        if act not in acts:
            raise HTTPException(404, f"a call can {', '.join(acts)} or keys, not {act!r}")
        call = self.call(sid)
        if not acts[act](call):
            raise HTTPException(409, f"cannot {act}: the call is {call.status}")
        return call_json(call)

    async def press_keys(self, sid: str, keys: KeysIn) -> dict[str, object]:
        call = self.call(sid)
        if not self._calls.legs.press(call, keys.digits):
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

    async def violations(self, after: int = 0) -> dict[str, object]:
        """What our product did that Twilio does not document, oldest first."""
        kept = list(self.exchange.violations)
        found = [each for each in kept if isinstance(each["n"], int) and each["n"] > after]
        return {"cursor": kept[-1]["n"] if kept else after, "violations": found}

    async def recordings(self) -> dict[str, object]:
        kept = list(self.exchange.recordings.values())[-LIST_MAX:]
        return {"recordings": [recording_json(each) for each in kept]}

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
        "parent": call.parent_sid or None,
        "answered_by": call.answered_by or None,
        "picked_up_by": call.picked_up_by or None,
        "connected": bool(call.bridge and call.bridge.began),
        "duration_s": call.duration_s(),
        "queue_time_ms": call.queued_ms,
        "recordings": [each.sid for each in call.recordings],
        "gathering": call.gathering,
        "lines": list(call.lines),
        "error": call.error or None,
    }


def recording_json(made: Recording) -> dict[str, object]:
    """A recording as the control API shows it."""
    return {
        "sid": made.sid,
        "call": made.call_sid,
        "source": made.order.source,
        "status": made.status,
        "duration_s": made.duration_s,
    }
