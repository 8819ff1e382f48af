"""A step's changes in readable lines. No random id is ever told, so that two runs read alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.rules.timeline import to_fields
from tests.sim.seen import Changes, Seen

_LINK = re.compile(r"/r/[A-Za-z0-9_-]+")


def changes(seen: Seen, found: Changes) -> Iterator[str]:
    """Each event, each message that moved, and each look that is asked for."""
    for lead_id, event in found.events:
        yield f"{seen.name(lead_id)}.{event.seq} {event.kind} {fields(seen, to_fields(event.fact))}"
    for moved in found.rows:
        now = moved.now
        was = f"{moved.before['state']} -> " if moved.before else ""
        status = f", {now['carrier_status']}" if now["carrier_status"] else ""
        said = f": {_LINK.sub('/r/...', now['body'])!r}" if moved.before is None else ""
        yield f"{seen.page_name(now['id'])}: {was}{now['state']}{status}{said}"
    for _before, row in found.leads:
        look = (row["look_again_at"] or "never")[:23]
        owner = f", {row['owner']}'s" if row["owner"] else ""
        yield f"{seen.name(row['id'])} is {row['state']}{owner}, look again at {look}"


def fields(seen: Seen, held: Mapping[str, Any]) -> str:
    """A fact's fields, its page by name."""
    shown = {
        name: seen.page_name(value) if name in ("page_id", "leg") else value
        for name, value in held.items()
        if name not in ("call_id", "message_id")
    }
    shown.pop("page_id" if "rung" in held else "", None)
    return " ".join(f"{name}={value}" for name, value in shown.items())
