"""A team file says what it seems to say: the contract's example, the defaults, YAML's traps."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from service.rules.duty import Rotate, Shift
from service.rules.floor import Person
from service.rules.hours import Block, WeeklyHours
from service.rules.lead import RepId, SourceId
from service.rules.policy import (
    DEFAULT_LADDER,
    AfterHours,
    Calls,
    Policy,
    Promises,
    Route,
    Rung,
    TurnKind,
)
from service.rules.timeline import Audience, Channel
from service.team.file import parse_team
from service.team.team import Carrier, Source, SourceKind, Team
from service.team.week import years_around

YEARS = (2025, 2026, 2027)
SATURDAY_NOON = datetime(2025, 11, 22, 17, tzinfo=UTC)

CONTRACT = """
team: Sunrise Solar
timezone: America/New_York
carrier: {pages_from: "+15005550006", leads_from: "+15005550007", calls_per_second: 1}
# texts: off   runs text rungs as voice pages
after_hours: at-opening        # at-opening | page-now | night-ladder
hours: {mon-fri: "08:00-20:00", sat: "09:00-17:00"}
holidays: {country: US, subdivision: NY}
reps:
  - {id: ann, name: Ann Lee, phone: "+12125550101", email: ann@example.com, languages: [en, es],
     timezone: America/New_York}
  - {id: bob, name: Bob Ray, phone: "+12125550102", weight: 2, prefer: call}   # prefer: text | call
managers:
  - {id: mia, name: Mia Fox, phone: "+12125550109", email: mia@example.com, last_resort: true}
shifts:
  - {days: mon-fri, from: "08:00", to: "14:00", reps: [ann, bob], rotate: weekly}
  - {days: mon-fri, from: "14:00", to: "20:00", reps: [bob, ann], rotate: weekly}
sources:
  - {id: website, kind: json, key: "env:WEBSITE_KEY"}
  - {id: quote-form, kind: form, key: public-quote-form, origins: ["https://www.example.com"]}
  - {id: main-line, kind: call, number: "+15005550007"}
routes:                      # first match wins; absent: everyone on duty, in turn
  - {when: {language: es}, to: [ann]}
turn: round-robin            # round-robin | weighted | all-at-once | in-order
ladder:
  - {at: 0s,  page: on-duty,  by: text}
  - {at: 45s, page: on-duty,  by: call}
  - {at: 2m,  page: everyone-on-duty, by: text}
  - {at: 5m,  page: managers, by: text}
  - {at: 15m, page: last-resort, by: call, repeat: 15m}
promises: {page_accepted: 2s, claim: 2m, first_attempt: 5m, contact: 1h, second_call: 30m,
           voicemail_call_back: 15m}
calls: {ring_rep: 18s, ring_lead: 40s, inbound_ring: 40s, contact_after: 30s, take_back_after: 3m,
        record: false}
"""

SMALL = """
team: Small
timezone: Europe/Berlin
carrier: {pages_from: "+15005550006"}
reps:
  - {id: ann, phone: "+12125550101"}
managers:
  - {id: mia, phone: "+12125550109", last_resort: true}
