"""Which site a form was on, and where its sender may be led afterwards.

Everything here is text from strangers, compared with what the team file names; whatever cannot be
read for certain is not allowed. It must not answer anybody.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from service.team.team import Source

ADDRESS_LONGEST = 2_000
"""Characters of a redirect. Browsers and proxies agree on about so much."""

_ADDRESS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,2000}")
"""What may stand in an address (RFC 3986, 2): no line ends, no spaces, and no backslash, which
browsers read as a slash and others do not."""

_HOST = re.compile(r"[a-z0-9.-]{1,253}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a form was posted from. ``origin`` is None when the caller did not say, or when the
    source's file names no sites and it said something that is none; ``allowed`` is the verdict."""

    origin: str | None
    allowed: bool


def caller_of(headers: Headers, source: Source) -> Caller:
    """The site that a request comes from, and whether its forms may post to this source.

    Browsers send `Origin` with every post, so whoever sends neither that nor a `Referer` is no
    browser: a form maker's own server, or a program. The list is there to keep other sites from
    using our visitors' browsers and our public key; a program could write any origin it liked, so
    refusing silence would turn away form makers and stop nobody. `null`, which a browser says when
    it must not tell, is a browser on a page that we cannot know, and is refused.
    """
    stated = headers.get("origin")
    if stated is None:
        stated = headers.get("referer")
        if stated is None:
            return Caller(None, allowed=True)
    origin = origin_of(stated)
    if not source.origins:
        return Caller(origin, allowed=True)
    return Caller(origin, allowed=origin is not None and origin in _sites(source.origins))


def redirect_for(wanted: str | None, source: Source) -> str | None:
    """Where to lead the sender: the form's wish, if the team file allows it, else nowhere.

    A whole address on one of the source's sites, or exactly one of its `redirects`.
    """
    if wanted is None:
        return None
    if wanted in source.redirects:
        return wanted
    origin = origin_of(wanted)
    return wanted if origin is not None and origin in _sites(source.origins) else None


def origin_of(address: str) -> str | None:
    """Scheme, host and port of an address, as a browser writes an origin; None for anything that
    two readers could take for different sites."""
    if len(address) > ADDRESS_LONGEST or not _ADDRESS.fullmatch(address):
        return None
    try:
        parts = urlsplit(address)
        host, port, scheme = parts.hostname or "", parts.port, parts.scheme.lower()
    except ValueError:
        return None
    plainly = address[len(scheme) :].startswith("://") and "@" not in parts.netloc
    if scheme not in _DEFAULT_PORTS or not plainly or not _HOST.fullmatch(host):
        return None
    usual = port is None or port == _DEFAULT_PORTS[scheme]
    return f"{scheme}://{host}" if usual else f"{scheme}://{host}:{port}"


def _sites(origins: Sequence[str]) -> frozenset[str | None]:
    return frozenset(map(origin_of, origins)) - {None}
