"""Somebody calls a number where leads come in: their lead, and what they hear first.

A caller is a lead, also without a number. While the team answers, they wait in a queue of their
own and ``attend`` rings the reps; else they are asked for a message at once. Nobody is rung here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from service.desk.calls.caller import CARRIER, Caller, Stage
from service.desk.calls.dialling import floor_of
from service.desk.calls.finding import hold_delivery, in_hand, opened, ours, source_dialled
from service.desk.calls.voicemail import take_message
from service.desk.desk import Desk, new_page_id
from service.desk.record import Held, persistently
from service.ledger import calls, engaged, inbound
from service.ledger.calls import NewCall
from service.phone import urls, voice, voice_calls
from service.phone.caller_callbacks import InboundCall
from service.rules import spoken
from service.rules.call_facts import CalledIn
from service.rules.connecting import lines_up, nobody_left, rings_at_all
from service.rules.lead import CALLED_US, CallId, Lead, RepId, SourceId
from service.rules.standing import State
from service.rules.timeline import Fact, Reopened

# The carrier is asked about a caller of whom nothing was told for so long beyond their wait.
WAIT_OVERDUE = timedelta(seconds=20)
# A stranger who called a number that leads are called from, as pages and figures name where they
# came from: somebody we called calls back, or another of their house.
CALLED = SourceId("call")

log = structlog.get_logger("caller")


def caller(desk: Desk, call: InboundCall, name: str, colleague: RepId | None = None) -> str:
    """What a caller hears, who is a lead from now on. ``name``: under which this call is heard
    once; a replay gets the same. ``colleague``: the caller is one of the team, whom nobody should
    ring meanwhile. Raises LeadBusy, LedgerUnavailable: then nothing was written."""
    source = source_dialled(desk.present.crew(), call.to, CALLED)
    if source is None and colleague is not None:
        source = CALLED  # they chose so, at whatever number of ours
    return persistently(lambda: _received(desk, call, name, source, colleague))


def _received(
    desk: Desk, call: InboundCall, name: str, source: SourceId | None, colleague: RepId | None
) -> str:
    person = Lead(phone=call.number, phone_as_given=call.from_ or None, ask=CALLED_US)
    with desk.ledger.transaction() as conn:
        hold_delivery(conn, source or CALLED, person, call.sid)
        before = inbound.seen(conn, name)
        if before is not None:
            return before.answer or voice_calls.hang_up()
        leg_of = calls.call_by_sid(conn, call.sid)
        if leg_of is not None and leg_of.lead_sid == call.sid:
            because = "the carrier's id is that of another call's leg"
            log.warning("caller", call=leg_of.id, outcome="ignored", because=because)
            return voice_calls.hang_up()
        found = in_hand(conn, person, desk)
        if found == "blocked" and colleague is None:
            return _blocked(desk, conn, call, name)
        held = found if isinstance(found, Held) else None
        if held is None and source is None:
            return _no_line(desk, conn, call, name)
        was_known = held is not None
        held = held or opened(desk, conn, source or CALLED, person, call.sid)
        now = desk.now_for(held.row.last_recorded_at)
        known = _opened(desk, conn, held, call, now)
        if colleague is not None:
            engaged.engage(conn, colleague, known.row.id, now)
        document = _first_heard(known)
        inbound.remember(conn, name, "caller", known.held.id, document, now)
    log.info(
        "lead", lead=known.held.id, source=source or "in hand", outcome="called", known=was_known
    )
    desk.wake([known.held.id])
    return document


def _opened(desk: Desk, conn: Connection, held: Held, call: InboundCall, now: datetime) -> Caller:
    """The call, as it begins: in the timeline and in a row of its own."""
    new = NewCall(
        id=CallId(new_page_id()),
        lead_id=held.id,
        rep_id=None,
        direction="in",
        from_number=ours(desk.present.crew(), call.to),
        to_number=call.number,
        lead_sid=call.sid,
        began_at=now,
        stage=Stage.RINGING,
    )
    caller = Caller(desk, conn, held, calls.open_call(conn, new), now)
    facts: list[Fact] = [CalledIn(new.id)]
    if held.standing.state is State.SETTLED:
        facts.insert(0, Reopened("called_in"))
    caller.records([(fact, now) for fact in facts], "the lead calls us", CARRIER)
    return caller


def _first_heard(caller: Caller) -> str:
    """Ringing, in a queue of the caller's own; or that nobody is there, and a message."""
    policy, standing = caller.policy, caller.held.standing
    floor = floor_of(caller.desk, caller.conn, caller.held, caller.now)
    line = next(line for line in lines_up(standing, caller.now) if line.call_id == caller.row.id)
    team = caller.desk.present.crew().team.name
    if not rings_at_all(policy, caller.now):
        return take_message(caller, spoken.closed_hours(team))
    if nobody_left(standing, policy, floor, line, caller.now):
        return take_message(caller, spoken.leave_message(team))
    public_url, call_id = caller.desk.links.public_url, caller.row.id
    caller.asks_in(timedelta(seconds=policy.calls.inbound_ring_s) + WAIT_OVERDUE)
    return voice_calls.enqueue(
        call_id,
        urls.left_url(public_url, call_id),
        urls.wait_url(public_url, call_id),
        spoken.caller_greeting(team, recorded=True) if policy.calls.record else None,
    )


def _blocked(desk: Desk, conn: Connection, call: InboundCall, name: str) -> str:
    """Somebody of whose number a rep said that it is no lead's: nobody is disturbed."""
    document = voice.say_and_hang_up(spoken.spoken_no_line(desk.present.crew().team.name))
    inbound.remember(conn, name, "caller", None, document, desk.clock.now())
    log.info("caller", outcome="blocked", because="the number was said to be no lead", sid=call.sid)
    return document


def _no_line(desk: Desk, conn: Connection, call: InboundCall, name: str) -> str:
    """Somebody wanted something, at a number where no leads come in: a person should know."""
    document = voice.say_and_hang_up(spoken.spoken_no_line(desk.present.crew().team.name))
    now = desk.clock.now()
    why = "a call to a number that is no source of leads"
    told = f"{call.from_ or 'a withheld number'} called {call.to} ({call.sid})"
    if inbound.remember(conn, name, "caller", None, document, now):
        kept = inbound.keep_unreadable(conn, "call", now, told.encode(errors="replace"), why)
        log.warning("webhook", kind="call", outcome="unreadable", kept=kept, because=why)
    return document
