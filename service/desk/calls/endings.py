"""What an inbound call came to, written to the timeline once: held by a rep, missed, or missed
with a message left.

Every way in which its end is learned leads here: the carrier's callbacks, in any order, and our
own question when they stay away.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from service.desk.calls.caller import CARRIER, Caller
from service.ledger import recordings
from service.ledger.recordings import Recording
from service.rules.call_facts import Attempted, CallMissed, Contacted, VoicemailReceived
from service.rules.calls import SECONDS_MAX, SHORT_WAIT_S, held_by
from service.rules.timeline import Fact

# Less than this is a breath and a click, and no message.
MESSAGE_MIN_S = 2.0

log = structlog.get_logger("caller")


def held(caller: Caller, held_s: float | None, over_at: datetime) -> bool:
    """A rep took the call by key and held it for so long (None: nobody told, and nothing is
    proved by the clock alone); whether the rep is to be asked how it went."""
    row = caller.row
    if caller.settled or row.rep_id is None or caller.happened(Attempted):
        caller.settles(over_at)
        return False
    began_at = row.dialled_at or row.began_at
    facts = held_by(row.id, row.rep_id, held_s, caller.policy.calls.contact_after_s)
    when = [(fact, began_at if _is_of_its_beginning(fact) else over_at) for fact in facts]
    told = "an unknown time" if held_s is None else f"{round(held_s)} s"
    caller.records(when, f"the caller was held for {told}", CARRIER)
    caller.settles(over_at)
    return any(isinstance(fact, Attempted) and fact.asks for fact in facts)


def _is_of_its_beginning(fact: Fact) -> bool:
    return isinstance(fact, Attempted | Contacted)


def missed(caller: Caller, over_at: datetime, waited_s: float | None, *, hung_up: bool) -> None:
    """The call is over and nobody had taken it. ``hung_up``: the caller lost patience, so that a
    short wait is told apart."""
    if not caller.settled:
        caller.records(_missed(caller, over_at, waited_s, hung_up), "nobody took the call", CARRIER)
    caller.settles(over_at)


def _missed(
    caller: Caller, over_at: datetime, waited_s: float | None, hung_up: bool
) -> list[tuple[Fact, datetime]]:
    if caller.happened(CallMissed) or caller.happened(Attempted):
        return []
    wait_s = waited_s if waited_s is not None else _by_clock(caller, over_at)
    short = hung_up and wait_s < SHORT_WAIT_S
    return [(CallMissed(caller.row.id, wait_s, short), over_at)]


def _by_clock(caller: Caller, over_at: datetime) -> float:
    return min(max((over_at - caller.row.began_at).total_seconds(), 0.0), SECONDS_MAX)


def left_message(caller: Caller, sid: str, seconds: float | None, over_at: datetime) -> None:
    """The carrier has a recording of the caller. One that is told after its call was settled is
    a message all the same."""
    keep(caller, sid, seconds)
    facts = _missed(caller, over_at, caller.row.told.rang_s, hung_up=False)
    if (seconds or 0.0) >= MESSAGE_MIN_S and not caller.happened(VoicemailReceived):
        facts.append((VoicemailReceived(caller.row.id, seconds or 0.0), over_at))
    caller.records(facts, "the caller left a message", CARRIER)
    caller.settles(over_at)
    log.info("voicemail", lead=caller.held.id, call=caller.row.id, seconds=seconds)


def keep(caller: Caller, sid: str, seconds: float | None) -> None:
    """Remember the recording, and when the carrier is to delete it; an empty one goes too. One
    whose words came first gets its length."""
    days = timedelta(days=caller.policy.calls.record_days)
    kept = Recording(
        sid=sid,
        call_id=caller.row.id,
        lead_id=caller.held.id,
        kind="voicemail",
        seconds=round(seconds or 0.0),
        at=caller.now,
        delete_at=caller.now + days,
    )
    if not recordings.keep(caller.conn, kept) and kept.seconds:
        recordings.measure(caller.conn, sid, kept.seconds)
