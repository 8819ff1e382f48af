"""What Twilio documents of a request: every parameter of each resource here, as tables.

Data only; `strictness` reads it. Source: Twilio's OpenAPI for 2010-04-01. What is not in a table
is refused.
"""

from service.sandbox.grammar import (
    BOOL,
    CALL_EVENTS,
    METHOD,
    RECORDING_EVENTS,
    SEND_DIGITS,
    TRACK,
    TRIM,
    Rule,
    choice,
    sid,
    text,
    whole,
    words,
)

PHONE = text(64)  # its shape has error numbers of its own, which the request's handler knows
TIME = Rule("time")
CALLBACK = Rule("url", code=21609)
PAGED = {"PageSize": whole(1, 1_000), "Page": whole(0, 1_000_000), "PageToken": text(1_000)}


def _times(name: str) -> dict[str, Rule]:
    return {name: TIME, f"{name}<": TIME, f"{name}>": TIME}


# "METHOD resource" -> parameter -> rule

_RECORDING_CALLBACK = {
    "RecordingStatusCallback": CALLBACK,
    "RecordingStatusCallbackMethod": METHOD,
    "RecordingStatusCallbackEvent": words(*RECORDING_EVENTS, many=True),
    "RecordingConfigurationId": text(64),
    "RecordingChannels": choice("mono", "dual"),
    "RecordingTrack": TRACK,
    "Trim": TRIM,
}

REQUESTS: dict[str, dict[str, Rule]] = {
    "GET account": {},
    "GET numbers": {
        "Beta": BOOL,
        "FriendlyName": text(64),
        "Origin": text(64),
        "PhoneNumber": PHONE,
        **PAGED,
    },
    "POST messages": {
        "To": PHONE,
        "From": PHONE,
        "MessagingServiceSid": sid("MG"),
        "Body": text(1_600, code=21617),
        "StatusCallback": CALLBACK,
        "ApplicationSid": sid("AP"),
        "ValidityPeriod": whole(1, 36_000),
        "Attempt": whole(1, 1_000),
        "ProvideFeedback": BOOL,
        "SmartEncoded": BOOL,
        "ShortenUrls": BOOL,
        "SendAsMms": BOOL,
        "ForceDelivery": BOOL,
        "ScheduleType": choice("fixed"),
        "SendAt": TIME,
        "ContentRetention": choice("retain", "discard"),
        "AddressRetention": choice("retain", "obfuscate"),
        "RiskCheck": choice("enable", "disable"),
        "MediaUrl": Rule("url", many=True),
        "PersistentAction": Rule("text", 0, 1_000, many=True),
        "ContentSid": sid("HX"),
        "ContentVariables": text(4_096),
        "FallbackFrom": PHONE,
        "TrafficType": choice("free"),
        "MessageIntent": text(64),
        "MaxPrice": text(16),
    },
    "GET messages": {"To": PHONE, "From": PHONE, **_times("DateSent"), **PAGED},
    "GET message": {},
    "POST message": {"Body": text(0), "Status": choice("canceled")},
    "DELETE message": {},
    "POST calls": {
        "To": PHONE,
        "From": PHONE,
        "Url": Rule("url", code=21205),
        "Twiml": text(4_000, code=21205),
        "ApplicationSid": sid("AP"),
        "Method": METHOD,
        "FallbackUrl": CALLBACK,
        "FallbackMethod": METHOD,
        "StatusCallback": CALLBACK,
        "StatusCallbackMethod": METHOD,
        "StatusCallbackEvent": words(*CALL_EVENTS, many=True),
        "SendDigits": SEND_DIGITS,
        "Timeout": whole(1, 600),
        "TimeLimit": whole(1, 14_400),
        "Record": BOOL,
        **_RECORDING_CALLBACK,
        "MachineDetection": choice("Enable", "DetectMessageEnd"),
        "MachineDetectionTimeout": whole(3, 59),
        "MachineDetectionSpeechThreshold": whole(1_000, 6_000),
        "MachineDetectionSpeechEndThreshold": whole(500, 5_000),
        "MachineDetectionSilenceTimeout": whole(2_000, 10_000),
        "AsyncAmd": BOOL,
        "AsyncAmdStatusCallback": CALLBACK,
        "AsyncAmdStatusCallbackMethod": METHOD,
        "CallerId": PHONE,
        "CallReason": text(50),
        "CallToken": text(10_000),
        "Byoc": sid("BY"),
        "Passports": text(10_000),
        "SipAuthUsername": text(256),
        "SipAuthPassword": text(256),
        "ClientNotificationUrl": CALLBACK,
    },
    "GET calls": {
        "To": PHONE,
        "From": PHONE,
        "ParentCallSid": sid("CA"),
        "Status": choice(
            *("queued", "ringing", "in-progress", "completed"),
            *("busy", "failed", "no-answer", "canceled"),
        ),
        **_times("StartTime"),
        **_times("EndTime"),
        **PAGED,
    },
    "GET call": {},
    "POST call": {
        "Status": choice("canceled", "completed"),
        "Url": Rule("url", code=21205),
        "Twiml": text(4_000, code=21205),
        "Method": METHOD,
        "FallbackUrl": CALLBACK,
        "FallbackMethod": METHOD,
        "StatusCallback": CALLBACK,
        "StatusCallbackMethod": METHOD,
        "TimeLimit": whole(1, 14_400),
    },
    "POST recordings of a call": dict(_RECORDING_CALLBACK),
    "GET recordings of a call": {**_times("DateCreated"), **PAGED},
    "POST recording of a call": {
        "Status": choice("in-progress", "paused", "stopped"),
        "PauseBehavior": choice("skip", "silence"),
    },
    "GET recordings": {
        "CallSid": sid("CA"),
        "ConferenceSid": sid("CF"),
        "IncludeSoftDeleted": BOOL,
        **_times("DateCreated"),
        **PAGED,
    },
    "GET recording": {"IncludeSoftDeleted": BOOL},
    "DELETE recording": {},
    "GET media": {"RequestedChannels": whole(1, 2), "Download": BOOL},
}
