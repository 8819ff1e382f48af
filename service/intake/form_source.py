"""A lead sent by a web form: the filled-in fields in, one `Arrival` out.

It finds the person's words among what a form's maker adds, and says when a program has filled the
form in. Nothing a person typed is thrown away. It must not check who sends, nor answer anybody.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from service.intake import form_names as names
from service.intake import values
from service.intake.arrival import Arrival
from service.intake.fields import Field, plain
from service.intake.flatten import Given
from service.intake.form_body import Form
from service.intake.form_names import Name
from service.intake.numbers import to_e164
from service.intake.reading import read_givens

KEY, REDIRECT, HONEYPOT, FILL = "key", "redirect", "website", "fill_ms"
"""Fields that steer us, by exactly these names. A label such as `Website` is a person's."""

_OURS = frozenset({KEY, REDIRECT, HONEYPOT, FILL})

_IDS = frozenset({"submissionid", "externalid", "leadid"})
"""Of the names an id may have, those that only mean this one request. Forms carry many constant
ids (of the form, the page, the post): taken for the lead's, the second lead would be lost."""

_ONE_TEXT = frozenset(Field) - {Field.ASK, Field.PRODUCT, Field.PREFERRED_TIME, Field.PAGES_VIEWED}
"""Fields of which a second value is another value, and not another ticked box."""

HINTED_RANK, VALUE_RANK = 500, 900
"""Worse than any name in the table: a label's hint, and the look of a value."""

LOOKED_AT_MAX = 8
"""Values of nameless fields that may be phone numbers. Looking takes up to a millisecond."""

_PHONE_LIKE = re.compile(r"\+?[0-9(][0-9\s().\-/]{5,24}")
_DATE_LIKE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{2,4}")
_FILL_MS = re.compile(r"[0-9]{1,12}")
_PART = re.compile(r"(?:input_)?([0-9]{1,4})[._]([0-9]{1,2})")
_NAME_LIKE = re.compile(r"[^\W\d_][^\W\d_'’.-]*(?:[ '’-]+[^\W\d_][^\W\d_'’.-]*\.?){1,3}")


class Bot(StrEnum):
    """Why a form is thought to be a program's."""

    HONEYPOT = "honeypot"
    TOO_FAST = "too_fast"


def bot_reason(form: Form, min_fill_s: int) -> Bot | None:
    """Why no person filled this in; None when one may have.

    A person cannot see the field `website`. The page's script states how long it was open in
    `fill_ms` (milliseconds, by the browser's own stopwatch, so that neither a cached page nor a
    wrong clock matters). No time stated, or nonsense, is no reason: scripts may be off.
    """
    if form.get(HONEYPOT):
        return Bot.HONEYPOT
    stated = form.get(FILL) or ""
    if _FILL_MS.fullmatch(stated) and int(stated) < min_fill_s * 1000:
        return Bot.TOO_FAST
    return None


def arrival_from_form(form: Form, default_region: str) -> Arrival:
    """Read a lead from a form, whoever made it.

    `default_region` is the ISO 3166 code of the team's country, for phone numbers without one.
    Raises SourceError when nothing in it says who asks or for what.
    """
    fields = _merged(_entries(form))
    givens = [_given(each) for each in fields]
    givens = _by_value(_in_parts(givens), default_region)
    if form.files:
        givens.append(_extra("file", list(form.files)))
    return read_givens(givens, default_region)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One field that was filled in, by all that it was given; a list for several ticked boxes."""

    name: Name
    value: str | list[str]


def _entries(form: Form) -> Iterator[_Entry]:
    """The fields, those a person saw first, then those the form's maker hid."""
    titles = dict(_titles(form))
    hidden: list[_Entry] = []
    for whole, value in form.pairs:
        name = names.taken_apart(whole)
        if whole in _OURS or names.is_token(name):
            continue
        if len(name.parts) > 2 and name.depth and plain(name.parts[-1]) in names.ABOUT_A_FIELD:
            if plain(name.parts[-1]) != "value":
                continue
            name = _titled(name, titles.get(name.parts[:-1]))
        entry = _Entry(name, value)
        if names.is_hidden(name):
            hidden.append(entry)
        else:
            yield entry
    yield from hidden


def _titles(form: Form) -> Iterator[tuple[tuple[str, ...], str]]:
    """The label of each field that has its own: `fields[f1][title]` = `Phone`."""
    for whole, value in form.pairs:
        if whole.endswith("[title]"):
            yield names.taken_apart(whole).parts[:-1], value


def _titled(name: Name, title: str | None) -> Name:
    """The field by its id if that says something, else by its label."""
    parts = name.parts[:-1]
    by_id = replace(name, parts=parts, depth=len(parts) - 1)
    if title is None or names.known_as(by_id):
        return by_id
    return replace(by_id, parts=(*parts[:-1], title))


def _merged(entries: Iterator[_Entry]) -> list[_Entry]:
    """Fields given more than once: ticked boxes become a list; a second telephone stands alone."""
    found: dict[str, _Entry] = {}
    for entry in entries:
        key, value = entry.name.whole, entry.value
        before = found.get(key)
        if before is None:
            found[key] = entry
        elif value not in _all(before):
            known = names.known_as(entry.name)
            if known and known[0] in _ONE_TEXT:
                found[f"{key} ({len(found)})"] = entry
            else:
                found[key] = replace(before, value=[*_all(before), *_all(entry)])
    return list(found.values())


