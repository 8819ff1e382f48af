"""Headers that every answer carries, so that a browser does with it what we meant and no more.

Plain ASGI: intake pays a microsecond for it.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OURS = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)

_DOCS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net; "
    "style-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net; "
    "img-src 'self' data: https://fastapi.tiangolo.com; base-uri 'none'; frame-ancestors 'none'"
)
"""FastAPI's pages of the API load their script from there, and start it inline."""

DOCS_PATHS = ("/docs", "/redoc")

_FORMS = "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'"
"""Builders of sites put a pasted form into a frame, and its thank-you comes up in that frame: to
forbid it would tell every visitor that sending failed. There is nothing to press on these pages."""

FORMS_PATHS = ("/forms/",)


class SafeHeaders:
    """Adds the headers to what the app answers. Those on a page's origins go with HTML only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(raw=message["headers"]), scope["path"])
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _add(headers: MutableHeaders, path: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    if headers.get("content-type", "").startswith("text/html"):
        headers["Content-Security-Policy"] = _policy(path)
        if not path.startswith(FORMS_PATHS):
            headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "no-referrer"
        headers.setdefault("Cache-Control", "no-store")


def _policy(path: str) -> str:
    if path.startswith(FORMS_PATHS):
        return _FORMS
    return _DOCS if path.startswith(DOCS_PATHS) else _OURS
