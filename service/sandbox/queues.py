"""Queues: callers who wait by <Enqueue>, and the calls that take them by <Dial><Queue>.

    Enqueue ─► wait document, again and again ─► taken ─► the taker's `url` document ─► bridge
            ─► left, hung up, redirected                                  ─► Enqueue's action

A queue exists from the first caller who joined it. The taker is told by its inbox.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from service.sandbox.bridge import connect, stay
from service.sandbox.ear import Dequeued, Ear, HungUp, LeftAlone, Redirected
from service.sandbox.exchange import Exchange
from service.sandbox.records import Bridge, Call, WaitingLine, new_sid
from service.sandbox.signals import Fetch, LegNews, Parted, Taken
from service.sandbox.speech import LeftQueue, number
from service.sandbox.walker import Document, Outcome, Stop, TwimlError, Walker, with_extra

QUEUE_MAX = 100  # callers, Twilio's default
ROUNDS_MAX = 20_000  # of a wait document: beyond the longest call, at a second each
ROUND_S = 1.0  # a wait document that says nothing is asked for once a second
TIMEOUT_BUFFER_S = 5.0


def _line(exchange: Exchange, name: str) -> WaitingLine:
    return exchange.lines.setdefault(name, WaitingLine(new_sid("QU"), name))


@dataclass(slots=True)
class Waiting:
    """One caller in a queue, and how it went."""

    walker: Walker
    call: Call
    line: WaitingLine
    joined: datetime
    action: Fetch | None
    result: str = "hangup"
    waited_s: float | None = None
    bridge: Bridge | None = None

    def join(self) -> None:
        self.line.members[self.call.sid] = self.joined
        for taker in self.line.takers:
            news = LegNews(self.call.sid, "waiting")
            self.walker.exchange.calls[taker].signals.put_nowait(news)

    def leave(self, at: datetime) -> None:
        """Out of the queue at that real instant, for whatever reason; counted once."""
        self.line.members.pop(self.call.sid, None)
        if self.waited_s is None:
            self.waited_s = self.call.seconds_between(self.joined, at)
            self.line.waited_s.append(self.waited_s)

    def told(self) -> Fetch | None:
        """The action, with what became of the wait."""
        facts = {"QueueResult": self.result, "QueueSid": self.line.sid}
        facts["QueueTime"] = str(round(self.waited_s or 0))
        return with_extra(self.action, facts)

    def place(self) -> dict[str, str]:
        """What every request for the wait document says."""
        line, now = self.line, self.walker.exchange.config.now()
        known = line.waited_s
        position = [*line.members, self.call.sid].index(self.call.sid) + 1
        return {
            "QueueSid": line.sid,
            "QueueTime": str(round(self.call.seconds_between(self.joined, now))),
            "AvgQueueTime": str(round(sum(known) / len(known)) if known else 0),
            "QueuePosition": str(position),
            "CurrentQueueSize": str(len(line.members)),
        }

    async def listen(self, music: Fetch | None) -> None:
        """Hear the wait document over and over. Raises what ends the wait; a <Hangup> too."""
        walker, loop = self.walker, asyncio.get_running_loop()
        for _ in range(ROUNDS_MAX):
            round_over = loop.time() + walker.exchange.real_s(ROUND_S)
            if music is not None:
                step = with_extra(music, self.place())
                assert step is not None, "there is music"
                if isinstance(await walker.walk(self.call, step, "wait"), Stop):
                    raise HungUp("completed")
            await Ear(self.call).silence(max(0.0, round_over - loop.time()))

    async def be_taken(self, taken: Taken) -> None:
        """Hear the taker's document, then the taker. Returns when the conversation is over."""
        walker, call, bridge = self.walker, self.call, self.call.bridge
        self.result, self.bridge = "bridging-in-process", bridge
        if bridge is None or bridge.over:
            return
        taker = bridge.one
        if taken.whisper:
            extra = {
                "QueueSid": self.line.sid,
                "QueueTime": str(round(self.waited_s or 0)),
                "DequeingCallSid": taken.by_sid,
            }
            step = with_extra(taken.whisper, extra)
            assert step is not None, "there is a whisper"
            await walker.walk(call, step, "dequeue")
        taker.signals.put_nowait(LegNews(call.sid, "ready"))
        await stay(walker, call, bridge)
        if self.talked:
            self.result = "bridged"

    @property
    def talked(self) -> bool:
        return self.bridge is not None and self.bridge.began is not None


