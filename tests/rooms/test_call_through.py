"""A colleague calls one of our numbers from their own phone, and is connected with a lead."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

from service.desk.calls import calling_in, through
from service.desk.calls.through import Offer
from service.desk.take_in import TakenIn
from service.ledger import calls
from service.ledger.engine import Ledger
from service.phone.call_callbacks import Keyed
from service.phone.caller_callbacks import InboundCall
from service.rules.lead import CallId, LeadId
from service.rules.standing import State
from tests.rooms.callers_world import MAIN_LINE, Phones, kinds, new_sid, said, verbs
from tests.rooms.desk_world import ANN, BOB

PAGES_FROM = "+15005550006"


@pytest.fixture
def world(fresh_ledger: Ledger) -> Phones:
    return Phones(fresh_ledger)


class Colleague:
    """Somebody of the team, on the phone with us."""

    def __init__(self, world: Phones, phone: str = ANN, to: str = PAGES_FROM) -> None:
        self.world = world
        self.call = InboundCall(new_sid("CA"), phone, to, "ringing")
        self.hears = calling_in.answer(world.desk, self.call)

    def presses(self, digit: str | None) -> str:
        """A key, in answer to what they heard last; what they hear then."""
        self.hears = self.key(digit, self.asked())
        return self.hears

    def key(self, digit: str | None, offer: Offer) -> str:
        key = Keyed("through", CallId(self.call.sid), self.call.sid, digit)
        return through.hear_key(self.world.desk, self.call, key, offer)

    def asked(self) -> Offer:
        """What the address of the key says that was offered."""
        gather = ElementTree.fromstring(self.hears).find("Gather")
        assert gather is not None, self.hears
        told = parse_qs(urlsplit(gather.get("action") or "").query)
        lead = told.get("lead", [None])[0]
        return Offer(LeadId(lead) if lead else None, int(told["place"][0]), int(told["wrong"][0]))


def lead_of(world: Phones, name: str, *, owner: str | None = None) -> LeadId:
    """A lead whom Ann was paged for, and which somebody may have taken since."""
    taken = world.asks(name, ask="Solar for a barn, call 212 555 0142")
    world.pages(taken)
    if owner is not None:
        world.texts(owner, "1")
    world.clock.moves(5)
    return taken.lead_id


def test_the_page_that_waits_is_whispered_taken_and_connected(world: Phones) -> None:
    lead = lead_of(world, "Dana Fox")
    ann = Colleague(world)
    assert verbs(ann.hears) == ["Gather", "Gather", "Hangup"]
    assert "Dana Fox" in said(ann.hears)
    assert "barn" in said(ann.hears)
    assert "0142" not in ann.hears
    assert "646" not in said(ann.hears)
    assert calling_in.answer(world.desk, ann.call) == ann.hears
    offer = ann.asked()
    document = ann.presses("1")
    assert verbs(document) == ["Dial"]
    assert ann.key("1", offer) == document
    assert kinds(world, lead)[-2:] == ["claimed", "dialled"]
    with world.ledger.transaction() as conn:
        row = calls.call_by_sid(conn, ann.call.sid)
    assert row is not None
    assert (row.direction, row.rep_id, row.lead_id) == ("through", "ann", lead)


def test_the_leads_they_have_come_one_after_the_other(world: Phones) -> None:
    first = lead_of(world, "Dana Fox", owner=ANN)
    second = lead_of(world, "Eve Gray", owner=ANN)
    ann = Colleague(world)
    assert "Eve Gray" in said(ann.hears)
    assert ann.asked().lead_id == second
    assert "Dana Fox" in said(ann.presses("*"))
    assert "next one" not in said(ann.hears)
    assert "Nothing is waiting" in said(ann.presses("*"))
    ann = Colleague(world)
    ann.presses("*")
    assert verbs(ann.presses("1")) == ["Dial"]
    assert kinds(world, first)[-1] == "dialled"
    assert "dialled" not in kinds(world, second)
    # While they talk, nobody is connected with that lead a second time.
    bob = Colleague(world, BOB)
    assert "has it" in said(bob.key("1", Offer(first)))


def test_two_passes_and_the_next_is_offered(world: Phones) -> None:
    lead = lead_of(world, "Dana Fox")
    ann = Colleague(world)
    assert "Nothing is waiting" in said(ann.presses("2"))
    assert kinds(world, lead)[-1] == "passed"


def test_nobody_reaches_a_lead_that_they_were_not_asked_about(world: Phones) -> None:
    lead = lead_of(world, "Dana Fox")
    bob = Colleague(world, BOB)
    assert "Nothing is waiting" in said(bob.hears)
    assert "Dial" not in verbs(bob.key("1", Offer(lead)))
    assert "claimed" not in kinds(world, lead)
    stranger = InboundCall(bob.call.sid, "+12125550199", PAGES_FROM)
    key = Keyed("through", CallId(bob.call.sid), bob.call.sid, "1")
    assert verbs(through.hear_key(world.desk, stranger, key, Offer(lead))) == ["Hangup"]
    assert "Nothing" in said(bob.key("1", Offer(None)))
    assert "closed" in said(bob.key("1", Offer(LeadId("no-lead-of-ours"))))


def test_a_key_is_always_needed(world: Phones) -> None:
    lead = lead_of(world, "Dana Fox")
    ann = Colleague(world)
    assert "Dana Fox" in said(ann.presses(None))
    assert "Dana Fox" in said(ann.presses("7"))
    assert verbs(ann.presses("7")) == ["Hangup"]
    assert kinds(world, lead)[-1] != "dialled"


def test_nine_goes_on_as_a_caller(world: Phones) -> None:
    ann = Colleague(world, to=MAIN_LINE)
    document = ann.presses("9")
    assert verbs(document) == ["Enqueue"]
    with world.ledger.transaction() as conn:
        row = calls.call_by_sid(conn, ann.call.sid)
    assert row is not None
    assert row.direction == "in"
    assert kinds(world, row.lead_id) == ["arrived", "called_in"]
    elsewhere = Colleague(world, BOB, to=PAGES_FROM)
    assert verbs(elsewhere.presses("9")) == ["Enqueue"]


def test_a_lead_that_may_not_be_called_yet_is_theirs_all_the_same(world: Phones) -> None:
    lead = lead_of(world, "Dana Fox")
    world.clock.moves(11 * 3600)  # nine in the evening where the lead is
    ann = Colleague(world)
    assert "too late or too early" in said(ann.presses("1"))
    assert "dialled" not in kinds(world, lead)
    assert kinds(world, lead).count("claimed") == 1
    assert world.standing(TakenIn(lead, duplicate=False)).state is State.CLAIMED
