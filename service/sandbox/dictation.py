"""<Record>: the caller speaks after the beep, until a key, silence, the limit, or hanging up.

How long they speak is the handset's setting; without one a person decides by a key or the end.
"""

from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

from service.sandbox.ear import Ear, HungUp
from service.sandbox.orders import recording_of_record
from service.sandbox.records import Call, PhoneSettings, Recording
from service.sandbox.signals import Fetch
from service.sandbox.speech import number
from service.sandbox.walker import Document, Outcome, Walker, with_extra

BEEP_S = 0.5
LENGTH_MAX_S = 3_600
TRANSCRIBED_MAX_S = 120
ANY_KEY = "1234567890*#"


async def record(walker: Walker, call: Call, verb: Element, document: Document) -> Outcome:
    """The verb. Who says nothing at all is passed on to the next verb, and no action is asked."""
    if verb.get("playBeep", "true") == "true":
        await Ear(call).silence(walker.exchange.real_s(BEEP_S))
    began = walker.exchange.config.now()
    recording = walker.recorder.start(call, recording_of_record(verb, document), began)
    walker.exchange.publish_call(call, "call_recording", recording.sid)
    action = document.step(verb, "record") or Fetch(
        document.url, verb.get("method", "POST"), kind="record"
    )
    try:
        digits, said_s = await _listen(walker, call, verb, began)
    except HungUp as ended:
        at = ended.at or walker.exchange.config.now()
        _stop(walker, call, recording, verb, document, call.seconds_between(began, at))
        facts = {**walker.recorder.facts(recording), "Digits": "hangup"}
        await walker.last_request(call, HungUp(ended.status, at), with_extra(action, facts))
        raise
    _stop(walker, call, recording, verb, document, said_s)
    if recording.status == "absent":
        return None
    return with_extra(action, {**walker.recorder.facts(recording), "Digits": digits})


def _stop(
    walker: Walker,
    call: Call,
    recording: Recording,
    verb: Element,
    document: Document,
    said_s: float,
) -> None:
    walker.recorder.stop(call, recording, walker.exchange.config.now(), said_s)
    if callback := verb.get("transcribeCallback"):
        walker.recorder.transcribe(call, recording, document.resolve(callback))


async def _listen(walker: Walker, call: Call, verb: Element, began: datetime) -> tuple[str, float]:
    """The finishing key (or "") and the carrier's seconds that count. Raises HungUp."""
    how = walker.handsets.behaviour(call)
    finish = verb.get("finishOnKey", ANY_KEY)
    longest = TRANSCRIBED_MAX_S if verb.get("transcribe") == "true" else LENGTH_MAX_S
    limit_s = float(min(number(verb, "maxLength", LENGTH_MAX_S), longest))
    silence_s = float(number(verb, "timeout", 5))
    speaks_s = limit_s if how.message_s is None else how.message_s
    key = await _key_within(walker, call, finish, min(speaks_s, limit_s) or silence_s)
    if key:
        return key, call.seconds_between(began, walker.exchange.config.now())
    if not speaks_s:
        return "", 0.0
    if speaks_s >= limit_s:
        return "", limit_s
    return await _end_message(walker, call, verb, how, began, silence_s)


async def _end_message(
    walker: Walker, call: Call, verb: Element, how: PhoneSettings, began: datetime, silence_s: float
) -> tuple[str, float]:
    said_s = how.message_s or 0.0
    if how.message_ends == "hangup":
        raise HungUp("completed", began + timedelta(seconds=walker.exchange.real_s(said_s)))
    if how.message_ends == "key":
        return verb.get("finishOnKey", ANY_KEY)[-1:], said_s
    await Ear(call).silence(walker.exchange.real_s(silence_s))
    return "", said_s if verb.get("trim") != "do-not-trim" else said_s + silence_s


async def _key_within(walker: Walker, call: Call, finish: str, seconds: float) -> str:
    """The first of the finishing keys within so many of the carrier's seconds, or ""."""
    until = walker.exchange.config.now() + timedelta(seconds=walker.exchange.real_s(seconds))
    while (left := (until - walker.exchange.config.now()).total_seconds()) > 0:
        key = await Ear(call).key_within(left)
        if key is not None and key in finish:
            return key
    return ""
