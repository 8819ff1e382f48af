"""Ties a house to a story, and holds every story to the same promises.

Nothing reaches a phone unexpected; nothing in the log is an error that the story did not expect;
every lead of the story is settled at its end, so that none is paged in the next one. In a parallel
run each worker has a house; `--dist loadfile` starts the fewest.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.story.carrier import LISTED_MAX
from tests.story.clock import MORNING
from tests.story.house import House
from tests.story.opening import QUICK, running
from tests.story.phones import NOTICED, Phone
from tests.story.teams import ALWAYS_ON_DUTY, CONNECTED, PHONES

LOG_SHOWN_MAX = 5

LONGER_THAN_LETTERS_ARE_KEPT_S = 31 * 60
"""A reply may be a late answer to a question of up to 30 min ago: an earlier story's."""


@contextmanager
def fresh_home() -> Iterator[Path]:
    """A directory for one house; a short path, because sockets have no long ones."""
    home = Path(tempfile.mkdtemp(prefix="speedtolead-story-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_house() -> Iterator[House]:
    """The house of most stories: Ann, then Bob, always on duty; Mia manages."""
    with fresh_home() as home, running(home, ALWAYS_ON_DUTY) as house:
        yield house


@pytest.fixture(scope="session")
def shared_office() -> Iterator[House]:
    """The house of the stories about calls: whoever takes a lead is rung and connected."""
    with fresh_home() as home, running(home, CONNECTED, MORNING, scale=QUICK) as house:
        yield house


@pytest.fixture
def office(shared_office: House) -> Iterator[House]:
    """That house for one story, at an hour at which leads may be called for hours to come."""
    with story_in(shared_office):
        shared_office.clock.comes_to_working_hours()
        yield shared_office


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    """The shared house for one story."""
    with story_in(shared_house):
        yield shared_house


@contextmanager
def story_in(house: House) -> Iterator[None]:
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
    house.clock.moves(LONGER_THAN_LETTERS_ARE_KEPT_S)
    house.carrier.forgets_everything()
    _everybody_hears(house)
    house.diary.turns_the_page()
    after = house.carrier.cursor()
    house.leads, house.expected_errors, house.others = [], [], {}
    house.phones = {rep: Phone(house.carrier, rep, number, after) for rep, number in PHONES.items()}


def _everybody_hears(house: House) -> None:
    """An earlier story's dead numbers live again."""
    missed = [
        each["id"]
        for each in house.asks("/reps")["reps"]
        if not all(channel["reachable"] for channel in each["channels"].values())
    ]
    for rep in missed:
        Phone(house.carrier, rep, PHONES[rep]).texts_itself("START")
    if missed:
        house.is_quiet()


def _end(house: House) -> list[str]:
    """What every story is held to; what is wrong, in words."""
    house.carrier.is_well_again()
    house.settles_everything()
    house.is_quiet()
    known = [*house.phones.values(), *house.others.values()]
    found = [each for phone in known for each in phone.unexpected()]
    strangers = [
        f"{item['phone']}: {item['kind']} {item['body']!r}"
        for item in house.carrier.get("items", limit=LISTED_MAX)["items"]
        if item["kind"] in NOTICED and item["phone"] not in [phone.number for phone in known]
    ]
    unheard_of = house.violations()
    return found + strangers + unheard_of + house.diary.errors(tuple(house.expected_errors))


def _leave_nothing_open(house: House) -> None:
    """After a failure: what can be tidied for the next story, is."""
    with suppress(Exception):
        house.carrier.is_well_again()
        house.settles_everything()
        house.is_quiet()
