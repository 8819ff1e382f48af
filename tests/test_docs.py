"""The documentation is held to the code: nothing is left out, nothing leads nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.cli import COMMANDS
from service.config import NAMES, load
from service.ledger.lead_rows import LeadRow, LeadView
from service.rules.folding import fold
from service.rules.lead import SourceId
from service.rules.standing import State
from service.rules.timeline import KIND_OF, Arrived, Event, Fact
from service.sandbox.app import CarrierConfig
from service.sandbox.app import create_app as create_carrier
from service.web.app import create_app
from service.web.problems import Kind
from service.web.views import whole_lead
from service.wiring import build
from tests.write_docs import PARTS, ROOT, documents, written

DOCS = ROOT / "docs"
ALL = documents()

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ROW = re.compile(r"^\| `([a-z_]+)` \|([^|]*)\|", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A piece of code in a document."""

    path: Path
    language: str
    text: str

    def __str__(self) -> str:
        first = self.text.strip().partition("\n")[0]
        return f"{self.path.name}: {first[:40]}"


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    return [
        Block(path, found[1], found[2])
        for path in ALL
        for found in FENCE.finditer(path.read_text(encoding="utf-8"))
        if found[1] in languages
    ]


def named_in(text: str) -> set[str]:
    """Everything that stands in code marks."""
    return set(CODE.findall(FENCE.sub("", text)))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_generated_parts_are_up_to_date(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert written(text) == text, "run `python -m tests.write_docs`"


def test_every_generated_part_is_somewhere() -> None:
    marks = "".join(path.read_text(encoding="utf-8") for path in ALL)
    assert {part for part in PARTS if f"<!-- generated: {part} -->" not in marks} == set()


# Links


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    dead = [link for link in LINK.findall(text) if not _leads_somewhere(path, link)]
    assert dead == []


def _leads_somewhere(path: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme:
        return parts.scheme in ("http", "https")
    target = (path.parent / parts.path).resolve() if parts.path else path
    if not target.exists():
        return False
    return not parts.fragment or parts.fragment in _anchors(target)


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def test_every_page_is_on_the_map() -> None:
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert pages <= set(LINK.findall(read("README.md")))


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in DOCS.rglob("*.png")}
    assert sizes
    assert all(size < 300_000 for size in sizes.values()), sizes


# Events and states


@pytest.mark.parametrize("fact", KIND_OF, ids=lambda fact: KIND_OF[fact])
def test_every_event_is_described_with_its_fields(fact: type[Fact]) -> None:
    rows = dict(ROW.findall(read("events.md").partition("## Every kind")[2].partition("\n## ")[0]))
    described = set(CODE.findall(rows[KIND_OF[fact]]))
    assert described == {each.name.rstrip("_") for each in fields(fact)}


def test_no_event_is_described_that_does_not_exist() -> None:
    table = read("events.md").partition("## Every kind")[2].partition("\n## ")[0]
    assert {kind for kind, _ in ROW.findall(table)} == set(KIND_OF.values())


def test_every_state_is_described() -> None:
    table = read("events.md").partition("## States")[2].partition("\n## ")[0]
    assert {state for state, _ in ROW.findall(table)} >= {state.value for state in State}


def test_every_field_of_the_standing_is_described() -> None:
    at = datetime(2026, 3, 4, tzinfo=UTC)
    nothing: dict[str, Any] = dict.fromkeys(each.name for each in fields(LeadRow))
    view = LeadView(LeadRow(**{**nothing, "state": State.WAITING.value, "owed": ()}), None)
    timeline = (Event(1, at, at, "", "", Arrived(SourceId("website"), at, False, True)),)
    shown = whole_lead(view, fold(timeline), timeline)["standing"]
    described = named_in(read("events.md").partition("## The standing")[2])
    assert set(shown) <= described, set(shown) - described


# Commands, settings


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"`speedtolead {name}`" in readme for name in COMMANDS)


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in ALL:
        code = "\n".join(re.findall(r"`([^`]+)`", path.read_text(encoding="utf-8")))
        named = set(re.findall(r"^make ([a-z]+)", code, re.MULTILINE))
        assert named <= targets, f"{path.name}: {named - targets}"


def test_every_setting_is_documented() -> None:
    page = read("configuration.md")
    assert all(f"`{name.env}`" in page for name in NAMES)


def test_no_setting_is_named_that_does_not_exist() -> None:
    known = {name.env for name in NAMES}
    known |= {f"{name.env}_FILE" for name in NAMES if name.secret}
    for path in ALL:
        named = set(re.findall(r"SPEEDTOLEAD_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8")))
        assert named <= known, f"{path.name}: {named - known}"


# HTTP


def test_every_refusal_is_documented() -> None:
    assert all(f"`/problems/{kind.value}`" in read("api.md") for kind in Kind)


def test_every_address_is_documented(tmp_path: Path) -> None:
    settings = load(
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1",
        secret_key="a key of a test that signs nothing at all",
        data_dir=tmp_path,
    )
    house = build(settings, "docs")
    try:
        found = set(_addresses(create_app(house).openapi()))
    finally:
        house.ledger.dispose()
        house.redis.close()
    page = read("api.md")
    assert {each for each in found if each not in page} == set()


def _addresses(document: dict[str, dict[str, dict[str, object]]]) -> Iterator[str]:
    """As the page writes them: `id` is a source's in one place and a lead's in another."""
    for path, methods in document["paths"].items():
        for method in methods:
            source = (method, path) == ("post", "/leads/{id}")
            shown = path.replace("{id}", "{source}" if source else "{lead_id}")
            yield f"{method.upper()} {shown}"


# Its description is made for this test only; nobody calls its operations by their ids.
@pytest.mark.filterwarnings("ignore:Duplicate Operation ID")
def test_every_address_of_the_stand_in_is_documented() -> None:
    carrier = CarrierConfig("AC0", "token", sms_url="", voice_url="")
    page = read("sandbox.md")
    prefix = "/sandbox/api"
    found = {
        f"{method.upper()} {path.removeprefix(prefix)}"
        for path, methods in create_carrier(carrier).openapi()["paths"].items()
        for method in methods
        if path.startswith(prefix)
    }
    described = {each.partition("?")[0] for each in named_in(page)}
    described.add("POST /calls/{sid}/{act}")  # the page names each act
    assert found
    assert found <= described, found - described


# Code


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_compiles(block: Block) -> None:
    compile(block.text, str(block.path), "exec")


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_every_block_says_its_language(path: Path) -> None:
    languages = {found[1] for found in FENCE.finditer(path.read_text(encoding="utf-8"))}
    assert languages <= {"sh", "text", "python", "yaml", "json", "promql", "mermaid"}
