"""What a document's attributes order: a leg, its machine detection, a recording.

Reads attributes that have passed the grammar; starts nothing.
"""

from xml.etree.ElementTree import Element

from service.sandbox.exchange import Exchange
from service.sandbox.records import Call, Detection, RecordingOrder, new_sid
from service.sandbox.signals import Fetch
from service.sandbox.walker import Document

DETECTION_TIMEOUT_S = 30.0
SPEECH_END_MS = 1_200


def _events(raw: str | None) -> frozenset[str]:
    return frozenset((raw or "completed").split())


def leg_of_number(
    exchange: Exchange, call: Call, noun: Element, document: Document, caller: str, ring_s: float
) -> Call:
    """A leg to the number of a <Number>, or of a <Dial> that holds the number itself."""
    callback = noun.get("statusCallback", "")
    return Call(
        sid=new_sid("CA"),
        from_=caller,
        to=(noun.text or "").strip(),
        direction="outbound-dial",
        status="queued",
        created=exchange.config.now(),
        first=Fetch(document.url),
        scale=call.scale,
        anchor=call.anchor or call.created,
        parent_sid=call.sid,
        status_callback=document.resolve(callback) if callback else "",
        status_method=noun.get("statusCallbackMethod", "POST"),
        status_events=_events(noun.get("statusCallbackEvent")),
        ring_s=ring_s,
    )


def detection_of_number(noun: Element, document: Document) -> Detection | None:
    """Machine detection beside the bridged call; nobody waits for it."""
    kind = noun.get("machineDetection")
    if kind is None:
        return None
    callback = noun.get("amdStatusCallback", "")
    return Detection(
        kind,
        float(noun.get("machineDetectionTimeout", DETECTION_TIMEOUT_S)),
        int(noun.get("machineDetectionSpeechEndThreshold", SPEECH_END_MS)),
        document.resolve(callback) if callback else "",
        noun.get("amdStatusCallbackMethod", "POST"),
    )


def recording_of_dial(verb: Element, document: Document) -> RecordingOrder | None:
    """The recording of both sides that a <Dial> asks for, or None."""
    how = verb.get("record", "do-not-record")
    if how == "do-not-record":
        return None
    callback = verb.get("recordingStatusCallback", "")
    return RecordingOrder(
        "DialVerb",
        2 if how.endswith("-dual") else 1,
        verb.get("recordingTrack", "both"),
        document.resolve(callback) if callback else "",
        verb.get("recordingStatusCallbackMethod", "POST"),
        _events(verb.get("recordingStatusCallbackEvent")),
    )


def recording_of_record(verb: Element, document: Document) -> RecordingOrder:
    """The recording of the caller alone that a <Record> is."""
    callback = verb.get("recordingStatusCallback", "")
    return RecordingOrder(
        "RecordVerb",
        1,
        "inbound",
        document.resolve(callback) if callback else "",
        verb.get("recordingStatusCallbackMethod", "POST"),
        _events(verb.get("recordingStatusCallbackEvent")),
    )
