"""Steps of calls that connect a rep with a lead: the whisper, the key, the lead's leg, its end.

What is told of a call is told late, twice, in any order, or never; what is asked for (a document)
is asked for again, as a carrier does, until the call it is for is over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from xml.etree import ElementTree

from sqlalchemy import text
from sqlalchemy.exc import NoResultFound

from service.desk.calls.asking import ask_due
from service.desk.calls.bridge import hear_bridge_key, whisper
from service.desk.calls.outcome import hear_outcome_key
from service.desk.calls.told import hear_dial_done, hear_leg, hear_verdict
from service.desk.desk import Desk
from service.phone.call_callbacks import Keyed
from service.phone.callbacks import CALL_FINAL
from service.rules.calls import AnsweredBy
from service.rules.lead import CallId, LeadId
from tests.sim import exchange
from tests.sim.call_laws import Broken
from tests.sim.carrier import Sent
from tests.sim.exchange import DULY, Fate, News, Talk
from tests.sim.phones import Phone
from tests.sim.world import Came, World

# A webhook that fails is sent again, so often in all.
TRIES = 3
# How long a rep stays on the line after the lead's leg is over: for the digit that is asked.
AFTERWARDS = timedelta(seconds=12)
# How long a rep listens before they press a key, at the most.
LISTENS = timedelta(seconds=8)
LATE_S = (0.0, 0.2, 1.0, 4.0, 60.0)
RING_LEAD_S = 40.0
# What a rep presses when asked how it went, wrong keys and none among them.
OUTCOMES = ("3", "3", "4", "5", "5", "7", "8", "1", "")
GATHER = "<Gather"
# From this call on a lead is reached, once nothing goes wrong any more.
IN_VAIN_MAX = 2

_DIALLED = text("""
select lead_id from event where kind = 'dialled' and fields ->> 'call_id' = :call_id
""")


def asked(world: World, verb: Callable[[Desk], str | None]) -> str | None:
    """A document that the carrier asks for; None when nobody gave one in time."""
    for _ in range(TRIES):
        came = runs(world, verb)
        if came.well:
            document: str | None = came.value
            return document
    return None


def runs(world: World, verb: Callable[[Desk], object]) -> Came:
    web = world.rng.choice(world.webs)
    return world.runs(web, lambda: verb(web.desk))


def picked_up(world: World, phone: Phone, sent: Sent, keys: str) -> str:
    """A rep, or their voicemail (no ``keys``), picks up a call that is to connect them."""
    sent.seen = True
    world.carrier.tells(sent, "in-progress")
    call_id = CallId(sent.page_id)
    said = f"{phone.person} picks up {world.seen.page_name(sent.page_id)}"
    heard = asked(world, lambda desk: whisper(desk, call_id, sent.sid))
    if heard is None or GATHER not in heard or not keys:
        hangs_up(world, sent)
        return said + (", too late" if heard and GATHER not in heard else ", and presses nothing")
    key = Keyed("bridge", call_id, sent.sid, keys)

    def after(document: str | None) -> str:
        return follows(world, phone.number, sent.sid, document, sent)

    listens(world, phone, sent, lambda desk: hear_bridge_key(desk, key), after)
    return said + ", and listens"


def listens(
    world: World,
    phone: Phone,
    sent: Sent,
    key: Callable[[Desk], str | None],
    after: Callable[[str | None], str],
) -> None:
    """A rep listens to what is said, and presses a key in a while; ``after`` says what follows
    from it. Meanwhile others may have done the same."""
    line, heard_by = world.carrier.exchange, world.clocks.machine + LISTENS
    line.off_hook[phone.number] = heard_by

    def deed() -> tuple[str, bool]:
        said = f"{phone.person}, on {world.seen.page_name(sent.page_id)}, presses a key: "
        if sent.status in CALL_FINAL:
            return said + "the line is dead", True
        document = asked(world, key)
        same_again(world, key, document)
        return said + after(document), True

    pressed = world.clocks.machine + LISTENS * world.rng.random()
    line.news.append(News(pressed, deed))


def same_again(world: World, verb: Callable[[Desk], str | None], document: str | None) -> None:
    """A webhook that is sent again gets the same document, once one was given."""
    if document is None or world.rng.random() > 0.3:
        return
    came = runs(world, verb)
    if came.well and came.value != document:
        raise Broken(f"{document!r}, and asked again {came.value!r}")


def follows(
    world: World, number: str, rep_sid: str, document: str | None, sent: Sent | None
) -> str:
    """What a rep's own call does next: dial the lead, or end."""
    dialled = None if document is None else ElementTree.fromstring(document).find("Dial")
    if dialled is None or dialled.find("Number") is None:
        if sent is not None:
            hangs_up(world, sent)
        return "hears " + ("nothing" if document is None else "words")
    found = dialled.find("Number")
    assert found is not None
    call_id = CallId(dialled.get("action", "").rpartition("/done")[0].rpartition("/")[2])
    return _dials(world, number, rep_sid, call_id, found.text or "", sent)


