"""Calls in both directions: their beginning, the lane of those that the API starts, their end.

    place ─► lane (one a second) ─► leg rings ─► detection, if it is waited for ─► documents
    dial_in ─► documents
    <Dial> ─► legs of its own (see dialling), which no lane holds up

This file puts the rooms of a call together: legs, walker, verbs, recorder, handsets.
"""

from datetime import timedelta

from service.sandbox.courier import Courier
from service.sandbox.detection import Detector
from service.sandbox.dialling import dial
from service.sandbox.dictation import record
from service.sandbox.ear import HungUp
from service.sandbox.exchange import Exchange
from service.sandbox.faults import FaultBook
from service.sandbox.handsets import Handsets
from service.sandbox.legs import Legs, ended_as
from service.sandbox.queues import enqueue
from service.sandbox.recorder import Recorder
from service.sandbox.records import Call, new_sid
from service.sandbox.reports import Reports
from service.sandbox.signals import Fetch
from service.sandbox.speech import SPOKEN
from service.sandbox.walker import Walker

VERBS = {**SPOKEN, "Dial": dial, "Enqueue": enqueue, "Record": record}


class Calls:
    """The voice network of the one account."""

    def __init__(self, exchange: Exchange, faults: FaultBook, courier: Courier) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._faults = faults
        reports = Reports(exchange, courier)
        self._handsets = Handsets(exchange)
        self._detector = Detector(exchange, reports)
        self.recorder = Recorder(exchange, courier, reports)
        self.legs = Legs(exchange, reports, self._detector, self.recorder, self._handsets)
        self._walker = Walker(
            exchange, courier, reports, self.legs, self.recorder, self._handsets, VERBS
        )

    def place(self, call: Call) -> None:
        """Accept a call of the API and start its life; the caller has checked the numbers."""
        now = self._config.now()
        goes_at = max(now, self._exchange.next_call_at)
        gap_s = self._exchange.real_s(1 / self._config.calls_per_second)
        self._exchange.next_call_at = goes_at + timedelta(seconds=gap_s)
        call.queued_ms = round(call.seconds_between(now, goes_at) * 1000)
        self._exchange.keep_call(call)
        self._exchange.errands.start(self._live(call, (goes_at - now).total_seconds()))

    def dial_in(self, number: str, to: str, shown_as: str = "") -> Call:
        """A person calls a team number from their handset, under that name or their number."""
        first = Fetch(self._config.voice_url)
        call = Call(
            sid=new_sid("CA"),
            from_=number,
            to=to,
            direction="inbound",
            status="ringing",
            created=self._config.now(),
            first=first,
            scale=self._config.seconds_scale,
            shown_as=shown_as,
            status_callback=self._config.voice_status_url,
        )
        self._exchange.phone(number).last_team_number = to
        self._exchange.keep_call(call)
        self._exchange.publish_call(call, "call_placed")
        self._handsets.dialled(call)
        self._exchange.errands.start(self._walker.talk(call, first))
        return call

    def limit(self, call: Call) -> None:
        """The call's limit was changed."""
        self._handsets.limit(call, call.limit_s)

    async def _live(self, call: Call, queued_s: float) -> None:
        """An outbound call from the queue to its end."""
        if self._faults.use("calls", "lose", call.to):
            return  # accepted, and never heard of again
        if held := self._faults.use("calls", "queue", call.to):
            queued_s += held.seconds
            call.queued_ms += round(held.seconds * 1000)  # fault seconds are real ones
        try:
            await self.legs.ring_out(call, queued_s)
            await self._detector.wait(call)
        except HungUp as ended:
            self.legs.end(call, ended_as(call, ended), ended.at)
            return
        await self._walker.talk(call, call.first)
