"""Walks a TwiML document on a live call, verb by verb, as the carrier would.

Each verb is one function in VERBS; a new verb (Dial, Record, Enqueue) is added there. The walker
hears the call's signals between and during verbs; it places no call and ends none itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin
from xml.etree.ElementTree import Element, ParseError, fromstring

from service.sandbox.courier import Courier
from service.sandbox.exchange import Exchange
from service.sandbox.records import Answer, Call, Fetch, GoTo, HangUp, Inline, Key

DOCUMENTS_MAX = 100  # documents of one call; more is a redirect loop
SPEECH_S_PER_CHAR = 0.06  # about 160 words a minute, a usual speaking rate
LOOP_MAX = 5  # <Say loop="0"> means for ever; nobody listens that long here


class TwimlError(Exception):
    """The document cannot be fetched, read or walked; ends the call with an application error."""


class HungUp(Exception):
    """The call is over for a reason outside the document. `status` is what it ends as."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Redirected(Exception):
    """The API gave the live call a new document."""

    def __init__(self, step: Fetch | Inline) -> None:
        super().__init__("redirected")
        self.step = step


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document and the URL it came from (empty when it was given inline)."""

    url: str
    verbs: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """The document ends the call here, as `status`."""

    status: str = "completed"


Outcome = Fetch | Stop | None  # None: go on with the next verb


class Ear:
    """What the carrier hears on one call: keys, hang-up, redirect. Times are real seconds."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def key_within(self, seconds: float) -> str | None:
        """The next key within `seconds`, or None. Raises HungUp or Redirected when told so."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            try:
                async with asyncio.timeout(max(0.0, until - loop.time())):
                    signal = await self._call.signals.get()
            except TimeoutError:
                return None
            match signal:
                case HangUp(status):
                    raise HungUp(status)
                case GoTo(step):
                    raise Redirected(step)
                case Key(digit):
                    return digit
                case Answer():
                    pass  # already answered

    async def silence(self, seconds: float) -> None:
        """Let time pass; keys pressed meanwhile are lost, as at the carrier."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while await self.key_within(max(0.0, until - loop.time())) is not None:
            pass


class Walker:
    """Walks documents on calls. `request_params` gives the usual parameters of a voice request."""

    def __init__(
        self,
        exchange: Exchange,
        courier: Courier,
        request_params: Callable[[Call], dict[str, str]],
        pick_up: Callable[[Call], None],
    ) -> None:
        self.exchange = exchange
        self.scale = exchange.config.seconds_scale
        self._courier = courier
        self._request_params = request_params
        self._pick_up = pick_up

    async def walk(self, call: Call) -> str:
        """Walk from the call's first document to its end; returns the status it ends with."""
        step: Fetch | Inline | Stop = call.first
        for _ in range(DOCUMENTS_MAX):
            if isinstance(step, Stop):
                return step.status
            try:
                step = await self._walk_one(call, await self._load(call, step))
            except Redirected as redirected:
                call.gathering = False
                step = redirected.step
        raise TwimlError(f"more than {DOCUMENTS_MAX} documents on one call")

    async def _walk_one(self, call: Call, document: Document) -> Fetch | Stop:
        ear = Ear(call)
        for verb in document.verbs:
            act = VERBS.get(verb.tag)
            if act is None:
                raise TwimlError(f"<{verb.tag}> is not known to the stand-in carrier")
            await ear.silence(0)
            if verb.tag != "Reject":
                self._pick_up(call)
            outcome = await act(self, call, verb, document)
            if outcome is not None:
                return outcome
        self._pick_up(call)
        return Stop()

    async def _load(self, call: Call, step: Fetch | Inline) -> Document:
        if isinstance(step, Inline):
            return Document("", _parse(step.twiml))
        params = {**self._request_params(call), **step.extra}
        reply = await self._courier.ask(step.url, params, step.method)
        if not reply.ok and call.fallback is not None:
            step = call.fallback
            reply = await self._courier.ask(step.url, params, step.method)
        if not reply.ok:
            why = reply.error or f"HTTP {reply.status}"
            raise TwimlError(f"no TwiML from {urldefrag(step.url).url}: {why}")
        return Document(urldefrag(step.url).url, _parse(reply.text))

    def say(self, call: Call, line: str) -> float:
        """Put a spoken line on the phone; returns how long it takes to say, in real seconds."""
        call.lines.append(line)
        self.exchange.publish_call(call, "call_said", line)
        return len(line) * SPEECH_S_PER_CHAR * self.scale

    def perform(self, call: Call, verb: Element) -> float:
        """Start Say, Play or Pause; returns how long one of it lasts, in real seconds."""
        match verb.tag:
            case "Say":
                return self.say(call, " ".join("".join(verb.itertext()).split()))
            case "Play":
                return self.say(call, f"[plays {(verb.text or '').strip()}]")
            case "Pause":
                return _number(verb, "length", 1) * self.scale
            case other:
                raise TwimlError(f"<{other}> cannot stand inside <Gather>")


