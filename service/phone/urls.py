"""The names of all callback paths, in one place: the sender writes them, the web serves them.

Only ``/twilio/sms`` and ``/twilio/voice`` are configured at Twilio by an operator and so may never
change. The others travel with each request and live as long as the page or the call does. This
file must not know what happens at a path.
"""

from urllib.parse import quote, urlsplit

from service.rules.lead import CallId, PageId

INBOUND_TEXT_PATH = "/twilio/sms"
INBOUND_CALL_PATH = "/twilio/voice"
TEXT_STATUS_PATH = "/twilio/texts/{page_id}/status"
# Of every row of the outbox that is a call: one that pages, one that bridges, one that hunts.
CALL_STATUS_PATH = "/twilio/calls/{page_id}/status"
PAGE_TWIML_PATH = "/twilio/pages/{page_id}/say"
PAGE_KEY_PATH = "/twilio/pages/{page_id}/key"

# A rep is rung to be connected; `call_id` is our own name of the call, here and below.
BRIDGE_SAY_PATH = "/twilio/bridges/{call_id}/say"
BRIDGE_KEY_PATH = "/twilio/bridges/{call_id}/key"
# The lead's leg of that call.
DIAL_DONE_PATH = "/twilio/calls/{call_id}/done"
LEG_STATUS_PATH = "/twilio/legs/{call_id}/status"
LEG_VERDICT_PATH = "/twilio/legs/{call_id}/answered-by"
LEG_SAY_PATH = "/twilio/legs/{call_id}/say"
OUTCOME_KEY_PATH = "/twilio/calls/{call_id}/outcome"

# A caller who waits, and the reps who are rung for them.
WAIT_PATH = "/twilio/callers/{call_id}/wait"
LEFT_PATH = "/twilio/callers/{call_id}/left"
HUNT_SAY_PATH = "/twilio/callers/{call_id}/legs/{page_id}/say"
HUNT_KEY_PATH = "/twilio/callers/{call_id}/legs/{page_id}/key"
HUNT_DONE_PATH = "/twilio/callers/{call_id}/legs/{page_id}/done"
RINGING_PATH = "/twilio/ringing.wav"

# Voicemails and recordings.
RECORDED_PATH = "/twilio/callers/{call_id}/recorded"
RECORDING_PATH = "/twilio/recordings/{call_id}"
TRANSCRIPT_PATH = "/twilio/recordings/{call_id}/transcript"

# A rep who called us; no call of ours has a name yet, so Twilio's names it.
THROUGH_KEY_PATH = "/twilio/through/{call_sid}/key"

# Twilio's own default is one retry, for a connection that failed, and none for a 5xx: a restart
# of ours would lose receipts. Three retries, also after a slow or broken answer, within the
# 15 s that Twilio allows at most. The fragment is neither sent to us nor signed.
# Source: Twilio, "Webhooks (HTTP callbacks): Connection Overrides".
RETRY_FRAGMENT = "#rc=3&rp=ct,rt,5xx&ct=2000&rt=4000&tt=15000"


def text_status_url(public_url: str, page_id: PageId) -> str:
    """Where receipts of a text page go. The id in it finds the page even when our own request's
    answer, and so Twilio's id, was lost."""
    return _join(public_url, TEXT_STATUS_PATH, page_id=page_id)


def call_status_url(public_url: str, page_id: PageId) -> str:
    """Where the progress of a call to a rep goes, whatever the call is for."""
    return _join(public_url, CALL_STATUS_PATH, page_id=page_id)


def page_twiml_url(public_url: str, page_id: PageId) -> str:
    """Where Twilio asks what to say when the rep picks up."""
    return _join(public_url, PAGE_TWIML_PATH, page_id=page_id)


def page_key_url(public_url: str, page_id: PageId) -> str:
    """Where the key goes that the rep pressed."""
    return _join(public_url, PAGE_KEY_PATH, page_id=page_id)


