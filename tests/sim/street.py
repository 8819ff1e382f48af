"""What happens outside: leads ask, reps answer, the carrier tells, others know better.

Whoever gets no answer may send again, as sources and carriers do; whatever is heard twice must
change nothing the second time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from service.desk.hear_fact import FactKind, OutsideFact, hear_fact
from service.desk.hear_key import hear_key, spoken_page
from service.desk.hear_line import hear_receipt
from service.desk.hear_text import hear_text
from service.desk.take_in import take_in
from service.intake.arrival import Arrival
from service.phone.callbacks import InboundText, KeyPressed
from service.rules.lead import Lead, LeadId, RepId, SourceId
from service.rules.replies import START_WORDS, STOP_WORDS
from service.rules.timeline import Ending
from tests.sim import bridges, callers
from tests.sim.carrier import Sent
from tests.sim.drawn import PAGES_FROM
from tests.sim.phones import Phone
from tests.sim.remembered import Request, Said
from tests.sim.seen import Changes
from tests.sim.world import World

WEBSITE = SourceId("website")
PEOPLE = ("Dana Fox", "Eli Roy", "Fay Orr", "Gus Poe", "Hal Tan", "Ida Low", "Jan Moe", "Kim Rae")
# How long a call may ring before it has been missed.
RINGS = timedelta(seconds=30)


# Leads


def may_arrive(world: World) -> float:
    asked = len(world.street.requests)
    return 0.0 if asked >= world.setting.leads else 0.5 if asked else 3.0


def arrives(world: World) -> str:
    """Somebody asks: for the first time, or again."""
    rng, number = world.rng, len(world.street.requests)
    who = rng.randrange(number) if number and rng.random() < 0.35 else number
    lead = Lead(
        name=PEOPLE[who],
        phone=f"+1646555{who:04}" if who % 4 != 3 else None,
        email=f"p{who}@example.com",
        ask=rng.choice(("a quote", "a roof", "")),
        language="es" if who % 3 == 0 else None,
    )
    ago = timedelta(seconds=rng.choice((0, 5, 3600, 90_000)))
    arrival = Arrival(
        lead,
        external_id=f"x{number}" if rng.random() < 0.7 else None,
        submitted_at=world.clocks.now() - ago if rng.random() < 0.4 else None,
        test=rng.random() < 0.04,
    )
    request = Request(arrival, f"k{number}" if rng.random() < 0.4 else None)
    world.street.requests.append(request)
    return _sends(world, request)


def may_send_again(world: World) -> float:
    return 1.0 if world.street.unanswered else 0.1 if world.street.requests else 0.0


def sends_again(world: World) -> str:
    """A source that got no answer sends again; some send again that did."""
    waiting = world.street.unanswered
    request = world.rng.choice(waiting or world.street.requests)
    if request in waiting:
        waiting.remove(request)
    return "again: " + _sends(world, request)


def _sends(world: World, request: Request) -> str:
    web = world.rng.choice(world.webs)
    lead = request.arrival.lead
    came = world.runs(web, lambda: take_in(web.desk, WEBSITE, request.arrival, request.key))
    if not came.well:
        world.street.unanswered.append(request)
        return f"{lead.name} asks {web.name}: {came.fate}"
    known, named = request.lead_id, request.arrival.external_id or request.key
    request.lead_id = came.value.lead_id

    def stored(changes: Changes) -> str | None:
        if came.value.lead_id not in world.seen.leads:
            return f"{lead.name} was told 202, and is not in the ledger"
        if known is not None and named and known != came.value.lead_id:
            return f"{lead.name}'s delivery became two leads"
        if known is not None and named and (changes.events or changes.rows):
            return f"{lead.name}'s delivery, come twice, changed something"
        return None

    world.expected = stored
    how = "again" if came.value.duplicate else "anew"
    return f"{lead.name} asks {web.name}, {how}"


# The carrier tells


def may_tell(world: World) -> float:
    return 2.0 if world.carrier.due() else 0.0


def tells(world: World) -> str:
    """One of the receipts that may be told by now, in no order."""
    pending = world.rng.choice(world.carrier.due())
    web = world.rng.choice(world.webs)
    status = pending.status
    came = world.runs(web, lambda: hear_receipt(web.desk, status))
    if came.well or world.rng.random() < 0.5:
        world.carrier.pending.remove(pending)
    code = f" {status.code}" if status.code else ""
    name = world.seen.page_name(status.page_id)
    fate = f", {came.fate}" if came.fate else ""
    return f"the carrier says {name} is {status.status}{code}{fate}"


# Reps text


def _landed(world: World, phone: Phone) -> list[Sent]:
    return [
        sent
        for sent in world.carrier.sent
        if sent.to == phone.number
        and not sent.call
        and sent.lands_at is not None
        and sent.lands_at <= world.clocks.machine
    ]


def may_text(world: World) -> float:
    weight = 0.0
    for phone in world.phones:
        phone.texts = _landed(world, phone)
        unread = any(not sent.seen for sent in phone.texts)
        weight += phone.eager * (1.0 if unread else 0.06)
    return weight


def texts(world: World) -> str:
    """Somebody texts: an answer, or out of the blue."""
    phones = world.phones
    weights = [
        phone.eager * (1.0 if any(not sent.seen for sent in phone.texts) else 0.06)
        for phone in phones
    ]
    phone = world.rng.choices(phones, weights)[0]
    _about, body = phone.replies(world.rng)
    return says(world, phone, body)


def says(world: World, phone: Phone, body: str) -> str:
    """A phone sends these words. The carrier acts on its own keywords, whatever we hear."""
    word = body.strip().upper()
    if word in STOP_WORDS:
        world.carrier.stopped.add(phone.number)
        phone.stopped = True
    if word in START_WORDS:
        world.carrier.stopped.discard(phone.number)
        phone.stopped = False
    sid = f"SM{len(world.street.said) + 1:032x}"
    said = Said(InboundText(sid, phone.number, PAGES_FROM, body))
    world.street.said.append(said)
    return _hears(world, said)


def _hears(world: World, said: Said) -> str:
    web = world.rng.choice(world.webs)
    before = said.heard
    came = world.runs(web, lambda: hear_text(web.desk, said.text))
    said.heard += came.well
    who = next(phone.person for phone in world.phones if phone.number == said.text.from_)

    def once(changes: Changes) -> str | None:
        told = [
            moved
            for moved in changes.rows
            if moved.before is None and moved.now["to_number"] == said.text.from_
        ]
        if before and (changes.events or told):
            return f"{who}'s text, heard twice, changed something"
        said.answers += len(told)
        # Who asks to be rung is told at once when that will be, or rung.
        facts = [event for _, event in changes.events if event.kind != "ring_asked"]
        said.facts += any(event.actor == f"rep:{who}" for event in facts)
        most = 4 if "MORE" in said.text.body else 1
        if said.answers > most or (said.answers and said.facts):
            return f"{who}'s text got more than one answer"
        return None

    world.expected = once
    fate = f", {came.fate}" if came.fate else ""
    return f"{who} texts {said.text.body!r} to {web.name}{fate}"


def may_text_again(world: World) -> float:
    return 0.3 if world.street.said else 0.0


def texts_again(world: World) -> str:
    """The carrier repeats a webhook, of which it may have had no answer."""
    said = world.rng.choice(world.street.said[-4:])
    return "repeated: " + _hears(world, said)


# Reps answer calls


def ringing(world: World) -> list[tuple[Phone, Sent]]:
    return [
        (phone, sent)
        for phone in world.phones
        for sent in world.carrier.sent
        if sent.call and not sent.seen and sent.to == phone.number
    ]


def may_answer(world: World) -> float:
    return (4.0 if world.plan.bridge else 1.5) if ringing(world) else 0.0


def answers(world: World) -> str:
    """A call is picked up, or not."""
    phone, sent = world.rng.choice(ringing(world))
    late = world.clocks.machine - sent.at > RINGS
    talks = world.carrier.exchange.is_busy(phone.number, world.clocks.machine)
    picks_up = world.rng.random() < phone.eager / (phone.eager + 0.5)
    if late or talks or not picks_up:
        return rings_out(world, phone, sent)
    keys = world.rng.choices(("1", "2", "9", ""), (9, 1.5, 1, 1.5))[0]
    return picked_up(world, phone, sent, keys)


def rings_out(world: World, phone: Phone, sent: Sent) -> str:
    """A call is not picked up."""
    sent.seen = True
    busy = world.carrier.exchange.is_busy(phone.number, world.clocks.machine)
    vain = (
        ("no-answer",) if world.calm else ("no-answer", "no-answer", "busy", "failed", "canceled")
    )
    status = "busy" if busy else world.rng.choice(vain)
    world.carrier.tells(sent, status)
    return f"{phone.person}'s phone rings in vain: {status}"


def picked_up(world: World, phone: Phone, sent: Sent, keys: str) -> str:
    """They hear what the call is about and press keys; no keys: they wait, or are a voicemail."""
    kind = world.seen.outbox[sent.page_id]["kind"]
    if kind == "bridge_call":
        return bridges.picked_up(world, phone, sent, keys)
    if kind == "hunt_call":
        return callers.picked_up(world, phone, sent, keys)
    return _hears_page(world, phone, sent, keys)


def _hears_page(world: World, phone: Phone, sent: Sent, keys: str) -> str:
    """The page is spoken to them; who takes the lead may be connected at once."""
    sent.seen = True
    web = world.rng.choice(world.webs)
    world.carrier.tells(sent, "in-progress")
    heard = world.runs(web, lambda: spoken_page(web.desk, sent.page_id, sent.sid))
    said = f"{phone.person} picks up {world.seen.page_name(sent.page_id)}"
    if heard.well and heard.value[1] and keys:
        pressed = KeyPressed(sent.page_id, sent.sid, keys)

        def after(document: str | None) -> str:
            return bridges.follows(world, phone.number, sent.sid, document, sent)

        bridges.listens(world, phone, sent, lambda desk: hear_key(desk, pressed), after)
        return said + ", and listens"
    if not heard.well:
        said += f", {heard.fate}"
    elif not heard.value[1]:
        said += f", hears {heard.value[0]!r}"
    bridges.hangs_up(world, sent)
    return said


# Others know better


def may_hear_fact(world: World) -> float:
    return 0.0 if not world.seen.leads else 0.04 if world.plan.bridge else 0.15


def hears_fact(world: World) -> str:
    """A CRM tells what somebody did, late perhaps, and perhaps twice."""
    rng, facts = world.rng, world.street.facts
    if facts and rng.random() < 0.3:
        lead_id, fact, key = rng.choice(facts)
    else:
        lead_id = rng.choice(list(world.seen.leads))
        rep = rng.choice((*world.plan.people, None))
        ago = timedelta(seconds=rng.choice((0, 0, 20, 600, 100_000)))
        fact = OutsideFact(
            kind=rng.choices(list(FactKind), (4, 2, 2, 1))[0],
            at=world.clocks.now() - ago if rng.random() < 0.7 else None,
            rep=RepId(rep) if rep else None,
        )
        if fact.kind is FactKind.OUTCOME:
            fact = replace(fact, outcome=rng.choice(list(Ending)))
        key = f"f{len(facts)}"
        facts.append((lead_id, fact, key))
    return knows(world, lead_id, fact, key)


def knows(world: World, lead_id: LeadId, fact: OutsideFact, key: str) -> str:
    web = world.rng.choice(world.webs)
    came = world.runs(web, lambda: hear_fact(web.desk, lead_id, fact, key))
    what = f"{fact.kind} {fact.outcome or ''} by {fact.rep}"
    return f"a CRM tells {key} of {world.seen.name(lead_id)}: {what}: {came.value or came.fate}"
