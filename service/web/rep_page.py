"""`/r/{token}`: a lead on the phone of the rep who was paged for it. No login, the link is the key.

GET and HEAD change nothing, because phones fetch links to show a preview of them. A press is a
POST of a plain form, answered by a redirect to the page, which then shows what came of it: no
script is needed, and a reload sends nothing twice. What a rep may see is settled in the desk.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog
from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.desk.hear_link import Button, Pressed, hear_link
from service.desk.links import key_of
from service.desk.rep_link import DeadLink, OpenedLink, open_link
from service.errors import ConfigError, LeadBusy, LedgerUnavailable
from service.rules.lead import tidy
from service.rules.replies import ENDING_WORDS, WHEN_MAX
from service.rules.timeline import Ending
from service.web.limits import RateLimit, read_body
from service.web.problems import LEDGER_RETRY_S
from service.web.rep_words import CLOSES, GOES_ON, LATER, card_view, ending_of
from service.wiring import House

PREFIX = "/r/"
PATH = PREFIX + "{token}"
TEMPLATES = Path(__file__).parent / "templates"

# A press is five short fields.
FORM_BYTES_MAX = 4 * 1024

# A person presses a few times a minute; a link that is fetched more often is being played with.
PER_LINK_PER_MINUTE, PER_LINK_BURST = 60, 40
# Only links that open nothing count against an address: behind a proxy all reps share one, and a
# stranger's guesses must not shut them out.
WRONG_PER_MINUTE, WRONG_BURST = 30, 30

NONCE_BYTES = 9
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,40}")

_PRIVATE = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

# Of a problem document, which becomes a page with its own.
_OF_THE_DOCUMENT = frozenset({"cache-control", "content-length", "content-type"})

# Of a link that was made up and of one whose rep has left, nobody learns more than of an old one.
_DEAD_STATUS = {
    DeadLink.UNKNOWN: HTTPStatus.NOT_FOUND,
    DeadLink.EXPIRED: HTTPStatus.GONE,
    DeadLink.LEFT: HTTPStatus.GONE,
}

log = structlog.get_logger("web.link")


class RepPage:
    """The page that a page's text links to."""

    def __init__(self, house: House) -> None:
        self._desk = house.desk
        self._origin = _origin(house.settings.public_url)
        self._per_link = RateLimit(house.redis, PER_LINK_PER_MINUTE, PER_LINK_BURST)
        self._wrong = RateLimit(house.redis, WRONG_PER_MINUTE, WRONG_BURST)
        self._html = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.router = APIRouter(tags=["pages"])
        add = partial(self.router.add_api_route, PATH, response_class=HTMLResponse)
        add(self.show, methods=["GET"], summary="A rep's page: the leads of one text")
        add(self.show, methods=["HEAD"], include_in_schema=False)
        add(self.press, methods=["POST"], summary="A button pressed on a rep's page")

    def close(self) -> None:
        """Give back the connections of the rate limits."""
        self._per_link.close()
        self._wrong.close()

    async def show(self, request: Request, token: str) -> Response:
        return await run_in_threadpool(self._safely, partial(self._show, request, token))

    async def press(self, request: Request, token: str) -> Response:
        body = await read_body(request, FORM_BYTES_MAX)
        act = partial(self._press, request, token, body)
        return await run_in_threadpool(self._safely, act)

    def _safely(self, act: Callable[[], Response]) -> Response:
        """A rep is answered with a page whatever happens, never with a document for machines."""
        try:
            return act()
        except (LeadBusy, LedgerUnavailable, ConfigError) as away:
            log.warning("link", outcome="try again", because=type(away).__name__)
            retry = {"Retry-After": str(LEDGER_RETRY_S)}
            return self._plain("busy", HTTPStatus.SERVICE_UNAVAILABLE, retry)

    def dress(self, request: Request, answer: Response) -> Response:
        """A refusal that was met before or behind this page, as a page: a link with a slash after
        it, a body that came too slowly, what nobody foresaw. Its status and headers stay."""
        if not request.scope["path"].startswith(PREFIX):
            return answer
        status = HTTPStatus(answer.status_code)
        says = "dead" if status is HTTPStatus.NOT_FOUND else "strange"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status is HTTPStatus.REQUEST_TIMEOUT:
            says = "unsure"
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _OF_THE_DOCUMENT}
        return self._plain(says, status, kept)

    # -- showing

    def _show(self, request: Request, token: str) -> Response:
        key = key_of(token)
        if key is None:
            return self._dead(request, DeadLink.UNKNOWN)
        if wait_s := self._per_link.allow(f"link:{key}"):
            return self._too_often(wait_s)
        opened = open_link(self._desk, token)
        if isinstance(opened, DeadLink):
            return self._dead(request, opened)
        return self._page(opened, token, request.query_params.get("ended", ""))

    def _page(self, opened: OpenedLink, token: str, ended: str) -> Response:
        crew, rep = self._desk.present.crew(), opened.rep
        cards = [card_view(card, crew, rep.id, opened.now) for card in opened.cards]
        return self._render(
            "rep_page.html",
            HTTPStatus.OK,
            team=crew.team.name,
            first_name=rep.first_name,
            token=token,
            cards=cards,
            asking=next((c for c in cards if c.may_log and c.token == ended), None),
            nonce=secrets.token_urlsafe(NONCE_BYTES),
            words=ENDING_WORDS,
            goes_on=GOES_ON,
            later=LATER,
            closes=CLOSES,
            when_max=WHEN_MAX,
        )

    def _dead(self, request: Request, dead: DeadLink) -> Response:
        address = request.client.host if request.client else "unknown"
        log.info("link", outcome="not good", because=dead.value)
        if wait_s := self._wrong.allow(f"wrong-link:{address}"):
            return self._too_often(wait_s)
        return self._plain("dead", _DEAD_STATUS[dead])

    def _too_often(self, wait_s: float) -> Response:
        retry = {"Retry-After": str(int(wait_s) + 1)}
        return self._plain("too_often", HTTPStatus.TOO_MANY_REQUESTS, retry)

    def _plain(
        self, says: str, status: HTTPStatus, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A page that shows no lead, and says what to do instead."""
        return self._render("rep_plain.html", status, headers, says=says)

    def _render(
        self,
        template: str,
        status: HTTPStatus,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        html = self._html.get_template(template).render(**values)
        return HTMLResponse(html, status, headers={**_PRIVATE, **(headers or {})})

    # -- pressing

    def _press(self, request: Request, token: str, body: bytes) -> Response:
        if not self._from_our_page(request):
            return self._plain("strange", HTTPStatus.FORBIDDEN)
        key = key_of(token)
        if key is None:
            return self._dead(request, DeadLink.UNKNOWN)
        pressed = _pressed(token, body)
        if pressed is None:
            return self._plain("strange", HTTPStatus.BAD_REQUEST)
        if wait_s := self._per_link.allow(f"link:{key}"):
            return self._too_often(wait_s)
        dead = hear_link(self._desk, pressed)
        if dead is not None:
            return self._dead(request, dead)
        # Relative, so that it holds wherever a proxy puts us. Of several leads, back to this one.
        where = token if pressed.card == token else f"{token}#{pressed.card}"
        return RedirectResponse(where, HTTPStatus.SEE_OTHER, headers=_PRIVATE)

    def _from_our_page(self, request: Request) -> bool:
        """Whether a browser says that the form was ours; one that says nothing is believed, since
        who knows the token may press. Our pages send no referrer, so their origin is `null`."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("origin", "null")
        own = {self._origin, _origin(f"//{request.headers.get('host', '')}")}
        return origin == "null" or _origin(origin) in own - {None}


def _origin(url: str) -> str | None:
    """Host and port of an address, None for what is no address. A proxy may have taken the TLS
    off, so the scheme is left."""
    try:
        return urlsplit(url).netloc.lower() or None
    except ValueError:
        return None


def _pressed(token: str, body: bytes) -> Pressed | None:
    """What the form says; None if it is none of ours."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return None
    form = {name: values[-1] for name, values in fields.items()}
    what, nonce = _button(form.get("do", "")), form.get("nonce", "")
    if what is None or not _NONCE.fullmatch(nonce):
        return None
    when = tidy(form.get("when", ""), WHEN_MAX) if what is Ending.CALL_LATER else ""
    return Pressed(token, form.get("card", ""), nonce, what, when or None)


def _button(said: str) -> Button | Ending | None:
    try:
        return Button(said)
    except ValueError:
        return ending_of(said)
