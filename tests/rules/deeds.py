"""Everything that small histories of a lead are made of: one deed each, and a look after it.

A deed that makes no sense as the lead stands does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from service.rules import answers
from service.rules.call_facts import (
    Attempted,
    CalledIn,
    CallMissed,
    Connected,
    Dialled,
    LeadReplied,
    NoAnswer,
    RingFailed,
    VoicemailReceived,
    WentToVoicemail,
)
from service.rules.calls import CallTold, came_to, held_by
from service.rules.lead import CallId, RepId
from service.rules.standing import OnLine, State
from service.rules.timeline import (
    By,
    Channel,
    Claimed,
    Ending,
    PageDelivered,
    PageFailed,
    PageSent,
    Passed,
)
from tests.rules.laws import look_and_check
from tests.rules.world import (
    ABANDONED,
    ANN,
    BOB,
    BUSY,
    LOST,
    UNANSWERED,
    LeadUnderTest,
    machine,
    talked,
)

Deed = Callable[[LeadUnderTest], None]


def last_instant(lead: LeadUnderTest) -> datetime:
    return lead.standing.last_recorded_at


def on_time(lead: LeadUnderTest) -> None:
    verdict = lead.decide(lead.timeline, lead.policy, lead.floor, last_instant(lead))
    if verdict.look_again_at is not None:
        look_and_check(lead, verdict.look_again_at)


def late(seconds: float) -> Deed:
    def deed(lead: LeadUnderTest) -> None:
        look_and_check(lead, last_instant(lead) + timedelta(seconds=seconds))

    deed.__name__ = f"late_by_{seconds:g}"
    return deed


def passes(rep: str) -> Deed:
    def deed(lead: LeadUnderTest) -> None:
        if lead.standing.open and rep not in lead.standing.passed:
            lead.happens(_soon(lead), Passed(RepId(rep), By.TEXT))
            look_and_check(lead, last_instant(lead))

    deed.__name__ = f"{rep}_passes"
    return deed


def claims(lead: LeadUnderTest) -> None:
    if lead.standing.state is State.WAITING:
        lead.happens(_soon(lead), Claimed(BOB, By.TEXT))
        look_and_check(lead, last_instant(lead))


def calls_in_vain(lead: LeadUnderTest) -> None:
    if lead.standing.owner:
        lead.happens(_soon(lead), Attempted(lead.standing.owner, "C"))
        lead.happens(_soon(lead), NoAnswer("C", lead.standing.owner))
        look_and_check(lead, last_instant(lead))


def last_page_fails(lead: LeadUnderTest) -> None:
    for page in reversed(lead.standing.pages):
        if page.failed_at is None:
            fact = PageFailed(page.page_id, page.rep, page.channel, "undelivered", 30003)
            lead.happens(_soon(lead), fact)
            look_and_check(lead, last_instant(lead))
            return


def carrier_fails(lead: LeadUnderTest) -> None:
    for page in reversed(lead.standing.pages):
        if page.failed_at is None:
            fact = PageFailed(
                page.page_id, page.rep, page.channel, "connection", ends_channel=False
            )
            lead.happens(last_instant(lead) + timedelta(seconds=1), fact)
            look_and_check(lead, last_instant(lead))
            return


def is_sent(lead: LeadUnderTest) -> None:
    """The carrier accepted the last page; nobody says that a phone has it."""
    unsent = [page for page in lead.standing.pages if page.sent_at is None and not page.failed_at]
    if unsent and lead.standing.open:
        page = unsent[-1]
        when = last_instant(lead) + timedelta(seconds=1)
        lead.happens(when, PageSent(page.page_id, page.rep, page.channel))


def is_delivered(lead: LeadUnderTest) -> None:
    sent = [page for page in lead.standing.pages if page.sent_at and page.delivered_at is None]
    if sent and lead.standing.open:
        page = sent[-1]
        when = last_instant(lead) + timedelta(seconds=2)
        lead.happens(when, PageDelivered(page.page_id, page.rep, page.channel))


def breaker_opens(lead: LeadUnderTest) -> None:
    until = last_instant(lead) + timedelta(seconds=15)
    people = {rep: replace(each, email=f"{rep}@x.com") for rep, each in lead.floor.people.items()}
    lead.floor = replace(
        lead.floor, people=people, tripped={Channel.TEXT: until}, mail=True, changes_at=until
    )
    look_and_check(lead, last_instant(lead))


def breaker_of_calls_opens(lead: LeadUnderTest) -> None:
    until = last_instant(lead) + timedelta(seconds=30)
    tripped = {**lead.floor.tripped, Channel.CALL: until}
    changes_at = min(tripped.values())
    lead.floor = replace(lead.floor, tripped=tripped, mail=True, changes_at=changes_at)
    look_and_check(lead, last_instant(lead))


def ann_answers_unseen(lead: LeadUnderTest) -> None:
    lead.floor = replace(lead.floor, answer_unseen=lead.floor.answer_unseen ^ {ANN})
    look_and_check(lead, last_instant(lead))


def breaker_closes(lead: LeadUnderTest) -> None:
    if lead.floor.tripped:
        lead.floor = replace(lead.floor, tripped={}, changes_at=None)
        look_and_check(lead, last_instant(lead))


def shift_ends(lead: LeadUnderTest) -> None:
    lead.floor = replace(lead.floor, on_duty=lead.floor.on_duty[1:])
    look_and_check(lead, _soon(lead))


def _soon(lead: LeadUnderTest) -> datetime:
    return last_instant(lead) + timedelta(seconds=7)


DEEDS: tuple[Deed, ...] = (
    on_time,
    late(50),
    late(400),
    passes(ANN),
    passes(BOB),
    claims,
    calls_in_vain,
    last_page_fails,
    carrier_fails,
    shift_ends,
    is_sent,
    is_delivered,
)
# Rarer than that: tried by Hypothesis, in any order with the others.
RARE_DEEDS: tuple[Deed, ...] = (
    breaker_opens,
    breaker_closes,
    breaker_of_calls_opens,
    ann_answers_unseen,
)

# Deeds of calls


def _now(lead: LeadUnderTest) -> datetime:
    now = _soon(lead)
    look_and_check(lead, last_instant(lead))
    return max(now, last_instant(lead))


def _to_dial(lead: LeadUnderTest) -> CallId | None:
    """The call of the owner's ring, if it rings."""
    return next((r.call_id for r in lead.ringing() if r.rep == lead.standing.owner), None)


