"""Counting once: a fact's delta in the fact's own transaction, folded into totals later.

A delta is keyed by the name of the fact it counts, so a fact told twice counts once; inserting
never waits for another count, since no two facts share a row.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from service.ledger.locks import Room, try_hold

# One fold's helping: some 20 ms of work. The sweep folds every round.
FOLD_MAX = 2_000

# How long the key of a folded fact is kept against replays. Promises are judged at 7 d (and
# carriers replay for hours); a day on top. By the database's clock.
KEYS_KEPT_DAYS = 8

# The series of 20 sources, five channels and twelve promises, with their buckets, are under
# 10 000; more is a label that should not be one.
TOTALS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Delta:
    """``n`` more of ``metric`` under ``labels``, because of the one fact ``source_key`` names.

    A histogram is one delta per bucket it falls in (`x_bucket` with label `le`), and `x_sum`.
    """

    source_key: str
    metric: str
    labels: Mapping[str, str]
    n: float = 1.0


@dataclass(frozen=True, slots=True)
class Total:
    """How many there have ever been."""

    metric: str
    labels: Mapping[str, str]
    n: float


# Part of every statement that counts; `:deltas` is `deltas_json`.
INSERT_DELTAS = """
insert into count_delta (source_key, metric, labels, n)
select d.source_key, d.metric, d.labels, d.n from jsonb_to_recordset(cast(:deltas as jsonb)) as d (
  source_key text, metric text, labels text, n double precision)
on conflict (source_key) do nothing
"""

_COUNT = text(INSERT_DELTAS)

# A folded row stays as proof that its fact was counted; only its number moves to the total.
_FOLD = text("""
with folded as (
  update count_delta set folded_clock = clock_timestamp() where source_key in (
    select source_key from count_delta where folded_clock is null limit :limit
    for no key update skip locked
  ) returning metric, labels, n
), upserted as (
  insert into count_total (metric, labels, n)
  select metric, labels, sum(n) from folded group by metric, labels order by metric, labels
  on conflict (metric, labels) do update set n = count_total.n + excluded.n
)
select count(*) from folded
""")

_DROP_KEYS = text("""
delete from count_delta where source_key in (
  select source_key from count_delta
  where folded_clock < clock_timestamp() - make_interval(days => :days) limit :limit
)
""")

_TOTALS = text("""
select metric, labels, sum(n) from (
  select metric, labels, n from count_total
  union all
  select metric, labels, n from count_delta where folded_clock is null
) as counted group by metric, labels order by metric, labels limit :limit
""")


def count(conn: Connection, deltas: Sequence[Delta]) -> None:
    """Count facts; those counted before change nothing."""
    if deltas:
        conn.execute(_COUNT, {"deltas": deltas_json(deltas)})


def deltas_json(deltas: Sequence[Delta]) -> str:
    """Deltas as INSERT_DELTAS reads them."""
    return json.dumps(
        [
            {
                "source_key": delta.source_key,
                "metric": delta.metric,
                "labels": json.dumps(dict(delta.labels), sort_keys=True),
                "n": delta.n,
            }
            for delta in deltas
        ]
    )


def fold(conn: Connection, limit: int = FOLD_MAX) -> int:
    """Move deltas into totals and forget keys past keeping; how many moved.

    One folds at a time; while somebody else does, this does nothing and says 0.
    """
    if not try_hold(conn, Room.FOLD):
        return 0
    moved = int(conn.execute(_FOLD, {"limit": limit}).scalar_one())
    conn.execute(_DROP_KEYS, {"days": KEYS_KEPT_DAYS, "limit": limit})
    return moved


def totals(conn: Connection) -> list[Total]:
    """Every total, folded or not: one statement, so one instant, in which nothing is half moved."""
    rows = conn.execute(_TOTALS, {"limit": TOTALS_MAX})
    return [Total(metric, json.loads(labels), n) for metric, labels, n in rows]
