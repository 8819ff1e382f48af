"""The metrics: what the ledger knows, by names that are documented, from the first scrape on."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

from service.desk import counting
from service.desk.attend import attend
from service.ledger import counts, health
from service.ledger.counts import Delta
from service.rules.lead import LeadId
from service.web.series import ALL, PREFIX, Type
from tests.rooms.conftest import NewDatabase
from tests.rooms.web_world import Door, a_house, a_person, refused

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.fixture(scope="module")
def door(new_database: NewDatabase) -> Iterator[Door]:
    with a_house(new_database()) as opened:
        yield opened


def scraped(door: Door) -> dict[str, Metric]:
    """Every family by its name less the prefix."""
    families = read_text(door.http.get("/metrics").text)
    return {family.name.removeprefix(PREFIX): family for family in families}


def value(door: Door, name: str, **labels: str) -> float | None:
    """One sample's value; None when it is not exported."""
    samples = [sample for family in scraped(door).values() for sample in family.samples]
    found = [s.value for s in samples if s.name == PREFIX + name and s.labels == labels]
    assert len(found) <= 1
    return found[0] if found else None


def counted(door: Door, *deltas: Delta) -> None:
    with door.house.ledger.transaction() as conn:
        counts.count(conn, deltas)


def test_every_known_label_is_there_before_anything_happened(door: Door) -> None:
    assert value(door, "leads_received_total", source="main-line", hours="after") == 0
    assert value(door, "pages_failed_total", channel="text", reason="opted_out") == 0
    assert value(door, "escalations_total", step="managers", reason="no_claim") == 0
    assert value(door, "claimed_latency_seconds_count") == 0
    assert value(door, "open_leads", source="portal", state="chasing") == 0
    assert value(door, "on_duty_reps") == 2
    assert value(door, "ledger_up") == 1


def test_what_there_is_none_of_is_absent_and_not_zero(door: Door) -> None:
    for name in ("look_oldest_overdue_timestamp_seconds", "sweep_last_tick_timestamp_seconds"):
        assert not scraped(door)[name].samples


def test_a_lead_is_counted_once_and_shows_as_open(door: Door) -> None:
    before = value(door, "leads_received_total", source="website", hours="business")
    assert before is not None
    person = a_person()
    lead_id = door.hands_in(person).json()["lead_id"]
    assert door.hands_in(person).json()["duplicate"]
    assert value(door, "leads_received_total", source="website", hours="business") == before + 1
    assert value(door, "leads_duplicate_total", source="website") == 1
    assert value(door, "open_leads", source="website", state="waiting") == before + 1
    arrived_at = door.timeline(lead_id)[0].at.timestamp()
    oldest = value(door, "oldest_uncontacted_lead_received_timestamp_seconds", source="website")
    assert oldest is not None
    assert oldest <= arrived_at
    assert value(door, "looks_overdue", kind="attend") == before + 1
    assert value(door, "queue_jobs", queue="leads", state="queued") == before + 2
    since = value(door, "queue_oldest_job_enqueued_timestamp_seconds", queue="leads")
    assert since is not None
    attend(door.house.desk, LeadId(lead_id))
    assert value(door, "looks_overdue", kind="attend") == before
    assert value(door, "outbox_messages", state="ordered") == 1
    assert value(door, "looks_taken_total", kind="attend") == 1


def test_buckets_add_up_and_end_at_infinity(door: Door) -> None:
    for number, seconds in enumerate((0.02, 0.02, 1.5, 10_000.0)):
        key = f"latency-{number}"
        labels = {"channel": "text"}
        counted(door, *counting.observed("page_accepted_latency_seconds", key, seconds, labels))
    name = "page_accepted_latency_seconds"
    assert value(door, f"{name}_bucket", channel="text", le="0.01") == 0
    assert value(door, f"{name}_bucket", channel="text", le="0.025") == 2
    assert value(door, f"{name}_bucket", channel="text", le="2.0") == 3
    assert value(door, f"{name}_bucket", channel="text", le="300.0") == 3
    assert value(door, f"{name}_bucket", channel="text", le="+Inf") == 4
    assert value(door, f"{name}_count", channel="text") == 4
    assert value(door, f"{name}_sum", channel="text") == pytest.approx(10_001.54)
    with door.house.ledger.transaction() as conn:
        counts.fold(conn)
    assert value(door, f"{name}_count", channel="text") == 4, "folding changes nothing"


