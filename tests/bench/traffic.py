"""Leads at planned instants, whether or not earlier ones were answered: an open loop.

A closed loop would wait for a slow answer and so spare the server the very load that made it slow.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import uvloop

CONNECTIONS_MAX = 400
"""More would measure the bench's own sockets."""
ANSWER_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where leads are sent, and with which headers."""

    port: int
    path: str
    bearer: str = ""


@dataclass(slots=True)
class Sample:
    """One lead: when it was to leave, when it left, when it was answered (monotonic ns)."""

    door: Door
    tag: str
    phone: str
    due_ns: int = 0
    sent_ns: int = 0
    answered_ns: int = 0
    status: int = 0
    body: bytes = b""

    def wire(self) -> bytes:
        """The request, ready to be written in one piece."""
        lead = {"name": f"Lead {self.tag}", "phone": self.phone, "ask": "Solar for a barn"}
        body = json.dumps(lead).encode()
        auth = f"Authorization: Bearer {self.door.bearer}\r\n" if self.door.bearer else ""
        head = (
            f"POST {self.door.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.door.port}\r\n{auth}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(slots=True)
class Pool:
    """Connections to one port; those that are idle wait for work."""

    port: int
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS_MAX))

    async def send(self, sample: Sample, wire: bytes) -> None:
        """Write it on an idle connection, or on a new one, and read the answer into the sample.

        Raises OSError, IncompleteReadError: it was not answered.
        """
        async with self.gate:
            if self.idle:
                reader, writer = self.idle.pop()
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            sample.sent_ns = time.monotonic_ns()
            writer.write(wire)
            await _read_answer(sample, reader)
            self.idle.append((reader, writer))


async def _read_answer(sample: Sample, reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    lengths = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
    sample.body = await reader.readexactly(lengths[0] if lengths else 0)  # a 204 has none
    sample.answered_ns = time.monotonic_ns()
    sample.status = int(lines[0].split()[1])


def drive(samples: Sequence[Sample], every_s: float) -> None:
    """Send a sample each ``every_s`` and wait until all are answered; the samples are filled in.

    The first one or two connections are warm: a connection is opened where none is idle.
    """
    uvloop.run(_drive(samples, every_s))


async def _drive(samples: Sequence[Sample], every_s: float) -> None:
    pools = {sample.door.port: Pool(sample.door.port) for sample in samples}
    wires = [sample.wire() for sample in samples]
    start_ns = time.monotonic_ns()
    sending = []
    for number, (sample, wire) in enumerate(zip(samples, wires, strict=True)):
        sample.due_ns = start_ns + int(number * every_s * 1e9)
        ahead_s = (sample.due_ns - time.monotonic_ns()) / 1e9
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
        pool = pools[sample.door.port]
        sending.append(asyncio.create_task(_tried(pool, sample, wire)))
    await asyncio.gather(*sending)


async def _tried(pool: Pool, sample: Sample, wire: bytes) -> None:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await pool.send(sample, wire)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as lost:
        sample.body = repr(lost).encode()
