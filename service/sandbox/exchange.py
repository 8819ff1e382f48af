"""The carrier's memory: phones, texts, calls, opt-outs, and the logs that long-polls wait on.

Single-threaded: only the server's event loop touches it. It sends nothing and decides nothing.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from service.sandbox.config import CarrierConfig
from service.sandbox.records import Call, Item, Message, Phone, Recording, WaitingLine

MESSAGES_MAX = 20_000  # a long bench run; the oldest is forgotten
CALLS_MAX = 2_000
ITEMS_MAX = 20_000
REQUESTS_MAX = 20_000
RECORDINGS_MAX = 2_000
VIOLATIONS_MAX = 1_000
STRANGERS_MAX = 500  # phones that are nobody's of the team: leads, benches
OPT_OUTS_MAX = 10_000

T = TypeVar("T")


class Bell:
    """Wakes everyone who waits for news. It keeps no memory: look first, then wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


async def first_news(read: Callable[[], list[T]], bell: Bell, wait_s: float) -> list[T]:
    """What `read` finds, as soon as it finds anything; an empty list after `wait_s` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    while True:
        found = read()
        left = until - loop.time()
        if found or left <= 0:
            return found
        try:
            await bell.wait(left)
        except asyncio.CancelledError:
            return []  # the carrier stops: whoever waits is told that there is no news


class Errands:
    """Background work of the carrier, held so that it is neither lost nor outlives a reset."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def cancel_all(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Exchange:
    """Everything the carrier remembers. `boot` tells two processes' item numbers apart."""

    def __init__(self, config: CarrierConfig) -> None:
        self.config = config
        self.boot = secrets.token_hex(4)
        self.bell = Bell()
        self.request_bell = Bell()
        self.errands = Errands()
        self._n = 0
        self._request_n = 0
        self._violation_n = 0
        self._bridge_n = 0
        self.own_url = config.own_url.rstrip("/")
        self._clear()

    def _clear(self) -> None:
        self.messages: dict[str, Message] = {}
        self.calls: dict[str, Call] = {}
        self.phones: dict[str, Phone] = {}
        self.items: deque[Item] = deque(maxlen=ITEMS_MAX)
        self.requests: deque[dict[str, object]] = deque(maxlen=REQUESTS_MAX)
        self.opted_out: dict[tuple[str, str], None] = {}
        self.recordings: dict[str, Recording] = {}
        self.lines: dict[str, WaitingLine] = {}
        self.violations: deque[dict[str, object]] = deque(maxlen=VIOLATIONS_MAX)
        self.next_call_at = self.config.now()
        for person in self.config.people:
            self.phones[person.phone] = Phone(person.phone, person.name, person.role, listed=True)

    async def reset(self) -> None:
        """Forget everything, live calls too. Item numbers go on, so old cursors stay valid."""
        await self.errands.cancel_all()
        self._clear()
        self.bell.ring()
        self.request_bell.ring()

    # -- phones and their items

    def phone(self, number: str, name: str = "", role: str = "") -> Phone:
        """The handset of that number, made on first use. A given name renames a stranger's."""
        phone = self.phones.get(number)
        if phone is None:
            self._evict_stranger()
            phone = Phone(number, name or number, role or "stranger", listed=False)
            self.phones[number] = phone
        elif name and not phone.listed:
            phone.name, phone.role = name, role or phone.role
        return phone

    def _evict_stranger(self) -> None:
        if len(self.phones) < STRANGERS_MAX + len(self.config.people):
            return
        oldest = next((p.number for p in self.phones.values() if not p.listed), None)
        if oldest is not None:
            del self.phones[oldest]

    def publish(
        self,
        phone: Phone,
        kind: str,
        *,
        sid: str,
        from_: str,
        to: str,
        body: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> Item:
        """Log one thing that happened on a phone and wake whoever waits for it."""
        self._n += 1
        at = self.config.now()
        item = Item(self._n, kind, phone.number, sid, from_, to, body, at, detail or {})
        phone.items.append(item)
        self.items.append(item)
        self.bell.ring()
        return item

    def publish_call(
        self,
        call: Call,
        kind: str,
        body: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """The same for what happens on a call, at the person's end of it."""
        phone = self.phone(call.handset)
        self.publish(
            phone,
            kind,
            sid=call.sid,
            from_=call.from_,
            to=call.to,
            body=body,
            detail=detail,
        )

    @property
    def cursor(self) -> int:
        return self._n

    def items_after(self, after: int, number: str | None = None, limit: int = 500) -> list[Item]:
        """Items later than `after`, oldest first, of one phone or of all."""
        source = self.items if number is None else self.phone(number).items
        if not source or source[-1].n <= after:
            return []
        return [item for item in source if item.n > after][:limit]

    # -- texts, calls, opt-outs

    def keep_message(self, message: Message) -> None:
        self.messages[message.sid] = message
        if len(self.messages) > MESSAGES_MAX:
            del self.messages[next(iter(self.messages))]

    def keep_call(self, call: Call) -> None:
        self.calls[call.sid] = call
        if len(self.calls) > CALLS_MAX:
            del self.calls[next(iter(self.calls))]

    def keep_recording(self, recording: Recording) -> None:
        self.recordings[recording.sid] = recording
        if len(self.recordings) > RECORDINGS_MAX:
            del self.recordings[next(iter(self.recordings))]

    def new_bridge(self) -> int:
        """A number for two calls that are to hear each other; it never repeats."""
        self._bridge_n += 1
        return self._bridge_n

    def real_s(self, seconds: float) -> float:
        """The carrier's seconds as real ones."""
        return seconds * self.config.seconds_scale

    def note_violation(self, what: str, where: str, sid: str = "") -> None:
        """Our product did what Twilio does not document. Kept until somebody asks."""
        self._violation_n += 1
        self.violations.append(
            {
                "n": self._violation_n,
                "at": self.config.now().isoformat(),
                "what": what,
                "where": where,
                "sid": sid,
            }
        )

    def opt_out(self, ours: str, theirs: str) -> None:
        self.opted_out[(ours, theirs)] = None
        if len(self.opted_out) > OPT_OUTS_MAX:
            del self.opted_out[next(iter(self.opted_out))]

    def opt_in(self, ours: str, theirs: str) -> None:
        self.opted_out.pop((ours, theirs), None)

    # -- the log of API requests

    def log_request(self, arrived: "Arrival", **facts: object) -> dict[str, object]:
        """Log an API request; the returned entry may be completed with its sid and answer."""
        self._request_n += 1
        entry: dict[str, object] = {
            "n": self._request_n,
            "monotonic_ns": arrived.monotonic_ns,
            "epoch": arrived.epoch,
            **facts,
        }
        self.requests.append(entry)
        self.request_bell.ring()
        return entry

    def requests_after(self, after: int, limit: int) -> list[dict[str, object]]:
        """Requests later than `after`. The log has no gaps, so the place is counted, not sought."""
        new = self._request_n - after
        if new <= 0 or not self.requests:
            return []
        start = max(0, len(self.requests) - new)
        stop = min(len(self.requests), start + limit)
        return [self.requests[i] for i in range(start, stop)]


class Arrival:
    """The instant at which a request reached the carrier, before its body was read."""

    __slots__ = ("epoch", "monotonic_ns")

    def __init__(self) -> None:
        self.monotonic_ns = time.monotonic_ns()
        self.epoch = time.time()
