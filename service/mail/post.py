"""What the product may ask of a mail server, and everything that may come of it.

Outcomes are values, as the phone line's are: surely sent (Posted), surely not (Refused, Away), or
nobody knows (Lost). This file knows no server.
"""

from dataclasses import dataclass
from typing import Protocol

from service.rules.lead import PageId


@dataclass(frozen=True, slots=True)
class MailOrder:
    """One e-mail. ``words`` is plain text whose first line is the subject. ``page_id`` is in its
    Message-ID, so that a second copy is known for one."""

    page_id: PageId
    to: str
    words: str


@dataclass(frozen=True, slots=True)
class Posted:
    """The mail server has it, under this Message-ID."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was sent, and the same e-mail never will be. ``code`` is the server's, or None.

    ``ours``: our account or sender is not welcome there; otherwise the receiver is not.
    """

    code: int | None
    ours: bool


@dataclass(frozen=True, slots=True)
class Away:
    """Nothing was sent; the server is away or wants to be asked later. ``busy``: it said so."""

    busy: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """The answer was lost after all of it was handed over: it may have been sent."""


MailOutcome = Posted | Refused | Away | Lost


class Post(Protocol):
    """A mail server. May be called from several threads; returns within a bounded time."""

    def send(self, order: MailOrder) -> MailOutcome: ...
