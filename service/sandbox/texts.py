"""Texts in both directions: their life at the carrier, stop words, and what a fault does to them.

Knows no HTTP of its own: the REST file asks it to send, the courier carries its callbacks.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError, fromstring

from service.sandbox.courier import Courier, Reply, Telling
from service.sandbox.exchange import Bell, Exchange
from service.sandbox.faults import FaultBook
from service.sandbox.numbers import segments
from service.sandbox.records import FINAL_MESSAGE, Message, Phone, new_sid
from service.sandbox.strictness import wrong_document

REORDER_HOLD_S = 10.0  # a text held for a later one that never comes arrives anyway
REPLIES_MAX = 10  # messages of one TwiML answer

STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
STOP_NOTICE = (
    "You have successfully been unsubscribed. You will not receive any more messages "
    "from this number. Reply START to resubscribe."
)
START_NOTICE = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
BLANK_GEO = {
    f"{end}{part}": "" for end in ("From", "To") for part in ("City", "State", "Zip", "Country")
}


@dataclass(frozen=True, slots=True)
class TextOrder:
    """A text the API was asked to send. `validity_s` is in the carrier's seconds."""

    from_: str
    to: str
    body: str
    service_sid: str = ""
    status_callback: str = ""
    validity_s: float = 36_000.0
    send_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InboundResult:
    """What came of a text sent from a phone: our webhook's answer, or why there was none."""

    sid: str
    status: int | None
    twiml: str
    error: str


