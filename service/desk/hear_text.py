"""Somebody texted us. A rep's words are matched to a question and become facts, or an answer; what
anybody else writes is a lead's (``calls.writing_in``).

Answers to a phone that are about no event of a lead (who is on duty, which letter, the whole
request) are ordered here, in the transaction that remembers the text: a replay sends none.
Everything about a lead is only recorded here; ``attend`` orders what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from service.desk import numbers, reach
from service.desk.calls import writing_in
from service.desk.calls.engagement import of_last_call
from service.desk.calls.settling import before_word
from service.desk.claiming import claim
from service.desk.desk import Desk
from service.desk.notices import answer
from service.desk.present import floor_changed, floor_moves
from service.desk.record import Held, hold, numbered, persistently, record
from service.desk.wordings import not_yet_text, yours_text
from service.ledger import inbound, leads, people, questions
from service.phone.callbacks import InboundText
from service.rules import answers, wording, wording_calls
from service.rules.agreed import agreed_at
from service.rules.call_facts import Attempted, RingAsked
from service.rules.connecting import Prospect, is_ringing, lines_up
from service.rules.duty import on_duty
from service.rules.floor import Person
from service.rules.folding import fold
from service.rules.lead import ERASED, LeadId
from service.rules.policy import Policy
from service.rules.replies import (
    LETTER_KEPT,
    TYPING,
    Ambiguous,
    Answer,
    Answered,
    Duty,
    DutyWord,
    HelpAsked,
    More,
    NothingOpen,
    OpenQuestion,
    OutcomeReply,
    Pass,
    QuestionKind,
    Reply,
    Start,
    Stop,
    Take,
    match,
    read_reply,
)
from service.rules.standing import Standing
from service.rules.timeline import By, Channel, Claimed, Fact, Timeline


@dataclass(frozen=True, slots=True)
class _Heard:
    """One text of one rep, and what it has led to so far."""

    conn: Connection
    desk: Desk
    person: Person
    text: InboundText
    now: datetime


class _Replayed(Exception):
    """This text was heard before: whatever this transaction did must be undone."""


def hear_text(desk: Desk, text: InboundText) -> None:
    """Take in a text. Hearing it twice changes nothing. Raises LeadBusy, LedgerUnavailable."""
    persistently(lambda: _hear(desk, text))


def _hear(desk: Desk, text: InboundText) -> None:
    person = desk.present.crew().by_phone.get(text.from_)
    reply = _reply_of(text)
    touched: tuple[LeadId, ...] = ()
    try:
        with desk.ledger.transaction() as conn:
            touched, floor_moved = _take_down(desk, conn, person, text, reply)
    except _Replayed:
        # Whoever heard it first may have died after its commit, before it told the open leads.
        floor_moved = person is not None and isinstance(reply, Stop | Start)
    if touched:
        desk.wake(touched)
    if floor_moved:
        floor_changed(desk.ledger, desk.clock.now())


def _take_down(
    desk: Desk, conn: Connection, person: Person | None, text: InboundText, reply: Reply
) -> tuple[tuple[LeadId, ...], bool]:
    """All that a text does; the leads it touched, and whether the floor moved. Raises _Replayed."""
    if inbound.seen(conn, _key(text)) is not None:
        raise _Replayed
    now = desk.clock.now()
    floor_moved = False
    if person is None:
        touched = writing_in.hear(desk, conn, text, reply, now)
    else:
        heard = _Heard(conn, desk, person, text, now)
        # The lead before the deaf row, as a receipt and a refusal take them: never crosswise.
        lead_id = _act(heard, reply, was_stopped=_was_stopped(heard, reply))
        touched = (lead_id,) if lead_id is not None else ()
        floor_moved = _reachability(heard, reply)
    about = touched[0] if touched else None
    if not inbound.remember(conn, _key(text), "text", about, None, now):
        raise _Replayed
    return touched, floor_moves(conn, floor_moved)


def _key(text: InboundText) -> str:
    return f"text:{text.dedupe_key}"


def _reply_of(text: InboundText) -> Reply:
    """What the text says; a stop or start that the carrier recognised is one, whatever its
    words."""
    said = read_reply(text.body)
    if text.opt_out_type == "STOP":
        return Stop("STOP")
    if text.opt_out_type == "START" and not isinstance(said, Start):
        return Start("START", also_take=False)
    return said


def _was_stopped(heard: _Heard, reply: Reply) -> bool:
    """Whether a start word comes from a phone that had opted out."""
    phone = (heard.person.phone, Channel.TEXT)
    return isinstance(reply, Start) and phone in people.deaf_phones(heard.conn)


def _reachability(heard: _Heard, reply: Reply) -> bool:
    """What a text shows of its phone; True when that is news. A stop word makes it deaf to texts,
    a start word makes it hear, and any other word shows that the number lives."""
    if isinstance(reply, Stop):
        return reach.opted_out(heard.desk, heard.conn, heard.person, heard.now)
    if isinstance(reply, Start):
        return reach.opted_in(heard.conn, heard.person)
    return reach.came_through(heard.conn, heard.person.phone, Channel.TEXT, heard.now)


def _act(heard: _Heard, reply: Reply, *, was_stopped: bool) -> LeadId | None:
    """Do what the reply says; the lead it touched, if it touched one."""
    match reply:
        case Stop():
            return None  # the carrier has answered, and anything of ours would be refused
        case Start(also_take=False):
            return _say(heard, wording.texts_on_again(heard.person.first_name))
        case Start() | Take() | Pass() | OutcomeReply() | More():
            return _answer_question(heard, reply, was_stopped)
        case Duty(kind=DutyWord.WHO):
            return _say(heard, _who(heard))
        case Duty(kind=kind):
            return _say(heard, wording.not_yet(kind.value.upper()))
        case HelpAsked():
            return _say(heard, wording.help_text())
        case _:
            return _say(heard, wording.not_understood())


def _say(heard: _Heard, body: str, about: LeadId | None = None) -> LeadId | None:
    """Answer the phone, unless the team's texts are off: the carrier would take none. Returns the
    lead whose timeline that touched, which is none."""
    if not heard.desk.present.crew().team.texts_off:
        answer(heard.conn, heard.person, body, heard.now, about)
    return None


def _who(heard: _Heard) -> str:
    crew = heard.desk.present.crew()
    names = [crew.people[rep].name for rep in on_duty(crew.team.shifts, heard.now)]
    return wording.who_is_on_duty(names)


def _answer_question(heard: _Heard, reply: Answer, was_stopped: bool) -> LeadId | None:
    asked = _questions(heard, reply)
    last = questions.last_text(heard.conn, heard.person.phone)
    last_lead = last.lead_id if last else None
    # A clock set back does not make a text older than the question it answers.
    received_at = max([heard.now, *(each.opened_at for each in asked)])
    matched = match(reply, asked, received_at, last_lead, was_stopped)
    if isinstance(matched, Answered):
        return _apply(heard, reply, matched.question.lead_id)
    if isinstance(matched, NothingOpen) and matched.latest_closed is not None:
        return _apply(heard, reply, matched.latest_closed.lead_id)
    if isinstance(reply, Start) and was_stopped:
        return _say(heard, wording.texts_on_again(heard.person.first_name))
    if isinstance(matched, Ambiguous) and matched.questions:
        return _say(heard, _listed(heard, matched.questions))
    return _say(heard, wording.nothing_open())


def _questions(heard: _Heard, reply: Answer) -> list[OpenQuestion]:
    """The phone's questions, each as what it asks now: take it, call again, or how did it end."""
    found = []
    for each in questions.questions_of(heard.conn, heard.person.phone, heard.now - LETTER_KEPT):
        view = leads.read_lead(heard.conn, each.lead_id)
        mine = view is not None and view.row.owner == heard.person.id
        timeline: Timeline = ()
        if mine or isinstance(reply, OutcomeReply):
            timeline = leads.timeline_of(heard.conn, each.lead_id)
        kind = _kind(heard, timeline, mine=mine)
        had = any(_by_me(heard, event.fact) for event in timeline)
        asked = OpenQuestion(each.letter, each.lead_id, kind, each.opened_at, each.closed_at, had)
        found.append(asked)
    if isinstance(reply, OutcomeReply) and reply.letter is None:
        return of_last_call(heard.conn, heard.person.id, found, heard.now)
    return found


