"""<Dial>: legs to one or several numbers, or the first caller of a queue, and the bridge to one.

    Dial ─► legs, at once or one by one ─► first pick-up; the others are cancelled
         ─► its `url` document, if any ─► bridge ─► the Dial's action with what came of it

Each leg lives in a task of its own and tells the dialling call by its inbox.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree.ElementTree import Element

from service.sandbox.bridge import connect, stay
from service.sandbox.ear import Ear, HungUp, LeftAlone, Redirected
from service.sandbox.legs import ended_as
from service.sandbox.numbers import CALL_TO_ERRORS
from service.sandbox.orders import detection_of_number, leg_of_number, recording_of_dial
from service.sandbox.queues import dequeue
from service.sandbox.records import Bridge, Call, Recording
from service.sandbox.signals import Fetch, HangUp, LegNews, Turn
from service.sandbox.speech import number
from service.sandbox.walker import (
    Document,
    Outcome,
    TwimlError,
    Walker,
    with_extra,
)


@dataclass(slots=True)
class Dialling:
    """One <Dial> to numbers, and what has come of it so far."""

    walker: Walker
    call: Call
    verb: Element
    document: Document
    planned: list[Call]
    legs: dict[str, Call] = field(default_factory=dict)  # those that were dialled
    whispers: dict[str, Fetch | None] = field(default_factory=dict)
    bridge: Bridge | None = None
    last: Call | None = None
    recording: Recording | None = None

    async def run(self) -> None:
        """Ring until a leg picked up and its conversation is over, or nobody is left."""
        sequential = self.verb.get("sequential") == "true"
        for batch in [[leg] for leg in self.planned] if sequential else [self.planned]:
            await self._try(batch)
            if self.last and self.last.started:
                return

    async def _try(self, batch: Sequence[Call]) -> None:
        now = self.walker.exchange.config.now
        ringing = {leg.sid: leg for leg in batch}
        if self.verb.get("record", "").startswith("record-from-ringing"):
            self._record(now())
        for leg in batch:
            self.walker.exchange.keep_call(leg)
            self.legs[leg.sid] = leg
            self.walker.exchange.errands.start(self._live(leg))
        while ringing:
            signal = await Ear(self.call).next(None)
            if not isinstance(signal, LegNews) or signal.sid not in ringing:
                continue  # a key, or news of a leg that lost
            self.last = leg = ringing[signal.sid]
            if signal.what == "answered":
                self._drop([other for other in ringing.values() if other is not leg], now())
                ringing = {leg.sid: leg}
            elif signal.what == "ready":
                await self._talk(leg)
                return
            else:
                del ringing[signal.sid]

    async def _talk(self, leg: Call) -> None:
        """The leg may be connected: two people talk, until one of them or the limit ends it."""
        walker, call = self.walker, self.call
        assert leg.started is not None, "it was answered"
        began = walker.exchange.config.now() if self.whispers[leg.sid] else leg.started
        walker.legs.pick_up(call, began)
        bridge = leg.bridge
        if bridge is None or bridge.over:
            return  # it left in the same instant
        self.bridge = bridge
        if self.verb.get("record", "").startswith("record-from-answer"):
            self._record(leg.started)
        connect(walker, bridge, began)
        limit = walker.exchange.real_s(number(self.verb, "timeLimit", 14_400))
        star = self.verb.get("hangupOnStar") == "true"
        at = await stay(walker, call, bridge, limit, star)
        self.finish(at)

    def _record(self, at: datetime) -> None:
        if self.recording is None and (order := recording_of_dial(self.verb, self.document)):
            self.recording = self.walker.recorder.start(self.call, order, at)

    def finish(self, at: datetime) -> None:
        """The dial is over at that real instant: no leg outlives it, save one moved elsewhere."""
        self._drop(self.legs.values(), at)
        if self.recording:
            self.walker.recorder.stop(self.call, self.recording, at)

    def _drop(self, legs: Iterable[Call], at: datetime) -> None:
        for leg in legs:
            if not leg.over and not leg.moved:
                self.walker.legs.end(leg, ended_as(leg, HungUp("canceled")), at)
                leg.signals.put_nowait(HangUp("canceled", at))

    async def _live(self, leg: Call) -> None:
        """A leg from its first ring to its end; every turn of it is told to the dialling call."""
        walker = self.walker
        moved: Redirected | None = None
        try:
            if leg.to in CALL_TO_ERRORS:
                raise HungUp("failed")
            await walker.legs.ring_out(leg)
            self._tell(leg, "answered")
            bridge = leg.bridge = Bridge(walker.exchange.new_bridge(), self.call, leg)
            whisper = self.whispers[leg.sid]
            if whisper and await walker.walk(leg, whisper, "whisper"):
                walker.legs.end(leg, "completed")
            else:
                self._tell(leg, "ready")
                walker.legs.end(leg, "completed", await stay(walker, leg, bridge))
        except LeftAlone:
            walker.legs.end(leg, "completed")
        except HungUp as ended:
            walker.legs.end(leg, ended_as(leg, ended), ended.at)
        except Redirected as redirected:
            leg.moved, moved = True, redirected
        except TwimlError as error:
            walker.fail(leg, error)
        self._tell(leg, "ended")
        if moved:
            await walker.talk(leg, moved.step)

    def _tell(self, leg: Call, what: Turn) -> None:
        self.call.signals.put_nowait(LegNews(leg.sid, what))

    def facts(self) -> dict[str, str]:
        """What the Dial's action is told."""
        bridged = bool(self.bridge and self.bridge.began)
        facts = {"DialCallStatus": "canceled", "DialBridged": str(bridged).lower()}
        if leg := self.last or next(iter(self.legs.values()), None):
            facts["DialCallStatus"] = "completed" if leg.moved else leg.status
            if not leg.moved:
                facts["DialCallSid"] = leg.sid
            if leg.started and not leg.moved:
                facts["DialCallDuration"] = str(leg.duration_s())
        if self.recording:
            facts |= self.walker.recorder.facts(self.recording)
        return facts


def _legs_of(walker: Walker, call: Call, verb: Element, document: Document) -> Dialling:
    dialling = Dialling(walker, call, verb, document, [])
    caller = verb.get("callerId") or call.caller
    ours = walker.exchange.config.team_numbers
    if caller not in (call.caller, call.to, *ours):
        why = f"<Dial> callerId {caller} is neither ours nor one of the call's two numbers"
        raise walker.violated(call, why, document)
    nouns = verb.findall("Number") or [verb]
    for noun in nouns:
        ring_s = float(number(verb, "timeout", 30))
        leg = leg_of_number(walker.exchange, call, noun, document, caller, ring_s)
        leg.detection = detection_of_number(noun, document)
        dialling.planned.append(leg)
        whisper = document.step(noun, "whisper", "url") if noun.tag == "Number" else None
        dialling.whispers[leg.sid] = whisper
    return dialling


async def dial(walker: Walker, call: Call, verb: Element, document: Document) -> Outcome:
    """The verb. The caller's hang-up still has the action asked, with the answer ignored."""
    action = document.step(verb, "dial")
    queue = verb.find("Queue")
    if queue is not None:
        return await dequeue(walker, call, verb, queue, document)
    dialling = _legs_of(walker, call, verb, document)
    now = walker.exchange.config.now
    try:
        await dialling.run()
    except HungUp as ended:
        at = ended.at or now()
        dialling.finish(at)
        await walker.last_request(
            call, HungUp(ended.status, at), with_extra(action, dialling.facts())
        )
        raise
    except Redirected:
        dialling.finish(now())
        raise
    dialling.finish(now())
    return with_extra(action, dialling.facts())
