"""The house's business time, which a story moves and which never goes back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

EVE = timedelta(seconds=10)
"""How long before an instant "just before" is: time goes on while a story looks around."""

LONGER_THAN_A_PHONE_RESTS_S = 5.0
"""Between two texts about new leads, by PostgreSQL's clock, which no story moves."""

MORNING = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
"""A Wednesday, 9:00 where the leads' numbers are and noon in New York: anybody may be called."""

CALLABLE = timedelta(hours=6)
"""From that hour on, long enough for any story to end by daylight on both coasts."""


class HouseClock:
    """The machine's clock plus what the file says; replaced by rename, so never half written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.passes: Callable[[], None] = lambda: None
        """What passes with it that goes by another clock; done first."""
        self._offset = timedelta()
        self._write()

    def now(self) -> datetime:
        """What time it is in the house, aware, UTC."""
        return datetime.now(UTC) + self._offset

    def starts_at(self, instant: datetime) -> None:
        """Set it to any instant, also a past one. Only before the house runs."""
        self._offset = instant - datetime.now(UTC)
        self._write()

    def moves(self, seconds: float) -> None:
        """So much time passes at once."""
        assert seconds >= 0, "time does not go back in a running house"
        if seconds >= LONGER_THAN_A_PHONE_RESTS_S:
            self.passes()
        self._offset += timedelta(seconds=seconds)
        self._write()

    def comes_to(self, instant: datetime) -> None:
        """It is this instant now."""
        self.moves((instant - self.now()).total_seconds())

    def comes_just_before(self, instant: datetime) -> None:
        """It is a little before this instant: too early for what is due then."""
        self.comes_to(instant - EVE)

    def comes_to_working_hours(self) -> None:
        """The next hour at which anybody may be called for hours to come; now, if they may."""
        since = (self.now() - MORNING) % timedelta(days=1)
        if since > CALLABLE:
            self.moves((timedelta(days=1) - since).total_seconds())

    def _write(self) -> None:
        fresh = self.path.with_suffix(".fresh")
        fresh.write_text(f"{self._offset.total_seconds():.6f}\n")
        fresh.replace(self.path)
