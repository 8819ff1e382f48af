"""People who are not on the team text us: new leads, known ones, and those who want to stop."""

from __future__ import annotations

from itertools import count

import pytest
from sqlalchemy import text

from service.desk.hear_fact import FactKind, OutsideFact, hear_fact
from service.desk.hear_text import hear_text
from service.ledger import inbound, leads, messages
from service.ledger.engine import Ledger
from service.phone.callbacks import InboundText
from service.rules.lead import LeadId, RepId
from service.rules.standing import State
from tests.rooms.callers_world import MAIN_LINE, Phones, facts, kinds, standing
from tests.rooms.desk_world import ANN

PAGES_FROM = "+15005550006"
_numbers = count(1)


@pytest.fixture(scope="module")
def world(ledger: Ledger) -> Phones:
    return Phones(ledger, bridges=False)


@pytest.fixture
def dana() -> str:
    """Somebody new."""
    return f"+1212555{next(_numbers) + 1000:04}"


def texts(
    world: Phones,
    phone: str,
    words: str,
    to: str = MAIN_LINE,
    *,
    sid: str | None = None,
    pictures: int = 0,
    opt_out: str | None = None,
) -> str:
    sid = sid or f"SMlead{next(_numbers):028}"
    hear_text(world.desk, InboundText(sid, phone, to, words, opt_out, pictures))
    return sid


def leads_of(world: Phones, phone: str) -> list[LeadId]:
    with world.ledger.transaction() as conn:
        return [each.id for each in leads.leads_of_person(conn, [f"phone:{phone}"])]


def unreadable(world: Phones) -> int:
    with world.ledger.transaction() as conn:
        return len(inbound.unreadable(conn))


def asked(world: Phones, lead: LeadId) -> str:
    with world.ledger.transaction() as conn:
        person = leads.person_of(conn, lead)
    assert person is not None
    return person.ask


def test_a_strangers_text_opens_a_lead_with_their_words(world: Phones, dana: str) -> None:
    sid = texts(world, dana, "Do you do barns?\nThanks")
    (lead,) = leads_of(world, dana)
    assert kinds(world, lead) == ["arrived"]
    assert facts(world, lead, "arrived")[0]["source"] == "main-line"
    assert asked(world, lead) == "Do you do barns? Thanks"
    with world.ledger.transaction() as conn:
        assert messages.message(conn, sid) == "Do you do barns? Thanks"
    assert world.woken[-1] == lead
    # The same delivery once more, and then a second text before anybody has the lead.
    texts(world, dana, "Do you do barns?\nThanks", sid=sid)
    assert kinds(world, lead) == ["arrived"]
    second = texts(world, dana, "A red one")
    texts(world, dana, "A red one", sid=second)
    assert leads_of(world, dana) == [lead]
    assert kinds(world, lead) == ["arrived", "lead_replied"]
    assert asked(world, lead) == "Do you do barns? Thanks / Again: A red one"


def test_pictures_and_nothing_at_all_are_words_too(world: Phones, dana: str) -> None:
    texts(world, dana, "", pictures=2)
    assert asked(world, leads_of(world, dana)[0]) == "Sent a picture"


@pytest.mark.parametrize("from_", ["262966", "ACME", "+266696687xx"])
def test_who_cannot_be_called_back_is_kept_for_a_person(world: Phones, from_: str) -> None:
    before = unreadable(world)
    texts(world, from_, "Win a prize")
    assert unreadable(world) == before + 1


def test_a_stranger_is_a_lead_only_where_leads_come_in(world: Phones, dana: str) -> None:
    before = unreadable(world)
    texts(world, dana, "Hello?", PAGES_FROM)
    assert leads_of(world, dana) == []
    assert unreadable(world) == before + 1


def test_a_known_lead_is_heard_on_every_number_and_reaches_its_owner(
    world: Phones, dana: str
) -> None:
    lead = world.asks(phone=dana)
    world.pages(lead)
    world.texts(ANN, "1")
    sid = texts(world, dana, "Call me at four", PAGES_FROM)
    assert facts(world, lead.lead_id, "lead_replied") == [{"message_id": sid}]
    assert world.standing(lead).owner == "ann"
    assert "contacted" not in world.kinds(lead)  # nobody has called yet
    assert asked(world, lead.lead_id) == ""
    assert [each.kind for each in world.standing(lead).to_tell][-1] == "lead_replied"


def test_an_answer_after_a_call_is_contact(world: Phones, dana: str) -> None:
    lead = world.asks(phone=dana)
    called = OutsideFact(FactKind.ATTEMPTED, rep=RepId("ann"))
    hear_fact(world.desk, lead.lead_id, called, "called once")
    texts(world, dana, "Sorry, missed you")
    reached = facts(world, lead.lead_id, "contacted")[0]
    assert (reached["evidence"], reached["rep"]) == ("B", "ann")
    assert world.standing(lead).first_contact_at == world.clock.now()
    texts(world, dana, "Friday suits me")
    assert world.kinds(lead).count("contacted") == 1
    assert world.kinds(lead).count("lead_replied") == 2


def test_a_lead_that_stops_ends_and_says_so_once(world: Phones, dana: str) -> None:
    lead = world.asks(phone=dana)
    sid = texts(world, dana, "Stop.")
    texts(world, dana, "Stop.", sid=sid)
    texts(world, dana, "STOP")
    assert world.kinds(lead)[-1] == "opted_out"
    assert world.kinds(lead).count("opted_out") == 1
    assert world.standing(lead).state is State.SETTLED
    texts(world, dana, "START")
    assert world.kinds(lead)[-1] == "opted_out"
    # Their own words again open it again.
    texts(world, dana, "Please do call me")
    assert world.kinds(lead)[-2:] == ["reopened", "lead_replied"]


def test_a_stop_or_start_from_nobody_opens_nothing(world: Phones, dana: str) -> None:
    texts(world, dana, "STOP")
    texts(world, dana, "start")
    texts(world, dana, "Yes", opt_out="START")
    assert leads_of(world, dana) == []
    # A plain yes is an answer, and what they say.
    texts(world, dana, "Yes")
    assert asked(world, leads_of(world, dana)[0]) == "Yes"


def test_what_was_written_is_not_in_the_timeline(world: Phones, dana: str) -> None:
    texts(world, dana, "My secret barn")
    texts(world, dana, "My other barn")
    with world.ledger.transaction() as conn:
        found = conn.execute(
            text("select count(*) from event where fields::text like '%barn%'")
        ).scalar()
    assert found == 0
    assert standing(world, leads_of(world, dana)[0]).state is State.WAITING
