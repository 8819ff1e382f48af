"""The clock file: read afresh, replaced by rename, and never able to stop the clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.clock import OFFSET_MAX_S, FileClock, SystemClock


def put(path: Path, text: str) -> None:
    """Replace the clock file as its contract says: by rename."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def offset_of(clock: FileClock) -> timedelta:
    """How far the clock is from the machine's, to the nearest minute."""
    minutes = (clock.now() - datetime.now(UTC)) / timedelta(minutes=1)
    return timedelta(minutes=round(minutes))


def test_the_system_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_a_missing_file_means_no_offset(tmp_path: Path) -> None:
    clock = FileClock(tmp_path / "clock")
    assert offset_of(clock) == timedelta(0)
    assert clock.now().tzinfo is UTC


def test_each_reading_is_afresh(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    clock = FileClock(path)
    for minutes in (5, 65, -30, 0):
        put(path, f"{minutes * 60}\n")
        assert offset_of(clock) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "nonsense",
    ["", "soon", "nan", "inf", "1e999", "12 34", str(OFFSET_MAX_S * 2), "9" * 400, "\x00"],
)
def test_nonsense_leaves_the_last_offset_in_force(tmp_path: Path, nonsense: str) -> None:
    path = tmp_path / "clock"
    clock = FileClock(path)
    put(path, "3600")
    assert offset_of(clock) == timedelta(hours=1)
    put(path, nonsense)
    assert offset_of(clock) == timedelta(hours=1)


def test_a_file_that_goes_away_leaves_the_last_offset_in_force(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    clock = FileClock(path)
    put(path, "3600.5")
    assert offset_of(clock) == timedelta(hours=1)
    path.unlink()
    assert offset_of(clock) == timedelta(hours=1)
    path.mkdir()
    assert offset_of(clock) == timedelta(hours=1)
