"""Reads what a team promises: its ladder, its promises, how its calls behave, and its routes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields as fields_of

from service.rules.calls import RANG_MIN_S
from service.rules.floor import Person
from service.rules.lead import RepId
from service.rules.policy import DEFAULT_LADDER, AfterHours, Calls, Promises, Route, Rung
from service.rules.timeline import RUNG_AUDIENCES, RUNG_CHANNELS, Audience, Channel
from service.team.crew import read_reps
from service.team.kinds import FLAG, WORDS, choice, duration, known, whole
from service.team.sheet import Fields, Kind, Place, Sheet

DAY_S = 86_400
# A lead nobody attempted for 7 days is settled as never: a later rung would page for a closed one.
AT_MAX_S = 7 * DAY_S
PROMISE_MAX_S = 30 * DAY_S
# The carrier rings for at most 600 s, and from 5 s on. Source: Twilio, `timeout` of <Dial>.
RING_S = (5, 600)
# A lead that is rung for less was not called: no call of such a team would ever be an attempt.
# DEFINITIONS.md, `first_attempt_at`.
RING_LEAD_S = (int(RANG_MIN_S), RING_S[1])
# What may be called contact at all. DEFINITIONS.md, `first_contact_at`.
CONTACT_AFTER_S = (10, 60)
# A lead who was called so often in vain does not want to be called. The field's own practice ends
# at six.
CALLS_MAX = 20
# A recording that is kept for less than a day is gone before anybody heard it; for longer than a
# year, nobody asks for it.
RECORD_S = (DAY_S, 366 * DAY_S)
# More steps than these page somebody every few seconds.
RUNGS_MAX = 50

_RUNG_KEYS = ("at", "page", "by", "repeat")
_RUNGS = "rungs such as {at: 0s, page: on-duty, by: text}"

_CALL_KINDS = {
    "ring_rep": duration(*RING_S),
    "ring_lead": duration(*RING_LEAD_S),
    "inbound_ring": duration(*RING_S),
    "contact_after": duration(*CONTACT_AFTER_S),
    "take_back_after": duration(1, DAY_S),
}
_CALL_KEYS = (*_CALL_KINDS, "bridge", "show_number", "most", "record", "record_days")
_PROMISE_KEYS = tuple(each.name.removesuffix("_s") for each in fields_of(Promises))


def read_ladder(sheet: Sheet, root: Fields, people: Sequence[Person]) -> tuple[Rung, ...]:
    """The ladder, or the default policy's."""
    place = root.get("ladder")
    return _rungs(sheet, place, people) if place else _default(sheet, root, people)


def read_night_ladder(
    sheet: Sheet, root: Fields, people: Sequence[Person], after_hours: AfterHours
) -> tuple[Rung, ...]:
    """The rungs of the night; read even while ``after_hours`` makes no use of them."""
    place = root.get("night_ladder")
    if place is None and after_hours is AfterHours.NIGHT_LADDER:
        sheet.note_missing(root, "night_ladder", f"a list of {_RUNGS}, as after_hours says")
    return _rungs(sheet, place, people) if place else ()


def _rungs(sheet: Sheet, place: Place, people: Sequence[Person]) -> tuple[Rung, ...]:
    """The rungs of this list. What cannot be climbed is noted."""
    places = sheet.items(place, _RUNGS)
    if place.listed and not 0 < len(places) <= RUNGS_MAX:
        sheet.note(place, f"a list of 1 to {RUNGS_MAX} {_RUNGS}", f"{len(places)} rungs")
    rungs: list[Rung] = []
    for each in places:
        fields = sheet.fields(each, _RUNG_KEYS)
        rung = _rung(sheet, fields, rungs[-1].at_s if rungs else 0)
        if rungs and rung.at_s < rungs[-1].at_s and fields.get("at"):
            sheet.note(fields.held["at"], "a time that is not before the rung above")
        if fields.get("repeat") and each is not places[-1]:
            sheet.note(fields.held["repeat"], "no repeat: only the last rung may repeat")
        if (lack := _lacks(rung.page, people)) and fields.get("page"):
            sheet.note(fields.held["page"], lack)
        rungs.append(rung)
    return tuple(rungs)


