"""Reads single fields of what Twilio posts: which must be there, and which are believed.

Two manners. What names a thing (an id, an address of ours) is required, and SourceError tells who
is at fault. What describes it (a length, a word, an instant, a key) is believed only within its
bounds; else it is as if not sent, and the reason is kept for the caller's log. A carrier that
reports nonsense must cost us neither the callback nor a figure.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from service.errors import SourceError
from service.phone.form import Form
from service.rules.calls import SECONDS_MAX

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
STATUS = re.compile(r"[a-z][a-z_-]{0,31}")
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}")
_COUNT = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?")
_KEY = re.compile(r"[0-9*#]")
# The longest address Twilio documents is a SIP one of 255 characters.
ADDRESS_LENGTH_MAX = 255


def path_id(given: str, name: str) -> str:
    """An id out of a path. Raises SourceError if it cannot be one of ours."""
    if not ID.fullmatch(given):
        raise SourceError(f"the path names no {name.removesuffix('_id')}", name)
    return given


def required(form: Form, shape: re.Pattern[str], *names: str) -> str:
    """The first of the names that was sent; later ones are Twilio's older words for it.

    Raises SourceError, naming the field, if there is none or it has another shape.
    """
    value = next((value for name in names if (value := form.get(name))), None)
    if value is None:
        raise SourceError(f"{names[0]} is missing", names[0])
    if not shape.fullmatch(value):
        raise SourceError(f"{names[0]} does not look like one", names[0])
    return value


def address(form: Form, name: str) -> str:
    """A number or a SIP address. Raises SourceError if it is missing or cannot be one."""
    value = form.get(name) or ""
    if not _is_address(value):
        raise SourceError(f"{name} is missing or cannot be an address", name)
    return value


def count(form: Form, name: str) -> int | None:
    """A whole number; None if it was not sent or is none."""
    value = form.get(name) or ""
    return int(value) if _COUNT.fullmatch(value) else None


def word(form: Form, name: str) -> str | None:
    """A word of Twilio's; None if it was not sent or is none."""
    value = form.get(name) or ""
    return value if STATUS.fullmatch(value) else None


@dataclass(slots=True)
class Doubting:
    """Reads what one callback describes. What it does not believe is None, and is named in
    ``doubts``, without a person's words or numbers."""

    form: Form
    doubts: list[str] = field(default_factory=list)

    def seconds(self, name: str, per_second: int = 1) -> float | None:
        """A length in seconds, ``per_second`` of the field's units each; between zero and the
        longest that a call may last."""
        value = self.form.get(name) or ""
        if not value:
            return None
        told_s = float(value) / per_second if _NUMBER.fullmatch(value) else None
        if told_s is None:
            self.doubts.append(f"{name} is no number")
        elif not 0.0 <= told_s <= SECONDS_MAX:
            self.doubts.append(f"{name} is {told_s:g} s, not 0 to {SECONDS_MAX:g}")
            told_s = None
        return told_s

    def word(self, name: str, known: Collection[str]) -> str | None:
        """One of the words that Twilio documents for the field."""
        value = self.form.get(name) or ""
        if not value or value in known:
            return value or None
        shown = value if _WORD.fullmatch(value) else "something that is no word"
        self.doubts.append(f"{name} is {shown}, which is not known")
        return None

    def flag(self, name: str) -> bool | None:
        value = self.word(name, ("true", "false"))
        return None if value is None else value == "true"

    def key(self, name: str = "Digits") -> str | None:
        """One key of a phone; None if none was pressed."""
        value = self.form.get(name) or ""
        if not value or _KEY.fullmatch(value):
            return value or None
        self.doubts.append(f"{name} is not one key of a phone")
        return None

    def instant(self, name: str) -> datetime | None:
        """An instant in the mail's manner (RFC 2822)."""
        value = self.form.get(name) or ""
        if not value:
            return None
        try:
            told = parsedate_to_datetime(value)
            if told.tzinfo:  # without a zone it would be read as the machine's own
                return told.astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            pass
        self.doubts.append(f"{name} is no instant")
        return None

    def id(self, name: str) -> str | None:
        """An id that may be missing."""
        value = self.form.get(name) or ""
        if not value or ID.fullmatch(value):
            return value or None
        self.doubts.append(f"{name} does not look like one")
        return None

    def address(self, name: str) -> str:
        """A number or address that a caller may have withheld; "" if there is none to be read."""
        value = self.form.get(name) or ""
        if value and not _is_address(value):
            self.doubts.append(f"{name} cannot be an address")
            return ""
        return value


def _is_address(value: str) -> bool:
    return 0 < len(value) <= ADDRESS_LENGTH_MAX and value.isprintable()
