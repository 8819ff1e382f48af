"""What may go wrong at this carrier, on demand: rules set by a test, used up and counted.

Knows which fault makes sense where; the texts, calls and courier files carry them out.
"""

import logging
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

RULES_MAX = 100
FAULT_SECONDS_MAX = 600.0

Where = Literal["messages", "calls", "lookups", "callbacks", "inbound", "documents"]
# What a callback tells of: a text, a call of the API, a leg of a <Dial>, machine detection ...
CallbackKind = Literal["text", "call", "leg", "detection", "recording", "transcription"]
# ... and what asks for a document: a call's beginning, or one of its verbs.
DocumentKind = Literal[
    "document",
    "gather",
    "redirect",
    "dial",
    "whisper",
    "enqueue",
    "wait",
    "dequeue",
    "record",
]
Do = Literal["delay", "lose", "duplicate", "reorder", "answer", "hang", "drop-after", "queue"]

ALLOWED: dict[str, frozenset[str]] = {
    "messages": frozenset(
        {
            "delay",
            "lose",
            "duplicate",
            "reorder",
            "answer",
            "hang",
            "drop-after",
            "queue",
        }
    ),
    "calls": frozenset({"delay", "lose", "answer", "hang", "drop-after", "queue"}),
    "lookups": frozenset({"delay", "answer", "hang"}),
    "callbacks": frozenset({"delay", "lose", "duplicate", "reorder"}),
    "inbound": frozenset({"delay", "lose", "duplicate"}),
    "documents": frozenset({"delay", "lose", "duplicate"}),
}


class FaultRule(BaseModel):
    """One rule. `to` and `event` narrow it; `times` bounds it; `seconds` are real seconds.

    `messages` and `calls` are the requests that create one; `lookups` are all other requests.
    `event` matches the status that a callback reports (`delivered`, `completed`, `human`, ...),
    `kind` what a callback tells of or what asks for a document.
    """

    model_config = ConfigDict(extra="forbid")

    where: Where
    do: Do
    to: str | None = None
    event: str | None = None
    kind: CallbackKind | DocumentKind | None = None
    seconds: float = Field(default=1.0, ge=0, le=FAULT_SECONDS_MAX)
    status: int | None = Field(default=None, ge=400, le=599)
    code: int | None = None
    times: int | None = Field(default=None, ge=1)
    retry_after: int | None = Field(default=None, ge=0)
    used: int = 0

    @model_validator(mode="after")
    def _makes_sense(self) -> "FaultRule":
        if self.do not in ALLOWED[self.where]:
            raise ValueError(f"{self.where} cannot {self.do}; it can {sorted(ALLOWED[self.where])}")
        return self

    def fits(self, where: str, do: str, to: str, event: str, kind: str) -> bool:
        spent = self.times is not None and self.used >= self.times
        return (
            not spent
            and (self.where, self.do) == (where, do)
            and self.to in (None, to)
            and self.event in (None, event)
            and self.kind in (None, kind)
        )


class FaultBook:
    """The rules in force, in the order they were given; the first that fits is used."""

    def __init__(self) -> None:
        self.rules: list[FaultRule] = []

    def add(self, rules: list[FaultRule]) -> None:
        """Raises ValueError when more than RULES_MAX rules would be in force."""
        if len(self.rules) + len(rules) > RULES_MAX:
            raise ValueError(f"at most {RULES_MAX} fault rules")
        self.rules.extend(rules)

    def use(
        self, where: Where, do: Do, to: str, event: str = "", kind: str = ""
    ) -> FaultRule | None:
        """The rule that applies to this, counted as used once; None if none does."""
        for rule in self.rules:
            if rule.fits(where, do, to, event, kind):
                rule.used += 1
                return rule
        return None


class DeliberateCut(logging.Filter):
    """Silences the server's complaint about an answer that a fault rule cut short on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "returned without completing response" not in record.getMessage()
