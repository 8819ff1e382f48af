"""What the carrier tells of the lead's leg, in any order: kept until it can be read, then written
down once as what the call came to.

The verdict of who answered may come after the call's end: its meaning is held for 10 s, and then
the carrier is asked (``asking``). What a call came to is ``rules.calls``'s to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk.calls.engagement import FREE_AFTER, frees
from service.desk.calls.once import Heard, News, once
from service.desk.calls.recorded import forget_machine
from service.desk.calls.settling import keep_or_settle
from service.desk.desk import Desk
from service.desk.record import Held
from service.ledger import calls, inbound
from service.ledger.calls import CallRow
from service.phone import urls, voice, voice_calls
from service.phone.call_callbacks import DialDone, LegStatus, Verdict
from service.rules import spoken
from service.rules.call_facts import Ended
from service.rules.calls import ASK_AFTER, SECONDS_MAX, CallTold, came_to
from service.rules.lead import ERASED, CallId, LeadId
from service.rules.policy import Policy

# How long the line stays open for the digit after the question: by then the text would ask.
DIGIT_WAIT_S = 10

# Behind an instant that is not the carrier's own.
_OUR_CLOCK = "~"

log = structlog.get_logger("call")

Learn = Callable[[Connection, Held, CallRow, datetime], Heard]


def _told(desk: Desk, news: News, call_id: CallId, learn: Learn) -> str | None:
    """Hear something of a call that we dialled; anything of another is ignored, and said so."""

    def lead_of(conn: Connection) -> LeadId | None:
        row = calls.call(conn, call_id)
        return row.lead_id if row is not None and row.dialled_at is not None else None

    def act(conn: Connection, held: Held, now: datetime) -> Heard:
        row = calls.call(conn, call_id)
        assert row is not None, "its lead was found by it"
        return learn(conn, held, row, now)

    return once(desk, news, lead_of, act)


def say_doubts(kind: str, call_id: str, doubts: tuple[str, ...]) -> None:
    """What the carrier said that cannot be believed, and was dropped."""
    if doubts:
        log.warning("call", kind=kind, call=call_id, outcome="not believed", because=doubts)


def _kept(
    desk: Desk, conn: Connection, held: Held, before: CallRow, row: CallRow, now: datetime
) -> Heard:
    """Keep what was told, or settle the call by it. Of a settled call nobody is asked any more, so
    it keeps its rep engaged no longer than the question how it went."""
    settled = keep_or_settle(desk, conn, held, before, row, now)
    freed = settled and _frees(conn, row, asks=True, now=now)
    return Heard(stirred=settled, freed=row.rep_id if freed else None)


def of_another(conn: Connection, row: CallRow, sid: str) -> bool:
    """Whether the carrier's leg is surely not this call's lead's: it is the rep's own, or known as
    another call's."""
    if sid == row.lead_sid:
        return False
    known = None if sid == row.rep_sid else calls.call_by_sid(conn, sid)
    return sid == row.rep_sid or (known is not None and known.id != row.id)


def _other_leg(conn: Connection, row: CallRow, sid: str) -> bool:
    """Whether this is told of a leg that is none of this call's, as far as we know."""
    if sid == row.lead_sid:
        return False
    if row.lead_sid is not None or of_another(conn, row, sid):
        return _ignored(row, "another leg than the call's")
    return False


def _ignored(row: CallRow, because: str) -> bool:
    log.warning("call", call=row.id, outcome="ignored", because=because)
    return True


# The leg's own progress


def hear_leg(desk: Desk, status: LegStatus) -> None:
    """A step of the lead's leg. Raises LeadBusy, LedgerUnavailable."""
    say_doubts("leg", status.call_id, status.doubts)
    _told(
        desk,
        # Told under the name of another call it must not hide what is told of its own.
        News(f"{status.dedupe_key}:{status.call_id}", "leg"),
        status.call_id,
        lambda conn, held, row, now: _leg(desk, conn, held, row, status, now),
    )


def _leg(
    desk: Desk, conn: Connection, held: Held, row: CallRow, status: LegStatus, now: datetime
) -> Heard:
    if row.settled_at is not None or _other_leg(conn, row, status.sid):
        return Heard()
    at = told_at(row, status.at, now)
    by_carrier = at == status.at
    if status.status == "ringing":
        kept = at.isoformat() + ("" if by_carrier else _OUR_CLOCK)
        inbound.remember(conn, _rang(row, status.sid), "leg", held.id, kept, now)
    known = replace(row, lead_sid=status.sid, told=row.told.with_news(status.told))
    if status.final:
        known = replace(known, over_at=min(known.over_at or at, at))
    return _kept(desk, conn, held, row, with_ring(conn, known, by_carrier=by_carrier), now)


def told_at(row: CallRow, at: datetime | None, now: datetime) -> datetime:
    """When it happened: the carrier's word, as long as it lies within the call."""
    begun_at = row.dialled_at or row.began_at
    return at if at is not None and begun_at <= at <= now else now


