"""The first page: what this is, and where to go from here."""

from html import escape
from http import HTTPStatus

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.config import Settings
from service.web.documented import refusals
from service.web.problems import Declined, Kind
from service.web.version import VERSION

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Speed to lead</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/page.css">
</head>
<body>
<main>
<h1>Speed to lead</h1>
<p class="lead">Pages the rep on duty the moment a lead arrives, escalates silence, and tells the
truth about response times.</p>
<ul>
{links}
</ul>
<footer>Version {version}</footer>
</main>
</body>
</html>
"""
_LINK = '<li><a href="{path}"><b>{name}</b><span>{what}</span></a></li>'

_SANDBOX = ("/sandbox", "Phones", "Try it: be the lead, and answer as the rep, on made-up phones")
_LINKS = (
    ("/ready", "Ready?", "Whether each part of the service does its work"),
    ("/metrics", "Metrics", "For Prometheus, with how long leads wait"),
    ("/docs", "Interface", "How to hand in leads and read them back"),
)


class FrontPage:
    """`/`, and the way to the stand-in carrier's phones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.router = APIRouter(tags=["pages"])
        self.router.add_api_route(
            "/", self.front, methods=["GET"], summary="The first page", response_class=HTMLResponse
        )
        self.router.add_api_route(
            "/sandbox",
            self.sandbox,
            methods=["GET"],
            summary="To the stand-in carrier's phones",
            status_code=HTTPStatus.SEE_OTHER,
            response_class=RedirectResponse,
            responses=refusals(Kind.NOT_FOUND),
        )

    async def front(self) -> HTMLResponse:
        links = (_SANDBOX, *_LINKS) if self._settings.uses_stand_in else _LINKS
        listed = "\n".join(
            _LINK.format(path=path, name=escape(name), what=escape(what))
            for path, name, what in links
        )
        return HTMLResponse(_PAGE.format(links=listed, version=escape(VERSION)))

    async def sandbox(self) -> Response:
        if not self._settings.uses_stand_in:
            raise Declined(Kind.NOT_FOUND, "With a real carrier there are no phones to show here.")
        where = f"{self._settings.sandbox_url}/sandbox"
        return RedirectResponse(where, HTTPStatus.SEE_OTHER)
