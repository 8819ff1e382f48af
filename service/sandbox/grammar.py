"""What Twilio documents of a document: every verb and noun, as tables; and what a rule is.

Data only; `strictness` reads it. Source: Twilio's page on each verb. What is not in a table is
refused. Ranges are inclusive. The parameters of requests are in `request_grammar`.
"""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "int", "bool", "choice", "words", "url", "number", "pattern", "time"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one value must be. `low` and `high` bound a number, or the length of a text."""

    kind: Kind
    low: int = 0
    high: int = 1_000_000
    choices: frozenset[str] = frozenset()
    pattern: str = ""
    many: bool = False
    code: int = 20001  # the carrier's error number when it is not so


def whole(low: int, high: int, code: int = 20001) -> Rule:
    return Rule("int", low, high, code=code)


def text(high: int, code: int = 20001, low: int = 0) -> Rule:
    return Rule("text", low, high, code=code)


def choice(*choices: str) -> Rule:
    return Rule("choice", choices=frozenset(choices))


def words(*choices: str, many: bool = False) -> Rule:
    return Rule("words", choices=frozenset(choices), many=many)


def sid(prefix: str) -> Rule:
    return Rule("pattern", pattern=rf"{prefix}[0-9a-fA-F]{{32}}")


BOOL = Rule("bool")
URL = Rule("url")
METHOD = choice("GET", "POST")
SEND_DIGITS = Rule("pattern", pattern=r"[0-9A-D#*wW]{1,32}")
CALL_EVENTS = ("initiated", "ringing", "answered", "completed")
RECORDING_EVENTS = ("in-progress", "completed", "absent")
TRACK = choice("inbound", "outbound", "both")
TRIM = choice("trim-silence", "do-not-trim")

# Connection overrides in the fragment of a callback's URL.
OVERRIDES: dict[str, Rule] = {
    "ct": whole(100, 10_000),
    "rt": whole(100, 15_000),
    "tt": whole(100, 15_000),
    "rc": whole(0, 5),
    "rp": Rule("pattern", pattern=r"(4xx|5xx|ct|rt|all)(,(4xx|5xx|ct|rt|all))*"),
    "sni": choice("y", "n"),
    "e": Rule("pattern", pattern=r"[a-z-]+(,[a-z-]+)*"),
}

# -- documents: verb -> attributes, what may be nested, how long its text may be

Place = Literal["call", "whisper", "wait", "dequeue", "text"]


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb or noun. `text` is the least and most characters between its tags."""

    attributes: dict[str, Rule] = field(default_factory=dict)
    nested: frozenset[str] = frozenset()
    text: tuple[int, int] = (0, 0)
    number: bool = False  # the text is a phone number
    url: bool = False  # the text is a URL, or empty for the document's own
    nested_max: int = 100


_SSML = frozenset(
    {"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"}
)
_SSML_ATTRIBUTES = {
    name: text(200)
    for name in (
        *("strength", "time", "level", "alphabet", "ph", "volume", "rate", "pitch"),
        *("interpret-as", "role", "alias", "{http://www.w3.org/XML/1998/namespace}lang"),
    )
}
_RECORDING_ATTRIBUTES = {
    "recordingStatusCallback": URL,
    "recordingStatusCallbackMethod": METHOD,
    "recordingStatusCallbackEvent": words(*RECORDING_EVENTS),
    "recordingConfigurationId": text(64),
    "trim": TRIM,
}

