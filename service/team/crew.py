"""Reads the people of a team file, the shifts they work and the senders that reach them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from service.rules.duty import Rotate, Shift
from service.rules.floor import Person
from service.rules.hours import DAY_MIN, WeeklyHours
from service.rules.lead import RepId
from service.rules.timeline import RUNG_CHANNELS, Channel
from service.team.kinds import (
    DAYS,
    EMAIL,
    FLAG,
    ID,
    LANGUAGE,
    MINUTE,
    NAME,
    PHONE,
    SENDER,
    ZONE,
    choice,
    is_service,
    known,
    rate,
    stretch,
    whole,
)
from service.team.problem import masked
from service.team.sheet import Fields, Place, Sheet, Unfit, unique
from service.team.team import Carrier

WEIGHT_MAX = 100
# The carrier's own limits are far below; what is above is a slip of the pen.
PER_SECOND_MAX = 1000

_CARRIER_KEYS = (
    "pages_from",
    "leads_from",
    "pages_call_from",
    "leads_call_from",
    "calls_per_second",
    "texts_per_second",
)
_PERSON_KEYS = ("id", "name", "phone", "email", "languages", "timezone", "prefer")
_REP_KEYS = (*_PERSON_KEYS, "weight")
_MANAGER_KEYS = (*_PERSON_KEYS, "last_resort")
_SHIFT_KEYS = ("days", "from", "to", "reps", "rotate", "timezone")
_A_REP = "reps, each with an id and a phone"


def read_carrier(sheet: Sheet, root: Fields) -> Carrier:
    """The senders. A number left out is taken from the one before it, where that one can do it."""
    place = root.get("carrier")
    if place is None:
        sheet.note_missing(root, "carrier", 'numbers such as {pages_from: "+12125550100"}')
        return Carrier("", "", "", "")
    fields = sheet.fields(place, _CARRIER_KEYS)
    pages = sheet.need(fields, "pages_from", SENDER, "")
    leads = sheet.take(fields, "leads_from", SENDER, pages)
    return Carrier(
        pages,
        leads,
        pages_call_from=_caller(sheet, fields, "pages_call_from", pages),
        leads_call_from=_caller(sheet, fields, "leads_call_from", leads),
        calls_per_second=sheet.take(fields, "calls_per_second", rate(PER_SECOND_MAX), 1.0),
        texts_per_second=_rate_if_given(sheet, fields, "texts_per_second"),
    )


def _rate_if_given(sheet: Sheet, fields: Fields, key: str) -> float | None:
    """A rate that has no default of ours: without one, the carrier's own queue paces."""
    if fields.get(key) is None:
        return None
    return sheet.take(fields, key, rate(PER_SECOND_MAX), PER_SECOND_MAX)


def _caller(sheet: Sheet, fields: Fields, key: str, sender: str) -> str:
    place = fields.get(key)
    if place is None and is_service(sender):
        expected = "a phone number: the messaging service beside it can text, but not call"
        sheet.note_missing(fields, key, expected)
    if place is not None and is_service(place.text):
        sheet.note(place, "a phone number: a messaging service can text, but not call")
        return sender
    return sheet.take(fields, key, PHONE, sender)


def read_people(sheet: Sheet, root: Fields, carrier: Carrier) -> tuple[Person, ...]:
    """Reps, then managers. An id that is wrong stays as written, so that whatever names it is not
    called wrong as well."""
    if root.get("reps") is None:
        sheet.note_missing(root, "reps", f"a list of {_A_REP}")
    given = [
        (sheet.fields(place, keys), manager)
        for key, keys, manager in (("reps", _REP_KEYS, False), ("managers", _MANAGER_KEYS, True))
        for place in _listed(sheet, root, key)
    ]
    people = tuple(_person(sheet, fields, manager) for fields, manager in given)
    _all_differ(sheet, [fields for fields, _ in given], people, carrier)
    return people


def _all_differ(
    sheet: Sheet, given: Sequence[Fields], people: Sequence[Person], carrier: Carrier
) -> None:
    """A reply is known by the phone it comes from, so two people cannot share one."""
    both = list(zip(given, people, strict=True))
    ids = [(person.id, held) for fields, person in both if (held := fields.get("id"))]
    unique(sheet, ids, "an id")
    held_phones = [(person.phone, fields.get("phone")) for fields, person in both]
    phones = [(phone, held) for phone, held in held_phones if phone and held]
    unique(sheet, phones, "a phone", masked)
    ours = {carrier.pages_from, carrier.pages_call_from, carrier.leads_call_from}
    for phone, held in phones:
        if phone in ours:
            sheet.note(
                held, "a person's own phone: this is a number that we send from", masked(phone)
            )


