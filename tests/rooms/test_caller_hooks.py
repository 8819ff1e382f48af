"""Callers at the front door: what is signed is heard, and a message is played to who has the lead.

One caller's whole call goes through the addresses that Twilio posts to; what each of them means is
tried out in the desk's own tests.
"""

from __future__ import annotations

import shutil
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.desk.attend import attend
from service.desk.links import Links
from service.ledger.calls import CallRow, call_by_sid
from service.phone import urls
from service.rules.lead import CallId, LeadId, PageId
from tests.rooms.conftest import NewDatabase
from tests.rooms.sandbox_world import free_port, serving
from tests.rooms.web_world import (
    ANN,
    MAIN_LINE,
    PUBLIC_URL,
    TEAM,
    Door,
    a_queue,
    front_door,
    refused,
    settings,
)

CALLER, SOUND = "+17185550142", b"ID3" + bytes(range(200))
RECORDING = "RE" + "ab" * 16


class Archive:
    """Where the carrier keeps recordings, for whoever knows the account's secret."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.secret = ""
        self.there = True

    async def recording(self, request: Request) -> Response:
        if request.headers.get("authorization") != self.secret:
            return Response(status_code=401)
        if not self.there:
            return Response(status_code=404)
        wish = request.headers.get("range")
        self.asked.append(wish)
        if wish == "bytes=0-9":
            part = {"Content-Range": f"bytes 0-9/{len(SOUND)}"}
            return Response(SOUND[:10], 206, part, media_type="audio/mpeg")
        return Response(SOUND, media_type="audio/mpeg")


@pytest.fixture(scope="module")
def archive() -> Archive:
    return Archive()


@pytest.fixture(scope="module")
def door(new_database: NewDatabase, archive: Archive) -> Iterator[Door]:
    home, port = Path(tempfile.mkdtemp(prefix="speedtolead-callers-")), free_port()
    route = Route("/2010-04-01/Accounts/{account}/Recordings/{sid}.mp3", archive.recording)
    try:
        with a_queue(home) as redis_url, serving(Starlette(routes=[route]), port):
            carrier = f"http://127.0.0.1:{port}"
            made = settings(home, new_database(), redis_url, sandbox_url=carrier)
            with front_door(made, TEAM) as opened:
                account = opened.house.account
                plain = f"{account.sid}:{account.auth_tokens[0]}"
                archive.secret = f"Basic {b64encode(plain.encode()).decode()}"
                yield opened
    finally:
        shutil.rmtree(home, ignore_errors=True)


def row_of(door: Door, sid: str) -> CallRow:
    with door.house.ledger.snapshot() as conn:
        row = call_by_sid(conn, sid)
    assert row is not None
    return row


def path_of(url: str) -> str:
    return urlsplit(url).path


def verbs(document: str) -> list[str]:
    return [verb.tag for verb in ElementTree.fromstring(document)]


def calls(door: Door, sid: str, from_: str = CALLER) -> str:
    fields = {"CallSid": sid, "From": from_, "To": MAIN_LINE, "CallStatus": "ringing"}
    return door.twilio("/twilio/voice", fields).text


def leg_of(door: Door, lead: LeadId, rep: str) -> PageId:
    """The message that rings this rep for the caller."""
    attend(door.house.desk, lead)
    sql = "select id from outbox where lead_id = :lead and rep_id = :rep and kind = 'hunt_call'"
    return PageId(door.scalar(sql, lead=lead, rep=rep))


def leaves_a_message(door: Door, sid: str) -> CallRow:
    """A caller whom nobody takes, and who speaks after the tone."""
    calls(door, sid, "+17185550155")
    row = row_of(door, sid)
    left = {"CallSid": sid, "QueueResult": "leave", "QueueTime": "40"}
    document = door.twilio(path_of(urls.left_url("", row.id)), left).text
    assert verbs(document) == ["Say", "Record", "Hangup"]
    assert PUBLIC_URL in document
    spoken = {"CallSid": sid, "RecordingDuration": "9", "Digits": "hangup"}
    assert door.twilio(path_of(urls.recorded_url("", row.id)), spoken).status_code == 200
    return row


def is_recorded(door: Door, row: CallRow, sid: str = RECORDING) -> None:
    told = {
        "CallSid": row.lead_sid or "",
        "RecordingSid": sid,
        "RecordingStatus": "completed",
        "RecordingDuration": "9",
        "RecordingSource": "RecordVerb",
    }
    path = path_of(urls.recording_url("", row.id))
    assert [door.twilio(path, told).status_code for _ in range(2)] == [204, 204]


def link_of(door: Door, lead: LeadId, rep: str) -> str:
    """The token of the link in this rep's text about the lead."""
    attend(door.house.desk, lead)
    sql = """select id from outbox where lead_id = :lead and rep_id = :rep
             and kind in ('page_text', 'note_text') order by ordered_at desc, seq desc limit 1"""
    page = PageId(door.scalar(sql, lead=lead, rep=rep))
    links: Links = door.house.desk.links
    return links.token_for(page)


