"""Lets only this machine, and only our own page, near the phones and their control API.

Plain ASGI, so that the carrier's REST API pays nothing for it.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.sandbox.exchange import Exchange

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "testclient"})

PAGE_HEADERS = {
    b"content-security-policy": b"default-src 'self'; img-src 'self' data:; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}


class Doorkeeper:
    """Refuses strangers under /sandbox and adds the page's security headers."""

    def __init__(self, app: ASGIApp, loopback_only: bool) -> None:
        self._app = app
        self._loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/sandbox"):
            await self._app(scope, receive, send)
            return
        if refusal := self._refusal(scope):
            await PlainTextResponse(refusal, 403)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *PAGE_HEADERS.items()]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> str:
        client = scope.get("client")  # absent on a unix socket, which is this machine
        if self._loopback_only and client is not None:
            if client[0] not in LOOPBACK:
                return "The phones can be used from this machine only."
            # a name that leads here is a tunnel from outside, or a stranger's name for us
            if _host(scope) not in LOOPBACK:
                return "The phones open at 127.0.0.1 or localhost only."
        # another site open in the same browser must not text in a rep's name
        site = Headers(scope=scope).get("sec-fetch-site", "none")
        if site not in ("same-origin", "none") and scope["method"] not in ("GET", "HEAD"):
            return "Requests from another site are not taken."
        return ""


class OwnAddress:
    """Learns by which address the carrier is asked; the URLs of recordings begin with it."""

    def __init__(self, app: ASGIApp, exchange: Exchange) -> None:
        self._app = app
        self._exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (host := Headers(scope=scope).get("host")):
            self._exchange.own_url = f"{scope['scheme']}://{host}"
        await self._app(scope, receive, send)


def _host(scope: Scope) -> str:
    """What the caller calls us; empty for what cannot be read."""
    try:
        return urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
    except ValueError:
        return ""
