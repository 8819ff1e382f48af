"""`/r/{token}/voicemail/{sid}`: what a lead said, played on the phone of a rep.

The link is the key, as on the page it stands on. The sound is fetched from the carrier with our
credentials, piece by piece, and nobody is told the carrier's address of it. A phone asks for parts
of a sound (some play nothing else), so that its wish is passed on.
"""

from collections.abc import Iterator
from http import HTTPStatus

import structlog
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from service.desk.calls.listening import may_play
from service.desk.links import key_of
from service.desk.rep_link import DeadLink
from service.errors import LineError
from service.phone.line import Sound, Unknown
from service.web.documented import refusals
from service.web.limits import RateLimit
from service.web.problems import Declined, Kind
from service.web.rep_page import PATH as PAGE_PATH
from service.wiring import House, line_of

PATH = PAGE_PATH + "/voicemail/{sid}"

# Playing a message once takes two or three requests, one for each part.
PER_LINK_PER_MINUTE, PER_LINK_BURST = 60, 40
# The carrier could not be asked; a rep presses play again within so long anyway.
CARRIER_RETRY_S = 5
RANGE_LONGEST = 50

_PRIVATE = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Disposition": "inline",
    "Accept-Ranges": "bytes",
}

log = structlog.get_logger("web.link")


class Voicemails:
    """Plays what leads left."""

    def __init__(self, house: House) -> None:
        self._desk = house.desk
        self._line = line_of(house)
        self._per_link = RateLimit(house.redis, PER_LINK_PER_MINUTE, PER_LINK_BURST)
        self.router = APIRouter(tags=["pages"])
        refused = refusals(Kind.NOT_FOUND, Kind.TOO_MANY, Kind.LEDGER_UNAVAILABLE)
        sound = {"content": {"audio/mpeg": {}}, "description": "A sound"}
        self.router.add_api_route(
            PATH,
            self.play,
            methods=["GET"],
            summary="What a lead said after the tone",
            response_class=Response,
            responses={**refused, HTTPStatus.OK: sound, HTTPStatus.PARTIAL_CONTENT: sound},
        )

    def close(self) -> None:
        """Give back the connections of the rate limit."""
        self._per_link.close()

    async def play(self, request: Request, token: str, sid: str) -> Response:
        return await run_in_threadpool(self._play, request, token, sid)

    def _play(self, request: Request, token: str, sid: str) -> Response:
        key = key_of(token)
        if key is None:
            raise _nothing_here()
        if wait_s := self._per_link.allow(f"voicemail:{key}"):
            raise Declined(Kind.TOO_MANY, "Wait a moment.", retry_after_s=wait_s)
        may = may_play(self._desk, token, sid)
        if may is not True:
            because = may.value if isinstance(may, DeadLink) else "no such message for them"
            log.info("voicemail", outcome="not played", because=because)
            raise _nothing_here()
        wish = request.headers.get("range", "")[:RANGE_LONGEST] or None
        sound = self._line.fetch_recording(sid, wish)
        if isinstance(sound, Sound):
            return _streamed(sound)
        log.warning("voicemail", sid=sid, outcome="not played", because=str(sound))
        if isinstance(sound, Unknown):
            detail = "The message cannot be fetched just now. Press play again."
            raise Declined(Kind.LEDGER_UNAVAILABLE, detail, retry_after_s=CARRIER_RETRY_S)
        raise _nothing_here()


def _nothing_here() -> Declined:
    """Of a link that was made up, nobody learns more than of a message that is gone."""
    return Declined(Kind.NOT_FOUND, "There is no such message here, or no longer.")


def _streamed(sound: Sound) -> Response:
    headers = dict(_PRIVATE)
    if sound.length is not None:
        headers["Content-Length"] = str(sound.length)
    status = HTTPStatus.OK
    if sound.content_range is not None:
        headers["Content-Range"] = sound.content_range
        status = HTTPStatus.PARTIAL_CONTENT
    return StreamingResponse(_pieces(sound), status, headers, media_type=sound.media_type)


def _pieces(sound: Sound) -> Iterator[bytes]:
    """The sound as far as it comes: one that breaks off is heard to its break."""
    try:
        yield from sound.pieces
    except LineError as broken:
        log.warning("voicemail", outcome="broke off", because=str(broken))
