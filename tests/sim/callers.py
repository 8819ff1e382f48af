"""Steps of leads who call us: they wait, are taken by a key, give up, or leave a message; and of
leads who write.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from xml.etree import ElementTree

from service.desk.calls import calling_in, hunting, voicemail, waiting
from service.desk.calls.outcome import hear_outcome_key
from service.desk.desk import Desk
from service.desk.hear_text import hear_text
from service.phone.call_callbacks import DialDone, Keyed
from service.phone.callbacks import InboundText
from service.phone.caller_callbacks import CallerLeft, InboundCall, MessageTaken, RecordingTold
from service.rules.lead import CallId
from tests.sim import bridges
from tests.sim.bridges import GATHER, OUTCOMES, asked, hangs_up, later, listens, same_again
from tests.sim.carrier import Sent
from tests.sim.drawn import MAIN_LINE
from tests.sim.exchange import News, Visit
from tests.sim.phones import Phone
from tests.sim.seen import Changes
from tests.sim.world import World

# A wait document plays for so long; then it is asked for again.
ROUND = timedelta(seconds=6)
MESSAGE_S = (0.5, 3.0, 12.0, 60.0)
VISITS_MAX = 4
WORDS = ("yes please call", "who is this", "call me at 5", "STOP", "START", "")


def may_call(world: World) -> float:
    known = len(world.carrier.exchange.visits)
    asks = world.plan.bridge and known < VISITS_MAX
    return 0.0 if not asks else 0.15


def calls(world: World) -> str:
    """A lead calls us, or a stranger, or somebody who withholds their number."""
    rng, line, clocks = world.rng, world.carrier.exchange, world.clocks
    known = [each.arrival.lead.phone for each in world.street.requests if each.arrival.lead.phone]
    number = rng.choice([*known, *known, "+16465559001", "anonymous"])
    patience_s = rng.choice((3.0, 10.0, 30.0, 90.0, 90.0))
    visit = Visit(line.new_sid(), number, clocks.machine, patience_s)
    line.visits.append(visit)
    told = InboundCall(visit.sid, number, MAIN_LINE, "ringing")
    document = asked(world, lambda desk: calling_in.answer(desk, told))
    same_again(world, lambda desk: calling_in.answer(desk, told), document)
    return f"{number} calls us: " + _goes_on(world, visit, document)


def _goes_on(world: World, visit: Visit, document: str | None) -> str:
    """What a caller's call does next, as the document says."""
    if document is None:
        visit.gone(world.clocks.machine)
        return "nobody answers"
    root = ElementTree.fromstring(document)
    for verb in root:
        action = verb.get("action", "")
        if verb.tag == "Enqueue":
            visit.call_id = CallId(_part(action, "/left"))
            visit.stage = "queued"
            return "waits in a queue"
        if verb.tag == "Record":
            visit.call_id = CallId(_part(action, "/recorded"))
            visit.stage = "recording"
            _speaks(world, visit)
            return "is asked for a message"
    visit.gone(world.clocks.machine)
    return "is hung up on"


def _part(url: str, after: str) -> str:
    return url.partition(after)[0].rpartition("/")[2]


def _speaks(world: World, visit: Visit) -> None:
    """They leave a message, or hang up before the tone, which nobody tells."""
    seconds = 12.0 if world.calm else world.rng.choice(MESSAGE_S)
    over = world.clocks.machine + timedelta(seconds=seconds + 5.0)
    visit.over, visit.stage = over, "gone"
    if not world.calm and world.rng.random() < 0.15:
        return
    sid = world.carrier.exchange.new_sid("RE")
    assert visit.call_id is not None
    told = RecordingTold(visit.call_id, sid, "completed", seconds, "RecordVerb", visit.sid)
    visit.message = told
    taken = MessageTaken(visit.call_id, visit.sid, seconds, world.rng.random() < 0.8)
    later(world, over, "a caller has spoken", partial(voicemail.hear_message_taken, told=taken))
    later(world, over, "there is a recording", partial(voicemail.hear_recording, told=told))


# Waiting


def _waiting(world: World) -> list[Visit]:
    return [each for each in world.carrier.exchange.visits if each.stage == "queued"]


def may_go_on(world: World) -> float:
    return 2.0 if _waiting(world) else 0.0


def goes(world: World) -> str:
    return waits(world, world.rng.choice(_waiting(world)))


def goes_on(world: World) -> Callable[[], str] | None:
    """What comes next of a caller who waits; None: nobody does."""
    found = _waiting(world)
    return (lambda: waits(world, found[0], patiently=True)) if found else None


def waits(world: World, visit: Visit, *, patiently: bool = False) -> str:
    """A caller who waits hears another round of ringing, or gives up."""
    clocks, call_id = world.clocks, visit.call_id
    assert call_id is not None
    if patiently:
        clocks.moves(ROUND.total_seconds())
        world.tells_database()
    waited_s = (clocks.machine - visit.began).total_seconds()
    if waited_s > visit.patience_s and not patiently:
        visit.gone(clocks.machine)
        _leaves(world, visit, "hangup", waited_s)
        return f"{visit.number} hangs up after {waited_s:.0f} s"
    document = asked(world, lambda desk: waiting.wait(desk, call_id, visit.sid))
    if document is None or "<Leave" not in document:
        return f"{visit.number} hears ringing"
    told = CallerLeft(call_id, visit.sid, "leave", waited_s, False)
    follows = asked(world, lambda desk: waiting.left(desk, told))
    same_again(world, lambda desk: waiting.left(desk, told), follows)
    return f"{visit.number} leaves the queue: " + _goes_on(world, visit, follows)


