"""Reads the sources of a team file: where leads come from, and what each kind must say."""

from __future__ import annotations

from service.rules.lead import SourceId
from service.team.kinds import ID, KEY, NAME, ORIGIN, PHONE, REDIRECT, choice, duration, whole
from service.team.sheet import Fields, Kind, Place, Sheet, unique
from service.team.team import Source, SourceKind

# A storm of two thousand leads in ten seconds passes; a loop that posts without end does not.
PER_MINUTE = 6_000
PER_MINUTE_MAX = 100_000

# A browser that fills in an address by itself still leaves a person a second or two to look and
# press; a longer form takes half a minute, and nobody should be suspected for typing fast.
MIN_FILL_S = 2
MIN_FILL_MAX_S = 60

_COMMON = ("id", "kind", "name", "per_minute")
_KEYS = {
    SourceKind.JSON: (*_COMMON, "key"),
    SourceKind.FORM: (*_COMMON, "key", "origins", "redirects", "min_fill"),
    SourceKind.CALL: (*_COMMON, "number"),
}
_EVERY_KEY = (*_COMMON, "key", "origins", "redirects", "min_fill", "number")


def read_sources(sheet: Sheet, root: Fields) -> tuple[Source, ...]:
    """The sources in the order given; none when the key is left out."""
    place = root.get("sources")
    if place is None:
        return ()
    sources: list[Source] = []
    ids: list[tuple[str, Place]] = []
    numbers: list[tuple[str, Place]] = []
    for each in sheet.items(place, "sources, each with an id and a kind"):
        fields = sheet.fields(each, _EVERY_KEY)
        source = _source(sheet, fields)
        sources.append(source)
        if held := fields.get("id"):
            ids.append((source.id, held))
        if (held := fields.get("number")) and source.number:
            numbers.append((source.number, held))
    unique(sheet, ids, "an id")
    unique(sheet, numbers, "a number")
    return tuple(sources)


def _source(sheet: Sheet, fields: Fields) -> Source:
    held = fields.get("id")
    ident = sheet.need(fields, "id", ID, held.text if held else "")
    kind = _kind(sheet, fields)
    origins, redirects = fields.get("origins"), fields.get("redirects")
    source = Source(
        SourceId(ident),
        kind or SourceKind.JSON,
        name=sheet.take(fields, "name", NAME, ident.replace("-", " ")),
        key=_given(sheet, fields, "key", KEY),
        origins=sheet.values(origins, ORIGIN) if origins else (),
        number=_given(sheet, fields, "number", PHONE),
        per_minute=sheet.take(fields, "per_minute", whole(1, PER_MINUTE_MAX), PER_MINUTE),
        redirects=sheet.values(redirects, REDIRECT) if redirects else (),
        min_fill_s=sheet.take(fields, "min_fill", duration(0, MIN_FILL_MAX_S), MIN_FILL_S),
    )
    if kind:
        _fits(sheet, fields, kind)
    return source


def _kind(sheet: Sheet, fields: Fields) -> SourceKind | None:
    """None when it is missing or unknown: then nothing can be said of the other keys."""
    kinds: Kind[SourceKind] = choice(SourceKind)
    if fields.get("kind") is None:
        sheet.note_missing(fields, "kind", kinds.expected)
        return None
    read = sheet.values(fields.held["kind"], kinds)
    return read[0] if len(read) == 1 else None


def _given(sheet: Sheet, fields: Fields, key: str, kind: Kind[str]) -> str | None:
    return sheet.take(fields, key, kind, "") or None


def _fits(sheet: Sheet, fields: Fields, kind: SourceKind) -> None:
    """Notes what a source of this kind must say and does not, and what it cannot say."""
    if kind is SourceKind.CALL and fields.get("number") is None:
        sheet.note_missing(fields, "number", f"the number that is called: {PHONE.expected}")
    if kind is not SourceKind.CALL and fields.get("key") is None:
        sheet.note_missing(
            fields, "key", f"a key, so that nobody else can send leads: {KEY.expected}"
        )
    for key in _EVERY_KEY:
        if key not in _KEYS[kind] and (held := fields.get(key)):
            found = "a key that is not for it" if key == "key" else None
            sheet.note(held, f"no {key}: a {kind} source has none", found)