class Texts:
    """The text network of the one account."""

    def __init__(self, exchange: Exchange, faults: FaultBook, courier: Courier) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._faults = faults
        self._courier = courier
        self._landed: dict[str, Bell] = {}

    # -- to a phone

    def send(self, order: TextOrder, direction: str = "outbound-api") -> Message:
        """Accept a text and start its life; the caller has checked the numbers."""
        now = self._config.now()
        first = "scheduled" if order.send_at else "accepted" if order.service_sid else "queued"
        message = Message(
            sid=new_sid("SM"),
            from_=order.from_,
            to=order.to,
            body=order.body,
            status=first,
            direction=direction,
            created=now,
            updated=now,
            segments=segments(order.body),
            service_sid=order.service_sid,
            status_callback=order.status_callback,
            validity_s=order.validity_s,
            send_at=order.send_at,
        )
        self._exchange.keep_message(message)
        self._exchange.errands.start(self._carry(message))
        return message

    def _step(self, message: Message, status: str, error_code: int | None = None) -> None:
        """Move a text on and tell whoever asked to be told."""
        message.status, message.error_code = status, error_code
        message.updated = self._config.now()
        if status in ("sent", "failed"):
            message.sent = message.updated
        params = {
            "AccountSid": self._config.account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.from_,
            "To": message.to,
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": status,
            "SmsStatus": status,
        }
        if message.service_sid:
            params["MessagingServiceSid"] = message.service_sid
        if error_code:
            params["ErrorCode"] = str(error_code)
        if status in ("delivered", "undelivered"):
            params["RawDlrDoneDate"] = message.updated.strftime("%y%m%d%H%M")
        told = Telling(message.status_callback, params, message.sid, message.to, "text", status)
        self._courier.call_back(told)

    async def _carry(self, message: Message) -> None:
        """A text's way from the queue to the handset."""
        phone = self._exchange.phone(message.to)
        if not await self._left_queue(message, phone):
            return
        how = phone.settings
        if how.texts == "failed":
            self._step(message, "failed", how.error_code or 30008)
            return
        self._step(message, "sent")
        if self._faults.use("messages", "lose", message.to):
            return
        await asyncio.sleep(self._config.network_s)
        if self._faults.use("messages", "reorder", message.to):
            await self._landed.setdefault(message.to, Bell()).wait(REORDER_HOLD_S)
        if how.texts == "undelivered":
            self._show(phone, message, "text_undelivered")
            self._step(message, "undelivered", how.error_code or 30003)
            return
        self._show(phone, message, "text_in_to_phone")
        if self._faults.use("messages", "duplicate", message.to):
            self._show(phone, message, "text_in_to_phone")
        if how.texts != "sent-only":
            self._step(message, "delivered")
        if waiting := self._landed.pop(message.to, None):
            waiting.ring()

    async def _left_queue(self, message: Message, phone: Phone) -> bool:
        """Wait out the schedule and the queue; False if the text died or was cancelled there."""
        if message.send_at is not None:
            wait = (message.send_at - self._config.now()).total_seconds()
            await asyncio.sleep(max(0.0, wait))
        if message.status in FINAL_MESSAGE:
            return False
        if message.service_sid:
            message.from_ = message.from_ or self._config.team_numbers[0]
            self._step(message, "queued")
        held = self._faults.use("messages", "queue", message.to)
        hold = held.seconds if held else self._config.network_s
        life = message.validity_s * self._config.seconds_scale
        expires = phone.settings.texts == "queued-only" or (held is not None and hold >= life)
        await asyncio.sleep(life if expires else hold)
        if message.status in FINAL_MESSAGE:
            return False
        if expires:
            self._step(message, "failed", 30036)
        return not expires

    def _show(self, phone: Phone, message: Message, kind: str) -> None:
        phone.last_team_number = message.from_
        self._exchange.publish(
            phone,
            kind,
            sid=message.sid,
            from_=message.from_,
            to=message.to,
            body=message.body,
            detail={"code": message.error_code} if message.error_code else None,
        )

    # -- from a phone

    async def receive(self, number: str, body: str, to: str) -> InboundResult:
        """A person sends `body` from `number`; returns when our webhook has answered."""
        phone = self._exchange.phone(number)
        now = self._config.now()
        message = Message(
            sid=new_sid("SM"),
            from_=number,
            to=to,
            body=body,
            status="received",
            direction="inbound",
            created=now,
            updated=now,
            segments=segments(body),
            sent=now,
        )
        phone.last_team_number = to
        self._exchange.keep_message(message)
        self._exchange.publish(
            phone, "text_from_phone", sid=message.sid, from_=number, to=to, body=body
        )
        self._heed_stop_words(phone, message)
        reply = await self._deliver_inbound(message)
        if not reply.ok:
            why = reply.error or f"answered {reply.status}"
            self._notice(phone, message, "webhook_failed", f"Our webhook did not take it: {why}")
        else:
            self._send_replies(phone, message, reply.text)
        return InboundResult(message.sid, reply.status, reply.text, reply.error)

    def _heed_stop_words(self, phone: Phone, message: Message) -> None:
        """Only a whole-body word counts, in any case; the carrier answers it by itself."""
        word = message.body.strip().upper()
        if word in STOP_WORDS:
            self._exchange.opt_out(message.to, message.from_)
            self._notice(phone, message, "carrier_notice", STOP_NOTICE)
        elif word in START_WORDS and (message.to, message.from_) in self._exchange.opted_out:
            self._exchange.opt_in(message.to, message.from_)
            self._notice(phone, message, "carrier_notice", START_NOTICE)

    def _notice(self, phone: Phone, message: Message, kind: str, body: str) -> None:
        self._exchange.publish(
            phone, kind, sid=message.sid, from_=message.to, to=message.from_, body=body
        )

    async def _deliver_inbound(self, message: Message) -> Reply:
        params = {
            **BLANK_GEO,
            "AccountSid": self._config.account_sid,
            "ApiVersion": "2010-04-01",
            "Body": message.body,
            "From": message.from_,
            "MessageSid": message.sid,
            "NumMedia": "0",
            "NumSegments": str(message.segments),
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": "received",
            "To": message.to,
        }
        if self._faults.use("inbound", "lose", message.from_):
            return Reply(None, error="lost by a fault rule")
        if rule := self._faults.use("inbound", "delay", message.from_):
            await asyncio.sleep(rule.seconds)
        if self._faults.use("inbound", "duplicate", message.from_):
            await self._courier.ask(self._config.sms_url, params)
        return await self._courier.ask(self._config.sms_url, params)

    def _send_replies(self, phone: Phone, message: Message, twiml: str) -> None:
        """Turn `<Message>` of the answer into texts back; anything else is shown as an error."""
        if not twiml.strip():
            return
        try:
            root = fromstring(twiml)
        except ParseError as error:
            self._notice(phone, message, "webhook_failed", f"TwiML cannot be read: {error}")
            return
        if why := wrong_document(tuple(root), "text", inline=False):
            self._exchange.note_violation(why, self._config.sms_url, message.sid)
            self._notice(phone, message, "webhook_failed", why)
            return
        for element in root.findall("Message")[:REPLIES_MAX]:
            if (message.to, message.from_) not in self._exchange.opted_out:
                self._send_reply(message, element)

    def _send_reply(self, message: Message, element: Element) -> None:
        body = (element.findtext("Body") or element.text or "").strip()
        callback = element.get("statusCallback") or element.get("action") or ""
        order = TextOrder(
            from_=message.to,
            to=element.get("to") or message.from_,
            body=body,
            status_callback=callback,
        )
        self.send(order, direction="outbound-reply")
