"""One leg of a call, from ringing to its end, and what people and the API may do to it.

What is said on it is the walker's; whom it is connected to is the dialling verbs'. A leg ends
once, whoever ends it first.
"""

import asyncio
from datetime import datetime, timedelta

from service.sandbox.detection import Detector
from service.sandbox.ear import HungUp
from service.sandbox.exchange import Exchange
from service.sandbox.handsets import Handsets
from service.sandbox.recorder import Recorder
from service.sandbox.records import Call
from service.sandbox.reports import Reports
from service.sandbox.signals import Answer, Fetch, GoTo, HangUp, Inline, Key, Signal

RING_BUFFER_S = 5.0  # Twilio "always adds a 5 s buffer" to a call's Timeout


def ended_as(call: Call, ended: HungUp) -> str:
    """The status that a call gets when it is hung up as it stands."""
    if call.started:
        return "completed"
    # `completed` said of a call that nobody answered cancels it
    gone = call.direction == "inbound" or ended.status == "completed"
    return "canceled" if gone else ended.status


class Legs:
    """Rings, answers and ends."""

    def __init__(
        self,
        exchange: Exchange,
        reports: Reports,
        detector: Detector,
        recorder: Recorder,
        handsets: Handsets,
    ) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._reports = reports
        self._detector = detector
        self._recorder = recorder
        self._handsets = handsets

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

    # -- the life of a leg

    async def ring_out(self, call: Call, queued_s: float = 0.0) -> None:
        """Dial a leg and ring until somebody or something answers; then it is in progress.

        Raises HungUp with why it was not answered. `queued_s` are real seconds.
        """
        await self._wait(call, queued_s + self._config.network_s)
        call.status = "initiated"
        self._reports.step(call, "initiated", self._config.now())
        await self._wait(call, self._config.network_s)
        phone = self._exchange.phone(call.to)
        mode = phone.settings.calls
        if mode in ("busy", "failed"):
            raise HungUp(mode)
        if self._handsets.is_busy(call):
            raise HungUp("busy")
        call.status = "ringing"
        rang_at = self._config.now()
        phone.last_team_number = call.from_
        self._exchange.publish_call(call, "call_ringing")
        self._reports.step(call, "ringing", rang_at)
        await self._ring(call, rang_at)

    async def _ring(self, call: Call, rang_at: datetime) -> None:
        how = self._exchange.phone(call.to).settings
        ring_s = call.ring_s + RING_BUFFER_S
        by_itself_s = {
            "voicemail": how.voicemail_after_s,
            "answer": how.answer_after_s,
            "reject": how.answer_after_s,
        }.get(how.calls, ring_s)
        acts = by_itself_s < ring_s
        if await self._wait(call, self._exchange.real_s(min(by_itself_s, ring_s))):
            self.start(call, "human")
        elif not acts:
            raise HungUp("no-answer")
        elif how.calls == "reject":
            raise HungUp("busy")
        else:
            due = rang_at + timedelta(seconds=self._exchange.real_s(by_itself_s))
            self.start(call, "machine" if how.calls == "voicemail" else "human", due)

    async def _wait(self, call: Call, seconds: float) -> bool:
        """Wait for an answer; True if it came. Raises HungUp when the call is ended instead."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            try:
                async with asyncio.timeout(max(0.0, until - loop.time())):
                    signal = await call.signals.get()
            except TimeoutError:
                if call.over:  # ended by the leg that dialled it, in this same instant
                    raise HungUp("canceled") from None
                return False
            if isinstance(signal, HangUp):
                raise HungUp(signal.status, signal.at)
            if isinstance(signal, Answer):
                return True

    def start(self, call: Call, by: str, at: datetime | None = None) -> None:
        """The call is in progress from that real instant on, or from now."""
        call.status, call.picked_up_by = "in-progress", by
        call.started = at or self._config.now()
        self._exchange.publish_call(call, "call_answered", detail={"by": by})
        self._reports.step(call, "answered", call.started)
        if call.record:
            self._recorder.start(call, call.record, call.started)
        self._handsets.picked_up(call)
        self._detector.listen(call)

    def pick_up(self, call: Call, at: datetime | None = None) -> None:
        """An inbound call is answered by the first verb that needs it to be."""
        if call.started is None:
            self.start(call, "team", at)

    def end(self, call: Call, status: str, at: datetime | None = None) -> None:
        """The leg ends at that real instant, or now. A leg that is over stays as it ended."""
        if call.over:
            return
        call.ended = max(at or self._config.now(), call.started or call.created)
        call.gathering = False
        if call.bridge:
            call.bridge.part(call, call.ended)
            call.bridge = None
        self._detector.close(call, call.ended)
        self._recorder.stop_all(call, call.ended)
        call.status = status
        detail = {"error": call.error} if call.error else None
        self._exchange.publish_call(call, "call_ended", status, detail)
        self._reports.step(call, "completed", call.ended)
