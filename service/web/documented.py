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
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _SCHEMA
        return document

    app.openapi = with_problem  # type: ignore[method-assign]  # FastAPI's documented way