VERBS: dict[str, Verb] = {
    "Say": Verb(
        {"voice": text(100), "loop": whole(0, 1_000), "language": text(20, low=2)},
        nested=_SSML,
        text=(1, 4_096),
    ),
    **{tag: Verb(_SSML_ATTRIBUTES, nested=_SSML, text=(0, 4_096)) for tag in _SSML},
    "Play": Verb(
        {"loop": whole(0, 1_000), "digits": Rule("pattern", pattern=r"[0-9A-D#*wW]+")},
        text=(0, 4_000),
        url=True,
    ),
    "Pause": Verb({"length": whole(1, 600)}),
    "Gather": Verb(
        {
            "input": words("dtmf", "speech"),
            "action": URL,
            "method": METHOD,
            "timeout": Rule("pattern", pattern=r"auto|[1-9]\d{0,2}"),
            "speechTimeout": Rule("pattern", pattern=r"auto|[1-9]\d{0,2}"),
            "maxSpeechTime": whole(1, 60),
            "profanityFilter": BOOL,
            "finishOnKey": Rule("pattern", pattern=r"[0-9#*]?"),
            "numDigits": whole(1, 1_000),
            "partialResultCallback": URL,
            "partialResultCallbackMethod": METHOD,
            "language": text(20),
            "hints": text(10_000),
            "bargeIn": BOOL,
            "debug": BOOL,
            "actionOnEmptyResult": BOOL,
            "speechModel": text(64),
            "enhanced": BOOL,
        },
        nested=frozenset({"Say", "Play", "Pause"}),
    ),
    "Redirect": Verb({"method": METHOD}, text=(0, 4_000), url=True),
    "Hangup": Verb(),
    "Leave": Verb(),
    "Reject": Verb({"reason": choice("rejected", "busy")}),
    "Record": Verb(
        {
            "action": URL,
            "method": METHOD,
            "timeout": whole(0, 600),
            "finishOnKey": Rule("pattern", pattern=r"[0-9#*]*"),
            "maxLength": whole(1, 14_400),
            "playBeep": BOOL,
            "transcribe": BOOL,
            "transcribeCallback": URL,
            **_RECORDING_ATTRIBUTES,
        }
    ),
    "Enqueue": Verb(
        {
            "action": URL,
            "method": METHOD,
            "maxQueueSize": whole(1, 5_000),
            "waitUrl": URL,
            "waitUrlMethod": METHOD,
            "workflowSid": sid("WW"),
        },
        text=(1, 64),
    ),
    "Dial": Verb(
        {
            "action": URL,
            "method": METHOD,
            "timeout": whole(5, 600),
            "hangupOnStar": BOOL,
            "timeLimit": whole(1, 14_400),
            "callerId": Rule("number"),
            "callReason": text(50),
            "record": choice(
                *("do-not-record", "record-from-answer", "record-from-ringing"),
                *("record-from-answer-dual", "record-from-ringing-dual"),
            ),
            "recordingTrack": TRACK,
            **_RECORDING_ATTRIBUTES,
            "answerOnBridge": BOOL,
            "ringTone": Rule("pattern", pattern=r"[a-z]{2}(-old|-tel)?"),
            "sequential": BOOL,
            "referUrl": URL,
            "referMethod": METHOD,
            "passports": text(10_000),
        },
        nested=frozenset({"Number", "Queue"}),
        text=(0, 20),
        number=True,
        nested_max=10,
    ),
    "Number": Verb(
        {
            "url": URL,
            "method": METHOD,
            "sendDigits": SEND_DIGITS,
            "byoc": sid("BY"),
            "statusCallback": URL,
            "statusCallbackMethod": METHOD,
            "statusCallbackEvent": words(*CALL_EVENTS),
            "machineDetection": choice("Enable", "DetectMessageEnd"),
            "machineDetectionTimeout": whole(3, 60),
            "machineDetectionSpeechThreshold": whole(1_000, 6_000),
            "machineDetectionSpeechEndThreshold": whole(500, 5_000),
            "machineDetectionSilenceTimeout": whole(2_000, 10_000),
            "amdStatusCallback": URL,
            "amdStatusCallbackMethod": METHOD,
        },
        text=(1, 20),
        number=True,
    ),
    "Queue": Verb(
        {
            "url": URL,
            "method": METHOD,
            "reservationSid": sid("WR"),
            "postWorkActivitySid": sid("WA"),
        },
        text=(1, 64),
    ),
    "Message": Verb(
        {
            "to": Rule("number"),
            "from": Rule("number"),
            "action": URL,
            "method": METHOD,
            "statusCallback": URL,
        },
        nested=frozenset({"Body", "Media"}),
        text=(0, 1_600),
    ),
    "Body": Verb(text=(1, 1_600)),
    "Media": Verb(text=(1, 4_000), url=True),
}

# Which verbs may stand at the top of a document, by what asked for it.
PLACES: dict[Place, frozenset[str]] = {
    "call": frozenset(
        {"Say", "Play", "Pause", "Gather", "Redirect", "Hangup", "Reject"}
        | {"Record", "Enqueue", "Dial"}
    ),
    "whisper": frozenset({"Say", "Play", "Pause", "Gather", "Redirect", "Hangup"}),
    "wait": frozenset({"Say", "Play", "Pause", "Gather", "Redirect", "Hangup", "Leave"}),
    "dequeue": frozenset({"Say", "Play", "Pause", "Redirect"}),
    "text": frozenset({"Message", "Redirect"}),
}
