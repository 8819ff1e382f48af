"""What the sender of a form gets to see: a thank-you, or why it was not sent.

A browser gets a page, a program JSON, by what each says that it accepts. Nothing of what was sent
is ever shown, so that no link can put words in our mouth. Which refusal it is, `problems` says.
"""

import json
from http import HTTPStatus
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from service.web.form_words import WORDS, Words, language_of, weighed
from service.web.problems import Kind

FORMS_PATH = "/forms/"

ACCEPT_LONGEST = 500
"""Characters of an Accept header that are read; browsers send some 150."""

_AGAIN = frozenset({Kind.TOO_MANY, Kind.LEDGER_UNAVAILABLE, Kind.LEAD_BUSY, Kind.TOO_SLOW})

_OF_THE_DOCUMENT = frozenset({"content-length", "content-type"})


class FormPages:
    """Draws both pages. Shared by all threads of a process."""

    def __init__(self) -> None:
        html = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._page = html.get_template("form.html")

    def thanks(
        self, headers: Headers, team: str, back: str | None, redirect: str | None
    ) -> Response:
        """The answer to a form that was taken, or looked so to the program that sent it."""
        if redirect is not None:
            return RedirectResponse(redirect, HTTPStatus.SEE_OTHER)
        language = language_of(headers.get("accept-language"))
        words = WORDS[language]
        page = self._page.render(
            language=language,
            title=words.thanks,
            says=words.received.format(team=team),
            back=back,
            back_says=words.back,
            detail=None,
        )
        return HTMLResponse(page)

    def dress(self, request: Request, answer: JSONResponse) -> Response:
        """A refusal as its causer can read it: a page for a browser that sent a form, else the
        problem document. Its status and headers stay."""
        if not request.scope["path"].startswith(FORMS_PATH):
            return answer
        answer.headers.update(open_to(getattr(request.state, "origin", None)))
        if not prefers(request.headers, "text/html", over="application/json"):
            return answer
        document = json.loads(bytes(answer.body))
        language = language_of(request.headers.get("accept-language"))
        words = WORDS[language]
        page = self._page.render(
            language=language,
            title=words.not_sent,
            says=_advice(document["type"], words),
            back=None,
            back_says="",
            detail=f"{document['status']}: {document.get('detail') or document['title']}",
        )
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _OF_THE_DOCUMENT}
        return HTMLResponse(page, answer.status_code, headers=kept)


def prefers(headers: Headers, kind: str, *, over: str) -> bool:
    """Whether the caller asks for this kind of answer by name, and not less than for the other."""
    given = headers.get("accept", "")[:ACCEPT_LONGEST]
    weights = dict(map(weighed, given.split(",")))
    return weights.get(kind, 0.0) > 0 and weights[kind] >= weights.get(over, 0.0)


def open_to(origin: str | None) -> dict[str, str]:
    """Headers that let a page of this origin read the answer (CORS); it was looked up before."""
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}


def _advice(problem: str, words: Words) -> str:
    kind = problem.rpartition("/")[2]
    if kind in _AGAIN:
        return words.again_soon
    return {Kind.UNREADABLE: words.incomplete, Kind.TOO_LARGE: words.too_large}.get(
        Kind(kind) if kind in set(Kind) else Kind.INTERNAL, words.broken
    )
