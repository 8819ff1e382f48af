"""Asking for a look at a lead: a job on the queue, after the commit that made it due.

The queue wakes us and remembers nothing: a wake that is lost costs two seconds (the sweep), so
this never fails a caller. It must not be called inside a transaction.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry
from rq.job import Job

from service.rules.lead import LeadId

QUEUE = "leads"
# The whitelisted entry, by name, so that nothing here imports the workers.
LOOK_JOB = "workers.attend.look"

# A look takes milliseconds; the alarm that RQ sets counts whole seconds.
JOB_TIMEOUT_S = 10
# Without a retry RQ fails the job of a worker that was killed; with one it runs again.
JOB_RETRIES = 3
# RQ 3.0.0 runs a job again and again when an abandoned one is kept for 0 s.
RESULT_TTL_S = 60
FAILURE_TTL_S = 3600
# After Redis failed us we ask again this much later, so that intake does not wait on it each time.
REST_AFTER_FAILURE_S = 1.0

log = structlog.get_logger("wake")


class Wake(Protocol):
    """Asks for a look at each of these leads, soon. Never raises."""

    def __call__(self, lead_ids: Sequence[LeadId]) -> bool:
        """True when every wake was put on the queue."""
        ...


class QueueWake:
    """Wakes through RQ. Job ids are random: a named one would swallow a wake that comes while
    the job of an earlier one is still running, or kept after it."""

    def __init__(self, redis: Redis) -> None:
        self._queue = Queue(QUEUE, connection=redis, serializer="json")
        self._rest_until = 0.0

    def __call__(self, lead_ids: Sequence[LeadId]) -> bool:
        if not lead_ids:
            return True
        if time.monotonic() < self._rest_until:
            return False
        try:
            self._put(lead_ids)
        except (RedisError, OSError) as lost:
            self._rest_until = time.monotonic() + REST_AFTER_FAILURE_S
            log.warning("wake lost, the sweep will look", leads=len(lead_ids), because=str(lost))
            return False
        return True

    def _put(self, lead_ids: Sequence[LeadId]) -> list[Job]:
        """In one round trip, were it one lead: RQ's ``enqueue`` takes two."""
        return self._queue.enqueue_many(
            [
                Queue.prepare_data(
                    LOOK_JOB,
                    args=(lead_id,),
                    timeout=JOB_TIMEOUT_S,
                    result_ttl=RESULT_TTL_S,
                    failure_ttl=FAILURE_TTL_S,
                    description="look",
                    retry=Retry(max=JOB_RETRIES),
                )
                for lead_id in lead_ids
            ]
        )


def connect(redis_url: str) -> Redis:
    """A Redis client that gives up quickly: a lead is stored whether or not a wake goes out."""
    return Redis.from_url(redis_url, socket_connect_timeout=0.5, socket_timeout=1.0)