def _all(entry: _Entry) -> list[str]:
    return entry.value if isinstance(entry.value, list) else [entry.value]


def _given(entry: _Entry) -> Given:
    field, rank = _meant(entry)
    name = entry.name
    return Given(name.own, name.whole, entry.value, field, rank, name.depth)


def _meant(entry: _Entry) -> tuple[Field | None, int]:
    """Which field this is, by its name; None when only its value could tell, or nothing can."""
    known = names.known_as(entry.name)
    if known and _means(known[0], entry):
        return known
    hint = names.hinted_at(entry.name)
    if hint is None or hint not in entry.name.readable or not _means(hint, entry):
        return None, 0
    if _looks_like(hint, entry.value):
        return hint, HINTED_RANK
    return None, 0


def _means(field: Field, entry: _Entry) -> bool:
    """Whether a form may mean this by that name: some that serve a program mean other things."""
    match field:
        case Field.EXTERNAL_ID:
            return plain(entry.name.own) in _IDS
        case Field.SUBMITTED_AT:  # `date` is when they would like to be visited
            return plain(entry.name.own) == "submittedat" and _is_instant(entry.value)
        case Field.TEST:
            return values.flag(entry.value) is not None
    return True


def _is_instant(value: str | list[str]) -> bool:
    try:
        return values.instant(value) is not None
    except values.NotAnInstant:
        return False


def _looks_like(field: Field, value: str | list[str]) -> bool:
    """Whether a value can be what a label seems to ask for: `May we phone?` is answered by yes."""
    text = value if isinstance(value, str) else ""
    match field:
        case Field.EMAIL:
            return values.email(text) is not None
        case Field.PHONE:
            return bool(re.search(r"(?:[0-9][^0-9]{0,3}){7}", text)) and len(text) <= 40
        case Field.ASK:
            return len(text.split()) >= 3
    return bool(text)


def _in_parts(givens: list[Given]) -> list[Given]:
    """Gravity numbers the parts of a name (3 first, 6 last) and of an address (3 city, 4 state,
    5 postal code): `input_1_3`, or `1.3` from its webhook."""
    held: dict[str, set[str]] = {}
    for given in givens:
        if found := _PART.fullmatch(given.key):
            held.setdefault(found[1], set()).add(found[2])
    return [_part_of(given, held) for given in givens]


_NAME_PARTS = {"3": Field.FIRST_NAME, "6": Field.LAST_NAME}
_ADDRESS_PARTS = {"3": Field.CITY, "4": Field.STATE, "5": Field.POSTAL_CODE, "6": Field.COUNTRY}


def _part_of(given: Given, held: dict[str, set[str]]) -> Given:
    found = _PART.fullmatch(given.key)
    if found is None or given.field is not None or not isinstance(given.value, str):
        return given
    parts = held[found[1]]
    if "1" in parts and "5" in parts:
        field = _ADDRESS_PARTS.get(found[2])
    else:
        field = _NAME_PARTS.get(found[2]) if not parts & {"1", "5"} else None
    return replace(given, field=field, rank=VALUE_RANK) if field else given


def _by_value(givens: list[Given], region: str) -> list[Given]:
    """Fields that nobody named, known by what stands in them; only for what is still missing."""
    found = {given.field for given in givens}
    nobodys = [
        given
        for given in givens
        if given.field is None
        and isinstance(given.value, str)
        and names.is_nobodys(names.taken_apart(given.path))
    ]
    guessed: dict[int, Field] = {}
    for field, guess in (
        (Field.EMAIL, _email_among(nobodys)),
        (Field.PHONE, _phone_among(nobodys, region)),
        (Field.NAME, _name_among(nobodys)),
        (Field.ASK, _ask_among(nobodys)),
    ):
        known = {Field.FIRST_NAME, field} if field is Field.NAME else {field}
        if guess is not None and not known & found:
            guessed.setdefault(id(guess), field)
    return [
        replace(given, field=guessed[id(given)], rank=VALUE_RANK) if id(given) in guessed else given
        for given in givens
    ]


def _email_among(givens: Sequence[Given]) -> Given | None:
    fits = (each for each in givens if values.email(each.value) == str(each.value).lower())
    return next(fits, None)


def _phone_among(givens: Sequence[Given], region: str) -> Given | None:
    like = [
        each
        for each in givens
        if _PHONE_LIKE.fullmatch(str(each.value)) and not _DATE_LIKE.fullmatch(str(each.value))
    ]
    return next((each for each in like[:LOOKED_AT_MAX] if to_e164(str(each.value), region)), None)


def _name_among(givens: Sequence[Given]) -> Given | None:
    """The first short one of two to four words: forms begin with who asks."""
    return next((each for each in givens if _is_name(str(each.value))), None)


def _is_name(value: str) -> bool:
    return len(value) <= 60 and value[:1].isupper() and bool(_NAME_LIKE.fullmatch(value))


def _ask_among(givens: Sequence[Given]) -> Given | None:
    """The longest of at least four words."""
    told = [each for each in givens if len(str(each.value).split()) >= 4]
    return max(told, key=lambda each: len(str(each.value)), default=None)


def _extra(key: str, value: list[str]) -> Given:
    return Given(key, f"{key}s.{key}", value, None, 0, 0)
