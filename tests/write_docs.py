"""Writes the parts of the documentation that are read off the code: `python -m tests.write_docs`.

A generated part stands between two marks in a file that a person writes. `tests/test_docs.py`
holds that each is up to date. This file must not change a word outside the marks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import get_args

from service.cli import COMMANDS
from service.config import NAMES
from service.intake.fields import RANKS, UNMISTAKABLE, Field
from service.rules import spoken, wording, wording_calls
from service.rules.call_facts import Owing
from service.rules.causes import Cause
from service.rules.lead import Lead
from service.rules.policy import Calls
from service.rules.replies import ENDING_OF
from service.rules.timeline import Ending
from service.sandbox.faults import ALLOWED, Do
from service.web.problems import Kind, status_and_title
from tests import draw_states
from tests.rules import call_table as calls

ROOT = Path(__file__).parent.parent

MARK = re.compile(r"(<!-- generated: (?P<part>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def commands() -> str:
    """Every command, with the sentence that the help shows."""
    rows = [(f"`speedtolead {name}`", does) for name, does in COMMANDS.items()]
    return table(("command", "does"), rows)


def settings() -> str:
    """Every environment variable."""
    rows = [
        (f"`{name.env}`{' (secret)' if name.secret else ''}", name.meaning, _default(name.default))
        for name in NAMES
    ]
    return table(("name", "meaning", "default"), rows)


def problems() -> str:
    """Every kind of refusal."""
    rows = []
    for kind in Kind:
        status, title = status_and_title(kind)
        rows.append((str(status), f"`/problems/{kind.value}`", title))
    return table(("status", "`type`", "`title`"), sorted(rows))


def fields() -> str:
    """What intake calls each field, and the spellings that it takes for it."""
    spellings: dict[Field, list[str]] = {field: [] for field in Field}
    for spelling, (field, _) in sorted(RANKS.items(), key=lambda entry: entry[1][1]):
        spellings[field].append(_spelled(spelling))
    rows = [(f"`{field}`", " ".join(words)) for field, words in spellings.items()]
    return table(("field", "spellings, best first"), rows)


def faults() -> str:
    """Which fault may be asked for where."""
    kinds = get_args(Do)
    rows = [
        (f"`{where}`", *("yes" if do in able else "" for do in kinds))
        for where, able in ALLOWED.items()
    ]
    return table(("`where`", *(f"`{do}`" for do in kinds)), rows)


DIGIT_OF = {ending: digit for digit, ending in ENDING_OF.items()}

# Whom the samples are about. The source's name is the place where a text can name the company.
DANA = Lead(
    name="Dana Fox", phone="+12125550199", city="Albany", state="NY", ask="Solar panels for a barn"
)
SOURCE_NAME = "Sunrise Solar website"
LINK = "https://leads.example.com/r/wSl41SHA3kTq9ZbC"


def texts() -> str:
    """Every kind of text that a carrier's reviewer may want to see, as it is really sent."""
    two = [wording.Waiting(DANA, "A"), wording.Waiting(Lead(name="Eli Roe"), "B")]
    second, after_s = Cause(Owing.SECOND_CALL, call="2nd"), Calls().take_back_after_s
    return block(
        wording.page_text(clock="12:04", lead=DANA, source_name=SOURCE_NAME, link=LINK),
        wording.bundle_text(clock="12:04", waiting=two, link=LINK),
        wording_calls.ringing(DANA, first_name="Ann"),
        wording_calls.missed_ring(DANA),
        wording_calls.ask(DANA),
        wording_calls.owed(DANA, second, clock="12:19", by="12:34", rings=True, link=LINK),
        wording.taken("Ann Lee", DANA),
        wording.taken_back(DANA, after_s=after_s),
        wording.logged(DANA, Ending.BOOKED),
    )


def said() -> str:
    """What a rep hears on a call that pages, and when the lead has hung up."""
    return block(
        spoken.spoken_page(lead=DANA, source_name=SOURCE_NAME, connects=True),
        spoken.ask_outcome(),
    )


def whispered() -> str:
    """What a rep hears who took a lead by text, and is rung."""
    return block(spoken.whisper(DANA, SOURCE_NAME))


def said_to_colleague() -> str:
    """What a rep hears who calls the number while nothing is waiting for them."""
    return block(spoken.nothing_waiting())


def lead_table() -> str:
    """Which event leads where, from each state."""
    states = [f"`{state.value}`" for state in draw_states.reached()]
    return table(("event", *states), draw_states.lead_rows())


def outbox_table() -> str:
    """Which changes of a message's state the ledger allows."""
    return table(("from", "to", "when"), draw_states.outbox_rows())


def call_table() -> str:
    """What the carrier told of a lead's first call, and what follows."""
    rows = [
        (row.fact, _graded(row.events), "yes" if row.asks else "", row.owed) for row in calls.ROWS
    ]
    return table(("the carrier's word", "events", "is the rep asked", "owed next"), rows)


def said_table() -> str:
    """What a rep's digit adds to it."""
    rows = [
        (row.fact, f"{DIGIT_OF[row.digit]} `{row.digit.value}`", _graded(row.events), row.owed)
        for row in calls.SAID
    ]
    return table(("the carrier's word", "the rep's", "events", "owed next"), rows)


def _graded(events: Sequence[str]) -> str:
    """``attempted`` A, ``no_answer`` A."""
    named = (event.partition(" ") for event in events)
    return ", ".join(f"`{kind}` {grade}" for kind, _, grade in named)


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "settings": settings,
    "problems": problems,
    "fields": fields,
    "faults": faults,
    "texts": texts,
    "said": said,
    "whispered": whispered,
    "said-to-colleague": said_to_colleague,
    "lead-diagram": draw_states.lead_diagram,
    "lead-table": lead_table,
    "call-table": call_table,
    "said-table": said_table,
    "outbox-diagram": draw_states.outbox_diagram,
    "outbox-table": outbox_table,
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def block(*lines: str) -> str:
    """A fenced block of text: what is sent or said, word for word."""
    body = "\n".join(lines)
    return f"```text\n{body}\n```\n"


def written(text: str) -> str:
    """The document with every generated part made anew. An unknown part is a KeyError."""
    return MARK.sub(lambda found: f"{found[1]}{PARTS[found['part']]()}{found[3]}", text)


def documents() -> list[Path]:
    """Every Markdown file of the project that a reader may open."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _default(text: str) -> str:
    return f"`{text}`" if re.fullmatch(r"[\w.:/]+", text) and text != "none" else text


def _spelled(word: str) -> str:
    return f"**{word}**" if word in UNMISTAKABLE else word


def main() -> None:
    """Write every document whose generated parts have changed, and say which."""
    for path in documents():
        before = path.read_text(encoding="utf-8")
        after = written(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
