"""What an API request asks for, read out of its form or query: URLs, documents, instants, pages.

Reads and refuses; changes nothing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from service.sandbox.answers import ApiRefusal, listing
from service.sandbox.gate import Form, one
from service.sandbox.signals import Fetch, Inline
from service.sandbox.strictness import is_url

PAGE_SIZE_MAX = 1_000
TWIML_CHARS_MAX = 4_000


def callback_url(form: Form, name: str) -> str:
    """A URL to be called, or "". A hostname with an underscore is refused, as by the carrier."""
    url = one(form, name)
    if url and (not is_url(url) or "_" in (urlsplit(url).hostname or "")):
        raise ApiRefusal(21609)
    return url


def first_step(form: Form) -> Fetch | Inline:
    """The document of a call. With both given, `Url` wins and `Twiml` is ignored."""
    url, twiml = one(form, "Url"), one(form, "Twiml")
    if url:
        if not is_url(url):
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


R = TypeVar("R")


def page_of(
    request: Request,
    name: str,
    rows: list[R],
    shape: Callable[[R], dict[str, object]],
    filters: Mapping[str, Callable[[R], str]],
) -> Response:
    """Newest first. `filters` are the parameters that pick; others are accepted and ignored."""
    asked = {key: value for key, value in request.query_params.items() if key in filters}
    kept = [
        row
        for row in reversed(rows)
        if all(filters[key](row) == value for key, value in asked.items())
    ]
    given = request.query_params
    size = min(PAGE_SIZE_MAX, max(1, _index(given.get("PageSize", ""), 50)))
    page = _index(given.get("Page", ""), 0)
    query = urlencode(list(asked.items()))
    shown = [shape(row) for row in kept]
    return JSONResponse(
        listing(request.url.path, name, shown, page, size, f"{query}&" if query else "")
    )


def _index(raw: str, default: int) -> int:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 7 else default
