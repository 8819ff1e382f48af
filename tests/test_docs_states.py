"""The page of states: all that the code can do is drawn, and each word in it is explained."""

from __future__ import annotations

import re

import pytest

from service.ledger.schema_leads import OUTBOX_STATES
from service.rules.standing import State
from service.rules.timeline import KIND_OF, Arrived
from tests import draw_states
from tests.test_docs import ROW, Block, blocks, read

STATES = read("states.md")


def test_every_kind_of_event_was_found_by_trying() -> None:
    found = {kind for _, kind in draw_states.lead_table()} | {KIND_OF[Arrived]}
    assert found == set(KIND_OF.values())


def test_what_is_closed_is_left_by_reopening_alone() -> None:
    left = {
        (move.before.state, move.kind)
        for move in draw_states.lead_moves()
        if not move.before.open and move.after.state is not move.before.state
    }
    assert left == {(State.SETTLED, "reopened")}


def test_every_state_of_a_lead_is_reached_and_explained() -> None:
    table = STATES.partition("### What each state means")[2].partition("\n### ")[0]
    assert {state for state, _ in ROW.findall(table)} == {state.value for state in State}
    assert set(State) == set(draw_states.reached())


def test_every_condition_of_the_drawing_is_explained() -> None:
    assert all(f"**{name}**" in STATES for name in draw_states.CONDITIONS)


def test_every_state_of_a_message_is_drawn_and_explained() -> None:
    said = set(draw_states.OUTBOX_WHEN)
    assert set(draw_states.outbox_pairs()) == said
    drawn = {state for pair in said for state in pair}
    table = STATES.partition("## A message")[2].partition("| state | means |")[2]
    assert drawn == set(OUTBOX_STATES) == {state for state, _ in ROW.findall(table)}


@pytest.mark.parametrize("block", blocks("mermaid"), ids=str)
def test_a_drawing_is_of_lines_that_mermaid_reads(block: Block) -> None:
    arrow = re.compile(r"(\[\*\]|[a-z_]+) --> (\[\*\]|[a-z_]+)(: [^:;\n]+)?")
    first, *lines = block.text.splitlines()
    assert first == "stateDiagram-v2"
    plain = [line.strip() for line in lines]
    assert [x for x in plain if not (arrow.fullmatch(x) or x in ("state open {", "}"))] == []
