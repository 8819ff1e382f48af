"""What a call does when a rep and a lead are to meet: TwiML made by Twilio's own builder.

Connects, queues, records and asks; the words come from ``rules.wording``, whom to dial and when
from the desk. As in ``voice``, the same arguments always make the same document, because Twilio
may ask for it twice, and every length is brought within what Twilio takes.
"""

from twilio.twiml.voice_response import (  # type: ignore[import-untyped]  # no types
    Dial,
    VoiceResponse,
)

from service.phone.ringing import CYCLE_S
from service.phone.urls import with_retries
from service.phone.voice import DEFAULT_LANGUAGE, key_after, say_in, say_page

# Twilio lets a phone ring 5 s longer than it is told, and takes 5 to 600 s.
RING_BUFFER_S = 5
RING_MIN_S = 5
RING_MAX_S = 600
# The longest that Twilio lets a dialled leg last: 4 h.
TALK_MAX_S = 14_400
# Twilio listens for a machine's last word up to here (3 to 60 s). It listens beside the bridged
# call, so a long patience costs nobody silence, and a shorter one would miss long greetings.
DETECTION_S = 59
LEG_EVENTS = "initiated ringing answered completed"
RECORDING_EVENTS = "completed absent"
# Both sides, each on a channel of its own, and nothing of the ringing.
RECORD_BOTH = "record-from-answer-dual"
# A caller who stops speaking for so long has left their message.
SILENCE_S = 5
# Twilio transcribes no more than 120 s, and takes 1 s to 4 h of a message.
TRANSCRIBED_MAX_S = 120
MESSAGE_MAX_S = TALK_MAX_S
# Who is held until it is known who they are hears so much silence at a time.
HOLD_S = 1
# How long Twilio waits for keys: 1 s to what anybody would stay on the line for.
KEY_WAIT_MAX_S = 60
# A round of ringing is asked for again and again: one of an hour would be a mistake of ours.
RINGING_MAX_S = 600


def ring_timeout(ring_s: int) -> int:
    """What to tell Twilio so that a person hears ``ring_s`` seconds of ringing, in its bounds."""
    return min(max(ring_s - RING_BUFFER_S, RING_MIN_S), RING_MAX_S)


