"""Goal: a time that a rep wrote beside "call later" is read exactly or not at all, on their own
clock, in the future, within a month, also where the clock jumps.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.agreed import agreed_at
from service.rules.hours import day_text
from service.rules.owed import AGREED_AHEAD_MAX

ZONE = "America/New_York"
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # Wednesday 10:00 there


def read(words: str, now: datetime = NOW, zone: str = ZONE) -> str | None:
    found = agreed_at(words, zone, now)
    assert found is None or found.tzinfo is UTC
    return day_text(zone, found) if found else None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # In so long.
        ("in 20 min", "Wed 4 Mar 10:20"),
        ("20m", "Wed 4 Mar 10:20"),
        ("20 minutes", "Wed 4 Mar 10:20"),
        ("2h", "Wed 4 Mar 12:00"),
        ("in 2 hours", "Wed 4 Mar 12:00"),
        ("1.5h", "Wed 4 Mar 11:30"),
        ("1h30", "Wed 4 Mar 11:30"),
        ("in 1 hour and 30 min", "Wed 4 Mar 11:30"),
        ("in half an hour", "Wed 4 Mar 10:30"),
        ("in an hour", "Wed 4 Mar 11:00"),
        ("in 8h", "Wed 4 Mar 18:00"),
        ("in 3 days", "Sat 7 Mar 10:00"),
        ("in a week", "Wed 11 Mar 10:00"),
        # A time alone is the next one.
        ("4pm", "Wed 4 Mar 16:00"),
        ("4 p.m.", "Wed 4 Mar 16:00"),
        ("4:30pm", "Wed 4 Mar 16:30"),
        ("16:00", "Wed 4 Mar 16:00"),
        ("16h", "Wed 4 Mar 16:00"),
        ("16h30", "Wed 4 Mar 16:30"),
        ("at 4", "Wed 4 Mar 16:00"),
        ("after 4pm", "Wed 4 Mar 16:00"),
        ("9am", "Thu 5 Mar 09:00"),
        ("08:00", "Thu 5 Mar 08:00"),
        ("noon", "Wed 4 Mar 12:00"),
        # On a day.
        ("fri 4pm", "Fri 6 Mar 16:00"),
        ("Friday, 4 p.m.", "Fri 6 Mar 16:00"),
        ("friday 16:00", "Fri 6 Mar 16:00"),
        ("on friday at 4", "Fri 6 Mar 16:00"),
        ("this fri 4pm", "Fri 6 Mar 16:00"),
        ("wed 11am", "Wed 4 Mar 11:00"),
        ("wed 9am", "Wed 11 Mar 09:00"),
        ("mon", "Mon 9 Mar 09:00"),
        ("tues 9.30", "Tue 10 Mar 09:30"),
        ("tomorrow 10", "Thu 5 Mar 10:00"),
        ("tmrw 8h", "Thu 5 Mar 08:00"),
        ("tomorrow morning", "Thu 5 Mar 09:00"),
        ("tomorrow afternoon", "Thu 5 Mar 14:00"),
        ("fri evening 7", "Fri 6 Mar 19:00"),
        ("today 3", "Wed 4 Mar 15:00"),
        ("tonight 8", "Wed 4 Mar 20:00"),
        ("sun 2:30", "Sun 8 Mar 14:30"),
        ("day after tomorrow 9", "Fri 6 Mar 09:00"),
        ("march 5 4pm", "Thu 5 Mar 16:00"),
        ("5th of march at 16:00", "Thu 5 Mar 16:00"),
        ("the 6th 4pm", "Fri 6 Mar 16:00"),
        ("fri 6 march 4pm", "Fri 6 Mar 16:00"),
        ("13/3 4pm", "Fri 13 Mar 16:00"),
        ("3/13 4pm", "Fri 13 Mar 16:00"),
        ("2026-03-05 16:00", "Thu 5 Mar 16:00"),
        # Which it is, people read differently; or nobody can tell.
        ("12/3 4pm", None),
        ("next week", None),
        ("next fri 4pm", None),
        ("tmrw after lunch", None),
        ("after lunch", None),
        ("8h", None),
        ("4", None),
        ("20", None),
        ("today", None),
        ("tonight", None),
        ("mon or tue", None),
        ("before 4pm", None),
        ("4-5pm", None),
        ("4pm est", None),
        ("fri 7 march 4pm", None),
        ("asap", None),
        ("monkey 4pm", None),
        ("", None),
        # Of no clock, of no calendar, past or too far.
        ("25:00", None),
        ("13pm", None),
        ("31/2 4pm", None),
        ("2026-03-04 09:00", None),
        ("in 0 min", None),
        ("in 6 weeks", None),
        ("june 5 4pm", None),
    ],
)
def test_what_a_rep_writes(words: str, expected: str | None) -> None:
    assert read(words) == expected
    assert read(words.upper()) == expected


@pytest.mark.parametrize(
    ("now", "words", "expected"),
    [
        # The night in which New York springs forward: 02:30 is not there, and the day is shorter.
        ((2026, 3, 8, 5, 0), "2:30am", "2026-03-08T07:00"),
        ((2026, 3, 7, 15, 0), "tomorrow 10", "2026-03-08T14:00"),
        ((2026, 3, 7, 15, 0), "in 1 day", "2026-03-08T14:00"),
        ((2026, 3, 8, 6, 30), "in 1 hour", "2026-03-08T07:30"),
        # The night in which it falls back: 01:30 is twice, and the first is meant.
        ((2026, 11, 1, 4, 0), "1:30am", "2026-11-01T05:30"),
        ((2026, 10, 31, 15, 0), "sun 4pm", "2026-11-01T21:00"),
        # Over the end of a year.
        ((2026, 12, 30, 15, 0), "jan 2 4pm", "2027-01-02T21:00"),
        ((2026, 12, 30, 15, 0), "the 2nd at 4", "2027-01-02T21:00"),
    ],
)
def test_where_the_clock_jumps(now: tuple[int, ...], words: str, expected: str) -> None:
    found = agreed_at(words, ZONE, datetime(*now, tzinfo=UTC))  # type: ignore[arg-type,misc]  # parts
    assert found is not None
    assert f"{found:%Y-%m-%dT%H:%M}" == expected


def test_a_clock_is_the_reps_own() -> None:
    at = agreed_at("4pm", "America/Los_Angeles", NOW)
    assert at == datetime(2026, 3, 4, 16, tzinfo=ZoneInfo("America/Los_Angeles"))


SAID = (
    "in at on fri mon next this tomorrow today 4 4pm 16:00 16h 20m 2h 1h30 march 5 5th 12/3 3/13"
    " 2026-03-05 morning evening noon the after 99 00 : / - half an hour 999 days"
)
PARTS = st.sampled_from(SAID.split())


@settings(max_examples=500, deadline=None)
@given(
    words=st.lists(PARTS, max_size=6).map(" ".join) | st.text(max_size=80),
    ahead=st.integers(0, 365 * 24 * 60),
)
def test_whatever_is_written_the_instant_is_soon_and_in_the_future(words: str, ahead: int) -> None:
    now = NOW + timedelta(minutes=ahead)
    found = agreed_at(words, ZONE, now)
    assert found is None or now < found <= now + AGREED_AHEAD_MAX
