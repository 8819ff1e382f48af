"""What an API request asks for, read out of its form or query: URLs, documents, instants, pages.

Reads and refuses; changes nothing.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from service.sandbox.answers import ApiRefusal, listing
from service.sandbox.gate import Form, one
from service.sandbox.records import Fetch, Inline

PAGE_SIZE_MAX = 1_000
TWIML_CHARS_MAX = 4_000


class Row(Protocol):
    """What a list filters by."""

    @property
    def to(self) -> str: ...
    @property
    def from_(self) -> str: ...
    @property
    def status(self) -> str: ...


def _is_url(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def callback_url(form: Form, name: str) -> str:
    """A URL to be called, or "". A hostname with an underscore is refused, as by the carrier."""
    url = one(form, name)
    if url and (not _is_url(url) or "_" in (urlsplit(url).hostname or "")):
        raise ApiRefusal(21609)
    return url


def first_step(form: Form) -> Fetch | Inline:
    """The document of a call. With both given, `Url` wins and `Twiml` is ignored."""
    url, twiml = one(form, "Url"), one(form, "Twiml")
    if url:
        if not _is_url(url):
            raise ApiRefusal(21205)
        return Fetch(url, one(form, "Method", "POST").upper())
    if not twiml or len(twiml) > TWIML_CHARS_MAX:
        raise ApiRefusal(21205)
    return Inline(twiml)


def instant(raw: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


R = TypeVar("R", bound=Row)


def page_of(
    request: Request, name: str, rows: list[R], shape: Callable[[R], dict[str, object]]
) -> Response:
    """Newest first. To, From and Status filter; other filters are accepted and ignored."""
    asked = request.query_params
    kept = [
        row
        for row in reversed(rows)
        if asked.get("To", row.to) == row.to
        and asked.get("From", row.from_) == row.from_
        and asked.get("Status", row.status) == row.status
    ]
    size = min(PAGE_SIZE_MAX, max(1, _index(asked.get("PageSize", ""), 50)))
    page = _index(asked.get("Page", ""), 0)
    query = urlencode([(k, v) for k, v in asked.items() if k in ("To", "From", "Status")])
    shown = [shape(row) for row in kept]
    return JSONResponse(
        listing(request.url.path, name, shown, page, size, f"{query}&" if query else "")
    )


def _index(raw: str, default: int) -> int:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 7 else default
