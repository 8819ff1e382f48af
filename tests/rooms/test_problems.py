"""Every refusal is a problem document, and gives nothing away."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from structlog.testing import capture_logs

from service.errors import LeadBusy, LedgerUnavailable, LineError, NotAllowed, SourceError
from service.web.problems import MEDIA_TYPE, Declined, Kind, install, problem

KINDS = {
    Kind.BAD_REQUEST: 400,
    Kind.UNAUTHORIZED: 401,
    Kind.FORBIDDEN: 403,
    Kind.UNKNOWN_SOURCE: 404,
    Kind.NOT_FOUND: 404,
    Kind.METHOD_NOT_ALLOWED: 405,
    Kind.TOO_SLOW: 408,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED_MEDIA_TYPE: 415,
    Kind.UNREADABLE: 422,
    Kind.TOO_MANY: 429,
    Kind.INTERNAL: 500,
    Kind.LEAD_BUSY: 503,
    Kind.LEDGER_UNAVAILABLE: 503,
}


class Ask(BaseModel):
    phone: str
    vans: int


def app_raising(error: Exception) -> FastAPI:
    app = FastAPI()
    install(app)

    @app.post("/break/{token}")
    async def breaks(token: str) -> None:
        raise error

    @app.post("/ask")
    async def asks(ask: Ask) -> Ask:
        return ask

    return app


def call(app: FastAPI, method: str, path: str, **sent: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        door = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=door, base_url="http://front.door") as client:
            return await client.request(method, path, **sent)

    return asyncio.run(once())


def answer_to(error: Exception) -> httpx.Response:
    return call(app_raising(error), "POST", "/break/s3cret-token")


def document(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    assert told["status"] == answer.status_code
    assert told["title"]
    return told


def test_every_kind_has_its_status() -> None:
    assert set(KINDS) == set(Kind)


@pytest.mark.parametrize(("kind", "status"), KINDS.items())
def test_a_kind_becomes_a_document(kind: Kind, status: int) -> None:
    told = document(answer_to(Declined(kind, "Say it another way.")))
    assert told["status"] == status
    assert told["type"] == f"/problems/{kind.value}"
    assert told["detail"] == "Say it another way."
    assert "field" not in told


def test_whoever_has_no_key_is_told_which_kind_is_wanted() -> None:
    assert answer_to(NotAllowed("a key is needed")).headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("wait_s", "header"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.01, "2")])
def test_a_wait_is_rounded_up_to_whole_seconds(wait_s: float, header: str) -> None:
    answer = answer_to(Declined(Kind.TOO_MANY, "Too many.", retry_after_s=wait_s))
    assert answer.headers["retry-after"] == header


@pytest.mark.parametrize(
    ("error", "kind", "retries"),
    [
        (SourceError("expected one text", field="phone"), Kind.UNREADABLE, False),
        (NotAllowed("no such key"), Kind.UNAUTHORIZED, False),
        (LeadBusy("held by 4711"), Kind.LEAD_BUSY, True),
        (LedgerUnavailable("host db.internal refused"), Kind.LEDGER_UNAVAILABLE, True),
        (HTTPException(404), Kind.NOT_FOUND, False),
        (HTTPException(401), Kind.UNAUTHORIZED, False),
        (HTTPException(413, "too big"), Kind.TOO_LARGE, False),
    ],
)
def test_an_error_says_who_is_at_fault(error: Exception, kind: Kind, retries: bool) -> None:
    answer = answer_to(error)
    told = document(answer)
    assert told["type"] == f"/problems/{kind.value}"
    assert told.get("field") == getattr(error, "field", None)
    assert ("retry-after" in answer.headers) is retries
    assert "db.internal" not in answer.text


def test_the_frameworks_own_answers_are_documents_too() -> None:
    app = app_raising(RuntimeError())
    assert document(call(app, "GET", "/nowhere"))["type"] == "/problems/not-found"
    wrong_method = call(app, "GET", "/ask")
    assert document(wrong_method)["type"] == "/problems/method-not-allowed"
    assert wrong_method.headers["allow"] == "POST"


def test_a_status_without_a_kind_is_only_its_phrase() -> None:
    told = document(answer_to(HTTPException(418, "short and stout", {"X-Spout": "1"})))
    assert told["type"] == "about:blank"
    assert told["title"] == "I'm a Teapot"
    assert document(answer_to(HTTPException(599)))["title"] == "Error"


def test_wrong_fields_are_named_and_not_repeated() -> None:
    answer = call(app_raising(RuntimeError()), "POST", "/ask", json={"vans": "Dana's three"})
    told = document(answer)
    assert told["status"] == 422
    assert told["field"] == "phone"
    assert [error["field"] for error in told["errors"]] == ["phone", "vans"]
    assert "Dana" not in answer.text


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"\xff"])
def test_a_body_that_is_no_json_is_a_document_too(body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = call(app_raising(RuntimeError()), "POST", "/ask", content=body, headers=headers)
    assert document(answer)["status"] in {400, 422}


@pytest.mark.parametrize("error", [ZeroDivisionError("Dana +12125550101"), LineError("no", False)])
def test_what_nobody_foresaw_gives_only_a_reference(error: Exception) -> None:
    with capture_logs() as lines:
        answer = answer_to(error)
    told = document(answer)
    assert told["type"] == "/problems/internal"
    assert str(error) not in {told["detail"], told["title"]}
    assert "Dana" not in answer.text
    assert "Traceback" not in answer.text
    [line] = lines
    assert told["instance"] == f"urn:uuid:{line['reference']}"
    assert line["because"] == type(error).__name__
    assert line["route"] == "/break/{token}", "the path itself may be a key"


def test_what_a_caller_wrote_comes_back_tidied_and_cut() -> None:
    body = bytes(
        problem(Kind.UNREADABLE, "\ud83d\u202e" + "x" * 900, field="\ud83d\x00f" * 99).body
    )
    assert b"\\u0000" not in body
    assert len(body) < 800
