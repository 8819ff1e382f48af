"""What a handset does by itself once it is on a call: presses keys, talks, hangs up.

Everything a script does could be done by a person on the page, and goes the same way: as a signal
to the call. A mailbox presses nothing and talks to nobody.
"""

import asyncio
from datetime import datetime, timedelta

from service.sandbox.exchange import Exchange
from service.sandbox.records import Call, PhoneSettings
from service.sandbox.signals import HangUp, Key

LIMIT_S = 14_400.0  # the carrier's own limit of a call, 4 h


class Handsets:
    """The scripts of the handsets, started at the moments they count from."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def behaviour(self, call: Call) -> PhoneSettings:
        return self._exchange.phone(call.handset).settings

    def is_busy(self, call: Call) -> bool:
        """Whether the called phone is on another call and has no call waiting."""
        return not self.behaviour(call).call_waiting and any(
            other.handset == call.handset
            and other is not call
            and (other.status == "in-progress" or other.direction == "inbound")
            and not other.over
            for other in self._exchange.calls.values()
        )

    def dialled(self, call: Call) -> None:
        """A person has dialled in; they may have patience for so long only."""
        self._hang_up_later(call, call.created, self.behaviour(call).hang_up_after_s)

    def picked_up(self, call: Call) -> None:
        assert call.started is not None, "picked up"
        if call.limit_s < LIMIT_S:
            self.limit(call, call.limit_s)
        if call.direction != "inbound":
            self._hang_up_later(call, call.started, self.behaviour(call).hang_up_after_s)

    def limit(self, call: Call, seconds: float) -> None:
        """The call may last so long and no longer."""
        if call.started is not None:
            self._hang_up_later(call, call.started, seconds)

    def asked_for_keys(self, call: Call) -> None:
        """A <Gather> has begun: the next of the scripted keys, if there are any left."""
        how = self.behaviour(call)
        keys = how.keys.split(",")
        place, call.gathers = call.gathers, call.gathers + 1
        if call.picked_up_by != "machine" and place < len(keys) and keys[place]:
            self._exchange.errands.start(self._press(call, keys[place], how.keys_after_s))

    def connected(self, call: Call, began: datetime) -> None:
        """Two people hear each other from that real instant on."""
        if call.picked_up_by != "machine":
            self._hang_up_later(call, began, self.behaviour(call).talk_s)

    def _hang_up_later(self, call: Call, start: datetime, seconds: float | None) -> None:
        if seconds is not None:
            due = start + timedelta(seconds=self._exchange.real_s(seconds))
            self._exchange.errands.start(self._hang_up(call, due))

    async def _hang_up(self, call: Call, due: datetime) -> None:
        now = self._exchange.config.now()
        await asyncio.sleep(max(0.0, (due - now).total_seconds()))
        if not call.over:
            call.signals.put_nowait(HangUp("completed", due))

    async def _press(self, call: Call, keys: str, after_s: float) -> None:
        await asyncio.sleep(self._exchange.real_s(after_s))
        if call.over:
            return
        for key in keys:
            call.signals.put_nowait(Key(key))
        self._exchange.publish_call(call, "call_keys", keys)
