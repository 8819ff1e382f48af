"""The metrics, read from the ledger at each scrape: one collector, one snapshot.

Any number of web processes give the same answer, and a restart resets nothing. When the ledger is
away the counters are left out, not zeroed: `ledger_up 0` says why. Names and labels are `series`.
"""

import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import accumulate, product

import structlog
from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from starlette.requests import Request
from starlette.responses import Response

from service.desk.counting import LATENCIES, truth
from service.desk.present import Crew
from service.desk.reach import CHANNELS
from service.desk.watch import stuck_pages
from service.errors import Fault
from service.ledger import calls, counts, health, looks, people
from service.ledger.breaker import open_breakers
from service.ledger.counts import Total
from service.ledger.health import Beat, OpenLeads, OwedOpen
from service.rules.duty import on_duty
from service.rules.timeline import Channel
from service.wake import QUEUE
from service.web.access import Access, from_this_machine
from service.web.documented import refusals
from service.web.health import AUDIT, SWEEP, WORKER_PREFIX, WORKER_WITHIN_S
from service.web.problems import Kind
from service.web.series import (
    ALL,
    COUNTED,
    DIRECTIONS,
    OPEN_STATES,
    OTHER,
    OUTBOX_STATES,
    OWED_KINDS,
    PREFIX,
    TRUTHS,
    Series,
    Type,
    values_of,
)
from service.web.version import VERSION
from service.wiring import House

ATTEND = "attend"
INF = "+Inf"

log = structlog.get_logger("metrics")

Labels = tuple[str, ...]
Values = Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class _Read:
    """What one snapshot of the ledger told."""

    totals: Sequence[Total]
    open_leads: Sequence[OpenLeads]
    oldest: Mapping[str, datetime]
    overdue: tuple[int, datetime | None]
    outbox: Mapping[str, int]
    beats: Sequence[Beat]
    findings: int
    stuck: int
    open_breakers: frozenset[Channel]
    deaf: frozenset[tuple[str, Channel]]
    owed: Sequence[OwedOpen]
    voicemails: tuple[int, datetime | None]
    calls_up: Mapping[str, int]


class LedgerCollector(Collector):
    """Everything we export, as it is at the instant of asking."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._queue = Queue(QUEUE, connection=house.redis, serializer="json")

    def describe(self) -> list[Metric]:
        """Nothing: being registered must not ask the ledger."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Raises nothing that a scrape should fail for: what is away is left out."""
        began = time.monotonic()
        crew, read = self._crew(), self._read()
        took_s = time.monotonic() - began
        yield _gauge("build_info", {(VERSION, platform.python_version()): 1.0})
        yield _gauge("ledger_up", {(): 0.0 if read is None else 1.0})
        yield _gauge("ledger_scrape_duration_seconds", {(): took_s})
        if crew is not None:
            on = on_duty(crew.team.shifts, self._house.clock.now())
            yield _gauge("on_duty_reps", {(): float(len(on))})
        yield from self._queued()
        if read is not None:
            sources = tuple(crew.sources) if crew else ()
            yield from _counted(read.totals, sources)
            yield from _of_leads(read, sources)
            yield from _of_calls(read)
            yield from _of_beats(read)
            yield from _of_carrier(read, crew)

    def _crew(self) -> Crew | None:
        try:
            return self._house.desk.present.crew()
        except Fault:
            return None

    def _read(self) -> _Read | None:
        try:
            with self._house.ledger.snapshot() as conn:
                now = self._house.clock.now()
                return _Read(
                    counts.totals(conn),
                    health.open_leads(conn),
                    health.oldest_uncontacted(conn),
                    looks.looks_overdue(conn, now),
                    health.outbox_unfinished(conn),
                    health.beats(conn),
                    looks.open_findings(conn),
                    len(stuck_pages(conn, now)),
                    open_breakers(conn, now),
                    people.deaf_phones(conn),
                    health.owed_open(conn),
                    health.voicemails_unanswered(conn),
                    calls.calls_up(conn),
                )
        except Fault as gone:
            log.warning("scrape", outcome="without the ledger", because=str(gone))
            return None

    def _queued(self) -> Iterator[Metric]:
        """The queue, by its keys and in one round trip: RQ's own counts tidy up as they count."""
        registries = (
            cls(QUEUE, connection=self._house.redis).key
            for cls in (StartedJobRegistry, FailedJobRegistry)
        )
        try:
            asked = self._house.redis.pipeline(transaction=False)
            asked.llen(self._queue.key)
            for key in registries:
                asked.zcard(key)
            asked.lindex(self._queue.key, 0)
            queued, started, failed, oldest = asked.execute()
            since = self._enqueued_at(oldest) if oldest else None
        except (RedisError, OSError):
            return
        jobs = {"queued": queued, "started": started, "failed": failed}
        yield _gauge("queue_jobs", {(QUEUE, state): float(n) for state, n in jobs.items()})
        yield _instants("queue_oldest_job_enqueued_timestamp_seconds", {(QUEUE,): since})

    def _enqueued_at(self, job_id: bytes) -> datetime | None:
        """When a waiting job was put on the queue; None when it was taken meanwhile."""
        stamp = self._house.redis.hget(Job.key_for(job_id.decode()), "enqueued_at")
        try:
            at = datetime.fromisoformat(stamp.decode()) if isinstance(stamp, bytes) else None
        except ValueError:
            return None
        return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def _of_carrier(read: _Read, crew: Crew | None) -> Iterator[Metric]:
    yield _gauge("pages_stuck", {(): float(read.stuck)})
    open_now: dict[Labels, float] = {
        (each.value,): float(each in read.open_breakers) for each in CHANNELS
    }
    yield _gauge("carrier_breaker_open", open_now)
    if crew is not None:
        missed = Counter(channel for phone, channel in read.deaf if phone in crew.by_phone)
        yield _gauge("reps_unreachable", {(each.value,): float(missed[each]) for each in CHANNELS})


