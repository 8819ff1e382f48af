"""The rep's leg of a call with a lead: what it whispers, what its key does, and the order to dial.

A key is always needed: a rep's own voicemail picks up too. ``Dialled`` is recorded before the
document that dials is answered, so that no lead is ever rung by a call that nobody knows of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from service.desk.calls.dialling import dial_zones
from service.desk.calls.once import Heard, News, once
from service.desk.desk import Desk
from service.desk.record import Held, numbered, record
from service.ledger import calls, engaged, leads, outbox
from service.ledger.calls import CallDirection, CallRow, NewCall
from service.phone import urls, voice, voice_calls
from service.phone.call_callbacks import Keyed
from service.phone.callbacks import CALL_RANKS
from service.rules import answers, spoken
from service.rules.call_facts import LATER, Dialled, RingFailed
from service.rules.connecting import lines_up, rings_lead_s
from service.rules.folding import fold
from service.rules.hours import clock_text
from service.rules.lawful import dial_from
from service.rules.lead import CallId, LeadId, PageId, RepId
from service.rules.policy import Policy
from service.rules.standing import Standing
from service.rules.timeline import By, Claimed, Fact

CONNECT_KEY, PASS_KEY = "1", "2"
# Whoever pressed as many wrong keys will not find the right one; see the pages' own bound.
WRONG_KEYS_MAX = 3
# When the carrier is first asked how a call goes that it tells nothing of: the lead's phone has
# stopped ringing by then, so that most calls that came to nothing are over.
ASKED_FIRST = timedelta(minutes=2)

_ANSWERED = "in-progress"


@dataclass(frozen=True, slots=True)
class RepLeg:
    """The rep's own call, on which they pressed the key. ``sid`` is the carrier's name of it,
    ``call_id`` ours of the call that it becomes."""

    rep: RepId
    sid: str
    call_id: CallId
    direction: CallDirection


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Why a rep is not connected: what they hear, and the ``reason`` of the ring that failed."""

    words: str
    reason: str


def whisper(desk: Desk, call_id: CallId, rep_sid: str, wrong_keys: int = 0) -> str:
    """The document for a rep who picked up: whom they would be connected with, or why not."""
    with desk.ledger.transaction() as conn:
        row = outbox.row(conn, PageId(call_id))
        view = leads.read_lead(conn, row.lead_id) if row and row.lead_id else None
        if row is None or view is None or row.rep_id is None:
            return voice.say_and_hang_up(spoken.spoken_closed())
        notes_answer(conn, row.id, rep_sid)
        standing = fold(leads.timeline_of(conn, view.row.id))
    now = desk.now_for(view.row.last_recorded_at)
    way = taken_meanwhile(desk, standing, row.rep_id, now)
    if way is not None:
        return voice.say_and_hang_up(way.words)
    return _ask(desk, call_id, row.body, wrong_keys)


def notes_answer(conn: Connection, page_id: PageId, rep_sid: str) -> None:
    """A leg whose document is asked for was answered, whatever its receipts say by then: it is
    not hung up as one that rings."""
    outbox.raise_status(conn, page_id, _ANSWERED, CALL_RANKS[_ANSWERED], rep_sid, None)


def _ask(desk: Desk, call_id: CallId, words: str, wrong_keys: int) -> str:
    """The whisper and its key. How many keys were wrong travels in the key's URL, so that the same
    request always gets the same words."""
    key_url = urls.bridge_key_url(desk.links.public_url, call_id)
    if wrong_keys == 0:
        return voice_calls.whisper(words, key_url)
    again = f"{spoken.press_to_connect()} {words}"
    return voice_calls.whisper(again, f"{key_url}?wrong={wrong_keys}")


