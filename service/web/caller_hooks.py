"""What Twilio posts of somebody who calls us: the wait, the reps who are rung for them, a message
they leave, and the menu of a colleague who calls.

What any of it means is the desk's affair; a replay gets the document of the first delivery. The
sound of ringing is served here too: it is nobody's secret, and fetched without a signature.
"""

import re
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.desk.calls import hunting, through, voicemail, waiting
from service.desk.calls.through import Offer
from service.errors import SourceError
from service.phone import call_callbacks, caller_callbacks, ringing, urls, voice_calls
from service.phone.form import Form
from service.rules.lead import LeadId, PageId
from service.web.signed import Signed, add_hook, nothing, twiml, wrong_keys
from service.wiring import House

# The sound is the same for every caller, until a new version of the product.
RINGING_KEPT = {"Cache-Control": "public, max-age=86400"}

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PLACE = re.compile(r"[0-9]{1,2}")


class CallerHooks:
    """The addresses of a call to us."""

    def __init__(self, house: House) -> None:
        """Raises ConfigError for a public URL that no signature can be made over."""
        self._desk = house.desk
        self._signed = Signed(house)
        self.router = APIRouter(tags=["twilio"])
        for path, endpoint, summary in (
            (urls.WAIT_PATH, self.wait, "What a waiting caller hears"),
            (urls.LEFT_PATH, self.left, "A caller is no longer in the queue"),
            (urls.HUNT_SAY_PATH, self.say, "What to whisper to a rep who is rung for a caller"),
            (urls.HUNT_KEY_PATH, self.key, "The key that takes a caller"),
            (urls.HUNT_DONE_PATH, self.done, "The rep and the caller no longer talk"),
            (urls.RECORDED_PATH, self.recorded, "A caller has left a message"),
            (urls.THROUGH_KEY_PATH, self.through, "The key of a colleague who calls"),
        ):
            add_hook(self.router, path, endpoint, summary)
        for path, endpoint, summary in (
            (urls.RECORDING_PATH, self.recording, "What became of a recording"),
            (urls.TRANSCRIPT_PATH, self.transcript, "A message in words"),
        ):
            add_hook(self.router, path, endpoint, summary, answers=False)
        self.router.add_api_route(
            urls.RINGING_PATH,
            self.ringing,
            methods=["GET"],
            summary="The sound of ringing",
            response_class=Response,
            responses={200: {"content": {ringing.MEDIA_TYPE: {}}, "description": "A sound"}},
        )

    async def wait(self, request: Request, call_id: str) -> Response:
        hear = partial(self._wait, call_id)
        return await self._signed.heard(request, "call", hear, voice_calls.leave())

    async def left(self, request: Request, call_id: str) -> Response:
        hear = partial(self._left, call_id)
        return await self._signed.heard(request, "call", hear, voice_calls.hang_up())

    async def say(self, request: Request, call_id: str, page_id: str) -> Response:
        hear = partial(self._say, call_id, page_id)
        return await self._signed.heard(request, "call", hear, voice_calls.hang_up())

    async def key(self, request: Request, call_id: str, page_id: str) -> Response:
        hear = partial(self._key, call_id, page_id, wrong_keys(request))
        return await self._signed.heard(request, "key", hear, voice_calls.hang_up())

    async def done(self, request: Request, call_id: str, page_id: str) -> Response:
        hear = partial(self._done, call_id, page_id)
        return await self._signed.heard(request, "call", hear, voice_calls.hang_up())

    async def recorded(self, request: Request, call_id: str) -> Response:
        hear = partial(self._recorded, call_id)
        return await self._signed.heard(request, "call", hear, voice_calls.hang_up())

    async def through(self, request: Request, call_sid: str) -> Response:
        hear = partial(self._through, call_sid, _offer(request))
        return await self._signed.heard(request, "key", hear, voice_calls.hang_up())

    async def recording(self, request: Request, call_id: str) -> Response:
        hear = partial(self._recording, call_id)
        return await self._signed.heard(request, "receipt", hear)

    async def transcript(self, request: Request, call_id: str) -> Response:
        hear = partial(self._transcript, call_id)
        return await self._signed.heard(request, "receipt", hear)

    def ringing(self) -> Response:
        return Response(ringing.ringing_wav(), media_type=ringing.MEDIA_TYPE, headers=RINGING_KEPT)

    def _wait(self, call_id: str, form: Form) -> Response:
        # A caller who asks has not left; reading it so checks both ids.
        asking = caller_callbacks.caller_left(call_id, form)
        return twiml(waiting.wait(self._desk, asking.call_id, asking.sid))

    def _left(self, call_id: str, form: Form) -> Response:
        return twiml(waiting.left(self._desk, caller_callbacks.caller_left(call_id, form)))

    def _say(self, call_id: str, page_id: str, form: Form) -> Response:
        asking = call_callbacks.keyed("hunt", call_id, form)
        leg = _leg(page_id)
        return twiml(hunting.say(self._desk, asking.call_id, leg, asking.sid))

    def _key(self, call_id: str, page_id: str, wrong: int, form: Form) -> Response:
        pressed = call_callbacks.keyed("hunt", call_id, form)
        return twiml(hunting.hear_key(self._desk, _leg(page_id), pressed, wrong))

    def _done(self, call_id: str, page_id: str, form: Form) -> Response:
        told = call_callbacks.dial_done(call_id, form)
        return twiml(hunting.done(self._desk, _leg(page_id), told))

    def _recorded(self, call_id: str, form: Form) -> Response:
        told = caller_callbacks.message_taken(call_id, form)
        return twiml(voicemail.hear_message_taken(self._desk, told))

    def _recording(self, call_id: str, form: Form) -> Response:
        voicemail.hear_recording(self._desk, caller_callbacks.recording_told(call_id, form))
        return nothing()

    def _transcript(self, call_id: str, form: Form) -> Response:
        voicemail.hear_transcript(self._desk, caller_callbacks.transcript_told(call_id, form))
        return nothing()

    def _through(self, call_sid: str, offer: Offer, form: Form) -> Response:
        call = caller_callbacks.inbound_call(form)
        pressed = call_callbacks.keyed("through", call_sid, form)
        return twiml(through.hear_key(self._desk, call, pressed, offer))


def _leg(given: str) -> PageId:
    """The message that rings, by its path. Raises SourceError when it names none."""
    if not _ID.fullmatch(given):
        raise SourceError("the path names no leg", "page_id")
    return PageId(given)


def _offer(request: Request) -> Offer:
    """What was offered when the key was pressed, as we wrote it into the URL."""
    lead_id = request.query_params.get("lead", "")
    place = request.query_params.get("place", "")
    return Offer(
        LeadId(lead_id) if _ID.fullmatch(lead_id) else None,
        int(place) if _PLACE.fullmatch(place) else 0,
        wrong_keys(request),
    )
