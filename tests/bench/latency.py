"""How long from a lead's leaving its sender to its page's request at the carrier.

Product and bare pipeline run side by side and take turns in small blocks, so that both meet the
same machine in the same minute. One clock (monotonic, shared by a machine's processes) stamps the
start, in the sender, and the end, in the carrier.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from tests.bench.figures import SPREAD, millis, quantile, say, show, spread
from tests.bench.house import House, house, wait_until
from tests.bench.traffic import Door, Sample, drive

BLOCK = 10
"""Leads in a row to one of the two, so that neither meets only the other's aftermath."""
WARM_UP = 40
EVERY_S = 0.05
WORKERS = 1
SAMPLES = 300
SAMPLES_QUICK = 50

TAG = re.compile(r"\bQ[0-9]{6}\b")
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Found:
    """Both sides' samples, and when each lead's first page came to the carrier."""

    product: list[Sample]
    bare: list[Sample]
    arrived_ns: dict[str, int]


def run(quick: bool, workers: int = WORKERS) -> None:
    """Measure and print."""
    samples = SAMPLES_QUICK if quick else SAMPLES
    with house() as built:
        built.start_carrier()
        built.start_product(workers)
        built.start_bare(workers)
        take_turns(built, WARM_UP)
        before = built.cpu_s()
        found = take_turns(built, samples)
        used = {name: s - before[name] for name, s in built.cpu_s().items()}
        _print(found, workers)
        _print_cpu(used, samples)
        _print_stages(built, found)
        for line in built.complaints():
            say(line)


def take_turns(built: House, samples: int) -> Found:
    """So many leads to each of the two, in blocks, and every page awaited."""
    product = [fresh(built.web) for _ in range(samples)]
    bare = [fresh(built.bare) for _ in range(samples)]
    turns: list[Sample] = []
    for first in range(0, samples, BLOCK):
        turns += product[first : first + BLOCK] + bare[first : first + BLOCK]
    take_turns_of(built, turns)
    return Found(product, bare, first_arrivals(built))


def take_turns_of(built: House, samples: Sequence[Sample]) -> None:
    """Send these, one each EVERY_S, and wait for their pages at the carrier."""
    built.reset_carrier()
    drive(samples, EVERY_S)
    wanted = {sample.tag for sample in samples}
    try:
        wait_until(lambda: wanted <= first_arrivals(built).keys(), "every page came")
    except RuntimeError as vain:
        missing = sorted(wanted - first_arrivals(built).keys())
        unsent = [sample.body.decode() for sample in samples if not sample.status]
        raise RuntimeError(f"{vain}; missing {missing[:5]}, unanswered {unsent[:5]}") from None


def fresh(door: Door) -> Sample:
    """A lead nobody has sent yet: a tag in its name, a phone of its own."""
    number = next(_numbers)
    return Sample(door, f"Q{number:06}", f"+1646{2_000_000 + number:07}")


def first_arrivals(built: House) -> dict[str, int]:
    """When the first text that told of each tag came to the carrier. The bare pipeline's names it;
    the product's may be about several leads, and the ledger knows which."""
    found: dict[str, int] = {}
    came: dict[str, int] = {}
    for each in built.arrivals():
        tag = TAG.search(each.words)
        if each.message:
            came.setdefault(each.message, each.at_ns)
        elif tag is not None:
            found.setdefault(tag[0], each.at_ns)
    for name, messages in built.messages_by_name().items():
        tag = TAG.search(name)
        instants = [came[message] for message in messages if message in came]
        if tag is not None and instants:
            found[tag[0]] = min(instants)
    return found


def waits(samples: Sequence[Sample], arrived_ns: dict[str, int]) -> list[float]:
    """Seconds from the sender to the carrier; a page that never came is left out (and counted
    elsewhere)."""
    return [(arrived_ns[s.tag] - s.sent_ns) / 1e9 for s in samples if s.tag in arrived_ns]


def _print(found: Found, workers: int) -> None:
    ours, theirs = (waits(side, found.arrived_ns) for side in (found.product, found.bare))
    answers = [
        [(s.answered_ns - s.sent_ns) / 1e9 for s in side] for side in (found.product, found.bare)
    ]
    ratios = [quantile(ours, share) / quantile(theirs, share) for share in (0.5, 0.9, 0.99, 1.0)]
    rows = [
        spread("lead -> carrier, product", ours),
        spread("lead -> carrier, bare", theirs),
        ["ratio", "", *(f"{ratio:.2f}" for ratio in ratios)],
        spread("lead -> 202, product", answers[0]),
        spread("lead -> 202, bare", answers[1]),
    ]
    pace = f"a lead each {EVERY_S * 1000:.0f} ms, blocks of {BLOCK}"
    show(f"Latency: {pace}, {workers} worker(s) on each side", SPREAD, rows)


def _print_cpu(used: dict[str, float], samples: int) -> None:
    """Processor time is little disturbed by what else the machine does. The servers, the carrier
    and the sweep's rounds cannot be told apart by whom they worked for."""
    rows = [[name, f"{1000 * s / samples:.2f}"] for name, s in used.items()]
    title = "Processor time per pair of leads (one to the product, one to bare)"
    show(title, ("process", "ms"), rows)


STAGES = """
select l.arrived_at, e.recorded_at, o.ordered_clock, o.taken_clock, o.sent_at
from person p join lead l on l.id = p.lead_id
join event e on e.lead_id = l.id and e.kind = 'paged' join outbox o on o.id = e.fields->>'page_id'
where p.name = %s and o.sent_at is not null
"""


def _print_stages(built: House, found: Found) -> None:
    """Where the product's time goes, told by what the ledger keeps of each lead anyway."""
    offset_s = time.time() - time.monotonic()
    kept: dict[str, list[float]] = {
        name: []
        for name in (
            "sent -> take_in decides (arrived_at)",
            "arrived_at -> 202 at the sender",
            "arrived_at -> look begun (paged.recorded_at)",
            "look begun -> row ordered (near its commit)",
            "ordered -> taken by a sender",
            "taken -> request at the carrier",
            "request at the carrier -> settling",
        )
    }
    for sample in found.product:
        at = built.query(STAGES, f"Lead {sample.tag}")
        if not at:
            continue
        arrived, look, ordered, taken, settled = (_seconds(each) - offset_s for each in at[0])
        came = found.arrived_ns[sample.tag] / 1e9
        marks = [
            arrived - sample.sent_ns / 1e9,
            sample.answered_ns / 1e9 - arrived,
            look - arrived,
            ordered - look,
            taken - ordered,
            came - taken,
            settled - came,
        ]
        for held, mark in zip(kept.values(), marks, strict=True):
            held.append(mark)
    table = [
        [name, *(millis(quantile(held, share)) for share in (0.5, 0.9, 0.99))]
        for name, held in kept.items()
    ]
    show("Where the product's time goes", ("stage", "p50 ms", "p90 ms", "p99 ms"), table)


def _seconds(at: datetime) -> float:
    return at.timestamp()
