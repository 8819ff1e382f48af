"""The queue's one job, and the worker that runs it.

A worker is one long-lived process: looks run in its main thread without a fork, because a look is
milliseconds of trusted code; messages go out from its sender threads. The worker may be killed at
any instruction: what it leaves undone is due in the ledger.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any

import structlog
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job

from service.desk.attend import attend
from service.desk.desk import Desk
from service.errors import LeadBusy, LedgerUnavailable
from service.ledger import health
from service.rules.lead import LeadId
from service.wake import JOB_TIMEOUT_S, LOOK_JOB, QUEUE
from workers.send import Senders

log = structlog.get_logger("worker")

# How often a worker looks for jobs of workers that died, and says that it is alive. The longest
# silence of a live worker is one job.
MAINTENANCE_INTERVAL_S = 5
WORKER_TTL_S = 20
HEARTBEAT_MARGIN_S = 5
RQ_BEAT_EVERY_S = 1.0
BEAT_EVERY_S = 5.0
# Between two tries to reach a Redis that is away: nothing to a Redis that comes back, and soon
# enough, as the sweep wakes and attends meanwhile.
QUEUE_AWAY_REST_S = 1.0


class Orders:
    """Whether this process was told to stop.

    Given from signal handlers, hence no Event: its lock, taken by a handler that interrupted the
    one who waits, would never be free again. A SimpleQueue may be put into at any instant.
    """

    def __init__(self) -> None:
        self.stop = False
        self._told: queue.SimpleQueue[int] = queue.SimpleQueue()

    def heed(self) -> None:
        """Take SIGTERM and Ctrl-C for the order, from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.give)

    def give(self, number: int, _frame: FrameType | None) -> None:
        """The order; a signal handler."""
        self.stop = True
        self._told.put(number)

    def rest(self, seconds: float) -> None:
        """Wait so long, or until told to stop."""
        if not self.stop:
            with suppress(queue.Empty):
                self._told.get(timeout=seconds)


class LeadWorker(SimpleWorker):
    """RQ's worker without a fork, quick to find that another died and that Redis is back.

    RQ's own defaults notice a killed worker after 13 minutes and wait up to a minute for Redis.
    """

    max_connection_wait_time = 2.0
    orders: Orders | None = None
    beaten_at = 0.0

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Seconds after which a job without a sign of life counts as abandoned. No heartbeat goes
        out while a job runs, so it must outlast the longest job."""
        return int(job.timeout or JOB_TIMEOUT_S) + HEARTBEAT_MARGIN_S

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """RQ's sign of life. RQ gives it several times a job, three round trips each; its key lives
        for more than a minute, so once a second is plenty, and one round trip."""
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        if timeout is None and time.monotonic() - self.beaten_at < RQ_BEAT_EVERY_S:
            return
        self.beaten_at = time.monotonic()
        with self.connection.pipeline() as at_once:
            super().heartbeat(timeout, at_once)
            at_once.execute()

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """RQ's state. It says "idle" twice after each job; once is enough."""
        if pipeline is not None or state != self._state:
            super().set_state(state, pipeline)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Look first and keep RQ's books afterwards: they cost as much as the look does, and the
        page is waiting. A worker killed in between leaves a job that RQ finds in its lists and a
        look that the sweep finds in the ledger; either is harmless twice."""
        _Room.looked_at = _looked_early(job)
        super().execute_job(job, queue)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """RQ's handler while this worker works: also tells who would start the next one."""
        if self.orders is not None:
            self.orders.give(signum, frame)
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ has no type here

    def teardown(self) -> None:
        """Say goodbye. Also when Redis is gone and cannot be told, no thread stays behind."""
        listening: Any = self.pubsub_thread
        try:
            super().teardown()  # type: ignore[no-untyped-call]  # nor here
        finally:
            if listening is not None:
                listening.stop()


