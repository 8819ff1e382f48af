"""What the carrier hears on one call: keys, hang-up, a redirect, the other leg.

Reads the call's inbox and nothing else. What ends the present document is raised; what belongs to
a conversation that is over is passed by. Times here are real seconds.
"""

import asyncio
from datetime import datetime

from service.sandbox.records import Call
from service.sandbox.signals import (
    Fetch,
    GoTo,
    HangUp,
    Inline,
    Key,
    Parted,
    Signal,
    Taken,
)


class HungUp(Exception):
    """The call is over for a reason outside the document. `status` is what it ends as."""

    def __init__(self, status: str, at: datetime | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.at = at


class Redirected(Exception):
    """The API gave the live call a new document."""

    def __init__(self, step: Fetch | Inline) -> None:
        super().__init__("redirected")
        self.step = step


class Dequeued(Exception):
    """Somebody takes this call out of its queue."""

    def __init__(self, taken: Taken) -> None:
        super().__init__("dequeued")
        self.taken = taken


class LeftAlone(Exception):
    """Whom this call was to be connected to is gone before it was."""


class Ear:
    """Listens on one call."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def next(self, seconds: float | None) -> Signal | None:
        """The next signal within `seconds` (None: however long it takes), or None.

        Raises HungUp and Redirected; every other signal is returned.
        """
        try:
            async with asyncio.timeout(None if seconds is None else max(0.0, seconds)):
                signal = await self._call.signals.get()
        except TimeoutError:
            return None
        match signal:
            case HangUp(status, at):
                raise HungUp(status, at)
            case GoTo(step):
                raise Redirected(step)
            case _:
                return signal

    async def key_within(self, seconds: float) -> str | None:
        """The next key within `seconds`, or None. Raises whatever ends the document."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            match await self.next(until - loop.time()):
                case None:
                    return None
                case Key(digit):
                    return digit
                case Taken() as taken if self._is_of_now(taken.bridge_id):
                    raise Dequeued(taken)
                case Parted(bridge_id) if self._is_of_now(bridge_id):
                    raise LeftAlone
                case _:
                    pass  # of a conversation that is over, or an answer to an answered call

    def _is_of_now(self, bridge_id: int) -> bool:
        return self._call.bridge is not None and self._call.bridge.id == bridge_id

    async def silence(self, seconds: float) -> None:
        """Let time pass; keys pressed meanwhile are lost, as at the carrier."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while await self.key_within(max(0.0, until - loop.time())) is not None:
            pass