def with_ring(conn: Connection, row: CallRow, *, by_carrier: bool = False) -> CallRow:
    """The call with how long its leg rang, if that ended unanswered and we know when it began:
    either may be told first. ``by_carrier``: the end is the carrier's own instant.

    What the carrier itself gave up rang for as long as we asked it to, unless its own two instants
    say otherwise: ours are late whenever a receipt is.
    """
    told, over_at = row.told, row.over_at
    unanswered = told.ended in (Ended.NO_ANSWER, Ended.ABANDONED) and told.rang_s is None
    began = inbound.seen(conn, _rang(row, row.lead_sid)) if unanswered else None
    if over_at is None or began is None or began.answer is None:
        return row
    ours = not by_carrier or began.answer.endswith(_OUR_CLOCK)
    if ours and told.ended is Ended.NO_ANSWER:
        return row
    began_at = datetime.fromisoformat(began.answer.removesuffix(_OUR_CLOCK))
    rang_s = (over_at - began_at).total_seconds()
    believed = 0.0 <= rang_s <= SECONDS_MAX
    return replace(row, told=replace(told, rang_s=rang_s)) if believed else row


def _rang(row: CallRow, lead_sid: str | None) -> str:
    """The name under which it is kept when the leg began to ring."""
    return f"rang:{row.id}:{lead_sid}"


# Who answered


def hear_verdict(desk: Desk, verdict: Verdict) -> None:
    """Who picked up, as far as the carrier can hear. Which leg is the lead's it does not decide:
    that is the leg's own word, and the dialling's. Raises LeadBusy, LedgerUnavailable."""
    say_doubts("verdict", verdict.call_id, verdict.doubts)

    def learn(conn: Connection, held: Held, row: CallRow, now: datetime) -> Heard:
        if _other_leg(conn, row, verdict.sid):
            return Heard()
        forget_machine(conn, row, verdict.by, now)
        if row.settled_at is not None:
            log.info("call", call=row.id, outcome="too late", because="the verdict came after all")
            return Heard()
        known = replace(row, told=row.told.with_news(verdict.told))
        return _kept(desk, conn, held, row, known, now)

    news = News(f"{verdict.dedupe_key}:{verdict.call_id}", "verdict")
    _told(desk, news, verdict.call_id, learn)


# The end of the dialling


def hear_dial_done(desk: Desk, done: DialDone) -> str:
    """The lead's leg is over; how the rep's own call goes on. Raises LeadBusy, LedgerUnavailable.

    They are asked for one digit where the facts, as far as they are known by now, leave open how
    it went.
    """
    say_doubts("dial", done.call_id, done.doubts)
    document = _told(
        desk,
        News(done.dedupe_key, "dial"),
        done.call_id,
        lambda conn, held, row, now: _done(desk, conn, held, row, done, now),
    )
    return document or voice_calls.hang_up()


def _done(
    desk: Desk, conn: Connection, held: Held, row: CallRow, done: DialDone, now: datetime
) -> Heard:
    if done.rep_sid != row.rep_sid and _ignored(row, "another call than the rep's"):
        return Heard()
    policy = desk.present.policy(conn, held.row.policy_version)
    known, stirred = row, False
    if row.settled_at is None and not _names_another(conn, row, done.leg_sid):
        known = _with_leg(row, done.leg_sid)
        told = known.told.with_news(_by_whom(done))
        known = with_ring(conn, replace(known, over_at=known.over_at or now, told=told))
        stirred = keep_or_settle(desk, conn, held, row, known, now)
    asks = not done.call_over and held.standing.open and leaves_open(known, policy)
    return Heard(
        _after_call(desk, held, known, asks=asks),
        stirred=stirred,
        freed=known.rep_id if _frees(conn, known, asks=asks, now=now) else None,
    )


def _names_another(conn: Connection, row: CallRow, leg_sid: str | None) -> bool:
    """Whether the dialling's end names a leg that cannot be its own."""
    other = leg_sid is not None and of_another(conn, row, leg_sid)
    return other and _ignored(row, "dialled another call's leg")


def _with_leg(row: CallRow, leg_sid: str | None) -> CallRow:
    """The call with the leg that the end of its dialling names, which is the lead's beyond doubt:
    what was told of another one is dropped."""
    if leg_sid is None or row.lead_sid in (None, leg_sid):
        return replace(row, lead_sid=row.lead_sid or leg_sid)
    log.warning("call", call=row.id, outcome="corrected", because="told of another leg so far")
    return replace(row, lead_sid=leg_sid, over_at=None, told=CallTold())


def _by_whom(done: DialDone) -> CallTold:
    """What the end of the dialling tells: a leg that rang when the rep's own call ended was given
    up by them, whatever the carrier calls it."""
    told = done.told
    gave_up = done.call_over and told.ended is Ended.NO_ANSWER
    return replace(told, ended=Ended.ABANDONED) if gave_up else told


def leaves_open(row: CallRow, policy: Policy) -> bool:
    """Whether the facts, as far as they are told, leave it to the rep to say how it went."""
    behaves = policy.calls
    came = came_to(
        row.told, row.id, row.rep_id, behaves.contact_after_s, ring_lead_s=behaves.ring_lead_s
    )
    return came.asks


def _frees(conn: Connection, row: CallRow, *, asks: bool, now: datetime) -> bool:
    """Free the rep, whose call ends with this. Who is asked is free once they have said it, or
    have not: sooner if their leg is told to have ended before."""
    if row.rep_id is None:
        return False
    until = now + (ASK_AFTER if asks else FREE_AFTER)
    return frees(conn, row.rep_id, row.id, until, now)


def _after_call(desk: Desk, held: Held, row: CallRow, *, asks: bool) -> str:
    if asks:
        url = urls.outcome_key_url(desk.links.public_url, row.id)
        return voice_calls.ask_digit(spoken.ask_outcome(), url, DIGIT_WAIT_S)
    if row.told.ended in (Ended.BUSY, Ended.NO_ANSWER):
        return voice.say_and_hang_up(spoken.lead_unreachable(held.person or ERASED))
    return voice_calls.hang_up()
