"""Which call is owed, by when, and whom that is said to. DEFINITIONS.md, "After an unanswered first
call" and "Voicemail unanswered".

A debt arises from what happened to a lead and is paid by a call, whoever makes it. Its owner is
paged when the call should be made; once its promise has passed, the lead goes back to the ladder.
``decide`` puts it all together.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from service.rules.actions import Action, Meet, Miss, Owe, Page, TakeBack
from service.rules.call_facts import Owing
from service.rules.calls import ANSWER_WITHIN
from service.rules.floor import Floor
from service.rules.lawful import dial_from
from service.rules.lead import RepId
from service.rules.policy import Policy
from service.rules.standing import Came, Debt, LastCall, Standing, State
from service.rules.timeline import Audience, Channel, Ending

# How long before its promise an owner is asked for a call: half of it, a quarter hour at most.
ASK_BEFORE_MAX_S = 900.0
# A second call is owed within a day of business time at the latest. DEFINITIONS.md.
SECOND_CALL_MAX_S = 86_400.0
# Between the unanswered calls after the second: six calls in two weeks, ever rarer. The day
# pattern is the field's (calls on days 0, 0, 0, 1, 4 and 9).
GAPS = (timedelta(hours=4), timedelta(days=1), timedelta(days=3), timedelta(days=5))
# A text that an owner has not answered is followed by a call after so long, or half of what is
# left.
CALL_AFTER = timedelta(minutes=5)
# Nobody agrees on a call further off; what reads so is a slip.
AGREED_AHEAD_MAX = timedelta(days=30)

_REACHED = frozenset({Ending.TALKED, Ending.BOOKED, Ending.NOT_INTERESTED, Ending.WRONG_NUMBER})
_UNANSWERED = frozenset({Came.NO_ANSWER, Came.SHORT_ANSWER})
_HELD = frozenset({State.CHASING, State.FOLLOWING})


def owing(
    standing: Standing, policy: Policy, floor: Floor, now: datetime, first_by: datetime | None
) -> Iterator[Debt]:
    """The calls that are owed as the lead stands. ``first_by``: when a claim without a call is
    taken back."""
    if first_by is not None and standing.attempts == 0 and standing.claimed_at is not None:
        since = standing.claimed_at
        yield Debt(Owing.FIRST_CALL, since, since, first_by)
    if standing.asked_back is not None:
        kind, since = standing.asked_back
        call_at = _callable_from(policy, floor, since)
        due_at = _open_after(policy, since, policy.promises.voicemail_call_back_s)
        yield Debt(kind, since, call_at, max(due_at, call_at))
    last = standing.last_call
    if standing.agreed is not None and last is not None:
        at, since = standing.agreed
        due_at = at + timedelta(seconds=policy.promises.voicemail_call_back_s)
        yield Debt(_next_kind(standing), since, at, due_at)
    elif last is not None and _is_unanswered(standing, policy, last, now):
        yield _next_call(standing, policy, floor, last)


def unanswered_at(standing: Standing) -> datetime | None:
    """When a call whose outcome nobody told counts as unanswered; None when that is not open."""
    last = standing.last_call
    if last is None or not last.asks or last.came not in (Came.SHORT_ANSWER, Came.OPEN):
        return None
    return last.at + ANSWER_WITHIN


def _is_unanswered(standing: Standing, policy: Policy, last: LastCall, now: datetime) -> bool:
    later = last.said is Ending.CALL_LATER
    if standing.unreached >= policy.calls.most or last.said in _REACHED:
        return False
    if standing.first_contact_at is not None and not later:
        return False
    waits_until = unanswered_at(standing)
    if waits_until is not None and now < waits_until:
        return False
    return later or last.came in _UNANSWERED


def _next_kind(standing: Standing) -> Owing:
    return Owing.SECOND_CALL if standing.unreached <= 1 else Owing.FURTHER_CALL


def _next_call(standing: Standing, policy: Policy, floor: Floor, last: LastCall) -> Debt:
    kind = _next_kind(standing)
    promise_s = min(float(policy.promises.second_call_s), SECOND_CALL_MAX_S)
    ask_before_s = min(promise_s / 2, ASK_BEFORE_MAX_S)
    if kind is Owing.SECOND_CALL:
        asked_at = _open_after(policy, last.at, promise_s - ask_before_s)
    else:
        gap = GAPS[min(standing.unreached - 2, len(GAPS) - 1)]
        asked_at = last.at + gap
    call_at = _callable_from(policy, floor, asked_at)
    return Debt(kind, last.at, call_at, _open_after(policy, call_at, ask_before_s))


def _callable_from(policy: Policy, floor: Floor, at: datetime) -> datetime:
    """The first instant at which we are open and the lead may be called."""
    found = policy.hours.next_open(at) or at
    lawful = dial_from(floor.dial_zones, found) if floor.dial_zones else found
    # Where the two never meet soon, hours decide: whoever calls, calls by hand.
    return found if lawful is None else policy.hours.next_open(lawful) or lawful


def _open_after(policy: Policy, at: datetime, seconds: float) -> datetime:
    return policy.hours.after_open_seconds(at, seconds) or at + timedelta(seconds=seconds)


def bookkeeping(
    standing: Standing, policy: Policy, floor: Floor, now: datetime, first_by: datetime | None
) -> Iterator[Action]:
    """Debts that arose, were paid, or whose promise passed."""
    known = {(debt.kind, debt.since) for debt in standing.owed}
    for debt in owing(standing, policy, floor, now, first_by):
        if (debt.kind, debt.since) not in known:
            because = f"{_named(debt.kind)} by {debt.due_at:%H:%M} UTC"
            yield Owe(debt.kind, debt.since, debt.call_at, debt.due_at, because)
    for debt in standing.owed:
        if debt.paid_at is not None:
            late = debt.paid_at > debt.due_at
            yield Meet(debt.kind, debt.due_at, late, f"{_named(debt.kind)} made")
        elif not debt.missed and now >= debt.due_at:
            yield Miss(debt.kind, debt.due_at, f"no {_named(debt.kind)} within its promise")


def unpaid(standing: Standing) -> tuple[Debt, ...]:
    """The calls somebody must still be asked for, the most urgent first. A first call is asked for
    by ringing whoever claimed."""
    open_debts = (d for d in standing.owed if d.paid_at is None and d.kind is not Owing.FIRST_CALL)
    return tuple(sorted(open_debts, key=lambda debt: (debt.call_at, debt.due_at)))


def back_from_owner(standing: Standing, floor: Floor, now: datetime) -> TakeBack | None:
    """Taking a lead back from an owner who does not make the call that is owed, or cannot."""
    owner = standing.owner
    if owner is None or standing.state not in _HELD:
        return None
    for debt in unpaid(standing):
        if now >= debt.due_at:
            because = f"no {_named(debt.kind)} within its promise"
            return TakeBack(owner, because, "owed")
        if now >= debt.call_at and not _may_be_asked(standing, floor, owner, now):
            because = f"{_named(debt.kind)} is owed, and its owner is not there"
            return TakeBack(owner, because, "off_duty")
    return None


def _may_be_asked(standing: Standing, floor: Floor, owner: RepId, now: datetime) -> bool:
    person = floor.people.get(owner)
    if person is None or not (owner in floor.on_duty or person.manager):
        return False
    return any(
        _reaches(standing, floor, owner, channel) for channel in (Channel.TEXT, Channel.CALL)
    )


def _reaches(standing: Standing, floor: Floor, owner: RepId, channel: Channel) -> bool:
    if channel is Channel.TEXT and floor.texts_off:
        return False
    return (owner, channel) not in floor.deaf | standing.dead_ends


def asks_owner(
    standing: Standing, floor: Floor, now: datetime, useful: dict[Channel, timedelta]
) -> tuple[Page | None, datetime | None]:
    """The page that asks a lead's owner for the call that is owed, if one is due, and when to look
    for the next. ``useful``: how long a page of each channel is worth sending."""
    owner = standing.owner
    if owner is None or standing.state not in _HELD or not unpaid(standing):
        return None, None
    debt = unpaid(standing)[0]
    asked = [p for p in standing.reminders if p.at >= debt.call_at and p.rep == owner]
    if len(asked) >= 2:
        return None, debt.due_at
    wanted, due_at = Channel.TEXT, debt.call_at
    if asked:
        patience = min(CALL_AFTER, (debt.due_at - debt.call_at) / 2)
        wanted = Channel.CALL
        due_at = asked[0].failed_at or max(debt.call_at + patience, asked[0].at)
    if now < due_at:
        return None, due_at
    channel = _channel(standing, floor, owner, wanted, now)
    if channel is None:
        return None, debt.due_at
    page = Page(
        rep=owner,
        rung=len(asked) + 1,
        channel=channel,
        audience=Audience.OWNER,
        turn_at=None,
        not_after=min(now + useful[channel], max(debt.due_at, now + timedelta(seconds=30))),
        begins_turn=False,
        because=f"{_named(debt.kind)} owed by {debt.due_at:%H:%M} UTC",
    )
    return page, debt.due_at


def _channel(
    standing: Standing, floor: Floor, owner: RepId, wanted: Channel, now: datetime
) -> Channel | None:
    """By which channel an owner is asked; a rep on a call gets texts only."""
    person = floor.people.get(owner)
    if person is None:
        return None
    first = Channel.CALL if person.prefer is Channel.CALL else wanted
    if first in floor.tripped:
        first = _other(first)
    order = (first, _other(first))
    able = [
        each
        for each in order
        if _reaches(standing, floor, owner, each)
        and not (each is Channel.CALL and floor.is_engaged(owner, now))
    ]
    return able[0] if able else None


def _other(channel: Channel) -> Channel:
    return Channel.TEXT if channel is Channel.CALL else Channel.CALL


def _named(kind: Owing) -> str:
    return kind.value.replace("_", " ") + (" call back" if kind is Owing.VOICEMAIL else "")