def _leaves(world: World, visit: Visit, result: str, waited_s: float) -> None:
    assert visit.call_id is not None
    told = CallerLeft(visit.call_id, visit.sid, result, waited_s, True)
    said = f"a caller has left the queue: {result}"
    later(world, world.clocks.machine, said, partial(waiting.left, told=told))


# Reps who are rung for a caller


def picked_up(world: World, phone: Phone, sent: Sent, keys: str) -> str:
    """A rep, or their voicemail (no ``keys``), picks up a call for a waiting caller."""
    sent.seen = True
    world.carrier.tells(sent, "in-progress")
    call_id = CallId(world.seen.outbox[sent.page_id]["call_id"])
    said = f"{phone.person} picks up {world.seen.page_name(sent.page_id)}"
    heard = asked(world, lambda desk: hunting.say(desk, call_id, sent.page_id, sent.sid))
    if heard is None or GATHER not in heard or not keys:
        hangs_up(world, sent)
        return said + (", too late" if heard and GATHER not in heard else ", and presses nothing")
    key = Keyed("hunt", call_id, sent.sid, keys)

    def after(document: str | None) -> str:
        if document is None or "<Queue" not in document:
            hangs_up(world, sent)
            return "hears words"
        return _meets(world, phone, sent, call_id)

    listens(world, phone, sent, lambda desk: hunting.hear_key(desk, sent.page_id, key), after)
    return said + ", and listens"


def _meets(world: World, phone: Phone, sent: Sent, call_id: CallId) -> str:
    """The rep's call takes the caller out of the queue, if they are still there."""
    line, rng, now = world.carrier.exchange, world.rng, world.clocks.machine
    visit = line.visit_of(call_id)
    assert visit is not None
    there = visit.stage == "queued"
    talks_s = 0.0
    if there:
        talks_s = 150.0 if world.calm else rng.choice((5.0, 40.0, 150.0))
        visit.stage, visit.taken, visit.talked_s = "talking", now, talks_s
        visit.over = now + timedelta(seconds=talks_s)
        line.off_hook[phone.number] = visit.over + bridges.AFTERWARDS
    over = now + timedelta(seconds=talks_s)
    done = DialDone(
        call_id,
        sent.sid,
        "completed" if there else "no-answer",
        bridged_s=talks_s if there else None,
        bridged=there,
        leg_s=talks_s if there else None,
        call_over=rng.random() < 0.4,
    )
    later(world, over, "rep and caller talk no more", partial(_talked, world, sent, done))
    if there:
        waited_s = (now - visit.began).total_seconds()
        told = CallerLeft(call_id, visit.sid, "bridged", waited_s, True)
        later(world, over, "a caller was connected", partial(waiting.left, told=told))
    ends = over + (timedelta(0) if done.call_over else bridges.AFTERWARDS)
    line.news.append(News(ends, lambda: _ends(world, sent, visit)))
    return f"they talk for {talks_s:.0f} s" if there else "the caller has gone"


def _ends(world: World, sent: Sent, visit: Visit) -> tuple[str, bool]:
    hangs_up(world, sent)
    visit.stage = "gone"
    return "the rep hangs up", True


def _talked(world: World, sent: Sent, done: DialDone, desk: Desk) -> None:
    document = hunting.done(desk, sent.page_id, done)
    if GATHER not in document or done.call_over:
        return
    digit = "7" if world.calm else world.rng.choice(OUTCOMES)
    if digit:
        key = Keyed("outcome", done.call_id, sent.sid, digit)
        asked(world, lambda again: hear_outcome_key(again, key))


# Leads who write


def may_write(world: World) -> float:
    return 0.15 if world.plan.bridge and world.street.requests else 0.0


def writes(world: World) -> str:
    """A lead texts the number that they were called from."""
    rng = world.rng
    known = [each.arrival.lead.phone for each in world.street.requests if each.arrival.lead.phone]
    number = rng.choice([*known, *known, "+16465559002"])
    sid = world.carrier.exchange.new_sid("SM")
    told = InboundText(sid, number, MAIN_LINE, rng.choices(WORDS, (4, 3, 3, 0.3, 0.3, 1))[0])
    document = partial(hear_text, text=told)
    first = bridges.runs(world, lambda desk: document(desk))
    if first.well and rng.random() < 0.4:
        bridges.runs(world, lambda desk: document(desk))

        def once(changes: Changes) -> str | None:
            kinds = [event.kind for _, event in changes.events if event.kind == "lead_replied"]
            return "a lead's text, heard twice, counts twice" if len(kinds) > 1 else None

        world.expected = once
    return f"{number} writes {told.body!r}" + (f", {first.fate}" if first.fate else "")