async def enqueue(walker: Walker, call: Call, verb: Element, document: Document) -> Outcome:
    """The verb of the one who waits."""
    action = document.step(verb, "enqueue")
    line = _line(walker.exchange, (verb.text or "").strip())
    if len(line.members) >= number(verb, "maxQueueSize", QUEUE_MAX):
        return with_extra(action, {"QueueResult": "queue-full"})
    waiting = Waiting(walker, call, line, walker.exchange.config.now(), action)
    walker.exchange.publish_call(call, "call_queued", line.name)
    waiting.join()
    music = document.step(verb, "wait", "waitUrl")
    try:
        return await _wait(waiting, music)
    except HungUp as ended:
        at = ended.at or walker.exchange.config.now()
        waiting.leave(at)
        waiting.result = "bridged" if waiting.talked else "hangup"
        await walker.last_request(call, HungUp(ended.status, at), waiting.told())
        raise
    except Redirected:
        waiting.leave(walker.exchange.config.now())
        waiting.result = "redirected-from-bridged" if waiting.talked else "redirected"
        if call.bridge:  # taken, and not connected yet
            call.bridge.part(call, walker.exchange.config.now())
            call.bridge = None
        walker.exchange.errands.start(walker.ask_idly(call, waiting.told()))
        raise
    finally:
        line.members.pop(call.sid, None)


async def _wait(waiting: Waiting, music: Fetch | None) -> Outcome:
    walker, call = waiting.walker, waiting.call
    now = walker.exchange.config.now
    try:
        await waiting.listen(music)
    except LeftQueue:
        waiting.result = "leave"
    except Dequeued as dequeued:
        call.gathering = False
        waiting.leave(now())
        try:
            await waiting.be_taken(dequeued.taken)
        except LeftAlone:
            call.bridge = None
    except TwimlError:
        waiting.result = "error"
        if waiting.action is None:
            raise
    waiting.leave(now())
    return waiting.told()


async def _first_of(walker: Walker, call: Call, line: WaitingLine, patience_s: float) -> str:
    """The call that waits longest, as soon as there is one; "" after `patience_s` real seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    line.takers.append(call.sid)
    try:
        while not line.members:
            if await Ear(call).next(until - loop.time()) is None:
                return ""
        return next(iter(line.members))
    finally:
        line.takers.remove(call.sid)


async def _take(
    walker: Walker, call: Call, bridge: Bridge, verb: Element, whisper: Fetch | None
) -> None:
    """Take that caller: wait until they have heard the whisper, then talk to the end."""
    member = bridge.other
    member.signals.put_nowait(Taken(call.sid, bridge.id, whisper))
    while True:
        signal = await Ear(call).next(None)
        if isinstance(signal, Parted) and signal.bridge_id == bridge.id:
            return
        if signal == LegNews(member.sid, "ready"):
            break
    if bridge.over:
        return
    connect(walker, bridge, walker.exchange.config.now())
    limit = walker.exchange.real_s(number(verb, "timeLimit", 14_400))
    await stay(walker, call, bridge, limit, verb.get("hangupOnStar") == "true")


def _facts(bridge: Bridge, now: datetime) -> dict[str, str]:
    """What the Dial's action is told of a caller who was taken, or nearly."""
    began = bridge.began
    facts = {
        "DialCallStatus": "completed" if began else "no-answer",
        "DialCallSid": bridge.other.sid,
        "DialBridged": str(bool(began)).lower(),
    }
    if began:
        seconds = bridge.one.seconds_between(began, bridge.ended or now)
        facts["DialCallDuration"] = str(max(1, round(seconds)))
    return facts


async def dequeue(
    walker: Walker, call: Call, verb: Element, noun: Element, document: Document
) -> Outcome:
    """<Dial><Queue>: the verb of the one who takes."""
    exchange = walker.exchange
    action = document.step(verb, "dial")
    line = exchange.lines.get((noun.text or "").strip())
    if line is None:  # documented as an error status
        return with_extra(action, {"DialCallStatus": "failed", "DialBridged": "false"})
    facts = {"DialCallStatus": "no-answer", "DialBridged": "false"}
    bridge: Bridge | None = None
    patience_s = exchange.real_s(number(verb, "timeout", 30) + TIMEOUT_BUFFER_S)
    try:
        sid = await _first_of(walker, call, line, patience_s)
        if not sid:
            return with_extra(action, facts)
        del line.members[sid]
        bridge = Bridge(exchange.new_bridge(), call, exchange.calls[sid])
        bridge.other.bridge = bridge
        await _take(walker, call, bridge, verb, document.step(noun, "dequeue", "url"))
    except HungUp as ended:
        at = ended.at or exchange.config.now()
        if bridge is not None:
            bridge.part(call, at)
            facts = _facts(bridge, at)
        step = with_extra(action, facts)
        await walker.last_request(call, HungUp(ended.status, at), step)
        raise
    except Redirected:
        if bridge is not None:
            bridge.part(call, exchange.config.now())
        raise
    finally:
        call.bridge = None
    return with_extra(action, _facts(bridge, exchange.config.now()))
