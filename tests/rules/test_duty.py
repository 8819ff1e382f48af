"""Goal: at each instant exactly the planned reps are on duty, in the order that week or day gives.

Method: tables around the instants at which a shift changes, and a walk that checks that nothing
changes between two announced changes.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.duty import ROTATES_FROM, Rotate, Shift, changes_after, gaps, on_duty
from service.rules.hours import Block, WeeklyHours
from service.rules.lead import RepId

NY = "America/New_York"
ANN, BOB, CY = RepId("ann"), RepId("bob"), RepId("cy")
WEEKDAYS = frozenset(range(5))
EVERY_DAY = frozenset(range(7))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shift(
    start: str,
    end: str,
    *reps: RepId,
    days: frozenset[int] = WEEKDAYS,
    rotate: Rotate = Rotate.NONE,
    zone: str = NY,
) -> Shift:
    def minute(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return Shift(days, minute(start), minute(end), zone, reps, rotate)


EARLY, LATE = shift("08:00", "14:00", ANN, BOB), shift("14:00", "20:00", BOB, ANN)
NIGHT = shift("22:00", "06:00", CY, days=frozenset({4}))


@pytest.mark.parametrize(
    ("shifts", "at", "expected"),
    [
        ([EARLY, LATE], "2026-06-01 11:59:59", ""),
        ([EARLY, LATE], "2026-06-01 12:00", "ann bob"),
        ([EARLY, LATE], "2026-06-01 17:59:59", "ann bob"),
        ([EARLY, LATE], "2026-06-01 18:00", "bob ann"),
        ([EARLY, LATE], "2026-06-02 00:00", ""),
        ([EARLY, LATE], "2026-06-06 15:00", ""),  # Saturday
        ([NIGHT], "2026-06-06 01:59", ""),
        ([NIGHT], "2026-06-06 02:00", "cy"),  # Friday 22:00
        ([NIGHT], "2026-06-06 09:59", "cy"),  # Saturday, still Friday's shift
        ([NIGHT], "2026-06-06 10:00", ""),
        ([NIGHT], "2026-06-05 05:00", ""),  # Friday 01:00, nothing started on Thursday
        ([shift("12:00", "20:00", CY, BOB), EARLY], "2026-06-01 16:30", "cy bob ann"),
        ([shift("00:00", "24:00", ANN, days=EVERY_DAY)], "2026-06-07 04:00", "ann"),
        ([shift("09:00", "09:00", ANN, days=frozenset({0}))], "2026-06-02 12:59", "ann"),
        ([], "2026-06-01 12:00", ""),
    ],
)
def test_who_is_on_duty(shifts: list[Shift], at: str, expected: str) -> None:
    assert " ".join(on_duty(shifts, utc(at))) == expected


@pytest.mark.parametrize(
    ("shift_", "at", "expected"),
    [
        # New York's clock goes from 02:00 to 03:00 on 8 March, at 07:00 UTC.
        (shift("00:00", "02:30", ANN, days=EVERY_DAY), "2026-03-08 06:59:59", "ann"),
        (shift("00:00", "02:30", ANN, days=EVERY_DAY), "2026-03-08 07:00", ""),
        (shift("02:30", "05:00", ANN, days=EVERY_DAY), "2026-03-08 07:00", "ann"),
        # It reads 01:00 to 02:00 twice on 1 November, from 05:00 and from 06:00 UTC.
        (shift("00:00", "01:30", ANN, days=EVERY_DAY), "2026-11-01 06:29:59", "ann"),
        (shift("00:00", "01:30", ANN, days=EVERY_DAY), "2026-11-01 06:30", ""),
        (shift("01:30", "05:00", ANN, days=EVERY_DAY), "2026-11-01 05:30", "ann"),
    ],
)
def test_where_the_clock_jumps_a_shift_changes_at_the_exact_instant(
    shift_: Shift, at: str, expected: str
) -> None:
    assert " ".join(on_duty([shift_], utc(at))) == expected


@pytest.mark.parametrize(
    ("rotate", "day", "expected"),
    [
        (Rotate.NONE, date(2026, 12, 31), "ann bob cy"),
        (Rotate.DAILY, ROTATES_FROM, "ann bob cy"),
        (Rotate.DAILY, date(2001, 1, 2), "bob cy ann"),
        (Rotate.DAILY, date(2000, 12, 31), "cy ann bob"),
        (Rotate.WEEKLY, date(2001, 1, 7), "ann bob cy"),
        (Rotate.WEEKLY, date(2001, 1, 8), "bob cy ann"),
        (Rotate.WEEKLY, date(2026, 12, 28), "ann bob cy"),  # ISO week 53, 1,356 after
        (Rotate.WEEKLY, date(2027, 1, 3), "ann bob cy"),  # its Sunday, in the next year
        (Rotate.WEEKLY, date(2027, 1, 4), "bob cy ann"),  # ISO week 1
    ],
)
def test_the_order_moves_by_one_and_never_jumps_at_a_years_end(
    rotate: Rotate, day: date, expected: str
) -> None:
    rotating = shift("08:00", "20:00", ANN, BOB, CY, rotate=rotate)
    assert " ".join(rotating.order_on(day)) == expected


def test_rotations_are_counted_from_a_monday() -> None:
    assert ROTATES_FROM.weekday() == 0


def test_a_night_shift_keeps_the_order_of_the_day_on_which_it_began() -> None:
    night = shift("22:00", "06:00", ANN, BOB, days=EVERY_DAY, rotate=Rotate.WEEKLY)
    sunday, monday = utc("2026-06-08 03:00"), utc("2026-06-09 03:00")  # 23:00 each
    assert on_duty([night], sunday) == on_duty([night], sunday + timedelta(hours=6))
    assert on_duty([night], monday) == on_duty([night], sunday)[::-1]


@pytest.mark.parametrize(
    ("shifts", "at", "expected"),
    [
        ([EARLY, LATE], "2026-06-01 11:00", "2026-06-01 12:00"),
        ([EARLY, LATE], "2026-06-01 12:00", "2026-06-01 18:00"),
        ([EARLY, LATE], "2026-06-06 00:00", "2026-06-08 12:00"),  # over the weekend
        ([NIGHT], "2026-06-06 10:00", "2026-06-13 02:00"),  # a week on
        ([NIGHT], "2026-06-06 09:59:59", "2026-06-06 10:00"),
        ([shift("02:00", "03:00", ANN, days=frozenset({6}))], "2026-03-01 09:00", "none"),
        ([], "2026-06-01 11:00", "none"),
    ],
)
def test_the_next_change(shifts: list[Shift], at: str, expected: str) -> None:
    found = changes_after(shifts, utc(at))
    assert found == (None if expected == "none" else utc(expected))


def some_shifts() -> st.SearchStrategy[list[Shift]]:
    minutes = st.sampled_from([0, 30, 90, 120, 150, 480, 840, 1200, 1320])
    drawn = st.builds(
        Shift,
        days=st.frozensets(st.integers(0, 6), min_size=1),
        start_min=minutes,
        end_min=minutes,
        zone=st.sampled_from([NY, "Australia/Lord_Howe"]),
        reps=st.permutations([ANN, BOB, CY]).map(tuple),
        rotate=st.sampled_from(Rotate),
    )
    return st.lists(drawn, min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(shifts=some_shifts(), start=st.sampled_from(["2026-03-07", "2026-04-04", "2026-10-31"]))
def test_nothing_changes_between_two_announced_changes(shifts: list[Shift], start: str) -> None:
    at = utc(start)
    end = at + timedelta(days=3)
    while at < end:
        until = changes_after(shifts, at)
        assert until is not None and until > at
        step = (until - at) / 4
        seen = {on_duty(shifts, at + n * step) for n in range(4)}
        seen.add(on_duty(shifts, until - timedelta(microseconds=1)))
        assert len(seen) == 1
        at = until


def test_gaps_are_open_hours_with_nobody_on_duty() -> None:
    hours = WeeklyHours(NY, tuple(Block(day, 8 * 60, 20 * 60) for day in range(6)))
    monday, tuesday = utc("2026-06-01 04:00"), utc("2026-06-02 04:00")
    assert gaps(hours, [EARLY, LATE], monday, tuesday) == ()
    holey = [
        shift("09:00", "12:00", ANN),
        shift("11:00", "13:00", BOB),
        shift("15:00", "19:00", CY),
    ]
    assert gaps(hours, holey, monday, tuesday) == (
        (utc("2026-06-01 12:00"), utc("2026-06-01 13:00")),
        (utc("2026-06-01 17:00"), utc("2026-06-01 19:00")),
        (utc("2026-06-01 23:00"), utc("2026-06-02 00:00")),
    )
    saturday = utc("2026-06-06 04:00")
    whole = ((utc("2026-06-06 12:00"), utc("2026-06-07 00:00")),)
    assert gaps(hours, [EARLY, LATE], saturday, saturday + timedelta(days=2)) == whole


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"days": frozenset()}, "on days"),
        ({"days": frozenset({7})}, "on days"),
        ({"reps": ()}, "no rep"),
        ({"reps": (ANN, ANN)}, "twice"),
        ({"zone": "Mars/Olympus"}, "not a time zone"),
        ({"start_min": 1440}, "start is minute 1440"),
        ({"end_min": -1}, "ends at minute -1"),
        ({"start_min": 0, "end_min": 2000}, "longer than a day"),
    ],
)
def test_a_shift_that_makes_no_sense_cannot_be_built(
    changed: dict[str, object], complaint: str
) -> None:
    sound = {"days": WEEKDAYS, "start_min": 0, "end_min": 60, "zone": NY, "reps": (ANN,)}
    with pytest.raises(ValueError, match=complaint):
        Shift(**{**sound, **changed})  # type: ignore[arg-type]  # nonsense is the point
