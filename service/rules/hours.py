"""When a team is open, exactly. The only file that knows time zones and daylight saving time.

Everything outside speaks UTC; a local date and a minute of the local day come in here and leave as
instants. Nothing here knows who is on duty (``duty``) or what was promised (``policy``).

What a wall-clock time means where the clock jumps, said once for openings, shifts and promises:

- a span *starts* at the first instant at which the wall clock reads its start or later;
- it *ends* at the last instant up to which the wall clock still reads earlier than its end.

So in a gap (the clock goes forward) both are the instant of the jump. In a fold (an hour happens
twice) a start is its first occurrence and an end its second, and a span covers every instant at
which a person looking at the clock would say it lasts. The price is that two shifts which hand
over inside the repeated hour are both on duty in between: twice is better than nobody. A full day
is 23 or 25 hours long where the day is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_MIN = 24 * 60

# A year and a month: longer than any seasonal closing, and it spans every yearly holiday once.
LOOK_AHEAD = timedelta(days=400)

# Every hour of the week as a block of its own; more is a slip of the pen.
BLOCKS_MAX = 168

# A span that covers an instant started at the earliest two local dates before it (it lasts up to
# a day, and where the clock goes back over midnight a date happens twice), at the latest one after.
DAYS_BEFORE = 2
DAYS_AFTER = 1

# Each round moves on by an opening at least; two weeks of daily ones hold every pattern there is.
COMMON_TRIES_MAX = 30

# Teams have one zone, reps a few; the cache holds some weeks of every shift of a large team.
ZONES_CACHED = 64
SPANS_CACHED = 8192

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """Open hours that start on one day of the week (0 is Monday), in minutes of the local day.

    ``end_min`` beyond 1440 runs past midnight; 0 to 1440 is the whole day. Raises ValueError.
    """

    weekday: int
    start_min: int
    end_min: int

    def __post_init__(self) -> None:
        if not 0 <= self.weekday <= 6:
            raise ValueError(f"weekday is {self.weekday}, expected 0 (Monday) to 6 (Sunday)")
        check_minutes(self.start_min, self.end_min)


def check_minutes(start_min: int, end_min: int) -> None:
    """Refuse a stretch of local time that is empty or longer than a day. Raises ValueError."""
    if not 0 <= start_min < DAY_MIN:
        raise ValueError(f"start is minute {start_min} of the day, expected 0 to {DAY_MIN - 1}")
    if end_min <= start_min:
        raise ValueError(f"end (minute {end_min}) is not after start (minute {start_min})")
    if end_min - start_min > DAY_MIN:
        raise ValueError(f"{end_min - start_min} minutes are longer than a day")


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """The open hours of a week in one zone, and the local dates on which none of them starts.

    A block belongs to the local date on which it starts: a holiday removes what starts on it, not
    what runs into it from the evening before. Open from a block's start up to, not including, its
    end. Raises ValueError for an unknown zone or hours that never open.
    """

    zone: str
    blocks: tuple[Block, ...]
    closed_on: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        zone_named(self.zone)
        if not self.blocks:
            raise ValueError("hours have no block: the team would never be open")
        if len(self.blocks) > BLOCKS_MAX:
            raise ValueError(f"hours have {len(self.blocks)} blocks, at most {BLOCKS_MAX} expected")
        if any(type(day) is not date for day in self.closed_on):
            raise ValueError("closed_on holds something that is not a plain date")
        object.__setattr__(self, "blocks", tuple(sorted(set(self.blocks))))
        object.__setattr__(self, "closed_on", frozenset(self.closed_on))

    def is_open(self, at: datetime) -> bool:
        """Whether the team is open at this instant."""
        at = _utc(at)
        return any(start <= at < end for start, end in self._around(at, at))

    def next_open(self, at: datetime) -> datetime | None:
        """The first open instant from ``at`` on, ``at`` itself if open; None within 400 days."""
        span = self._first_span(at)
        return max(span[0], _utc(at)) if span else None

    def next_close(self, at: datetime) -> datetime | None:
        """The first instant after ``at`` at which the team closes; None within 400 days."""
        until = _utc(at) + LOOK_AHEAD
        span = self._first_span(at)
        return span[1] if span and span[1] < until else None

    def next_change(self, at: datetime) -> datetime | None:
        """The first instant after ``at`` at which the team opens or closes, or None."""
        at = _utc(at)
        return self.next_close(at) if self.is_open(at) else self.next_open(at)

    def open_seconds(self, start: datetime, end: datetime) -> float:
        """Open seconds between two instants; overlapping blocks count once. 0 if not in order."""
        total = sum((until - since for since, until in self.spans(start, end)), timedelta())
        return total.total_seconds()

    def after_open_seconds(self, at: datetime, seconds: float) -> datetime | None:
        """The earliest instant by which ``seconds`` of open time have passed since ``at``.

        None when that takes longer than 400 days. Raises ValueError for negative seconds.
        """
        if seconds < 0:
            raise ValueError(f"{seconds} open seconds cannot pass")
        at, left = _utc(at), timedelta(seconds=seconds)
        if not left:
            return at
        for since, until in self.spans(at, at + LOOK_AHEAD):
            if left <= until - since:
                return since + left
            left -= until - since
        return None

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """The open stretches between two instants, in order, merged where they meet, clipped."""
        start, end = _utc(start), _utc(end)
        if self._never_closes():
            if start < end:
                yield start, end
            return
        held: Span | None = None
        for since, until in self._around(start, end):
            since, until = max(since, start), min(until, end)
            if since >= until:
                continue
            if held and since <= held[1]:
                held = held[0], max(held[1], until)
                continue
            if held:
                yield held
            held = since, until
        if held:
            yield held

    def _first_span(self, at: datetime) -> Span | None:
        """The first merged stretch that ends after ``at``, clipped to the look-ahead."""
        at = _utc(at)
        return next(self.spans(at, at + LOOK_AHEAD), None)

    def _around(self, start: datetime, end: datetime) -> Iterator[Span]:
        """Every block that may touch ``[start, end]``, by start; starts never go back in time."""
        for day in dates_around(self.zone, start, end):
            if day in self.closed_on:
                continue
            weekday = day.weekday()
            for block in self.blocks:
                if block.weekday == weekday:
                    yield span_of(self.zone, day, block.start_min, block.end_min)

    def _never_closes(self) -> bool:
        return not self.closed_on and _covers_the_week(self.blocks)


def round_the_clock(zone: str) -> WeeklyHours:
    """Hours that never close."""
    return WeeklyHours(zone, tuple(Block(day, 0, DAY_MIN) for day in range(7)))


def first_common_open(every: Sequence[WeeklyHours], at: datetime) -> datetime | None:
    """The first instant from ``at`` on at which all of these are open; None when there is none
    within some weeks: zones half a world apart share no hour."""
    found = at = _utc(at)
    for _ in range(COMMON_TRIES_MAX):
        for hours in every:
            opens_at = hours.next_open(found)
            if opens_at is None:
                return None
            found = opens_at
        if all(hours.is_open(found) for hours in every):
            return found
    return None


def instant_of(zone: str, day: date, minute: int) -> datetime:
    """The first instant (UTC) at which the wall clock reads this minute of this day, or later.

    ``minute`` may exceed 1440 and then belongs to a later date. Raises ValueError, unknown zone.
    """
    local, before, after = _readings(zone, day, minute)
    if before < after:
        return _jump_between(zone, local - after, local - before)
    return local - before


def span_of(zone: str, day: date, start_min: int, end_min: int) -> Span:
    """From when to when (UTC) a stretch of local time lasts that starts on ``day``.

    Empty (start equals end) where the clock jumps over all of it.
    """
    return _span_of(zone, day, start_min, end_min)


def dates_around(zone: str, start: datetime, end: datetime) -> Iterator[date]:
    """The local dates on which something may start that touches ``[start, end]``, in order."""
    first = local_date(zone, start) - timedelta(days=DAYS_BEFORE)
    last = local_date(zone, end) + timedelta(days=DAYS_AFTER)
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def local_date(zone: str, at: datetime) -> date:
    """The date on the wall at this instant."""
    return _wall(zone, at).date()


def local_minute(zone: str, at: datetime) -> int:
    """The minute of the day on the wall at this instant, 0 to 1439."""
    wall = _wall(zone, at)
    return wall.hour * 60 + wall.minute


def clock_text(zone: str, at: datetime) -> str:
    """The time on the wall as a page shows it: ``12:04``."""
    return _wall(zone, at).strftime("%H:%M")


def day_text(zone: str, at: datetime) -> str:
    """The day and the time on the wall: ``Fri 6 Mar 16:00``."""
    wall = _wall(zone, at)
    return f"{wall:%a} {wall.day} {wall:%b %H:%M}"


@lru_cache(maxsize=ZONES_CACHED)
def zone_named(name: str) -> ZoneInfo:
    """The zone of this IANA name. Raises ValueError, naming it, when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"{name!r} is not a time zone; expected a name such as America/New_York"
        ) from error


