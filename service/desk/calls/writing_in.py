"""Somebody who is not on the team texts one of our numbers: a lead, new or known.

A person who has a lead with us is heard on whatever number of ours they write to; a stranger only
where leads come in. Their words are kept beside the timeline, never in it. Nothing is answered
here: the carrier itself answers a stop word, and a person answers the lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from service.desk.calls.finding import hold_delivery, in_hand, opened, source_dialled
from service.desk.desk import Desk
from service.desk.record import Held, hold, numbered, record
from service.desk.take_in import known_leads
from service.intake.numbers import to_e164
from service.ledger import inbound, messages, persons
from service.phone.callbacks import InboundText
from service.rules.call_facts import Contacted, LeadReplied
from service.rules.calls import KEYED
from service.rules.lead import Lead, LeadId, SourceId, identity_keys, tidy
from service.rules.reception import merged
from service.rules.replies import Reply, Start, Stop
from service.rules.standing import Standing, State
from service.rules.timeline import Fact, OptedOut, Reopened

# A lead that wrote to a number of no source, as pages and figures name where it came from.
TEXTED = SourceId("text")
# A text is at most 1,600 characters, and the carrier's word for its limit is ours.
WORDS_MAX = 1_600
# Words that only the carrier understands. YES starts texts too, and is also what people answer.
_IGNORED_STARTS = frozenset({"START", "UNSTOP"})
# Numbers come from the carrier with their country; none is guessed for one that has none.
_NO_REGION = "ZZ"
_PICTURES, _NOTHING = "Sent a picture", "Texted us"

log = structlog.get_logger("lead")


@dataclass(frozen=True, slots=True)
class _Wrote:
    """A text of a lead, as it is taken in."""

    desk: Desk
    conn: Connection
    text: InboundText
    person: Lead
    now: datetime


def hear(
    desk: Desk, conn: Connection, text: InboundText, reply: Reply, now: datetime
) -> tuple[LeadId, ...]:
    """Take in a text from nobody on the team, in the caller's transaction, which remembers it; the
    leads that it touched, to be woken after the commit. Raises LeadBusy."""
    number = to_e164(text.from_, _NO_REGION)
    source = source_dialled(desk.present.crew(), text.to, TEXTED)
    words = tidy(text.body, WORDS_MAX) or (_PICTURES if text.media_count else _NOTHING)
    person = Lead(phone=number, phone_as_given=text.from_, ask=words)
    wrote = _Wrote(desk, conn, text, person, now)
    hold_delivery(conn, source or TEXTED, person, text.sid)
    if isinstance(reply, Stop):
        return _stops(wrote, reply)
    if isinstance(reply, Start) and (reply.word in _IGNORED_STARTS or text.opt_out_type):
        log.info("lead", outcome="a start word", because="the carrier has answered it")
        return ()
    held = in_hand(conn, person, desk)
    if isinstance(held, Held):
        return (_replied(wrote, held),)
    if held is not None or source is None or number is None:
        _kept_apart(wrote, blocked=held is not None)
        return ()
    new = opened(desk, conn, source, person, text.sid)
    messages.keep(conn, text.sid, new.id, now, words)
    log.info("lead", lead=new.id, source=source, outcome="texted")
    return (new.id,)


def _kept_apart(wrote: _Wrote, *, blocked: bool) -> None:
    """A text that opens no lead, for a person to see."""
    why = "to a number that takes no leads" if wrote.person.phone else "and from no number"
    if blocked:
        why = "from a number that was said to be no lead"
    body = wrote.text.body.encode(errors="replace")
    told = f"a text from nobody on the team, {why}"
    inbound.keep_unreadable(wrote.conn, "text", wrote.now, body, told)


def _stops(wrote: _Wrote, reply: Stop) -> tuple[LeadId, ...]:
    """They want to hear no more from us: every lead of theirs that is open ends."""
    known = known_leads(wrote.conn, identity_keys(wrote.person))
    ended = []
    for lead_id in sorted(each.id for each in known if each.state is not State.SETTLED):
        held = hold(wrote.conn, lead_id)
        if held is not None and held.standing.open:
            _record(wrote, held, [OptedOut(f"texted {reply.word}")], "asked not to be contacted")
            ended.append(held.id)
    return tuple(ended)


def _replied(wrote: _Wrote, held: Held) -> LeadId:
    """A lead that we have wrote to us. Who answers after a person has called was reached."""
    standing, sid = held.standing, wrote.text.sid
    messages.keep(wrote.conn, sid, held.id, wrote.now, wrote.person.ask)
    facts: list[Fact] = []
    if standing.state is State.SETTLED:
        facts.append(Reopened("lead_replied"))
    facts.append(LeadReplied(sid))
    if _reaches(standing):
        caller = standing.last_call.rep if standing.last_call else None
        facts.append(Contacted(KEYED, caller or standing.owner))
    if standing.owner is None and held.person is not None:
        # Whoever takes the lead next must read it with the request.
        persons.save_person(wrote.conn, held.id, merged(held.person, wrote.person))
    _record(wrote, held, facts, "the lead wrote to us")
    log.info("lead", lead=held.id, outcome="replied")
    return held.id


def _reaches(standing: Standing) -> bool:
    """Whether an answer is news of contact: calls were made since the lead was last reached."""
    never = standing.first_contact_at is None
    return standing.open and standing.attempts > 0 and (never or standing.unreached > 0)


def _record(wrote: _Wrote, held: Held, facts: list[Fact], because: str) -> None:
    now = max(wrote.now, held.row.last_recorded_at)
    events = numbered(held, facts, at=now, now=now, because=because, actor="lead")
    record(wrote.conn, held, events)
