"""What Twilio tells us, as frozen facts of ours. Check the signature before anything here.

Receipts come late, twice and out of order, and may overtake the answer to our own request. So a
fact carries a rank that never goes down, and a dedupe key that is the same for every delivery of
it. Twilio's ``I-Twilio-Idempotency-Token`` is not part of the key: the first delivery and one
repeated by hand or by our own look-up may lack it, and the natural key fits them all.

Fields that we do not know are ignored (Twilio adds some unannounced); one that we need and cannot
read raises SourceError. An optional one that cannot be read is taken as not sent: it must not
cost us the receipt.
"""

import re
from dataclasses import dataclass

from service.errors import SourceError
from service.phone.fields import ID, STATUS, address, count, path_id, required, word
from service.phone.form import Form
from service.rules.lead import PageId

# The order of a text's life; only a higher rank replaces a lower one, so the first end stays.
# Source: Twilio, "Outbound Message Status in Status Callbacks".
TEXT_RANKS: dict[str, int] = {
    "accepted": 0,
    "scheduled": 0,
    "queued": 1,
    "sending": 2,
    "sent": 3,
    "partially_delivered": 3,
    "delivered": 4,
    "undelivered": 4,
    "failed": 4,
    "canceled": 4,
    "read": 5,
}
TEXT_FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "read"})
TEXT_REACHED = frozenset({"delivered", "read"})

# The order of a call's life. Source: Twilio, "Call resource", StatusCallback.
CALL_RANKS: dict[str, int] = {
    "queued": 0,
    "initiated": 1,
    "ringing": 2,
    "in-progress": 3,
    "completed": 4,
    "busy": 4,
    "no-answer": 4,
    "canceled": 4,
    "failed": 4,
}
CALL_FINAL = frozenset({"completed", "busy", "no-answer", "canceled", "failed"})

# Below every rank we know: a new word of Twilio's is kept, and changes nothing.
UNKNOWN_RANK = -1

_DIGITS = re.compile(r"[0-9*#A-Dw]{0,32}")
_OPT_OUT_TYPES = frozenset({"STOP", "START", "HELP"})


@dataclass(frozen=True, slots=True)
class TextStatus:
    """How far a text page has come. ``code`` is Twilio's error number, for ``codes.failure``."""

    page_id: PageId
    sid: str
    status: str
    code: int | None = None

    @property
    def rank(self) -> int:
        return TEXT_RANKS.get(self.status, UNKNOWN_RANK)

    @property
    def final(self) -> bool:
        """No later status changes it. ``sent`` is not final but may be the last ever heard."""
        return self.status in TEXT_FINAL

    @property
    def reached(self) -> bool:
        """A handset has it."""
        return self.status in TEXT_REACHED

    @property
    def dedupe_key(self) -> str:
        return f"{self.sid}:{self.status}"


@dataclass(frozen=True, slots=True)
class CallStatus:
    """How far a call has come. ``sequence`` is Twilio's order of events, None if we asked."""

    page_id: PageId
    sid: str
    status: str
    sequence: int | None = None
    duration_s: int | None = None
    answered_by: str | None = None
    code: int | None = None

    @property
    def rank(self) -> int:
        return CALL_RANKS.get(self.status, UNKNOWN_RANK)

    @property
    def final(self) -> bool:
        return self.status in CALL_FINAL

    @property
    def dedupe_key(self) -> str:
        """By Twilio's sequence number, or by status where there is none."""
        return f"{self.sid}:{self.status if self.sequence is None else self.sequence}"


@dataclass(frozen=True, slots=True)
class InboundText:
    """Somebody texted one of our numbers. ``opt_out_type`` is set (STOP, START, HELP) only where
    Twilio's Advanced Opt-Out is on; without it the words themselves must be recognised."""

    sid: str
    from_: str
    to: str
    body: str
    opt_out_type: str | None = None
    media_count: int = 0

    @property
    def dedupe_key(self) -> str:
        return self.sid


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """The rep pressed keys while a page was spoken; empty if the time ran out."""

    page_id: PageId
    call_sid: str
    digits: str

    @property
    def dedupe_key(self) -> str:
        """The digits are in it: another key on the same call is another answer, and the same key
        twice means what it meant."""
        return f"{self.call_sid}:{self.page_id}:{self.digits}"


def text_status(page_id: str, form: Form) -> TextStatus:
    """The receipt of a text. Raises SourceError, naming the field that cannot be read."""
    return TextStatus(
        page_id=_page_id(page_id),
        sid=required(form, ID, "MessageSid", "SmsSid"),
        status=required(form, STATUS, "MessageStatus", "SmsStatus"),
        code=count(form, "ErrorCode"),
    )


def call_status(page_id: str, form: Form) -> CallStatus:
    """A step of a call. Raises SourceError, naming the field that cannot be read."""
    return CallStatus(
        page_id=_page_id(page_id),
        sid=required(form, ID, "CallSid"),
        status=required(form, STATUS, "CallStatus"),
        sequence=count(form, "SequenceNumber"),
        duration_s=count(form, "CallDuration"),
        answered_by=word(form, "AnsweredBy"),
        code=count(form, "ErrorCode"),
    )


def inbound_text(form: Form) -> InboundText:
    """A text to us. Raises SourceError, naming the field that cannot be read."""
    opt_out_type = (form.get("OptOutType") or "").upper()
    return InboundText(
        sid=required(form, ID, "MessageSid", "SmsSid"),
        from_=address(form, "From"),
        to=address(form, "To"),
        body=form.get("Body") or "",
        opt_out_type=opt_out_type if opt_out_type in _OPT_OUT_TYPES else None,
        media_count=count(form, "NumMedia") or 0,
    )


def key_pressed(page_id: str, form: Form) -> KeyPressed:
    """A key on a call that pages. Raises SourceError, naming the field that cannot be read."""
    digits = form.get("Digits") or ""
    if not _DIGITS.fullmatch(digits):
        raise SourceError("Digits holds something that no phone's keys can send", "Digits")
    return KeyPressed(_page_id(page_id), required(form, ID, "CallSid"), digits)


def call_sid(form: Form) -> str:
    """Which call asks for its TwiML. Raises SourceError if it does not say."""
    return required(form, ID, "CallSid")


def moves_on(before: TextStatus | CallStatus | None, after: TextStatus | CallStatus) -> bool:
    """Whether ``after`` is news: a status never goes down, and of two ends the first stays."""
    return after.rank > (UNKNOWN_RANK if before is None else before.rank)


def _page_id(given: str) -> PageId:
    return PageId(path_id(given, "page_id"))
