"""Reps who open the link of a page's text and press its buttons, once or twice."""

from __future__ import annotations

import re

from service.desk.hear_link import Button, Pressed, hear_link
from service.desk.link_cards import MAY_CLAIM, MAY_LOG, Card
from service.desk.rep_link import OpenedLink, open_link
from service.rules.timeline import Ending
from tests.sim.phones import Phone
from tests.sim.seen import Changes
from tests.sim.world import World

_LINK = re.compile(r"/r/([A-Za-z0-9_-]{16})")


def may_open(world: World) -> float:
    return 0.5 if _links(world) else 0.0


def opens(world: World) -> str:
    """Somebody opens a link they were sent, and presses what it offers; or sends a form again."""
    rng = world.rng
    if world.street.presses and rng.random() < 0.2:
        who, pressed = rng.choice(world.street.presses)
        return _presses(world, who, pressed, again=True)
    phone, token = rng.choice(_links(world)[-6:])
    web = rng.choice(world.webs)
    came = world.runs(web, lambda: open_link(web.desk, token))
    if not isinstance(came.value, OpenedLink):
        return f"{phone.person} opens a link: {came.value or came.fate}"
    cards = [(card, what) for card in came.value.cards for what in _offered(card)]
    if not cards:
        return f"{phone.person} opens a link, and there is nothing to press"
    card, what = rng.choice(cards)
    pressed = Pressed(token, card.token, f"n{len(world.street.presses)}", what)
    world.street.presses.append((phone.person, pressed))
    return _presses(world, phone.person, pressed, again=False)


def _offered(card: Card) -> list[Button | Ending]:
    """What the page of a lead that stands so has buttons for."""
    found: list[Button | Ending] = []
    if card.stance in MAY_CLAIM:
        found += [Button.CLAIM, Button.CLAIM, Button.PASS]
    if card.stance in MAY_LOG:
        found += [Ending.TALKED, Ending.NO_ANSWER, Ending.BOOKED]
    return found


def _presses(world: World, who: str, pressed: Pressed, *, again: bool) -> str:
    web = world.rng.choice(world.webs)
    known = pressed.nonce in world.street.heard_presses
    came = world.runs(web, lambda: hear_link(web.desk, pressed))
    if came.well:
        world.street.heard_presses.add(pressed.nonce)

    def once(changes: Changes) -> str | None:
        if known and (changes.events or changes.rows):
            return f"{who}'s button, pressed twice, changed something"
        return None

    world.expected = once
    said = "sends again" if again else "presses"
    return f"{who} {said} {pressed.what}: {came.value or came.fate or 'heard'}"


def _links(world: World) -> list[tuple[Phone, str]]:
    """Every link that has landed on a phone, in the order of sending."""
    return [
        (phone, found[1])
        for phone in world.phones
        for text in phone.texts
        if (found := _LINK.search(text.body))
    ]
