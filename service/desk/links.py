"""The link in a page's text: short enough to fit its one segment, and nobody can make one up.

A token is the first characters of a page's id, by which the row is found, and a signature over the
whole id. It opens one page for the rep whom it was sent to; it is not a login. Nothing is looked
up here.
"""

from __future__ import annotations

import hashlib
import hmac
import string
from dataclasses import dataclass, field
from datetime import timedelta

from service.rules.lead import PageId

# A rep looks at last week's text at most; whoever finds an old phone later finds a dead link.
LINK_GOOD = timedelta(days=7)

# 48 random bits find the row: among a billion pages, one in 280,000 shares its key with another,
# and then both signatures are tried.
KEY_CHARS = 8
# Some 47 bits that only the secret key gives: a thousand guesses a second take 3,000 years for a
# page whose key is known, which nobody outside knows.
SIGNATURE_CHARS = 8
TOKEN_CHARS = KEY_CHARS + SIGNATURE_CHARS

PATH = "/r/"

# Letters and digits alone: many phones end a link before a last dash or underscore.
_ALPHABET = string.digits + string.ascii_letters
_PURPOSE = b"rep link v1\x00"


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and checks the links of one installation. ``public_url`` has no slash at its end."""

    public_url: str
    secret_key: str = field(repr=False)

    def link_for(self, page_id: PageId) -> str:
        """The address that a page's text names."""
        return f"{self.public_url}{PATH}{self.token_for(page_id)}"

    def token_for(self, page_id: PageId) -> str:
        """The page's token: TOKEN_CHARS url-safe characters, the last of them a letter or digit."""
        return page_id[:KEY_CHARS] + self._signature(page_id)

    def signed(self, token: str, page_id: PageId) -> bool:
        """Whether the token is this page's. How long it takes tells nothing of how near it was."""
        good = self.token_for(page_id).encode()
        return hmac.compare_digest(token.encode("utf-8", "surrogatepass"), good)

    def _signature(self, page_id: PageId) -> str:
        said = _PURPOSE + page_id.encode()
        number = int.from_bytes(hmac.digest(self.secret_key.encode(), said, hashlib.sha256), "big")
        written = ""
        for _ in range(SIGNATURE_CHARS):
            number, digit = divmod(number, len(_ALPHABET))
            written += _ALPHABET[digit]
        return written


def key_of(token: str) -> str | None:
    """The part of a token by which its page is found; None for what cannot be a token."""
    fits = len(token) == TOKEN_CHARS and token.isascii()
    return token[:KEY_CHARS] if fits and all(c.isalnum() or c in "-_" for c in token) else None