"""

ANN, BOB, MIA = RepId("ann"), RepId("bob"), RepId("mia")


def parsed(text: str) -> Team:
    return parse_team(text, "team.yaml", YEARS)


def small(more: str = "") -> Team:
    return parsed(SMALL + more)


def hours_of(text: str) -> set[Block]:
    return set(small(f"hours: {text}").policy.hours.blocks)


def test_the_contracts_example_promises_what_it_says() -> None:
    policy = parsed(CONTRACT).policy
    weekdays = tuple(Block(day, 8 * 60, 20 * 60) for day in range(5))
    hours = WeeklyHours(
        "America/New_York", (*weekdays, Block(5, 9 * 60, 17 * 60)), policy.hours.closed_on
    )
    assert policy == Policy(
        team="Sunrise Solar",
        hours=hours,
        after_hours=AfterHours.AT_OPENING,
        ladder=(
            Rung(0, Audience.ON_DUTY, Channel.TEXT),
            Rung(45, Audience.ON_DUTY, Channel.CALL),
            Rung(120, Audience.EVERYONE_ON_DUTY, Channel.TEXT),
            Rung(300, Audience.MANAGERS, Channel.TEXT),
            Rung(900, Audience.LAST_RESORT, Channel.CALL, repeat_s=900),
        ),
        promises=Promises(2, 120, 300, 3600, 1800, 900),
        calls=Calls(18, 40, 40, 30, 180, record=False),
        routes=(Route((("language", "es"),), (ANN,)),),
        turn=TurnKind.ROUND_ROBIN,
    )


def test_the_contracts_example_names_who_and_what_it_says() -> None:
    team = parsed(CONTRACT)
    zone = "America/New_York"
    assert (team.name, team.timezone, team.texts_off) == ("Sunrise Solar", zone, False)
    assert team.people == (
        Person(ANN, "Ann Lee", "+12125550101", "ann@example.com", ("en", "es"), zone),
        Person(BOB, "Bob Ray", "+12125550102", weight=2, prefer=Channel.CALL),
        Person(MIA, "Mia Fox", "+12125550109", "mia@example.com", manager=True, last_resort=True),
    )
    weekdays = frozenset(range(5))
    assert team.shifts == (
        Shift(weekdays, 480, 840, zone, (ANN, BOB), Rotate.WEEKLY),
        Shift(weekdays, 840, 1200, zone, (BOB, ANN), Rotate.WEEKLY),
    )
    assert team.sources == (
        Source(SourceId("website"), SourceKind.JSON, "website", key="env:WEBSITE_KEY"),
        Source(
            SourceId("quote-form"),
            SourceKind.FORM,
            "quote form",
            key="public-quote-form",
            origins=("https://www.example.com",),
        ),
        Source(SourceId("main-line"), SourceKind.CALL, "main line", number="+15005550007"),
    )
    pages, leads = "+15005550006", "+15005550007"
    assert team.carrier == Carrier(pages, leads, pages, leads, 1.0, None)


def test_what_is_left_out_takes_the_defaults() -> None:
    team = small()
    policy = team.policy
    assert policy.ladder == DEFAULT_LADDER
    assert (policy.promises, policy.calls) == (Promises(), Calls())
    assert (policy.after_hours, policy.turn) == (AfterHours.AT_OPENING, TurnKind.ROUND_ROBIN)
    assert (policy.routes, policy.night_ladder, team.sources) == ((), (), ())
    assert team.people[0] == Person(ANN, "Ann", "+12125550101")
    assert set(policy.hours.blocks) == {Block(day, 0, 1440) for day in range(7)}
    assert team.shifts == (Shift(frozenset(range(7)), 0, 1440, "Europe/Berlin", (ANN,)),)
    assert len(team.assumed) == 2
    assert len({*vars_of(team.carrier)}) == 1


def vars_of(carrier: Carrier) -> tuple[str, str, str, str]:
    return (
        carrier.pages_from,
        carrier.leads_from,
        carrier.pages_call_from,
        carrier.leads_call_from,
    )


def test_an_empty_key_is_a_key_left_out() -> None:
    assert small("routes:\nshifts: ~\n").shifts == small().shifts


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ("{mon: 08:00-20:00}", {Block(0, 480, 1200)}),
        ("{mon: 8:00-20:00}", {Block(0, 480, 1200)}),
        ("\n  sat,sun: 09:00 - 17:00", {Block(5, 540, 1020), Block(6, 540, 1020)}),
        ("{sun-mon: 22:00-02:00}", {Block(6, 1320, 1560), Block(0, 1320, 1560)}),
        ("{mon: 00:00-24:00, tue: 00:00-00:00}", {Block(0, 0, 1440), Block(1, 0, 1440)}),
        ("{Monday: ['08:00-12:00', 13:00-17:00]}", {Block(0, 480, 720), Block(0, 780, 1020)}),
        ("{mon: 08:00-12:00, tue-sun: closed}", {Block(0, 480, 720)}),
    ],
)
def test_hours_as_people_write_them(hours: str, expected: set[Block]) -> None:
    assert hours_of(hours) == expected


def test_a_range_of_days_runs_round_the_weekend() -> None:
    assert {block.weekday for block in hours_of("{fri-mon: 08:00-09:00}")} == {4, 5, 6, 0}


def test_yaml_makes_nothing_of_values_that_only_look_like_something_else() -> None:
    """Norway is no boolean, 14:00 no number in base 60, a phone no integer, ``off`` no key."""
    team = parsed(
        """
