"""Machine detection: what the carrier concludes about who picked up, and when.

The verdict is fixed by the handset's settings the moment it answers; this file lets it come at its
time. A leg that ends before is `unknown`.
"""

import asyncio
from datetime import datetime, timedelta

from service.sandbox.ear import Ear
from service.sandbox.exchange import Exchange
from service.sandbox.records import Call, Detection, PhoneSettings
from service.sandbox.reports import Reports

HUMAN_S = 2.4  # a short hello and a silence, the usual time
MACHINE_S = 3.6  # speech beyond the usual threshold of 2.4 s, and a little
BEEP_S = 1.0


def verdict(how: PhoneSettings, by: str, asked: Detection) -> tuple[str, float] | None:
    """Who answered, and how many seconds after the answer that is known; None if never."""
    if by != "machine":
        said, after_s = "human", HUMAN_S
    elif asked.kind == "Enable":
        said, after_s = "machine_start", MACHINE_S
    elif how.beep:
        said, after_s = "machine_end_beep", how.greeting_s + BEEP_S
    else:
        said, after_s = "machine_end_silence", how.greeting_s + asked.speech_end_ms / 1000
    if how.detected_as == "never":
        return ("unknown", asked.timeout_s) if asked.waits else None
    if how.detected_after_s is not None:
        return how.detected_as or said, how.detected_after_s
    if after_s > asked.timeout_s:
        return "unknown", asked.timeout_s
    return how.detected_as or said, after_s


class Detector:
    """Listens beside calls, or before their documents."""

    def __init__(self, exchange: Exchange, reports: Reports) -> None:
        self._exchange = exchange
        self._reports = reports

    def listen(self, call: Call) -> None:
        """Called as the leg is answered; a verdict that nobody waits for comes by itself."""
        if call.detection and not call.detection.waits and (found := self._found(call)):
            self._exchange.errands.start(self._conclude(call, *found))

    async def wait(self, call: Call) -> None:
        """Hold the line until the verdict, if the call was placed so. Raises HungUp."""
        if call.detection and call.detection.waits and (found := self._found(call)):
            said, after_s = found
            await Ear(call).silence(self._exchange.real_s(after_s))
            call.answered_by = said

    def close(self, call: Call, at: datetime) -> None:
        """The leg ends at that real instant: what is not known by then stays unknown."""
        asked = call.detection
        if asked and call.started and not call.answered_by and self._found(call):
            call.answered_by = "unknown"
            self._reports.detection(call, call.seconds_between(call.started, at))

    def _found(self, call: Call) -> tuple[str, float] | None:
        assert call.detection is not None, "detection was asked for"
        how = self._exchange.phone(call.handset).settings
        return verdict(how, call.picked_up_by, call.detection)

    async def _conclude(self, call: Call, said: str, after_s: float) -> None:
        assert call.started is not None, "answered"
        due = call.started + timedelta(seconds=self._exchange.real_s(after_s))
        now = self._exchange.config.now()
        await asyncio.sleep(max(0.0, (due - now).total_seconds()))
        if not call.answered_by:
            call.answered_by = said
            self._reports.detection(call, after_s)
