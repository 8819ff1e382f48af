"""That the counters add up to what happened, counted again from every lead's events.

Totals and unfolded deltas together are what the collector reads; here they are held against the
timelines, with each event counted once whatever was redelivered, retried or rolled back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from service.ledger import counts
from service.ledger.engine import Ledger
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


def _figure(name: str, **labels: str) -> Figure:
    return name, tuple(sorted(labels.items()))
