"""Ties a house to a story, and holds every story to the same promises.

Nothing reaches a phone unexpected; nothing in the log is an error that the story did not expect;
every lead of the story is settled at its end, so that none is paged in the next one.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

import pytest

from tests.story.carrier import LISTED_MAX
from tests.story.house import House, running
from tests.story.phones import NOTICED, Phone
from tests.story.teams import ALWAYS_ON_DUTY, PHONES

OpensHouse = Callable[..., House]

LOG_SHOWN_MAX = 5


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker of a parallel run tells all stories: each worker would start a house."""
    for item in items:
        if "story" in item.keywords:
            item.add_marker(pytest.mark.xdist_group("story"))


@contextmanager
def _fresh_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="speedtolead-story-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_house() -> Iterator[House]:
    """The house of most stories: Ann, then Bob, always on duty; Mia manages."""
    with _fresh_home() as home, running(home, ALWAYS_ON_DUTY) as house:
        yield house


@pytest.fixture
def house(shared_house: House, request: pytest.FixtureRequest) -> Iterator[House]:
    """The shared house for one story."""
    with _story(shared_house):
        yield shared_house


@pytest.fixture
def opens_house() -> Iterator[OpensHouse]:
    """Opens a house with a team and a date of its own, for one story."""
    with ExitStack() as open_houses:

        def opens(team: str, starts_at: datetime | None = None) -> House:
            home = open_houses.enter_context(_fresh_home())
            house = open_houses.enter_context(running(home, team, starts_at))
            open_houses.enter_context(_story(house))
            return house

        yield opens


@contextmanager
def _story(house: House) -> Iterator[None]:
    """Begin with empty phones; end with settled leads and nothing unexpected."""
    _begin(house)
    try:
        yield
        found = _end(house)
    except BaseException as failed:
        for line in house.diary.errors(tuple(house.expected_errors))[:LOG_SHOWN_MAX]:
            failed.add_note(line)
        _leave_nothing_open(house)
        raise
    assert not found, "\n".join(found)


def _begin(house: House) -> None:
    house.carrier.forgets_everything()
    house.diary.turns_the_page()
    after = house.carrier.cursor()
    house.leads, house.expected_errors = [], []
    house.phones = {
        rep: Phone(house.carrier, rep, number, after) for rep, number in PHONES.items()
    }


def _end(house: House) -> list[str]:
    """What every story is held to; what is wrong, in words."""
    house.carrier.is_well_again()
    for lead in house.leads:
        lead.is_settled()
    house.is_quiet()
    found = [each for phone in house.phones.values() for each in phone.unexpected()]
    strangers = [
        f"{item['phone']}: {item['kind']} {item['body']!r}"
        for item in house.carrier.get("items", limit=LISTED_MAX)["items"]
        if item["kind"] in NOTICED and item["phone"] not in PHONES.values()
    ]
    return found + strangers + house.diary.errors(tuple(house.expected_errors))


def _leave_nothing_open(house: House) -> None:
    """After a failure: what can be tidied for the next story, is."""
    with suppress(Exception):
        house.carrier.is_well_again()
        for lead in house.leads:
            lead.is_settled()
        house.is_quiet()
