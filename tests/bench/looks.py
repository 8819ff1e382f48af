"""Ten thousand looks due at one instant, and how long until none is overdue.

The shift changes, a policy is replaced, the machine was off: every open lead wants a look at once.
Measured beside the bare cost of as many jobs that do nothing, through as many of RQ's workers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from redis import Redis
from rq import Queue

from service.clock import SystemClock
from service.ledger import leads
from service.ledger.engine import Ledger
from service.rules.lead import Lead, LeadId, PageId, RepId, SourceId, identity_keys
from service.rules.timeline import Arrived, Audience, Channel, Event, Fact, Paged, PageSent
from tests.bench import bare
from tests.bench.figures import say, show
from tests.bench.house import REPS, House, house, pause

LOOKS = 10_000
LOOKS_QUICK = 1_000
WORKERS = 2
AT_ONCE = 500
"""Leads per transaction while they are prepared."""
DUE_IN_S = 8.0
GIVE_UP_S = 600.0
LOOK_EVERY_S = 0.1
WEBSITE = SourceId("website")

OVERDUE = "select count(*) from lead where look_again_at <= clock_timestamp()"


def run(quick: bool) -> None:
    """Measure and print."""
    looks = LOOKS_QUICK if quick else LOOKS
    with house() as built:
        bare_s = _bare(built, looks)
        used = _looks(built, looks, bare_s)
        cores = os.cpu_count() or 1
        say("processor seconds: " + ", ".join(f"{k} {v:.1f}" for k, v in used.items()))
        say(f"({cores} cores)")
        for line in built.complaints():
            say(line)


def _bare(built: House, jobs: int) -> float:
    """Seconds for so many empty jobs, from the first worker's start to the last job's end."""
    redis = Redis.from_url(built.redis_url)
    queue = Queue(bare.QUEUE, connection=redis, serializer="json")
    job = f"{bare.__name__}.{bare.nothing.__name__}"
    for first in range(0, jobs, AT_ONCE):
        queue.enqueue_many(
            [
                Queue.prepare_data(job, args=(n,), result_ttl=60)
                for n in range(first, first + AT_ONCE)
            ]
        )
    built.start_carrier()  # the bare worker opens its connection to it at its start
    built.start_bare(WORKERS, web=False)
    began: float | None = None
    while left := queue.count:
        if began is None and left < jobs:
            began = time.monotonic()
        pause(LOOK_EVERY_S / 10)
    assert began is not None
    spent_s = time.monotonic() - began
    built.stop(*(name for name in built.processes if name != "carrier"))
    redis.close()
    return spent_s


def _looks(built: House, looks: int, bare_s: float) -> dict[str, float]:
    built.start_product(WORKERS, web=False)
    ledger = built.ledger()
    now = SystemClock().now()
    far = now + timedelta(hours=1)
    for ids in _in_helpings(looks):
        _prepare(ledger, ids, now, far)
    before = built.cpu_s()
    due_at = SystemClock().now() + timedelta(seconds=DUE_IN_S)
    built.query_write("update lead set look_again_at = %s where woken_at is null", due_at)
    ledger.dispose()
    pause(max(0.0, (due_at - SystemClock().now()).total_seconds()))
    began = time.monotonic()
    halfway: float | None = None
    while time.monotonic() - began < GIVE_UP_S:
        left = built.query(OVERDUE)[0][0]
        spent_s = time.monotonic() - began
        if halfway is None and left <= looks / 2:
            halfway = spent_s
        if left == 0:
            break
        pause(LOOK_EVERY_S)
    rows = [
        [f"{looks} looks, nothing found due", f"{spent_s:.1f}", f"{looks / spent_s:.0f}"],
        ["  half of them", f"{halfway or 0.0:.1f}", ""],
        [f"{looks} empty RQ jobs", f"{bare_s:.1f}", f"{looks / bare_s:.0f}"],
        ["ratio", f"{spent_s / bare_s:.2f}", ""],
    ]
    show(
        f"Looks due at one instant, {WORKERS} workers, 1 sweep", ("", "seconds", "per second"), rows
    )
    return {name: s - before.get(name, 0.0) for name, s in built.cpu_s().items()}


def _in_helpings(looks: int) -> Iterator[range]:
    for first in range(0, looks, AT_ONCE):
        yield range(first, min(first + AT_ONCE, looks))


def _prepare(ledger: Ledger, numbers: range, now: datetime, look_at: datetime) -> None:
    """Leads that were paged a moment ago and wait for an answer."""
    with ledger.transaction() as conn:
        for number in numbers:
            person = Lead(name=f"Lead {number}", phone=f"+1917{2_000_000 + number:07}")
            new = leads.NewLead(
                id=LeadId(f"bench-look-{number:024}"),
                source=WEBSITE,
                arrived_at=now,
                t0=now,
                policy_version=1,
                lead=person,
                look_again_at=look_at,
                identity_keys=identity_keys(person),
                woken=False,
            )
            leads.insert_lead(conn, new, list(_events(number, now)))


def _events(number: int, now: datetime) -> Iterator[Event]:
    rep, page = RepId(f"r{number % REPS}"), PageId(f"bench-page-{number:024}")
    facts: list[Fact] = [
        Arrived(WEBSITE, now, False, True),
        Paged(rep, 1, Channel.TEXT, page, Audience.ON_DUTY, now),
        PageSent(page, rep, Channel.TEXT),
    ]
    for seq, fact in enumerate(facts, start=1):
        yield Event(seq, now, now, "prepared by the bench", "bench", fact)