def test_a_caller_waits_is_taken_and_held(door: Door) -> None:
    assert calls(door, "CA-held") == calls(door, "CA-held")
    row = row_of(door, "CA-held")
    waits = {"CallSid": "CA-held", "QueueTime": "3", "QueuePosition": "1"}
    assert verbs(door.twilio(path_of(urls.wait_url("", row.id)), waits).text) == ["Play"]
    leg = leg_of(door, row.lead_id, "ann")
    say = door.twilio(path_of(urls.hunt_say_url("", row.id, leg)), {"CallSid": "CA-ann"}).text
    assert verbs(say) == ["Gather", "Gather", "Hangup"]
    key = {"CallSid": "CA-ann", "Digits": "1"}
    path = path_of(urls.hunt_key_url("", row.id, leg))
    wrong = door.twilio(path, {"CallSid": "CA-ann", "Digits": "4"}).text
    assert "wrong=1" in wrong
    assert verbs(door.twilio(path, key).text) == ["Dial"]
    done = {
        "CallSid": "CA-ann",
        "CallStatus": "completed",
        "DialCallStatus": "completed",
        "DialBridged": "true",
        "DialCallDuration": "130",
    }
    assert verbs(door.twilio(path_of(urls.hunt_done_url("", row.id, leg)), done).text)
    assert [event.kind for event in door.timeline(row.lead_id)][-2:] == ["attempted", "contacted"]


def test_a_message_is_played_to_who_has_the_lead_and_to_nobody_else(
    door: Door, archive: Archive
) -> None:
    row = leaves_a_message(door, "CA-message")
    is_recorded(door, row)
    kinds = [event.kind for event in door.timeline(row.lead_id)]
    assert kinds.count("voicemail_received") == 1
    words = {"CallSid": "CA-message", "RecordingSid": RECORDING, "TranscriptionStatus": "completed"}
    told = {**words, "TranscriptionText": "This is Dana"}
    assert door.twilio(path_of(urls.transcript_url("", row.id)), told).status_code == 204
    token = link_of(door, row.lead_id, "ann")
    path = f"/r/{token}/voicemail/{RECORDING}"
    # Before it is theirs, they hear what the page offers them, and no more.
    offered = f"/voicemail/{RECORDING}" in door.http.get(f"/r/{token}").text
    assert (door.http.get(path).status_code == 200) is offered
    archive.asked.clear()
    pressed = {"do": "Claim", "card": token, "nonce": "a-nonce-of-the-test"}
    assert door.http.post(f"/r/{token}", data=pressed).status_code == 303
    heard = door.http.get(path)
    assert (heard.status_code, heard.content) == (200, SOUND)
    assert heard.headers["content-type"] == "audio/mpeg"
    assert heard.headers["cache-control"] == "no-store"
    part = door.http.get(path, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, SOUND[:10])
    assert part.headers["content-range"] == f"bytes 0-9/{len(SOUND)}"
    assert archive.asked == [None, "bytes=0-9"]
    page = door.http.get(f"/r/{token}").text
    assert f"{token}/voicemail/{RECORDING}" in page
    assert "Recordings" not in page
    forged = [f"/r/{token}/voicemail/RE{'0' * 32}", f"/r/{'x' * 16}/voicemail/{RECORDING}"]
    assert [door.http.get(each).status_code for each in forged] == [404, 404]
    archive.there = False
    assert door.http.get(path).status_code == 404


def test_a_colleague_is_asked_for_a_key(door: Door) -> None:
    menu = calls(door, "CA-colleague", ANN)
    gather = ElementTree.fromstring(menu).find("Gather")
    assert gather is not None
    action = urlsplit(gather.get("action") or "")
    fields = {"CallSid": "CA-colleague", "From": ANN, "To": MAIN_LINE, "Digits": "9"}
    answer = door.twilio(f"{action.path}?{action.query}", fields)
    assert verbs(answer.text) == ["Enqueue"]
    strange = {**fields, "From": CALLER, "Digits": "1"}
    assert verbs(door.twilio(f"{action.path}?{action.query}", strange).text) == ["Hangup"]


def test_the_sound_of_ringing_is_there_for_the_asking(door: Door) -> None:
    heard = door.http.get(urls.RINGING_PATH)
    assert heard.headers["content-type"] == "audio/wav"
    assert heard.content.startswith(b"RIFF")


def test_what_is_not_signed_or_is_no_call_of_ours_changes_nothing(door: Door) -> None:
    nobody, leg = CallId("none-of-our-calls-at-all"), PageId("none-of-our-legs-at-all")
    paths = [
        path_of(url)
        for url in (
            urls.wait_url("", nobody),
            urls.left_url("", nobody),
            urls.recorded_url("", nobody),
            urls.recording_url("", nobody),
            urls.transcript_url("", nobody),
            urls.hunt_say_url("", nobody, leg),
            urls.hunt_key_url("", nobody, leg),
            urls.hunt_done_url("", nobody, leg),
            urls.through_key_url("", "CAnobody"),
        )
    ]
    with door.house.ledger.snapshot() as conn:
        before = conn.execute(text("select count(*) from event")).scalar()
    fields = {
        "CallSid": "CAnobody",
        "From": CALLER,
        "To": MAIN_LINE,
        "Digits": "1",
        "QueueResult": "leave",
        "QueueTime": "-5",
        "DialBridged": "true",
        "DialCallDuration": "99999999",
        "RecordingSid": "RE" + "0" * 32,
        "RecordingStatus": "completed",
        "RecordingDuration": "1e9",
        "RecordingSource": "RecordVerb",
    }
    for path in paths:
        refused(door.unsigned(path, fields), 403, "forbidden")
        answer: httpx.Response = door.twilio(path, fields)
        assert answer.status_code in (200, 204), path
        assert "Dial" not in answer.text
        assert door.twilio(path, {"CallSid": "not a sid!"}).status_code in (200, 204)
    with door.house.ledger.snapshot() as conn:
        assert conn.execute(text("select count(*) from event")).scalar() == before
