"""How both web servers of this product are run.

One place, so that front door and stand-in carrier close alike and log alike. It must not know what
is served.
"""

from __future__ import annotations

import structlog
import uvicorn
from starlette.types import ASGIApp

from service.cli.ending import BOTH, end_quietly
from service.cli.swift import be_swift

STOP_WITHIN_S = 3
"""An answer takes milliseconds; what is still open after so long is a browser's long poll. Well
within the 10 s that a supervisor waits."""

KEEP_ALIVE_S = 75
"""Longer than the 60 s after which proxies and our own senders let go of an idle connection, so
that it is never we who close one on which a request has just set out."""


def serve(app: ASGIApp, host: str, port: int, *, stop_within_s: int = STOP_WITHIN_S) -> None:
    """Serve until SIGTERM or Ctrl-C; then finish what is being answered, and return."""
    end_quietly(*BOTH)  # uvicorn, when it has closed, hands the signal on
    be_swift()
    structlog.get_logger("serve").info("serve", outcome="starting", host=host, port=port)
    uvicorn.run(
        app,
        host=host,
        port=port,
        http="httptools",
        loop="uvloop",
        log_config=None,  # our own logs take everything
        log_level="warning",  # INFO is ten lines about starting and stopping
        access_log=False,  # URLs of rep pages are keys
        server_header=False,
        proxy_headers=False,  # signatures are checked against PUBLIC_URL, not what a caller says
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=stop_within_s,
    )
