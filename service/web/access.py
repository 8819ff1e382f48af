"""Who may read and tell: bearer tokens with a role.

A token is shown once, when it is made, and stored as its hash. This file must not log a token,
nor say whether an unknown one was nearly right.
"""

import ipaddress
import secrets
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.errors import NotAllowed
from service.ledger.engine import Ledger
from service.ledger.tokens import Role, token_role
from service.web.problems import Declined, Kind

TOKEN_PREFIX = "stl_"
"""So that a token found lying about is known for what it is, by people and by secret scanners."""

TOKEN_BYTES = 32
TOKEN_LONGEST = 200
"""Characters; ours have 47. A longer header is not worth hashing."""

ROLE_KEPT_S = 5.0
"""How long a revoked token may still open a door; saves integrations that poll a query each."""

KEPT_MAX = 1_000
"""A team has a handful of tokens. Only valid ones are kept, so a stranger cannot fill this."""

_SCHEME = "bearer"

BEARER = HTTPBearer(
    auto_error=False, scheme_name="token", description="Made by `speedtolead token create`."
)
"""Documents the header; `Access` reads it itself."""


def new_token() -> str:
    """A token nobody can guess. Show it once and keep `hash_token` of it."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """What is stored of a token. A plain hash: 256 random bits cannot be tried out."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Access:
    """Which role a request's token has. Shared by all threads of a process."""

    def __init__(self, ledger: Ledger, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Role, float]] = {}

    def require(self, *roles: Role) -> Callable[..., Role]:
        """A dependency that lets only these roles pass, and tells which it was."""

        def check(
            request: Request,
            _documented: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
        ) -> Role:
            return self.check(request, *roles)

        return check

    def check(self, request: Request, *roles: Role) -> Role:
        """The role of the request's token.

        Raises NotAllowed without a valid token, Declined for one of another role,
        LedgerUnavailable.
        """
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != _SCHEME or not token or len(token) > TOKEN_LONGEST:
            raise NotAllowed("Send a token as `Authorization: Bearer <token>`.")
        role = self._role(hash_token(token))
        if role is None:
            raise NotAllowed("This token is not known, or was revoked.")
        if role not in roles:
            needed = " or ".join(roles)
            raise Declined(Kind.FORBIDDEN, f"This needs a token of the role {needed}.")
        return role

    def _role(self, hashed: str) -> Role | None:
        now = self._monotonic()
        kept = self._kept.get(hashed)
        if kept is not None and now < kept[1]:
            return kept[0]
        with self._ledger.transaction() as conn:
            role = token_role(conn, hashed)
        with self._lock:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            if role is None:
                self._kept.pop(hashed, None)
            else:
                self._kept[hashed] = (role, now + ROLE_KEPT_S)
        return role


def from_this_machine(request: Request) -> bool:
    """Whether the request was made here and by nobody else: from a loopback address, and not
    handed on by a proxy, which speaks for strangers."""
    handed_on = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    if request.client is None or handed_on:
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
