"""The metrics: what the ledger knows, by names that are documented, from the first scrape on."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

from service.desk import counting
from service.desk.attend import attend
from service.desk.record import hold, numbered, record
from service.ledger import calls, counts, health
from service.ledger.calls import NewCall
from service.ledger.counts import Delta
from service.rules.call_facts import (
    Attempted,
    CalledIn,
    CallMissed,
    Connected,
    Contacted,
    Dialled,
    Ended,
    NoAnswer,
    Purpose,
    Rang,
    RingFailed,
    VoicemailLeft,
    VoicemailReceived,
)
from service.rules.calls import AnsweredBy
from service.rules.lead import CallId, LeadId, PageId, RepId
from service.rules.timeline import By, Claimed, Fact
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


def told(door: Door, lead_id: str, *facts: Fact, after_s: float = 0.0) -> None:
    """The carrier tells these facts, the first of which happened ``after_s`` after the lead
    asked."""
    with door.house.ledger.transaction() as conn:
        held = hold(conn, LeadId(lead_id))
        assert held is not None
        at = held.standing.t0 + timedelta(seconds=after_s)
        now = max(at, held.standing.last_recorded_at)
        events = numbered(held, facts, at=at, now=now, because="told", actor="carrier")
        record(conn, held, events)


def looks(door: Door, lead_id: str) -> None:
    attend(door.house.desk, LeadId(lead_id))


def test_every_known_label_is_there_before_anything_happened(door: Door) -> None:
    assert value(door, "leads_received_total", source="main-line", hours="after") == 0
    assert value(door, "pages_failed_total", channel="text", reason="opted_out") == 0
    assert value(door, "escalations_total", step="managers", reason="no_claim") == 0
    assert value(door, "claimed_latency_seconds_count") == 0
    assert value(door, "escalations_total", step="owner", reason="no_claim") is None
    for outcome in ("human", "machine", "no_answer", "busy", "failed", "canceled", "unknown"):
        assert value(door, "outbound_calls_total", outcome=outcome) == 0
    for outcome in ("answered", "missed", "abandoned_short", "voicemail"):
        assert value(door, "inbound_calls_total", outcome=outcome) == 0
    for evidence in ("A", "B", "C"):
        assert value(door, "voicemails_left_total", evidence=evidence) == 0
        labels = {"source": "website", "evidence": evidence}
        assert value(door, "first_contact_latency_seconds_count", **labels) == 0
    for kind in ("first_call", "second_call", "further_call", "voicemail", "call_back"):
        assert value(door, "owed_total", kind=kind) == 0
        assert value(door, "owed_met_total", kind=kind, late="true") == 0
        assert value(door, "owed_missed_total", kind=kind) == 0
        assert value(door, "owed_open", kind=kind, missed="false") == 0
    assert value(door, "rings_failed_total", reason="no_key") == 0
    assert value(door, "call_queue_seconds_count") == 0
    assert value(door, "inbound_voicemails_unanswered") == 0
    assert value(door, "calls_up", direction="through") == 0
    assert value(door, "open_leads", source="portal", state="chasing") == 0
    assert value(door, "on_duty_reps") == 2
    assert value(door, "ledger_up") == 1


def test_what_there_is_none_of_is_absent_and_not_zero(door: Door) -> None:
    for name in (
        "look_oldest_overdue_timestamp_seconds",
        "sweep_last_tick_timestamp_seconds",
        "inbound_voicemail_oldest_unanswered_timestamp_seconds",
    ):
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


ANN = RepId("ann")


def dialled(call_id: str, ended: Ended, by: AnsweredBy | None = None) -> Attempted:
    return Attempted(ANN, "A", call_id, answered_by=by.value if by else None, ended=ended.value)


def test_a_call_and_what_it_leaves_owed_are_counted_once(door: Door) -> None:
    lead_id = str(door.hands_in(a_person()).json()["lead_id"])
    leg = PageId("leg-of-the-ring")
    told(door, lead_id, Claimed(ANN, By.TEXT), after_s=10)
    told(door, lead_id, Rang(ANN, CallId(leg), leg, Purpose.CLAIM), after_s=11)
    told(door, lead_id, RingFailed(ANN, CallId(leg), leg, "no_key"), after_s=40)
    told(door, lead_id, Dialled(CallId("call-1"), ANN), after_s=45)
    first = dialled("call-1", Ended.ANSWERED, AnsweredBy.BEEP)
    left = VoicemailLeft("A", ANN, "call-1", 12.0)
    told(door, lead_id, first, NoAnswer("A", ANN, "call-1"), left, after_s=50)
    assert value(door, "rings_failed_total", reason="no_key") == 1
    assert value(door, "outbound_calls_total", outcome="machine") == 1
    assert value(door, "voicemails_left_total", evidence="A") == 1
    labels = {"source": "website", "evidence": "A"}
    assert value(door, "first_attempt_latency_seconds_count", **labels) == 1
    assert value(door, "first_attempt_latency_seconds_sum", **labels) == 50
    assert value(door, "first_contact_latency_seconds_count", **labels) == 0
    looks(door, lead_id)
    assert value(door, "owed_total", kind="second_call") == 1
    assert value(door, "owed_open", kind="second_call", missed="false") == 1
    second = dialled("call-2", Ended.ANSWERED, AnsweredBy.HUMAN)
    told(door, lead_id, second, Contacted("A", ANN, "call-2"), after_s=70)
    looks(door, lead_id)
    assert value(door, "outbound_calls_total", outcome="human") == 1
    assert value(door, "first_attempt_latency_seconds_count", **labels) == 1
    assert value(door, "first_contact_latency_seconds_sum", **labels) == 70
    assert value(door, "owed_met_total", kind="second_call", late="false") == 1
    assert value(door, "owed_open", kind="second_call", missed="false") == 0
    told(door, lead_id, second, after_s=70)  # told anew, as nothing should be
    assert value(door, "outbound_calls_total", outcome="human") == 1


def test_how_a_call_we_made_ended_is_told_apart(door: Door) -> None:
    lead_id = str(door.hands_in(a_person()).json()["lead_id"])
    endings = {"busy": Ended.BUSY, "failed": Ended.FAILED, "canceled": Ended.ABANDONED}
    endings |= {"no_answer": Ended.NO_ANSWER, "unknown": Ended.ANSWERED}
    for outcome, ended in endings.items():
        told(door, lead_id, dialled(f"call-{outcome}", ended), after_s=5)
        assert value(door, "outbound_calls_total", outcome=outcome) == 1
    before = value(door, "outbound_calls_total", outcome="unknown")
    told(door, lead_id, Attempted(ANN, "C"), after_s=6)  # by a phone of their own
    told(door, lead_id, dialled("call-lost", Ended.UNKNOWN), after_s=7)
    assert before is not None
    assert value(door, "outbound_calls_total", outcome="unknown") == before + 1


def test_each_call_from_a_lead_is_counted_as_what_it_came_to(door: Door) -> None:
    lead_id = str(door.hands_in(a_person()).json()["lead_id"])
    taken, missed, gone, spoken = (CallId(f"in-{n}") for n in range(4))
    told(door, lead_id, CalledIn(taken), Connected(taken, ANN), after_s=5)
    held = Attempted(ANN, "A", taken, answered_by="human", ended=Ended.ANSWERED.value)
    told(door, lead_id, held, after_s=6)
    told(door, lead_id, CalledIn(missed), CallMissed(missed, 40.0), after_s=7)
    told(door, lead_id, CalledIn(gone), CallMissed(gone, 3.0, short=True), after_s=8)
    unheard = VoicemailReceived(spoken, 9.0)
    told(door, lead_id, CalledIn(spoken), CallMissed(spoken, 40.0), unheard, after_s=9)
    for outcome in ("answered", "missed", "abandoned_short", "voicemail"):
        assert value(door, "inbound_calls_total", outcome=outcome) == 1
    looks(door, lead_id)
    assert value(door, "inbound_voicemails_unanswered") == 1
    oldest = value(door, "inbound_voicemail_oldest_unanswered_timestamp_seconds")
    came_at = next(e.at for e in door.timeline(lead_id) if e.fact == unheard)
    assert oldest == pytest.approx(came_at.timestamp())
    assert value(door, "owed_open", kind="voicemail", missed="false") == 1


def test_calls_that_are_up_are_told_by_direction(door: Door) -> None:
    lead_id = LeadId(str(door.hands_in(a_person()).json()["lead_id"]))
    now = door.house.clock.now()
    new = NewCall(CallId("u" * 24), lead_id, ANN, "through", "+15005550007", None, began_at=now)
    with door.house.ledger.transaction() as conn:
        calls.open_call(conn, new)
    assert value(door, "calls_up", direction="through") == 1
    assert value(door, "calls_up", direction="in") == 0


def test_the_calls_of_test_leads_count_nowhere(door: Door) -> None:
    before = value(door, "outbound_calls_total", outcome="busy")
    lead_id = str(door.hands_in(a_person() | {"test": True}).json()["lead_id"])
    told(door, lead_id, dialled("call-of-a-test", Ended.BUSY), after_s=5)
    assert value(door, "outbound_calls_total", outcome="busy") == before


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
