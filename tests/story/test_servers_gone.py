"""The servers beneath us fail: the queue costs seconds at most, the ledger says come back."""

import pytest

from tests.story.house import House
from tests.story.leads import fresh_phone
from tests.story.patience import until

pytestmark = pytest.mark.story

QUEUE_WORKER = "rq.worker"
"""RQ's own complaint, an error with a stack trace, when its server goes away in mid-word."""
AUDIT = "not done"
"""The audit's complaint when it cannot read the ledger."""


def test_the_queue_is_emptied_again_and_again(house: House) -> None:
    names = [f"Dana {letter}" for letter in "KLMNP"]
    for name in names:
        house.lead(name)
        house.flushes_valkey()
    for name in names:
        house.ann.expects_text(name)
    house.is_quiet()
    assert [lead.was_paged() for lead in house.leads] == [[("ann", "text")]] * len(names)


def test_the_queue_is_killed(house: House) -> None:
    house.expects_errors(QUEUE_WORKER)
    house.kills("valkey")
    dana = house.lead("Dana Fox")
    house.ann.expects_text("Dana").replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")


def test_the_queue_hangs(house: House) -> None:
    house.expects_errors(QUEUE_WORKER)
    with house.holds("valkey"):
        dana = house.lead("Dana Fox")
        page = house.ann.expects_text("Dana")
        eli = house.lead("Eli Moss")
        house.ann.expects_text("Eli")
        assert house.is_ready(), "a queue that is away must not turn leads away"
    eli.is_settled()
    page.replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")


def test_the_ledger_is_killed(house: House) -> None:
    house.expects_errors(AUDIT)
    eli = house.lead("Eli Moss")
    house.kills("postgres")
    body, key = {"name": "Dana Fox", "phone": fresh_phone()}, f"key-{fresh_phone()}"
    refused = []

    def taken() -> bool:
        answer = house.is_offered(body, key=key)
        if answer.status_code == 202:
            house.knows(answer)
            return True
        refused.append(answer)
        return False

    until(taken, "the ledger is back")
    assert all(answer.status_code == 503 for answer in refused)
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    house.ann.expects_text("Eli")
    house.ann.expects_text("Dana")
    house.is_quiet()
    assert eli.was_paged() == [("ann", "text")]


def test_both_servers_killed_at_once(house: House) -> None:
    house.expects_errors(QUEUE_WORKER, AUDIT)
    dana = house.lead("Dana Fox")
    house.kills("postgres", "valkey")
    page = house.ann.expects_text("Dana")
    house.is_up_again()
    page.replies("1").expects_text("is yours")
    dana.is_claimed_by("ann")
