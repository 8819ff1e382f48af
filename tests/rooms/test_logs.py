"""Log lines as another program reads them: JSON on stderr, without numbers, words or secrets."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.logs import mask

ROOT = Path(__file__).parents[2]


def lines_of(program: str, level: str = "info") -> list[dict[str, Any]]:
    """What a process with our logging writes to stderr while it runs `program`."""
    start = "import logging, threading, structlog\nfrom service import logs\n"
    early = "early = structlog.get_logger('early')\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{start}{early}logs.configure({level!r}, 'web')\n{program}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+12125550101", "+1•••••0101"),
        ("call +442071838750 now", "call +4•••••8750 now"),
        ("+1 (212) 555-0101", "+1•••••0101"),
        ("From=%2B12125550101&To=%2b12125550102", "From=+1•••••0101&To=+1•••••0102"),
        ("+2901234", "+2•••••34"),
        ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"),
        ("SM00000000000000000000000000000001", "SM00000000000000000000000000000001"),
    ],
)
def test_a_phone_number_shows_its_last_digits_only(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_our_lines_say_who_when_what_and_why() -> None:
    [line] = lines_of("early.info('page.sent', because='rung 1', page_id=7)")
    assert list(line)[:5] == ["timestamp", "level", "process", "event", "because"]
    assert line["process"] == "web"
    assert line["page_id"] == 7
    assert line["timestamp"].endswith("Z")


def test_words_and_secrets_are_left_out_at_any_depth() -> None:
    [line] = lines_of(
        "early.info('heard', body='b', ask='a', text='t', auth_token='s', "
        "form={'Body': 'b', 'From': '+12125550101', 'media': [{'text': 't', 'n': 1}]})"
    )
    assert line["form"] == {"From": "+1•••••0101", "media": [{"n": 1}]}
    assert not {"body", "ask", "text", "auth_token"} & line.keys()


def test_libraries_speak_the_same_way_or_not_at_all() -> None:
    lines = lines_of(
        "logging.getLogger('another.package').warning('call to %s failed', '+12125550101')\n"
        "logging.getLogger('twilio.http_client').info('GET /Messages?To=...')\n"
        "logging.getLogger('uvicorn.access').error('GET /r/token')\n"
        "logging.getLogger('uvicorn.error').info('started')\n"
    )
    assert [line["event"] for line in lines] == ["call to +1•••••0101 failed", "started"]


def test_the_level_is_heeded() -> None:
    lines = lines_of("early.info('no'); early.warning('yes')", level="warning")
    assert [line["event"] for line in lines] == ["yes"]


def test_an_uncaught_exception_is_one_line_and_masked() -> None:
    lines = lines_of(
        "thread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()\n"
        "raise ValueError('no such number: +12125550101')"
    )
    assert [line["event"] for line in lines] == ["thread.failed", "process.failed"]
    assert lines[1]["because"] == "ValueError"
    assert "+1•••••0101" in lines[1]["exception"]
    assert "+12125550101" not in json.dumps(lines)
