"""The verbs that one call walks alone: Say, Play, Pause, Gather, Redirect, Hangup, Reject, Leave.

Their attributes have passed the grammar before they come here.
"""

from xml.etree.ElementTree import Element

from service.sandbox.ear import Ear
from service.sandbox.records import Call
from service.sandbox.signals import Fetch
from service.sandbox.walker import Document, Outcome, Stop, Verb, Walker

LOOP_MAX = 5  # <Say loop="0"> means for ever; nobody listens that long here


class LeftQueue(Exception):
    """The document that a queue plays says <Leave>."""


def number(verb: Element, name: str, default: int) -> int:
    """A whole number of the grammar; `auto` and nothing leave the default."""
    raw = verb.get(name, "")
    return int(raw) if raw.isdigit() else default


def _perform(walker: Walker, call: Call, verb: Element) -> float:
    """Start Say, Play or Pause; returns how long one of it lasts, in real seconds."""
    if verb.tag == "Say":
        return walker.say(call, " ".join("".join(verb.itertext()).split()))
    if verb.tag == "Play":
        what = (verb.text or "").strip() or f"keys {verb.get('digits', '')}"
        return walker.say(call, f"[plays {what}]")
    return walker.exchange.real_s(number(verb, "length", 1))


async def _speak(walker: Walker, call: Call, verb: Element, __: Document) -> Outcome:
    times = number(verb, "loop", 1) or LOOP_MAX
    for _ in range(min(times, LOOP_MAX)):
        await Ear(call).silence(_perform(walker, call, verb))
    return None


async def _gather(walker: Walker, call: Call, verb: Element, document: Document) -> Outcome:
    timeout = walker.exchange.real_s(number(verb, "timeout", 5))
    wanted = number(verb, "numDigits", 0)
    finish = verb.get("finishOnKey", "#")
    call.gathering = True
    walker.exchange.publish_call(
        call, "call_gather", detail={"digits": wanted or None, "finish_on_key": finish}
    )
    walker.handsets.asked_for_keys(call)
    try:
        first = await _during_prompts(walker, call, verb)
        digits, finished = await _collect(call, first, wanted, finish, timeout)
    finally:
        call.gathering = False
    if not digits and not finished and verb.get("actionOnEmptyResult", "false") != "true":
        return None
    extra = {
        "Digits": digits,
        "FinishedOnKey": finish if finished else "",
        "msg": "Gather End",
    }
    action = document.resolve(verb.get("action", ""))
    return Fetch(action, verb.get("method", "POST"), extra, "gather")


async def _during_prompts(walker: Walker, call: Call, verb: Element) -> str | None:
    """Speak what is nested; the first key ends the speech and is returned."""
    for prompt in verb:
        key = await Ear(call).key_within(_perform(walker, call, prompt))
        if key is not None:
            return key
    return None


async def _collect(
    call: Call, first: str | None, wanted: int, finish: str, timeout: float
) -> tuple[str, bool]:
    """Digits until there are enough, the finishing key, or silence; and whether it finished so."""
    digits = ""
    key = first if first is not None else await Ear(call).key_within(timeout)
    while key is not None:
        if key in finish:
            return digits, True
        digits += key
        if wanted and len(digits) >= wanted:
            return digits, False
        key = await Ear(call).key_within(timeout)
    return digits, False


async def _redirect(_: Walker, __: Call, verb: Element, document: Document) -> Outcome:
    url = document.resolve((verb.text or "").strip())
    return Fetch(url, verb.get("method", "POST"), kind="redirect")


async def _hang_up(_: Walker, __: Call, ___: Element, ____: Document) -> Outcome:
    return Stop()


async def _leave(_: Walker, __: Call, ___: Element, ____: Document) -> Outcome:
    raise LeftQueue


async def _reject(_: Walker, call: Call, verb: Element, __: Document) -> Outcome:
    if call.started is not None:
        return Stop()  # too late to reject: it only ends the call
    return Stop("busy" if verb.get("reason") == "busy" else "no-answer")


SPOKEN: dict[str, Verb] = {
    "Say": _speak,
    "Play": _speak,
    "Pause": _speak,
    "Gather": _gather,
    "Redirect": _redirect,
    "Hangup": _hang_up,
    "Leave": _leave,
    "Reject": _reject,
}
