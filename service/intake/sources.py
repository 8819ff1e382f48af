"""Whether a caller may hand us leads under a source's name.

The key is compared and forgotten: this file must not log it, keep it or say how near a guess was.
"""

import hashlib
import hmac

_SCHEME = "bearer"


def check_bearer(header: str | None, key: str) -> bool:
    """Whether an `Authorization` header carries exactly this key (RFC 6750).

    `header` is the header's value as the server decoded it (latin-1), None when there was none.
    Takes the same time for every wrong guess of any length. An empty `key` opens to nobody: a
    secret that was never set must not be guessed by leaving it out.
    """
    scheme, _, given = (header or "").strip().partition(" ")
    return _same(_as_sent(given.strip()), key) and scheme.lower() == _SCHEME


def check_public_key(given: str | None, key: str) -> bool:
    """Whether a form's field, or its address, carries exactly this source's public key.

    Everybody who opens the page can read that key: it tells forms apart and keeps out what merely
    scans addresses, and is compared like a secret because it costs nothing.
    """
    return _same((given or "").strip().encode("utf-8", "surrogatepass"), key)


def _same(offered: bytes, key: str) -> bool:
    wanted = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return hmac.compare_digest(hashlib.sha256(offered).digest(), wanted) and bool(key)


def _as_sent(value: str) -> bytes:
    """The header's own bytes; a key outside ASCII was sent as UTF-8 and decoded as latin-1."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
