"""Receives a form's body: the texts that were filled in, however the browser packed them.

What is wrong with it is not said here but handed on, to be said in its turn: a stranger must not
learn from a body's fault whether there is such a source. Nothing is stored.
"""

from dataclasses import dataclass, field

from starlette.requests import Request

from service.errors import SourceError
from service.intake.form_body import (
    HEAD_MAX_BYTES,
    Form,
    MultipartReading,
    boundary_of,
    read_urlencoded,
)
from service.web.limits import BODY_MAX_BYTES, read_body, read_through
from service.web.problems import Declined, Kind

FILES_MAX_BYTES = 8 * 1024 * 1024
"""A multipart body with its files, which are not kept: two photos of a roof from a phone. A lead
is not lost for what hangs on it; more is no longer a form."""

FILES_WITHIN_S = 30.0
"""What a phone with a middling connection takes for those photos."""

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as far as it could be read. ``fault`` says why it is not whole: Declined when it must
    not be read at all, SourceError when it cannot. ``head`` are the first bytes of one that
    cannot, for a person."""

    form: Form = field(default_factory=Form)
    fault: Declined | SourceError | None = None
    head: bytes = b""


async def read_sent(request: Request) -> Sent:
    """The form in a request's body. Never raises for what was sent."""
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == URLENCODED:
            return _urlencoded(await read_body(request))
        if kind == MULTIPART:
            return await _multipart(request, content_type)
    except Declined as declined:
        return Sent(fault=declined)
    return Sent(
        fault=Declined(Kind.UNSUPPORTED_MEDIA_TYPE, f"Send a form, as {URLENCODED} or {MULTIPART}.")
    )


def _urlencoded(body: bytes) -> Sent:
    try:
        return Sent(read_urlencoded(body))
    except SourceError as error:
        return Sent(fault=error, head=body[:HEAD_MAX_BYTES])


async def _multipart(request: Request, content_type: str) -> Sent:
    """Raises Declined, for a body that is too large or too slow.

    A body that stops making sense is still read to its end, so that its sender gets an answer and
    not a broken connection; nothing more of it is looked at.
    """
    try:
        reading = MultipartReading(boundary_of(content_type) or b"")
    except SourceError as error:
        return Sent(fault=error)
    fault: SourceError | None = None

    def take(chunk: bytes) -> None:
        nonlocal fault
        if fault is not None:
            return
        try:
            reading.feed(chunk)
        except SourceError as error:
            fault = error
        if reading.text_bytes > BODY_MAX_BYTES:
            raise Declined(
                Kind.TOO_LARGE, f"A form's texts may have at most {BODY_MAX_BYTES} bytes."
            )

    await read_through(request, take, FILES_MAX_BYTES, FILES_WITHIN_S)
    try:
        whole = reading.form() if fault is None else reading.pairs_so_far
    except SourceError as error:
        fault, whole = error, reading.pairs_so_far
    return Sent(whole, fault, bytes(reading.head) if fault else b"")