def _kind(heard: _Heard, timeline: Timeline, *, mine: bool) -> QuestionKind:
    """What a question asks by now. What was asked while a thumb was typing is not what it
    answers."""
    if not timeline:
        return QuestionKind.PAGE
    standing = fold(timeline)
    if mine:
        owed = _asked_to_call(standing, heard.now - TYPING)
        return QuestionKind.OWED if owed else QuestionKind.OUTCOME
    last = standing.last_call
    asks = last is not None and last.asks and last.rep == heard.person.id
    return QuestionKind.OUTCOME if asks else QuestionKind.PAGE


def _asked_to_call(standing: Standing, at: datetime) -> bool:
    """Whether the lead's owner was asked by then to make a call: one that is owed, or the one
    for which they missed our ring."""
    since = standing.last_call.at if standing.last_call else standing.arrived_at
    asked = [page.at for page in standing.reminders]
    missed = [ring.failed_at for ring in standing.rings if ring.rep == standing.owner]
    return any(since <= each <= at for each in (*asked, *filter(None, missed)))


def _by_me(heard: _Heard, fact: Fact) -> bool:
    """Whether the rep took the lead by this, or called it."""
    return isinstance(fact, Claimed | Attempted) and fact.rep == heard.person.id


def _listed(heard: _Heard, open_questions: tuple[OpenQuestion, ...]) -> str:
    return wording.question_list(
        [
            (
                each.letter or "",
                leads.person_of(heard.conn, each.lead_id) or ERASED,
                each.kind,
            )
            for each in open_questions
        ]
    )


