"""A payload's named values, read into one `Arrival`.

For each thing we look for it takes the best value that can be used, and keeps every other in
`extra`: nothing a person wrote is thrown away, cuts apart. It must not know how the payload was
encoded; `json_source` and the forms do.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from phonenumbers import SUPPORTED_REGIONS

from service.errors import SourceError
from service.intake import values
from service.intake.arrival import Arrival
from service.intake.fields import RANKS, UNMISTAKABLE, Field, plain
from service.intake.flatten import Given, Json, flatten
from service.intake.numbers import to_e164
from service.rules.lead import Lead, tidy

NAME_LONGEST = 200
"""Characters. Longer than any name on record that a form accepts; the page cuts it again."""

ASK_LONGEST = 5_000
"""Characters of what the lead wrote: about a page and a half, all of it readable by `MORE`."""

EXTRA_MAX = 50
EXTRA_KEY_LONGEST = 100
EXTRA_VALUE_LONGEST = 2_000
"""A form has some twenty fields; these leave room for hidden ones and bound a lead's row."""

PHONES_MAX = 8
"""Numbers of one lead that are looked at. Looking takes up to a millisecond of everybody's time."""

T = TypeVar("T")


def read(payload: Mapping[str, Json], default_region: str) -> Arrival:
    """The lead in a payload, under whatever names its fields have (see `fields`).

    `default_region` is the ISO 3166 code of the team's country, for phone numbers without one.
    Raises SourceError, naming the field, when a value is of the wrong kind, and when there is
    neither phone, e-mail, name nor ask. A phone number that cannot be dialled is no error.
    """
    return read_givens(flatten(payload), default_region)


def read_givens(givens: Sequence[Given], default_region: str) -> Arrival:
    """As `read`, from values whose fields were found in some other way. Raises as it does."""
    pile = _Pile(givens)
    pile.refuse_wrong_kinds()
    at, test = _submitted_at(pile), pile.take(Field.TEST, values.flag)
    external_id = pile.take(Field.EXTERNAL_ID, values.source_id)
    lead = _lead(pile, default_region)
    if not (lead.phone_as_given or lead.name or lead.ask or pile.has(Field.EMAIL)):
        raise SourceError(
            "nothing says who asks or for what: expected a phone number, an e-mail address, "
            "a name or a message",
            field="phone",
        )
    return Arrival(lead, external_id, at, bool(test))


def _lead(pile: "_Pile", default_region: str) -> Lead:
    country = pile.take(Field.COUNTRY, values.text)
    phone, as_given = _phone(pile, _regions(country, default_region))
    return Lead(
        name=_name(pile),
        phone=phone,
        phone_as_given=as_given,
        email=pile.take(Field.EMAIL, values.email),
        ask=pile.take(Field.ASK, _ask) or "",
        company=pile.take(Field.COMPANY, values.text),
        city=pile.take(Field.CITY, values.text),
        state=pile.take(Field.STATE, values.text),
        postal_code=pile.take(Field.POSTAL_CODE, values.text),
        country=country,
        language=pile.take(Field.LANGUAGE, values.language),
        product=pile.take(Field.PRODUCT, values.texts),
        referrer=pile.take(Field.REFERRER, values.text) or _campaign(pile),
        landing_page=pile.take(Field.LANDING_PAGE, values.text),
        decision_maker=pile.take(Field.DECISION_MAKER, values.yes_no),
        pages_viewed=pile.take(Field.PAGES_VIEWED, values.pages) or (),
        preferred_channel=pile.take(Field.PREFERRED_CHANNEL, values.channel),
        preferred_time=pile.take(Field.PREFERRED_TIME, values.texts),
        extra=tuple(pile.rest()),
    )


