"""What can happen to a lead on and about calls, for `draw_states` to try: one deed each.

Nothing here may know what the rules say of it; they are asked, and their answer is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from service.rules import answers
from service.rules.call_facts import (
    CalledIn,
    CallMissed,
    Connected,
    Dialled,
    LeadReplied,
    RingFailed,
    VoicemailReceived,
    WentToVoicemail,
)
from service.rules.calls import came_to, held_by
from service.rules.lead import CallId, RepId
from service.rules.standing import OnLine, Standing
from service.rules.timeline import By, Fact
from tests.rules.world import ABANDONED, ANN, BOB, BUSY, talked

Told = tuple[tuple[Fact, ...], datetime]
"""Facts that somebody caused together, and when they happened."""

ENDS = (BUSY, ABANDONED, talked(12), talked(60), talked(60, None))


def deeds_of_calls(standing: Standing, now: datetime) -> Iterator[Told]:
    """Everything about calls that may come next, as far as the desk allows it."""
    for ring in standing.rings:
        if ring.open:
            yield (RingFailed(ring.rep, ring.call_id, ring.leg, "no_answer"),), now
    for line in standing.lines:
        yield from _of_line(line, now)
    if not standing.open:
        return
    yield (LeadReplied("SM1"),), now
    if standing.asked_back is None:
        yield (VoicemailReceived(CallId("in-0"), 12.0),), now
    if not standing.lines:
        yield (CalledIn(CallId(f"in-{standing.last_seq}")),), now
        for rep in (ANN, BOB):
            if standing.owner in (None, rep):
                yield (Dialled(CallId(f"call-{standing.last_seq}"), rep),), now
    for rep in (ANN, BOB):
        yield answers.claim(standing, rep, By.TEXT, rings=True), now


def _of_line(line: OnLine, now: datetime) -> Iterator[Told]:
    if line.rep is None:
        yield (CallMissed(line.call_id, 20.0),), now
        if line.waits:
            yield (WentToVoicemail(line.call_id),), now
        for rep in (ANN, BOB):
            yield (Connected(line.call_id, rep),), now
        return
    for told in ENDS:
        yield (
            _ended(line, line.rep, told.bridged_s)
            if line.inbound
            else (came_to(told, line.call_id, line.rep, 30, ring_lead_s=40).facts),
            line.since,
        )


def _ended(line: OnLine, rep: RepId, held_s: float | None) -> tuple[Fact, ...]:
    return held_by(line.call_id, rep, held_s, 30)