def hear_bridge_key(desk: Desk, key: Keyed, wrong_keys: int = 0) -> str:
    """Act on the key of a rep in the whisper; the document that follows.

    A replay gets the same document. Raises LeadBusy, LedgerUnavailable.
    """
    if key.digit not in (CONNECT_KEY, PASS_KEY):
        if wrong_keys + 1 >= WRONG_KEYS_MAX:
            return voice_calls.hang_up()
        return whisper(desk, key.call_id, key.sid, wrong_keys + 1)
    unknown = voice.say_and_hang_up(spoken.spoken_closed())
    document = once(
        desk,
        News(f"key:{key.dedupe_key}", "key"),
        lambda conn: _lead_of(conn, key.call_id),
        lambda conn, held, now: _keyed(desk, conn, held, key, now),
        unknown,
    )
    return document or unknown


def _lead_of(conn: Connection, call_id: CallId) -> LeadId | None:
    row = calls.call(conn, call_id)
    return row.lead_id if row and row.direction == "out" else None


def _keyed(desk: Desk, conn: Connection, held: Held, key: Keyed, now: datetime) -> Heard:
    row = calls.call(conn, key.call_id)
    assert row is not None, "its lead was found by it"
    assert row.rep_id is not None, "a bridge rings somebody"
    notes_answer(conn, PageId(row.id), key.sid)
    if row.dialled_at is not None or row.settled_at is not None:
        # Another leg, or another key on this one, came first.
        way = taken_meanwhile(desk, held.standing, row.rep_id, now)
        return Heard(voice.say_and_hang_up(way.words if way else spoken.spoken_closed()))
    if key.digit == PASS_KEY:
        return _passes(desk, conn, held, row, now)
    leg = RepLeg(row.rep_id, key.sid, row.id, row.direction)
    way = in_the_way(desk, held, row.rep_id, now)
    if way is not None:
        fails(conn, held, row, PageId(row.id), way.reason, now, "pressed 1, and was not connected")
        return Heard(voice.say_and_hang_up(way.words), stirred=True)
    claims = () if held.standing.owner == row.rep_id else (Claimed(row.rep_id, By.KEY),)
    return Heard(connect(desk, conn, held, leg, now, first=claims), stirred=True)


def _passes(desk: Desk, conn: Connection, held: Held, row: CallRow, now: datetime) -> Heard:
    rep = row.rep_id
    assert rep is not None
    way = taken_meanwhile(desk, held.standing, rep, now)
    facts = () if way else answers.decline(held.standing, rep, By.KEY)
    actor = f"rep:{rep}"
    events = numbered(held, facts, at=now, now=now, because="pressed 2", actor=actor)
    record(conn, held, events)
    calls.save(conn, replace(row, rep_sid=row.rep_sid, settled_at=now))
    words = way.words if way else spoken.spoken_passed()
    return Heard(voice.say_and_hang_up(words), stirred=bool(events))


def fails(
    conn: Connection,
    held: Held,
    row: CallRow,
    leg: PageId,
    reason: str,
    now: datetime,
    because: str,
) -> bool:
    """The ring came to nothing: said once of each, and a bridge's call is over with it. Whether it
    was news."""
    ring = next((each for each in held.standing.rings if each.leg == leg), None)
    if row.direction == "out" and row.settled_at is None and row.dialled_at is None:
        calls.save(conn, replace(row, settled_at=now))
    if ring is None or not ring.open:
        return False
    fact = RingFailed(ring.rep, ring.call_id, leg, reason)
    record(conn, held, numbered(held, [fact], at=now, now=now, because=because, actor="carrier"))
    return True


# What stands between a rep and a lead


def taken_meanwhile(desk: Desk, standing: Standing, rep: RepId, now: datetime) -> InTheWay | None:
    """Why this rep would not get the lead: it is closed, somebody else's, or on the line; or
    they have left the team."""
    if rep not in desk.present.crew().people:
        return InTheWay(spoken.spoken_not_on_team(), "taken")
    if not standing.open:
        return InTheWay(spoken.spoken_closed(), "taken")
    if standing.owner not in (None, rep):
        return InTheWay(_taken_by(desk, standing.owner), "taken")
    line = next(iter(lines_up(standing, now)), None)
    if line is None:
        return None
    calls_us = line.inbound and line.rep is None
    return InTheWay(spoken.calling_now() if calls_us else _taken_by(desk, line.rep), "taken")