def bridge_say_url(public_url: str, call_id: CallId) -> str:
    """Where Twilio asks what to whisper to the rep who was rung to be connected."""
    return _join(public_url, BRIDGE_SAY_PATH, call_id=call_id)


def bridge_key_url(public_url: str, call_id: CallId) -> str:
    """Where the key goes that the rep pressed in the whisper; the answer dials the lead."""
    return _join(public_url, BRIDGE_KEY_PATH, call_id=call_id)


def dial_done_url(public_url: str, call_id: CallId) -> str:
    """Where Twilio asks how the rep's call goes on when the lead's leg has ended."""
    return _join(public_url, DIAL_DONE_PATH, call_id=call_id)


def leg_status_url(public_url: str, call_id: CallId) -> str:
    """Where the progress of the lead's leg goes."""
    return _join(public_url, LEG_STATUS_PATH, call_id=call_id)


def leg_verdict_url(public_url: str, call_id: CallId) -> str:
    """Where the verdict goes: a human or a machine."""
    return _join(public_url, LEG_VERDICT_PATH, call_id=call_id)


def leg_say_url(public_url: str, call_id: CallId) -> str:
    """Where Twilio asks what to tell the lead before they hear the rep."""
    return _join(public_url, LEG_SAY_PATH, call_id=call_id)


def outcome_key_url(public_url: str, call_id: CallId) -> str:
    """Where the digit goes by which the rep says how the call went."""
    return _join(public_url, OUTCOME_KEY_PATH, call_id=call_id)


def wait_url(public_url: str, call_id: CallId) -> str:
    """Where Twilio asks, again and again, what a waiting caller hears."""
    return _join(public_url, WAIT_PATH, call_id=call_id)


def left_url(public_url: str, call_id: CallId) -> str:
    """Where Twilio asks how a caller's call goes on who is no longer in the queue."""
    return _join(public_url, LEFT_PATH, call_id=call_id)


def hunt_say_url(public_url: str, call_id: CallId, page_id: PageId) -> str:
    """Where Twilio asks what to whisper to a rep who was rung for a waiting caller."""
    return _join(public_url, HUNT_SAY_PATH, call_id=call_id, page_id=page_id)


def hunt_key_url(public_url: str, call_id: CallId, page_id: PageId) -> str:
    """Where that rep's key goes; the answer connects the caller."""
    return _join(public_url, HUNT_KEY_PATH, call_id=call_id, page_id=page_id)


def hunt_done_url(public_url: str, call_id: CallId, page_id: PageId) -> str:
    """Where Twilio asks how that rep's call goes on when the caller is gone."""
    return _join(public_url, HUNT_DONE_PATH, call_id=call_id, page_id=page_id)


def ringing_url(public_url: str) -> str:
    """Where Twilio fetches the sound of ringing; see ``ringing``."""
    return _join(public_url, RINGING_PATH)


def recorded_url(public_url: str, call_id: CallId) -> str:
    """Where Twilio asks how a call goes on whose caller has left a message."""
    return _join(public_url, RECORDED_PATH, call_id=call_id)


def recording_url(public_url: str, call_id: CallId) -> str:
    """Where Twilio tells that a recording is ready, or will never be."""
    return _join(public_url, RECORDING_PATH, call_id=call_id)


def transcript_url(public_url: str, call_id: CallId) -> str:
    """Where the words of a message go, minutes later."""
    return _join(public_url, TRANSCRIPT_PATH, call_id=call_id)


def through_key_url(public_url: str, call_sid: str) -> str:
    """Where the key goes of a rep who called one of our numbers."""
    return _join(public_url, THROUGH_KEY_PATH, call_sid=call_sid)


def with_retries(url: str) -> str:
    """The URL with our retry wishes for Twilio; one that has wishes of its own keeps them.

    Whatever answers there must bear being asked twice.
    """
    return url if urlsplit(url).fragment else url + RETRY_FRAGMENT


def _join(public_url: str, path: str, **ids: str) -> str:
    quoted = {name: quote(each, safe="") for name, each in ids.items()}
    return public_url.rstrip("/") + path.format(**quoted)
