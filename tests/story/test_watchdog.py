"""The carrier says nothing, says no, or says no to everything: the rep hears of the lead all the
same, nobody else is disturbed, and whoever can mend it is told."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.rooms.mail_world import Mailbox, mail_server
from tests.story.conftest import fresh_home, story_in
from tests.story.house import House
from tests.story.opening import running
from tests.story.patience import until
from tests.story.teams import ALWAYS_ON_DUTY, ANN, MIA

pytestmark = pytest.mark.story

SILENCE_S = 21
"""A little more than a receipt may take."""

WITH_MAIL = ALWAYS_ON_DUTY.replace(
    f'name: Ann Lee, phone: "{ANN}"', f'name: Ann Lee, phone: "{ANN}", email: ann@example.com'
).replace(
    f'name: Mia Fox, phone: "{MIA}"', f'name: Mia Fox, phone: "{MIA}", email: mia@example.com'
)


@dataclass(frozen=True)
class Mailed:
    """A house with a mail server beside it."""

    house: House
    mailbox: Mailbox


@pytest.fixture(scope="module")
def mailed_house() -> Iterator[Mailed]:
    with mail_server() as mailbox, fresh_home() as home:
        url = f"smtp://127.0.0.1:{mailbox.port}"
        with running(home, WITH_MAIL, smtp_url=url, mail_from="us@example.com") as house:
            yield Mailed(house, mailbox)


@pytest.fixture
def house(mailed_house: Mailed) -> Iterator[House]:
    mailed_house.mailbox.envelopes.clear()
    with story_in(mailed_house.house):
        yield mailed_house.house


@pytest.fixture
def mailbox(mailed_house: Mailed) -> Mailbox:
    return mailed_house.mailbox


def test_twenty_seconds_of_silence_ring_the_same_reps_phone_and_nobody_elses(
    house: House,
) -> None:
    house.ann.is_(texts="sent-only")
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    dana.timeline_shows("paged", "page_sent")
    house.clock.moves(SILENCE_S)
    house.ann.expects_call("Dana")
    assert dana.was_paged() == [("ann", "text"), ("ann", "call")]
    house.stays_silent()
    assert "receipt" in dana.events("paged")[1]["because"]


def test_a_page_that_stays_in_the_carriers_queue_is_the_operators_affair(
    house: House, mailbox: Mailbox
) -> None:
    house.ann.is_(texts="queued-only")
    dana = house.lead("Dana Fox")
    dana.timeline_shows("paged", "page_sent")
    house.clock.moves(SILENCE_S)
    house.ann.expects_call("Dana").presses("1").hears("is yours")
    mailbox.expects("1 page waits in the carrier's queue", to="mia@example.com")
    assert "speedtolead_pages_stuck 1.0" in house.http.get("/metrics").text
    dana.is_claimed_by("ann")
    until(lambda: house.http.get("/ready").json()["degraded"] == ["carrier"], "degraded")


def test_a_text_that_was_delivered_rings_nobody_after_twenty_seconds(house: House) -> None:
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    dana.timeline_shows("page_delivered")
    house.clock.moves(SILENCE_S)
    house.stays_silent()
    assert dana.was_paged() == [("ann", "text")]


def test_a_rep_who_answers_unseen_pages_is_not_rung_for_want_of_a_receipt(house: House) -> None:
    house.ann.is_(texts="sent-only")
    for name in ("Dana Fox", "Eve Hill"):
        lead = house.lead(name)
        house.ann.expects_text(name).replies("1").expects_text("is yours")
        lead.is_claimed_by("ann")
        lead.is_settled()
        house.clock.moves(SILENCE_S)
    fay = house.lead("Fay Jones")
    house.ann.expects_text("Fay")
    fay.timeline_shows("paged", "page_sent")
    house.clock.moves(SILENCE_S)
    house.stays_silent()
    assert fay.was_paged() == [("ann", "text")]
    house.clock.moves(45 - SILENCE_S)
    house.ann.expects_call("Fay")


def test_a_receipt_that_was_lost_is_asked_for(house: House) -> None:
    house.carrier.will("callbacks", "lose")
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana")
    house.is_quiet()
    house.clock.moves(16)
    dana.timeline_shows("paged", "page_sent", "page_delivered")
    house.clock.moves(SILENCE_S - 16)
    house.stays_silent()


def test_a_dead_number_is_shown_skipped_and_told_until_it_lives(
    house: House, mailbox: Mailbox
) -> None:
    house.carrier.will("messages", "answer", to=ANN, status=400, code=21614)
    house.carrier.will("calls", "answer", to=ANN, status=400, code=21217)
    dana = house.lead("Dana Fox")
    house.bob.expects_text("Dana")
    house.mia.expects_text("Ann Lee", "takes no texts", "paged by call")
    house.mia.expects_text("Ann Lee", "cannot be called", "is skipped")
    mailbox.expects("Ann Lee cannot be reached by text", to="mia@example.com")
    mailbox.expects("Ann Lee cannot be reached by call", to="mia@example.com")
    assert dana.was_paged() == [("ann", "text"), ("ann", "call"), ("bob", "text")]
    eve = house.lead("Eve Hill")
    eve.timeline_shows("paged")
    assert eve.was_paged() == [("bob", "text")]
    shown = {each["id"]: each["channels"] for each in house.asks("/reps")["reps"]}
    assert [shown["ann"][by]["reachable"] for by in ("text", "call")] == [False, False]
    assert shown["ann"]["text"]["reason"] == "cannot_text"
    assert shown["bob"]["text"]["reachable"]
    house.clock.moves(6)
    house.bob.expects_text("Eve")
    dana.is_settled()
    eve.is_settled()
    house.carrier.is_well_again()
    house.ann.texts_itself("START").expects_text("Texts are on again")
    house.lead("Fay Jones")
    house.ann.expects_text("Fay")


def test_a_carrier_that_fails_again_and_again_is_left_alone_for_a_while(
    house: House, mailbox: Mailbox
) -> None:
    """Each lead costs two refused texts: the page, and the note after the call."""
    house.carrier.will("messages", "answer", status=401, code=20003)
    for name in ("Dana Fox", "Eve Hill", "Fay Jones"):
        house.lead(name)
        house.ann.expects_call(name).presses("1").hears("is yours")
    mailbox.expects("pages do not go by text", to="mia@example.com")
    figures = house.http.get("/metrics").text
    assert 'speedtolead_carrier_breaker_open{channel="text"} 1.0' in figures
    gil = house.lead("Gil Rowe")
    call = house.ann.expects_call("Gil")
    mail = mailbox.expects("Gil Rowe", to="ann@example.com")
    call.presses("1").hears("is yours")
    assert "/r/" in mail.get_content()
    assert gil.phone not in mail.get_content()
    assert gil.was_paged()[-2:] == [("ann", "call"), ("ann", "email")]
    gil.is_claimed_by("ann")
    house.is_quiet()  # the note after the call was refused as well
    house.carrier.is_well_again()
    house.clock.moves(121)
    house.lead("Hal Moor")
    house.ann.expects_text("Hal")
    mailbox.expects("The carrier works again", to="mia@example.com")
    until(lambda: house.http.get("/ready").json()["degraded"] == [], "all is well")
