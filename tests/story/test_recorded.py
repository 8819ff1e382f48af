"""Calls that are recorded: both sides are told, a machine never is, and of one nothing is kept."""

from collections.abc import Iterator

import pytest

from tests.story.carrier import LISTED_MAX
from tests.story.clock import MORNING
from tests.story.conftest import fresh_home, story_in
from tests.story.house import House
from tests.story.opening import BY_HAND, running
from tests.story.patience import until
from tests.story.phones import Phone
from tests.story.teams import CONNECTED
from tests.story.wire import was_told

pytestmark = pytest.mark.story

RECORDED = CONNECTED.replace("ring_lead: 60s}", "ring_lead: 60s, record: true}")
ANNOUNCEMENT = "This call is recorded."


@pytest.fixture(scope="module")
def recording_house() -> Iterator[House]:
    """Slow enough that a verdict comes while whoever answered is held for it."""
    with fresh_home() as home, running(home, RECORDED, MORNING, scale=BY_HAND) as house:
        yield house


@pytest.fixture
def office(recording_house: House) -> Iterator[House]:
    with story_in(recording_house):
        recording_house.clock.comes_to_working_hours()
        yield recording_house


def _recorded(office: House) -> str:
    """The carrier has told us of a recording; its sid."""
    told = was_told(office, "/twilio/recordings/", RecordingStatus="completed")
    return str(told["RecordingSid"])


def _deleted(office: House, sid: str) -> bool:
    """Whether we asked the carrier to delete it."""
    asked = office.carrier.get("requests", limit=LISTED_MAX)["requests"]
    return any(each["method"] == "DELETE" and sid in each["path"] for each in asked)


def _said_to(office: House, phone: Phone) -> list[str]:
    items = office.carrier.get("items", limit=LISTED_MAX)["items"]
    spoken = (each for each in items if each["kind"] == "call_said")
    return [each["body"] for each in spoken if each["phone"] == phone.number]


def test_a_human_is_told_before_the_two_hear_each_other(office: House) -> None:
    office.ann.picks_up(pressing="1,3")
    dana = office.lead("Dana Fox")
    her = office.phone_of(dana)
    her.picks_up().talks(12)
    office.ann.expects_text("Dana Fox").replies("1").expects_text("is yours")
    call = office.ann.gets_a_call(ANNOUNCEMENT, "Press 1")
    hers = her.expects_ring().is_answered_by_itself()
    hers.hears("One moment please, this is Sunrise Solar.").hears(ANNOUNCEMENT)
    call.is_connected_with(her).ends()
    hers.ends()
    dana.timeline_shows("dialled", "attempted")
    assert not _deleted(office, _recorded(office))


def test_a_mailbox_is_told_nothing_and_its_recording_is_deleted(office: House) -> None:
    office.ann.picks_up(pressing="1").talks(20)
    dana = office.lead("Dana Fox")
    hers = office.phone_of(dana)
    hers.has_a_mailbox(greeting=8)
    office.ann.expects_text("Dana Fox").replies("1").expects_text("is yours")
    call = office.ann.gets_a_call(ANNOUNCEMENT, "Press 1")
    mailbox = hers.expects_ring().is_answered_by_itself()
    call.is_connected_with(hers).ends()
    mailbox.ends()
    dana.came_to("no_answer", "voicemail_left")
    assert _said_to(office, hers) == ["One moment please, this is Sunrise Solar."]
    sid = _recorded(office)
    until(lambda: _deleted(office, sid), f"the end of {sid}")
