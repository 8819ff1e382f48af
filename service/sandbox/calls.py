"""Calls in both directions: dialling, ringing, answering, ending, and the callbacks of each step.

What is said on an answered call is the walker's; this file knows when a call lives.
"""

import asyncio
from email.utils import format_datetime

from service.sandbox.courier import Courier
from service.sandbox.exchange import Exchange
from service.sandbox.faults import FaultBook
from service.sandbox.records import (
    Answer,
    Call,
    Fetch,
    GoTo,
    HangUp,
    Inline,
    Key,
    Phone,
    Signal,
    new_sid,
)
from service.sandbox.twiml import HungUp, TwimlError, Walker

RING_BUFFER_S = 5.0  # Twilio "always adds a 5 s buffer" to a call's Timeout
APPLICATION_ERROR = "We are sorry, an application error has occurred. Goodbye."
SIP_CODES = {"busy": "486", "no-answer": "487", "canceled": "487", "failed": "404"}

BLANK_GEO = {
    f"{end}{part}": ""
    for end in ("Caller", "Called", "From", "To")
    for part in ("City", "State", "Zip", "Country")
}


class Calls:
    """The voice network of the one account."""

    def __init__(self, exchange: Exchange, faults: FaultBook, courier: Courier) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._faults = faults
        self._courier = courier
        self._walker = Walker(exchange, courier, self._voice_params, self._pick_up)

    # -- starting

    def place(self, call: Call) -> None:
        """Accept a call of the API and start its life; the caller has checked the numbers."""
        self._exchange.keep_call(call)
        self._exchange.errands.start(self._live(call))

    def dial_in(self, number: str, to: str) -> Call:
        """A person calls a team number from their handset."""
        call = Call(
            sid=new_sid("CA"),
            from_=number,
            to=to,
            direction="inbound",
            status="ringing",
            created=self._config.now(),
            first=Fetch(self._config.voice_url),
        )
        self._exchange.phone(number).last_team_number = to
        self._exchange.keep_call(call)
        self._exchange.publish_call(call, "call_placed")
        self._exchange.errands.start(self._talk(call))
        return call

    # -- what a person, or the API, does to a live call; False when the call cannot take it

    def answer(self, call: Call) -> bool:
        mode = self._exchange.phone(call.handset).settings.calls
        can = call.status == "ringing" and call.direction != "inbound" and mode != "no-answer"
        return can and self._signal(call, Answer())

    def decline(self, call: Call) -> bool:
        return call.status == "ringing" and self._signal(call, HangUp("busy"))

    def hang_up(self, call: Call, status: str = "completed") -> bool:
        return not call.over and self._signal(call, HangUp(status))

    def press(self, call: Call, digits: str) -> bool:
        """Press keys; they are heard only while the call is in progress."""
        if call.status != "in-progress":
            return False
        for digit in digits:
            call.signals.put_nowait(Key(digit))
        return True

    def redirect(self, call: Call, step: Fetch | Inline) -> bool:
        return call.status == "in-progress" and self._signal(call, GoTo(step))

    @staticmethod
    def _signal(call: Call, signal: Signal) -> bool:
        call.signals.put_nowait(signal)
        return True

    # -- the life of a call

    async def _live(self, call: Call) -> None:
        """An outbound call from the queue to its end."""
        if self._faults.use("calls", "lose", call.to):
            return  # accepted, and never heard of again
        held = self._faults.use("calls", "queue", call.to)
        phone = self._exchange.phone(call.to)
        try:
            await self._wait(call, held.seconds if held else self._config.network_s)
            call.status = "initiated"
            self._report(call, "initiated")
            await self._wait(call, self._config.network_s)
            await self._ring(call, phone)
        except HungUp as ended:
            # `completed` sent to a call nobody answered yet cancels it
            self._end(call, "canceled" if ended.status == "completed" else ended.status)
            return
        await self._talk(call)

    async def _wait(self, call: Call, seconds: float) -> bool:
        """Wait for an answer; True if it came. Raises HungUp when the call is ended instead."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            try:
                async with asyncio.timeout(max(0.0, until - loop.time())):
                    signal = await call.signals.get()
            except TimeoutError:
                return False
            if isinstance(signal, HangUp):
                raise HungUp(signal.status)
            if isinstance(signal, Answer):
                return True

    async def _ring(self, call: Call, phone: Phone) -> None:
        """Ring until somebody or something answers; raises HungUp with why it did not."""
        mode = phone.settings.calls
        if mode in ("busy", "failed"):
            raise HungUp(mode)
        call.status = "ringing"
        phone.last_team_number = call.from_
        self._exchange.publish_call(call, "call_ringing")
        self._report(call, "ringing")
        ring_s = (call.ring_s + RING_BUFFER_S) * self._config.seconds_scale
        mailbox_s = phone.settings.voicemail_after_s * self._config.seconds_scale
        mailbox = mode == "voicemail" and mailbox_s < ring_s
        if await self._wait(call, mailbox_s if mailbox else ring_s):
            self._answered(call, "human")
        elif mailbox:
            self._answered(call, "machine")
        else:
            raise HungUp("no-answer")

    def _answered(self, call: Call, by: str) -> None:
        if call.detection:
            machine = "machine_start" if call.detection == "Enable" else "machine_end_beep"
            call.answered_by = machine if by == "machine" else "human"
        self._start(call, by)
        if call.amd_callback and call.answered_by:
            params = {
                "AccountSid": self._config.account_sid,
                "CallSid": call.sid,
                "AnsweredBy": call.answered_by,
                "MachineDetectionDuration": "2400",
            }
            self._courier.call_back(call.amd_callback, params, subject=call.sid, to=call.to)

    def _start(self, call: Call, by: str) -> None:
        call.status = "in-progress"
        call.started = self._config.now()
        self._exchange.publish_call(call, "call_answered", detail={"by": by})
        self._report(call, "answered")

    def _pick_up(self, call: Call) -> None:
        """An inbound call is answered by the first verb that does not reject it."""
        if call.started is None:
            self._start(call, "team")

    async def _talk(self, call: Call) -> None:
        """Walk the documents to the end of the call, whatever ends it."""
        try:
            status = await self._walker.walk(call)
        except HungUp as ended:
            status = "completed" if call.started else "canceled"
            if call.started is None and call.direction != "inbound":
                status = ended.status
        except TwimlError as error:
            call.error = str(error)
            self._walker.say(call, APPLICATION_ERROR)
            self._exchange.publish_call(call, "call_error", call.error)
            status = "completed" if call.started else "failed"
        self._end(call, status)

    def _end(self, call: Call, status: str) -> None:
        call.status, call.ended, call.gathering = status, self._config.now(), False
        detail = {"error": call.error} if call.error else None
        self._exchange.publish_call(call, "call_ended", status, detail)
        self._report(call, "completed")

    # -- what our product is told

    def _voice_params(self, call: Call) -> dict[str, str]:
        params = {
            **BLANK_GEO,
            "AccountSid": self._config.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": call.sid,
            "CallStatus": call.status,
            "Called": call.to,
            "Caller": call.from_,
            "Direction": call.direction,
            "From": call.from_,
            "To": call.to,
        }
        if call.answered_by and not call.amd_callback:
            params["AnsweredBy"] = call.answered_by
        return params

    def _report(self, call: Call, event: str) -> None:
        """The status callback of one step, if it was asked for; numbered in order of firing."""
        if not call.status_callback or event not in call.status_events:
            return
        params = {
            **self._voice_params(call),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.sequence),
            "Timestamp": format_datetime(self._config.now()),
        }
        if call.over:
            params["CallDuration"] = str(call.duration_s())
            params["Duration"] = str(-(-call.duration_s() // 60))
            if call.status in SIP_CODES:
                params["SipResponseCode"] = SIP_CODES[call.status]
        call.sequence += 1
        self._courier.call_back(call.status_callback, params, subject=call.sid, to=call.to)