def answers_the_ring(lead: LeadUnderTest) -> None:
    call_id, owner = _to_dial(lead), lead.standing.owner
    if call_id and owner and not lead.standing.lines:
        lead.happens(_soon(lead), Dialled(call_id, owner))
        look_and_check(lead, last_instant(lead))


def calls_through(lead: LeadUnderTest) -> None:
    """Ann calls a number of ours, and is connected with the lead that she has, or that waits."""
    if lead.standing.owner in (None, ANN) and lead.standing.open and not lead.standing.lines:
        when = _soon(lead)
        lead.happens(when, Dialled(CallId(f"through-{len(lead.timeline)}"), ANN))
        look_and_check(lead, last_instant(lead))


def misses_the_ring(lead: LeadUnderTest) -> None:
    for ring in lead.ringing():
        failed = RingFailed(ring.rep, ring.call_id, ring.leg, "no_answer")
        lead.happens(_soon(lead), failed)
        look_and_check(lead, last_instant(lead))
        return


def ends(name: str, told: CallTold, lasts: float = 20.0) -> Deed:
    def deed(lead: LeadUnderTest) -> None:
        for line in lead.talking():
            end_call(lead, line, told, lasts)
            look_and_check(lead, last_instant(lead))
            return

    deed.__name__ = f"ends_{name}"
    return deed


def end_call(lead: LeadUnderTest, line: OnLine, told: CallTold, lasts: float) -> None:
    assert line.rep is not None
    contact_after_s = lead.policy.calls.contact_after_s
    facts = came_to(told, line.call_id, line.rep, contact_after_s, ring_lead_s=40).facts
    if line.inbound:
        facts = held_by(line.call_id, line.rep, told.bridged_s, contact_after_s)
    told_at = last_instant(lead) + timedelta(seconds=lasts)
    for fact in facts:
        lead.happens(line.since, fact, told_at=told_at)


def says(ending: Ending, later: timedelta | None = None) -> Deed:
    def deed(lead: LeadUnderTest) -> None:
        rep = lead.standing.owner or ANN
        when = _soon(lead)
        facts = answers.outcome(
            lead.standing,
            rep,
            ending,
            By.TEXT,
            None,
            at=when,
            call_at=when + later if later else None,
        )
        for fact in facts:
            lead.happens(when, fact)
        if facts:
            look_and_check(lead, last_instant(lead))

    deed.__name__ = f"says_{ending.value}" + ("_at_a_time" if later else "")
    return deed


