"""What single parts cost: the pure rules, and each transaction on the way to a page.

In one process, warm, over the embedded PostgreSQL with its durable settings. Useful to find what
changed; what a lead costs in the end is measured by `latency`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import structlog
from sqlalchemy import text

from service.clock import SystemClock
from service.desk.attend import attend
from service.desk.desk import Desk
from service.desk.dispatch import take_next
from service.desk.links import Links
from service.desk.present import Present
from service.desk.settling import settle
from service.desk.take_in import take_in
from service.desk.taking import Taking
from service.intake.json_source import arrival_from_json
from service.ledger import leads
from service.phone.line import Accepted
from service.rules.decide import decide
from service.rules.folding import fold
from service.rules.lead import Lead, LeadId, SourceId
from service.rules.wording import page_text
from service.wake import QueueWake, connect
from tests.bench.figures import micros, quantile, show
from tests.bench.house import House, house

ROUNDS = 500
ROUNDS_QUICK = 100
WARM_UP = 50
WEBSITE = SourceId("website")
PUBLIC_URL = "http://127.0.0.1:8000"


@dataclass
class Watch:
    """Times each named deed."""

    taken_s: dict[str, list[float]] = field(default_factory=dict)

    def time(self, name: str, deed: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        done = deed()
        self.taken_s.setdefault(name, []).append(time.perf_counter() - began)
        return done

    def show(self, title: str) -> None:
        shares = (0.5, 0.9, 0.99)
        rows = [
            [name, str(len(taken)), *(micros(quantile(taken, share)) for share in shares)]
            for name, taken in self.taken_s.items()
        ]
        show(title, ("", "rounds", "p50 µs", "p90 µs", "p99 µs"), rows)


def run(quick: bool) -> None:
    """Measure and print."""
    rounds = ROUNDS_QUICK if quick else ROUNDS
    _log_nothing()
    with house() as built:
        ledger = built.ledger()
        redis = connect(built.redis_url)
        links = Links(PUBLIC_URL, "a key of the bench")
        desk = Desk(ledger, SystemClock(), QueueWake(redis), Present(ledger), links)
        lead_id = _way(built, desk, rounds)
        _rules(desk, lead_id, rounds)
        ledger.dispose()
        redis.close()


def _log_nothing() -> None:
    """Lines are formatted by each process's own logging; here only the deed counts."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _way(built: House, desk: Desk, rounds: int) -> LeadId:
    """One lead after the other from its bytes to its settled page; the last one's id."""
    numbers = count(1)
    lead_id = _one(Watch(), desk, next(numbers))
    for _ in range(WARM_UP):
        _one(Watch(), desk, next(numbers))
    watch = Watch()
    for _ in range(rounds):
        lead_id = _one(watch, desk, next(numbers))
    watch.show("Each step of one lead's way, in one process")
    return lead_id


def _one(watch: Watch, desk: Desk, number: int) -> LeadId:
    phone = f"+1646{2_000_000 + number:07}"
    body = json.dumps({"name": f"Lead {number}", "phone": phone, "ask": "Solar for a barn"})
    arrival = watch.time("parse the JSON", lambda: arrival_from_json(body.encode(), "US"))
    taken = watch.time("take_in, with its wake", lambda: take_in(desk, WEBSITE, arrival))
    watch.time("attend", lambda: attend(desk, taken.lead_id))
    taking = watch.time("take_next", lambda: take_next(desk, PUBLIC_URL, "bench:1"))
    assert isinstance(taking, Taking)
    accepted = Accepted(f"SM{number:032x}", "queued")
    watch.time("settle", lambda: settle(desk, taking.row, accepted, taking.carried))
    with desk.ledger.transaction() as conn:
        conn.execute(text("delete from pace"))  # its phone may be texted again: nobody reads here
    lead_id: LeadId = taken.lead_id
    return lead_id


def _rules(desk: Desk, lead_id: LeadId, rounds: int) -> None:
    """The pure parts, on the lead that was just paged."""
    now = desk.clock.now()
    with desk.ledger.transaction() as conn:
        timeline = leads.timeline_of(conn, lead_id)
        policy = desk.present.policy(conn, desk.present.crew().policy_version)
    floor = desk.present.floor(now, frozenset(), {})
    people = count(1)

    def page() -> str:
        phone = f"+1646{3_000_000 + next(people):07}"  # another person's, as each page is
        lead = Lead(name="Dana Reyes", phone=phone, ask="Solar for a barn")
        return page_text(clock="12:04", lead=lead, source_name="website", letter="B")

    watch = Watch()
    for _ in range(rounds):
        watch.time("fold, 3 events", lambda: fold(timeline))
        watch.time("decide, nothing due", lambda: decide(timeline, policy, floor, now))
        watch.time("decide, first page", lambda: decide(timeline[:1], policy, floor, now))
        watch.time("floor (on duty, next change)", lambda: desk.present.floor(now, frozenset(), {}))
        watch.time("page_text", page)
    watch.show(f"The rules, {len(floor.on_duty)} reps on duty")
