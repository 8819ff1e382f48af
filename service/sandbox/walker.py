"""Walks a TwiML document on a live call, verb by verb, as the carrier would.

Each verb is one function in the table it is given. The walker hears the call's signals between
and during verbs; it rings nobody, and every document is held against the grammar first.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urldefrag, urljoin
from xml.etree.ElementTree import Element, ParseError, fromstring

from service.sandbox.courier import Courier
from service.sandbox.ear import Ear, HungUp, Redirected
from service.sandbox.exchange import Exchange
from service.sandbox.grammar import Place
from service.sandbox.handsets import Handsets
from service.sandbox.legs import Legs, ended_as
from service.sandbox.recorder import Recorder
from service.sandbox.records import Call
from service.sandbox.reports import Reports
from service.sandbox.signals import Fetch, Inline
from service.sandbox.strictness import wrong_document

DOCUMENTS_MAX = 100  # documents of one call; more is a redirect loop
SPEECH_S_PER_CHAR = 0.06  # about 160 words a minute, a usual speaking rate
APPLICATION_ERROR = "We are sorry, an application error has occurred. Goodbye."
XML_TYPES = frozenset({"text/xml", "application/xml"})


class TwimlError(Exception):
    """The document cannot be fetched, read or walked; ends the call with an application error."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document and the URL it came from (empty when it was given inline)."""

    url: str
    verbs: tuple[Element, ...]
    place: Place = "call"

    def resolve(self, url: str) -> str:
        """A URL of the document in full; without one it means the document's own URL."""
        return urljoin(self.url, url) if url else self.url

    def step(self, verb: Element, kind: str, name: str = "action") -> Fetch | None:
        """What the verb asks for by that attribute; None if it names nothing."""
        url = verb.get(name, "")
        method = "waitUrlMethod" if name == "waitUrl" else "method"
        return Fetch(self.resolve(url), verb.get(method, "POST"), kind=kind) if url else None


@dataclass(frozen=True, slots=True)
class Stop:
    """The document ends the call here, as `status`."""

    status: str = "completed"


Outcome = Fetch | Stop | None  # None: go on with the next verb
Verb = Callable[["Walker", Call, Element, Document], Awaitable[Outcome]]


def with_extra(step: Fetch | None, extra: Mapping[str, str]) -> Fetch | None:
    """The same request with further parameters."""
    return replace(step, extra={**step.extra, **extra}) if step else None


class Walker:
    """Walks documents on calls, with everything at hand that a verb may need."""

    def __init__(
        self,
        exchange: Exchange,
        courier: Courier,
        reports: Reports,
        legs: Legs,
        recorder: Recorder,
        handsets: Handsets,
        verbs: Mapping[str, Verb],
    ) -> None:
        self.exchange = exchange
        self.legs = legs
        self.recorder = recorder
        self.handsets = handsets
        self.reports = reports
        self._courier = courier
        self._verbs = verbs

    async def talk(self, call: Call, first: Fetch | Inline) -> None:
        """Walk a call from its first document to its end, whatever ends it."""
        try:
            status = await self._to_the_end(call, first)
            self.legs.end(call, status)
        except HungUp as ended:
            self.legs.end(call, ended_as(call, ended), ended.at)
        except TwimlError as error:
            self.fail(call, error)

    def fail(self, call: Call, error: TwimlError) -> None:
        """The application error that a caller hears, and the end of the call."""
        call.error = str(error)
        self.say(call, APPLICATION_ERROR)
        self.exchange.publish_call(call, "call_error", call.error)
        self.legs.end(call, "completed" if call.started else "failed")

    async def _to_the_end(self, call: Call, first: Fetch | Inline) -> str:
        for _ in range(DOCUMENTS_MAX):
            try:
                stop = await self.walk(call, first, "call")
            except Redirected as redirected:
                call.gathering = False
                first = redirected.step
                continue
            if stop is None:
                self.legs.pick_up(call)
            return stop.status if stop else "completed"
        raise TwimlError(f"redirected more than {DOCUMENTS_MAX} times")

    async def walk(self, call: Call, first: Fetch | Inline, place: Place) -> Stop | None:
        """Walk from that document on, until one ends; None if it ended without a hang-up."""
        step: Fetch | Inline = first
        for _ in range(DOCUMENTS_MAX):
            outcome = await self._walk_one(call, await self._load(call, step, place))
            if outcome is None or isinstance(outcome, Stop):
                return outcome
            step = outcome
        raise TwimlError(f"more than {DOCUMENTS_MAX} documents on one call")

    async def _walk_one(self, call: Call, document: Document) -> Outcome:
        ear = Ear(call)
        for verb in document.verbs:
            await ear.silence(0)
            if verb.tag not in ("Reject", "Redirect") and verb.get("answerOnBridge") != "true":
                self.legs.pick_up(call)
            outcome = await self._verbs[verb.tag](self, call, verb, document)
            if outcome is not None:
                return outcome
        return None

    async def _load(self, call: Call, step: Fetch | Inline, place: Place) -> Document:
        if isinstance(step, Inline):
            return self._parsed(call, step.twiml, "", place)
        params = {**self.reports.params(call), **step.extra}
        reply = await self._courier.ask_for_document(step, params, call.handset)
        if not reply.ok and call.fallback is not None:
            step = call.fallback
            reply = await self._courier.ask_for_document(step, params, call.handset)
        url = urldefrag(step.url).url
        if not reply.ok:
            raise TwimlError(f"no TwiML from {url}: {reply.error or f'HTTP {reply.status}'}")
        if reply.text and reply.content_type not in XML_TYPES:
            raise self._violated(call, f"TwiML came as {reply.content_type}", url)
        return self._parsed(call, reply.text, url, place)

    def _parsed(self, call: Call, text: str, url: str, place: Place) -> Document:
        try:
            root = fromstring(text)
        except ParseError as error:
            raise self._violated(call, f"TwiML cannot be read: {error}", url) from error
        if root.tag != "Response":
            raise self._violated(call, f"TwiML must be a <Response>, found <{root.tag}>", url)
        if why := wrong_document(tuple(root), place, inline=not url):
            raise self._violated(call, why, url)
        return Document(url, tuple(root), place)

    def _violated(self, call: Call, why: str, url: str) -> TwimlError:
        self.exchange.note_violation(why, url or "inline document", call.sid)
        return TwimlError(why)

    def violated(self, call: Call, why: str, document: Document) -> TwimlError:
        """What the grammar alone cannot see; noted, and to be raised."""
        return self._violated(call, why, document.url)

    async def last_request(self, call: Call, ended: HungUp, step: Fetch | None) -> None:
        """The call has been hung up in the middle of a verb: end it and ask its action still,
        whose answer nobody walks."""
        self.legs.end(call, ended_as(call, ended), ended.at)
        await self.ask_idly(call, step)

    async def ask_idly(self, call: Call, step: Fetch | None) -> None:
        """Ask for a document that nobody will walk."""
        if step is not None:
            params = {**self.reports.params(call), **step.extra}
            await self._courier.ask_for_document(step, params, call.handset)

    def say(self, call: Call, line: str) -> float:
        """Put a spoken line on the phone; returns how long it takes to say, in real seconds."""
        call.lines.append(line)
        self.exchange.publish_call(call, "call_said", line)
        return self.exchange.real_s(len(line) * SPEECH_S_PER_CHAR)
