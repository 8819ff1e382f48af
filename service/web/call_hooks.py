"""What Twilio posts of a call that connects a rep with a lead: the whisper and its key, the lead's
leg, the verdict of who answered, the end of the dialling, and the digit that says how it went.

What any of it means is the desk's affair; a replay gets the document of the first delivery.
"""

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.desk.calls.bridge import hear_bridge_key, whisper
from service.desk.calls.outcome import hear_outcome_key
from service.desk.calls.recorded import announce
from service.desk.calls.told import hear_dial_done, hear_leg, hear_verdict
from service.phone import call_callbacks, urls, voice_calls
from service.phone.form import Form
from service.web.signed import Signed, add_hook, counted, nothing, twiml, wrong_keys
from service.wiring import House


class CallHooks:
    """The addresses of a call that connects."""

    def __init__(self, house: House) -> None:
        """Raises ConfigError for a public URL that no signature can be made over."""
        self._desk = house.desk
        self._signed = Signed(house)
        self.router = APIRouter(tags=["twilio"])
        for path, endpoint, summary in (
            (urls.BRIDGE_SAY_PATH, self.say, "What to whisper to a rep who picks up"),
            (urls.BRIDGE_KEY_PATH, self.key, "The key that connects a rep"),
            (urls.DIAL_DONE_PATH, self.done, "The lead's leg has ended"),
            (urls.OUTCOME_KEY_PATH, self.outcome, "The digit that says how a call went"),
            (urls.LEG_SAY_PATH, self.announce, "What to tell a lead who picks up"),
        ):
            add_hook(self.router, path, endpoint, summary)
        for path, endpoint, summary in (
            (urls.LEG_STATUS_PATH, self.leg, "How far the lead's leg has come"),
            (urls.LEG_VERDICT_PATH, self.verdict, "Who picked up the lead's leg"),
        ):
            add_hook(self.router, path, endpoint, summary, answers=False)

    async def say(self, request: Request, call_id: str) -> Response:
        hear = partial(self._say, call_id)
        return await self._signed.heard(request, "call", hear, voice_calls.hang_up())

    async def key(self, request: Request, call_id: str) -> Response:
        hear = partial(self._key, call_id, wrong_keys(request))
        return await self._signed.heard(request, "key", hear, voice_calls.hang_up())

    async def done(self, request: Request, call_id: str) -> Response:
        hear = partial(self._done, call_id)
        return await self._signed.heard(request, "call", hear, voice_calls.hang_up())

    async def outcome(self, request: Request, call_id: str) -> Response:
        hear = partial(self._outcome, call_id, wrong_keys(request))
        return await self._signed.heard(request, "key", hear, voice_calls.hang_up())

    async def announce(self, request: Request, call_id: str) -> Response:
        hear = partial(self._announce, call_id, counted(request, "round"))
        return await self._signed.heard(request, "call", hear, voice_calls.hang_up())

    async def leg(self, request: Request, call_id: str) -> Response:
        return await self._signed.heard(request, "receipt", partial(self._leg, call_id))

    async def verdict(self, request: Request, call_id: str) -> Response:
        return await self._signed.heard(request, "receipt", partial(self._verdict, call_id))

    def _say(self, call_id: str, form: Form) -> Response:
        # A call that asks is a call without a key yet; reading it so checks both ids.
        asking = call_callbacks.keyed("bridge", call_id, form)
        return twiml(whisper(self._desk, asking.call_id, asking.sid))

    def _key(self, call_id: str, wrong: int, form: Form) -> Response:
        pressed = call_callbacks.keyed("bridge", call_id, form)
        return twiml(hear_bridge_key(self._desk, pressed, wrong))

    def _done(self, call_id: str, form: Form) -> Response:
        return twiml(hear_dial_done(self._desk, call_callbacks.dial_done(call_id, form)))

    def _outcome(self, call_id: str, wrong: int, form: Form) -> Response:
        pressed = call_callbacks.keyed("outcome", call_id, form)
        return twiml(hear_outcome_key(self._desk, pressed, wrong))

    def _announce(self, call_id: str, rounds: int, form: Form) -> Response:
        return twiml(announce(self._desk, call_callbacks.leg_status(call_id, form), rounds))

    def _leg(self, call_id: str, form: Form) -> Response:
        hear_leg(self._desk, call_callbacks.leg_status(call_id, form))
        return nothing()

    def _verdict(self, call_id: str, form: Form) -> Response:
        hear_verdict(self._desk, call_callbacks.verdict(call_id, form))
        return nothing()
