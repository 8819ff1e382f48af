"""A key that a rep pressed while a page was spoken to them: they take the lead, or pass it on.

Who takes a lead that can be dialled now is connected on the same call; else they hear how to reach
it. A replay of a key gets the same document.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from service.desk import numbers, reach
from service.desk.calls.bridge import RepLeg, connect, in_the_way, notes_answer
from service.desk.claiming import claim
from service.desk.desk import Desk, new_page_id
from service.desk.hear_line import has_fact
from service.desk.present import floor_changed, floor_moves
from service.desk.record import Held, hold, numbered, persistently, record
from service.ledger import inbound, leads, outbox
from service.ledger.outbox import OutboxRow
from service.phone import voice
from service.phone.callbacks import KeyPressed
from service.rules import answers, spoken
from service.rules.call_facts import LATER
from service.rules.connecting import lines_up
from service.rules.lead import ERASED, CallId, PageId, RepId
from service.rules.timeline import (
    By,
    Channel,
    Claimed,
    ClaimLost,
    Fact,
    PageDelivered,
    Passed,
)

TAKE_KEY, PASS_KEY = "1", "2"


def spoken_page(desk: Desk, page_id: PageId, call_sid: str | None = None) -> tuple[str, bool]:
    """What a rep hears who picks up, and whether a key is asked: the page while the lead waits,
    else who has it. ``call_sid``: the call that asks, which is answered by then."""
    with desk.ledger.transaction() as conn:
        row = outbox.row(conn, page_id)
        view = leads.read_lead(conn, row.lead_id) if row and row.lead_id else None
        if row is not None and call_sid is not None:
            notes_answer(conn, row.id, call_sid)
    if row is None or view is None:
        return spoken.spoken_closed(), False
    if view.row.owner is not None and view.row.owner != row.rep_id:
        return _spoken_taken(desk, RepId(view.row.owner)), False
    if view.row.state in ("settled", "excluded"):
        return spoken.spoken_closed(), False
    return row.body, True


def hear_key(desk: Desk, key: KeyPressed) -> str | None:
    """Act on a key; the document that follows. None: no such key, the page is to be said again.

    A replay of the same key on the same call gets the same one. Raises LeadBusy,
    LedgerUnavailable.
    """
    if key.digits not in (TAKE_KEY, PASS_KEY):
        return None
    return persistently(lambda: _hear_key(desk, key))


def _hear_key(desk: Desk, key: KeyPressed) -> str | None:
    with desk.ledger.transaction() as conn:
        name = f"key:{key.dedupe_key}"
        before = inbound.seen(conn, name)
        if before is not None:
            return before.answer
        row = outbox.row(conn, key.page_id)
        held = hold(conn, row.lead_id) if row and row.lead_id else None
        if row is None or held is None or row.rep_id is None:
            return voice.after_key(spoken.spoken_closed())
        # Asked again under the lead's lock: two deliveries of one key are one key.
        before = inbound.seen(conn, name)
        if before is not None:
            return before.answer
        now = desk.now_for(held.row.last_recorded_at)
        notes_answer(conn, row.id, key.call_sid)
        document = _apply_key(desk, conn, held, row, row.rep_id, key, now)
        inbound.remember(conn, name, "key", held.id, document, now)
        was_deaf = held.is_deaf(row.to_number)
        hears = was_deaf and reach.came_through(conn, row.to_number, Channel.CALL, now)
        floor_moves(conn, hears)
        lead_id = held.id
    desk.wake([lead_id])
    if hears:
        floor_changed(desk.ledger, desk.clock.now())
    return document


def _apply_key(
    desk: Desk,
    conn: Connection,
    held: Held,
    row: OutboxRow,
    rep: RepId,
    key: KeyPressed,
    now: datetime,
) -> str:
    """Record what the key says; the document that follows it."""
    took = key.digits == TAKE_KEY
    if took and rep not in desk.present.crew().people:
        return voice.after_key(spoken.spoken_not_on_team())
    connects = took and _is_connected(desk, conn, held, rep, now)
    said = _said(desk, conn, held, rep, now, took=took, connects=connects)
    facts: list[Fact] = []
    if not has_fact(held, PageDelivered, row.page_id):
        facts.append(PageDelivered(row.page_id, rep, row.channel))
    facts.extend(said)
    if connects:
        leg = RepLeg(rep, key.call_sid, CallId(new_page_id()), "key")
        return connect(desk, conn, held, leg, now, first=facts)
    because, actor = f"pressed {key.digits}", f"rep:{rep}"
    record(conn, held, numbered(held, facts, at=now, now=now, because=because, actor=actor))
    return voice.after_key(_spoken_after(desk, conn, held, rep, said, took=took, now=now))


def _is_connected(desk: Desk, conn: Connection, held: Held, rep: RepId, now: datetime) -> bool:
    """Whether who takes the lead with this key is connected on this call."""
    return _bridges(desk, conn, held) and in_the_way(desk, held, rep, now) is None


def _bridges(desk: Desk, conn: Connection, held: Held) -> bool:
    return desk.present.policy(conn, held.row.policy_version).calls.bridge


def _said(
    desk: Desk,
    conn: Connection,
    held: Held,
    rep: RepId,
    now: datetime,
    *,
    took: bool,
    connects: bool,
) -> tuple[Fact, ...]:
    """What the key says of the lead. Its owner, who is asked for a call that is owed and is not
    connected now, asks to be rung."""
    if not took:
        return answers.decline(held.standing, rep, By.KEY)
    if connects and held.standing.owner == rep:
        return ()
    return claim(desk, conn, held, rep, By.KEY, now).facts


def _spoken_after(
    desk: Desk,
    conn: Connection,
    held: Held,
    rep: RepId,
    said: tuple[Fact, ...],
    *,
    took: bool,
    now: datetime,
) -> str:
    for fact in said:
        match fact:
            case ClaimLost(owner=owner):
                return _spoken_taken(desk, owner) if owner else spoken.spoken_closed()
            case Passed():
                return spoken.spoken_passed()
            case Claimed():
                break
    if not held.standing.open:
        return spoken.spoken_closed()
    if not took:
        return spoken.spoken_passed()
    return _spoken_yours(desk, conn, held, rep, now)


def _spoken_yours(desk: Desk, conn: Connection, held: Held, rep: RepId, now: datetime) -> str:
    """It is theirs: how they reach it, since they are not connected now."""
    way = in_the_way(desk, held, rep, now) if _bridges(desk, conn, held) else None
    if way is not None and way.reason == LATER:
        return way.words
    lead = held.person or ERASED
    person = desk.present.crew().people.get(rep)
    deaf = person is not None and (person.phone, Channel.TEXT) in held.deaf
    texts = not deaf and not desk.present.crew().team.texts_off
    policy = desk.present.policy(conn, held.row.policy_version)
    private = numbers.is_private(desk.present.crew(), policy, lead, now)
    talks = bool(lines_up(held.standing, now))
    return spoken.spoken_yours(lead, text_follows=texts, private=private, on_the_line=talks)


def _spoken_taken(desk: Desk, owner: RepId) -> str:
    person = desk.present.crew().people.get(owner)
    return spoken.spoken_taken(person.name if person else "Somebody")
