"""Twilio's error numbers, turned into a few words of ours: what failed, whose fault, how far.

A table, because Twilio says that the number given for one cause may change, and because a number
we never saw must not stop a page from being escalated: it fails that page and nothing else.
Source of the meanings: https://www.twilio.com/docs/api/errors. This file decides nothing; whoever
reads ``ends_channel`` does.
"""

from dataclasses import dataclass
from typing import Literal

# A label of metrics as well, so the list is closed and short.
Reason = Literal[
    "opted_out",  # they texted STOP
    "bad_number",  # no such number, or nobody can be reached there
    "cannot_text",  # a landline, or no route for texts
    "unreachable",  # switched off, out of range, busy, rang out: may work later
    "blocked",  # the carrier, its filter or the owner does not let it through
    "not_permitted",  # our account or sender may not do this
    "overloaded",  # the sender's queue or daily cap is full
    "expired",  # not out before our own deadline
    "other",
]
Blame = Literal["number", "config", "carrier", "content"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a page reached nobody.

    ``ends_channel``: another page to that number by the same means would fail too, so the next
    one should go by other means. ``blame`` says who can mend it: the rep's number, our
    configuration at the carrier, the carrier, or the words of the page.
    """

    reason: Reason
    ends_channel: bool
    blame: Blame


UNKNOWN_FAILURE = Failure("other", False, "carrier")

_OPTED_OUT = Failure("opted_out", True, "number")
_BAD_NUMBER = Failure("bad_number", True, "number")
_CANNOT_TEXT = Failure("cannot_text", True, "number")
_UNREACHABLE = Failure("unreachable", False, "number")
_BLOCKED = Failure("blocked", True, "carrier")
_FILTERED = Failure("blocked", True, "content")
_NOT_PERMITTED = Failure("not_permitted", True, "config")
# All of the account fails, by text and by call: other means do not help, and when it is mended
# the rep must be reachable again for leads that are still open.
_NO_ACCOUNT = Failure("not_permitted", False, "config")
_OVERLOADED = Failure("overloaded", False, "carrier")
_EXPIRED = Failure("expired", False, "carrier")
_OUR_WORDS = Failure("other", False, "content")

FAILURES: dict[int, Failure] = {
    # Answers without a Twilio number carry the HTTP status in its place.
    401: _NO_ACCOUNT,
    403: _NO_ACCOUNT,
    20003: _NO_ACCOUNT,  # credentials refused
    20005: _NO_ACCOUNT,  # account not active
    20404: _NO_ACCOUNT,  # no such account
    30002: _NO_ACCOUNT,  # account suspended
    # Refused when asked: the number.
    21211: _BAD_NUMBER,  # invalid To, text
    21217: _BAD_NUMBER,  # invalid To, call
    21214: _BAD_NUMBER,  # To cannot be reached, call
    21610: _OPTED_OUT,
    21612: _CANNOT_TEXT,  # no route between To and From
    21614: _CANNOT_TEXT,  # To is not a mobile
    21635: _CANNOT_TEXT,  # To is a landline
    # Refused when asked: our account and senders.
    21210: _NOT_PERMITTED,  # From not ours or not verified, call
    21212: _NOT_PERMITTED,  # invalid From
    21215: _NOT_PERMITTED,  # no permission to call there
    21216: _NOT_PERMITTED,  # calls to To blocked for this account
    21408: _NOT_PERMITTED,  # no permission to text there
    21606: _NOT_PERMITTED,  # From cannot send texts
    21608: _NOT_PERMITTED,  # trial account, To not verified
    21659: _NOT_PERMITTED,  # From is not one of Twilio's
    # Refused when asked: the rest.
    21611: _OVERLOADED,  # the sender's queue is full
    21617: _OUR_WORDS,  # text longer than 1600 characters
    # Told later, in a receipt.
    30001: _OVERLOADED,  # queue overflow
    30003: _UNREACHABLE,  # handset off or out of range
    30004: _BLOCKED,  # blocked by the owner or their carrier
    30005: _BAD_NUMBER,  # unknown handset
    30006: _CANNOT_TEXT,  # landline or unreachable carrier
    30007: _FILTERED,  # a spam filter took it
    30008: UNKNOWN_FAILURE,  # Twilio's own "unknown"
    30022: _OVERLOADED,  # A2P rate
    30023: _OVERLOADED,  # A2P daily cap
    30032: _NOT_PERMITTED,  # toll-free number not verified
    30034: _NOT_PERMITTED,  # number not registered for A2P
    30036: _EXPIRED,  # ValidityPeriod ran out in the queue
    30450: _BLOCKED,  # pumping protection
    63038: _NOT_PERMITTED,  # the account's daily cap of texts
}

# Refusals of our account that are about one receiver: another number may go through.
_ONE_RECEIVER = frozenset({21215, 21216, 21408, 21608})

# The carrier's word for "nobody there now" that comes for dead numbers and for passing trouble.
# Source: Twilio, error 30005; one alone proves nothing.
DEAD_IF_TWICE = frozenset({30005})

# The numbers that a metric tells apart; any other counts as "other", so that the list stays short.
COUNTED_CODES = (20003, 21211, 21610, 21614, 30003, 30005, 30006, 30007, 30008, 30034)

_FAILED_CALLS: dict[str, Failure] = {
    "busy": _UNREACHABLE,
    "no-answer": _UNREACHABLE,
    "failed": Failure("unreachable", False, "carrier"),
}


def failure(code: int | None) -> Failure:
    """What an error number means; a number we do not know fails this page and nothing more."""
    if code is None:
        return UNKNOWN_FAILURE
    return FAILURES.get(code, UNKNOWN_FAILURE)


def fails_everybody(code: int | None) -> bool:
    """Whether a refusal says that the carrier or our account fails, and not one receiver or the
    words of one message: the next message to anybody else would fare no better."""
    return failure(code).blame in ("carrier", "config") and code not in _ONE_RECEIVER


def says_dead(code: int | None) -> bool:
    """Whether the number itself is the trouble, for good: no such number, or none for texts."""
    return failure(code).reason in ("bad_number", "cannot_text")


def call_failure(status: str, code: int | None = None) -> Failure | None:
    """What the end of a call that paged means; None if it was answered, cancelled by us, or goes
    on. A number that Twilio names beats the bare status."""
    by_status = _FAILED_CALLS.get(status)
    if by_status is None or code is None:
        return by_status
    return FAILURES.get(code, by_status)
