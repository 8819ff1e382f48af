"""How long a rep waits for us: from the text that takes a lead to the request that rings them, and
from their key to the document that dials the lead.

Ours alone: the carrier's own time, from a thumb to the webhook and from the request to the ring, is
in neither. Product and bare pipeline take turns, as in `latency`; of the bare pipeline the same
number of steps is measured (one insert, one job, one request to the carrier; one insert and one
answer), since it knows no calls. Every rep has one lead, so that a text is about that one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, pairwise
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # no types

from service.desk.calls.dialling import zones_of
from service.phone.urls import BRIDGE_KEY_PATH, BRIDGE_SAY_PATH, INBOUND_TEXT_PATH
from service.rules.lawful import dial_from
from tests.bench.carrier import ACCOUNT_SID, AUTH_TOKEN
from tests.bench.figures import SPREAD, millis, quantile, say, show, spread
from tests.bench.house import Came, House, house, wait_until
from tests.bench.latency import BLOCK, EVERY_S, TAG, fresh, waits
from tests.bench.traffic import Door, Sample, drive

WARM_UP = 40
SAMPLES = 200
SAMPLES_QUICK = 40
WORKERS = 1
OUR_NUMBER = "+15005550006"
HOME_ZONE = "America/New_York"
# Leads are dialled in the day of their own zone only, so the bench takes some from where it is day:
# New York, London, Sydney.
PLACES = ("+1646{:07}", "+44207{:07}", "+6129{:07}")
A_CALL = "call"  # what the carrier notes of a request without words

EVENTS = """
select e.kind, e.because from event e where e.lead_id in (
  select o.lead_id from outbox o where o.to_number = %s) order by e.lead_id, e.seq
