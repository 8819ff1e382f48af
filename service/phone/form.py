"""What Twilio posts to us, kept as it was posted: every field, blank and unknown ones too.

The signature covers all of them, so nothing may be dropped, trimmed or folded before it is
checked. This file knows no field by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from service.errors import SourceError

# A text of 1600 characters is at most 14 400 bytes when every one of them is percent-encoded
# (three bytes of UTF-8 each); the rest of a request is a few kilobytes.
FORM_BYTES_MAX = 65_536
# Twilio sends about 40 fields with a call; ten pictures add 20, and it adds more unannounced.
FORM_FIELDS_MAX = 256


@dataclass(frozen=True, slots=True)
class Form:
    """Fields in the order sent. Twilio's validator reads it as a multi-dict (``getlist``)."""

    pairs: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The field's first value; None if it was not sent at all."""
        return next((value for each, value in self.pairs if each == name), None)

    def getlist(self, name: str) -> list[str]:
        return [value for each, value in self.pairs if each == name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)


def read_form(body: bytes) -> Form:
    """Read a urlencoded body. Raises SourceError if it is too large, or not UTF-8."""
    if len(body) > FORM_BYTES_MAX:
        raise SourceError(f"a body of {len(body)} bytes; at most {FORM_BYTES_MAX} are read")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=FORM_FIELDS_MAX,
        )
    except ValueError as cause:
        raise SourceError(f"not a urlencoded form of at most {FORM_FIELDS_MAX} fields") from cause
    return Form(tuple(pairs))
