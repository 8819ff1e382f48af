"""Recordings: when one runs, who is told of it, what it contains, and what was said in words.

Keeps no sound: the media is a short tone, whatever was recorded. The order of a recording says
who asked for it.
"""

import asyncio
import math
import struct
from datetime import datetime
from email.utils import format_datetime

from service.sandbox.courier import Courier, Telling
from service.sandbox.exchange import Exchange
from service.sandbox.records import Call, Recording, RecordingOrder, new_sid
from service.sandbox.reports import Reports

TONE_HZ, RATE_HZ, TONE_S = 440, 8_000, 0.25
TRANSCRIBED_S = (2, 120)  # shorter and longer ones fail, as documented
TRANSCRIPTION_AFTER_S = 5.0  # of the carrier; in truth minutes


def tone() -> bytes:
    """A valid WAV file, a quarter of a second long: 8 kHz, 8 bits, one channel."""
    count = int(RATE_HZ * TONE_S)
    wave = bytes(
        128 + int(60 * math.sin(2 * math.pi * TONE_HZ * n / RATE_HZ)) for n in range(count)
    )
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, RATE_HZ, 1, 8)
    data = struct.pack("<4sI", b"data", count) + wave
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data


class Recorder:
    """The recordings of the one account."""

    def __init__(self, exchange: Exchange, courier: Courier, reports: Reports) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._courier = courier
        self._reports = reports

    def start(self, call: Call, order: RecordingOrder, at: datetime) -> Recording:
        """Record from that real instant on. It belongs to this call; the call's end ends it."""
        made = Recording(new_sid("RE"), call.sid, order, "in-progress", self._config.now(), at)
        call.recordings.append(made)
        self._exchange.keep_recording(made)
        self._tell(call, made)
        return made

    def stop(
        self, call: Call, recording: Recording, at: datetime, seconds: float | None = None
    ) -> None:
        """End it, once. `seconds` (the carrier's) if not all of it counts; 0: nothing was said."""
        if recording.status != "in-progress":
            return
        if seconds is None:
            seconds = call.seconds_between(recording.started, at)
        recording.ended = at
        recording.duration_s = max(1, round(seconds)) if seconds else 0
        recording.status = "completed" if seconds else "absent"
        self._tell(call, recording)

    def stop_all(self, call: Call, at: datetime) -> None:
        for recording in call.recordings:
            self.stop(call, recording, at)

    def facts(self, recording: Recording) -> dict[str, str]:
        """What the request that follows a recording says of it."""
        return {
            "RecordingSid": recording.sid,
            "RecordingUrl": self._reports.recording_url(recording.sid),
            "RecordingDuration": str(recording.duration_s),
        }

    def transcribe(self, call: Call, recording: Recording, url: str) -> None:
        """What was said, in words, some time later."""
        if recording.status == "completed":
            self._exchange.errands.start(self._transcribe(call, recording, url))

    async def _transcribe(self, call: Call, recording: Recording, url: str) -> None:
        await asyncio.sleep(self._exchange.real_s(TRANSCRIPTION_AFTER_S))
        shortest, longest = TRANSCRIBED_S
        status = "completed" if shortest < recording.duration_s < longest else "failed"
        said = self._exchange.phone(call.handset).settings.message_text
        sid, url_of = new_sid("TR"), self._reports.recording_url(recording.sid)
        params = {
            **self._reports.params(call),
            "TranscriptionSid": sid,
            "TranscriptionText": said if status == "completed" else "",
            "TranscriptionStatus": status,
            "TranscriptionType": "fast",
            "TranscriptionUrl": f"{url_of}/Transcriptions/{sid}",
            "RecordingSid": recording.sid,
            "RecordingUrl": url_of,
        }
        self._courier.call_back(
            Telling(url, params, recording.sid, call.handset, "transcription", status)
        )

    def _tell(self, call: Call, recording: Recording) -> None:
        order = recording.order
        if not order.callback or recording.status not in order.events:
            return
        params = {
            "AccountSid": self._config.account_sid,
            "CallSid": call.sid,
            "RecordingSid": recording.sid,
            "RecordingUrl": self._reports.recording_url(recording.sid),
            "RecordingStatus": recording.status,
            "RecordingChannels": str(order.channels),
            "RecordingSource": order.source,
            "RecordingStartTime": format_datetime(call.told_at(recording.started)),
            "RecordingTrack": order.track,
        }
        if recording.status != "in-progress":
            params["RecordingDuration"] = str(recording.duration_s)
        self._courier.call_back(
            Telling(
                order.callback,
                params,
                recording.sid,
                call.handset,
                "recording",
                recording.status,
                order.method,
            )
        )
