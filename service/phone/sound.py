"""Fetches the sound of a recording from Twilio, piece by piece, for whoever may hear it.

With the account's credentials, which therefore never leave this process: no rep is given a URL of
Twilio's. Bounded in bytes and in time; on a connection of its own, because it outlives the call
of the function and may be read by another thread.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import requests

from service.errors import LineError
from service.phone.line import NotFound, Sound, Unknown

# An hour of Twilio's MP3s is some 14 MB, and a call may last four.
BYTES_MAX = 64 * 1024 * 1024
PIECE_BYTES = 64 * 1024
# A rep's phone on a bad line takes its time; nobody listens to a download for longer than this.
WITHIN_S = 600.0
# Where an account keeps its recordings elsewhere, Twilio sends us there, and only once.
REDIRECTS_MAX = 3
_SID = re.compile(r"RE[0-9a-fA-F]{32}")
_RANGE = re.compile(r"bytes=([0-9]{1,12}-[0-9]{0,12}|-[0-9]{1,12})")
_CONTENT_RANGE = re.compile(r"bytes [0-9]{1,12}-[0-9]{1,12}/([0-9]{1,12}|\*)")
_MEDIA_TYPE = re.compile(r"audio/[a-z0-9.+-]{1,32}")


@dataclass(frozen=True, slots=True)
class SoundSource:
    """Where an account's recordings are. ``timeouts_s``: to connect, and between two pieces."""

    account_sid: str
    auth_token: str = field(repr=False)
    api_url: str
    timeouts_s: tuple[float, float]

    def fetch(self, sid: str, byte_range: str | None) -> Sound | NotFound | Unknown:
        """See ``Line.fetch_recording``. Raises what ``requests`` raises."""
        if not _SID.fullmatch(sid):
            return NotFound()
        session = requests.Session()
        # A proxy named in the machine's environment is for the way out, not for a stand-in.
        session.trust_env = self.api_url.startswith("https://")
        session.max_redirects = REDIRECTS_MAX
        try:
            response = self._ask(session, sid, byte_range)
        except BaseException:
            session.close()
            raise
        found = _seen(session, response)
        if not isinstance(found, Sound):
            response.close()
            session.close()
        return found

    def _ask(
        self, session: requests.Session, sid: str, byte_range: str | None
    ) -> requests.Response:
        headers = {"Accept-Encoding": "identity"}
        if byte_range is not None and _RANGE.fullmatch(byte_range):
            headers["Range"] = byte_range
        return session.get(
            f"{self.api_url}/2010-04-01/Accounts/{self.account_sid}/Recordings/{sid}.mp3",
            auth=(self.account_sid, self.auth_token),
            headers=headers,
            timeout=self.timeouts_s,
            stream=True,
        )


def _seen(session: requests.Session, response: requests.Response) -> Sound | NotFound | Unknown:
    if response.status_code in (404, 410):
        return NotFound()
    if response.status_code not in (200, 206):
        return Unknown("server_error" if response.status_code >= 500 else "refused")
    media_type = (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    written = response.headers.get("Content-Length") or ""
    length = int(written) if written.isascii() and written.isdigit() else None
    if not _MEDIA_TYPE.fullmatch(media_type) or (length is not None and length > BYTES_MAX):
        return Unknown("unreadable")
    part = response.headers.get("Content-Range") or ""
    partial = response.status_code == 206 and _CONTENT_RANGE.fullmatch(part)
    return Sound(media_type, length, part if partial else None, _pieces(session, response))


def _pieces(session: requests.Session, response: requests.Response) -> Iterator[bytes]:
    """Raises LineError when the sound breaks off, or does not end within its bounds."""
    taken, until = 0, time.monotonic() + WITHIN_S
    try:
        for piece in response.iter_content(PIECE_BYTES):
            taken += len(piece)
            if taken > BYTES_MAX or time.monotonic() > until:
                raise LineError("a recording is longer than it may be", retryable=False)
            yield piece
    except requests.RequestException as broken:
        raise LineError("a recording broke off", retryable=True) from broken
    finally:
        response.close()
        session.close()