def calls_in(lead: LeadUnderTest) -> None:
    if lead.standing.open and not any(line.inbound for line in lead.standing.lines):
        lead.happens(_soon(lead), CalledIn(CallId(f"in-{len(lead.timeline)}")))
        look_and_check(lead, last_instant(lead))


def _waiting(lead: LeadUnderTest) -> OnLine | None:
    return next((line for line in lead.standing.lines if line.waits), None)


def _untaken(lead: LeadUnderTest) -> OnLine | None:
    return next((line for line in lead.standing.lines if line.rep is None), None)


def calls_once_more(lead: LeadUnderTest) -> None:
    """They hung up and call again, before the end of their first call is told."""
    if _waiting(lead) and lead.standing.open:
        lead.happens(_soon(lead), CalledIn(CallId(f"in-{len(lead.timeline)}")))
        look_and_check(lead, last_instant(lead))


def is_asked_for_a_message(lead: LeadUnderTest) -> None:
    line = _waiting(lead)
    if line:
        lead.happens(_soon(lead), WentToVoicemail(line.call_id))
        look_and_check(lead, last_instant(lead))


def takes_the_caller(lead: LeadUnderTest) -> None:
    line = _waiting(lead)
    rung = [ring for ring in lead.ringing() if line and ring.call_id == line.call_id]
    if line and rung:
        when, rep = _soon(lead), rung[-1].rep
        if lead.standing.owner is None:
            lead.happens(when, Claimed(rep, By.KEY))
        lead.happens(when, Connected(line.call_id, rep))
        look_and_check(lead, last_instant(lead))


def leaves(lead: LeadUnderTest) -> None:
    line = _untaken(lead)
    if line:
        lead.happens(_soon(lead), CallMissed(line.call_id, 20.0))
        look_and_check(lead, last_instant(lead))


def leaves_a_voicemail(lead: LeadUnderTest) -> None:
    line = _untaken(lead)
    if line or lead.standing.asked_back:
        call_id = line.call_id if line else CallId("in-0")
        lead.happens(_soon(lead), VoicemailReceived(call_id, 12.0))
        look_and_check(lead, last_instant(lead))


def writes(lead: LeadUnderTest) -> None:
    if lead.standing.open:
        lead.happens(_soon(lead), LeadReplied("SM1"))
        look_and_check(lead, last_instant(lead))


def owner_asks_to_be_rung(lead: LeadUnderTest) -> None:
    owner = lead.standing.owner
    if owner is None:
        return
    when = _soon(lead)
    for fact in answers.claim(lead.standing, owner, By.TEXT, rings=True):
        lead.happens(when, fact)
        look_and_check(lead, last_instant(lead))


def owner_passes(lead: LeadUnderTest) -> None:
    owner = lead.standing.owner
    if owner is not None and lead.standing.open:
        lead.happens(_soon(lead), Passed(owner, By.TEXT))
        look_and_check(lead, last_instant(lead))


def bob_is_on_a_call(lead: LeadUnderTest) -> None:
    """Bob begins a call with somebody else, or hangs up."""
    engaged = dict(lead.floor.engaged)
    if engaged.get(BOB, last_instant(lead)) is None:
        engaged[BOB] = last_instant(lead) + timedelta(seconds=5)
    else:
        engaged[BOB] = None
    lead.floor = replace(lead.floor, engaged=engaged)
    look_and_check(lead, last_instant(lead))


DEEDS_OF_CALLS: tuple[Deed, ...] = (
    on_time,
    late(400),
    late(20 * 3600),
    claims,
    answers_the_ring,
    misses_the_ring,
    ends("busy", BUSY),
    ends("short", talked(12)),
    ends("contact", talked(60)),
    ends("open", talked(60, None)),
    ends("abandoned", ABANDONED),
    ends("lost", LOST),
    says(Ending.VOICEMAIL),
    says(Ending.CALL_LATER, timedelta(days=2)),
    calls_in,
    calls_once_more,
    is_asked_for_a_message,
    takes_the_caller,
    leaves,
    leaves_a_voicemail,
    owner_asks_to_be_rung,
    owner_passes,
    last_page_fails,
    shift_ends,
)
RARE_DEEDS_OF_CALLS: tuple[Deed, ...] = (
    calls_through,
    writes,
    bob_is_on_a_call,
    ends("unanswered", UNANSWERED, 40),
    ends("voicemail", machine(9), 60),
    ends("long", talked(200), 200),
    says(Ending.TALKED),
    says(Ending.NO_ANSWER),
    says(Ending.CALL_LATER),
    calls_in_vain,
    carrier_fails,
)