def _rung(sheet: Sheet, fields: Fields, before_s: int) -> Rung:
    """The rung; one whose instant cannot be read stands with the rung before it."""
    return Rung(
        at_s=sheet.need(fields, "at", duration(0, AT_MAX_S), before_s),
        page=sheet.need(fields, "page", choice(RUNG_AUDIENCES), Audience.ON_DUTY),
        by=sheet.take(fields, "by", choice(RUNG_CHANNELS), Channel.TEXT),
        repeat_s=sheet.take(fields, "repeat", duration(1, AT_MAX_S), 0) or None,
    )


def _default(sheet: Sheet, root: Fields, people: Sequence[Person]) -> tuple[Rung, ...]:
    """The default policy's rungs; a team without the people they page is noted."""
    lacks = [lack for rung in DEFAULT_LADDER if (lack := _lacks(rung.page, people))]
    if lacks:
        found = "none with last_resort: true" if root.get("managers") else "nothing"
        expected = f"{lacks[-1]}; or give a ladder that does without"
        sheet.note_missing(root, "managers", expected, found)
    return DEFAULT_LADDER


def _lacks(audience: Audience, people: Sequence[Person]) -> str:
    """Who is missing for a rung to page; empty when it can."""
    if audience is Audience.MANAGERS and not any(p.manager for p in people):
        return "at least one manager, for the ladder to page"
    if audience is Audience.LAST_RESORT and not any(p.last_resort for p in people):
        return "a manager with last_resort: true, for the ladder to page"
    return ""


def read_promises(sheet: Sheet, root: Fields) -> Promises:
    """The promises; each key left out keeps the default policy's."""
    place = root.get("promises")
    if place is None:
        return Promises()
    fields = sheet.fields(place, _PROMISE_KEYS)
    within = duration(1, PROMISE_MAX_S)
    given = {
        f"{key}_s": sheet.value(held, within, 1)
        for key in _PROMISE_KEYS
        if (held := fields.get(key))
    }
    return Promises(**given)


def read_calls(sheet: Sheet, root: Fields) -> Calls:
    """How calls behave; each key left out keeps the default policy's."""
    place = root.get("calls")
    if place is None:
        return Calls()
    fields = sheet.fields(place, _CALL_KEYS)
    given = {
        f"{key}_s": sheet.value(held, kind, 1)
        for key, kind in _CALL_KINDS.items()
        if (held := fields.get(key))
    }
    usual = Calls()
    kept_s = sheet.take(fields, "record_days", duration(*RECORD_S), usual.record_days * DAY_S)
    return Calls(
        **given,
        bridge=sheet.take(fields, "bridge", FLAG, usual.bridge),
        show_number=sheet.take(fields, "show_number", FLAG, usual.show_number),
        most=sheet.take(fields, "most", whole(1, CALLS_MAX), usual.most),
        record=sheet.take(fields, "record", FLAG, usual.record),
        record_days=kept_s // DAY_S,
    )


def read_routes(
    sheet: Sheet, root: Fields, reps: Collection[RepId], sources: Collection[str]
) -> tuple[Route, ...]:
    """Which leads go to which reps; the first that matches wins."""
    place = root.get("routes")
    if place is None:
        return ()
    return tuple(
        _route(sheet, sheet.fields(each, ("when", "to")), reps, sources)
        for each in sheet.items(place, "routes such as {when: {language: es}, to: [ann]}")
    )


def _route(
    sheet: Sheet, fields: Fields, reps: Collection[RepId], sources: Collection[str]
) -> Route:
    when = _conditions(sheet, fields, sources)
    return Route(when, read_reps(sheet, fields, "to", reps))


def _conditions(
    sheet: Sheet, fields: Fields, sources: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """Fields of a lead and their values, sorted: a route means the same in any order."""
    place = fields.get("when")
    if place is None:
        sheet.note_missing(fields, "when", "conditions such as {language: es}")
        return ()
    conditions = sheet.pairs(place, "conditions such as {language: es}")
    if not conditions and not place.listed and not place.text:
        sheet.note(place, "at least one condition such as {language: es}", "no condition")
    kinds: dict[str, Kind[str]] = {"source": known(sources, "a source's id")}
    return tuple(
        sorted(
            (key, _value(sheet, held, kinds.get(key, WORDS))) for key, held in conditions.items()
        )
    )


def _value(sheet: Sheet, held: Place, kind: Kind[str]) -> str:
    return sheet.value(held, kind, "")
