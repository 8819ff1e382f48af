"""Which events count, and under which name. One event, one count, whoever tells it how often.

Only the names and labels of `docs/metrics.md`; never a person, a number or an id as a label.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from service.ledger.counts import Delta
from service.ledger.leads import LeadRow
from service.phone.codes import COUNTED_CODES
from service.rules.call_facts import (
    Attempted,
    CallMissed,
    Contacted,
    Ended,
    Owed,
    OwedMet,
    OwedMissed,
    RingFailed,
    VoicemailLeft,
    VoicemailReceived,
)
from service.rules.calls import MACHINES, AnsweredBy
from service.rules.folding import after
from service.rules.lead import LeadId, PageId
from service.rules.standing import Standing
from service.rules.timeline import (
    Channel,
    Claimed,
    Escalated,
    Event,
    Paged,
    PageDelivered,
    PageFailed,
    PageSent,
    Timeline,
)

# Edges in seconds. DEFINITIONS.md, "Shares without survivor bias": the first row is ours and the
# carrier's doing, the second lines up with the studies.
PAGE_EDGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 300)
REP_EDGES = (
    5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800,
)  # fmt: skip

# The carrier's own queue of calls. By default it starts one a second, so each second is one call
# too many; what waits for minutes rings somebody who has given it up.
QUEUE_EDGES = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)

LATENCIES: dict[str, tuple[float, ...]] = {
    "page_accepted_latency_seconds": PAGE_EDGES,
    "page_delivered_latency_seconds": PAGE_EDGES,
    "claimed_latency_seconds": REP_EDGES,
    "first_attempt_latency_seconds": REP_EDGES,
    "first_contact_latency_seconds": REP_EDGES,
    "look_lag_seconds": PAGE_EDGES,
    "call_queue_seconds": QUEUE_EDGES,
}


def observed(
    metric: str, source_key: str, seconds: float, labels: dict[str, str]
) -> Iterator[Delta]:
    """One observation of a histogram: the bucket it falls in, and its share of the sum.

    Buckets are stored apart, not cumulated; whoever exports them adds them up.
    """
    edge = next((edge for edge in LATENCIES[metric] if seconds <= edge), None)
    le = "+Inf" if edge is None else f"{float(edge)}"
    yield Delta(f"{source_key}:bucket", f"{metric}_bucket", {**labels, "le": le})
    yield Delta(f"{source_key}:sum", f"{metric}_sum", labels, max(seconds, 0.0))


def received(lead_id: LeadId, source: str, inside_hours: bool) -> Delta:
    hours = "business" if inside_hours else "after"
    return Delta(
        f"{lead_id}:received",
        "leads_received_total",
        {"source": source, "hours": hours},
    )


def duplicate(source_key: str, source: str) -> Delta:
    return Delta(f"{source_key}:duplicate", "leads_duplicate_total", {"source": source})


def form_bot(source_key: str, source: str, reason: str) -> Delta:
    labels = {"source": source, "reason": reason}
    return Delta(f"{source_key}:bot", "form_bots_total", labels)


def look_lag(lead_id: LeadId, due_at: datetime, seconds: float) -> Iterator[Delta]:
    key = f"{lead_id}:look:{due_at.timestamp()}"
    yield Delta(f"{key}:taken", "looks_taken_total", {"kind": "attend"})
    yield from observed("look_lag_seconds", key, seconds, {"kind": "attend"})


def call_queued(page_id: PageId, seconds: float) -> Iterator[Delta]:
    """How long the carrier says that a call it accepted waits before it is begun."""
    yield from observed("call_queue_seconds", f"{page_id}:queue", seconds, {})


def deltas_of(
    row: LeadRow, before: Standing, timeline: Timeline, events: Sequence[Event]
) -> list[Delta]:
    """What these events of a lead add to the counts. Test leads count nowhere."""
    if row.test:
        return []
    found: list[Delta] = []
    standing = before
    spoke = {e.fact.call_id for e in events if isinstance(e.fact, VoicemailReceived)}
    for event in events:
        later = after(standing, event)
        found.extend(_of(row.id, standing, timeline, event))
        found.extend(_of_call(row.id, standing, spoke, event))
        found.extend(_firsts(row.id, standing, later, event))
        standing = later
    return found


def _of(lead_id: LeadId, before: Standing, timeline: Timeline, event: Event) -> Iterator[Delta]:
    key = f"{lead_id}:{event.seq}"
    waited_s = (event.at - before.arrived_at).total_seconds()
    match event.fact:
        case PageSent(channel=channel):
            labels = {"channel": channel.value}
            yield Delta(f"{key}:sent", "pages_sent_total", labels)
            yield Delta(key, "pages_accepted_total", labels)
            if before.first_sent_at is None and channel is not Channel.EMAIL:
                yield from observed("page_accepted_latency_seconds", key, waited_s, labels)
        case PageDelivered(channel=channel):
            labels = {"channel": channel.value}
            yield Delta(key, "pages_delivered_total", labels)
            if before.first_delivered_at is None:
                yield from observed("page_delivered_latency_seconds", key, waited_s, labels)
        case PageFailed(channel=channel, reason=reason, page_id=page_id, code=code):
            if reason != "expired" and not _was_sent(timeline, page_id):
                yield Delta(f"{key}:sent", "pages_sent_total", {"channel": channel.value})
            labels = {"channel": channel.value, "reason": reason}
            yield Delta(key, "pages_failed_total", labels)
            if code is not None and channel is not Channel.EMAIL:
                told = str(code) if code in COUNTED_CODES else "other"
                labels = {"channel": channel.value, "code": told}
                yield Delta(f"{key}:code", "carrier_errors_total", labels)
        case Claimed(rep=rep):
            pages = [e.fact for e in timeline if isinstance(e.fact, Paged) and e.fact.rep == rep]
            if pages:
                yield Delta(key, "pages_claimed_total", {"channel": pages[-1].channel.value})
            if before.first_claimed_at is None:
                yield from observed("claimed_latency_seconds", key, waited_s, {})
        case Escalated(to=to, reason=why):
            yield Delta(key, "escalations_total", {"step": to.value, "reason": why.value})
        case _:
            return


def _of_call(
    lead_id: LeadId, before: Standing, spoke: Collection[str], event: Event
) -> Iterator[Delta]:
    """What happened on and about calls. ``spoke``: calls of whose messages we learn at once with
    their end, so that they count as voicemails."""
    key = f"{lead_id}:{event.seq}"
    match event.fact:
        case Attempted(call_id=str() as call_id, ended=str()) as tried:
            if any(line.inbound and line.call_id == call_id for line in before.lines):
                yield _inbound(call_id, "answered")
            else:
                labels = {"outcome": _outcome(tried)}
                yield Delta(f"{call_id}:outbound", "outbound_calls_total", labels)
        case CallMissed(call_id=call_id, short=short) if call_id not in spoke:
            yield _inbound(call_id, "abandoned_short" if short else "missed")
        case VoicemailReceived(call_id=call_id):
            yield _inbound(call_id, "voicemail")
        case VoicemailLeft(evidence=evidence):
            yield Delta(key, "voicemails_left_total", {"evidence": evidence})
        case RingFailed(reason=reason):
            yield Delta(key, "rings_failed_total", {"reason": reason})
        case Owed(kind=kind):
            yield Delta(key, "owed_total", {"kind": kind.value})
        case OwedMet(kind=kind, late=late):
            labels = {"kind": kind.value, "late": truth(late)}
            yield Delta(key, "owed_met_total", labels)
        case OwedMissed(kind=kind):
            yield Delta(key, "owed_missed_total", {"kind": kind.value})
        case _:
            return


def _inbound(call_id: str, outcome: str) -> Delta:
    """A lead's call to us is counted once, as what was first known of its end."""
    return Delta(f"{call_id}:inbound", "inbound_calls_total", {"outcome": outcome})