def _of_leads(read: _Read, sources: Sequence[str]) -> Iterator[Metric]:
    opened: dict[Labels, float] = dict.fromkeys(product(sources, OPEN_STATES), 0.0)
    opened |= {(each.source, each.state): float(each.count) for each in read.open_leads}
    yield _gauge("open_leads", opened)
    oldest: dict[Labels, datetime | None] = {(source,): at for source, at in read.oldest.items()}
    yield _instants("oldest_uncontacted_lead_received_timestamp_seconds", oldest)
    overdue, since = read.overdue
    yield _gauge("looks_overdue", {(ATTEND,): float(overdue)})
    yield _instants("look_oldest_overdue_timestamp_seconds", {(ATTEND,): since})
    unfinished: dict[Labels, float] = {
        (state,): float(read.outbox.get(state, 0)) for state in OUTBOX_STATES
    }
    yield _gauge("outbox_messages", unfinished)


def _of_calls(read: _Read) -> Iterator[Metric]:
    owed: dict[Labels, float] = dict.fromkeys(product(OWED_KINDS, TRUTHS), 0.0)
    owed |= {(each.kind, truth(each.missed)): float(each.count) for each in read.owed}
    yield _gauge("owed_open", owed)
    unanswered, oldest = read.voicemails
    yield _gauge("inbound_voicemails_unanswered", {(): float(unanswered)})
    yield _instants("inbound_voicemail_oldest_unanswered_timestamp_seconds", {(): oldest})
    up: dict[Labels, float] = {(each,): float(read.calls_up.get(each, 0)) for each in DIRECTIONS}
    yield _gauge("calls_up", up)


def _of_beats(read: _Read) -> Iterator[Metric]:
    workers = [beat for beat in read.beats if beat.name.startswith(WORKER_PREFIX)]
    alive = sum(beat.age_s < WORKER_WITHIN_S for beat in workers)
    named = {beat.name: beat.at for beat in read.beats}
    newest = max((beat.at for beat in workers), default=None)
    yield _gauge("workers", {("alive",): float(alive)})
    yield _instants("worker_newest_heartbeat_timestamp_seconds", {(): newest})
    yield _instants("sweep_last_tick_timestamp_seconds", {(): named.get(SWEEP)})
    yield _instants("audit_last_run_timestamp_seconds", {(): named.get(AUDIT)})
    yield _gauge("audit_open_findings", {(): float(read.findings)})


