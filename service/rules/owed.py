"""Which call is owed, by when, and whom that is said to. DEFINITIONS.md, "After an unanswered first
call" and "Voicemail unanswered".

A debt arises from what happened to a lead and is paid by a call, whoever makes it. Its owner is
paged when the call should be made; once its promise has passed, the lead goes back to the ladder.
``decide`` puts it all together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from service.rules.actions import Action, Meet, Miss, Owe, Page, TakeBack
from service.rules.call_facts import Owing
from service.rules.calls import ANSWER_WITHIN
from service.rules.connecting import lines_up
from service.rules.floor import Floor
from service.rules.folding_ends import CHASE
from service.rules.lawful import callable_from, dial_from
from service.rules.lead import PageId, RepId
from service.rules.policy import AfterHours, Policy
from service.rules.standing import Came, Debt, LastCall, Standing, State
from service.rules.standing import Page as Reminder
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
# A page about a call is worth that much at least; in less, nobody is asked a second time.
ASK_USEFUL_MIN = timedelta(seconds=30)
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
        yield Debt(Owing.FIRST_CALL, since, lawful_for(policy, floor, since), first_by)
    if standing.asked_back is not None:
        kind, since = standing.asked_back
        call_at = _callable_from(policy, floor, since)
        due_at = _open_after(policy, call_at, policy.promises.voicemail_call_back_s)
        yield Debt(kind, since, call_at, due_at)
    last = standing.chased_call
    agreed = _agreed(standing)
    if agreed is not None:
        at, since = agreed
        due_at = at + timedelta(seconds=policy.promises.voicemail_call_back_s)
        yield Debt(_next_kind(standing), since, at, due_at)
    elif last is not None and _is_unanswered(standing, policy, last, now):
        yield _next_call(standing, policy, floor, last)


def _agreed(standing: Standing) -> tuple[datetime, datetime] | None:
    """The time agreed for a call, and when it was; None also where it can only be a slip."""
    if standing.agreed is None:
        return None
    at, since = standing.agreed
    return standing.agreed if since < at <= since + AGREED_AHEAD_MAX else None


def unanswered_at(standing: Standing) -> datetime | None:
    """When a call whose outcome nobody told counts as unanswered; None when that is not open."""
    last = standing.chased_call
    if last is None or not last.asks or last.came not in (Came.SHORT_ANSWER, Came.OPEN):
        return None
    return last.at + ANSWER_WITHIN


def word_until(standing: Standing) -> datetime | None:
    """Until when an owner may still tell of a call whose end the carrier never told: nobody loses a
    lead before. None: there is no such call."""
    last = standing.last_call
    if last is None or not last.asks or last.came is not Came.ABANDONED:
        return None
    return last.at + ANSWER_WITHIN if last.rep == standing.owner else None


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
    """A second call follows a first one in vain; one that follows contact is none, nor one that
    follows a call which counts for nothing: the first call is owed still."""
    first = standing.unreached <= 1 and standing.first_contact_at is None and standing.attempts > 0
    return Owing.SECOND_CALL if first else Owing.FURTHER_CALL


def _next_call(standing: Standing, policy: Policy, floor: Floor, last: LastCall) -> Debt:
    promise_s = min(float(policy.promises.second_call_s), SECOND_CALL_MAX_S)
    ask_before_s = min(promise_s / 2, ASK_BEFORE_MAX_S)
    if standing.unreached <= 1:
        asked_at = _open_after(policy, last.at, promise_s - ask_before_s)
    else:
        asked_at = last.at + GAPS[min(standing.unreached - 2, len(GAPS) - 1)]
    call_at = _callable_from(policy, floor, asked_at)
    return Debt(_next_kind(standing), last.at, call_at, _open_after(policy, call_at, ask_before_s))


def lawful_for(policy: Policy, floor: Floor, at: datetime) -> datetime:
    """The first instant from ``at`` on at which we may dial the lead, where we dial at all."""
    if not floor.dial_zones or not policy.calls.bridge:
        return at
    return dial_from(floor.dial_zones, at) or at


def _callable_from(policy: Policy, floor: Floor, at: datetime) -> datetime:
    """The first instant at which we are open and the lead may be called. Where the two never meet
    soon, hours decide: whoever calls, calls by hand."""
    both = callable_from(policy.hours, floor.dial_zones, at) if floor.dial_zones else None
    return both or policy.hours.next_open(at) or at


def _open_after(policy: Policy, at: datetime, seconds: float) -> datetime:
    return policy.hours.after_open_seconds(at, seconds) or at + timedelta(seconds=seconds)


def bookkeeping(
    standing: Standing, policy: Policy, floor: Floor, now: datetime, first_by: datetime | None
) -> Iterator[Action]:
    """Debts that arose, were paid, or whose promise passed. A call that is up may yet pay."""
    debts = list(standing.owed)
    if standing.open:
        known = {_what(debt) for debt in debts}
        for debt in owing(standing, policy, floor, now, first_by):
            if _what(debt) not in known:
                debts.append(debt)
                because = f"{_named(debt.kind)} by {debt.due_at:%H:%M} UTC"
                yield Owe(debt.kind, debt.since, debt.call_at, debt.due_at, because)
    talking = any(line.rep for line in lines_up(standing, now))
    for debt in debts:
        if debt.paid_at is not None:
            late = debt.paid_at > debt.due_at
            because = f"{_named(debt.kind)}: made, or the lead was reached"
            yield Meet(debt.kind, debt.due_at, late, because)
        elif not debt.missed and now >= debt.due_at and not talking:
            yield Miss(debt.kind, debt.due_at, f"no {_named(debt.kind)} within its promise")


def _what(debt: Debt) -> tuple[Owing, datetime]:
    """What a debt is owed for: a call in vain has one next call, however it is counted."""
    return (Owing.FURTHER_CALL if debt.kind in CHASE else debt.kind), debt.since


def unpaid(standing: Standing) -> tuple[Debt, ...]:
    """The calls somebody must still be asked for, the most urgent first. A first call is asked for
    by ringing whoever claimed."""
    open_debts = (d for d in standing.owed if d.paid_at is None and d.kind is not Owing.FIRST_CALL)
    return tuple(sorted(open_debts, key=lambda debt: (debt.call_at, debt.due_at)))


def rests_until(policy: Policy, now: datetime) -> datetime | None:
    """The opening until which nobody is disturbed about an owed call; None while they may be."""
    if policy.hours.is_open(now) or policy.after_hours is not AfterHours.AT_OPENING:
        return None
    return policy.hours.next_open(now)


def back_from_owner(
    standing: Standing, policy: Policy, floor: Floor, now: datetime
) -> TakeBack | None:
    """Taking a lead back from an owner who does not make the call that is owed, or cannot; not
    while the team rests, since the next one would be woken for it."""
    owner = standing.owner
    if owner is None or standing.state not in _HELD or rests_until(policy, now):
        return None
    for debt in unpaid(standing):
        if now >= debt.due_at:
            because = f"no {_named(debt.kind)} within its promise"
            return TakeBack(owner, because, "owed")
        if now >= debt.call_at and not _may_be_asked(standing, floor, owner):
            because = f"{_named(debt.kind)} is owed, and its owner is not there"
            return TakeBack(owner, because, "off_duty")
    return None


def _may_be_asked(standing: Standing, floor: Floor, owner: RepId) -> bool:
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
    standing: Standing,
    policy: Policy,
    floor: Floor,
    now: datetime,
    useful: Mapping[Channel, timedelta],
) -> tuple[Page | None, datetime | None]:
    """The page that asks a lead's owner for the call that is owed, if one is due, and when to look
    for the next. ``useful``: how long a page of each channel is worth sending."""
    owner = standing.owner
    if owner is None or standing.state not in _HELD or not unpaid(standing):
        return None, None
    debt = unpaid(standing)[0]
    asked = [page for page in standing.reminders if page.at >= debt.call_at and page.rep == owner]
    due_at = _asked_at(debt, asked)
    if due_at is None or now < due_at:
        return None, due_at or debt.due_at
    rests = rests_until(policy, now)
    if rests is not None and policy.hours.is_open(debt.call_at):
        return None, rests  # the day ended; only a call agreed for the night is asked for by night
    channel = _channel(standing, floor, owner, Channel.CALL if asked else Channel.TEXT, now)
    if channel is None:
        return None, debt.due_at
    page = Page(
        rep=owner,
        rung=len(asked) + 1,
        channel=channel,
        audience=Audience.OWNER,
        turn_at=None,
        not_after=min(now + useful[channel], max(debt.due_at, now + ASK_USEFUL_MIN)),
        begins_turn=False,
        because=f"{_named(debt.kind)} owed by {debt.due_at:%H:%M} UTC",
    )
    asked.append(Reminder(PageId(""), owner, page.rung, channel, Audience.OWNER, now, None))
    return page, _asked_at(debt, asked) or debt.due_at


def _asked_at(debt: Debt, asked: Sequence[Reminder]) -> datetime | None:
    """When the owner is asked next for a debt: twice at most, and not in one breath."""
    if not asked:
        return debt.call_at
    first = asked[0]
    left = debt.due_at - first.at
    if len(asked) > 1 or left < ASK_USEFUL_MIN:
        return None
    return first.failed_at or first.at + min(CALL_AFTER, left / 2)


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
