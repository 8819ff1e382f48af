"""The carrier's public API for calls and recordings.

Reads requests, checks numbers, and hands the work to Calls and the recorder; what a parameter may
be has been checked against the grammar by the gate.
"""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from service.sandbox.answers import API_VERSION, ApiRefusal, call_body, recording_body
from service.sandbox.asked import callback_url, first_step, page_of
from service.sandbox.calls import Calls
from service.sandbox.exchange import Exchange
from service.sandbox.gate import Form, Gate, one, whole
from service.sandbox.numbers import call_error
from service.sandbox.recorder import tone
from service.sandbox.records import Call, Detection, Recording, RecordingOrder, new_sid
from service.sandbox.signals import Fetch

RING_S_MAX = 600
CALL_S_MAX = 14_400
CURRENT = "Twilio.CURRENT"  # the newest recording of a call, by this name
MEDIA_TYPES = {"": "audio/x-wav", "wav": "audio/x-wav", "mp3": "audio/mpeg"}

CALLS_BY: dict[str, Callable[[Call], str]] = {
    "To": lambda call: call.to,
    "From": lambda call: call.caller,
    "Status": lambda call: "queued" if call.status == "initiated" else call.status,
    "ParentCallSid": lambda call: call.parent_sid,
}
RECORDINGS_BY: dict[str, Callable[[Recording], str]] = {"CallSid": lambda made: made.call_sid}