def _dials(
    world: World, number: str, rep_sid: str, call_id: CallId, lead: str, sent: Sent | None
) -> str:
    line, clocks = world.carrier.exchange, world.clocks
    if line.talk_of(call_id) is not None:
        raise Broken("one call dials twice")
    lead_id = _lead_of(world, call_id)
    others = [each for each in line.talks if each.lead_id == lead_id and each.is_up(clocks.machine)]
    if others:
        raise Broken(f"{world.seen.name(lead_id)} is dialled twice at once")
    known = sum(each.lead_id == lead_id for each in line.talks)
    reached = world.calm and known >= IN_VAIN_MAX
    drawn = DULY if reached else exchange.fate(world.rng, RING_LEAD_S)
    sid = line.new_sid()
    talk = Talk(call_id, lead_id, number, rep_sid, sid, lead, clocks.machine, clocks.now(), drawn)
    line.talks.append(talk)
    line.off_hook[number] = talk.over + AFTERWARDS
    _tells_all(world, talk, sent)
    return f"the lead is dialled: {_told(drawn)}"


def _lead_of(world: World, call_id: CallId) -> LeadId:
    """Whose call it is, by the timeline: there it must stand before the document is answered."""
    try:
        return LeadId(world.ledger.watches(_DIALLED, {"call_id": call_id})[0])
    except NoResultFound:
        raise Broken("a lead is dialled, and no timeline says so") from None


def _told(fate: Fate) -> str:
    by = f" by {fate.by}, heard as {fate.heard}" if fate.by else ""
    return f"{fate.ended}{by}, rings {fate.rings_s:.0f} s, talks {fate.talks_s:.0f} s"


def _tells_all(world: World, talk: Talk, sent: Sent | None) -> None:
    """All that the carrier will tell of the lead's leg, and what it will ask at its end."""
    fate = talk.fate
    steps = [("initiated", talk.began), ("ringing", talk.began + timedelta(milliseconds=300))]
    if fate.ended == "completed":
        steps.append(("in-progress", talk.answered))
    steps.append((fate.ended, talk.over))
    for number, (status, at) in enumerate(steps):
        leg = talk.leg(status, number, at if world.rng.random() < 0.7 else None)
        later(world, at, f"the lead's leg is {status}", partial(hear_leg, status=leg))
    if fate.heard is not None:
        at = talk.answered + timedelta(seconds=fate.detected_s)
        said = f"the lead's leg is answered by {fate.heard}"
        later(world, at, said, partial(hear_verdict, verdict=talk.verdict()))
    later(world, talk.over, "the dialling is over", lambda desk: _done(world, desk, talk))
    if sent is not None:
        ends = talk.over + (timedelta(0) if fate.rep_gone else AFTERWARDS)
        world.carrier.exchange.news.append(News(ends, lambda: _hangs_up_later(world, sent)))


def _hangs_up_later(world: World, sent: Sent) -> tuple[str, bool]:
    hangs_up(world, sent)
    return "the rep hangs up", True


def hangs_up(world: World, sent: Sent) -> None:
    """The rep's own call is over."""
    world.carrier.tells(sent, "completed")


def _done(world: World, desk: Desk, talk: Talk) -> None:
    """The end of the dialling is told, and the rep presses what they are asked for."""
    document = hear_dial_done(desk, talk.done())
    if GATHER not in document or talk.fate.rep_gone:
        return
    if digit := _how_it_went(world, talk):
        key = Keyed("outcome", talk.call_id, talk.rep_sid, digit)
        asked(world, lambda again: hear_outcome_key(again, key))


def _how_it_went(world: World, talk: Talk) -> str:
    """The digit that a rep presses: the true one, once nothing goes wrong any more."""
    if not world.calm:
        return world.rng.choice(OUTCOMES)
    if talk.fate.by is AnsweredBy.HUMAN:
        return "7" if talk.bridged_s > 30.0 else "8"
    return "4" if talk.fate.by else "5"


def later(world: World, at: datetime, said: str, tells: Callable[[Desk], object]) -> None:
    """It will be told after ``at``: soon or late, once or twice, or never."""
    rng, odds = world.rng, world.odds

    def deed() -> tuple[str, bool]:
        came = runs(world, tells)
        return f"the carrier says {said}" + (f", {came.fate}" if came.fate else ""), came.well

    for _ in range(1 + (rng.random() < odds.receipt_doubled)):
        if rng.random() < odds.receipt_lost:
            continue
        late_s = rng.choice(LATE_S) * rng.random()
        world.carrier.exchange.news.append(News(at + timedelta(seconds=late_s), deed))


# The steps


def is_somebody_at(world: World) -> bool:
    """Whether a phone of the call kind rings, or somebody is on the line or waits there."""
    exchange, now = world.carrier.exchange, world.clocks.machine
    waits = any(visit.stage == "queued" for visit in exchange.visits)
    rings = any(sent.call and not sent.seen for sent in world.carrier.sent)
    return waits or rings or any(talk.is_up(now) for talk in exchange.talks)


def may_tell(world: World) -> float:
    return 2.0 if world.carrier.exchange.due(world.clocks.machine) else 0.0


def tells(world: World) -> str:
    """One of the things that may be told of calls by now, in no order."""
    news = world.rng.choice(world.carrier.exchange.due(world.clocks.machine))
    said, well = news.deed()
    if well or world.rng.random() < 0.5:
        world.carrier.exchange.news.remove(news)
    return said


def may_ask(world: World) -> float:
    return 0.4 if world.plan.bridge else 0.0


def asks(world: World) -> str:
    """One of the sweeps asks about calls of which nobody told."""
    process = world.rng.choice(world.sweeps)
    came = world.runs(process, lambda: ask_due(process.desk, world.carrier, lambda: True))
    return f"{process.name} asks about calls: " + (came.fate or f"{came.value} due")
