"""The names of all callback paths, in one place: the sender writes them, the web serves them.

Only ``/twilio/sms`` and ``/twilio/voice`` are configured at Twilio by an operator and so may never
change. The others travel with each request and live as long as the page does. This file must not
know what happens at a path.
"""

from urllib.parse import quote, urlsplit

from service.rules.lead import PageId

INBOUND_TEXT_PATH = "/twilio/sms"
INBOUND_CALL_PATH = "/twilio/voice"
TEXT_STATUS_PATH = "/twilio/texts/{page_id}/status"
CALL_STATUS_PATH = "/twilio/calls/{page_id}/status"
PAGE_TWIML_PATH = "/twilio/pages/{page_id}/say"
PAGE_KEY_PATH = "/twilio/pages/{page_id}/key"

# Twilio's own default is one retry, for a connection that failed, and none for a 5xx: a restart
# of ours would lose receipts. Three retries, also after a slow or broken answer, within the
# 15 s that Twilio allows at most. The fragment is neither sent to us nor signed.
# Source: Twilio, "Webhooks (HTTP callbacks): Connection Overrides".
RETRY_FRAGMENT = "#rc=3&rp=ct,rt,5xx&ct=2000&rt=4000&tt=15000"


def text_status_url(public_url: str, page_id: PageId) -> str:
    """Where receipts of a text page go. The id in it finds the page even when our own request's
    answer, and so Twilio's id, was lost."""
    return _join(public_url, TEXT_STATUS_PATH, page_id)


def call_status_url(public_url: str, page_id: PageId) -> str:
    """Where the progress of a call that pages goes."""
    return _join(public_url, CALL_STATUS_PATH, page_id)


def page_twiml_url(public_url: str, page_id: PageId) -> str:
    """Where Twilio asks what to say when the rep picks up."""
    return _join(public_url, PAGE_TWIML_PATH, page_id)


def page_key_url(public_url: str, page_id: PageId) -> str:
    """Where the key goes that the rep pressed."""
    return _join(public_url, PAGE_KEY_PATH, page_id)


def with_retries(url: str) -> str:
    """The URL with our retry wishes for Twilio; one that has wishes of its own keeps them.

    Whatever answers there must bear being asked twice.
    """
    return url if urlsplit(url).fragment else url + RETRY_FRAGMENT


def _join(public_url: str, path: str, page_id: PageId) -> str:
    return public_url.rstrip("/") + path.format(page_id=quote(page_id, safe=""))
