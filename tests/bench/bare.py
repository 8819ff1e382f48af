"""The bare pipeline: what any speed-to-lead page costs at the least with these libraries.

One endpoint, one insert, one commit, one job, one request to the carrier; no dedupe, no rules, no
outbox, no second chance: kill any of its processes and leads are lost. It is the measure of what
the product's promises cost on top. `python -m tests.bench.bare web PORT` or `worker`.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

import uvicorn
from fastapi import FastAPI
from psycopg_pool import ConnectionPool
from pydantic import BaseModel
from redis import Redis
from rq import Queue, SimpleWorker

from service.phone.connection import AccountClient, WarmHttp

QUEUE = "bare"
TABLE = "create table if not exists bare_lead (id bigserial primary key, name text, phone text)"
CONNECTIONS = 20
"""As many as a web process of the product holds."""


class Asked(BaseModel):
    """A lead, as the bench sends it."""

    name: str
    phone: str
    ask: str = ""


def app() -> FastAPI:
    """The front door: insert, commit, enqueue, 202."""
    pool = ConnectionPool(
        os.environ["BARE_DATABASE_URL"], min_size=4, max_size=CONNECTIONS, open=True
    )
    queue = Queue(QUEUE, connection=_redis(), serializer="json")
    front = FastAPI(openapi_url=None)

    @front.post("/leads", status_code=202)
    def lead(asked: Asked) -> dict[str, int]:
        with pool.connection() as conn:
            row = conn.execute(
                "insert into bare_lead (name, phone) values (%s, %s) returning id",
                (asked.name, asked.phone),
            ).fetchone()
        assert row is not None
        queue.enqueue_call(send, args=(asked.name, asked.ask), result_ttl=60)
        return {"lead_id": row[0]}

    return front


def send(name: str, ask: str) -> None:
    """The job: page one rep, with Twilio's own client on a connection that stays open."""
    _client().messages.create(
        to="+12125550000", from_="+15005550006", body=f"LEAD {name}: {ask}. 1 take 2 pass"
    )


def nothing(_number: int) -> None:
    """The cheapest job there is."""


@cache
def _client() -> Any:
    http = WarmHttp(2.0, 5.0, proxies=False)
    sid, token = os.environ["BARE_ACCOUNT"].split(":")
    return AccountClient(sid, token, os.environ["BARE_CARRIER"], http)


def _redis() -> Redis:
    return Redis.from_url(os.environ["BARE_REDIS_URL"])


def work() -> None:
    """RQ's worker without a fork, its connection to the carrier open."""
    _client().api.accounts(os.environ["BARE_ACCOUNT"].split(":")[0]).fetch()
    redis = _redis()
    queue = Queue(QUEUE, connection=redis, serializer="json")
    worker = SimpleWorker([queue], connection=redis, serializer="json")
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work()
    else:
        uvicorn.run(
            app(),
            host="127.0.0.1",
            port=int(sys.argv[2]),
            http="httptools",
            loop="uvloop",
            log_level="warning",
            access_log=False,
        )
