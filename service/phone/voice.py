"""What is said on a call: TwiML documents, made by Twilio's own builder.

The words come from ``rules.wording``; this file only puts them where Twilio says them and takes
a key. A document for the same page is always the same, because Twilio may ask for it twice.
"""

from twilio.twiml.messaging_response import (  # type: ignore[import-untyped]  # no types
    MessagingResponse,
)
from twilio.twiml.voice_response import (  # type: ignore[import-untyped]  # no types
    Gather,
    VoiceResponse,
)

from service.phone.urls import with_retries

# How long a rep may think after the words end. A voicemail that "picked up" waits it out twice.
KEY_WAIT_S = 6
# Said once more for the ear that came late to the handset, then we hang up: it may be a voicemail.
SAYINGS = 2
# Twilio refuses a <Say> of more than 4096 characters; a page that long is a mistake of ours, but
# the rep should still hear its beginning.
SPOKEN_LENGTH_MAX = 4096
# A lead chose part of the words. XML 1.0 cannot hold these characters, not even escaped.
_UNSAYABLE = dict.fromkeys([*range(0x20), 0x7F, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], " ")

DEFAULT_LANGUAGE = "en-US"


def say_page(spoken: str, key_url: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Say a page and take one key, also while speaking; once more; then hang up."""
    response = VoiceResponse()
    for _ in range(SAYINGS):
        response.append(key_after(spoken, key_url, KEY_WAIT_S, language))
    response.hangup()
    return str(response)


def key_after(spoken: str, key_url: str, wait_s: int, language: str) -> Gather:
    """Words, and one key: during them, or up to ``wait_s`` after. No key: the next verb's turn."""
    gather = Gather(
        input="dtmf",
        num_digits=1,
        timeout=wait_s,
        action=with_retries(key_url),
        method="POST",
    )
    say_in(gather, spoken, language)
    return gather


def say_in(verb: VoiceResponse | Gather, spoken: str, language: str) -> None:
    """Add the words; nothing if nothing of them can be said, for an empty <Say> is refused."""
    if sayable(spoken).strip():
        verb.say(sayable(spoken), language=language)


def after_key(spoken: str, language: str = DEFAULT_LANGUAGE) -> str:
    """What the rep hears once their key was taken: who has the lead now. Then we hang up."""
    return say_and_hang_up(spoken, language)


def say_and_hang_up(spoken: str, language: str = DEFAULT_LANGUAGE) -> str:
    response = VoiceResponse()
    say_in(response, spoken, language)
    response.hangup()
    return str(response)


def empty() -> str:
    """Nothing to say on a call: the call ends, or goes on as it was."""
    return str(VoiceResponse())


def empty_messaging() -> str:
    """No reply to a text. Ours go out as requests of our own: a replayed webhook sends none."""
    return str(MessagingResponse())


def sayable(spoken: str) -> str:
    """The words without what no document can hold, as many as Twilio says."""
    return spoken.translate(_UNSAYABLE)[:SPOKEN_LENGTH_MAX]
