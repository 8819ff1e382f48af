"""What Twilio posts of messages and of calls to our numbers: texts, receipts, keys on a page.

Calls that connect a rep with a lead are ``call_hooks``'s; the check that all share is ``signed``'s.
"""

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from service.desk.calls import calling_in
from service.desk.hear_key import hear_key, spoken_page
from service.desk.hear_line import hear_receipt
from service.desk.hear_text import hear_text
from service.phone import callbacks, caller_callbacks, urls, voice
from service.phone.form import Form
from service.rules import spoken
from service.web.doors import Doors
from service.web.signed import Signed, add_hook, nothing, twiml, wrong_keys
from service.wiring import House

WRONG_KEYS_MAX = 3
"""A rep who pressed as many wrong keys will not find the right one, and a machine that plays
tones must not keep a call open for ever."""


class TwilioHooks:
    """The addresses that Twilio posts to."""

    def __init__(self, house: House, doors: Doors) -> None:
        """Raises ConfigError for a public URL that no signature can be made over."""
        self._desk = house.desk
        self._doors = doors
        self._public_url = house.settings.public_url
        self._signed = Signed(house)
        self.router = APIRouter(tags=["twilio"])
        add_hook(self.router, urls.INBOUND_TEXT_PATH, self.text, "An inbound text")
        add_hook(self.router, urls.INBOUND_CALL_PATH, self.call, "An inbound call")
        add_hook(
            self.router,
            urls.TEXT_STATUS_PATH,
            self.text_receipt,
            "How far a text has come",
            answers=False,
        )
        add_hook(
            self.router,
            urls.CALL_STATUS_PATH,
            self.call_receipt,
            "How far a call has come",
            answers=False,
        )
        add_hook(self.router, urls.PAGE_TWIML_PATH, self.say, "What to say to a rep who picks up")
        add_hook(self.router, urls.PAGE_KEY_PATH, self.key, "A key that a rep pressed")

    async def text(self, request: Request) -> Response:
        return await self._signed.heard(request, "text", self._text, voice.empty_messaging())

    async def call(self, request: Request) -> Response:
        return await self._signed.heard(request, "call", self._call, voice.empty())

    async def text_receipt(self, request: Request, page_id: str) -> Response:
        return await self._signed.heard(request, "receipt", partial(self._text_receipt, page_id))

    async def call_receipt(self, request: Request, page_id: str) -> Response:
        return await self._signed.heard(request, "receipt", partial(self._call_receipt, page_id))

    async def say(self, request: Request, page_id: str) -> Response:
        hear = partial(self._say, page_id)
        return await self._signed.heard(request, "call", hear, voice.empty())

    async def key(self, request: Request, page_id: str) -> Response:
        hear = partial(self._key, page_id, wrong_keys(request))
        return await self._signed.heard(request, "key", hear, voice.empty())

    def _text(self, form: Form) -> Response:
        self._doors.crew()  # without a team nothing can be understood: said as 503, not as 500
        hear_text(self._desk, callbacks.inbound_text(form))
        return twiml(voice.empty_messaging())

    def _text_receipt(self, page_id: str, form: Form) -> Response:
        hear_receipt(self._desk, callbacks.text_status(page_id, form))
        return nothing()

    def _call_receipt(self, page_id: str, form: Form) -> Response:
        hear_receipt(self._desk, callbacks.call_status(page_id, form))
        return nothing()

    def _say(self, page_id: str, form: Form) -> Response:
        # A call that asks is a call without a key yet; reading it so checks both ids.
        asking = callbacks.key_pressed(page_id, form)
        return twiml(self._page_said(asking, wrong_keys=0))

    def _key(self, page_id: str, wrong_keys: int, form: Form) -> Response:
        pressed = callbacks.key_pressed(page_id, form)
        document = hear_key(self._desk, pressed)
        if document is not None:
            return twiml(document)
        if wrong_keys + 1 >= WRONG_KEYS_MAX:
            return twiml(voice.empty())
        return twiml(self._page_said(pressed, wrong_keys + 1))

    def _page_said(self, pressed: callbacks.KeyPressed, wrong_keys: int) -> str:
        """The page, as long as it asks for a key. How many were wrong travels in the key's URL,
        so that the same request always gets the same words."""
        words, asks = spoken_page(self._desk, pressed.page_id, pressed.call_sid)
        if not asks:
            return voice.say_and_hang_up(words)
        key_url = urls.page_key_url(self._public_url, pressed.page_id)
        if wrong_keys == 0:
            return voice.say_page(words, key_url)
        words = f"{spoken.spoken_no_such_key()} {words}"
        return voice.say_page(words, f"{key_url}?wrong={wrong_keys}")

    def _call(self, form: Form) -> Response:
        self._doors.crew()  # as with a text
        return twiml(calling_in.answer(self._desk, caller_callbacks.inbound_call(form)))
