"""A lead sent as JSON: bytes in, one `Arrival` out.

All that a sender can get wrong in the bytes is answered here as `SourceError`, in words that the
sender's developer can act on. It must not check who sends (`sources` does) nor how much
(`service.web.limits` does).
"""

import json
from typing import NoReturn

from service.errors import SourceError
from service.intake.arrival import Arrival
from service.intake.flatten import Json
from service.intake.reading import read

NESTED_DEEP_MAX = 32
"""No source of the field nests deeper than six; far below what the parser itself can stand."""


def arrival_from_json(body: bytes, default_region: str) -> Arrival:
    """Read a lead from the raw bytes of a request.

    `default_region` is the ISO 3166 code of the team's country, for phone numbers without one.
    Raises SourceError, and nothing else, whatever the bytes are.
    """
    payload = _parsed(_decoded(body))
    if not isinstance(payload, dict):
        raise SourceError("expected a JSON object with the lead's fields at the top")
    _refuse_deep(payload)
    return read(payload, default_region)


def _decoded(body: bytes) -> str:
    if not body.strip():
        raise SourceError("the body is empty; expected a JSON object")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"not UTF-8: byte {error.start} cannot be read") from None


def _parsed(text: str) -> Json:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise SourceError(f"not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # Python refuses integers of more than 4,300 digits
        raise SourceError("a number in the JSON has too many digits") from None


def _refuse_constant(word: str) -> NoReturn:
    raise SourceError(f"not JSON: {word} is not a JSON value")


def _refuse_deep(payload: Json) -> None:
    """Level by level and not by recursion, which is what it guards against."""
    level: list[Json] = [payload]
    for _ in range(NESTED_DEEP_MAX):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise _too_deep()


def _children(value: Json) -> list[Json]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
    return []


def _too_deep() -> SourceError:
    return SourceError(f"the JSON is nested more than {NESTED_DEEP_MAX} deep")