def _outcome(tried: Attempted) -> str:
    """What a call that we dialled came to: who answered it, or why nobody did."""
    if tried.ended != Ended.ANSWERED:
        return "canceled" if tried.ended == Ended.ABANDONED else str(tried.ended)
    if tried.answered_by == AnsweredBy.HUMAN:
        return "human"
    return "machine" if tried.answered_by in MACHINES else "unknown"


def truth(holds: bool) -> str:
    """A truth as a label's value."""
    return "true" if holds else "false"


def _firsts(lead_id: LeadId, before: Standing, later: Standing, event: Event) -> Iterator[Delta]:
    """How long a lead waited for its first call and for the first that reached it, on the wall
    clock. Once for each lead: a contact that is taken back, and made later, is not counted anew."""
    if not isinstance(event.fact, Attempted | Contacted):
        return
    labels = {"source": before.source, "evidence": event.fact.evidence}
    firsts = (
        ("attempt", before.first_attempt_at, later.first_attempt_at),
        ("contact", before.first_contact_at, later.first_contact_at),
    )
    for what, known, at in firsts:
        if known is None and at is not None:
            waited_s = (at - before.t0).total_seconds()
            key = f"{lead_id}:first_{what}"
            yield from observed(f"first_{what}_latency_seconds", key, waited_s, labels)


def _was_sent(timeline: Timeline, page_id: PageId) -> bool:
    return any(isinstance(e.fact, PageSent) and e.fact.page_id == page_id for e in timeline)