@lru_cache(maxsize=SPANS_CACHED)
def _span_of(zone: str, day: date, start_min: int, end_min: int) -> Span:
    start = instant_of(zone, day, start_min)
    return start, max(start, _end_of(zone, day, end_min))


def _end_of(zone: str, day: date, minute: int) -> datetime:
    """The last instant (UTC) up to which the wall clock reads earlier than this minute."""
    local, before, after = _readings(zone, day, minute)
    if before <= after:
        return instant_of(zone, day, minute)
    second = local - after
    # At the very start of the fold the second occurrence follows readings that are not earlier.
    starts_fold = _offset(zone, second - timedelta(seconds=1)) == before
    return local - before if starts_fold else second


def _readings(zone: str, day: date, minute: int) -> tuple[datetime, timedelta, timedelta]:
    """The wall-clock time written as if it were UTC, and the zone's offset from UTC by the rule
    before and after a jump that it may fall in (PEP 495); the two are equal elsewhere."""
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    where = zone_named(zone)
    before = local.replace(tzinfo=where, fold=0).utcoffset()
    after = local.replace(tzinfo=where, fold=1).utcoffset()
    assert before is not None and after is not None, "an IANA zone always has an offset"
    return local.replace(tzinfo=UTC), before, after


def _jump_between(zone: str, early: datetime, late: datetime) -> datetime:
    """The instant at which the zone's offset changes; it lies after ``early``, not after ``late``.

    Halving takes 17 steps for the widest jump known, a whole day; offsets change on full seconds.
    """
    old = _offset(zone, early)
    low, high = 0, int((late - early).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, early + timedelta(seconds=middle)) == old:
            low = middle
        else:
            high = middle
    return early + timedelta(seconds=high)


def _offset(zone: str, at: datetime) -> timedelta:
    offset = at.astimezone(zone_named(zone)).utcoffset()
    assert offset is not None, "an IANA zone always has an offset"
    return offset


def _wall(zone: str, at: datetime) -> datetime:
    return _utc(at).astimezone(zone_named(zone))


def _utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError("an instant without a zone is not an instant")
    return at.astimezone(UTC)


@lru_cache(maxsize=ZONES_CACHED)
def _covers_the_week(blocks: tuple[Block, ...]) -> bool:
    """Whether blocks leave no minute of the week closed; those of Sunday run into Monday."""
    week_min = 7 * DAY_MIN
    starts = [(block.weekday * DAY_MIN + block.start_min, block) for block in blocks]
    edges = sorted((at, at + block.end_min - block.start_min) for at, block in starts)
    reached = max([0, *(end - week_min for _, end in edges)])
    for start, end in edges:
        if start > reached:
            return False
        reached = max(reached, end)
    return reached >= week_min