def _taken_by(desk: Desk, rep: RepId | None) -> str:
    person = desk.present.crew().people.get(rep) if rep else None
    return spoken.taken_by(person.name if person else "Somebody")


def in_the_way(desk: Desk, held: Held, rep: RepId, now: datetime) -> InTheWay | None:
    """Why this rep cannot be connected with the lead on the call that they are on; None: nothing
    is in the way. That they are engaged is not: it is by this very call."""
    taken = taken_meanwhile(desk, held.standing, rep, now)
    if taken is not None:
        return taken
    crew = desk.present.crew()
    zones = dial_zones(held, crew)
    if zones is None:
        return InTheWay(spoken.cannot_call_now(None), "failed")
    lawful_at = dial_from(zones, now)
    if lawful_at is None:
        return InTheWay(spoken.cannot_call_now(None), "failed")
    if lawful_at > now:
        clock = clock_text(crew.zone_of(rep), lawful_at)
        return InTheWay(spoken.cannot_call_now(clock), LATER)
    return None


def connect(
    desk: Desk,
    conn: Connection,
    held: Held,
    leg: RepLeg,
    now: datetime,
    *,
    first: Sequence[Fact] = (),
) -> str:
    """Dial the lead on the rep's own call; the document that does it, to be answered after the
    commit. ``first`` is recorded before (a claim). The caller asked ``in_the_way``, remembers the
    document, and wakes."""
    phone = held.person.phone if held.person else None
    assert phone is not None, "who gave no number is not connected"
    facts = (*first, Dialled(leg.call_id, leg.rep))
    actor, because = f"rep:{leg.rep}", "pressed 1 to be connected"
    record(conn, held, numbered(held, facts, at=now, now=now, because=because, actor=actor))
    sender = desk.present.crew().team.carrier.leads_call_from
    _keeps(conn, held, leg, sender, phone, now)
    engaged.engage(conn, leg.rep, leg.call_id, now)
    policy = desk.present.policy(conn, held.row.policy_version)
    rings_s = rings_lead_s(policy, held.standing.attempts)
    return _dials(desk, policy, leg, phone, sender, rings_s)


def _keeps(
    conn: Connection, held: Held, leg: RepLeg, sender: str, phone: str, now: datetime
) -> None:
    known = calls.call(conn, leg.call_id)
    if known is None:
        new = NewCall(leg.call_id, held.id, leg.rep, leg.direction, sender, phone, began_at=now)
        known = calls.open_call(conn, new)
    dialled = replace(
        known,
        rep_id=leg.rep,
        from_number=sender,
        to_number=phone,
        rep_sid=leg.sid,
        dialled_at=now,
        ask_at=now + ASKED_FIRST,
    )
    calls.save(conn, dialled)


def _dials(desk: Desk, policy: Policy, leg: RepLeg, phone: str, sender: str, rings_s: int) -> str:
    url, behaves, call_id = desk.links.public_url, policy.calls, leg.call_id
    # Who is rung to be connected heard it in the whisper, before the key.
    unheard = behaves.record and leg.direction != "out"
    return voice_calls.dial_lead(
        phone,
        sender,
        rings_s,
        urls.dial_done_url(url, call_id),
        urls.leg_status_url(url, call_id),
        urls.leg_verdict_url(url, call_id),
        record=behaves.record,
        leg_say_url=urls.leg_say_url(url, call_id) if behaves.record else None,
        recording_url=urls.recording_url(url, call_id) if behaves.record else None,
        spoken=spoken.recording_announcement() if unheard else None,
    )
