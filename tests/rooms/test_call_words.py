"""What a rep is texted and shown about calls, by the desk over a real ledger: being rung, asking to
be rung, what is owed, what the lead wrote; and that nothing of it tells the lead's number.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.desk.hear_link import Button, Pressed, hear_link
from service.desk.link_cards import Card, Stance
from service.desk.record import hold, numbered, record
from service.desk.rep_link import OpenedLink, open_link
from service.desk.take_in import TakenIn
from service.ledger import calls, messages, recordings
from service.ledger.calls import NewCall
from service.ledger.engine import Ledger
from service.ledger.outbox_rows import LANE_BRIDGE, LANE_OWED, LANE_PLAIN
from service.ledger.recordings import Recording
from service.rules.call_facts import (
    Attempted,
    CallMissed,
    Dialled,
    LeadReplied,
    NoAnswer,
    RingFailed,
    VoicemailReceived,
)
from service.rules.lead import CallId
from service.rules.standing import Came
from service.rules.timeline import Fact
from service.web.rep_words import card_view
from tests.rooms.desk_world import ANN, BOB, LINKS, World

PHONE = "+16465550177"
NUMBER = "6465550177"
OURS = "+15005550007"
CALL = CallId("call-0000000000000000000000")


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    return World(fresh_ledger, bridges=True)


@pytest.fixture
def alone(fresh_ledger: Ledger) -> World:
    """A team whose reps dial for themselves."""
    return World(fresh_ledger)


def happens(world: World, lead: TakenIn, *facts: Fact) -> None:
    """The carrier told of this, and the desk wrote it down."""
    with world.ledger.transaction() as conn:
        held = hold(conn, lead.lead_id)
        assert held is not None
        now = world.clock.now()
        events = numbered(held, facts, at=now, now=now, because="told", actor="carrier")
        record(conn, held, events)


def calls_in_vain(world: World, lead: TakenIn, rep: str = "ann", *, asks: bool = False) -> None:
    """The rep was connected, and nobody answered."""
    happens(world, lead, Dialled(CALL, rep))  # type: ignore[arg-type]  # a plain id
    world.clock.moves(40)
    tried = Attempted(rep, "A", CALL, ended="no_answer", asks=asks)  # type: ignore[arg-type]
    happens(world, lead, tried, NoAnswer("A", rep, CALL))  # type: ignore[arg-type]


def claimed(world: World, **asked: str) -> tuple[TakenIn, str]:
    """A lead that Ann took by text, and the token of her page."""
    lead = world.asks(phone=PHONE, **asked)
    (page,) = world.pages(lead)
    world.texts(ANN, "1")
    return lead, page.row.body.rpartition("/r/")[2]


def bodies(world: World, lead: TakenIn, kind: str = "text") -> list[str]:
    """What the next look texts (or says), in order."""
    return [each.row.body for each in world.pages(lead) if each.row.channel.value == kind]


def card(world: World, token: str) -> Card:
    opened = open_link(world.desk, token)
    assert isinstance(opened, OpenedLink)
    return opened.cards[0]


def digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


# Being rung


def test_who_claims_is_rung_and_told_so_and_reads_no_number(world: World) -> None:
    lead, token = claimed(world, ask=f"Solar. My number is {PHONE}", email="dana@fox.example")
    sent = world.pages(lead)
    (note,) = [each.row for each in sent if each.row.kind == "note_text"]
    (ring,) = [each.row for each in sent if each.row.kind == "bridge_call"]
    assert note.body == "Dana Fox is yours, Ann. Your phone rings now, press 1 to be connected."
    assert (ring.to_number, ring.lane, str(ring.call_id)) == (ANN, LANE_BRIDGE, str(ring.id))
    assert ring.body.startswith("Dana Fox asks: Solar. My number is number, by way of website.")
    world.texts(ANN, "1")
    (answer,) = bodies(world, lead)
    assert answer == "Your phone rings now for Dana Fox, press 1 to be connected."
    world.texts(ANN, "more")
    more = " ".join(bodies(world, lead))
    assert "Solar. My number is (number)" in more and "dana@fox.example" in more
    shown = card(world, token)
    assert shown.stance is Stance.MINE and shown.ringing
    assert (shown.way.private, shown.way.number) == (True, OURS)
    assert shown.lead and shown.lead.email == "dana@fox.example"
    assert NUMBER not in digits(repr(shown)) and NUMBER not in digits(note.body + more)


def test_a_missed_ring_is_told_once_and_rung_again_by_text_and_by_page(world: World) -> None:
    lead, token = claimed(world)
    world.pages(lead)
    (rang,) = world.facts(lead, "rang")
    leg = str(rang["leg"])
    happens(world, lead, RingFailed("ann", CallId(leg), leg, "no_key"))  # type: ignore[arg-type]
    assert "Dana Fox: Missed you. 1 ring again, 2 pass." in bodies(world, lead)
    world.clock.moves(5)
    world.texts(ANN, "1")
    world.pages(lead)
    leg = str(world.facts(lead, "rang")[1]["leg"])
    happens(world, lead, RingFailed("ann", CallId(leg), leg, "busy"))  # type: ignore[arg-type]
    hear_link(world.desk, Pressed(token, token, "nonce-of-a-form", Button.CLAIM))
    asked = [e.because for e in world.timeline(lead) if e.kind == "ring_asked"]
    assert asked == ["Ann replied by text", "pressed Ring me on the page"]
    world.texts(ANN, "2")
    assert world.standing(lead).owner is None


def test_outside_lawful_hours_the_claim_says_when_their_phone_rings(world: World) -> None:
    world.clock.at = world.clock.at.replace(hour=11, minute=30)  # 06:30 in New York
    lead, token = claimed(world)
    sent = world.pages(lead)
    assert [each.row.kind for each in sent] == ["note_text"]
    said = "They may be called from 08:00 on, your phone rings then."
    assert sent[0].row.body == f"Dana Fox is yours, Ann. {said}"
    assert card(world, token).way.lawful_at == world.clock.at + timedelta(minutes=90)
    world.texts(ANN, "1")
    assert said in bodies(world, lead)[-1]


def test_who_dials_for_themselves_is_told_the_number(alone: World) -> None:
    lead, token = claimed(alone)
    (note,) = bodies(alone, lead)
    assert "Call +1 646 555 0177 within 3 min. After the call: 3 talked" in note
    shown = card(alone, token)
    assert shown.lead and shown.lead.phone == PHONE and not shown.way.connects
    alone.texts(ANN, "5")
    bodies(alone, lead)
    alone.clock.moves(16 * 60)
    (owed,) = bodies(alone, lead)
    assert "2ND CALL to Dana Fox is due by 10:30. 1 number 2 pass" in owed
    alone.texts(ANN, "1")
    assert "Call +1 646 555 0177 now" in bodies(alone, lead)[0]


# How it went, and what is owed


def test_the_outcome_is_asked_only_where_the_facts_leave_it_open(world: World) -> None:
    lead, token = claimed(world)
    world.pages(lead)
    calls_in_vain(world, lead, asks=True)
    asks = card(world, token)
    assert asks.call and asks.call.asks
    view = card_view(asks, world.desk.present.crew(), asks.owner or "ann", world.clock.now())  # type: ignore[arg-type]
    assert view.asks == "10:00" and view.call == ""
    world.clock.moves(20)
    (asked,) = bodies(world, lead)
    assert asked.startswith("How did it go with Dana Fox? 3 talked 4 voicemail 5 no answer")
    world.texts(ANN, "8 fri 4pm")
    (said,) = world.facts(lead, "outcome")
    assert (said["call_id"], said["call_at"]) == (CALL, "2026-03-06T21:00:00+00:00")
    assert "Logged: Dana Fox, later, Fri 6 Mar 16:00." in bodies(world, lead)
    shown = card(world, token)
    view = card_view(shown, world.desk.present.crew(), "ann", world.clock.now())  # type: ignore[arg-type]
    assert view.owed == "Agreed call owed by Fri 6 Mar 16:15"
    assert (view.asks, view.call) == ("", "Called at 10:00: no answer")


def test_a_second_call_is_asked_for_and_one_key_makes_it(world: World) -> None:
    lead, token = claimed(world)
    world.pages(lead)
    calls_in_vain(world, lead)
    assert bodies(world, lead) == []
    shown = card(world, token)
    assert shown.call and shown.call.came is Came.NO_ANSWER and not shown.call.asks
    world.clock.moves(15 * 60)
    (page,) = world.pages(lead)
    body, link = page.row.body, LINKS.link_for(page.row.id)
    assert body == f"10:15 2ND CALL to Dana Fox is due by 10:30. 1 ring me 2 pass {link}"
    assert page.row.lane == LANE_PLAIN
    other = world.asks("Eve Roy")
    assert "1B take 2B pass" in bodies(world, other)[0]
    world.clock.moves(4)
    world.texts(ANN, "1")
    (listed,) = bodies(world, lead)
    assert listed == "Which one? Dana Fox: 1A call 2A pass. Eve Roy: 1B take 2B pass."
    world.texts(ANN, "1a")
    (ring,) = [each.row for each in world.pages(lead) if each.row.kind == "bridge_call"]
    assert ring.body.startswith("2nd call owed: Dana Fox")
    assert world.standing(other).owner is None


def test_an_owed_call_is_paged_by_voice_before_new_pages(world: World) -> None:
    lead, _ = claimed(world)
    world.pages(lead)
    calls_in_vain(world, lead)
    world.looks(lead)
    world.clock.moves(15 * 60)
    world.pages(lead)
    world.clock.moves(5 * 60)
    (page,) = world.pages(lead)
    assert (page.row.kind, page.row.lane) == ("page_call", LANE_OWED)
    assert page.row.body == (
        "2nd call owed: Dana Fox is to be called by 10:30. Press 1 to be connected, 2 to pass."
    )
    world.clock.moves(11 * 60)
    sent = {each.row.to_number: each.row.body for each in world.pages(lead)}
    assert "The call owed to Dana Fox was not made in time, passing it on." in sent[ANN]
    assert "LEAD 2ND CALL Dana Fox" in sent[BOB]


# What the lead does


def voicemail(world: World, lead: TakenIn, words: str | None) -> None:
    now = world.clock.now()
    with world.ledger.transaction() as conn:
        calls.open_call(conn, NewCall(CALL, lead.lead_id, None, "in", OURS, PHONE, began_at=now))
        recordings.keep(
            conn, Recording("RE1", CALL, lead.lead_id, "voicemail", 23, now, transcript=words)
        )
    happens(world, lead, VoicemailReceived(CALL, 23.0))


def test_a_voicemail_is_paged_with_who_how_long_and_its_first_words(world: World) -> None:
    lead, token = claimed(world)
    world.pages(lead)
    calls_in_vain(world, lead)
    world.pages(lead)
    voicemail(world, lead, f"It's Dana, call {PHONE} on Friday")
    (body,) = bodies(world, lead)
    assert "VOICEMAIL 23 s from Dana Fox: It's Dana, call (number) on Friday." in body
    assert "Call back by 10:15. 1 ring me 2 pass" in body
    shown = card(world, token)
    view = card_view(shown, world.desk.present.crew(), "ann", world.clock.now())  # type: ignore[arg-type]
    (message,) = view.voicemails
    assert message.path == f"{token}/voicemail/RE1"
    assert message.heading == "Voicemail, 0:23, 10:00"
    assert message.words == "It's Dana, call (number) on Friday"
    assert view.owed == "They left a voicemail: call back by 10:15"


def test_a_lead_nobody_has_is_paged_by_what_it_did(world: World) -> None:
    lead = world.asks(phone=PHONE)
    world.pages(lead)
    world.clock.moves(700)
    happens(world, lead, CallMissed(CALL, 31.0))
    paged = bodies(world, lead)
    assert any("LEAD MISSED CALL Dana Fox" in body for body in paged)


def test_what_the_lead_writes_reaches_its_owner(world: World) -> None:
    lead, _ = claimed(world)
    world.pages(lead)
    calls_in_vain(world, lead)
    world.pages(lead)
    with world.ledger.transaction() as conn:
        messages.keep(conn, "SM-of-dana", lead.lead_id, world.clock.now(), f"Ring {PHONE} at 5")
    happens(world, lead, LeadReplied("SM-of-dana"))
    assert "Dana Fox wrote: Ring (number) at 5. 1 ring me." in bodies(world, lead)