class _Pile:
    """What a payload held, less what has been taken from it."""

    def __init__(self, givens: Sequence[Given]) -> None:
        self.givens = givens
        self.taken: set[int] = set()
        self._ranked: dict[Field, list[int]] = {}
        for i, given in enumerate(givens):
            if given.field:
                self._ranked.setdefault(given.field, []).append(i)
        for ranked in self._ranked.values():
            ranked.sort(key=lambda i: _preference(givens[i]))

    def of(self, wanted: Field) -> list[tuple[int, Given]]:
        """Untaken values of a field, best first."""
        ranked = self._ranked.get(wanted, [])
        return [(i, self.givens[i]) for i in ranked if i not in self.taken]

    def take(self, wanted: Field, reading: Callable[[Json], T | None]) -> T | None:
        """The best value of a field that can be read, and it is off the pile; else None."""
        for i, given in self.of(wanted):
            if (value := reading(given.value)) is not None:
                self.taken.add(i)
                return value
        return None

    def peek(self, wanted: Field) -> str | None:
        """The best text of a field; it stays on the pile."""
        readings = (values.text(given.value, NAME_LONGEST) for _, given in self.of(wanted))
        return next((reading for reading in readings if reading), None)

    def has(self, wanted: Field) -> bool:
        """Whether the source sent the field with something in it, usable or not."""
        ranked = self._ranked.get(wanted, [])
        return any(not values.empty(self.givens[i].value) for i in ranked)

    def refuse_wrong_kinds(self) -> None:
        """Raise SourceError for an object, a flag or several values where one text belongs."""
        for given in self.givens:
            if plain(given.key) not in UNMISTAKABLE or given.field in (None, Field.SUBMITTED_AT):
                continue
            one = values.texts if given.field is Field.ASK else values.text
            if not values.empty(given.value) and one(given.value) is None:
                raise SourceError(
                    f"expected one text, found {_kind(given.value)}", field=_shown(given.path)
                )

    def rest(self) -> Iterator[tuple[str, str]]:
        """What has no place of its own, by the source's names, within bounds."""
        shown: set[str] = set()
        for i, given in enumerate(self.givens):
            if i in self.taken or values.empty(given.value):
                continue
            if len(shown) == EXTRA_MAX:
                return
            key = _shown(given.key)
            misleading = given.field is None and plain(given.key) in RANKS
            if key in shown or misleading:
                key = _shown(given.path)
            if key not in shown and (value := _dumped(given.value)):
                shown.add(key)
                yield key, value


def _preference(given: Given) -> tuple[int, int]:
    """What lies deepest in its envelopes is nearest to the lead (the outer ones describe the
    delivery), so it comes first; but an id is best by what it is called."""
    if given.field is Field.EXTERNAL_ID:
        return given.rank, -given.depth
    return -given.depth, given.rank


def _ask(value: Json) -> str | None:
    return values.texts(value, ASK_LONGEST)


def _name(pile: _Pile) -> str:
    """The whole name, from one field, from two, or from a `name` that is only the first."""
    whole = pile.peek(Field.NAME)
    first, last = pile.peek(Field.FIRST_NAME), pile.peek(Field.LAST_NAME)
    if whole and not (first and first.casefold() not in whole.casefold()):
        pile.take(Field.NAME, values.text)
        if last and last.casefold() not in whole.casefold():
            whole = f"{whole} {last}"
    else:  # a `name` without the given name in it is the form's or the firm's: it stays in extra
        whole = " ".join(part for part in (first, last) if part)
    pile.take(Field.FIRST_NAME, values.text)
    pile.take(Field.LAST_NAME, values.text)
    return tidy(whole, NAME_LONGEST)


def _phone(pile: _Pile, regions: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The first number that can be dialled and how it was given; else the first given."""
    numbers = ((i, given, values.text(given.value)) for i, given in pile.of(Field.PHONE))
    given_so = [(i, as_given) for i, _, as_given in numbers if as_given]
    for i, as_given in given_so[:PHONES_MAX]:
        for region in regions:
            if number := to_e164(as_given, region):
                pile.taken.add(i)
                return number, as_given
    if not given_so:
        return None, None
    pile.taken.add(given_so[0][0])
    return None, given_so[0][1]


def _regions(country: str | None, default_region: str) -> tuple[str, ...]:
    """A number without a country is most likely of the lead's own, else of the team's."""
    own = (country or "").upper()
    return (own, default_region) if own in SUPPORTED_REGIONS else (default_region,)


def _campaign(pile: _Pile) -> str | None:
    """Where the lead came from by its campaign tags, which stay in extra one by one."""
    tags = (Field.UTM_SOURCE, Field.UTM_MEDIUM, Field.UTM_CAMPAIGN)
    known = [tag for tag in map(pile.peek, tags) if tag]
    return tidy(" / ".join(known), values.TEXT_LONGEST) or None


def _submitted_at(pile: _Pile) -> datetime | None:
    """The best instant given. Nonsense under a name that may mean something else stays in extra."""
    for i, given in pile.of(Field.SUBMITTED_AT):
        try:
            at = values.instant(given.value)
        except values.NotAnInstant:
            if plain(given.key) in UNMISTAKABLE:
                raise SourceError(
                    "expected an instant: ISO 8601 (2026-03-04T15:02:11Z) or seconds or "
                    "milliseconds since 1970",
                    field=_shown(given.path),
                ) from None
            continue
        if at:
            pile.taken.add(i)
            return at
    return None


def _kind(value: Json) -> str:
    match value:
        case bool():
            return "true or false"
        case dict():
            return "an object"
        case list():
            return f"a list of {len(value)}"
    return "something else"


def _shown(key: str) -> str:
    return tidy(key, EXTRA_KEY_LONGEST) or "(unnamed)"


def _dumped(value: Json) -> str:
    """Texts as they are, anything else as JSON, without what cannot be stored."""
    return values.texts(value, EXTRA_VALUE_LONGEST) or tidy(
        json.dumps(value, ensure_ascii=False), EXTRA_VALUE_LONGEST
    )