"""

STAGES = """
select c.recorded_at, r.recorded_at, o.ordered_clock, o.taken_clock from outbox o
join event r on r.lead_id = o.lead_id and r.kind = 'rang' and r.fields->>'leg' = o.id
join event c on c.lead_id = o.lead_id and c.kind = 'claimed'
where o.to_number = %s and o.kind = 'bridge_call' and o.taken_clock is not null
"""

_texts = count(1)


@dataclass(slots=True)
class Webhook(Sample):
    """A webhook of the carrier's, signed; its answer is timed like a lead's."""

    form: dict[str, str] = field(default_factory=dict)

    def wire(self) -> bytes:
        """The request, ready to be written in one piece."""
        url = f"http://127.0.0.1:{self.door.port}{self.door.path}"
        fields = {"AccountSid": ACCOUNT_SID, **self.form}
        signature = RequestValidator(AUTH_TOKEN).compute_signature(url, fields)
        body = urlencode(fields)
        head = (
            f"POST {self.door.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.door.port}\r\n"
            f"X-Twilio-Signature: {signature}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return (head + body).encode()


@dataclass(frozen=True, slots=True)
class Taken:
    """A rep's phone and what was measured of it: the text that took a lead, when the request came
    that rang them, and the key that dialled."""

    phone: str
    text: Webhook
    rang_ns: int
    call_id: str
    call_sid: str


def run(quick: bool, workers: int = WORKERS) -> None:
    """Measure and print."""
    samples = SAMPLES_QUICK if quick else SAMPLES
    with house(reps=WARM_UP + samples) as built:
        built.start_carrier()
        built.start_product(workers)
        built.start_bare(workers)
        _connects(built, _paged(built, WARM_UP))
        phones = _paged(built, samples)
        found, carrier, answer = _connects(built, phones)
        _print(found, carrier, answer, workers)
        _print_stages(built, found.taken)
        for line in built.complaints():
            say(line)


def _paged(built: House, leads: int) -> list[str]:
    """So many leads, each paged to a rep of its own; the phones of these reps."""
    place = _where_it_is_day()
    asked = [fresh(built.web) for _ in range(leads)]
    for number, sample in enumerate(asked, start=next(_texts) * 1_000):
        sample.phone = place.format(2_000_000 + number)
    drive(asked, EVERY_S)
    wanted = {sample.tag for sample in asked}
    wait_until(lambda: wanted <= _tags(built).keys(), "every rep was paged")
    came = _tags(built)
    phones = [came[sample.tag].to for sample in asked]
    assert len(set(phones)) == leads, "each lead went to a rep of its own"
    return phones


def _tags(built: House) -> dict[str, Came]:
    """The pages that have come to the carrier, by the lead that they are about."""
    return {tag[0]: came for came in built.arrivals() if (tag := TAG.search(came.words))}


def _where_it_is_day() -> str:
    """A place whose phones may be called now."""
    now = datetime.now(UTC)
    for place in PLACES:
        zones = zones_of(place.format(2_000_000), HOME_ZONE)
        if dial_from(zones, now) == now:
            return place
    raise RuntimeError("nowhere on the bench's map is it day")


@dataclass(frozen=True, slots=True)
class Connected:
    """What was measured of the product, and of the bare pipeline beside it."""

    taken: list[Taken]
    claim_to_ring: list[float]
    claim_to_answer: list[float]
    pick_up_to_whisper: list[float]
    key_to_dial: list[float]


def _connects(built: House, phones: Sequence[str]) -> tuple[Connected, list[float], list[float]]:
    """Every rep takes their lead by text, picks up and presses 1; beside the first and the last,
    as many leads go to the bare pipeline. What was measured, and its lead -> carrier and 202."""
    texts = [_text(built, phone) for phone in phones]
    bare = [fresh(built.bare) for _ in phones]
    drive(_in_turns(texts, bare), EVERY_S)
    try:
        wait_until(lambda: _all_came(built, phones, bare), "every rep was rung")
    except RuntimeError as vain:
        raise RuntimeError(f"{vain}: {_unrung(built, texts)}") from None
    taken = _rung(built, texts)
    whispers = [_of_call(built, each, BRIDGE_SAY_PATH, {}) for each in taken]
    drive(whispers, EVERY_S)
    keys = [_of_call(built, each, BRIDGE_KEY_PATH, {"Digits": "1"}) for each in taken]
    beside = [fresh(built.bare) for _ in phones]
    arrived = {tag: came.at_ns for tag, came in _tags(built).items()}
    drive(_in_turns(keys, beside), EVERY_S)
    _must(whispers, b"<Gather")
    _must(keys, b"<Dial")
    found = Connected(
        taken,
        [(each.rang_ns - each.text.sent_ns) / 1e9 for each in taken],
        _answers(texts),
        _answers(whispers),
        _answers(keys),
    )
    return found, waits(bare, arrived), _answers(beside)


def _in_turns(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[Sample]:
    turns: list[Sample] = []
    for first in range(0, len(ours), BLOCK):
        turns += [*ours[first : first + BLOCK], *theirs[first : first + BLOCK]]
    return turns


def _text(built: House, phone: str) -> Webhook:
    sid = f"SM{next(_texts):032x}"
    form = {"MessageSid": sid, "From": phone, "To": OUR_NUMBER, "Body": "1", "NumMedia": "0"}
    return Webhook(Door(built.web_port, INBOUND_TEXT_PATH), sid, phone, form=form)


def _all_came(built: House, phones: Sequence[str], bare: Iterable[Sample]) -> bool:
    came = built.arrivals()
    rung = {each.to for each in came if each.words == A_CALL}
    return set(phones) <= rung and {sample.tag for sample in bare} <= _tags(built).keys()


def _unrung(built: House, texts: Sequence[Webhook]) -> list[str]:
    """What became of the texts after which nobody was rung: their answer, and the events since."""
    rung = {each.to for each in built.arrivals() if each.words == A_CALL}
    return [
        f"{text.phone} answered {text.status}: {built.query(EVENTS, text.phone)}"
        for text in texts
        if text.phone not in rung
    ]


def _rung(built: House, texts: Sequence[Webhook]) -> list[Taken]:
    """Each text with the call that it led to. The carrier numbers its calls as they come."""
    by_phone = {text.phone: text for text in texts}
    found = []
    for number, came in enumerate(built.arrivals(), start=1):
        if came.words == A_CALL and came.to in by_phone:
            sid = f"CA{number:032x}"
            found.append(Taken(came.to, by_phone[came.to], came.at_ns, came.message, sid))
    return found


def _of_call(built: House, taken: Taken, path: str, more: dict[str, str]) -> Webhook:
    """What the carrier asks on the call that rang a rep."""
    form = {
        "CallSid": taken.call_sid,
        "CallStatus": "in-progress",
        "Direction": "outbound-api",
        "From": OUR_NUMBER,
        "To": taken.phone,
        **more,
    }
    door = Door(built.web_port, path.format(call_id=taken.call_id))
    return Webhook(door, taken.call_sid, taken.phone, form=form)


def _answers(samples: Iterable[Sample]) -> list[float]:
    return [(each.answered_ns - each.sent_ns) / 1e9 for each in samples]


def _must(answers: Iterable[Sample], verb: bytes) -> None:
    """A refusal is fast, too: what is measured must be the document that was asked for."""
    for each in answers:
        if verb not in each.body:
            raise RuntimeError(f"no {verb.decode()}: {each.status} {each.body.decode()}")


def _print(found: Connected, carrier: list[float], answer: list[float], workers: int) -> None:
    rows = [
        spread("claim -> ring (text in, call requested)", found.claim_to_ring),
        spread("bare: lead in, text requested", carrier),
        _ratio(found.claim_to_ring, carrier),
        spread("key -> <Dial> answered", found.key_to_dial),
        spread("bare: lead in, 202 answered", answer),
        _ratio(found.key_to_dial, answer),
        spread("claim -> its text answered", found.claim_to_answer),
        spread("pick up -> whisper answered", found.pick_up_to_whisper),
    ]
    pace = f"a webhook each {EVERY_S * 1000:.0f} ms, blocks of {BLOCK}"
    show(f"Phone, the carrier's time taken out: {pace}, {workers} worker(s)", SPREAD, rows)


def _print_stages(built: House, taken: Iterable[Taken]) -> None:
    """Where the time from a claim to the ring goes, by what the ledger keeps anyway."""
    offset_s = time.time() - time.monotonic()
    stages: dict[str, list[float]] = {
        "text sent -> claim decided": [],
        "claim decided -> look begun": [],
        "look begun -> call ordered": [],
        "ordered -> taken by a sender, with its token": [],
        "taken -> request at the carrier": [],
    }
    for each in taken:
        at = built.query(STAGES, each.phone)
        if not at:
            continue
        marks = [
            each.text.sent_ns / 1e9,
            *(instant.timestamp() - offset_s for instant in at[0]),
            each.rang_ns / 1e9,
        ]
        for held, (begun, ended) in zip(stages.values(), pairwise(marks), strict=True):
            held.append(ended - begun)
    rows = [
        [name, *(millis(quantile(held, share)) for share in (0.5, 0.9, 0.99))]
        for name, held in stages.items()
    ]
    show("Where the time from claim to ring goes", ("stage", "p50 ms", "p90 ms", "p99 ms"), rows)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> list[str]:
    ratios = [quantile(ours, share) / quantile(theirs, share) for share in (0.5, 0.9, 0.99, 1.0)]
    return ["ratio", "", *(f"{ratio:.2f}" for ratio in ratios)]