def _listed(sheet: Sheet, root: Fields, key: str) -> tuple[Place, ...]:
    place = root.get(key)
    if place is None:
        return ()
    places = sheet.items(place, _A_REP)
    if key == "reps" and place.listed and not place.node.value:
        sheet.note(place, f"a list of {_A_REP}", "an empty list")
    return places


def _person(sheet: Sheet, fields: Fields, manager: bool) -> Person:
    held = fields.get("id")
    ident = sheet.need(fields, "id", ID, held.text if held else "")
    languages = fields.get("languages")
    return Person(
        RepId(ident),
        name=sheet.take(fields, "name", NAME, ident.replace("_", " ").title()),
        phone=sheet.need(fields, "phone", PHONE, ""),
        email=sheet.take(fields, "email", EMAIL, "") or None,
        languages=sheet.values(languages, LANGUAGE) if languages else (),
        zone=sheet.take(fields, "timezone", ZONE, "") or None,
        weight=sheet.take(fields, "weight", whole(1, WEIGHT_MAX), 1),
        prefer=sheet.take(fields, "prefer", choice(RUNG_CHANNELS), Channel.TEXT),
        manager=manager,
        last_resort=sheet.take(fields, "last_resort", FLAG, False),
    )


def read_shifts(sheet: Sheet, root: Fields, zone: str, reps: Sequence[RepId]) -> tuple[Shift, ...]:
    """The shifts as given; none when there are none or the key is left out."""
    place = root.get("shifts")
    if place is None:
        return ()
    if place.listed and not place.node.value:
        everyone = "shifts, or no such key: then every rep is on duty while the team is open"
        sheet.note(place, everyone, "an empty list")
    shifts = [
        _shift(sheet, sheet.fields(each, _SHIFT_KEYS), zone, reps)
        for each in sheet.items(place, "shifts, each with days, from and to")
    ]
    return tuple(shift for shift in shifts if shift)


def _shift(sheet: Sheet, fields: Fields, zone: str, reps: Sequence[RepId]) -> Shift | None:
    """None when something is wrong with it, which is noted."""
    days = _shift_days(sheet, fields)
    start = sheet.need(fields, "from", MINUTE, 0)
    end = sheet.need(fields, "to", MINUTE, DAY_MIN)
    named = read_reps(sheet, fields, "reps", reps) if fields.get("reps") else tuple(reps)
    rotate = sheet.take(fields, "rotate", choice(Rotate), Rotate.NONE)
    where = sheet.take(fields, "timezone", ZONE, zone)
    try:
        start, end = stretch(start, end)
    except Unfit as late:
        sheet.note(fields.held["from"], str(late))
        return None
    return Shift(frozenset(days), start, end, where, named, rotate) if days and named else None


def _shift_days(sheet: Sheet, fields: Fields) -> tuple[int, ...]:
    """``mon-fri``, or a list such as ``[mon, tue]``."""
    place = fields.get("days")
    if place is None:
        return sheet.need(fields, "days", DAYS, ())
    days = [day for part in sheet.values(place, DAYS) for day in part]
    if len(set(days)) < len(days):
        sheet.note(place, "each day once", "a day twice")
    return tuple(sorted(set(days)))


def read_reps(sheet: Sheet, fields: Fields, key: str, reps: Collection[RepId]) -> tuple[RepId, ...]:
    """The reps that a shift or a route names; ids of nobody, or one twice, are noted."""
    place = fields.get(key)
    if place is None:
        sheet.note_missing(fields, key, "reps' ids")
        return ()
    named = sheet.values(place, known(reps, "reps' ids"))
    if place.listed and not place.node.value:
        sheet.note(place, "at least one rep's id", "an empty list")
    if len(set(named)) < len(named):
        sheet.note(place, "each rep once", "a rep twice")
    return tuple(dict.fromkeys(RepId(each) for each in named))


def shifts_as_open(hours: WeeklyHours, reps: tuple[RepId, ...]) -> tuple[Shift, ...]:
    """Everybody on duty whenever the team is open: one shift for each stretch of the week."""
    days: dict[tuple[int, int], set[int]] = {}
    for block in hours.blocks:
        days.setdefault((block.start_min, block.end_min), set()).add(block.weekday)
    return tuple(
        Shift(frozenset(on), start, end, hours.zone, reps)
        for (start, end), on in sorted(days.items())
    )
