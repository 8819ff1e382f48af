"""Two calls that hear each other: from the moment they are connected until one of them leaves.

Neither call is ended here; what becomes of each afterwards is for whoever connected them.
"""

import asyncio
from datetime import datetime, timedelta

from service.sandbox.ear import Ear, HungUp, Redirected
from service.sandbox.records import Bridge, Call
from service.sandbox.signals import Key, Parted
from service.sandbox.walker import Walker


def connect(walker: Walker, bridge: Bridge, at: datetime) -> None:
    """They hear each other from that real instant on."""
    bridge.began = at
    for here, there in ((bridge.one, bridge.other), (bridge.other, bridge.one)):
        here.bridge = bridge
        walker.exchange.publish_call(here, "call_connected", detail={"with": there.handset})
        here.lines.append(f"[connected to {there.handset}]")
        walker.handsets.connected(here, at)


async def stay(
    walker: Walker, call: Call, bridge: Bridge, limit_s: float | None = None, star: bool = False
) -> datetime:
    """One end of a bridge, until the other leaves; returns the real instant at which it did.

    `limit_s` real seconds after the beginning this end leaves too, or at a star key if `star`.
    Raises HungUp and Redirected, having left the other alone.
    """
    ear, now = Ear(call), walker.exchange.config.now
    loop = asyncio.get_running_loop()
    until = None if limit_s is None else loop.time() + limit_s
    try:
        while True:
            signal = await ear.next(None if until is None else until - loop.time())
            if isinstance(signal, Parted) and signal.bridge_id == bridge.id:
                return signal.at
            if signal is None and bridge.began and limit_s is not None:
                at = bridge.began + timedelta(seconds=limit_s)
            elif star and signal == Key("*"):
                at = now()
            else:
                continue
            bridge.part(call, at)
            return at
    except HungUp as ended:
        bridge.part(call, ended.at or now())
        raise
    except Redirected:
        call.moved = True
        bridge.part(call, now())
        raise
    finally:
        call.bridge = None