class AwayIsNoFault(logging.Filter):
    """Lets RQ say that Redis is away as what it is to us: a warning, without a stack trace, as the
    sweep does the queue's work meanwhile."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        away = isinstance(error, RedisError) or "could not connect to Redis" in str(record.msg)
        if away and record.levelno > logging.WARNING:
            record.levelno, record.levelname = (
                logging.WARNING,
                logging.getLevelName(logging.WARNING),
            )
            record.exc_info = None
        return True


class _Room:
    """What this process's jobs work with; RQ calls the job by name and hands it only an id."""

    desk: Desk | None = None
    senders: Senders | None = None
    looked_at: str | None = None


def _looked_early(job: Job) -> str | None:
    """Take the job's look at once; the lead, or None when RQ is to run the job as it is."""
    if job.func_name != LOOK_JOB or len(job.args) != 1:
        return None
    try:
        look(job.args[0])
    except Exception:
        # RQ runs it again within its retries; until then the look is due in the ledger.
        log.exception("look", lead=job.args[0], outcome="failed")
        return None
    return str(job.args[0])


def look(lead_id: str) -> None:
    """The job: look at a lead. The only function a job may name."""
    if _Room.desk is None:
        raise RuntimeError("looks run inside a worker started by `speedtolead worker`")
    early, _Room.looked_at = _Room.looked_at, None
    if early == lead_id:
        return
    try:
        attended = attend(_Room.desk, LeadId(lead_id), _Room.senders)
    except LeadBusy:
        # Whoever holds it is looking, or has just asked for the next look.
        log.info("look", lead=lead_id, outcome="busy")
        return
    except LedgerUnavailable as gone:
        log.warning("look", lead=lead_id, outcome="ledger unavailable", because=str(gone))
        return
    if attended is not None and attended.ordered and _Room.senders is not None:
        _Room.senders.ring(attended.ordered)


def run(desk: Desk, redis: Redis, senders: Senders) -> None:
    """Work until told to stop (SIGTERM, SIGINT); the main thread's business.

    While Redis is away the senders go on: the sweep attends what nobody can be woken for.
    """
    _Room.desk, _Room.senders = desk, senders
    stop = threading.Event()
    beats = threading.Thread(target=_beat, args=(desk, stop), name="beat", daemon=True)
    orders = Orders()
    orders.heed()
    logging.getLogger("rq.worker").addFilter(AwayIsNoFault())
    beats.start()
    senders.start()
    try:
        while not orders.stop:
            _work(redis, orders)
            orders.rest(QUEUE_AWAY_REST_S)
    finally:
        stop.set()
        senders.stop()


def _work(redis: Redis, orders: Orders) -> None:
    """Be one RQ worker, for as long as Redis bears it: RQ's own leaves when Redis fails it in the
    middle of a job, and is not born while Redis is away."""
    with suppress(StopRequested):  # a signal that came when the worker had already left
        try:
            _worker(redis, orders).work(with_scheduler=False, logging_level="WARNING")
        except (RedisError, OSError) as away:
            log.warning("queue", outcome="away", because=str(away))
        finally:
            orders.heed()


def _worker(redis: Redis, orders: Orders) -> LeadWorker:
    leads = Queue(QUEUE, connection=redis, serializer="json")
    options: dict[str, Any] = {
        "maintenance_interval": MAINTENANCE_INTERVAL_S,
        "worker_ttl": WORKER_TTL_S,
        "job_monitoring_interval": MAINTENANCE_INTERVAL_S,
    }
    worker = LeadWorker([leads], connection=redis, serializer="json", **options)
    worker.orders = orders
    return worker


def _beat(desk: Desk, stop: threading.Event) -> None:
    """Say that this worker lives, by the ledger's clock. In a container every pid is 1."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    while not stop.is_set():
        try:
            with desk.ledger.transaction() as conn:
                health.beat(conn, f"worker:{name}")
        except (LedgerUnavailable, LeadBusy) as gone:
            log.warning("beat", outcome="not written", because=str(gone))
        stop.wait(BEAT_EVERY_S)
