"""Exceptions that say who is at fault, so that whoever catches one knows what to do about it.

An outcome that we foresee is a value (`Refused(why)`), not an exception; what is here stops the
work in hand. Messages are for people: they name what was found and what was expected, and never
carry a person's words or a whole phone number. HTTP status codes are not decided here but in
`service.web.problems`.

This file must import nothing but the standard library: `service.rules` may import it.
"""


class Fault(Exception):  # the root; what is raised says more
    """Anything raised on purpose by this product. Catch it only at the outermost door."""


class SourceError(Fault):
    """A lead source sent nonsense. Sending the same again will not help.

    `field` names the part that was wrong, in the source's own words; None when it is the whole.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class LineError(Fault):
    """The carrier did not do what we asked, or we do not know that it did.

    `retryable` says whether the same request may succeed later (a rate limit, a broken
    connection) or never will (a number that does not exist). `code` is the carrier's own error
    number, None when it gave none, as when the connection broke before an answer.
    """

    def __init__(self, message: str, retryable: bool, code: int | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.code = code


class LeadBusy(Fault):
    """Another process held the lead's row for longer than we may wait. Ask again shortly."""


class LedgerUnavailable(Fault):
    """PostgreSQL could not be reached, or broke off. Nothing was recorded; ask again later."""


class NotAllowed(Fault):
    """The caller is not who they must be for this: no signature, no token, or the wrong role."""


class ConfigError(Fault):
    """The operator's settings cannot be used. The message has one readable line per problem."""


class MachineError(Fault):
    """The machine we run on refused something: a lock, a port, a directory, a program.

    The message says what was refused and what the operator can do about it.
    """