def _parse(text: str) -> tuple[Element, ...]:
    try:
        root = fromstring(text)
    except ParseError as error:
        raise TwimlError(f"TwiML cannot be read: {error}") from error
    if root.tag != "Response":
        raise TwimlError(f"TwiML must be a <Response>, found <{root.tag}>")
    return tuple(root)


def _number(verb: Element, name: str, default: int) -> int:
    raw = verb.get(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdigit()):
        raise TwimlError(f"<{verb.tag}> {name} must be a whole number, found {raw!r}")
    return int(raw)


def resolve(document: Document, url: str) -> str:
    """A URL of a document in full; without one it means the document's own URL."""
    if not document.url and not url.startswith(("http://", "https://")):
        raise TwimlError("a document given inline needs absolute URLs")
    return urljoin(document.url, url) if url else document.url


async def _speak(walker: Walker, call: Call, verb: Element, __: Document) -> Outcome:
    times = _number(verb, "loop", 1) or LOOP_MAX
    for _ in range(min(times, LOOP_MAX)):
        await Ear(call).silence(walker.perform(call, verb))
    return None


async def _gather(walker: Walker, call: Call, verb: Element, document: Document) -> Outcome:
    timeout = _number(verb, "timeout", 5) * walker.scale
    wanted = _number(verb, "numDigits", 0)
    finish = verb.get("finishOnKey", "#")
    call.gathering = True
    walker.exchange.publish_call(
        call, "call_gather", detail={"digits": wanted or None, "finish_on_key": finish}
    )
    try:
        first = await _during_prompts(walker, call, verb)
        digits, finished = await _collect(call, first, wanted, finish, timeout)
    finally:
        call.gathering = False
    if not digits and not finished and verb.get("actionOnEmptyResult", "false") != "true":
        return None
    extra = {
        "Digits": digits,
        "FinishedOnKey": finish if finished else "",
        "msg": "Gather End",
    }
    action = resolve(document, verb.get("action", ""))
    return Fetch(action, verb.get("method", "POST").upper(), extra)


async def _during_prompts(walker: Walker, call: Call, verb: Element) -> str | None:
    """Speak what is nested; the first key ends the speech and is returned."""
    for prompt in verb:
        key = await Ear(call).key_within(walker.perform(call, prompt))
        if key is not None:
            return key
    return None


async def _collect(
    call: Call, first: str | None, wanted: int, finish: str, timeout: float
) -> tuple[str, bool]:
    """Digits until there are enough, the finishing key, or silence; and whether it finished so."""
    digits = ""
    key = first if first is not None else await Ear(call).key_within(timeout)
    while key is not None:
        if key in finish:
            return digits, True
        digits += key
        if wanted and len(digits) >= wanted:
            return digits, False
        key = await Ear(call).key_within(timeout)
    return digits, False


async def _redirect(_: Walker, __: Call, verb: Element, document: Document) -> Outcome:
    url = resolve(document, (verb.text or "").strip())
    return Fetch(url, verb.get("method", "POST").upper())


async def _hang_up(_: Walker, __: Call, ___: Element, ____: Document) -> Outcome:
    return Stop()


async def _reject(_: Walker, call: Call, verb: Element, __: Document) -> Outcome:
    if call.started is not None:
        return Stop()  # too late to reject: it only ends the call
    return Stop("busy" if verb.get("reason") == "busy" else "no-answer")


Verb = Callable[[Walker, Call, Element, Document], Awaitable[Outcome]]

VERBS: dict[str, Verb] = {
    "Say": _speak,
    "Play": _speak,
    "Pause": _speak,
    "Gather": _gather,
    "Redirect": _redirect,
    "Hangup": _hang_up,
    "Reject": _reject,
}
