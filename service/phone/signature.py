"""Whether Twilio posted it: the signature, over the URL as we published it and every parameter.

The URL is never rebuilt from headers that a stranger may send, but from the public URL and the
raw path and query of the request, undecoded, because ``%20`` and a space sign differently.
Signatures carry no time: a captured request is valid for ever, and it is the dedupe keys of
``callbacks`` that make a replay harmless. Source: Twilio, "Webhooks Security".
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # no types

from service.errors import SourceError
from service.phone.form import Form, read_form

# Base64 of an SHA-1 is 28 characters; a longer header is not worth comparing.
SIGNATURE_LENGTH_MAX = 128


class SignatureCheck:
    """Checks requests against every auth token that is good now: two while one is rotated."""

    def __init__(self, auth_tokens: Sequence[str], public_url: str) -> None:
        """Raises ValueError for no token, or a public URL that no signature could be made over:
        Twilio signs without ``user:password@``, and its validator mangles IPv6 literals."""
        parts = urlsplit(public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a public URL begins with http:// or https:// and names a host")
        if "@" in parts.netloc or "[" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("a public URL holds a scheme, a host name, a port and a path only")
        if not auth_tokens or not all(auth_tokens):
            raise ValueError("at least one auth token is needed, and none may be empty")
        self._validators = [RequestValidator(token) for token in auth_tokens]
        self._base = public_url.rstrip("/")

    def valid(
        self,
        raw_path: bytes,
        raw_query: bytes,
        signature: str | None,
        body: bytes | None,
    ) -> bool:
        """True if the header ``X-Twilio-Signature`` fits. ``body`` is the raw form of a POST, None
        for a GET. Whatever cannot be read is not signed: False, never an exception."""
        if not signature or len(signature) > SIGNATURE_LENGTH_MAX:
            return False
        try:
            query = raw_query.decode("ascii")
            url = self._base + raw_path.decode("ascii") + (f"?{query}" if query else "")
            signed = _signed_part(query, body or b"")
            return signed is not None and any(
                validator.validate(url, signed, signature) for validator in self._validators
            )
        except (ValueError, SourceError):
            return False


def _signed_part(query: str, body: bytes) -> Form | None:
    """The parameters under the signature; None if the body is not the one that was hashed.

    A body that is not a form is signed through ``bodySHA256`` in the URL, and then nothing else
    of it is; the validator would take any JSON body that comes without it.
    """
    hashes = parse_qs(query).get("bodySHA256")
    if hashes is None:
        return read_form(body)
    fits = hmac.compare_digest(sha256(body).hexdigest().encode(), hashes[0].encode())
    return Form() if fits else None
