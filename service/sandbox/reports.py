"""What our product is told of a call: the parameters of each request, and its status callbacks.

Tells; changes nothing about the call but the number of its next report.
"""

from datetime import datetime
from email.utils import format_datetime

from service.sandbox.courier import Courier, Telling
from service.sandbox.exchange import Exchange
from service.sandbox.faults import CallbackKind
from service.sandbox.records import Call

SIP_CODES = {"busy": "486", "no-answer": "487", "canceled": "487", "failed": "404"}

BLANK_GEO = {
    f"{end}{part}": ""
    for end in ("Caller", "Called", "From", "To")
    for part in ("City", "State", "Zip", "Country")
}


class Reports:
    """Every callback about calls goes out here."""

    def __init__(self, exchange: Exchange, courier: Courier) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._courier = courier

    def params(self, call: Call) -> dict[str, str]:
        """The usual parameters of a voice request, as the call stands."""
        params = {
            **BLANK_GEO,
            "AccountSid": self._config.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": call.sid,
            "CallStatus": call.status,
            "Called": call.to,
            "Caller": call.caller,
            "Direction": call.direction,
            "From": call.caller,
            "To": call.to,
        }
        if call.parent_sid:
            params["ParentCallSid"] = call.parent_sid
        if call.answered_by and call.detection and call.detection.waits:
            params["AnsweredBy"] = call.answered_by
        return params

    def step(self, call: Call, event: str, at: datetime) -> None:
        """The status callback of one step, if it was asked for; numbered in order of firing."""
        if not call.status_callback or event not in call.status_events:
            return
        params = {
            **self.params(call),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.sequence),
            "Timestamp": format_datetime(call.told_at(at)),
        }
        if call.over:
            params["CallDuration"] = str(call.duration_s())
            params["Duration"] = str(-(-call.duration_s() // 60))
            if call.status in SIP_CODES:
                params["SipResponseCode"] = SIP_CODES[call.status]
            if call.answered_by:
                params["AnsweredBy"] = call.answered_by
            params |= self._recording(call)
        call.sequence += 1
        kind: CallbackKind = "leg" if call.parent_sid else "call"
        self._courier.call_back(
            Telling(
                call.status_callback,
                params,
                call.sid,
                call.to,
                kind,
                call.status,
                call.status_method,
            )
        )

    def _recording(self, call: Call) -> dict[str, str]:
        made = [r for r in call.recordings if r.order.source == "OutboundAPI"]
        if not made:
            return {}
        last = made[-1]
        return {
            "RecordingSid": last.sid,
            "RecordingUrl": self.recording_url(last.sid),
            "RecordingDuration": str(last.duration_s),
        }

    def recording_url(self, sid: str) -> str:
        """Where the recording is kept, without a file type."""
        account = self._config.account_sid
        return f"{self._exchange.own_url}/2010-04-01/Accounts/{account}/Recordings/{sid}"

    def detection(self, call: Call, seconds: float) -> None:
        """The verdict on who answered, `seconds` of the carrier after the answer."""
        asked = call.detection
        if asked is None or not asked.callback or asked.waits:
            return
        params = {
            "AccountSid": self._config.account_sid,
            "CallSid": call.sid,
            "AnsweredBy": call.answered_by,
            "MachineDetectionDuration": str(round(seconds * 1000)),
        }
        told = Telling(
            asked.callback, params, call.sid, call.to, "detection", call.answered_by, asked.method
        )
        self._courier.call_back(told)