def whisper(spoken: str, key_url: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Say to a rep whom they would be connected with, and take one key; once more; then hang up.
    A voicemail that picked up presses none."""
    return say_page(spoken, key_url, language)


def menu(spoken: str, key_url: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Say what there is to choose from and take one key; once more; then hang up."""
    return say_page(spoken, key_url, language)


def ask_digit(spoken: str, key_url: str, wait_s: int, language: str = DEFAULT_LANGUAGE) -> str:
    """Ask once, take one key within ``wait_s`` seconds of the last word, and hang up."""
    response = VoiceResponse()
    response.append(key_after(spoken, key_url, min(max(wait_s, 1), KEY_WAIT_MAX_S), language))
    response.hangup()
    return str(response)


def dial_lead(
    number: str,
    caller_id: str,
    ring_s: int,
    done_url: str,
    leg_url: str,
    verdict_url: str,
    *,
    record: bool = False,
    leg_say_url: str | None = None,
    recording_url: str | None = None,
    spoken: str | None = None,
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """Dial the lead's ``number`` (E.164) from ours, ``caller_id``, and bridge who answers.

    The verdict of who that was comes beside the call: nobody waits for it in silence. ``spoken``:
    what the rep hears before it rings. ``leg_say_url``: what whoever answers is told before they
    are bridged. ``ring_s``: seconds of ringing that the rep hears at most.
    """
    response = VoiceResponse()
    say_in(response, spoken or "", language)
    dial = Dial(
        action=with_retries(done_url),
        method="POST",
        timeout=ring_timeout(ring_s),
        caller_id=caller_id,
        time_limit=TALK_MAX_S,
        **_recorded(record, recording_url),
    )
    dial.number(
        number,
        **({"url": with_retries(leg_say_url), "method": "POST"} if leg_say_url else {}),
        status_callback=with_retries(leg_url),
        status_callback_method="POST",
        status_callback_event=LEG_EVENTS,
        machine_detection="DetectMessageEnd",
        machine_detection_timeout=DETECTION_S,
        amd_status_callback=with_retries(verdict_url),
        amd_status_callback_method="POST",
    )
    response.append(dial)
    return str(response)


def announce(spoken: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Say it to one side; when the words end, the two sides are bridged."""
    response = VoiceResponse()
    say_in(response, spoken, language)
    return str(response)


def hold_on(spoken: str, again_url: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Say it to one side, wait a second, and ask ``again_url`` how it goes on."""
    response = VoiceResponse()
    say_in(response, spoken, language)
    response.pause(length=HOLD_S)
    response.redirect(with_retries(again_url), method="POST")
    return str(response)


def go_on() -> str:
    """Say nothing to one side: the two are bridged at once."""
    return str(VoiceResponse())


def enqueue(
    name: str,
    left_url: str,
    wait_url: str,
    say: str | None = None,
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """Let a caller wait in a queue of their own (``name``: at most 64 characters)."""
    response = VoiceResponse()
    say_in(response, say or "", language)
    response.enqueue(
        name,
        action=with_retries(left_url),
        method="POST",
        wait_url=with_retries(wait_url),
        wait_url_method="POST",
    )
    return str(response)


def ring_tone(play_url: str, seconds: int) -> str:
    """What a waiting caller hears for that long: ringing in whole rounds, and silence for what is
    left. Then Twilio asks again."""
    rounds, silence_s = divmod(min(max(seconds, 1), RINGING_MAX_S), CYCLE_S)
    response = VoiceResponse()
    if rounds:
        response.play(play_url, loop=rounds)
    if silence_s:
        response.pause(length=silence_s)
    return str(response)


def leave() -> str:
    """Take a waiting caller out of the queue; its ``left_url`` is asked how the call goes on."""
    response = VoiceResponse()
    response.leave()
    return str(response)


def connect_caller(
    queue_name: str,
    done_url: str,
    *,
    say_url: str | None = None,
    record: bool = False,
    recording_url: str | None = None,
    spoken: str | None = None,
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """Connect the rep with the caller who waits in that queue.

    A caller who has gone is not waited for longer than Twilio must be (10 s). ``say_url``: what
    the caller is told before they are bridged. ``spoken``: what the rep hears first.
    """
    response = VoiceResponse()
    say_in(response, spoken or "", language)
    dial = Dial(
        action=with_retries(done_url),
        method="POST",
        timeout=RING_MIN_S,
        time_limit=TALK_MAX_S,
        **_recorded(record, recording_url),
    )
    dial.queue(queue_name, **({"url": with_retries(say_url), "method": "POST"} if say_url else {}))
    response.append(dial)
    return str(response)


def take_message(
    spoken: str,
    recorded_url: str,
    recording_url: str,
    transcript_url: str | None,
    max_s: int,
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """Ask for a message and record it, for ``max_s`` seconds at most; then hang up.

    The hang-up is for who says nothing: then Twilio need not ask ``recorded_url``. With a
    ``transcript_url`` no more is recorded than Twilio puts in words.
    """
    longest_s = TRANSCRIBED_MAX_S if transcript_url else MESSAGE_MAX_S
    words = (
        {"transcribe": True, "transcribe_callback": with_retries(transcript_url)}
        if transcript_url
        else {}
    )
    response = VoiceResponse()
    say_in(response, spoken, language)
    response.record(
        action=with_retries(recorded_url),
        method="POST",
        timeout=SILENCE_S,
        max_length=min(max(max_s, 1), longest_s),
        play_beep=True,
        recording_status_callback=with_retries(recording_url),
        recording_status_callback_method="POST",
        recording_status_callback_event=RECORDING_EVENTS,
        **words,
    )
    response.hangup()
    return str(response)


def hang_up() -> str:
    """End the call without a word."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def _recorded(record: bool, recording_url: str | None) -> dict[str, object]:
    """How a <Dial> records; nothing where it does not, or nobody would learn of the recording."""
    if not record or recording_url is None:
        return {}
    return {
        "record": RECORD_BOTH,
        "recording_status_callback": with_retries(recording_url),
        "recording_status_callback_method": "POST",
        "recording_status_callback_event": RECORDING_EVENTS,
    }