def _counted(totals: Sequence[Total], sources: Sequence[str]) -> Iterator[Metric]:
    """Counters and histograms, every known label at 0 before it first happens: a series born at 1
    has grown by nothing. Totals of a metric that this version does not know are left out."""
    held: dict[str, list[Total]] = defaultdict(list)
    for total in totals:
        held[total.metric].append(total)
    for series in COUNTED:
        known = [values_of(series, label, sources) for label in series.labels]
        zero = dict.fromkeys(product(*known), 0.0)
        if series.type is Type.COUNTER:
            yield _counter(series, _summed(series, held[series.name], zero))
        else:
            buckets, sums = held[f"{series.name}_bucket"], held[f"{series.name}_sum"]
            yield _histogram(series, buckets, _summed(series, sums, zero))


def _summed(series: Series, totals: Sequence[Total], zero: Values) -> dict[Labels, float]:
    summed = dict(zero)
    for total in totals:
        labels = _labels(series, total)
        summed[labels] = summed.get(labels, 0.0) + total.n
    return summed


def _labels(series: Series, total: Total) -> Labels:
    """The total's labels in the series' order, a value outside its closed list as `other`.

    A source that left the team keeps its name: those there ever were are few.
    """
    given = ((label, total.labels.get(label, "")) for label in series.labels)
    return tuple(
        value if label == "source" or value in values_of(series, label, ()) else OTHER
        for label, value in given
    )


def _counter(series: Series, values: Values) -> Metric:
    name = PREFIX + series.name.removesuffix("_total")
    family = CounterMetricFamily(name, series.meaning, labels=series.labels)
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


def _histogram(series: Series, buckets: Sequence[Total], sums: Values) -> Metric:
    """The ledger keeps what fell into each bucket; what is exported adds up."""
    edges = LATENCIES[series.name]
    fallen = {labels: [0.0] * (len(edges) + 1) for labels in sums}
    for total in buckets:
        within = fallen.setdefault(_labels(series, total), [0.0] * (len(edges) + 1))
        within[_bucket(edges, total.labels["le"])] += total.n
    family = HistogramMetricFamily(PREFIX + series.name, series.meaning, labels=series.labels)
    les = [*(str(float(edge)) for edge in edges), INF]
    for labels, within in sorted(fallen.items()):
        added_up = list(zip(les, accumulate(within), strict=True))
        family.add_metric(labels, added_up, sum_value=sums.get(labels, 0.0))
    return family


def _bucket(edges: Sequence[float], le: str) -> int:
    """Which bucket was meant, also by an edge of an older version: the next one above."""
    upper = float(le)
    return next((i for i, edge in enumerate(edges) if upper <= edge), len(edges))


def _gauge(name: str, values: Values) -> Metric:
    series = ALL[name]
    family = GaugeMetricFamily(PREFIX + name, series.meaning, labels=series.labels)
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


def _instants(name: str, values: Mapping[Labels, datetime | None]) -> Metric:
    """Instants in seconds since 1970. One that there is not is left out: 0 would read as an age
    of half a century."""
    return _gauge(name, {labels: at.timestamp() for labels, at in values.items() if at})


class MetricsDoor:
    """`/metrics`: open to this machine, to others with a token."""

    def __init__(self, house: House, access: Access) -> None:
        self._access = access
        self._registry = CollectorRegistry()
        self._registry.register(LedgerCollector(house))
        self.router = APIRouter(tags=["health"])
        endpoint: Callable[[Request], Response] = self.scrape
        self.router.add_api_route(
            "/metrics",
            endpoint,
            methods=["GET"],
            summary="Metrics for Prometheus; open on loopback, else a token of the role metrics",
            response_class=Response,
            responses={
                HTTPStatus.OK: {
                    "content": {"text/plain": {}, "application/openmetrics-text": {}},
                },
                **refusals(Kind.UNAUTHORIZED, Kind.FORBIDDEN),
            },
        )

    def scrape(self, request: Request) -> Response:
        """Raises NotAllowed, Declined, LedgerUnavailable (to ask about a token) as `Access`."""
        if not from_this_machine(request):
            self._access.check(request, "metrics")
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        body = encode(self._registry)
        return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})