def test_a_bucket_of_an_older_version_counts_in_the_next_one_above(door: Door) -> None:
    counted(door, Delta("older", "look_lag_seconds_bucket", {"kind": "attend", "le": "0.07"}))
    before = value(door, "look_lag_seconds_bucket", kind="attend", le="0.05")
    after = value(door, "look_lag_seconds_bucket", kind="attend", le="0.1")
    assert before is not None
    assert after is not None
    assert after >= before + 1


def test_a_label_outside_its_list_is_other_and_a_metric_unknown_is_left_out(door: Door) -> None:
    for number, reason in enumerate(("a whole new reason", "and another")):
        labels = {"channel": "text", "reason": reason}
        counted(door, Delta(f"strange-{number}", "pages_failed_total", labels))
    counted(door, Delta("newer", "moods_total", {"mood": "sunny"}))
    assert value(door, "pages_failed_total", channel="text", reason="other") == 2
    assert "moods" not in scraped(door)


def test_signs_of_life(door: Door) -> None:
    with door.house.ledger.transaction() as conn:
        health.beat(conn, "sweep")
        health.beat(conn, "worker:1")
        health.beat(conn, "worker:2")
    assert value(door, "workers", state="alive") == 2
    for name in ("sweep_last_tick", "worker_newest_heartbeat"):
        assert value(door, f"{name}_timestamp_seconds") is not None


def test_every_series_is_documented_as_it_is_exported(door: Door) -> None:
    lines = DOCS.read_text("utf-8").splitlines()
    for name, family in scraped(door).items():
        whole = f"{name}_total" if family.type == "counter" else name
        series = ALL[whole]
        assert series.type == family.type
        for sample in family.samples:
            extra = {"le"} if series.type is Type.HISTOGRAM else set()
            assert set(sample.labels) - extra == set(series.labels)
    for series in ALL.values():
        labels = ", ".join(f"`{label}`" for label in series.labels) or "-"
        row = f"| `{PREFIX}{series.name}` | {series.type} | {labels} | {series.meaning} |"
        assert row in lines, f"docs/metrics.md lacks: {row}"
    documented = [line for line in lines if line.startswith(f"| `{PREFIX}")]
    assert len(documented) == len(ALL)


def test_either_format_can_be_asked_for(door: Door) -> None:
    answer = door.http.get("/metrics", headers={"Accept": OPENMETRICS})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    names = {family.name for family in read_openmetrics(answer.text)}  # type: ignore[no-untyped-call]  # no types
    assert f"{PREFIX}leads_received" in names
    plain = door.http.get("/metrics", headers={"Accept": "*/*"})
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_promtool_finds_nothing_to_complain_of(door: Door) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: the metrics were NOT checked by Prometheus itself")
    text = door.http.get("/metrics").text
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_from_elsewhere_a_token_is_needed(door: Door) -> None:
    elsewhere = {"X-Forwarded-For": "192.0.2.7"}
    refused(door.http.get("/metrics", headers=elsewhere), 401, "unauthorized")
    for role, status in (("metrics", 200), ("api", 403), ("manager", 403)):
        token = door.token(role)  # type: ignore[arg-type]  # a tuple's text is not a literal
        headers = elsewhere | {"Authorization": f"Bearer {token}"}
        assert door.http.get("/metrics", headers=headers).status_code == status


def test_a_source_that_left_the_team_keeps_its_count(door: Door) -> None:
    labels = {"source": "long-gone", "hours": "after"}
    counted(door, Delta("long-gone:1", "leads_received_total", labels))
    assert value(door, "leads_received_total", **labels) == 1
