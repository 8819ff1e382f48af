"""Every series that we export: name, type, labels and meaning, as `docs/metrics.md` lists them.

Labels are closed lists, so that nothing a stranger sends can make a new series; never a person, a
number or an id. Counters are kept in the ledger (`service.desk.counting` says which events count);
this file must not read anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

from service.intake.form_source import Bot
from service.ledger.calls import CallDirection
from service.phone.codes import COUNTED_CODES, Reason
from service.rules.call_facts import Owing
from service.rules.calls import KEYED, PROVED, WORD
from service.rules.standing import CLOSED, State
from service.rules.timeline import RUNG_AUDIENCES, Audience, Channel, EscalationReason

PREFIX = "speedtolead_"
OTHER = "other"

OPEN_STATES = tuple(state.value for state in State if state not in CLOSED)
OUTBOX_STATES = ("ordered", "taken", "unsure")
JOB_STATES = ("queued", "started", "failed")
LOOK_KINDS = ("attend",)

CHANNELS = tuple(channel.value for channel in Channel)
CARRIER_CHANNELS = (Channel.TEXT.value, Channel.CALL.value)
_FAILURES = (
    *get_args(Reason),
    # The carrier's last word where it gave no number, then our own ends of a message.
    *("failed", "undelivered", "canceled", "rate_limited", "connection", "unsure"),
)
_STEPS = tuple(each.value for each in RUNG_AUDIENCES if each is not Audience.ON_DUTY)
_OUTBOUND = ("human", "machine", "no_answer", "busy", "failed", "canceled", "unknown")
_INBOUND = ("answered", "missed", "abandoned_short", "voicemail")
_RINGS = (
    *("no_answer", "busy", "no_key", "hung_up", "declined"),
    *("failed", "unsure", "late", "later", "taken"),
)

DIRECTIONS: tuple[str, ...] = get_args(CallDirection)
OWED_KINDS = tuple(each.value for each in Owing)
TRUTHS = ("false", "true")

CLOSED_LISTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("leads_received_total", "hours"): ("business", "after"),
    ("form_bots_total", "reason"): tuple(each.value for each in Bot),
    ("pages_failed_total", "reason"): _FAILURES,
    ("carrier_errors_total", "channel"): CARRIER_CHANNELS,
    ("carrier_errors_total", "code"): (*(str(code) for code in COUNTED_CODES), OTHER),
    ("carrier_breaker_opened_total", "channel"): CARRIER_CHANNELS,
    ("escalations_total", "step"): _STEPS,
    ("escalations_total", "reason"): tuple(each.value for each in EscalationReason),
    ("rings_failed_total", "reason"): _RINGS,
    ("outbound_calls_total", "outcome"): _OUTBOUND,
    ("inbound_calls_total", "outcome"): _INBOUND,
    ("owed_total", "kind"): OWED_KINDS,
    ("owed_met_total", "kind"): OWED_KINDS,
    ("owed_missed_total", "kind"): OWED_KINDS,
}
"""The values of a label that are particular to one series; ours show at 0 before they happen."""

SHARED_LISTS: dict[str, tuple[str, ...]] = {
    "channel": CHANNELS,
    "kind": LOOK_KINDS,
    "evidence": (PROVED, KEYED, WORD),
    "late": TRUTHS,
}
"""The values of labels that mean the same everywhere. ``source`` is closed by the team file."""


class Type(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Series:
    """A metric by its whole name less the prefix; counters end in ``_total``."""

    name: str
    type: Type
    labels: tuple[str, ...]
    meaning: str


def _counter(name: str, labels: Sequence[str], meaning: str) -> Series:
    return Series(name, Type.COUNTER, tuple(labels), meaning)


def _gauge(name: str, labels: Sequence[str], meaning: str) -> Series:
    return Series(name, Type.GAUGE, tuple(labels), meaning)


def _histogram(name: str, labels: Sequence[str], meaning: str) -> Series:
    return Series(name, Type.HISTOGRAM, tuple(labels), meaning)


_SURVIVORS = "Survivor-biased: pages that never got so far are not in it."
_CALLED = "Survivor-biased: leads that were never {} are not in it."

COUNTED: tuple[Series, ...] = (
    _counter(
        "leads_received_total",
        ["source", "hours"],
        "Leads accepted, after de-duplication, inside business hours and after them.",
    ),
    _counter("leads_duplicate_total", ["source"], "Requests folded into a lead we had already."),
    _counter(
        "form_bots_total",
        ["source", "reason"],
        "Forms that a program filled in, kept apart for a person to look through.",
    ),
    _counter("pages_sent_total", ["channel"], "Messages to reps handed to the carrier, each try."),
    _counter("pages_accepted_total", ["channel"], "Pages that the carrier accepted."),
    _counter(
        "pages_delivered_total",
        ["channel"],
        "Pages that reached a handset, or a rep who pressed a key.",
    ),
    _counter("pages_claimed_total", ["channel"], "Claims, by the channel of the rep's last page."),
    _counter("pages_failed_total", ["channel", "reason"], "Pages that will reach nobody, and why."),
    _counter(
        "carrier_errors_total",
        ["channel", "code"],
        "Pages that failed with an error number of the carrier.",
    ),
    _counter(
        "carrier_breaker_opened_total",
        ["channel"],
        "How often a channel was left alone because message after message failed on it.",
    ),
    _counter(
        "escalations_total",
        ["step", "reason"],
        "Pages beyond the rep in turn, by whom they reached for and why.",
    ),
    _counter("looks_taken_total", ["kind"], "Looks at leads that led to something."),
    _counter(
        "rings_failed_total",
        ["reason"],
        "Reps whom we rang to connect them with a lead, and who were not connected, and why.",
    ),
    _counter(
        "outbound_calls_total",
        ["outcome"],
        "Calls to leads that have ended, by who answered, as the carrier tells.",
    ),
    _counter("voicemails_left_total", ["evidence"], "Voicemails that reps left for leads."),
    _counter(
        "inbound_calls_total",
        ["outcome"],
        "Calls from leads that have ended, each once: taken by key, or how they were missed.",
    ),
    _counter("owed_total", ["kind"], "Calls that came to be owed to leads."),
    _counter("owed_met_total", ["kind", "late"], "Owed calls that were made, in time or late."),
    _counter(
        "owed_missed_total",
        ["kind"],
        "Owed calls whose promise passed; they stay owed, and may be met late.",
    ),
    _histogram(
        "page_accepted_latency_seconds",
        ["channel"],
        f"From a lead's arrival to the carrier's acceptance of its first page. {_SURVIVORS}",
    ),
    _histogram(
        "page_delivered_latency_seconds",
        ["channel"],
        f"From a lead's arrival to the first delivery of a page. {_SURVIVORS}",
    ),
    _histogram(
        "claimed_latency_seconds",
        [],
        "From a lead's arrival to its first claim. Survivor-biased: leads nobody claimed are not "
        "in it.",
    ),
    _histogram(
        "first_attempt_latency_seconds",
        ["source", "evidence"],
        "From when a lead asked to its first call that counts as an attempt, on the wall clock. "
        + _CALLED.format("called"),
    ),
    _histogram(
        "first_contact_latency_seconds",
        ["source", "evidence"],
        "From when a lead asked to the first contact with it, on the wall clock. "
        + _CALLED.format("reached"),
    ),
    _histogram(
        "look_lag_seconds", ["kind"], "From when a look fell due to when it was taken and acted on."
    ),
    _histogram(
        "call_queue_seconds",
        [],
        "How long the carrier says that a call it accepted waits in its own queue.",
    ),
)

KNOWN_NOW: tuple[Series, ...] = (
    _gauge("open_leads", ["source", "state"], "Leads that are open, test leads left out."),
    _gauge(
        "oldest_uncontacted_lead_received_timestamp_seconds",
        ["source"],
        "When the oldest open lead that nobody has reached arrived; absent when there is none.",
    ),
    _gauge("looks_overdue", ["kind"], "Looks that are due and not taken."),
    _gauge(
        "look_oldest_overdue_timestamp_seconds",
        ["kind"],
        "Since when the longest overdue look is due; absent when none is.",
    ),
    _gauge(
        "owed_open",
        ["kind", "missed"],
        "Calls that are owed to open leads now; missed: their promise has passed.",
    ),
    _gauge(
        "inbound_voicemails_unanswered",
        [],
        "Open leads that left a voicemail and have not been called back.",
    ),
    _gauge(
        "inbound_voicemail_oldest_unanswered_timestamp_seconds",
        [],
        "When the oldest voicemail came that nobody has called back; absent when there is none.",
    ),
    _gauge("calls_up", ["direction"], "Calls with leads that are rung, ring or are talked on."),
    _gauge("outbox_messages", ["state"], "Messages that have not come to an end."),
    _gauge(
        "pages_stuck",
        [],
        "Text pages of the last hour that the carrier still holds 20 s after it accepted them.",
    ),
    _gauge(
        "carrier_breaker_open",
        ["channel"],
        "1 while pages do not go by this channel because the carrier fails on it, else 0.",
    ),
    _gauge(
        "reps_unreachable",
        ["channel"],
        "People of the team whom this channel does not reach; absent while no team is known.",
    ),
    _gauge("workers", ["state"], "Workers that gave a sign of life in the last 20 s."),
    _gauge(
        "worker_newest_heartbeat_timestamp_seconds",
        [],
        "The newest sign of life of any worker; absent before the first.",
    ),
    _gauge(
        "sweep_last_tick_timestamp_seconds",
        [],
        "The sweep's last sign of life; absent before the first.",
    ),
    _gauge(
        "audit_last_run_timestamp_seconds",
        [],
        "When the audit last ran; absent before its first run.",
    ),
    _gauge("audit_open_findings", [], "Leads the audit found forgotten that are not yet in order."),
    _gauge("on_duty_reps", [], "Reps on duty now, by the shifts; absent while no team is known."),
    _gauge("queue_jobs", ["queue", "state"], "Wakes on the queue; absent while Redis is away."),
    _gauge(
        "queue_oldest_job_enqueued_timestamp_seconds",
        ["queue"],
        "When the oldest waiting wake was put on the queue; absent when none waits.",
    ),
    _gauge("ledger_up", [], "1 when this scrape could read the ledger, else 0."),
    _gauge("ledger_scrape_duration_seconds", [], "How long reading the ledger took."),
    _gauge("build_info", ["version", "python"], "Always 1; its labels say what runs."),
)

ALL: dict[str, Series] = {series.name: series for series in (*COUNTED, *KNOWN_NOW)}


def values_of(series: Series, label: str, sources: Sequence[str]) -> tuple[str, ...]:
    """Which values a label of a counted series has from the first scrape on."""
    if label == "source":
        return tuple(sources)
    return CLOSED_LISTS.get((series.name, label)) or SHARED_LISTS[label]