team: 2025-01-01
timezone: Europe/Oslo
texts: off
carrier: {pages_from: +15005550006}
holidays: {country: NO, also: [2025-12-23]}
reps: [{id: on, name: No, phone: +12125550101, languages: [no, en]}]
managers: [{id: 007, phone: +12125550109, last_resort: yes}]
shifts: [{days: [mon, tue], from: 08:00, to: 14:00, reps: on}]
sources: [{id: 0x1f, kind: json, key: 0123}]
"""
    )
    assert (team.name, team.texts_off) == ("2025-01-01", True)
    assert [(p.id, p.name) for p in team.people] == [("on", "No"), ("007", "007")]
    assert team.people[0].languages == ("no", "en")
    assert team.shifts[0] == Shift(frozenset({0, 1}), 480, 840, "Europe/Oslo", (RepId("on"),))
    assert (team.sources[0].id, team.sources[0].key) == ("0x1f", "0123")
    closed = team.policy.hours.closed_on
    assert {date(2025, 5, 17), date(2026, 5, 17), date(2025, 12, 23)} <= closed


def test_anchors_and_merges_say_a_thing_once() -> None:
    team = small(
        "shifts:\n"
        "  - &day {days: mon-fri, from: 08:00, to: 14:00, rotate: daily}\n"
        "  - {<<: *day, from: 14:00, to: 20:00}\n"
    )
    later = team.shifts[1]
    assert (later.start_min, later.end_min, later.rotate) == (840, 1200, Rotate.DAILY)
    assert later.days == frozenset(range(5))


def test_holidays_are_those_of_the_place_the_teams_own_and_not_those_it_works() -> None:
    closed = small(
        "holidays: {country: us, subdivision: NY, also: [2025-12-26 to 2025-12-28],"
        " except: 2025-11-11}\n"
    ).policy.hours.closed_on
    assert date(2025, 11, 27) in closed
    assert {date(2025, 12, day) for day in (25, 26, 27, 28)} <= closed
    assert date(2025, 11, 11) not in closed
    assert date(2026, 11, 11) in closed
    assert {day.year for day in closed} == set(YEARS)


def test_the_years_are_this_and_the_next_two() -> None:
    assert years_around(SATURDAY_NOON) == YEARS
    assert years_around(datetime(2026, 1, 1, 3, tzinfo=UTC)) == (2025, 2026, 2027, 2028)


def test_an_end_that_is_not_after_its_start_runs_past_midnight() -> None:
    shift = small("shifts: [{days: fri, from: 22:00, to: 06:00}]").shifts[0]
    assert (shift.start_min, shift.end_min) == (1320, 1800)


def test_a_messaging_service_texts_and_a_number_beside_it_calls() -> None:
    service = "MG" + "0" * 32
    text = SMALL.replace(
        '{pages_from: "+15005550006"}',
        f'{{pages_from: {service}, pages_call_from: "+1 500 555 0006",'
        ' leads_from: "+15005550007", texts_per_second: 2.5}',
    )
    carrier = parsed(text).carrier
    assert carrier.pages_from == service
    assert (carrier.pages_call_from, carrier.leads_call_from) == ("+15005550006", "+15005550007")
    assert (carrier.calls_per_second, carrier.texts_per_second) == (1.0, 2.5)


def test_the_night_has_a_ladder_of_its_own() -> None:
    team = small("after_hours: night-ladder\nnight_ladder: [{at: 0, page: managers, repeat: 1h}]\n")
    assert team.policy.night_ladder == (Rung(0, Audience.MANAGERS, Channel.TEXT, 3600),)
