"""Whether a port is free, asked before anything is started: a clear word instead of a child that
dies again and again. This file must not keep a port."""

from __future__ import annotations

import socket
import time

from service.errors import MachineError

FREE_WITHIN_S = 2.0
"""How long the children of a killed `up` may hold a port: on Linux they go with it at once,
elsewhere within a second or so."""

ASK_EVERY_S = 0.1


def require_free(host: str, port: int, what: str, remedy: str) -> None:
    """Return when the port can be listened on.

    Raises MachineError, naming the port, what it is for and the remedy.
    """
    deadline = time.monotonic() + FREE_WITHIN_S
    while (why := _why_not(host, port)) is not None:
        if time.monotonic() >= deadline:
            raise MachineError(f"port {port} on {host} ({what}) cannot be used: {why}; {remedy}")
        time.sleep(ASK_EVERY_S)


def _why_not(host: str, port: int) -> str | None:
    """None when it is free."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            probe.bind(address)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None