def _apply(heard: _Heard, reply: Answer, lead_id: LeadId) -> LeadId | None:
    """Record what the reply means for a lead, under its lock."""
    held = hold(heard.conn, lead_id)
    if held is None:
        return _say(heard, wording.nothing_open())
    if isinstance(reply, More):
        return _more(heard, held)
    now = heard.desk.now_for(held.row.last_recorded_at)
    if isinstance(reply, OutcomeReply):
        held = before_word(heard.desk, heard.conn, held, heard.person.id, now)
    facts, expected = _facts(heard, held, reply, now)
    if not facts:
        return _say(heard, _already(heard, held, reply, now), lead_id)
    because = f"{heard.person.first_name} replied by text"
    actor = f"rep:{heard.person.id}"
    record(
        heard.conn,
        held,
        numbered(held, facts, at=now, now=now, because=because, actor=actor),
    )
    if any(isinstance(fact, RingAsked) for fact in facts):
        _say_when(heard, held, expected, now)
    return lead_id


def _facts(
    heard: _Heard, held: Held, reply: Answer, now: datetime
) -> tuple[tuple[Fact, ...], Prospect]:
    """What a reply means, and whether the rep will be connected for it."""
    rep, standing = heard.person.id, held.standing
    match reply:
        case Take() | Start():
            taken = claim(heard.desk, heard.conn, held, rep, By.TEXT, now)
            return taken.facts, taken.expected
        case Pass():
            return answers.decline(standing, rep, By.TEXT), Prospect.NEVER
        case OutcomeReply(ending=ending, when=when):
            zone = heard.desk.present.crew().zone_of(rep)
            said = answers.outcome(
                standing,
                rep,
                ending,
                By.TEXT,
                when,
                at=now,
                call_at=agreed_at(when, zone, now) if when else None,
                contact_after_s=_policy(heard, held).calls.contact_after_s,
            )
            return said, Prospect.NEVER
        case More():
            return (), Prospect.NEVER


def _policy(heard: _Heard, held: Held) -> Policy:
    return heard.desk.present.policy(heard.conn, held.row.policy_version)


def _say_when(heard: _Heard, held: Held, expected: Prospect, now: datetime) -> None:
    """To who asked to be rung and is not rung at once, when they will be."""
    crew = heard.desk.present.crew()
    said = not_yet_text(crew, held, heard.person, expected, now)
    if said is not None:
        _say(heard, said, held.id)


def _already(heard: _Heard, held: Held, reply: Answer, now: datetime) -> str:
    """The answer to a reply that changes nothing: they have it, passed it, or it is closed."""
    lead = leads.person_of(heard.conn, held.id) or ERASED
    if not held.standing.open:
        return wording.closed(lead)
    if isinstance(reply, Pass):
        return wording.passed_on(lead)
    if lines_up(held.standing, now):
        return wording_calls.on_the_line(lead)
    if is_ringing(held.standing, now):
        return wording_calls.ringing_again(lead)
    crew = heard.desk.present.crew()
    return yours_text(crew, _policy(heard, held), lead, heard.person, now)


def _more(heard: _Heard, held: Held) -> LeadId | None:
    lead = leads.person_of(heard.conn, held.id) or ERASED
    mine = held.standing.owner == heard.person.id
    crew = heard.desk.present.crew()
    private = numbers.is_private(crew, _policy(heard, held), lead, heard.now)
    for body in wording.more(lead, claimed=mine, private=private):
        _say(heard, body, held.id)
    return None
