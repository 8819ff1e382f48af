"""How refusals stand in the OpenAPI document: one schema, and each status with its reasons.

This file only documents; `problems` answers.
"""

from typing import Any

from fastapi import FastAPI

from service.web.problems import MEDIA_TYPE, Kind, status_and_title

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "Which kind of problem; never changes."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to change."},
        "field": {"type": "string", "description": "The part of the request that was wrong."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "instance": {"type": "string", "description": "Names this one occurrence."},
    },
}


_SOURCE_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "The source's own key, as the team file has it.",
}

_FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")
"""Schemas of answers that `problems` replaces."""


def refusals(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may refuse in these ways."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status, title = status_and_title(kind)
        before = found.get(status, {}).get("description")
        found[status] = {
            "description": f"{before}; or: {title}" if before else title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return found


def complete(app: FastAPI) -> None:
    """Add the problem's schema to the document that the app makes of itself."""
    made = app.openapi

    def with_problem() -> dict[str, Any]:
        document = made()
        parts = document.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        schemas["Problem"] = _SCHEMA
        parts.setdefault("securitySchemes", {})["sourceKey"] = _SOURCE_KEY
        for path in document["paths"].values():
            for operation in path.values():
                _without_frameworks_own(operation["responses"])
        for name in _FRAMEWORKS_OWN:
            schemas.pop(name, None)
        return document

    app.openapi = with_problem  # type: ignore[method-assign]  # FastAPI's documented way


def _without_frameworks_own(responses: dict[str, Any]) -> None:
    """The framework claims of every path with a parameter that it may be wrong: a text cannot."""
    claimed = [
        status
        for status, response in responses.items()
        if _FRAMEWORKS_OWN[0] in str(response.get("content", ""))
    ]
    for status in claimed:
        del responses[status]
