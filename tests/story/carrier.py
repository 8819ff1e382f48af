"""The stand-in carrier as a story sees it: what it was asked, and what shall go wrong with it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tests.story.patience import PATIENCE_S

Json = dict[str, Any]

LONG_POLL_S = 2.0
LISTED_MAX = 5_000


@dataclass(frozen=True)
class Carrier:
    """The control API of one stand-in carrier."""

    http: httpx.Client

    def get(self, path: str, **params: object) -> Json:
        """Read something of it."""
        return self._answer(self.http.get(f"/sandbox/api/{path}", params=_written(params)))

    def post(self, path: str, body: object = None) -> Json:
        """Do something to it, or to a phone of its."""
        return self._answer(self.http.post(f"/sandbox/api/{path}", json=body))

    def will(self, where: str, do: str, **more: object) -> None:
        """From now on something goes wrong there; see the carrier's fault rules."""
        self.post("faults", [{"where": where, "do": do, **more}])

    def is_well_again(self) -> None:
        """Nothing goes wrong any more."""
        self.http.delete("/sandbox/api/faults").raise_for_status()

    def forgets_everything(self) -> None:
        """Empty phones, no faults, no opt-outs."""
        self.post("reset")

    def cursor(self) -> int:
        """The number of the latest thing that happened on any phone."""
        return int(self.get("phones")["cursor"])

    def was_asked_for(self, *words: str, kind: str = "messages", to: str = "") -> list[Json]:
        """The requests to send a text with these words (or, by kind, to place a call)."""
        asked: Sequence[Json] = self.get("requests", limit=LISTED_MAX)["requests"]
        return [
            each
            for each in asked
            if each["kind"] == kind
            and each["method"] == "POST"
            and not each["path"].removesuffix(".json").endswith(each["sid"] or "/")
            and to in ("", each["to"])
            and all(word in (each["body"] or "") for word in words)
        ]

    def is_being_asked_for(self, *words: str, kind: str = "messages") -> None:
        """Returns as soon as it is asked for this, be it answered yet or not."""
        ends_at, after = time.monotonic() + PATIENCE_S, 0
        while not self.was_asked_for(*words, kind=kind):
            assert time.monotonic() < ends_at, f"the carrier was never asked for {words}"
            after = int(self.get("requests", after=after, wait=LONG_POLL_S)["cursor"])

    def _answer(self, answer: httpx.Response) -> Json:
        assert answer.is_success, f"{answer.request.url}: {answer.status_code} {answer.text}"
        held: Json = answer.json()
        return held


def _written(params: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items()}