class CallApi:
    """The calls and recordings of the one account."""

    def __init__(self, exchange: Exchange, gate: Gate, calls: Calls) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._serve = gate.serve
        self._calls = calls
        self.router = APIRouter(prefix=f"/{API_VERSION}/Accounts/{{account}}")
        self._add_routes()

    def _add_routes(self) -> None:
        add = self.router.add_api_route
        add("/Calls.json", self.create_call, methods=["POST"])
        add("/Calls.json", self.list_calls, methods=["GET"])
        add("/Calls/{sid}.json", self.one_call, methods=["GET", "POST"])
        add("/Calls/{sid}/Recordings.json", self.recordings_of_call, methods=["GET", "POST"])
        add("/Calls/{sid}/Recordings/{made}.json", self.stop_recording, methods=["POST"])
        add("/Recordings.json", self.list_recordings, methods=["GET"])
        add("/Recordings/{sid}.json", self.one_recording, methods=["GET", "DELETE"])
        add("/Recordings/{name}", self.media, methods=["GET"])

    # -- calls

    async def create_call(self, request: Request) -> Response:
        return await self._serve(request, "calls", "calls", self._create_call)

    def _create_call(self, form: Form) -> Response:
        to, from_ = one(form, "To"), one(form, "From")
        if not to:
            raise ApiRefusal(21201)
        if error := call_error(from_, to, self._config.team_numbers):
            raise ApiRefusal(error)
        fallback = callback_url(form, "FallbackUrl")
        call = Call(
            sid=new_sid("CA"),
            from_=from_,
            to=to,
            direction="outbound-api",
            status="queued",
            created=self._config.now(),
            first=first_step(form),
            scale=self._config.seconds_scale,
            fallback=Fetch(fallback, one(form, "FallbackMethod", "POST")) if fallback else None,
            status_callback=callback_url(form, "StatusCallback"),
            status_method=one(form, "StatusCallbackMethod", "POST"),
            status_events=_words(form, "StatusCallbackEvent"),
            ring_s=float(whole(form, "Timeout", 60, RING_S_MAX)),
            limit_s=float(whole(form, "TimeLimit", CALL_S_MAX, CALL_S_MAX)),
            detection=_detection(form),
            record=_recording(form, "OutboundAPI") if one(form, "Record") == "true" else None,
        )
        self._calls.place(call)
        body = call_body(self._config.account_sid, call)
        return JSONResponse(body, 201, {"X-Sandbox-Sid": call.sid})

    def _call(self, sid: str) -> Call:
        call = self._exchange.calls.get(sid)
        if call is None:
            raise ApiRefusal(20404)
        return call

    async def one_call(self, request: Request) -> Response:
        sid = request.path_params["sid"]

        def act(form: Form) -> Response:
            call = self._call(sid)
            if request.method == "POST":
                self._update_call(call, form)
            return JSONResponse(call_body(self._config.account_sid, call))

        return await self._serve(request, "lookups", "calls", act, "call")

    def _update_call(self, call: Call, form: Form) -> None:
        status = one(form, "Status")
        if call.over:
            raise ApiRefusal(21220)
        if "StatusCallback" in form:
            call.status_callback = callback_url(form, "StatusCallback")
            call.status_method = one(form, "StatusCallbackMethod", "POST")
        if "TimeLimit" in form:
            call.limit_s = float(whole(form, "TimeLimit", CALL_S_MAX, CALL_S_MAX))
            self._calls.limit(call)
        if status == "completed" or (status == "canceled" and call.started is None):
            self._calls.legs.hang_up(call, status)
        asks_redirect = not status and ("Url" in form or "Twiml" in form)
        if asks_redirect and not self._calls.legs.redirect(call, first_step(form)):
            raise ApiRefusal(21220)

    async def list_calls(self, request: Request) -> Response:
        def shape(row: Call) -> dict[str, object]:
            return call_body(self._config.account_sid, row)

        def act(_: Form) -> Response:
            rows = list(self._exchange.calls.values())
            return page_of(request, "calls", rows, shape, CALLS_BY)

        return await self._serve(request, "lookups", "calls", act)

    # -- recordings

    def _shape(self, made: Recording) -> dict[str, object]:
        call = self._exchange.calls.get(made.call_sid)
        return recording_body(self._config.account_sid, made, call, self._exchange.own_url)

    def _recording(self, sid: str) -> Recording:
        made = self._exchange.recordings.get(sid)
        if made is None:
            raise ApiRefusal(20404)
        return made

    async def recordings_of_call(self, request: Request) -> Response:
        sid = request.path_params["sid"]

        def act(form: Form) -> Response:
            call = self._call(sid)
            if request.method == "POST":
                if call.status != "in-progress":
                    raise ApiRefusal(21220)
                order = _recording(form, "StartCallRecordingAPI")
                made = self._calls.recorder.start(call, order, self._config.now())
                return JSONResponse(self._shape(made), 201)
            rows = [m for m in self._exchange.recordings.values() if m.call_sid == sid]
            return page_of(request, "recordings", rows, self._shape, {})

        return await self._serve(request, "lookups", "recordings", act, "recordings of a call")

    async def stop_recording(self, request: Request) -> Response:
        sid, name = request.path_params["sid"], request.path_params["made"]

        def act(form: Form) -> Response:
            call = self._call(sid)
            live = [m for m in call.recordings if m.status == "in-progress"]
            made = live[-1] if name == CURRENT and live else self._recording(name)
            if one(form, "Status") != "stopped" or made not in live:
                raise ApiRefusal(21220, why="Only a recording under way can be stopped.")
            self._calls.recorder.stop(call, made, self._config.now())
            return JSONResponse(self._shape(made))

        return await self._serve(request, "lookups", "recordings", act, "recording of a call")

    async def list_recordings(self, request: Request) -> Response:
        def act(_: Form) -> Response:
            rows = list(self._exchange.recordings.values())
            return page_of(request, "recordings", rows, self._shape, RECORDINGS_BY)

        return await self._serve(request, "lookups", "recordings", act)

    async def one_recording(self, request: Request) -> Response:
        sid = request.path_params["sid"]

        def act(_: Form) -> Response:
            made = self._recording(sid)
            if request.method == "DELETE":
                del self._exchange.recordings[sid]
                return Response(status_code=204)
            return JSONResponse(self._shape(made))

        return await self._serve(request, "lookups", "recordings", act, "recording")

    async def media(self, request: Request) -> Response:
        """The sound, for who has the credentials; none of a recording still under way."""
        sid, _, ending = request.path_params["name"].partition(".")

        def act(_: Form) -> Response:
            if self._recording(sid).status != "completed" or ending not in MEDIA_TYPES:
                raise ApiRefusal(20404)
            return Response(tone(), media_type=MEDIA_TYPES[ending])

        return await self._serve(request, "lookups", "media", act)


def _words(form: Form, name: str) -> frozenset[str]:
    """Repeated values and values in one string alike; `completed` if there are none."""
    given = frozenset(word for value in form.get(name, []) for word in value.split())
    return given or frozenset({"completed"})


def _detection(form: Form) -> Detection | None:
    """None without MachineDetection, and beside SendDigits, which makes the carrier ignore it."""
    kind = one(form, "MachineDetection")
    if not kind or one(form, "SendDigits"):
        return None
    return Detection(
        kind,
        float(whole(form, "MachineDetectionTimeout", 30, 59)),
        whole(form, "MachineDetectionSpeechEndThreshold", 1_200, 5_000),
        callback_url(form, "AsyncAmdStatusCallback"),
        one(form, "AsyncAmdStatusCallbackMethod", "POST"),
        waits=one(form, "AsyncAmd") != "true",
    )


def _recording(form: Form, source: str) -> RecordingOrder:
    return RecordingOrder(
        source,
        2 if one(form, "RecordingChannels") == "dual" else 1,
        one(form, "RecordingTrack", "both"),
        callback_url(form, "RecordingStatusCallback"),
        one(form, "RecordingStatusCallbackMethod", "POST"),
        _words(form, "RecordingStatusCallbackEvent"),
    )
