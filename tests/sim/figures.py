"""That the counters add up to what happened, counted again from every lead's events.

Totals and unfolded deltas together are what the collector reads; here they are held against the
timelines, with each event counted once whatever was redelivered, retried or rolled back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from service.ledger import counts
from service.ledger.engine import Ledger
from service.rules import call_facts as c
from service.rules import timeline as t
from service.rules.policy import Policy
from tests.sim.seen import LeadSeen, Seen

Figure = tuple[str, tuple[tuple[str, str], ...]]

COUNTED = (
    "leads_received_total",
    "pages_sent_total",
    "pages_accepted_total",
    "pages_delivered_total",
    "pages_failed_total",
    "pages_claimed_total",
    "escalations_total",
    "rings_failed_total",
    "outbound_calls_total",
    "inbound_calls_total",
    "voicemails_left_total",
    "owed_total",
    "owed_met_total",
    "owed_missed_total",
)


def wrong_figures(ledger: Ledger, seen: Seen, policy: Policy) -> list[str]:
    """Each counter that says something else than the timelines, in words."""
    with ledger.transaction() as conn:
        said = {
            (total.metric, tuple(sorted(total.labels.items()))): round(total.n)
            for total in counts.totals(conn)
        }
    true: Counter[Figure] = Counter()
    for lead in seen.leads.values():
        true.update(_of(lead, policy.hours.is_open(lead.timeline[0].at)))
    names = sorted({figure for figure in (*said, *true) if figure[0] in COUNTED})
    return [
        f"{name}{dict(labels)} says {said.get((name, labels), 0)}, {true[name, labels]} happened"
        for name, labels in names
        if said.get((name, labels), 0) != true[name, labels]
    ]


def _of(lead: LeadSeen, inside: bool) -> Iterator[Figure]:
    if lead.row["test"]:
        return
    hours = "business" if inside else "after"
    yield _figure("leads_received_total", source=lead.row["source"], hours=hours)
    yield from _of_calls(lead)
    sent: set[str] = set()
    paged: dict[str, t.Paged] = {}
    for event in lead.timeline:
        match event.fact:
            case t.Paged() as page:
                paged[page.rep] = page
            case t.PageSent(page_id=page_id, channel=channel):
                sent.add(page_id)
                yield _figure("pages_sent_total", channel=channel.value)
                yield _figure("pages_accepted_total", channel=channel.value)
            case t.PageDelivered(channel=channel):
                yield _figure("pages_delivered_total", channel=channel.value)
            case t.PageFailed(page_id=page_id, channel=channel, reason=reason):
                if reason != "expired" and page_id not in sent:
                    yield _figure("pages_sent_total", channel=channel.value)
                yield _figure("pages_failed_total", channel=channel.value, reason=reason)
            case t.Claimed(rep=rep) if rep in paged:
                yield _figure("pages_claimed_total", channel=paged[rep].channel.value)
            case t.Escalated(to=to, reason=why):
                yield _figure("escalations_total", step=to.value, reason=why.value)
            case _:
                pass


def _of_calls(lead: LeadSeen) -> Iterator[Figure]:
    facts = [event.fact for event in lead.timeline]
    inbound = {fact.call_id for fact in facts if isinstance(fact, c.CalledIn)}
    over: set[str | None] = set()
    spoken = {  # of those whose end we learned by their message
        event.fact.call_id: event.recorded_at
        for event in lead.timeline
        if isinstance(event.fact, c.VoicemailReceived)
    }
    for event in lead.timeline:
        match event.fact:
            case c.Attempted(call_id=str() as call_id, ended=str()) as tried if call_id not in over:
                over.add(call_id)
                if call_id in inbound:
                    yield _figure("inbound_calls_total", outcome="answered")
                else:
                    yield _figure("outbound_calls_total", outcome=_outcome(tried))
            case c.CallMissed(call_id=call_id, short=short) if call_id not in over:
                if spoken.get(call_id) != event.recorded_at:
                    over.add(call_id)
                    outcome = "abandoned_short" if short else "missed"
                    yield _figure("inbound_calls_total", outcome=outcome)
            case c.VoicemailReceived(call_id=call_id) if call_id not in over:
                over.add(call_id)
                yield _figure("inbound_calls_total", outcome="voicemail")
            case c.VoicemailLeft(evidence=evidence):
                yield _figure("voicemails_left_total", evidence=evidence)
            case c.RingFailed(reason=reason):
                yield _figure("rings_failed_total", reason=reason)
            case c.Owed(kind=kind):
                yield _figure("owed_total", kind=kind.value)
            case c.OwedMet(kind=kind, late=late):
                yield _figure("owed_met_total", kind=kind.value, late=str(late).lower())
            case c.OwedMissed(kind=kind):
                yield _figure("owed_missed_total", kind=kind.value)


def _outcome(tried: c.Attempted) -> str:
    if tried.ended == "answered":
        told = tried.answered_by or ""
        return "human" if told == "human" else "machine" if "machine" in told else "unknown"
    return "canceled" if tried.ended == "abandoned" else tried.ended or ""


def _figure(name: str, **labels: str) -> Figure:
    return name, tuple(sorted(labels.items()))
