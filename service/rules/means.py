"""How a person is reached: by which channel a rung pages them, and who cannot be reached at all.

A rung says text or call; the person's wish, the team's settings, dead numbers, a carrier that fails
and our own patience (three texts for one lead) say what that means for this rep now.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby

from service.rules.climb import TRY_AGAIN_S, Climb, passed_since
from service.rules.lead import RepId
from service.rules.standing import Page
from service.rules.timeline import Channel, EscalationReason

# Texts that one lead may cost a rep before somebody claims it (CONTRACT.md, "Rep's texts").
TEXTS_MAX = 3
# A text that no phone has confirmed for so long is followed by a call to the same rep. Receipts
# come within a few seconds where they come at all.
UNSEEN_AFTER = timedelta(seconds=20)
# A rep who answered so many of so many texts without a receipt gets them, whatever the carrier
# says.
UNSEEN_PAGES = 5
ANSWERED_MIN = 2


def eligible(climb: Climb) -> tuple[RepId, ...]:
    """Reps on duty who may have this lead, in the order of the shift: those its route names,
    without those who passed and those it was taken back from."""
    standing = climb.standing
    routed = None if standing.route is None else climb.policy.routes[standing.route].to
    out = standing.passed | standing.taken_back
    return tuple(
        rep for rep in climb.floor.on_duty if rep not in out and (routed is None or rep in routed)
    )


def candidates(climb: Climb, index: int, *, at_top: bool = False) -> tuple[RepId, ...]:
    """Those whose turn it may be: eligible, and reachable by some rung of the on-duty block.
    ``at_top``: see ``reachable_by``."""
    start = climb.block_start(index)
    block = climb.rungs[start : climb.block_end(index)]
    return tuple(
        rep
        for rep in eligible(climb)
        if any(reachable_by(climb, rep, rung.by, at_top=at_top) for rung in block)
    )


def reachable_by(
    climb: Climb, rep: RepId, wanted: Channel, *, at_top: bool = False
) -> Channel | None:
    """The channel by which a rung that asks for ``wanted`` reaches ``rep``; None: not at all.

    A rep who prefers calls, who had their three texts for this lead, or whose team has no texts, is
    called where the rung says text. While one channel's breaker is open, the other one stands in.
    A rep who is on a call gets texts only.
    ``at_top``: nobody stands behind the last rung, so that what failed before is tried again, and
    the other channel where this one reaches nobody.
    """
    floor = climb.floor
    person = floor.people.get(rep)
    if person is None:
        return None
    may_text = not floor.texts_off and _texts_sent(climb, rep) < TEXTS_MAX
    channel = wanted
    if wanted is Channel.TEXT and (not may_text or person.prefer is Channel.CALL):
        channel = Channel.CALL
    other = Channel.TEXT if channel is Channel.CALL else Channel.CALL
    if channel in floor.tripped and other not in floor.tripped:
        able = not is_deaf(climb, rep, other) and (other is Channel.CALL or may_text)
        channel = other if able else channel
    if floor.is_engaged(rep, climb.now):
        able = may_text and not is_deaf(climb, rep, Channel.TEXT)
        return Channel.TEXT if able else None
    if at_top:
        return _at_any_rate(climb, rep, (channel, other), may_text)
    return None if is_deaf(climb, rep, channel) else channel


def _at_any_rate(
    climb: Climb, rep: RepId, channels: tuple[Channel, ...], may_text: bool
) -> Channel | None:
    """The first of these that may reach a rep behind whom nobody stands: rather one that has not
    failed for this lead, never one that is known to be dead."""
    able = [
        channel
        for channel in channels
        if (rep, channel) not in climb.floor.deaf and (may_text or channel is not Channel.TEXT)
    ]
    return min(able, key=lambda channel: is_deaf(climb, rep, channel), default=None)


def _texts_sent(climb: Climb, rep: RepId) -> int:
    """How many texts this climb has paged the rep by; those that failed disturbed nobody."""
    return sum(
        page.rep == rep and page.channel is Channel.TEXT and page.failed_at is None
        for page in climb.standing.pages
    )


def unseen_since(climb: Climb, rung: int) -> datetime | None:
    """When the texts of a rung were sent, if no phone has shown a receipt for any; else None.

    On some routes "sent" is the last word there ever is, so a rep who answers such pages anyway
    (``floor.answer_unseen``) is believed to have seen this one.
    """
    waiting = [
        page
        for page in _latest_of(climb, rung)
        if page.failed_at is None and not passed_since(climb.standing, page)
    ]
    sent = [
        page.sent_at
        for page in waiting
        if page.channel is Channel.TEXT
        and page.sent_at is not None
        and page.delivered_at is None
        and page.rep not in climb.floor.answer_unseen
    ]
    return max(sent) if sent and len(sent) == len(waiting) else None


def call_in_turn(climb: Climb, index: int, turn: tuple[RepId, ...]) -> int | None:
    """The next rung of the same turn that really calls somebody in it; None when there is none."""
    for ahead in range(index + 1, climb.block_end(index)):
        calls = climb.rungs[ahead].by is Channel.CALL
        if calls and any(reachable_by(climb, rep, Channel.CALL) is Channel.CALL for rep in turn):
            return ahead
    return None


def is_deaf(climb: Climb, rep: RepId, channel: Channel) -> bool:
    """Whether ``channel`` cannot reach ``rep``, as the floor knows or as this lead has shown."""
    return (rep, channel) in climb.floor.deaf or (rep, channel) in climb.standing.dead_ends


def unreachable(climb: Climb, rep: RepId) -> bool:
    """Whether no channel reaches ``rep``. A channel the team has switched off reaches nobody."""
    if rep not in climb.floor.people:
        return True
    texts = not climb.floor.texts_off and not is_deaf(climb, rep, Channel.TEXT)
    return not texts and is_deaf(climb, rep, Channel.CALL)


def turn_ended_at(climb: Climb, turn: tuple[RepId, ...]) -> datetime | None:
    """When the turn ended without a claim, or None while anyone in it may still answer."""
    standing = climb.standing
    on_duty = set(climb.floor.on_duty)
    ends: list[datetime] = []
    passed_at = dict(standing.passed_at)
    for rep in turn:
        if rep in passed_at:
            ends.append(passed_at[rep])
        elif unreachable(climb, rep):
            failed = [p.failed_at for p in climb.pages if p.rep == rep and p.failed_at]
            ends.append(max(failed, default=climb.now))
        elif rep not in on_duty:
            ends.append(climb.now)
        else:
            return None
    return max(ends, default=None)


def _latest_of(climb: Climb, rung: int) -> list[Page]:
    """The pages that a rung was last climbed with. Those of a turn that ended, or of an earlier
    repeat, ran out in silence and say nothing of these."""
    pages = [page for page in climb.pages if page.rung == rung]
    return [page for page in pages if page.at == pages[-1].at]


def rung_failed_at(climb: Climb, rung: int) -> datetime | None:
    """When the latest pages of a rung all came to nothing (failed or passed), or None if one may
    work."""
    ends: list[datetime] = []
    for page in _latest_of(climb, rung):
        ended_at = page.failed_at or passed_since(climb.standing, page)
        if ended_at is None:
            return None
        ends.append(ended_at)
    return max(ends, default=None)


def try_again_at(climb: Climb, failed_at: datetime, *, at_top: bool) -> datetime | None:
    """When to try the last rung again because the carrier failed us; None when a number failed, or
    when this is the first time and a rung above may reach somebody by other means."""
    steps = [list(step) for _, step in groupby(climb.pages, key=lambda page: (page.rung, page.at))]
    in_a_row = 0
    for step in reversed(steps):
        if not all(page.failed_at for page in step) or not any(page.trouble for page in step):
            break
        in_a_row += 1
    if in_a_row == 0 or (in_a_row == 1 and not at_top):
        return None
    tried = in_a_row if at_top else in_a_row - 1
    return failed_at + timedelta(seconds=TRY_AGAIN_S[min(tried, len(TRY_AGAIN_S)) - 1])


def cause_of(climb: Climb, rung: int) -> EscalationReason:
    """Why the pages of a rung came to an end before their time."""
    reps = {page.rep for page in climb.pages if page.rung == rung}
    if reps & climb.standing.passed:
        return EscalationReason.DECLINED
    if any(unreachable(climb, rep) or _has_failed(climb, rep) for rep in reps):
        return EscalationReason.PAGE_FAILED
    return EscalationReason.NOBODY_ON_DUTY


def _has_failed(climb: Climb, rep: RepId) -> bool:
    return any(page.rep == rep and page.failed_at for page in climb.pages)
