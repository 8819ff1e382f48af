"""Goal: a team is open exactly when a person looking at the clock on its wall would say so.

Method: tables of the instants that matter, and a reference that knows nothing of offsets: it walks
UTC minute by minute, reads the wall clock, and notes the first and last minute of every block.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.hours import (
    LOOK_AHEAD,
    Block,
    WeeklyHours,
    clock_text,
    instant_of,
    local_date,
    local_minute,
    round_the_clock,
    span_of,
)

NY, BERLIN, HOWE, NEPAL = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
)
MIN = timedelta(minutes=1)
DAYS = {name: n for n, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hm(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def block(day: str, start: str, end: str) -> Block:
    return Block(DAYS[day], hm(start), hm(end))


OFFICE = WeeklyHours(
    NY,
    (
        *(block(day, "08:00", "20:00") for day in ("mon", "tue", "wed", "thu", "fri")),
        block("sat", "09:00", "17:00"),
    ),
    frozenset({date(2026, 7, 3)}),
)
BAR = WeeklyHours(BERLIN, (block("fri", "22:00", "28:00"), block("sat", "22:00", "28:00")))


@pytest.mark.parametrize(
    ("hours", "at", "expected"),
    [
        (OFFICE, "2026-06-01 11:59:59.999999", "closed"),
        (OFFICE, "2026-06-01 12:00", "open"),
        (OFFICE, "2026-06-01 23:59:59.999999", "open"),
        (OFFICE, "2026-06-02 00:00", "closed"),
        (OFFICE, "2026-06-07 15:00", "closed"),  # Sunday
        (OFFICE, "2026-07-03 15:00", "closed"),  # the holiday
        (OFFICE, "2026-07-04 15:00", "open"),  # the day after it
        (BAR, "2026-06-06 01:59", "open"),  # Saturday 03:59, Friday's block
        (BAR, "2026-06-06 02:00", "closed"),
        (BAR, "2026-06-08 01:00", "closed"),  # Monday 03:00, nothing started on Sunday
    ],
)
def test_open_from_the_start_up_to_not_including_the_end(
    hours: WeeklyHours, at: str, expected: str
) -> None:
    assert hours.is_open(utc(at)) is (expected == "open")


def test_a_holiday_removes_what_starts_on_it_and_not_what_runs_into_it() -> None:
    bar = WeeklyHours(BERLIN, BAR.blocks, frozenset({date(2026, 6, 6)}))
    assert bar.is_open(utc("2026-06-06 01:00"))  # Saturday 03:00, since Friday
    assert not bar.is_open(utc("2026-06-06 21:00"))
    assert not bar.is_open(utc("2026-06-07 01:00"))


@pytest.mark.parametrize(
    ("zone", "day", "hours_long"),
    [
        (NY, date(2026, 3, 8), 23),
        (NY, date(2026, 11, 1), 25),
        (BERLIN, date(2026, 3, 29), 23),
        (BERLIN, date(2026, 10, 25), 25),
        (HOWE, date(2026, 10, 4), 23.5),
        (HOWE, date(2026, 4, 5), 24.5),
        (NEPAL, date(2026, 3, 8), 24),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # midnight itself is jumped over
        ("Africa/Cairo", date(2026, 10, 29), 25),  # the hour before midnight happens twice
        ("America/Havana", date(2026, 11, 1), 25),  # the hour after midnight happens twice
        ("Pacific/Apia", date(2011, 12, 30), 0),  # the day that never was
    ],
)
def test_a_full_day_is_as_long_as_the_day_is(zone: str, day: date, hours_long: float) -> None:
    start, end = span_of(zone, day, 0, 1440)
    assert end - start == timedelta(hours=hours_long)
    only = WeeklyHours(zone, (Block(day.weekday(), 0, 1440),))
    around = start - timedelta(days=2), end + timedelta(days=2)
    assert only.open_seconds(*around) == hours_long * 3600


@pytest.mark.parametrize(
    ("zone", "day", "local", "expected"),
    [
        (NY, date(2026, 3, 8), "01:59", "2026-03-08 06:59"),
        (NY, date(2026, 3, 8), "02:00", "2026-03-08 07:00"),
        (NY, date(2026, 3, 8), "02:30", "2026-03-08 07:00"),  # jumped over: forward to 03:00
        (NY, date(2026, 3, 8), "03:00", "2026-03-08 07:00"),
        (NY, date(2026, 3, 8), "03:10", "2026-03-08 07:10"),  # never before a 02:30
        (NY, date(2026, 11, 1), "01:30", "2026-11-01 05:30"),  # twice: the first
        (NY, date(2026, 11, 1), "02:00", "2026-11-01 07:00"),
        (HOWE, date(2026, 10, 4), "02:15", "2026-10-03 15:30"),
        (NEPAL, date(2026, 1, 1), "00:00", "2025-12-31 18:15"),
        (NY, date(2026, 1, 31), "24:00", "2026-02-01 05:00"),
        (NY, date(2025, 12, 31), "26:00", "2026-01-01 07:00"),
    ],
)
def test_a_local_time_is_the_first_instant_at_which_the_wall_reads_it_or_later(
    zone: str, day: date, local: str, expected: str
) -> None:
    assert instant_of(zone, day, hm(local)) == utc(expected)


@pytest.mark.parametrize(
    ("start", "end", "expected_start", "expected_end"),
    [
        ("00:00", "01:00", "04:00", "05:00"),  # ends as the fold begins: once
        ("00:00", "01:30", "04:00", "06:30"),  # ends inside it: the second time
        ("01:00", "01:30", "05:00", "06:30"),
        ("01:30", "03:00", "05:30", "08:00"),  # starts inside it: the first time
        ("01:00", "02:00", "05:00", "07:00"),
    ],
)
def test_in_the_repeated_hour_a_start_is_the_first_and_an_end_the_second(
    start: str, end: str, expected_start: str, expected_end: str
) -> None:
    span = span_of(NY, date(2026, 11, 1), hm(start), hm(end))
    assert span == (utc(f"2026-11-01 {expected_start}"), utc(f"2026-11-01 {expected_end}"))


def test_a_block_that_the_clock_jumps_over_is_empty() -> None:
    start, end = span_of(NY, date(2026, 3, 8), hm("02:00"), hm("03:00"))
    assert start == end == utc("2026-03-08 07:00")
    sunday = WeeklyHours(NY, (block("sun", "02:15", "02:45"),))
    assert sunday.next_open(utc("2026-03-08 05:00")) == utc("2026-03-15 06:15")


def test_next_open_next_close_and_next_change() -> None:
    friday_evening, monday = utc("2026-07-02 23:00"), utc("2026-07-06 12:00")
    assert OFFICE.next_open(friday_evening) == friday_evening
    assert OFFICE.next_close(friday_evening) == utc("2026-07-03 00:00")
    assert OFFICE.next_change(friday_evening) == utc("2026-07-03 00:00")
    assert OFFICE.next_open(utc("2026-07-03 00:00")) == utc("2026-07-04 13:00")
    assert OFFICE.next_change(utc("2026-07-04 21:00")) == monday
    assert OFFICE.next_close(utc("2026-07-04 21:00")) == monday + timedelta(hours=12)


def test_open_seconds_and_the_instant_when_they_have_passed_are_inverse() -> None:
    start = utc("2026-07-02 23:58")
    assert OFFICE.after_open_seconds(start, 0) == start
    assert OFFICE.after_open_seconds(start, 119.5) == utc("2026-07-02 23:59:59.5")
    assert OFFICE.after_open_seconds(start, 120) == utc("2026-07-03 00:00")
    assert OFFICE.after_open_seconds(start, 300) == utc("2026-07-04 13:03")
    assert OFFICE.open_seconds(start, utc("2026-07-04 13:03")) == 300
    assert OFFICE.open_seconds(utc("2026-07-04 13:03"), start) == 0


def test_overlapping_and_touching_blocks_are_one_stretch() -> None:
    hours = WeeklyHours(
        "UTC",
        (
            block("mon", "08:00", "12:00"),
            block("mon", "10:00", "13:00"),
            block("mon", "13:00", "14:00"),
        ),
    )
    monday = utc("2026-06-01 00:00")
    whole = [(utc("2026-06-01 08:00"), utc("2026-06-01 14:00"))]
    assert list(hours.spans(monday, monday + timedelta(days=1))) == whole
    assert hours.next_close(utc("2026-06-01 09:00")) == utc("2026-06-01 14:00")


def test_round_the_clock_never_closes_but_for_a_holiday() -> None:
    at = utc("2026-03-08 06:59")
    always = round_the_clock(NY)
    assert always.is_open(at) and always.next_open(at) == at
    assert always.next_close(at) is None and always.next_change(at) is None
    assert always.open_seconds(at, at + timedelta(days=30)) == 30 * 86_400
    assert always.after_open_seconds(at, 86_400) == at + timedelta(days=1)
    holiday = WeeklyHours(NY, always.blocks, frozenset({date(2026, 3, 9)}))
    assert holiday.next_close(at) == utc("2026-03-09 04:00")
    assert holiday.next_open(utc("2026-03-09 04:00")) == utc("2026-03-10 04:00")


def test_a_week_covered_in_pieces_never_closes_either() -> None:
    nights = tuple(Block(day, hm("20:00"), hm("32:00")) for day in range(7))
    days = tuple(Block(day, hm("08:00"), hm("20:00")) for day in range(7))
    at = utc("2026-11-01 05:30")
    assert WeeklyHours(NY, nights + days).next_close(at) is None
    assert WeeklyHours(NY, nights + days[1:]).next_close(at) == utc("2026-11-02 13:00")


def test_the_search_ends_after_the_look_ahead() -> None:
    at = utc("2026-01-01 00:00")
    shut = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(-2, LOOK_AHEAD.days + 3))
    hours = WeeklyHours(NY, OFFICE.blocks, shut)
    assert hours.next_open(at) is None
    assert hours.next_close(at) is None
    assert hours.next_change(at) is None
    assert hours.after_open_seconds(at, 1) is None


@pytest.mark.parametrize(
    ("zone", "blocks", "closed_on", "complaint"),
    [
        ("Mars/Olympus", ((0, 0, 60),), (), "is not a time zone"),
        ("America", ((0, 0, 60),), (), "is not a time zone"),
        ("../etc/passwd", ((0, 0, 60),), (), "is not a time zone"),
        ("", ((0, 0, 60),), (), "is not a time zone"),
        (NY, (), (), "never be open"),
        (NY, ((7, 0, 60),), (), "weekday is 7"),
        (NY, ((0, 60, 60),), (), "not after start"),
        (NY, ((0, 60, 30),), (), "not after start"),
        (NY, ((0, 0, 1441),), (), "longer than a day"),
        (NY, ((0, 1440, 1500),), (), "start is minute 1440"),
        (NY, ((0, -1, 60),), (), "start is minute -1"),
        (NY, ((0, 0, 60),), (datetime(2026, 1, 1, tzinfo=UTC),), "plain date"),
    ],
)
def test_hours_that_make_no_sense_cannot_be_built(
    zone: str,
    blocks: tuple[tuple[int, int, int], ...],
    closed_on: tuple[date, ...],
    complaint: str,
) -> None:
    with pytest.raises(ValueError, match=complaint):
        WeeklyHours(zone, tuple(Block(*each) for each in blocks), frozenset(closed_on))


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        OFFICE.is_open(utc("2026-06-01 12:00").replace(tzinfo=None))
    with pytest.raises(ValueError, match="cannot pass"):
        OFFICE.after_open_seconds(utc("2026-06-01 12:00"), -1)


def test_what_the_wall_reads() -> None:
    at = utc("2026-11-01 05:04")
    assert clock_text(NY, at) == "01:04"
    assert clock_text(NY, at + timedelta(hours=1)) == "01:04"
    assert local_minute(NY, at) == 64
    assert local_date(NEPAL, utc("2026-01-01 18:15")) == date(2026, 1, 2)


# The weeks in which each zone's clock jumps, and one zone whose clock never does.
WEEKS = [
    (NY, utc("2026-03-04 00:00")),
    (NY, utc("2026-10-28 00:00")),
    (BERLIN, utc("2026-03-25 00:00")),
    (BERLIN, utc("2026-10-21 00:00")),
    (HOWE, utc("2026-04-01 00:00")),
    (HOWE, utc("2026-09-30 00:00")),
    (NEPAL, utc("2026-03-04 00:00")),
]
WEEK_MIN = 7 * 1440
MARGIN_MIN = 3 * 1440


@cache
def walls(zone: str, since: datetime) -> list[datetime]:
    """What the wall reads at each minute of the week, with a margin on both sides."""
    where = ZoneInfo(zone)
    minutes = range(-MARGIN_MIN, WEEK_MIN + MARGIN_MIN)
    return [(since + n * MIN).astimezone(where).replace(tzinfo=None) for n in minutes]


def slow_open_minutes(zone: str, since: datetime, hours: WeeklyHours) -> list[bool]:
    """For each minute of the week whether the team is open, found by reading the wall clock."""
    read = walls(zone, since)
    is_open = [False] * len(read)
    days = sorted({wall.date() for wall in read})
    for day in days:
        midnight = datetime.combine(day, datetime.min.time())
        for each in hours.blocks:
            if each.weekday != day.weekday() or day in hours.closed_on:
                continue
            start, end = midnight + each.start_min * MIN, midnight + each.end_min * MIN
            first = next((n for n, wall in enumerate(read) if wall >= start), len(read))
            last = next((n for n in range(len(read) - 1, -1, -1) if read[n] < end), -1)
            is_open[first : last + 1] = [True] * max(0, last + 1 - first)
    return is_open[MARGIN_MIN : MARGIN_MIN + WEEK_MIN]


def some_blocks() -> st.SearchStrategy[tuple[Block, ...]]:
    # Odd minutes near the jumps (01:00 to 03:30) are drawn as often as all others together.
    start = st.one_of(st.integers(0, 1439), st.integers(55, 215))
    length = st.one_of(st.integers(1, 1440), st.integers(1, 90))
    drawn = st.builds(lambda d, s, n: Block(d, s, s + n), st.integers(0, 6), start, length)
    return st.lists(drawn, min_size=1, max_size=5).map(tuple)


@settings(max_examples=150, deadline=None)
@given(
    week=st.sampled_from(WEEKS),
    blocks=some_blocks(),
    holidays=st.frozensets(st.integers(0, 6), max_size=2),
    at_min=st.integers(0, WEEK_MIN - 1),
    more_min=st.integers(0, WEEK_MIN),
)
def test_the_arithmetic_agrees_with_a_person_reading_the_wall_clock(
    week: tuple[str, datetime],
    blocks: tuple[Block, ...],
    holidays: frozenset[int],
    at_min: int,
    more_min: int,
) -> None:
    zone, since = week
    closed_on = frozenset(since.date() + timedelta(days=n) for n in holidays)
    hours = WeeklyHours(zone, blocks, closed_on)
    expected = slow_open_minutes(zone, since, hours)
    at, end_min = since + at_min * MIN, min(WEEK_MIN, at_min + more_min)

    assert hours.is_open(at) is expected[at_min]
    assert hours.is_open(at + MIN - timedelta(microseconds=1)) is expected[at_min]
    passed = hours.open_seconds(at, since + end_min * MIN)
    assert passed == 60 * sum(expected[at_min:end_min])
    stretches = list(hours.spans(since, since + WEEK_MIN * MIN))
    seen = [any(a <= since + n * MIN < b for a, b in stretches) for n in range(0, WEEK_MIN, 7)]
    assert seen == expected[::7]

    opens = next((n for n in range(at_min, WEEK_MIN) if expected[n]), None)
    if opens is not None:
        assert hours.next_open(at) == since + opens * MIN
        closes = next((n for n in range(opens, WEEK_MIN) if not expected[n]), None)
        if closes is not None:
            assert hours.next_close(at) == since + closes * MIN
    if passed:
        until = hours.after_open_seconds(at, passed)
        assert until is not None and until <= since + end_min * MIN
        assert hours.open_seconds(at, until) == passed
        assert hours.open_seconds(at, until - timedelta(seconds=1)) == passed - 1
