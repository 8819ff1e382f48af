"""Leads for ten seconds at a carrier that takes its time: fifty a second, which is a very good day,
and then two hundred, which is a storm.

What must hold is not a time: no lead may be lost, and none paged twice. Both are counted from
outside, by what the sender was answered and what came to the carrier.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from itertools import pairwise

from tests.bench.figures import SPREAD, quantile, say, show, spread
from tests.bench.house import REPS, House, house, pause
from tests.bench.latency import WARM_UP, first_arrivals, fresh, take_turns_of
from tests.bench.traffic import Sample, drive

RATES = (50, 200)
SECONDS = 10
SECONDS_QUICK = 1
CARRIER_S = 0.15
WORKERS = 2
GIVE_UP_S = 120.0
LOOK_EVERY_S = 0.25
ACCEPTED = 202


def run(quick: bool) -> None:
    """Measure and print, each rate in a house of its own."""
    for per_second in RATES:
        _at(per_second, per_second * (SECONDS_QUICK if quick else SECONDS))


def _at(per_second: int, leads: int) -> None:
    with house() as built:
        built.start_carrier()
        built.start_product(WORKERS)
        take_turns_of(built, [fresh(built.web) for _ in range(WARM_UP)])
        earlier = [row[0] for row in built.query("select id from lead")]
        built.reset_carrier(CARRIER_S, receipts=True)
        samples = [fresh(built.web) for _ in range(leads)]
        before, began = built.cpu_s(), time.monotonic()
        drive(samples, 1 / per_second)
        driven_s = time.monotonic() - began
        sent_s, quiet_s = _until_quiet(built, began, earlier)
        used = {name: s - before.get(name, 0.0) for name, s in built.cpu_s().items()}
        _print(built, samples, driven_s, per_second)
        say(f"nothing left unsent after {sent_s:.1f} s, receipts heard after {quiet_s:.1f} s")
        say(f"pages not known as delivered by then: {built.query(UNHEARD, earlier)[0][0]}")
        _print_stages(built, earlier)
        _print_cpu(used, quiet_s)
        for line in built.complaints():
            say(line)


def _until_quiet(built: House, began: float, earlier: list[str]) -> tuple[float, float]:
    """Seconds since the first lead left until the outbox held nothing unsent, and until every
    page was known as delivered too."""
    unsent = """select (select count(*) from outbox where state in ('ordered', 'taken'))
      + (select count(*) from lead where look_again_at <= clock_timestamp())"""
    sent_s = _until_none(built, began, unsent)
    return sent_s, _until_none(built, began, UNHEARD, earlier)


def _until_none(built: House, began: float, counting: str, *values: object) -> float:
    while time.monotonic() - began < GIVE_UP_S and built.query(counting, *values)[0][0]:
        pause(LOOK_EVERY_S)
    return time.monotonic() - began


def _print(built: House, samples: list[Sample], driven_s: float, per_second: int) -> None:
    arrived = first_arrivals(built)
    texts = Counter(each.message for each in built.arrivals())
    told = {name.removeprefix("Lead "): each for name, each in built.messages_by_name().items()}
    times = {tag: sum(texts[message] for message in each) for tag, each in told.items()}
    stored = [s for s in samples if s.status == ACCEPTED]
    waits = [(arrived[s.tag] - s.due_ns) / 1e9 for s in stored if s.tag in arrived]
    answers = [(s.answered_ns - s.due_ns) / 1e9 for s in stored]
    lateness = [(s.sent_ns - s.due_ns) / 1e9 for s in samples if s.sent_ns]
    rows = [
        spread("lead due -> 202", answers),
        spread("lead due -> carrier", waits),
        spread("(sender's own lateness)", lateness),
    ]
    title = f"{len(samples)} leads at {per_second}/s, {REPS} reps, carrier {CARRIER_S} s"
    show(title, SPREAD, rows)
    say(f"answered: {dict(Counter(s.status for s in samples))}; sending took {driven_s:.1f} s")
    last_s = (max(arrived[s.tag] for s in stored if s.tag in arrived) - samples[0].due_ns) / 1e9
    say(f"every stored lead's first page requested {last_s:.1f} s after the first lead left")
    say(f"lost (202 but never paged): {sum(s.tag not in arrived for s in stored)}")
    say(f"paged twice: {sum(times.get(s.tag, 0) > 1 for s in stored)}")
    shared = Counter(message for each in told.values() for message in each if texts[message])
    say(f"texts: {texts.total()}; leads in one: {_spread(list(shared.values()))}")
    say(f"shortest rest of a phone between two of them: {_shortest_rest_s(built):.1f} s")
    by_state = built.query("select state, count(*) from outbox group by state order by state")
    say(f"outbox: {dict(by_state)}; share paged within 2 s: {_within(waits, 2.0):.0%}")


def _spread(counts: list[int]) -> str:
    return f"p50 {quantile(counts, 0.5):.0f}, p90 {quantile(counts, 0.9):.0f}, max {max(counts)}"


def _shortest_rest_s(built: House) -> float:
    came: dict[str, list[int]] = {}
    for each in built.arrivals():
        came.setdefault(each.to, []).append(each.at_ns)
    rests = [b - a for instants in came.values() for a, b in pairwise(sorted(instants))]
    return min(rests, default=0) / 1e9


UNHEARD = """
select count(*) from lead l where l.id <> all(%s) and not exists (
  select from event e where e.lead_id = l.id and e.kind = 'page_delivered')
"""
STAGES = """
select extract(epoch from e.recorded_at - l.arrived_at)::float8,
  extract(epoch from o.taken_clock - e.recorded_at)::float8,
  extract(epoch from o.sent_at - o.taken_clock)::float8
from lead l join event e on e.lead_id = l.id and e.kind = 'paged'
join outbox o on o.id = e.fields->>'page_id'
where o.sent_at is not null and l.id <> all(%s)
"""


def _print_stages(built: House, earlier: list[str]) -> None:
    """Where leads waited, by the ledger's own instants."""
    names = ("stored -> look begun", "look begun -> taken by a sender", "taken -> settled")
    columns = zip(*built.query(STAGES, earlier), strict=True)
    rows = [spread(name, column) for name, column in zip(names, columns, strict=True)]
    show("Where they waited", SPREAD, rows)


def _within(waits: list[float], seconds: float) -> float:
    return sum(wait <= seconds for wait in waits) / max(len(waits), 1)


def _print_cpu(used: dict[str, float], quiet_s: float) -> None:
    cores = os.cpu_count() or 1
    rows = [[name, f"{s:.1f}", f"{s / quiet_s / cores:.0%}"] for name, s in used.items()]
    total = sum(used.values())
    rows.append(["all (without the sender)", f"{total:.1f}", f"{total / quiet_s / cores:.0%}"])
    title = f"Processor time over the {quiet_s:.1f} s until all was quiet, {cores} cores"
    show(title, ("process", "seconds", "share of all cores"), rows)
