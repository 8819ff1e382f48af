"""A rep's link at the desk: what it opens, for how long, and what pressing its buttons does."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import text

from service.desk.attend import attend
from service.desk.hear_link import Button, Pressed, hear_link
from service.desk.link_cards import Card, Stance, masked
from service.desk.links import LINK_GOOD, TOKEN_CHARS, Links, key_of
from service.desk.present import load_team
from service.desk.rep_link import DeadLink, OpenedLink, open_link
from service.desk.take_in import TakenIn
from service.ledger.engine import Ledger
from service.rules.lead import Lead, PageId
from service.rules.timeline import Ending
from service.team.file import parse_team
from tests.rooms.desk_world import LINKS, TEAM, World

_nonces = (f"nonce-{n:04}" for n in count(1))


@pytest.fixture
def world(fresh_ledger: Ledger) -> World:
    return World(fresh_ledger)


def paged(world: World, **asked: str) -> tuple[TakenIn, str]:
    """A lead for which Ann was paged, and the token in her text."""
    lead = world.asks(**asked)
    (page,) = world.pages(lead)
    return lead, token_in(page.row.body)


def token_in(body: str) -> str:
    return body.rpartition("/r/")[2]


def opens(world: World, token: str) -> Card:
    opened = open_link(world.desk, token)
    assert isinstance(opened, OpenedLink), opened
    (card,) = opened.cards
    return card


def presses(
    world: World, token: str, what: Button | Ending, nonce: str = "", when: str | None = None
) -> DeadLink | None:
    return hear_link(world.desk, Pressed(token, token, nonce or next(_nonces), what, when))


def loads(world: World, team: str) -> None:
    """Make this the team, and let the desk see it at once."""
    load_team(world.ledger, parse_team(team, "team.yaml", (2026, 2027)), world.clock.now())
    world.desk = dataclasses.replace(world.desk, present=type(world.desk.present)(world.ledger))


# The token


def test_a_link_is_short_and_ends_in_a_letter_or_digit() -> None:
    made = [LINKS.token_for(PageId(f"{n:08}-random-rest-of-id")) for n in range(300)]
    assert all(len(token) == TOKEN_CHARS and token[-1].isalnum() for token in made)
    assert len({token[8:] for token in made}) == 300


def test_a_signature_is_over_the_whole_id_and_of_this_key() -> None:
    page, other = PageId("AAAAAAAAbbbbbbbbcccccccc"), PageId("AAAAAAAAbbbbbbbbcccccccd")
    token = LINKS.token_for(page)
    assert LINKS.signed(token, page)
    assert not LINKS.signed(token, other)
    assert not Links(LINKS.public_url, "another key").signed(token, page)


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 15, "x" * 17, "x" * 15 + "é", "../../etc/passwd", "%00" * 5 + "x"]
)
def test_what_cannot_be_a_token_is_not_even_looked_up(world: World, token: str) -> None:
    assert key_of(token) is None
    assert open_link(world.desk, token) is DeadLink.UNKNOWN


def test_a_key_is_not_shown_where_values_are_printed() -> None:
    assert LINKS.secret_key not in repr(LINKS)


# What it opens


def test_the_page_in_a_text_ends_with_its_link(world: World) -> None:
    lead = world.asks(ask="solar for my roof")
    (page,) = world.pages(lead)
    assert page.row.body.endswith(f"1 take 2 pass {LINKS.link_for(page.row.id)}")
    assert opens(world, token_in(page.row.body)).stance is Stance.WAITING


def test_before_a_claim_nothing_reaches_the_lead(world: World) -> None:
    _, token = paged(
        world,
        phone="+16465550177",
        email="dana@fox.example",
        ask="Call 646-555-0177 or dana@fox.example, see www.fox.example",
        company="Fox, 646 555 0177",
        referrer="https://fox.example/?mail=dana@fox.example",
    )
    shown = repr(opens(world, token))
    for private in ("0177", "fox.example", "dana@", "referrer='"):
        assert private not in shown
    assert "(number)" in shown and "(e-mail)" in shown and "(link)" in shown


def test_a_request_in_another_script_keeps_its_letters() -> None:
    seen = masked(Lead(name="Δήμητρα 王", ask="Καλέστε ٠١٢٣٤٥٦٧٨٩"))
    assert (seen.name, seen.ask) == ("Δήμητρα 王", "Καλέστε (number)")


def test_after_a_claim_the_rep_sees_everything(world: World) -> None:
    _, token = paged(world, phone="+16465550177", email="dana@fox.example")
    assert presses(world, token, Button.CLAIM) is None
    card = opens(world, token)
    assert card.stance is Stance.MINE
    assert card.lead is not None
    assert (card.lead.phone, card.lead.email) == ("+16465550177", "dana@fox.example")
    assert card.by == world.clock.now() + timedelta(minutes=3)


def test_who_was_paged_and_lost_sees_who_has_it_and_nothing_of_the_lead(world: World) -> None:
    lead, anns = paged(world)
    world.clock.moves(120)
    bobs = next(token_in(page.row.body) for page in world.pages(lead) if page.row.rep_id == "bob")
    presses(world, bobs, Button.CLAIM)
    card = opens(world, anns)
    assert (card.stance, card.owner, card.lead) == (Stance.TAKEN, "bob", None)


def test_a_closed_lead_says_how_it_ended(world: World) -> None:
    _, token = paged(world)
    presses(world, token, Button.CLAIM)
    presses(world, token, Ending.BOOKED)
    card = opens(world, token)
    assert (card.stance, card.lead) == (Stance.CLOSED, None)
    assert card.logged == (Ending.BOOKED, world.clock.now(), None)


def test_an_erased_lead_says_so_and_takes_no_press(world: World) -> None:
    lead, token = paged(world)
    with world.ledger.transaction() as conn:
        conn.execute(text("delete from person where lead_id = :id"), {"id": lead.lead_id})
    assert opens(world, token).stance is Stance.ERASED
    before = world.kinds(lead)
    assert presses(world, token, Button.CLAIM) is None
    assert world.kinds(lead) == before


def test_a_taken_back_lead_may_be_taken_again_or_logged(world: World) -> None:
    lead, token = paged(world)
    presses(world, token, Button.CLAIM)
    world.clock.moves(181)
    world.looks(lead)
    assert opens(world, token).stance is Stance.TAKEN_BACK
    presses(world, token, Ending.TALKED)
    assert opens(world, token).stance is Stance.MINE


def test_reading_writes_nothing(world: World) -> None:
    lead, token = paged(world)
    before, woken = world.timeline(lead), list(world.woken)
    for _ in range(3):
        opens(world, token)
    assert world.timeline(lead) == before
    assert world.woken == woken


# How long


def test_a_link_is_good_for_seven_days_of_the_business_clock(world: World) -> None:
    _, token = paged(world)
    world.clock.at += LINK_GOOD - timedelta(seconds=1)
    assert opens(world, token)
    world.clock.moves(1)
    assert open_link(world.desk, token) is DeadLink.EXPIRED
    assert presses(world, token, Button.CLAIM) is DeadLink.EXPIRED


def test_one_wrong_letter_opens_nothing(world: World) -> None:
    lead, token = paged(world)
    for place in range(len(token)):
        forged = token[:place] + ("x" if token[place] != "x" else "y") + token[place + 1 :]
        assert open_link(world.desk, forged) is DeadLink.UNKNOWN
        assert presses(world, forged, Button.CLAIM) is DeadLink.UNKNOWN
    assert world.standing(lead).owner is None


def test_the_link_of_a_rep_who_left_is_dead(world: World) -> None:
    _, token = paged(world)
    without = TEAM.replace('  - {id: ann, name: Ann Lee, phone: "+12125550101"}\n', "")
    loads(world, without.replace("[ann, bob]", "[bob]"))
    assert open_link(world.desk, token) is DeadLink.LEFT
    assert presses(world, token, Button.CLAIM) is DeadLink.LEFT
    loads(world, TEAM)
    assert opens(world, token).stance is Stance.WAITING, "who is back has what was theirs"


def test_a_managers_link_does_what_a_reps_does(world: World) -> None:
    loads(world, TEAM.replace("turn: ", "ladder: [{at: 0s, page: managers, by: text}]\nturn: "))
    lead, token = paged(world)
    assert opens(world, token).stance is Stance.WAITING
    presses(world, token, Button.CLAIM)
    assert world.standing(lead).owner == "mia"
    assert opens(world, token).lead


def test_the_card_pressed_must_be_one_of_the_link(world: World) -> None:
    _, token = paged(world)
    other, others = paged(world, name="Eve Other")
    pressed = Pressed(token, others, next(_nonces), Button.CLAIM)
    assert hear_link(world.desk, pressed) is DeadLink.UNKNOWN
    assert world.standing(other).owner is None


# What pressing does


def test_a_claim_says_by_whom_and_how_and_is_followed_by_the_usual_text(world: World) -> None:
    lead, token = paged(world)
    presses(world, token, Button.CLAIM)
    claimed = next(event for event in world.timeline(lead) if event.kind == "claimed")
    assert (claimed.actor, claimed.because) == ("rep:ann", "pressed Claim on the page")
    assert world.facts(lead, "claimed") == [{"rep": "ann", "by": "link"}]
    assert world.woken[-1] == lead.lead_id
    (note,) = world.pages(lead)
    assert "Dana Fox is yours, Ann" in note.row.body


def test_a_pass_asks_the_next_rep_and_texts_nobody_else(world: World) -> None:
    lead, token = paged(world)
    presses(world, token, Button.PASS)
    assert opens(world, token).stance is Stance.PASSED
    assert [page.row.rep_id for page in world.pages(lead)] == ["bob"]


def test_a_claim_that_came_too_late_is_answered_on_the_page_alone(world: World) -> None:
    lead, anns = paged(world)
    world.clock.moves(120)
    bobs = next(token_in(page.row.body) for page in world.pages(lead) if page.row.rep_id == "bob")
    presses(world, bobs, Button.CLAIM)
    presses(world, anns, Button.CLAIM)
    assert world.facts(lead, "claim_lost") == [{"rep": "ann", "by": "link", "owner": "bob"}]
    notes = [page.row.rep_id for page in world.pages(lead) if page.row.kind == "note_text"]
    assert notes == ["bob"]


@pytest.mark.parametrize(
    ("ending", "kinds"),
    [
        (Ending.TALKED, ["attempted", "contacted", "outcome"]),
        (Ending.VOICEMAIL, ["attempted", "voicemail_left", "outcome"]),
        (Ending.NO_ANSWER, ["attempted", "no_answer", "outcome"]),
        (Ending.CALL_LATER, ["attempted", "no_answer", "outcome"]),
        (Ending.BOOKED, ["attempted", "contacted", "outcome", "settled"]),
        (Ending.WRONG_NUMBER, ["attempted", "no_answer", "outcome", "settled"]),
        (Ending.NOT_INTERESTED, ["attempted", "contacted", "outcome", "settled"]),
        (Ending.NOT_A_LEAD, ["outcome", "excluded"]),
    ],
)
def test_an_outcome_says_what_the_same_digit_says_by_text(
    world: World, ending: Ending, kinds: list[str]
) -> None:
    lead, token = paged(world)
    presses(world, token, Button.CLAIM)
    before = len(world.kinds(lead))
    presses(world, token, ending, when="fri 4pm" if ending is Ending.CALL_LATER else None)
    assert world.kinds(lead)[before:] == kinds
    (said,) = world.facts(lead, "outcome")
    assert said["by"] == "link"
    assert said.get("reason") == ("fri 4pm" if ending is Ending.CALL_LATER else None)


def test_the_same_press_twice_is_once(world: World) -> None:
    lead, token = paged(world)
    presses(world, token, Button.CLAIM)
    for _ in range(3):
        presses(world, token, Ending.NO_ANSWER, "one-render")
    assert world.standing(lead).attempts == 1
    presses(world, token, Ending.NO_ANSWER, "another-one")
    assert world.standing(lead).attempts == 2


def test_two_deliveries_of_one_press_at_once_are_one(world: World) -> None:
    lead, token = paged(world)
    presses(world, token, Button.CLAIM)
    gate = threading.Barrier(4)

    def press() -> None:
        gate.wait()
        presses(world, token, Ending.NO_ANSWER, "one-render")

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.standing(lead).attempts == 1


def test_of_two_reps_who_press_at_once_one_has_it(world: World) -> None:
    lead, anns = paged(world)
    world.clock.moves(120)
    bobs = next(token_in(page.row.body) for page in world.pages(lead) if page.row.rep_id == "bob")
    gate = threading.Barrier(2)

    def press(token: str) -> None:
        gate.wait()
        presses(world, token, Button.CLAIM)

    threads = [threading.Thread(target=press, args=(token,)) for token in (anns, bobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.facts(lead, "claimed")) == 1
    stances = sorted(opens(world, token).stance for token in (anns, bobs))
    assert stances == [Stance.MINE, Stance.TAKEN]


def test_a_repeat_of_a_page_has_its_firsts_link(world: World) -> None:
    """A row whose answer was lost is sent once more beside itself, with the same words."""
    lead, token = paged(world)
    with world.ledger.transaction() as conn:
        conn.execute(
            text(
                "insert into outbox (id, lead_id, seq, kind, channel, rep_id, to_number, body,"
                " not_after, ordered_at, tries, again_of)"
                " select id || '.2', lead_id, seq, kind, channel, rep_id, to_number, body,"
                " not_after, ordered_at, 2, id from outbox where lead_id = :id"
            ),
            {"id": lead.lead_id},
        )
    assert opens(world, token).stance is Stance.WAITING


def test_a_text_that_carries_several_leads_opens_them_all(world: World) -> None:
    dana, token = paged(world)
    world.clock.moves(1)
    eve, eves = paged(world, name="Eve Roy")
    with world.ledger.transaction() as conn:
        conn.execute(
            text(
                "update outbox set carried_by ="
                " (select id from outbox where lead_id = :dana) where lead_id = :eve"
            ),
            {"dana": dana.lead_id, "eve": eve.lead_id},
        )
    opened = open_link(world.desk, token)
    assert isinstance(opened, OpenedLink)
    assert [card.lead.name for card in opened.cards if card.lead] == ["Dana Fox", "Eve Roy"]
    assert hear_link(world.desk, Pressed(token, eves, "one-render", Button.CLAIM)) is None
    assert (world.standing(eve).owner, world.standing(dana).owner) == ("ann", None)


def test_a_second_try_of_a_shared_text_opens_them_all_too(world: World) -> None:
    dana, token = paged(world)
    world.clock.moves(1)
    eve, _ = paged(world, name="Eve Roy")
    with world.ledger.transaction() as conn:
        conn.execute(
            text(
                "insert into outbox (id, lead_id, seq, kind, channel, rep_id, to_number, body,"
                " not_after, ordered_at, tries, again_of)"
                " select id || '.2', lead_id, seq, kind, channel, rep_id, to_number, body,"
                " not_after, ordered_at, 2, id from outbox"
            )
        )
        conn.execute(
            text(
                "update outbox set carried_by = (select id from outbox"
                " where lead_id = :dana and tries = 2) where lead_id = :eve and tries = 2"
            ),
            {"dana": dana.lead_id, "eve": eve.lead_id},
        )
    opened = open_link(world.desk, token)
    assert isinstance(opened, OpenedLink)
    assert [card.lead.name for card in opened.cards if card.lead] == ["Dana Fox", "Eve Roy"]


def test_a_press_on_a_settled_look_is_seen_by_the_next(world: World) -> None:
    """A claim by link holds the ladder as one by text does."""
    lead, token = paged(world)
    presses(world, token, Button.CLAIM)
    world.clock.moves(60)
    attend(world.desk, lead.lead_id)
    assert not [row for row in world.sends_all() if row.row.kind.startswith("page")]
